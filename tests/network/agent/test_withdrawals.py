"""POST /tc/c/{uid}/w: the owner takes back every right of a container."""

import json

import cbor2
import pytest
from support.agents import Managed, content, known, option, problem
from support.withdrawals import riot_withdrawal, withdrawal
from support.worlds import FOREIGN, blueprint, newer, times

from tinycontainer.network.agent.requests.message import CoapAnswer, Code, Format, Method, Option
from tinycontainer.network.agent.requests.rights import Right
from tinycontainer.state import MemoryState
from tinycontainer_tokens import Kind, SequenceSubject

PLAN = blueprint("a", security=times(period=10))
A = "/tc/c/61"
IDS = (f"id={number:016x}" for number in range(1, 1 << 20))


def withdraw(managed: Managed, token: bytes, query: str = "", **options: bytes) -> CoapAnswer:
    named = {Option[name.upper()]: value for name, value in options.items()}
    return managed.ask(Method.POST, f"{A}/w?{query or next(IDS)}", token, options=named)


def loaded(*, runs: bool = True) -> Managed:
    managed = Managed()
    managed.world.add(PLAN)
    if runs:
        managed.device.start("a")
        managed.device.run(for_ms=5)
    return managed


def events(managed: Managed) -> list[str]:
    """The events that others see of it, by name or trigger."""
    found = [json.loads(event) for _, event in content(managed.ask(Method.GET, "/tc/e"))[1]]
    return [each.get("trigger", each["event"]) for each in found]


@pytest.mark.clause("TC-MGMT-20")
def test_a_withdrawal_ends_the_container_and_everybody_sees_it() -> None:
    managed = loaded()
    octets = bytes([Format.OCTETS])
    answer = withdraw(managed, withdrawal("a"), content_format=octets)
    assert (answer.code, answer.payload) == (Code.CHANGED, b"")
    managed.device.run(for_ms=50)
    assert problem(managed.ask(Method.GET, A)) == ("4.04", "unknown-uid")
    assert events(managed) == ["loaded", "start", "withdrawn", "delete"]
    old = managed.ask(Method.PUT, f"{A}?{next(IDS)}", managed.world.pack(PLAN).encode())
    assert problem(old) == ("4.03", "token")
    fresh = managed.world.pack(newer(newer(PLAN))).encode()
    assert managed.ask(Method.PUT, f"{A}?{next(IDS)}", fresh).code is Code.CREATED


@pytest.mark.clause("TC-MGMT-10", "TC-MGMT-20")
def test_a_repetition_is_answered_and_not_carried_out_again_also_after_a_boot() -> None:
    managed = loaded()
    query = next(IDS)
    assert withdraw(managed, withdrawal("a"), query).code is Code.CHANGED
    managed.device.run(for_ms=50)
    managed.world.add(newer(newer(PLAN)))
    again = Managed(state=managed.state)
    again.device.restore()
    for each in (managed, again):
        assert withdraw(each, withdrawal("a"), query).code is Code.CHANGED
        assert len(each.device) == 1
        assert problem(withdraw(each, withdrawal("a", 9), query)) == ("4.00", "bad-request")
        assert problem(withdraw(each, withdrawal("a"))) == ("4.03", "token")


@pytest.mark.clause("TC-MGMT-10", "TC-MGMT-20")
def test_the_same_token_by_another_request_is_answered_and_remembered() -> None:
    managed = Managed()
    assert withdraw(managed, withdrawal("a")).code is Code.CHANGED
    query = next(IDS)
    assert withdraw(managed, withdrawal("a"), query).code is Code.CHANGED
    assert events(managed) == ["withdrawn"]
    managed.device.withdraw("a", withdrawal("a", 3))
    assert withdraw(managed, withdrawal("a"), query).code is Code.CHANGED
    assert problem(withdraw(managed, withdrawal("a"))) == ("4.03", "token")


@pytest.mark.clause("TC-MGMT-12", "TC-MGMT-20")
@pytest.mark.parametrize(
    ("token", "wanted"),
    [
        (b"", ("4.03", "token")),
        (b"noise", ("4.03", "token")),
        (riot_withdrawal(), ("4.03", "token")),
        (withdrawal("b"), ("4.03", "token")),
        (withdrawal("a", key=FOREIGN), ("4.03", "token")),
        (withdrawal("a", 1), ("4.03", "token")),
        (withdrawal("a", expires_s=1), ("4.03", "token")),
        (withdrawal("a", audience="another"), ("4.03", "token")),
        (withdrawal("a", mask=1), ("4.00", "bad-request")),
        (bytes(1024), ("4.03", "token")),
        (bytes(1025), ("4.13", "too-large")),
    ],
)
def test_what_is_no_withdrawal_is_refused(token: bytes, wanted: tuple[str, str]) -> None:
    managed = loaded()
    answer = withdraw(managed, token)
    assert problem(answer) == wanted
    assert cbor2.loads(answer.payload)[-2].isprintable()
    assert content(managed.ask(Method.GET, A))[1] == 2
    newest = managed.state.newest(SequenceSubject(b"a", Kind.MASK))
    assert newest is not None
    assert newest.sequence == 1
    told = ["loaded", "start"] if wanted[0] == "4.13" else ["loaded", "start", "load-refused"]
    assert events(managed) == told


@pytest.mark.clause("TC-MGMT-20")
def test_what_is_too_long_is_told_how_long_it_may_be() -> None:
    answer = withdraw(Managed(), bytes(1025))
    assert option(answer, Option.SIZE1) == (1024).to_bytes(2, "big")


@pytest.mark.clause("TC-MGMT-20")
def test_it_takes_octets_and_an_id() -> None:
    managed = loaded()
    cbor = withdraw(managed, withdrawal("a"), content_format=bytes([Format.CBOR]))
    assert problem(cbor) == ("4.15", "format")
    assert problem(withdraw(managed, withdrawal("a"), "x")) == ("4.00", "bad-request")
    assert len(managed.device) == 1


@pytest.mark.clause("TC-MGMT-14", "TC-MGMT-20")
def test_it_needs_the_right_to_delete_also_where_nothing_is_loaded() -> None:
    others = frozenset(Right) - {Right.DELETE}
    peers = known(
        own=(frozenset({Right.DELETE}), frozenset({b"a"})),
        foreign=(frozenset(Right), frozenset({b"b"})),
        others=(others, None),
    )
    managed = Managed(peers)
    path = f"{A}/w?{next(IDS)}"
    for peer in (b"foreign", b"others"):
        answer = managed.ask(Method.POST, path, withdrawal("a"), peer=peer)
        assert problem(answer) == ("4.03", "forbidden")
    assert managed.ask(Method.POST, path, withdrawal("a"), peer=b"own").code is Code.CHANGED
    managed.device.load(managed.world.pack(blueprint("b")).encode())
    seen = content(managed.ask(Method.GET, "/tc/e", peer=b"foreign"))[1]
    assert [json.loads(event)["uid"] for _, event in seen] == ["b"]


@pytest.mark.clause("TC-MGMT-20")
def test_who_observes_events_is_told_and_nothing_is_kept_of_who_is_not_there() -> None:
    managed = Managed(state=MemoryState())
    called = list[int]()
    managed.changes.when_changed = lambda: called.append(managed.changes.milestones)
    withdraw(managed, withdrawal("a"))
    assert called == [1]
    assert managed.changes.of_containers == {}
