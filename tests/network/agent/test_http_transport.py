"""The transport through a gateway, over scripted answers; and how replies of a gateway are read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.network.agent.operator.answers import MAX_ANSWER_BYTES, AnswerUnreadable
from tinycontainer.network.agent.operator.client import DeviceRefused, Unproved
from tinycontainer.network.agent.operator.gateway_replies import (
    describe,
    describe_return,
    is_asleep,
    read_option,
    read_protected,
    write_option,
)
from tinycontainer.network.agent.operator.http_connection import HttpReply
from tinycontainer.network.agent.operator.http_transport import HttpTransport
from tinycontainer.network.agent.requests.blocks import encode_block
from tinycontainer.network.agent.requests.message import (
    Block,
    CoapAnswer,
    CoapRequest,
    Code,
    Method,
    Option,
)

GET = CoapRequest(b"", Method.GET, ("tc", "c"))
ECHO = 252


class Scripted:
    """Answers by a script, and keeps what was asked and how long was slept; None is a timeout."""

    def __init__(self, *answers: CoapAnswer | None) -> None:
        self.answers = list(answers)
        self.asked: list[CoapRequest] = []
        self.slept_s: list[float] = []

    def ask(self, request: CoapRequest) -> CoapAnswer:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if answer is None:
            raise TimeoutError
        return answer

    @property
    def transport(self) -> HttpTransport:
        return HttpTransport(self.ask, self.slept_s.append)


def block(
    number: int, payload: bytes, *, more: bool = True, etag: bytes = b"1", size: int = 16
) -> CoapAnswer:
    """A block of an answer."""
    value = encode_block(Block(number, more, size))
    return CoapAnswer(Code.CONTENT, payload, None, ((Option.ETAG, etag), (Option.BLOCK2, value)))


FIRST, SECOND, LAST = block(0, b"a" * 16), block(1, b"b" * 16), block(2, b"c", more=False)
CHALLENGE = CoapAnswer(Code.UNAUTHORIZED, options=((ECHO, b"are you there?"),))


@pytest.mark.clause("TC-GW-54")
def test_blocks_of_an_answer_are_put_together() -> None:
    script = Scripted(FIRST, SECOND, LAST)
    assert script.transport.ask(GET).payload == b"a" * 16 + b"b" * 16 + b"c"
    assert [each.option(Option.BLOCK2) for each in script.asked] == [None, b"\x10", b"\x20"]


@pytest.mark.clause("TC-GW-54")
def test_an_answer_that_changes_is_asked_for_again() -> None:
    other = [block(0, b"x" * 16, etag=b"2"), block(1, b"y", more=False, etag=b"2")]
    script = Scripted(FIRST, SECOND, block(2, b"c", more=False, etag=b"2"), *other)
    assert script.transport.ask(GET).payload == b"x" * 16 + b"y"
    shorter = CoapAnswer(Code.CONTENT, b"short")
    script = Scripted(FIRST, CoapAnswer(Code.BAD_REQUEST), shorter)
    assert script.transport.ask(GET) == shorter
    with pytest.raises(AnswerUnreadable, match="it changes while it is read"):
        Scripted(*[FIRST, CoapAnswer(Code.BAD_REQUEST)] * 3, FIRST).transport.ask(GET)


@pytest.mark.clause("TC-GW-54")
@pytest.mark.parametrize(
    "answers",
    [
        pytest.param((SECOND,), id="the second first"),
        pytest.param((FIRST, FIRST), id="the first twice"),
        pytest.param((FIRST, LAST), id="one left out"),
        pytest.param((FIRST, block(1, b"b" * 32, size=32)), id="another size"),
        pytest.param((block(0, b"a" * 15),), id="too short"),
        pytest.param((FIRST, block(1, b"b" * 17), LAST), id="too long"),
        pytest.param((FIRST, CoapAnswer(Code.CONTENT, b"x", None, ((4, b"1"),))), id="no block"),
        pytest.param(
            (CoapAnswer(Code.CONTENT, b"a" * 16, None, ((Option.BLOCK2, b"\x08"),)),), id="no ETag"
        ),
        pytest.param(
            (CoapAnswer(Code.CONTENT, b"a", None, ((Option.BLOCK2, bytes(4)),)),), id="no number"
        ),
    ],
)
def test_blocks_that_do_not_belong_together_are_refused(answers: tuple[CoapAnswer, ...]) -> None:
    with pytest.raises(AnswerUnreadable):
        Scripted(*answers).transport.ask(GET)


@pytest.mark.clause("TC-GW-54")
def test_blocks_without_an_end_are_refused() -> None:
    count = MAX_ANSWER_BYTES // 1024 + 1
    endless = [block(number, bytes(1024), size=1024) for number in range(count + 1)]
    script = Scripted(*endless)
    with pytest.raises(AnswerUnreadable, match="has more than"):
        script.transport.ask(GET)
    assert len(script.asked) == count


def test_an_answer_in_blocks_to_a_change_is_refused() -> None:
    with pytest.raises(AnswerUnreadable, match="no answer to GET"):
        Scripted(FIRST).transport.ask(CoapRequest(b"", Method.POST, ("tc", "j")))


@pytest.mark.clause("TC-GW-55")
def test_who_is_asked_whether_he_is_there_says_so_once() -> None:
    done = CoapAnswer(Code.CHANGED)
    script = Scripted(CHALLENGE, done)
    assert script.transport.ask(GET) == done
    assert [each.option(ECHO) for each in script.asked] == [None, b"are you there?"]
    script = Scripted(CHALLENGE, CHALLENGE)
    assert script.transport.ask(GET) == CHALLENGE
    plain = CoapAnswer(Code.UNAUTHORIZED)
    script = Scripted(plain)
    assert script.transport.ask(GET) == plain
    assert len(script.asked) == 1


def test_an_observer_asks_every_second_and_gets_changes_alone() -> None:
    one, two = CoapAnswer(Code.CONTENT, b"1"), CoapAnswer(Code.CONTENT, b"2")
    script = Scripted(one, one, None, None, two, FIRST, SECOND, LAST, FIRST, one)
    answers = script.transport.observe(GET)
    assert next(answers) == one
    assert next(answers) == two
    assert script.slept_s == [1.0, 1.0]
    assert next(answers).payload == b"a" * 16 + b"b" * 16 + b"c"
    script.answers[:] = [None, None, None]
    with pytest.raises(TimeoutError):
        next(answers)


def test_of_a_long_answer_that_has_not_changed_only_the_first_block_is_asked_for() -> None:
    first = block(0, bytes(1024), size=1024)
    last = block(1, b"z", more=False, size=1024)
    script = Scripted(first, last, first, first, CoapAnswer(Code.CONTENT, b"new"))
    answers = script.transport.observe(GET)
    assert len(next(answers).payload) == 1025
    assert next(answers).payload == b"new"
    assert len(script.asked) == 5


@given(st.binary(max_size=255).filter(lambda value: value != b"\0"))
def test_the_header_of_an_option_is_that_option(value: bytes) -> None:
    assert read_option(write_option(value)) == value


@pytest.mark.clause("TC-GW-53")
def test_the_option_has_one_form_as_a_header() -> None:
    assert (write_option(b""), read_option("AA")) == ("AA", b"")
    assert write_option(b"\x09\xff\xfe") == "Cf_-"
    for bad in ("", "A", "AB", "CQ==", "CQ=", "C Q", "Cf/+", "A" * 343, "é", "CQ\n"):
        with pytest.raises(ValueError, match=r"base64|multiple|character"):
            read_option(bad)


OSCORE = (("content-type", "application/oscore"), ("oscore", "AA"))
PROBLEM = (("content-type", "application/problem+json"),)


@pytest.mark.clause("TC-GW-53", "TC-GW-56")
def test_only_a_reply_of_the_one_form_carries_a_protected_message() -> None:
    assert read_protected(HttpReply(200, OSCORE, b"x")).payload == b"x"
    for reply in (
        HttpReply(200, OSCORE[:1], b"x"),
        HttpReply(200, OSCORE[1:], b"x"),
        HttpReply(200, (*OSCORE, OSCORE[1]), b"x"),
        HttpReply(200, (*OSCORE, OSCORE[0]), b"x"),
    ):
        with pytest.raises(Unproved, match="nobody knows whether it was done"):
            read_protected(reply)
    for status in (201, 202, 204, 206, 301, 400, 503):
        with pytest.raises(DeviceRefused, match=f"the gateway refused: {status} "):
            read_protected(HttpReply(status, OSCORE, b"x"))
    with pytest.raises(TimeoutError):
        read_protected(HttpReply(504, OSCORE, b"x"))


@pytest.mark.clause("TC-GW-56")
@pytest.mark.parametrize(
    ("problem", "line"),
    [
        ({}, "the gateway refused: 502 without a reason"),
        ({"title": "Bad", "detail": "a\n\x1b"}, r"the gateway refused: 502 Bad: a\x0a\x1b"),
        ({"title": 1, "detail": None, "code": 4.01}, "the gateway refused: 502 without a reason"),
        ({"code": "2.04", "title": "Changed"}, "the gateway refused: 502 Changed"),
        (
            {"code": "4.01", "title": "No"},
            "it answered without protection: 4.01 No; is its side of the context the same?",
        ),
    ],
)
def test_a_problem_is_one_line(problem: dict[str, object], line: str) -> None:
    assert describe(HttpReply(502, PROBLEM, json.dumps(problem).encode())) == line


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"\xff", b"[" * 60_000, b"1" * 60_000])
def test_what_is_no_problem_document_is_one_line_too(body: bytes) -> None:
    assert describe(HttpReply(502, PROBLEM, body)) == "the gateway refused: 502 without a reason"
    assert not is_asleep(HttpReply(503, PROBLEM, body))


def test_when_a_device_may_be_back_is_a_number_or_nothing() -> None:
    def back(value: str) -> str:
        return describe_return(HttpReply(503, (("retry-after", value),)))

    assert back("30") == "it may be back in 30 s"
    for value in ("", "-1", "1e9", "9" * 30, "Wed, 21 Oct 2026 07:28:00 GMT", "٣"):
        assert back(value) == "nobody knows how long"
