"""Protects the operator's requests by an open OSCORE context, and opens their answers.

What protects a message is not what carries it: RFC 8613, section 11, has HTTP carry it.
"""

from typing import Any, Protocol

import aiocoap
from aiocoap import error
from aiocoap.message import Direction

from tinycontainer.text import flatten

from ..requests.message import CoapAnswer, CoapRequest
from .answers import AnswerUnreadable
from .client import Unproved, Unreachable
from .coap_messages import read_answer, write_request
from .gateway_replies import UNPROVED, ProtectedMessage


class Carrier(Protocol):
    """What carries protected messages to a device. Nothing that it does is trusted."""

    def carry(self, message: ProtectedMessage) -> ProtectedMessage:
        """What came as the answer to a message.

        Raises:
            TimeoutError: nothing did.
            Unreachable: nothing can.
            DeviceRefused: somebody says without protection that it failed.
            AnswerUnreadable: it is none.
        """

    def has_answered(self) -> None:
        """The last answer was the device's own."""


class ProtectedRequests:
    """Sends requests that the context of a device protects.

    Args:
        context: open; it records which numbers were used before it uses them.
        carrier: carries protected messages.
    """

    def __init__(self, context: Any, carrier: Carrier) -> None:
        self._context = context
        self._carrier = carrier

    def ask(self, request: CoapRequest) -> CoapAnswer:
        """The device's answer to one request, which is sent with a number of its own.

        Raises:
            TimeoutError: there was none.
            Unreachable: there cannot be one, or what came is none.
            DeviceRefused: somebody says without protection that it failed.
            AnswerUnreadable: it cannot be read.
        """
        message, identity = self._protect(request)
        answer = self._unprotect(self._carrier.carry(message), identity)
        self._carrier.has_answered()
        return answer

    def _protect(self, request: CoapRequest) -> tuple[ProtectedMessage, Any]:
        """A request as a message with a number of its own, and what belongs to its answer.

        Raises:
            Unreachable: the context has no more numbers, or cannot record them.
        """
        try:
            outer, identity = self._context.protect(write_request(request, None))
        except (error.Error, OSError) as problem:
            raise Unreachable(flatten(str(problem)) or type(problem).__name__) from problem
        return ProtectedMessage(outer.opt.oscore, outer.payload), identity

    def _unprotect(self, found: ProtectedMessage, identity: Any) -> CoapAnswer:
        """The answer in a message, which only the device can have made, and for this request.

        Raises:
            Unproved: it is none, so nobody knows what has become of the request.
            Unreachable: the context cannot record what it has to.
            AnswerUnreadable: the device has made it, and it cannot be read.
        """
        message: Any = aiocoap.Message(code=aiocoap.CHANGED, payload=found.payload)
        message.opt.oscore = found.option
        message.direction = Direction.INCOMING
        try:
            answer, _ = self._context.unprotect(message, identity)
        except OSError as problem:
            raise Unreachable(flatten(str(problem))) from problem
        except Exception as problem:  # foreign code reads what a stranger sends
            raise Unproved(UNPROVED) from problem
        try:
            return read_answer(answer)
        except ValueError as problem:
            raise AnswerUnreadable(flatten(str(problem))) from problem
