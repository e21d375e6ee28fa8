"""Carries requests to devices over CoAP by aiocoap, and their answers back.

Blocks are made and put together here (RFC 7959): the library's own assembly has no bound. What a
request means is not known here.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Final

import aiocoap
from aiocoap import error, oscore
from aiocoap.numbers import OptionNumber
from aiocoap.optiontypes import OpaqueOption

from tinycontainer.interfaces.network.coap_client import Notifications, end_observation
from tinycontainer.text import flatten

from ...agent.requests.blocks import encode_block
from ...agent.requests.message import (
    BLOCK_BYTES,
    Block,
    CoapAnswer,
    CoapRequest,
    Code,
    Option,
    to_uint,
)
from .addresses import SingleAddress, give_up
from .answers import (
    BadAnswer,
    NoAnswer,
    begin_of,
    block_of,
    continued_size,
    etag_of,
    read_answer,
    require_begin,
)
from .cache import freshness_s
from .payloads import PayloadPieces

OBSERVED_S: Final = 600
"""After so long without news, whoever is observed is asked, whatever it has said."""
OBSERVED_MARGIN_S: Final = 2.0
ALL_BLOCKS_S: Final = 300.0
"""How long all blocks of an answer may take together."""
MAX_REMOTES: Final = 10_000
"""Addresses that are kept; the one that was worked out first is forgotten."""
_WRONG_LENGTH: Final = "a block of its answer has another length than it says"


class _Patience(aiocoap.TransportTuning):  # type: ignore[misc]
    """How often a message is sent: three times in 6.75 s at the most, given up after 15.75 s.

    As a device gets one message at a time, one that is given up holds up the next ones until then.
    """

    ACK_TIMEOUT = 1.5
    MAX_RETRANSMIT = 2


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes.

    Attributes:
        name: of the device.
        base: its URI, without a path.
        security: the open OSCORE context that is shared with it; None if there is none.
    """

    name: str
    base: str
    security: Any


class CoapCarrier:
    """Carries requests to devices.

    Args:
        context: of aiocoap, over UDP.
        random_bytes: draws a number of bytes, for tags of uploads.
        answer_s: how long a device may take for one answer; the library sends a request again
            until then.
    """

    def __init__(self, context: Any, random_bytes: Any, answer_s: float) -> None:
        self._context = context
        self._random_bytes = random_bytes
        self._answer_s = answer_s
        self._remotes: dict[str, Any] = {}

    async def exchange(self, to: Destination, request: CoapRequest) -> CoapAnswer:
        """Send one message, and wait for its answer.

        Raises:
            NoAnswer: there was none in time.
            BadAnswer: it cannot be used.
        """
        _, answer = await self._ask_until_taken(to, request)
        return read_answer(answer)

    async def send(self, to: Destination, request: CoapRequest, body: PayloadPieces) -> CoapAnswer:
        """Send a request with a payload, in blocks if it is longer than one.

        Returns:
            The answer, or the first block of it.

        Raises:
            NoAnswer: the device has not answered one of the blocks in time.
            BadAnswer: an answer cannot be used.
        """
        part, more = await body.take(BLOCK_BYTES)
        if more:
            answer = await self._upload(to, request, body, part)
        else:
            answer = await self.exchange(to, replace(request, payload=part))
        require_begin(answer)
        return answer

    async def _upload(
        self, to: Destination, request: CoapRequest, body: PayloadPieces, part: bytes
    ) -> CoapAnswer:
        """Send a payload in blocks, of which the first is there; the answer to the last one."""
        tag = (int(Option.REQUEST_TAG), self._random_bytes(4))
        size = () if body.size is None else ((int(Option.SIZE1), to_uint(body.size)),)
        block, came = Block(0, True, BLOCK_BYTES), 0
        while True:
            option = (int(Option.BLOCK1), encode_block(block))
            options = (*request.options, tag, option, *size)
            answer = await self.exchange(to, replace(request, payload=part, options=options))
            if answer.code >= Code.BAD_REQUEST:
                return answer
            if not block.more and answer.code is not Code.CONTINUE:
                return answer
            size_bytes = continued_size(answer, block)
            came += len(part)
            part, more = await body.take(size_bytes)
            block, size = Block(came // size_bytes, more, size_bytes), ()

    async def parts(
        self, to: Destination, request: CoapRequest, first: CoapAnswer, most_bytes: int
    ) -> AsyncGenerator[bytes, None]:
        """The payload of an answer, block by block.

        Args:
            to: where the request went.
            request: without its payload.
            first: the answer to it.
            most_bytes: of the payload.

        Raises:
            NoAnswer: the device does not answer any more.
            BadAnswer: the blocks do not fit together, or there are too many, or they take too long.
        """
        answer, came = first, 0
        end_s = asyncio.get_running_loop().time() + ALL_BLOCKS_S
        asked = tuple(each for each in request.options if each[0] != Option.BLOCK1)
        while True:
            block = block_of(answer)
            came += len(answer.payload)
            if came > most_bytes:
                raise BadAnswer(f"its answer has more than {most_bytes} bytes")
            if block is not None and len(answer.payload) > block.size_bytes:
                raise BadAnswer(_WRONG_LENGTH)
            yield answer.payload
            if block is None or not block.more:
                return
            if len(answer.payload) != block.size_bytes:
                raise BadAnswer(_WRONG_LENGTH)
            if asyncio.get_running_loop().time() > end_s:
                raise BadAnswer(f"its answer takes more than {ALL_BLOCKS_S:g} s")
            following = Block(block.number + 1, False, block.size_bytes)
            options = (*asked, (int(Option.BLOCK2), encode_block(following)))
            answer = await self.exchange(to, replace(request, options=options, payload=b""))
            found = block_of(answer)
            if (
                answer.code is not first.code
                or etag_of(answer) != etag_of(first)
                or found is None
                or (found.number, found.size_bytes) != (following.number, following.size_bytes)
            ):
                raise BadAnswer("blocks of its answer do not belong together")

    async def observe(
        self, to: Destination, request: CoapRequest
    ) -> AsyncGenerator[CoapAnswer, None]:
        """The answer to a request, and again whenever it has changed, until that ends.

        A notification has the first block only. Without any, it ends some time after the last one
        is fresh no more.

        Raises:
            NoAnswer: there was no first answer in time, or the device is not reached any more.
            BadAnswer: an answer cannot be used.
        """
        asked, first = await self._ask_until_taken(to, request, observe=0)
        with closing(Notifications(asked.asking)) as notifications:
            answer = begin_of(first)
            yield answer
            while True:
                # A device that was started anew has forgotten who observes it (RFC 7641, 3.3.1).
                patience_s = min(freshness_s(answer), OBSERVED_S) + OBSERVED_MARGIN_S
                found = await self._receive(notifications.next(), patience_s)
                if found is None:
                    return
                opened = asked.open(found)
                if not asked.is_newer(found):  # somebody has kept it back, or it was overtaken
                    continue
                answer = begin_of(opened)
                yield answer

    def abandon(self, name: str, base: str) -> None:
        """Give up all that was sent to a device: it has just come back, and has got none of it.

        What others have sent from there is not touched: neither the device's own request, by which
        it has come back, nor what was sent to a device that has registered the same base.
        """
        remote = self._remotes.get(base)
        for interface in self._context.request_interfaces if remote is not None else ():
            if getattr(interface, "token_interface", None) is not None:
                give_up(interface, remote, name)

    async def _ask_until_taken(
        self, to: Destination, request: CoapRequest, *, observe: int | None = None
    ) -> "tuple[_Asked, Any]":
        """Send a request, and once more if the device wants to know that it is new.

        Returns:
            What was sent, and the answer without its protection.

        Raises:
            NoAnswer: there was none in time.
            BadAnswer: it cannot be used.
        """
        asked = await self._ask(to, request, observe=observe)
        answer = await self._answer_to(asked)
        echo = answer.opt.echo
        if int(answer.code) == Code.UNAUTHORIZED and echo is not None and asked.is_protected:
            # The device was started anew, and has forgotten what it has taken.
            asked.end()
            asked = await self._ask(to, request, observe=observe, echo=echo)
            answer = await self._answer_to(asked)
        return asked, answer

    async def _answer_to(self, asked: "_Asked") -> Any:
        try:
            return asked.open(await self._receive(asked.asking.response, self._answer_s))
        except (NoAnswer, BadAnswer):
            asked.end()
            raise

    async def _ask(
        self,
        to: Destination,
        request: CoapRequest,
        *,
        observe: int | None = None,
        echo: bytes | None = None,
    ) -> "_Asked":
        """Send a request; the gateway's own context protects it, unless another does already."""
        message: Any = aiocoap.Message(
            code=aiocoap.Code(int(request.method)),
            payload=request.payload,
            observe=observe,
            echo=echo,
        )
        message.opt.uri_path = request.path
        message.opt.uri_query = request.query
        for number, value in request.options:
            message.opt.add_option(OpaqueOption(OptionNumber(number), value))
        security = to.security if request.option(Option.OSCORE) is None else None
        request_id = None
        if security is not None:
            try:
                message, request_id = security.protect(message)
            except (oscore.ContextUnavailable, OSError) as problem:
                raise BadAnswer("it is not asked: its context cannot be used") from problem
        # Of the message that is sent: what protects one makes another of it.
        message.transport_tuning = _Patience()
        message.for_device = to.name
        message.remote = await self._find_remote(to.base)
        asking = self._context.request(message, handle_blockwise=False)
        return _Asked(asking, security, request_id)

    async def _find_remote(self, base: str) -> Any:
        """The library's address of a device, which it works out for each base once."""
        remote = self._remotes.get(base)
        if remote is None:
            finder: Any = aiocoap.Message(code=aiocoap.GET, uri=base)
            try:
                await self._context.find_remote_and_interface(finder)
            except (error.Error, OSError) as problem:
                raise NoAnswer from problem
            remote = SingleAddress(finder.remote)
            while len(self._remotes) >= MAX_REMOTES:
                del self._remotes[next(iter(self._remotes))]
            self._remotes[base] = remote
        return remote

    async def _receive(self, answering: Any, timeout_s: float) -> Any:
        """A message that was waited for; None at the end of an observation."""
        try:
            # Not by `wait_for`, which can lose that the one who waits was cancelled (3.11).
            async with asyncio.timeout(timeout_s):
                return await answering
        except (TimeoutError, error.NetworkError, error.LibraryShutdown) as problem:
            raise NoAnswer from problem
        except (error.NotObservable, error.ObservationCancelled):
            return None
        except Exception as problem:  # foreign code reads what a stranger sends
            raise BadAnswer(f"its answer cannot be read ({type(problem).__name__})") from problem


@dataclass(slots=True)
class _Asked:
    """A request that was sent.

    Attributes:
        asking: of the library.
        security: protects it; None if the gateway's own context does not.
        request_id: by what its answers are opened.
        number: of the newest protected notification; -1 before the first.
    """

    asking: Any
    security: Any
    request_id: Any
    number: int = -1

    def is_newer(self, message: Any) -> bool:
        """Whether a notification that was opened is newer than those before (RFC 8613, 7.4.1)."""
        if self.security is None:
            return True
        number = int.from_bytes(oscore.verify_start(message).get(oscore.COSE_PIV) or b"", "big")
        is_newer, self.number = number > self.number, max(number, self.number)
        return is_newer

    @property
    def is_protected(self) -> bool:
        """Whether the gateway's own context protects it."""
        return self.security is not None

    def end(self) -> None:
        """Wait for no more answers."""
        if self.asking.observation is not None:
            end_observation(self.asking)

    def open(self, message: Any) -> Any:
        """An answer to it, without its protection.

        Raises:
            BadAnswer: it is not protected as it must be.
        """
        if message is None:
            raise BadAnswer("it does not answer")
        if self.security is None:
            return message
        try:
            found = oscore.verify_start(message)
            context = self.security.context_from_response(found)
            answer, _ = context.unprotect(message, self.request_id)
        except oscore.NotAProtectedMessage as problem:
            code = flatten(str(message.code))
            raise BadAnswer(f"it answered without protection: {code}") from problem
        except Exception as problem:  # foreign code reads what a stranger sends
            raise BadAnswer("its answer is not protected by its context") from problem
        return answer
