"""Version 2: what each resource answers, and that a change is made once."""

import json
from hashlib import sha256

import cbor2
import pytest
from support.agents import Managed, content, known, option, problem
from support.scripted import Program, trap
from support.worlds import blueprint, newer, times

from tinycontainer.device.containers.judgement import LoadCheck
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.network.agent.requests.message import CoapAnswer, Code, Method, Option, to_uint
from tinycontainer.network.agent.requests.rights import Right
from tinycontainer.state import MemoryState, StateChange, StateFileError, StoredEvents
from tinycontainer_tokens import StepOutcome

PLAN = blueprint("a", security=times(period=10))
A = "/tc/c/61"
IDS = (f"id={number:016x}" for number in range(1, 1 << 20))


@pytest.fixture
def managed() -> Managed:
    return Managed()


def put(managed: Managed, payload: bytes, query: str = "", **more: bytes) -> CoapAnswer:
    options = {Option[name.upper()]: value for name, value in more.items()}
    path = f"{A}?{next(IDS)}{query}"
    return managed.ask(Method.PUT, path, payload, options=options)


def do(managed: Managed, verb: str, path: str = A) -> CoapAnswer:
    return managed.ask(Method.POST, f"{path}?{verb}&{next(IDS)}")


def bundle(managed: Managed) -> bytes:
    return managed.world.pack(PLAN).encode()


@pytest.mark.clause("TC-MGMT-09")
def test_a_container_from_its_load_to_its_end(managed: Managed) -> None:
    loaded = bundle(managed)
    assert content(managed.ask(Method.GET, "/tc/c")) == []
    assert put(managed, loaded).code is Code.CREATED
    seen = managed.ask(Method.GET, A)
    digest = sha256(loaded).digest()
    shown = content(seen)
    assert {number: shown[number] for number in (0, 1, 2, 3, 5, 6)} == {
        0: b"a", 1: 1, 2: 0, 3: "", 5: digest, 6: 0
    }  # fmt: skip
    assert option(seen, Option.ETAG) == digest[:8]
    assert do(managed, "start").code is Code.CHANGED
    managed.device.run(for_ms=25)
    running = content(managed.ask(Method.GET, A))
    assert (running[1], running[2]) == (2, 3)
    assert running[4] > shown[4]
    assert do(managed, "stop").code is Code.CHANGED
    assert content(managed.ask(Method.GET, A))[1] == 3
    managed.device.run(for_ms=25)
    assert content(managed.ask(Method.GET, A))[3] == "stopped"
    assert [each[0] for each in content(managed.ask(Method.GET, "/tc/c"))] == [b"a"]
    assert managed.ask(Method.GET, f"{A}/m").payload == managed.device.metadata("a").raw
    assert managed.ask(Method.DELETE, f"{A}?{next(IDS)}").code is Code.DELETED
    assert problem(managed.ask(Method.GET, A)) == ("4.04", "unknown-uid")


@pytest.mark.clause("TC-MGMT-09", "TC-TOOL-14")
def test_a_container_says_what_it_has_used(managed: Managed) -> None:
    put(managed, bundle(managed))
    assert content(managed.ask(Method.GET, A))[7] == [0, 10_000, *[0] * 7]
    do(managed, "start")
    managed.device.run(for_ms=25)
    did, account = managed.device["a"].statistics, managed.device.account()
    usage = content(managed.ask(Method.GET, A))[7]
    assert usage == [
        account.shares[b"a"],
        account.idle_share,
        did.execution_ns,
        did.instructions,
        did.peak_memory_bytes,
        did.calls,
        did.refusals,
        did.deadline_misses,
        did.skipped_periods,
    ]
    assert usage[0] + usage[1] == 10_000
    assert usage[0] > 0
    assert content(managed.ask(Method.GET, "/tc/c"))[0][7] == usage


@pytest.mark.clause("TC-MGMT-09")
def test_the_device_says_what_fits_and_where_it_is(managed: Managed) -> None:
    put(managed, bundle(managed))
    managed.ask(Method.POST, "/device-id/", b"box")
    capacity = managed.world.capacity
    assert content(managed.ask(Method.GET, "/tc")) == {
        0: b"box",
        1: capacity.slots,
        2: capacity.slots - 1,
        3: capacity.metadata_bytes,
        4: capacity.code_bytes,
        5: capacity.data_bytes,
        6: 0,
        7: 7,
        8: 1,
    }


@pytest.mark.clause("TC-MGMT-09", "TC-MGMT-11")
def test_a_replacement_needs_the_version_that_is_there(managed: Managed) -> None:
    first = bundle(managed)
    other = managed.world.pack(newer(PLAN, mask=0b1)).encode()
    etag = sha256(first).digest()[:8]
    assert problem(put(managed, other, if_match=etag)) == ("4.12", "precondition-failed")
    put(managed, first)
    assert problem(put(managed, other)) == ("4.09", "duplicate-uid")
    assert problem(put(managed, other, if_match=bytes(8))) == ("4.12", "precondition-failed")
    do(managed, "start")
    managed.device.run(for_ms=5)
    assert put(managed, other, "&confirm=100", if_match=etag).code is Code.CHANGED
    managed.device.run(for_ms=5)
    assert managed.device["a"].mask == 0b1
    managed.world.programs["a"] = Program(trap())
    broken = managed.world.pack(newer(newer(PLAN), mask=0b11)).encode()
    managed.device.run(for_ms=50)
    assert put(managed, broken, "&confirm=100", if_match=b"").code is Code.CHANGED
    managed.device.run(for_ms=200)
    assert managed.device["a"].mask == 0b1
    assert problem(put(managed, first, "&confirm=x", if_match=b"")) == ("4.00", "bad-request")
    huge = f"&confirm={1 << 40}"
    assert problem(put(managed, first, huge, if_match=b"")) == ("4.00", "bad-request")


@pytest.mark.clause("TC-MGMT-11")
def test_a_bundle_of_another_uid_is_refused_before_it_is_judged(managed: Managed) -> None:
    foreign = managed.world.pack(blueprint("b")).encode()
    assert problem(put(managed, foreign)) == ("4.00", "bad-request")
    assert len(managed.world.events) == 0
    put(managed, bundle(managed))
    metadata = managed.world.pack(blueprint("b")).metadata
    answer = managed.ask(Method.PUT, f"{A}/m?{next(IDS)}", metadata)
    assert problem(answer) == ("4.00", "bad-request")


@pytest.mark.clause("TC-MGMT-09")
def test_new_metadata_takes_effect(managed: Managed) -> None:
    put(managed, bundle(managed))
    metadata = managed.world.pack(newer(PLAN, mask=0b1)).metadata
    assert managed.ask(Method.PUT, f"{A}/m?{next(IDS)}", metadata).code is Code.CHANGED
    assert managed.device["a"].mask == 0b1
    assert content(managed.ask(Method.GET, A))[5] == sha256(managed.device.bundle("a")).digest()


@pytest.mark.clause("TC-MGMT-09")
def test_to_judge_changes_nothing(managed: Managed) -> None:
    good = managed.ask(Method.POST, "/tc/j", bundle(managed))
    rows = cbor2.loads(good.payload)
    assert good.code is Code.CHANGED
    assert all(row[1] != 0 for row in rows)
    bad = managed.ask(Method.POST, "/tc/j?replaces", bundle(managed))
    failed = [row for row in cbor2.loads(bad.payload) if row[1] == 0]
    assert "is loaded" in failed[0][2]
    assert len(managed.device) == len(managed.world.events) == 0


@pytest.mark.clause("TC-MGMT-09")
@pytest.mark.parametrize("length", [10, 40, 2000])
def test_a_verdict_fits_into_one_block(
    managed: Managed, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    checks = [
        LoadCheck(f"check {number} of the bundle", StepOutcome.FAILED, "x" * length)
        for number in range(24)
    ]
    monkeypatch.setattr(managed.device, "judge", lambda *_, **__: tuple(checks))
    answer = managed.ask(Method.POST, "/tc/j", bundle(managed))
    rows = cbor2.loads(answer.payload)
    assert len(answer.payload) <= 1024
    assert [row[0] for row in rows] == [each.name for each in checks]
    assert all(row[2] == "x" * len(row[2]) for row in rows)
    assert length > 10 or rows[0][2] == "x" * 10


@pytest.mark.clause("TC-MGMT-14")
def test_events_of_others_do_not_hide_those_of_a_peer() -> None:
    peers = known(boss=(frozenset(Right), None), guest=(frozenset({Right.READ}), frozenset({b"b"})))
    managed = Managed(peers)
    for uid in ("a", "b"):
        managed.device.load(managed.world.pack(blueprint(uid, security=times(period=10))).encode())
        for _ in range(40 * (uid == "a")):
            managed.device.start(uid)
            managed.device.kill(uid)
            managed.device.run(for_ms=0)
    seen = content(managed.ask(Method.GET, "/tc/e", peer=b"guest"))
    assert seen[0] > 64
    assert [json.loads(event)["uid"] for _, event in seen[1]] == ["b"]


class WatchedState(MemoryState):
    """Notes how many events were read at most, each time."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[int] = []

    def events(self, since: int, most: int) -> StoredEvents:
        self.read.append(most)
        return super().events(since, most)


def test_who_sees_all_events_makes_the_device_read_no_more_than_it_answers() -> None:
    state = WatchedState()
    managed = Managed(state=state)
    managed.device.load(bundle(managed))
    state.read.clear()
    assert len(content(managed.ask(Method.GET, "/tc/e"))[1]) == 1
    assert state.read == [32]


@pytest.mark.clause("TC-MGMT-09")
def test_events_are_told_a_piece_at_a_time(managed: Managed) -> None:
    put(managed, bundle(managed))
    for _ in range(25):
        do(managed, "start")
        do(managed, "kill")
        managed.device.run(for_ms=0)
    first = content(managed.ask(Method.GET, "/tc/e"))
    assert (first[0], [number for number, _ in first[1]]) == (51, [*range(1, 33)])
    rest = content(managed.ask(Method.GET, "/tc/e?since=32"))
    assert [number for number, _ in rest[1]] == [*range(33, 52)]
    assert json.loads(first[1][0][1])["event"] == "loaded"
    assert problem(managed.ask(Method.GET, "/tc/e?since=-1")) == ("4.00", "bad-request")


@pytest.mark.clause("TC-MGMT-10")
def test_a_repeated_request_is_answered_and_not_carried_out_again(managed: Managed) -> None:
    path = f"{A}?start&{next(IDS)}"
    put(managed, bundle(managed))
    assert managed.ask(Method.POST, path).code is Code.CHANGED
    managed.device.kill("a")
    managed.device.run(for_ms=5)
    assert managed.ask(Method.POST, path).code is Code.CHANGED
    assert managed.device["a"].state is State.READY
    again = Managed(state=managed.state)
    again.device.restore()
    assert again.ask(Method.POST, path).code is Code.CHANGED
    assert content(again.ask(Method.GET, A))[1] == 1
    assert do(again, "start").code is Code.CHANGED
    assert content(again.ask(Method.GET, A))[1] == 2


@pytest.mark.clause("TC-MGMT-10")
def test_an_id_belongs_to_one_request(managed: Managed) -> None:
    loaded = bundle(managed)
    query = next(IDS)
    assert managed.ask(Method.PUT, f"{A}?{query}", loaded).code is Code.CREATED
    for method, path, payload in (
        (Method.POST, f"{A}?start&{query}", b""),
        (Method.DELETE, f"{A}?{query}", b""),
        (Method.PUT, f"{A}?{query}", loaded + b"x"),
        (Method.PUT, f"/tc/c/62?{query}", managed.world.pack(blueprint("b")).encode()),
    ):
        answer = managed.ask(method, path, payload)
        assert problem(answer) == ("4.00", "bad-request")
        assert "was used for another request" in cbor2.loads(answer.payload)[-2]
    assert managed.ask(Method.PUT, f"{A}?{query}", loaded).code is Code.CREATED
    assert content(managed.ask(Method.GET, A))[1] == 1


@pytest.mark.clause("TC-MGMT-10")
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("start", "id: is missing"),
        ("start&id=0", "id: is not"),
        ("start&id=+0000000000000001", "id"),
    ],
)
def test_a_change_without_a_good_id_is_refused(managed: Managed, query: str, words: str) -> None:
    put(managed, bundle(managed))
    answer = managed.ask(Method.POST, f"{A}?{query}")
    assert problem(answer) == ("4.00", "bad-request")
    assert words in cbor2.loads(answer.payload)[-2]
    assert managed.device["a"].state is State.READY


@pytest.mark.clause("TC-MGMT-10")
def test_what_was_refused_is_judged_again(managed: Managed) -> None:
    path = f"{A}?start&{next(IDS)}"
    assert problem(managed.ask(Method.POST, path)) == ("4.04", "unknown-uid")
    put(managed, bundle(managed))
    assert managed.ask(Method.POST, path).code is Code.CHANGED
    assert managed.device["a"].state is State.RUNNING


class Full(MemoryState):
    """A state on a full disk."""

    def record(self, change: StateChange) -> None:
        raise StateFileError("device.db", "no space left")


@pytest.mark.clause("TC-MGMT-10", "TC-MGMT-12")
def test_what_cannot_be_recorded_is_not_done() -> None:
    managed = Managed(state=Full())
    answer = put(managed, bundle(managed))
    assert problem(answer) == ("5.03", "sequence-store")
    assert option(answer, Option.MAX_AGE) == b"\5"
    assert len(managed.device) == 0
    assert managed.ask(Method.POST, "/device-id/", b"x").code is Code.INTERNAL_ERROR


@pytest.mark.clause("TC-MGMT-12")
def test_refusals_have_the_code_of_their_reason(managed: Managed) -> None:
    loaded = bundle(managed)
    assert problem(put(managed, b"junk")) == ("4.22", "bundle")
    changed = bytearray(loaded)
    changed[-1] ^= 1
    assert problem(put(managed, bytes(changed)))[0] == "4.03"
    too_long = put(managed, bytes(managed.world.capacity.bundle_bytes + 1))
    assert problem(too_long) == ("4.13", "too-large")
    assert option(too_long, Option.SIZE1) == to_uint(managed.world.capacity.bundle_bytes)
    put(managed, loaded)
    assert problem(do(managed, "stop")) == ("4.09", "wrong-state")
    assert problem(do(managed, "start", "/tc/c/62")) == ("4.04", "unknown-uid")


@pytest.mark.clause("TC-MGMT-12")
@pytest.mark.parametrize(
    "path", ["/", "/tc/", "/tc/x", "/tc/c/", "/tc/c/6", "/tc/c/zz", "/tc/c/6 1", "/tc/c/61/x",
             "/tc/c/" + "61" * 64, "/container", "/device-id", "/.well-known/core"]
)  # fmt: skip
def test_what_is_no_resource_is_not_found(managed: Managed, path: str) -> None:
    for method in Method:
        assert problem(managed.ask(method, path)) == ("4.04", "not-found")


@pytest.mark.clause("TC-MGMT-12")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        (Method.POST, "/tc"),
        (Method.DELETE, "/tc/c"),
        (Method.GET, "/tc/j"),
        (Method.PUT, "/tc/e"),
        (Method.POST, f"{A}/m"),
        (Method.DELETE, f"{A}/m"),
        (Method.GET, f"{A}/w"),
        (Method.PUT, f"{A}/w"),
        (Method.DELETE, f"{A}/w"),
    ],
)
def test_other_methods_are_not_allowed(managed: Managed, method: Method, path: str) -> None:
    assert problem(managed.ask(method, path)) == ("4.05", "method-not-allowed")
