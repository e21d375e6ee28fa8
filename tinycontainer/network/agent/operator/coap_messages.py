"""Requests and answers of the operator as messages of aiocoap, and back."""

from typing import Any, Final

import aiocoap
from aiocoap.numbers import OptionNumber
from aiocoap.optiontypes import OpaqueOption

from ..requests.message import CoapAnswer, CoapRequest, Code, Format, Option
from .answers import AnswerUnreadable

_FORMATS: Final = frozenset(Format)


def write_request(request: CoapRequest, uri: str | None, observe: int | None = None) -> Any:
    """A request as a message.

    Args:
        request: what is asked.
        uri: of the device, without a path; None if the message does not say whom it is for.
        observe: the option of that name; None for none.
    """
    code = aiocoap.Code(int(request.method))
    message: Any = aiocoap.Message(code=code, payload=request.payload, observe=observe)
    if uri is not None:
        message.set_request_uri(uri)
    message.opt.uri_path = request.path
    message.opt.uri_query = request.query
    for number, value in request.options:
        message.opt.add_option(OpaqueOption(OptionNumber(number), value))
    return message


def read_answer(message: Any) -> CoapAnswer:
    """The answer that a message is.

    Raises:
        AnswerUnreadable: its code is not known.
    """
    # The library gives Observe values that cannot be encoded, and has evaluated the option itself.
    options = tuple(
        (int(each.number), each.encode())
        for each in message.opt.option_list()
        if each.number != Option.OBSERVE
    )
    number = message.opt.content_format
    known = Format(int(number)) if number is not None and int(number) in _FORMATS else None
    try:
        return CoapAnswer(Code(int(message.code)), message.payload, known, options)
    except ValueError as error:
        raise AnswerUnreadable("its code is not known") from error


def is_same(answer: CoapAnswer, last: CoapAnswer | None) -> bool:
    """Whether nothing has changed from one answer to the next."""
    return last is not None and (answer.code, answer.payload) == (last.code, last.payload)
