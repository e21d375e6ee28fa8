"""A gateway dies at each of its commits, before or after it: no job is lost, none done twice."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

pytest.importorskip("aiocoap")

from tinycontainer.network.agent.requests.message import (
    CoapAnswer,
    CoapRequest,
    Code,
    Method,
    Option,
)
from tinycontainer.network.gateway.devices.devices import Answered
from tinycontainer.network.gateway.devices.doubts import Doubts
from tinycontainer.network.gateway.devices.jobs import JobLimits, Jobs, can_be_repeated
from tinycontainer.network.gateway.job import Job, JobState
from tinycontainer.network.gateway.store import GatewayStore
from tinycontainer.state.database import Database

KILLED = 9
REQUESTS = (
    CoapRequest(b"", Method.POST, ("tc", "c", "62"), ("start", "id=" + "0" * 16)),
    CoapRequest(b"", Method.PUT, ("container", ""), (), ((65001, b"\x02"),)),
    CoapRequest(b"", Method.POST, ("device-id", ""), (), (), b"desk 7"),
    CoapRequest(b"", Method.POST, (), (), ((int(Option.OSCORE), b"\x09\x01k"),), b"sealed"),
)
ANSWER = CoapAnswer(Code.CHANGED, b"s", None, ((int(Option.OSCORE), b""),))


@dataclass
class Done:
    """What a device has done, kept whatever becomes of the gateway; it sees repetitions."""

    path: Path
    doubts: Doubts = field(default_factory=Doubts)

    def is_awake(self, _name: str) -> bool:
        """Whether a device is awake: it is."""
        return True

    async def ask(self, _name: str, request: CoapRequest) -> Answered:
        """Do what is asked."""
        line = repr(replace(request, payload=b""))
        if not (can_be_repeated(request) and line in self.done()):
            note(self.path, line)
        await asyncio.sleep(0)
        return Answered(ANSWER)

    def done(self) -> list[str]:
        """All that was done."""
        return self.path.read_text().splitlines() if self.path.exists() else []


def note(path: Path, line: str) -> None:
    """Add a line to a file."""
    with path.open("a") as file:
        file.write(line + "\n")


@contextmanager
def dying(at: int, *, is_after: bool) -> Iterator[None]:
    """End this process at a commit."""
    original = Database.transaction
    count = 0

    @contextmanager
    def transaction(self: Database) -> Iterator[object]:
        nonlocal count
        count += 1
        with original(self) as connection:
            yield connection
            if count == at and not is_after:
                os._exit(KILLED)
        if count == at:
            os._exit(KILLED)

    Database.transaction = transaction  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Database.transaction = original  # type: ignore[method-assign]


def run(directory: Path, requests: tuple[CoapRequest, ...]) -> list[Job]:
    """Make jobs of requests, and wait until all jobs have ended: all jobs."""

    async def work() -> list[Job]:
        store = GatewayStore(directory / "gateway.db", lambda _s, _call: None)
        devices = Done(directory / "done")
        limits = JobLimits(64, 100, 1 << 20, 1e9)
        jobs = Jobs(store, devices, limits, lambda: 1000.0, os.urandom)  # type: ignore[arg-type]
        running = asyncio.create_task(jobs.run(lambda job: job.owner != "gone"))
        for request in requests:
            note(directory / "acknowledged", jobs.accept("box", "me", request).id)
        while jobs.waiting("box"):
            await asyncio.sleep(0.005)
        running.cancel()
        found = [each for each in map(jobs.find, known(directory)) if each is not None]
        store.close()
        return found

    return asyncio.run(asyncio.wait_for(work(), 20))


def known(directory: Path) -> list[str]:
    """Ids of the jobs that were acknowledged."""
    path = directory / "acknowledged"
    return path.read_text().splitlines() if path.exists() else []


def die(directory: Path, at: int, *, is_after: bool) -> bool:
    """Run in a process that dies at a commit; False if it never came to that."""
    child = os.fork()
    if child == 0:
        try:
            with dying(at, is_after=is_after):
                run(directory, REQUESTS)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


@pytest.mark.clause("TC-GW-48")
@pytest.mark.parametrize("is_after", [False, True], ids=["before it", "after it"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_gateway_that_dies_at_any_commit_loses_nothing_and_repeats_nothing(
    tmp_path: Path, *, is_after: bool
) -> None:
    at = 0
    while True:
        at += 1
        directory = tmp_path / str(at)
        directory.mkdir()
        if not die(directory, at, is_after=is_after):
            break
        jobs = run(directory, ())
        assert [each.id for each in jobs] == known(directory)
        done = Done(directory / "done").done()
        assert len(done) == len({*done})
        for job in jobs:
            line = repr(replace(job.request, payload=b""))
            is_certain = job.state is JobState.DONE
            assert is_certain or (
                job.state is JobState.UNKNOWN and not can_be_repeated(job.request)
            )
            assert not is_certain or line in done
    assert at > 12
