"""The file of a gateway: it is true after failures, fair between holders, and bounded."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from tinycontainer.network.agent.requests.message import (
    CoapAnswer,
    CoapRequest,
    Code,
    Format,
    Method,
)
from tinycontainer.network.gateway.directory.registrations import Registration
from tinycontainer.network.gateway.job import Job, JobEvent
from tinycontainer.network.gateway.store import ROW_BYTES, GatewayStore, NewJob
from tinycontainer.state.database import StateFileError

CHANGE = CoapRequest(b"", Method.PUT, ("tc", "c", "62"), (), (), b"p" * 1000)
ANSWER = CoapAnswer(Code.CONTENT, b"a" * 1000, Format.CBOR, ((4, b"tag"),))
BOX = Registration("box", "", "box", "0" * 16, "coap://127.0.0.1:5683", 300, 1000.0, 60, 10)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GatewayStore]:
    """A file that writes renewals when it is closed."""
    found = GatewayStore(tmp_path / "gateway.db", lambda _s, _call: None)
    yield found
    found.close()


def end(store: GatewayStore, owner: str, number: int, device: str = "box") -> Job:
    """Add a job that ends."""
    job = store.add_job(NewJob(f"{owner} {number}", device, owner, CHANGE, 1.0, 2.0))
    job = store.change_job(job, JobEvent.SEND, 1.0)
    return store.change_job(job, JobEvent.ANSWER, 1.0, ANSWER)


def test_an_answer_is_kept_as_it_came(store: GatewayStore) -> None:
    job = end(store, "me", 1)
    found = store.find_job(job.id)
    assert found is not None
    assert found.answer == ANSWER


@pytest.mark.clause("TC-GW-51")
def test_nobody_makes_the_jobs_of_another_disappear(store: GatewayStore) -> None:
    mine = [end(store, "me", number).id for number in range(3)]
    for number in range(120):
        end(store, "flood", number)
    assert [each.id for each in store.jobs_of("box", "me", 100)] == mine[::-1]
    store.forget_jobs(0.0, 50)
    assert store.count_jobs() == {"done": 50}
    assert [each.id for each in store.jobs_of("box", "me", 100)] == mine[::-1]
    assert [each.id for each in store.jobs_of("box", "flood", 1)] == ["flood 119"]


def test_a_list_of_jobs_has_no_payloads(store: GatewayStore) -> None:
    end(store, "me", 1)
    store.add_job(NewJob("waits", "box", "me", CHANGE, 1.0, 2.0))
    waits, done = store.jobs_of("box", "me", 100)
    assert (waits.request.payload, waits.answer) == (b"", None)
    assert done.answer == replace(ANSWER, payload=b"")


def test_blobs_make_room_however_small_they_are(store: GatewayStore) -> None:
    most = 100 * (ROW_BYTES + 4)
    began_s = time.monotonic()
    contents = [number.to_bytes(4, "big") for number in range(300)]
    for number, content in enumerate(contents):
        store.keep_blob(sha256(content).digest(), content, float(number), most)
    assert time.monotonic() - began_s < 30
    found = [store.blob(sha256(content).digest(), 300.0) for content in contents]
    assert found == [None] * 200 + contents[200:]


def test_a_blob_that_is_kept_again_counts_once(store: GatewayStore) -> None:
    contents = [bytes([number]) * 10 for number in range(3)]
    for number in range(20):
        content = contents[number % 3]
        store.keep_blob(sha256(content).digest(), content, float(number), 3 * (ROW_BYTES + 10))
    assert [store.blob(sha256(each).digest(), 1e6) for each in contents] == contents


def test_what_could_not_be_kept_is_not_taken_for_kept(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    store = GatewayStore(path, lambda _s, _call: None)
    store.keep_registration(BOX)
    path.rename(tmp_path / "away.db")
    changed = replace(BOX, sleep_s=5, renewed_s=1001.0)
    with pytest.raises(StateFileError):
        store.keep_registration(changed)
    with pytest.raises(StateFileError):
        store.forget_registration("box", "")
    (tmp_path / "away.db").rename(path)
    store.keep_registration(replace(changed, renewed_s=1002.0))
    store.close()
    again = GatewayStore(path, lambda _s, _call: None)
    assert again.registrations() == [replace(changed, renewed_s=1002.0)]
    again.close()


def test_renewals_that_cannot_be_written_are_lost_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    store = GatewayStore(path, lambda _s, _call: None)
    store.keep_registration(BOX)
    store.keep_registration(replace(BOX, renewed_s=1001.0))
    path.rename(tmp_path / "away.db")
    store.close()
    (tmp_path / "away.db").rename(path)
    again = GatewayStore(path, lambda _s, _call: None)
    assert again.registrations() == [BOX]
    again.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE job SET state = 'lost'",
        "UPDATE job SET request = x'ff'",
        "UPDATE job SET request = x'80'",
        "UPDATE job SET answer = x'01'",
        "UPDATE registration SET base = 'http://elsewhere'",
        "UPDATE registration SET attributes = '{'",
        "UPDATE registration SET sleep_s = -1",
    ],
)
def test_a_file_with_a_damaged_row_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "gateway.db"
    store = GatewayStore(path, lambda _s, _call: None)
    store.keep_registration(BOX)
    end(store, "me", 1)
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(StateFileError, match=r"^gateway\.db: is damaged"):
        GatewayStore(path, lambda _s, _call: None)
