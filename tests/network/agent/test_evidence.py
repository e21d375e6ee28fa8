"""A managed device states what it is and what has happened, to whom it may, and signs it."""

import json
from collections.abc import Mapping
from pathlib import Path

import cbor2
import pytest
from support.agents import Managed, content, known, managed_programs, option, problem
from support.evidence import KEY, NONCE, PUBLIC
from support.repeating import Recording
from support.worlds import blueprint, times

from tinycontainer.network.agent.operator.answers import read_stored_events
from tinycontainer.network.agent.requests.message import CoapAnswer, Code, Method, Option
from tinycontainer.network.agent.requests.rights import Right
from tinycontainer.state import MemoryState, Ownership, SqliteState, StateChange, StoredEvent
from tinycontainer.tools.evidence import (
    EvidenceRefused,
    Statement,
    check_events,
    check_own_events,
    check_statement,
)

EV = f"/tc/ev?nonce={NONCE.hex()}"
IDS = (f"id={number:016x}" for number in range(1, 1 << 20))
ALL = frozenset(Right)


@pytest.fixture
def managed() -> Managed:
    return Managed(fixed_id=b"desk", evidence_key=KEY)


def load(managed: Managed, uid: str) -> bytes:
    bundle = managed.world.pack(blueprint(uid, security=times(period=10))).encode()
    path = f"/tc/c/{uid.encode().hex()}?{next(IDS)}"
    assert managed.ask(Method.PUT, path, bundle).code is Code.CREATED
    return bundle


def order(managed: Managed, verb: str, uid: str) -> None:
    path = f"/tc/c/{uid.encode().hex()}?{verb}&{next(IDS)}"
    assert managed.ask(Method.POST, path).code is Code.CHANGED


def stated(answer: CoapAnswer, nonce: bytes = NONCE) -> Statement:
    assert answer.code is Code.CONTENT, answer
    return check_statement(answer.payload, PUBLIC, nonce)


def all_events(managed: Managed, peer: bytes = b"somebody") -> tuple[list[StoredEvent], bytes]:
    """All events, as an operator gets them, and the chain value before the first."""
    events: list[StoredEvent] = []
    chains = []
    while True:
        since = events[-1].number if events else 0
        answer = managed.ask(Method.GET, f"/tc/e?since={since}", peer=peer)
        _, page, chain = read_stored_events(answer.payload)
        chains.append(chain)
        if not page:
            return events, chains[0] or b""
        events += page


@pytest.mark.clause("TC-EVID-03", "TC-EVID-04")
def test_a_device_states_what_it_is(managed: Managed) -> None:
    managed.state.begin_boot(5)
    load(managed, "a")
    bundle = load(managed, "b")
    order(managed, "start", "b")
    managed.device.run(for_ms=25)
    answer = managed.ask(Method.GET, EV)
    assert (answer.format, option(answer, Option.MAX_AGE)) == (18, b"")
    found = stated(answer)
    assert (found.device_id, found.boots, found.time_s) == (b"desk", 1, 7)
    (one, two) = found.containers
    assert (one.uid, one.state, one.loops) == (b"a", 1, 0)
    seen = content(managed.ask(Method.GET, "/tc/c/62"))
    assert [two.uid, two.state, two.loops, two.bundle_sha256] == [seen[k] for k in (0, 1, 2, 5)]
    assert two.loops == 3
    assert managed.device.bundle("b") == bundle
    assert found.newest_event == content(managed.ask(Method.GET, "/tc"))[8]
    assert (found.oldest_event, found.uid, found.trace_sha256) == (1, None, None)


@pytest.mark.clause("TC-EVID-05", "TC-EVID-09")
def test_its_events_are_checked_by_its_statement(managed: Managed) -> None:
    empty = stated(managed.ask(Method.GET, EV))
    assert (empty.oldest_event, empty.newest_event) == (1, 0)
    assert check_events(empty, all_events(managed)[1], []) == ()
    for _ in range(60):
        load(managed, "a")
        managed.ask(Method.DELETE, f"/tc/c/61?{next(IDS)}")
    events, chain = all_events(managed)
    assert len(events) > 64
    found = stated(managed.ask(Method.GET, EV))
    assert check_events(found, chain, events) == tuple(events)
    middle = managed.ask(Method.GET, "/tc/e?since=40")
    _, later, before = read_stored_events(middle.payload)
    later += events[later[-1].number :]
    assert check_events(found, before or b"", later, since=40) == tuple(events[40:])
    with pytest.raises(EvidenceRefused):
        check_events(found, chain, [*events[:-2], events[-1]])


@pytest.mark.clause("TC-EVID-05")
def test_more_events_than_a_device_keeps_are_one_chain(managed: Managed) -> None:
    load(managed, "a")
    first, chain = all_events(managed)
    earlier = stated(managed.ask(Method.GET, EV))
    assert check_events(earlier, chain, first) == tuple(first)
    for number in range(300):
        managed.state.record(StateChange(events=(b"%d" % number,)))
    events, chain = all_events(managed)
    assert len(events) == 256
    found = stated(managed.ask(Method.GET, EV))
    assert found.oldest_event == events[0].number == found.newest_event - 255
    assert check_events(found, chain, events) == tuple(events)
    with pytest.raises(EvidenceRefused, match="do not begin with event"):
        check_events(found, chain, events[1:])


@pytest.mark.clause("TC-EVID-04", "TC-EVID-05")
def test_a_restart_keeps_the_chain_and_counts_the_boot(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    statements = []
    for _ in range(2):
        state = SqliteState(path, Ownership.SOLE)
        state.begin_boot(1)
        managed = Managed(state=state, evidence_key=KEY)
        load(managed, "c")
        managed.ask(Method.DELETE, f"/tc/c/63?{next(IDS)}")
        statements.append(stated(managed.ask(Method.GET, EV)))
        events, chain = all_events(managed)
        managed.device.close()
    before, after = statements
    assert (before.boots, after.boots) == (1, 2)
    assert before.newest_event < after.newest_event
    assert check_events(after, chain, events) == tuple(events)
    later = events[before.newest_event :]
    known_chain = before.event_chain or b""
    assert check_events(after, known_chain, later, since=before.newest_event) == tuple(later)


@pytest.mark.clause("TC-EVID-02")
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?nonce",
        "?nonce=",
        "?nonce=00112233445566",
        "?nonce=001122334455667",
        "?nonce=0011223344556677f",
        f"?nonce={'00' * 33}",
        "?nonce=00112233445566xx",
        "?nonce=00 11 22 33 44 55 66 77",
        f"?nonce={'00' * 8}&nonce={'00' * 8}",
        f"?nonce={'00' * 8}&uid=",
        f"?nonce={'00' * 8}&uid=6",
        f"?nonce={'00' * 8}&uid=xx",
        f"?nonce={'00' * 8}&uid={'61' * 64}",
    ],
)
def test_a_question_that_cannot_be_read_is_refused(managed: Managed, query: str) -> None:
    assert problem(managed.ask(Method.GET, f"/tc/ev{query}")) == ("4.00", "bad-request")


@pytest.mark.clause("TC-EVID-02")
@pytest.mark.parametrize("length", [8, 9, 32])
def test_the_nonce_is_in_the_statement(managed: Managed, length: int) -> None:
    nonce = bytes(range(200, 200 + length))
    for digits in (nonce.hex(), nonce.hex().upper()):
        answer = managed.ask(Method.GET, f"/tc/ev?nonce={digits}")
        assert stated(answer, nonce).nonce == nonce


@pytest.mark.clause("TC-EVID-02")
@pytest.mark.parametrize("method", [Method.POST, Method.PUT, Method.DELETE])
def test_it_is_only_read(managed: Managed, method: Method) -> None:
    found = managed.ask(method, f"{EV}&{next(IDS)}")
    assert problem(found) == ("4.05", "method-not-allowed")


@pytest.mark.clause("TC-EVID-01")
def test_a_device_without_a_key_states_nothing() -> None:
    assert problem(Managed().ask(Method.GET, EV)) == ("4.04", "not-found")


@pytest.mark.clause("TC-EVID-03")
def test_only_its_own_format_is_had(managed: Managed) -> None:
    refused = managed.ask(Method.GET, EV, options={Option.ACCEPT: b"\x3c"})
    assert problem(refused) == ("4.06", "format")
    assert managed.ask(Method.GET, EV, options={Option.ACCEPT: b"\x12"}).code is Code.CONTENT


@pytest.mark.clause("TC-EVID-02", "TC-EVID-06")
def test_a_peer_with_uids_gets_what_is_of_one_of_them() -> None:
    peers = known(
        all=(ALL, None),
        one=(frozenset({Right.READ}), frozenset({b"a", b"c"})),
        none=(ALL - {Right.READ}, None),
    )
    managed = Managed(peers=peers, evidence_key=KEY)
    bundles = {}
    for uid in ("a", "b"):
        bundle = managed.world.pack(blueprint(uid, security=times(period=10))).encode()
        path = f"/tc/c/{uid.encode().hex()}"
        managed.ask(Method.PUT, f"{path}?{next(IDS)}", bundle, peer=b"all")
        managed.ask(Method.POST, f"{path}?start&{next(IDS)}", peer=b"all")
        bundles[uid] = bundle
    refused = ("4.03", "forbidden")
    assert problem(managed.ask(Method.GET, EV, peer=b"one")) == refused
    assert problem(managed.ask(Method.GET, f"{EV}&uid=62", peer=b"one")) == refused
    assert problem(managed.ask(Method.GET, EV, peer=b"none")) == refused
    assert problem(managed.ask(Method.GET, EV, peer=b"stranger")) == ("4.01", "unauthorized")
    own = stated(managed.ask(Method.GET, f"{EV}&uid=61", peer=b"one"))
    assert [each.uid for each in own.containers] == [b"a"]
    assert (own.uid, own.event_chain) == (b"a", None)
    shown = managed.ask(Method.GET, "/tc/e", peer=b"one")
    assert set(content(shown)) == {0, 1}
    events, _ = all_events(managed, b"one")
    assert len(events) > 1
    assert check_own_events(own, events) == tuple(events)
    with pytest.raises(EvidenceRefused):
        check_own_events(own, events[1:])
    absent = stated(managed.ask(Method.GET, f"{EV}&uid=63", peer=b"one"))
    assert (absent.containers, check_own_events(absent, events)) == ((), ())
    whole, _ = all_events(managed, b"all")
    other = stated(managed.ask(Method.GET, f"{EV}&uid=62", peer=b"all"))
    assert len(check_own_events(other, whole)) == len(whole) - len(events)


@pytest.mark.clause("TC-EVID-03")
def test_later_blocks_are_of_the_statement_of_the_first(managed: Managed) -> None:
    load(managed, "a")
    order(managed, "start", "a")
    block = {Option.BLOCK2: b"\x16"}

    def ask(path: str = EV, options: Mapping[Option, bytes] | None = None) -> bytes:
        managed.device.run(for_ms=10)  # another loop: no two statements are equal
        return managed.ask(Method.GET, path, options=options).payload

    first = ask()
    assert ask(options=block) == first
    assert ask(f"/tc/ev?nonce={'11' * 8}", block) != first
    assert ask(f"{EV}&uid=61", block) != first
    assert ask(options=block) == first
    anew = ask()
    assert anew != first
    assert ask(options=block) == anew
    for number in range(4):
        ask(f"/tc/ev?nonce={number:016x}")
    assert ask(options=block) != anew


@pytest.mark.clause("TC-EVID-07")
def test_a_recorded_device_states_the_trace_that_a_replay_gives(tmp_path: Path) -> None:
    recording = Recording(remembers=True)
    managed = Managed(state=MemoryState(), recorder=recording.recorder, evidence_key=KEY)
    digests = []
    for _ in range(2):
        load(managed, "a")
        order(managed, "start", "a")
        managed.device.run_due(25)
        found = stated(managed.ask(Method.GET, EV)).trace_sha256
        assert found is not None
        last = [json.loads(line) for line in recording.lines if '"digest"' in line][-1]
        assert found.hex() == last["digest"]
        digests.append(found)
        limited = stated(managed.ask(Method.GET, f"{EV}&uid=61"))
        assert limited.trace_sha256 is None
        managed.ask(Method.DELETE, f"/tc/c/61?{next(IDS)}")
        managed.device.run_due(50)
    assert digests[0] != digests[1]
    managed.device.end_trace()
    recording.repeat(tmp_path / "tape", managed_programs())


def test_an_older_client_reads_events_as_before(managed: Managed) -> None:
    load(managed, "a")
    answer = cbor2.loads(managed.ask(Method.GET, "/tc/e").payload)
    assert answer[2] == bytes(32)
    del answer[2]
    newest, events, chain = read_stored_events(cbor2.dumps(answer))
    assert (newest, [each.number for each in events], chain) == (1, [1], None)
