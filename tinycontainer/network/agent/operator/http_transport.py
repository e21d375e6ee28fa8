"""Carries the operator's requests through a gateway: OSCORE inside HTTP (TC-GW-53 to TC-GW-59).

The context is the operator's and the device's alone. What the gateway makes of a message, or
makes up, is found out by OSCORE; it can delay and drop.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from ..requests.blocks import decode_block, encode_block
from ..requests.message import (
    BLOCK_BYTES,
    Block,
    CoapAnswer,
    CoapRequest,
    Code,
    Method,
    Option,
)
from ..requests.refusing import CoapRefused
from .answers import MAX_ANSWER_BYTES, AnswerUnreadable
from .coap_messages import is_same

POLL_S: Final = 1.0
"""HTTP cannot bring what nobody has asked for, so an observer asks so often."""
_ECHO: Final = 252
"""Number of the option with which a device has a peer prove that it is there (RFC 9175)."""
_TRIES: Final = 3


class HttpTransport:
    """Carries requests to one device.

    Args:
        ask_once: sends one protected message, and gives the device's own answer.
        sleep: lets seconds pass.
    """

    def __init__(
        self, ask_once: Callable[[CoapRequest], CoapAnswer], sleep: Callable[[float], None]
    ) -> None:
        self._ask_once = ask_once
        self._sleep = sleep

    def ask(self, request: CoapRequest) -> CoapAnswer:
        """Send a request and wait for its answer."""
        return self._complete(request, self._exchange(request))

    def observe(self, request: CoapRequest) -> Iterator[CoapAnswer]:
        """The answer to a request now, and again whenever it has changed; without an end."""
        last: CoapAnswer | None = None
        while True:
            first = self._exchange_patiently(request)
            if last is None or _mark(first) != _mark(last):
                answer = self._complete(request, first)
                if not is_same(answer, last):
                    yield answer
                last = answer
            self._sleep(POLL_S)

    def _exchange_patiently(self, request: CoapRequest) -> CoapAnswer:
        """Ask what is safe to be asked again."""
        for _ in range(_TRIES - 1):
            try:
                return self._exchange(request)
            except TimeoutError:
                continue
        return self._exchange(request)

    def _exchange(self, request: CoapRequest) -> CoapAnswer:
        """The device's answer to one message; where it asks whether we are there, to a second."""
        answer = self._ask_once(request)
        echo = _option(answer, _ECHO)
        if answer.code is not Code.UNAUTHORIZED or echo is None:
            return answer
        return self._ask_once(replace(request, options=(*request.options, (_ECHO, echo))))

    def _complete(self, request: CoapRequest, first: CoapAnswer) -> CoapAnswer:
        """All of an answer of which the first block has come."""
        if request.method is not Method.GET and _block(first).more:
            raise AnswerUnreadable("it is in blocks, and is no answer to GET")
        for _ in range(_TRIES):
            content = self._follow(request, first) if _block(first).more else first.payload
            if content is not None:
                return replace(first, payload=content)
            first = self._exchange(request)
        raise AnswerUnreadable("it changes while it is read")

    def _follow(self, request: CoapRequest, first: CoapAnswer) -> bytes | None:
        """The blocks of an answer, put together; None if it has become another one."""
        content, block = first.payload, _block(first)
        if block.number != 0 or _option(first, Option.ETAG) is None:
            raise AnswerUnreadable("its blocks do not begin as they must")
        while block.more:
            if len(content) != (block.number + 1) * block.size_bytes:
                raise AnswerUnreadable("a block has not its size")
            if len(content) > MAX_ANSWER_BYTES:
                raise AnswerUnreadable(f"it has more than {MAX_ANSWER_BYTES} bytes")
            wanted = Block(block.number + 1, False, block.size_bytes)
            option = (Option.BLOCK2, encode_block(wanted))
            answer = self._exchange(replace(request, options=(*request.options, option)))
            if not _is_of(answer, first):
                return None
            block = _block(answer)
            if (block.number, block.size_bytes) != (wanted.number, wanted.size_bytes):
                raise AnswerUnreadable("its blocks are not in order")
            content += answer.payload
        return content


def _is_of(answer: CoapAnswer, first: CoapAnswer) -> bool:
    """Whether an answer is a block of the same content as the first."""
    etags = _option(answer, Option.ETAG), _option(first, Option.ETAG)
    return answer.code is first.code and etags[0] == etags[1]


def _option(answer: CoapAnswer, number: int) -> bytes | None:
    return next((value for each, value in answer.options if each == number), None)


def _block(answer: CoapAnswer) -> Block:
    """Which block an answer is; the only one if it does not say."""
    option = _option(answer, Option.BLOCK2)
    try:
        return Block(0, False, BLOCK_BYTES) if option is None else decode_block(option)
    except CoapRefused as error:
        raise AnswerUnreadable("the number of its block cannot be read") from error


def _mark(answer: CoapAnswer) -> tuple[Code, bytes, bytes | None]:
    """What shows by its first block alone whether an answer is another one."""
    return answer.code, answer.payload[:BLOCK_BYTES], _option(answer, Option.ETAG)
