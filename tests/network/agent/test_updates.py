"""Updates over the network: who may, what is answered, and what has become of the last one."""

import cbor2
import pytest
from support.agents import Managed, content, known, managed_programs, problem
from support.updates import OTHER, draft, plan_version, sections, sign, signed, version
from support.worlds import blueprint, newer, times

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.network.agent.requests.message import CoapAnswer, Code, Method
from tinycontainer.network.agent.requests.rights import Right
from tinycontainer.state import MemoryState
from tinycontainer.suit.drafts import make_envelope
from tinycontainer.suit.processor import PayloadRequest

A = blueprint("a", security=times(period=10))
B = blueprint("b", security=times(period=10))
PAYLOAD = "coap://[::1]:5684/a.data"
IDS = (f"id={number:016x}" for number in range(1, 1 << 20))


@pytest.fixture
def managed() -> Managed:
    return Managed()


def post(managed: Managed, envelope: bytes, peer: bytes = b"somebody") -> CoapAnswer:
    return managed.ask(Method.POST, f"/tc/su?{next(IDS)}", envelope, peer=peer)


def last(managed: Managed, peer: bytes = b"somebody") -> dict[int, object]:
    found: dict[int, object] = content(managed.ask(Method.GET, "/tc/su", peer=peer))
    return found


def fetched(number: int = 1) -> bytes:
    """An envelope whose data is elsewhere."""
    bundle = sections(A)
    return signed(version(bundle, b"a", uris={UpdateSection.DATA: PAYLOAD}), number=number)


@pytest.mark.clause("TC-UPD-25")
def test_an_accepted_update_is_carried_out_at_once(managed: Managed) -> None:
    assert last(managed) == {0: 0, 1: 0, 2: [], 3: 0, 4: b"", 5: "", 6: ""}
    assert post(managed, signed(plan_version(A, starts=True))).code is Code.CHANGED
    managed.device.run(for_ms=5)
    assert managed.device["a"].state is State.RUNNING
    found = last(managed)
    assert [found[key] for key in (0, 1, 2, 3, 5, 6)] == [2, 1, [b"a"], 1, "", ""]
    assert managed.when_updated == [None]


@pytest.mark.clause("TC-UPD-25")
@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        (b"", ("4.00", "envelope")),
        (make_envelope(draft(plan_version(A))), ("4.03", "key")),
        (sign(make_envelope(draft(plan_version(A))), OTHER), ("4.03", "key")),
        (signed(plan_version(A), number=0), ("4.09", "older")),
        (signed(plan_version(A, "b"), number=1), ("4.09", "reused-number")),
        (signed(removed=[b"b"], number=2), ("4.04", "container")),
        (signed(plan_version(newer(A), "no such program"), number=2), ("4.22", "container")),
        (signed(plan_version(newer(A, mask=1), "a" * 70_000), number=2), ("4.13", "capacity")),
    ],
)
def test_each_refusal_has_its_code_and_its_reason(
    managed: Managed, envelope: bytes, expected: tuple[str, str]
) -> None:
    assert post(managed, signed(plan_version(A))).code is Code.CHANGED
    assert problem(post(managed, envelope)) == expected
    found = last(managed)
    assert (found[0], found[1], found[5]) == (4, 2, expected[1])
    assert len(managed.device) == 1


@pytest.mark.clause("TC-UPD-25")
def test_a_peer_needs_the_right_for_every_container_of_an_update() -> None:
    peers = known(
        all_of_them=(frozenset({Right.UPDATE, Right.READ}), None),
        one=(frozenset({Right.UPDATE, Right.READ}), frozenset({b"a"})),
        reader=(frozenset({Right.READ, Right.LOAD, Right.DELETE}), None),
    )
    managed = Managed(peers)
    both = signed(plan_version(A), plan_version(B))
    assert problem(post(managed, both, b"reader")) == ("4.03", "forbidden")
    assert last(managed, b"reader")[1] == 0
    assert problem(post(managed, both, b"one")) == ("4.03", "forbidden")
    assert len(managed.device) == 0
    assert post(managed, signed(plan_version(A)), b"one").code is Code.CHANGED
    assert last(managed, b"one")[2] == [b"a"]
    assert post(managed, signed(plan_version(A), plan_version(B), number=2), b"all_of_them")
    assert last(managed, b"all_of_them")[2] == [b"a", b"b"]
    assert last(managed, b"one") == {0: 0, 1: 3, 2: [], 3: 0, 4: b"", 5: "", 6: ""}


@pytest.mark.clause("TC-UPD-25")
@pytest.mark.clause("TC-MGMT-10")
def test_a_repeated_request_gets_the_answer_of_before() -> None:
    state = MemoryState()
    managed = Managed(state=state)
    path = f"/tc/su?{next(IDS)}"
    envelope = signed(plan_version(A))
    assert managed.ask(Method.POST, path, envelope).code is Code.CHANGED
    assert managed.ask(Method.POST, path, envelope).code is Code.CHANGED
    assert last(managed)[1] == 1
    assert problem(managed.ask(Method.POST, path, b"another")) == ("4.00", "bad-request")
    assert problem(managed.ask(Method.POST, "/tc/su", envelope)) == ("4.00", "bad-request")


@pytest.mark.clause("TC-UPD-14")
@pytest.mark.clause("TC-UPD-25")
def test_a_payload_that_is_elsewhere_is_wanted_while_the_device_goes_on(managed: Managed) -> None:
    assert post(managed, fetched()).code is Code.CHANGED
    assert managed.updates.wanted == PayloadRequest(PAYLOAD, managed.world.capacity.data_bytes)
    assert last(managed)[0] == 1
    assert problem(post(managed, signed(plan_version(B)))) == ("5.03", "busy")
    managed.device.run(for_ms=5)
    assert len(managed.device) == 0
    managed.updates.supply(b"")
    assert managed.updates.wanted is None
    assert (last(managed)[0], len(managed.device)) == (2, 1)
    assert managed.when_updated[0] is not None
    assert managed.when_updated[1] is None


@pytest.mark.clause("TC-UPD-14")
@pytest.mark.parametrize(
    ("content_of_it", "reason"),
    [(None, "payload"), (b"another", "image"), (bytes(70_000), "capacity")],
)
def test_a_payload_that_cannot_be_had_or_is_another_refuses_the_update(
    managed: Managed, content_of_it: bytes | None, reason: str
) -> None:
    post(managed, fetched())
    managed.updates.supply(content_of_it)
    found = last(managed)
    assert (found[0], found[5], len(managed.device)) == (4, reason, 0)
    assert post(managed, signed(plan_version(A))).code is Code.CHANGED


@pytest.mark.clause("TC-UPD-18")
def test_what_others_have_changed_meanwhile_is_judged_at_the_end(managed: Managed) -> None:
    post(managed, fetched())
    bundle = managed.world.pack(newer(A, mask=1)).encode()
    managed.ask(Method.PUT, f"/tc/c/61?{next(IDS)}", bundle)
    managed.updates.supply(b"")
    found = last(managed)
    assert (found[0], found[5]) == (4, "container")  # its tokens are older by now
    assert managed.device["a"].mask == 1


@pytest.mark.clause("TC-UPD-25")
def test_the_answer_of_a_fetched_update_is_recorded_with_its_change() -> None:
    state = MemoryState()
    managed = Managed(state=state)
    path = f"/tc/su?{next(IDS)}"
    assert managed.ask(Method.POST, path, fetched()).code is Code.CHANGED
    managed.updates.supply(b"")
    again = Managed(state=state)
    again.device.restore()
    assert again.ask(Method.POST, path, fetched()).code is Code.CHANGED
    assert last(again)[1] == 0


@pytest.mark.clause("TC-UPD-25")
def test_nothing_else_can_be_done_there(managed: Managed) -> None:
    for method in (Method.PUT, Method.DELETE):
        answer = managed.ask(method, f"/tc/su?{next(IDS)}", b"")
        assert problem(answer)[0] == "4.05"
    assert problem(post(managed, bytes(1 << 18)))[0] == "4.13"
    assert cbor2.loads(managed.ask(Method.GET, "/tc/e").payload)[0] == 0


def test_the_programs_of_these_tests_exist() -> None:
    assert {"a", "b"} <= managed_programs().keys()
