"""Rules on endpoints and pipes: each fires where it should, and nowhere else."""

from dataclasses import replace

import pytest
from support.audits import calls, findings, ids, mask, message, plan, subject
from support.wasm import modules as wasm
from support.worlds import local, piped

from tinycontainer.device.calls.driver_table import DriverEntry, DriverTable
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.interfaces.driver import Driver
from tinycontainer.metadata import Direction, Endpoint, PeerType
from tinycontainer.tools.lint import AuditSubject, Host
from tinycontainer_tokens import Profile

IN, OUT, BOTH = Direction.IN, Direction.OUT, Direction.BOTH


def user(*endpoints: Endpoint, made: tuple[str, ...] = ("read", "write")) -> AuditSubject:
    """A container that opens its endpoints, and may do what it does."""
    opens = [endpoint.endpoint_id for endpoint in endpoints]
    return subject(plan(allows=mask("open", *made), endpoints=endpoints), calls(*made, opens=opens))


def unseen(*endpoints: Endpoint, allows: tuple[str, ...]) -> AuditSubject:
    """A container whose code is not at hand."""
    return subject(plan(allows=mask("open", *allows), endpoints=endpoints), b"")


def test_an_endpoint_that_is_never_opened_is_found() -> None:
    made = plan(allows=mask("open", "read"), endpoints=(local(1, 1, OUT), local(7, 2, OUT)))
    found = subject(made, calls("read", opens=[1]))
    assert message("TCL201", found) == "endpoint 7 is declared, and the code never opens it"
    assert ids(user(local(1, 1, OUT), local(7, 2, OUT), made=("read",))) == []


def test_an_endpoint_that_is_not_declared_is_an_error() -> None:
    made = plan(allows=mask("open", "read"), endpoints=(local(1, 1, OUT),))
    found = subject(made, calls("read", opens=[1, 99]))
    assert message("TCL202", found) == "opens endpoint 99, not declared in the metadata"
    many = subject(made, calls("read", opens=range(1, 30)))
    assert message("TCL202", many).endswith("8, 9 and 20 more, not declared in the metadata")


def test_opened_endpoints_are_listed_in_the_order_of_their_ids() -> None:
    opens = [2**31, 64, 8, 1, 96, 33]
    found = subject(plan(allows=mask("open", "read")), calls("read", opens=opens))
    shown = "endpoints 1, 8, 33, 64, 96, 2147483648"
    assert message("TCL202", found).startswith(f"opens {shown}")
    body = "i32.const 1 i32.const 1 i32.add call $open drop "
    body += "".join(f"i32.const {each} call $open drop " for each in opens) + "i32.const 0"
    computed = subject(plan(allows=mask("open")), wasm.loop(body, uses=("open",)))
    assert message("TCL203", computed).endswith(f"by constants {shown}")


def test_computed_ids_are_a_note_and_say_nothing_of_endpoints() -> None:
    made = plan(allows=mask("open"), endpoints=(local(1, 1, OUT), local(2, 2, OUT)))
    body = "i32.const 1 call $open drop i32.const 1 i32.const 1 i32.add call $open"
    found = subject(made, wasm.loop(body, uses=("open",)))
    assert message("TCL203", found) == "opens computed endpoint ids; by constants endpoint 1"
    assert "TCL201" not in ids(found)
    assert "TCL203" not in ids(user(local(1, 1, OUT), made=("read",)))


@pytest.mark.parametrize(
    ("direction", "made", "rule"),
    [
        (IN, ("write",), None),
        (IN, ("read",), "TCL204"),
        (OUT, ("read",), None),
        (OUT, ("write",), "TCL204"),
        (BOTH, ("read", "write"), None),
        (BOTH, ("read",), "TCL205"),
        (BOTH, ("write",), "TCL205"),
        (BOTH, (), "TCL204"),
    ],
)
def test_directions_are_held_against_calls(
    direction: Direction, made: tuple[str, ...], rule: str | None
) -> None:
    found = ids(user(local(1, 1, direction), made=made))
    assert [each for each in found if each in {"TCL204", "TCL205"}] == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("direction", "allows", "fires"),
    [(IN, ("write",), False), (IN, ("read",), True), (OUT, (), True), (BOTH, ("read",), False)],
)
def test_directions_are_held_against_the_mask_where_code_is_not_at_hand(
    direction: Direction, allows: tuple[str, ...], fires: bool
) -> None:
    assert ("TCL206" in ids(unseen(local(1, 1, direction), allows=allows))) is fires


def test_a_right_that_no_endpoint_has_a_direction_for_is_found() -> None:
    found = user(local(1, 1, OUT), local(2, 2, OUT))
    assert message("TCL207", found) == "allows write; none of 2 endpoints can be used for it"
    assert "TCL207" in ids(unseen(local(1, 1, OUT), allows=("read", "write")))
    assert "TCL207" not in ids(user(local(1, 1, OUT), local(2, 2, IN)))


def test_the_firmwares_limits_hold_under_its_profile_only() -> None:
    found = user(local(127, 1, OUT), local(128, 1, OUT), piped(5, "peer", 1, OUT), made=("read",))
    under = ids(found, profile=Profile.RIOT_2024)
    assert (under.count("TCL208"), under.count("TCL209")) == (1, 1)
    assert "TCL213" not in under
    assert not {"TCL208", "TCL209"} & set(ids(found))


def _no_driver() -> Driver:
    raise AssertionError("nobody opens anything")


def host(*entries: DriverEntry) -> Host:
    return Host("device.toml", drivers=DriverTable(entries))


def test_every_endpoint_needs_a_driver_that_serves_it() -> None:
    there = DriverEntry(PeerType.LOCAL, 10, "pad", _no_driver, directions=frozenset({OUT}))
    theirs = DriverEntry(
        PeerType.LOCAL,
        11,
        "radio",
        _no_driver,
        uids=frozenset({b"other"}),
        directions=frozenset({OUT}),
    )
    endpoints = (local(1, 10, OUT), local(2, 10, IN), local(3, 11, OUT), local(4, 12, OUT))
    found = user(*endpoints)
    assert ids(found, host=host(there, theirs)) == ["TCL210", "TCL211", "TCL211"]
    assert ids(found) == []
    remote = Endpoint(1, PeerType.REMOTE, 10, OUT)
    assert ids(user(remote, made=("read",)), host=host(there)) == ["TCL210"]


def test_a_refusal_of_a_driver_says_whether_it_refuses_the_container_or_the_direction() -> None:
    sensor = DriverEntry(PeerType.LOCAL, 10, "sensor", _no_driver)
    found = user(local(1, 10, OUT), made=("read",))
    shown = "endpoint 1 leads to local endpoint 10; sensor does not serve"
    for uids in (frozenset[bytes](), frozenset({b"other"})):
        refused = host(replace(sensor, uids=uids))
        assert message("TCL211", found, host=refused) == f"{shown} this container"
    refused = host(replace(sensor, directions=frozenset({IN})))
    assert message("TCL211", found, host=refused) == f"{shown} the direction out"


def test_more_endpoints_than_descriptors_need_close() -> None:
    endpoints = tuple(local(number, number, OUT) for number in range(1, 6))
    found = user(*endpoints, made=("read",))
    assert message("TCL215", found) == "opens 5 endpoints and closes none; 4 can be open"
    assert ids(user(*endpoints, made=("read", "close"))) == []
    roomy = Host("device.toml", capacity=Capacity(descriptors_per_container=5))
    assert ids(found, host=roomy) == []


def pair(mine: Endpoint, *theirs: Endpoint) -> tuple[AuditSubject, AuditSubject]:
    """The containers a, with one endpoint, and b; what their codes do is no matter."""
    return (
        subject(plan("a", endpoints=(mine,)), b""),
        subject(plan("b", endpoints=theirs), b""),
    )


@pytest.mark.parametrize(("mine", "theirs"), [(IN, OUT), (OUT, IN), (BOTH, BOTH)])
def test_pipes_whose_ends_name_each_other_are_good(mine: Direction, theirs: Direction) -> None:
    found = ids(*pair(piped(1, "b", 2, mine), piped(2, "a", 1, theirs)))
    assert not {"TCL212", "TCL213", "TCL214"} & set(found)


@pytest.mark.parametrize(
    ("theirs", "why"),
    [
        (piped(3, "a", 1, OUT), "is not declared there"),
        (local(2, 1, OUT), "leads to a local peer"),
        (piped(2, "c", 1, OUT), "leads to the container c"),
        (piped(2, "a", 9, OUT), "leads to endpoint 9"),
        (piped(2, "a", 1, IN), "has direction in, where this end has in"),
        (piped(2, "a", 1, BOTH), "has direction both, where this end has in"),
    ],
)
def test_pipes_without_consent_are_errors_with_the_reason(theirs: Endpoint, why: str) -> None:
    a, b = pair(piped(1, "b", 2, IN), theirs)
    found = [each for each in findings(a, b) if each.rule.id == "TCL212" and each.subject == 0]
    assert [each.message for each in found] == [f"endpoint 1 leads to endpoint 2 of b, which {why}"]


def test_a_peer_that_is_not_given_is_a_note() -> None:
    a, _ = pair(piped(1, "b", 2, IN))
    assert message("TCL213", a) == "endpoint 1 leads to endpoint 2 of b, which is not given"


def test_a_pipe_to_itself_is_an_error() -> None:
    found = subject(plan("a", endpoints=(piped(1, "a", 2, IN), piped(2, "a", 1, OUT))), b"")
    assert ids(found).count("TCL214") == 2
    assert "TCL212" not in ids(found)
