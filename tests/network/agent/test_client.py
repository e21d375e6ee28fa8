"""The client, over a scripted transport."""

from collections.abc import Callable, Iterator

import cbor2
import pytest

from tinycontainer.network.agent.operator.answers import AnswerUnreadable
from tinycontainer.network.agent.operator.client import Client, DeviceRefused, Requests, Unreachable
from tinycontainer.network.agent.requests.message import (
    CoapAnswer,
    CoapRequest,
    Code,
    Format,
    Method,
    Option,
)
from tinycontainer.trace import Statistics

USAGE = [1, 9_999, 5_000, 5, 512, 7, 8, 9, 10]
ROW = {0: b"a\x1b", 1: 2, 2: 3, 3: "", 4: 5, 5: bytes(32), 6: 0, 99: "passed over"}


class Scripted:
    """Answers by a script, and keeps what was asked; None is a timeout."""

    def __init__(self, *answers: CoapAnswer | None) -> None:
        self.answers = list(answers)
        self.asked: list[CoapRequest] = []

    def ask(self, request: CoapRequest) -> CoapAnswer:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if answer is None:
            raise TimeoutError
        return answer

    def observe(self, request: CoapRequest) -> Iterator[CoapAnswer]:
        while self.answers:
            yield self.ask(request)


def client(transport: Scripted) -> Client:
    numbers = iter(range(1, 99))
    return Client(Requests(transport, lambda size: bytes([next(numbers)]) * size))


def content(value: object) -> CoapAnswer:
    return CoapAnswer(Code.CONTENT, cbor2.dumps(value), Format.CBOR)


def test_containers_are_read_and_their_text_is_escaped() -> None:
    (found,) = client(Scripted(content([ROW]))).containers()
    assert (found.uid, found.state, found.loops) == ("a\\x1b", "RUNNING", 3)


def with_usage(usage: object) -> dict[int, object]:
    """A container that says what it used; keys are in their order."""
    return dict(sorted((ROW | {7: usage}).items()))


def test_what_a_container_used_is_read() -> None:
    older, newer = client(Scripted(content([ROW, with_usage(USAGE)]))).containers()
    assert newer.statistics == Statistics(0, 3, 5_000, 5, 512, 7, 8, 9, 10)
    assert (newer.share, newer.idle_share, newer.says_usage) == (1, 9_999, True)
    assert older.statistics == Statistics(loops=3)
    assert not older.says_usage


def test_a_container_has_not_changed_because_it_used_more() -> None:
    rows = [with_usage(USAGE), with_usage([2, 9_998, *USAGE[2:]]), with_usage(USAGE) | {1: 1}]
    first, later, stopped = client(Scripted(content(rows))).containers()
    assert first.differs_from(None)
    assert not later.differs_from(first)
    assert stopped.differs_from(first)


@pytest.mark.parametrize(
    "value",
    [
        1,
        [1],
        [with_usage(USAGE[1:])],
        [with_usage([*USAGE[:-1], -1])],
        [with_usage([10_001, *USAGE[1:]])],
        [with_usage("much")],
        [ROW | {0: "text"}],
        [ROW | {2: -1}],
        [ROW | {2: True}],
        [ROW | {5: b""}],
        [ROW | {99: [[[[[[[[[]]]]]]]]]}],
        [0] * 1025,
    ],
)
def test_what_is_no_list_of_containers_is_refused(value: object) -> None:
    with pytest.raises(AnswerUnreadable):
        client(Scripted(content(value))).containers()


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x80\x00", b"\x9b" + b"\xff" * 8])
def test_what_is_no_cbor_is_refused(payload: bytes) -> None:
    with pytest.raises(AnswerUnreadable):
        client(Scripted(CoapAnswer(Code.CONTENT, payload))).containers()


@pytest.mark.clause("TC-MGMT-10")
def test_a_change_is_repeated_with_its_id_and_the_next_has_another() -> None:
    transport = Scripted(None, None, CoapAnswer(Code.CHANGED), CoapAnswer(Code.DELETED))
    asking = client(transport)
    asking.order(b"ab", "start")
    asking.delete(b"ab")
    queries = [request.query for request in transport.asked]
    assert queries == [("start", "id=" + "01" * 8)] * 3 + [("id=" + "02" * 8,)]
    assert transport.asked[3].method is Method.DELETE
    assert transport.asked[3].path == ("tc", "c", "6162")


@pytest.mark.parametrize("code", [Code.VALID, Code.CONTENT, Code.CREATED, Code.CONTINUE])
def test_an_answer_of_another_kind_is_no_success(code: Code) -> None:
    wishes: list[Callable[[Client], object]] = [
        lambda client: client.order(b"a", "start"),
        lambda client: client.delete(b"a"),
        lambda client: client.withdraw(b"a", b""),
        lambda client: client.reconfigure(b"a", b""),
        lambda client: client.set_device_id(b"a"),
        lambda client: client.judge(b"", replaces=False),
    ]
    for ask in wishes:
        with pytest.raises(AnswerUnreadable, match=rf"it is {code.dotted}"):
            ask(client(Scripted(CoapAnswer(code))))


def test_a_verdict_without_checks_is_none() -> None:
    answer = CoapAnswer(Code.CHANGED, cbor2.dumps([]), Format.CBOR)
    with pytest.raises(AnswerUnreadable, match="a verdict has no checks"):
        client(Scripted(answer)).judge(b"", replaces=False)


def test_events_whose_numbers_do_not_rise_end_the_following() -> None:
    event = content({0: 9, 1: [[3, b"{}"], [3, b"{}"]]})
    with pytest.raises(AnswerUnreadable, match="do not rise"):
        list(client(Scripted(content(0), event)).follow(0))
    first, same = content({0: 9, 1: [[3, b"{}"]]}), content({0: 9, 1: [[3, b"{}"]]})
    following = client(Scripted(content(0), first, same)).follow(0)
    assert next(following) == (3, "{}")
    with pytest.raises(AnswerUnreadable, match="do not rise"):
        next(following)


def test_a_long_payload_goes_in_blocks_and_its_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    transport = Scripted(*[CoapAnswer(Code.CONTINUE)] * 2, CoapAnswer(Code.CREATED))
    requests = Requests(transport, bytes, show_progress=lambda *each: told.append(each))
    Client(requests).load(b"a", bytes(2500))
    assert told == [(1024, 2500), (2048, 2500), (2500, 2500)]
    assert [len(each.payload) for each in transport.asked] == [1024, 1024, 452]
    blocks = [each.option(Option.BLOCK1) for each in transport.asked]
    assert blocks == [b"\x0e", b"\x1e", b"\x26"]
    assert len({each.option(Option.REQUEST_TAG) for each in transport.asked}) == 1
    assert len({each.query for each in transport.asked}) == 1


def test_lost_blocks_are_sent_again_with_the_same_id() -> None:
    lost = CoapAnswer(Code.INCOMPLETE)
    transport = Scripted(lost, None, CoapAnswer(Code.CONTINUE), CoapAnswer(Code.CREATED))
    numbers = iter(range(1, 99))
    Client(Requests(transport, lambda size: bytes([next(numbers)]) * size)).load(b"a", bytes(2000))
    assert len({each.query for each in transport.asked}) == 1
    assert len({each.option(Option.REQUEST_TAG) for each in transport.asked}) == 3


def test_three_timeouts_are_the_end() -> None:
    transport = Scripted(None, None, None, None)
    with pytest.raises(Unreachable):
        client(transport).delete(b"ab")
    assert len(transport.asked) == 3


@pytest.mark.clause("TC-MGMT-12")
def test_a_problem_is_one_line() -> None:
    problem = cbor2.dumps({-1: "duplicate-uid", -2: "it\nis", -4: 137})
    with pytest.raises(DeviceRefused, match=r"^4\.09 duplicate-uid: it\\x0ais$"):
        client(Scripted(CoapAnswer(Code.CONFLICT, problem, Format.PROBLEM))).load(b"a", b"")


def test_checks_are_read() -> None:
    answer = CoapAnswer(Code.CHANGED, cbor2.dumps([["a", 1, ""], ["b", 2, "x"]]), Format.CBOR)
    checks = client(Scripted(answer)).judge(b"", replaces=True)
    assert checks == [("a", True, ""), ("b", None, "x")]


@pytest.mark.parametrize(
    "row", [["a", True, ""], ["a", 3, ""], ["a", [], ""], ["a", 1], [b"a", 1, ""], 7]
)
def test_what_is_no_check_is_refused(row: object) -> None:
    answer = CoapAnswer(Code.CHANGED, cbor2.dumps([row]), Format.CBOR)
    with pytest.raises(AnswerUnreadable):
        client(Scripted(answer)).judge(b"", replaces=False)


@pytest.mark.clause("TC-MGMT-11")
def test_a_replacement_names_the_version_that_was_seen() -> None:
    seen = content(ROW | {5: bytes(range(32))})
    transport = Scripted(seen, CoapAnswer(Code.CHANGED))
    client(transport).replace(b"ab", b"bundle", 500)
    put = transport.asked[1]
    assert put.options == ((Option.IF_MATCH, bytes(range(8))),)
    assert put.query == ("confirm=500", "id=" + "01" * 8)
