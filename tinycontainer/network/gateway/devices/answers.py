"""Answers of devices: read from messages of the library, and judged by what they say of blocks."""

from contextlib import suppress
from typing import Any, Final

from ...agent.requests.blocks import decode_block
from ...agent.requests.message import Block, CoapAnswer, Code, Format, Option
from ...agent.requests.refusing import CoapRefused

MAX_MESSAGE_BYTES: Final = 3072
"""Payload and options of one answer; the library cuts datagrams of 4096 bytes without a word."""
_FORMATS: Final = frozenset(Format)
_CRITICAL: Final = frozenset({Option.OSCORE, Option.BLOCK1, Option.BLOCK2})
"""Critical options that an answer can have (RFC 7252, section 5.4.1)."""


class NoAnswer(Exception):
    """The device has not answered in time, or cannot be reached. It may have got the request."""


class BadAnswer(Exception):
    """The device, or somebody in its place, has answered what cannot be used.

    The text is one line, fit to be shown.
    """


def read_answer(message: Any) -> CoapAnswer:
    """The answer of a message.

    Raises:
        BadAnswer: its code is not known.
    """
    options = tuple(
        (int(each.number), each.encode())
        for each in message.opt.option_list()
        if each.number != Option.OBSERVE
    )
    size = len(message.payload) + sum(len(value) for _, value in options)
    if size > MAX_MESSAGE_BYTES:
        raise BadAnswer(f"a message of its answer has more than {MAX_MESSAGE_BYTES} bytes")
    if any(each % 2 and each not in _CRITICAL for each, _ in options):
        raise BadAnswer("its answer has a critical option that is not known")
    number = message.opt.content_format
    known = Format(int(number)) if number is not None and int(number) in _FORMATS else None
    try:
        return CoapAnswer(_code_of(int(message.code)), bytes(message.payload), known, options)
    except ValueError as problem:
        raise BadAnswer("its code is not known") from problem


def _code_of(number: int) -> Code:
    """A code; one that is not known counts as the first of its class (RFC 7252, section 5.9)."""
    with suppress(ValueError):
        return Code(number)
    return {4: Code.BAD_REQUEST, 5: Code.INTERNAL_ERROR}.get(number >> 5) or Code(number)


def begin_of(message: Any) -> CoapAnswer:
    """The answer of a message that is its first block, or all of it.

    Raises:
        BadAnswer: it is something else.
    """
    answer = read_answer(message)
    require_begin(answer)
    return answer


def require_begin(answer: CoapAnswer) -> None:
    """Refuse an answer that is not the first block of one, or all of it."""
    block = block_of(answer)
    if block is not None and block.number > 0:
        raise BadAnswer("its answer does not begin with its first block")


def continued_size(answer: CoapAnswer, block: Block) -> int:
    """In blocks of which size an upload goes on (RFC 7959, section 2.3)."""
    found = block_of(answer, Option.BLOCK1)
    if not block.more:
        raise BadAnswer("it asks for more than there is")
    if answer.code is not Code.CONTINUE or found is None or found.number != block.number:
        # It has taken one block for all there is, or another one: what it has done is not known.
        raise BadAnswer("it does not take payloads in blocks as it should")
    return min(found.size_bytes, block.size_bytes)


def block_of(answer: CoapAnswer, number: Option = Option.BLOCK2) -> Block | None:
    """What an answer says of blocks; None if it says nothing.

    Raises:
        BadAnswer: it cannot be read.
    """
    value = dict(answer.options).get(number)
    if value is None:
        return None
    try:
        return decode_block(value)
    except CoapRefused as problem:
        raise BadAnswer("its option of blocks cannot be read") from problem


def etag_of(answer: CoapAnswer) -> bytes | None:
    """The tag of an answer; None if it has none."""
    return dict(answer.options).get(Option.ETAG)
