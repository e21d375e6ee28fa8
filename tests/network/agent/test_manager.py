"""In which order requests are judged, and who may do what on which path."""

from collections.abc import Iterator

import cbor2
import pytest
from support.agents import Managed, content, known, option, problem
from support.withdrawals import withdrawal
from support.worlds import blueprint

from tinycontainer.network.agent.requests.message import CoapAnswer, Code, Method, Option, to_uint
from tinycontainer.network.agent.requests.rights import Right
from tinycontainer.state import MemoryState, StateFileError

ALL = frozenset(Right)
ID = "id=00112233445566aa"
A = "/tc/c/61"
FREE = {Right.UPDATE, Right.SNAPSHOT}
"""No path of today needs these."""


def paths(managed: Managed) -> Iterator[tuple[set[Right], Method, str, bytes, dict[Option, bytes]]]:
    """Every request that both interfaces know, with the rights that it needs."""
    bundle = managed.world.pack(blueprint("a"))
    whole = bundle.encode()
    sections = {
        Option.METADATA: bundle.metadata,
        Option.DATA: bundle.data,
        Option.CODE: bundle.code,
    }
    uid = {Option.UID: b"a"}
    for path in ("/tc", "/tc/c", A, f"{A}/m", "/tc/e", "/device-id/"):
        yield {Right.READ}, Method.GET, path, b"", {}
    for verb, right in (("start", Right.START), ("stop", Right.STOP), ("kill", Right.STOP)):
        yield {right}, Method.POST, f"{A}?{verb}&{ID}", b"", {}
    yield {Right.LOAD}, Method.PUT, f"{A}?{ID}", whole, {}
    yield {Right.LOAD, Right.DELETE}, Method.PUT, f"{A}?{ID}", whole, {Option.IF_MATCH: b""}
    yield {Right.DELETE}, Method.DELETE, f"{A}?{ID}", b"", {}
    yield {Right.DELETE}, Method.POST, f"{A}/w?{ID}", withdrawal("a"), {}
    yield {Right.RECONFIGURE}, Method.PUT, f"{A}/m?{ID}", bundle.metadata, {}
    yield {Right.LOAD}, Method.POST, "/tc/j", whole, {}
    yield {Right.LOAD}, Method.POST, "/tc/j?replaces", whole, {}
    yield {Right.IDENTIFY}, Method.POST, "/device-id/", b"x", {}
    for action, method, right, options in (
        (1, Method.POST, Right.LOAD, sections),
        (2, Method.PUT, Right.START, uid),
        (3, Method.GET, Right.READ, uid),
        (4, Method.PUT, Right.STOP, uid),
        (5, Method.DELETE, Right.DELETE, uid),
    ):
        yield {right}, method, "/container/", b"", {Option.ACTION: to_uint(action), **options}


PATHS = range(len([*paths(Managed())]))


def ask(managed: Managed, number: int, peer: bytes = b"peer") -> CoapAnswer:
    _, method, path, payload, options = [*paths(managed)][number]
    return managed.ask(method, path, payload, peer=peer, options=options)


@pytest.mark.clause("TC-MGMT-01")
@pytest.mark.parametrize("number", PATHS)
def test_a_right_that_is_denied_is_denied_on_every_path(number: int) -> None:
    needed = [*paths(Managed())][number][0]
    for missing in ALL:
        managed = Managed(peers=known(peer=(ALL - {missing}, None)))
        code = ask(managed, number).code
        assert (code is Code.FORBIDDEN) is (missing in needed), missing
    managed = Managed(peers=known(peer=(frozenset(needed), None)))
    assert ask(managed, number).code is not Code.FORBIDDEN


def test_all_rights_are_asked_for_by_some_path() -> None:
    assert set.union(*(row[0] for row in paths(Managed()))) == ALL - FREE


@pytest.mark.clause("TC-MGMT-01")
@pytest.mark.parametrize("number", PATHS)
def test_a_peer_has_no_right_to_the_containers_of_others(number: int) -> None:
    needed, method, path, _, _ = [*paths(Managed())][number]
    managed = Managed(peers=known(peer=(ALL, frozenset({b"b"}))))
    managed.world.add(blueprint("a"))
    answer = ask(managed, number)
    if needed == {Right.READ} and A not in path and path != "/container/":
        assert answer.code in (Code.CONTENT, Code.NOT_FOUND)
        assert b"a" not in str(answer.payload and method).encode() or path != "/tc/c"
    else:
        assert answer.code is Code.FORBIDDEN
    assert len(managed.device) == 1


@pytest.mark.clause("TC-MGMT-01")
def test_a_peer_sees_its_own_containers_and_events_only() -> None:
    peers = known(own=(ALL, frozenset({b"b"})), all=(ALL, None))
    managed = Managed(peers=peers)
    for uid in ("a", "b"):
        managed.world.add(blueprint(uid))
    own = managed.ask(Method.GET, "/tc/c", peer=b"own")
    assert [each[0] for each in content(own)] == [b"b"]
    assert len(content(managed.ask(Method.GET, "/tc/c", peer=b"all"))) == 2
    newest, entries = content(managed.ask(Method.GET, "/tc/e", peer=b"own")).values()
    assert (newest, [number for number, _ in entries]) == (2, [2])


@pytest.mark.clause("TC-MGMT-01")
@pytest.mark.parametrize("number", PATHS)
def test_nobody_who_is_unknown_learns_anything(number: int) -> None:
    managed = Managed(peers=known(peer=(ALL, None)))
    assert problem(ask(managed, number, b"stranger")) == ("4.01", "unauthorized")
    strange = managed.ask(Method.GET, "/no/such?x", peer=b"stranger", options={9: b""})
    assert problem(strange) == ("4.01", "unauthorized")
    assert len(managed.device) == 0


@pytest.mark.clause("TC-MGMT-02")
@pytest.mark.parametrize("number", PATHS)
def test_an_unknown_critical_option_is_a_bad_option_on_every_path(number: int) -> None:
    managed = Managed()
    _, method, path, payload, options = [*paths(managed)][number]
    for unknown, is_critical in ((9, True), (65007, True), (2050, False)):
        more = ((unknown, b"x"),)
        answer = managed.ask(method, path, payload, options=options, more=more)
        assert (answer.code is Code.BAD_OPTION) is is_critical
    twice = ((int(Option.ACCEPT), b"\x3c"),) * 2
    assert managed.ask(method, path, payload, options=options, more=twice).code is Code.BAD_OPTION


@pytest.mark.clause("TC-MGMT-02")
def test_options_of_version_1_mean_nothing_in_version_2() -> None:
    managed = Managed()
    answer = managed.ask(Method.GET, "/tc", options={Option.ACTION: b"\1"})
    assert problem(answer) == ("4.02", "bad-option")


@pytest.mark.clause("TC-MGMT-01")
def test_who_asks_too_often_is_told_when_to_ask_again_and_others_are_answered() -> None:
    managed = Managed()
    managed.step_s = 0
    answers = [managed.ask(Method.GET, "/tc", peer=b"hasty") for _ in range(600)]
    refused = [each for each in answers if each.code is Code.TOO_MANY_REQUESTS]
    assert len(refused) == 200
    assert problem(refused[0]) == ("4.29", "too-many-requests")
    assert option(refused[0], Option.MAX_AGE) == b"\1"
    assert managed.ask(Method.GET, "/tc", peer=b"patient").code is Code.CONTENT
    managed.now_s += 1
    assert managed.ask(Method.GET, "/tc", peer=b"hasty").code is Code.CONTENT


@pytest.mark.clause("TC-MGMT-05")
def test_a_bundle_in_blocks_is_loaded_with_its_last_one() -> None:
    managed = Managed()
    whole = managed.world.pack(blueprint("a")).encode()
    size = 64
    pieces = [whole[begin : begin + size] for begin in range(0, len(whole), size)]
    for number, piece in enumerate(pieces):
        more = number < len(pieces) - 1
        block = {Option.BLOCK1: to_uint(number << 4 | more << 3 | 2)}
        answer = managed.ask(Method.PUT, f"{A}?{ID}", piece, options=block)
        assert answer.code is (Code.CONTINUE if more else Code.CREATED)
        assert option(answer, Option.BLOCK1) == block[Option.BLOCK1]
    assert "a" in managed.device


@pytest.mark.clause("TC-MGMT-03", "TC-MGMT-05")
def test_an_upload_that_says_that_it_is_too_long_ends_at_its_first_block() -> None:
    managed = Managed()
    most = managed.world.capacity.bundle_bytes
    options = {Option.BLOCK1: b"\x0a", Option.SIZE1: to_uint(most + 1)}
    answer = managed.ask(Method.PUT, f"{A}?{ID}", bytes(64), options=options)
    assert problem(answer) == ("4.13", "too-large")
    assert option(answer, Option.SIZE1) == to_uint(most)
    assert len(managed.uploads) == 0


@pytest.mark.parametrize("path", ["/x" * 9, "/tc?" + "&".join(f"q{each}" for each in range(9))])
def test_paths_and_queries_are_bounded(path: str) -> None:
    assert problem(Managed().ask(Method.GET, path)) == ("4.00", "bad-request")


def test_problems_are_short_whatever_a_tenant_names() -> None:
    managed = Managed()
    answer = managed.ask(Method.GET, "/tc?" + "x" * 255 + "&" + "x" * 255)
    assert problem(answer) == ("4.00", "bad-request")
    assert len(cbor2.loads(answer.payload)[-2]) < 64


@pytest.mark.clause("TC-MGMT-12")
def test_formats_are_those_of_the_page() -> None:
    managed = Managed()
    text, cbor, octets = {Option.ACCEPT: b""}, {Option.ACCEPT: b"\x3c"}, b"\x2a"
    assert problem(managed.ask(Method.GET, "/tc", options=text)) == ("4.06", "format")
    assert managed.ask(Method.GET, "/tc", options=cbor).code is Code.CONTENT
    whole = managed.world.pack(blueprint("a")).encode()
    wrong = {Option.CONTENT_FORMAT: b"\x3c"}
    refused = managed.ask(Method.PUT, f"{A}?{ID}", whole, options=wrong)
    assert problem(refused) == ("4.15", "format")
    right = {Option.CONTENT_FORMAT: octets}
    assert managed.ask(Method.PUT, f"{A}?{ID}", whole, options=right).code is Code.CREATED


class Locked(MemoryState):
    """A state that another process keeps locked."""

    def answer(self, peer: bytes, request_id: bytes) -> bytes | None:
        raise StateFileError("device.db", "is locked")

    def device_id(self) -> bytes | None:
        raise StateFileError("device.db", "is locked")


@pytest.mark.clause("TC-MGMT-12")
def test_a_state_that_cannot_be_read_is_an_error_of_the_device() -> None:
    managed = Managed(state=Locked())
    assert problem(managed.ask(Method.GET, "/device-id/")) == ("5.00", "failed")
    assert problem(managed.ask(Method.GET, "/tc")) == ("5.00", "failed")
    assert problem(managed.ask(Method.DELETE, f"{A}?{ID}")) == ("5.00", "failed")
