"""Carries requests to devices over CoAP by aiocoap, and their answers back.

Blocks are made and put together here (RFC 7959): the library's own assembly has no bound. What a
request means is not known here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import aiocoap
from aiocoap import error, oscore
from aiocoap.numbers import OptionNumber
from aiocoap.optiontypes import OpaqueOption
from aiocoap.transports.udp6 import UDP6EndpointAddress

from tinycontainer.text import flatten

from ...agent.requests.blocks import decode_block, encode_block
from ...agent.requests.message import (
    BLOCK_BYTES,
    Block,
    CoapAnswer,
    CoapRequest,
    Code,
    Format,
    Option,
    to_uint,
)
from ...agent.requests.refusing import CoapRefused
from .cache import freshness_s

OBSERVED_MARGIN_S: Final = 2.0
MAX_MESSAGE_BYTES: Final = 3072
"""Payload and options of one answer; the library cuts datagrams of 4096 bytes without a word."""
ALL_BLOCKS_S: Final = 300.0
"""How long all blocks of an answer may take together."""
_WRONG_LENGTH: Final = "a block of its answer has another length than it says"
_FORMATS: Final = frozenset(Format)


class _Patience(aiocoap.TransportTuning):  # type: ignore[misc]
    """How often a message is sent: three times in 6.75 s at the most, given up after 15.75 s.

    As a device gets one message at a time, one that is given up holds up the next ones until then.
    """

    ACK_TIMEOUT = 1.5
    MAX_RETRANSMIT = 2


class NoAnswer(Exception):
    """The device has not answered in time, or cannot be reached. It may have got the request."""


class BadAnswer(Exception):
    """The device, or somebody in its place, has answered what cannot be used.

    The text is one line, fit to be shown.
    """


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


class PayloadPieces:
    """A payload that comes in pieces; it is read once.

    Args:
        pieces: of any length.
        size: of all of them in bytes; None if it is not known.
    """

    def __init__(self, pieces: AsyncIterator[bytes], size: int | None = None) -> None:
        self._pieces = pieces
        self._held = bytearray()
        self.size = size

    async def take(self, most: int) -> tuple[bytes, bool]:
        """The next bytes, as many as there are up to a number; and whether more follow them."""
        while len(self._held) <= most:
            piece = await anext(self._pieces, None)
            if piece is None:
                break
            self._held += piece
        taken = bytes(self._held[:most])
        del self._held[:most]
        return taken, bool(self._held)


async def whole(payload: bytes) -> AsyncIterator[bytes]:
    """The pieces of a payload that is there already."""
    yield payload


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
        asked = await self._ask(to, request)
        answer = asked.open(await self._receive(asked.asking.response, self._answer_s))
        echo = answer.opt.echo
        if int(answer.code) == Code.UNAUTHORIZED and echo is not None and asked.is_protected:
            # The device has forgotten what it has taken, and wants to know that this is new.
            asked = await self._ask(to, request, echo=echo)
            answer = asked.open(await self._receive(asked.asking.response, self._answer_s))
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
        _require_begin(answer)
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
            size_bytes = _continued_size(answer, block)
            came += len(part)
            part, more = await body.take(size_bytes)
            block, size = Block(came // size_bytes, more, size_bytes), ()

    async def parts(
        self, to: Destination, request: CoapRequest, first: CoapAnswer, most_bytes: int
    ) -> AsyncIterator[bytes]:
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
            block = _block_of(answer)
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
            found = _block_of(answer)
            if (
                answer.code is not first.code
                or _etag_of(answer) != _etag_of(first)
                or found is None
                or (found.number, found.size_bytes) != (following.number, following.size_bytes)
            ):
                raise BadAnswer("blocks of its answer do not belong together")

    async def observe(self, to: Destination, request: CoapRequest) -> AsyncIterator[CoapAnswer]:
        """The answer to a request, and again whenever it has changed, until that ends.

        A notification has the first block only. Without any, it ends some time after the last one
        is fresh no more.

        Raises:
            NoAnswer: there was no first answer in time, or the device is not reached any more.
            BadAnswer: an answer cannot be used.
        """
        asked = await self._ask(to, request, observe=0)
        observation = asked.asking.observation
        try:
            first = asked.open(await self._receive(asked.asking.response, self._answer_s))
            if first.opt.echo is not None:
                raise NoAnswer  # whoever observes asks again, and has proved by then to be there
            answer = _begin_of(first)
            yield answer
            news = aiter(observation)
            while not observation.cancelled:
                # A device that was started anew has forgotten who observes it (RFC 7641, 3.3.1).
                patience_s = freshness_s(answer) + OBSERVED_MARGIN_S
                found = await self._receive(anext(news, None), patience_s)
                if found is None:
                    return
                answer = _begin_of(asked.open(found))
                yield answer
        finally:
            if not observation.cancelled:
                observation.cancel()

    def abandon(self, name: str, base: str) -> None:
        """Give up all that was sent to a device: it has just come back, and has got none of it.

        What others have sent from there is not touched: neither the device's own request, by which
        it has come back, nor what was sent to a device that has registered the same base.
        """
        remote = self._remotes.get(base)
        for interface in self._context.request_interfaces if remote is not None else ():
            if getattr(interface, "token_interface", None) is not None:
                _give_up(interface, remote, name)

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
            transport_tuning=_Patience(),
        )
        message.for_device = to.name
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
            remote = _Single(finder.remote)
            while len(self._remotes) >= 4096:
                del self._remotes[next(iter(self._remotes))]
            self._remotes[base] = remote
        return remote

    async def _receive(self, answering: Any, timeout_s: float) -> Any:
        """A message that was waited for; None at the end of an observation."""
        try:
            return await asyncio.wait_for(answering, timeout_s)
        except (TimeoutError, error.NetworkError, error.LibraryShutdown) as problem:
            raise NoAnswer from problem
        except (error.NotObservable, error.ObservationCancelled):
            return None
        except Exception as problem:  # foreign code reads what a stranger sends
            raise BadAnswer(f"its answer cannot be read ({type(problem).__name__})") from problem


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that was sent.

    Attributes:
        asking: of the library.
        security: protects it; None if the gateway's own context does not.
        request_id: by what its answers are opened.
    """

    asking: Any
    security: Any
    request_id: Any

    @property
    def is_protected(self) -> bool:
        """Whether the gateway's own context protects it."""
        return self.security is not None

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


class _Single(UDP6EndpointAddress):  # type: ignore[misc]
    """The library's address of one device.

    Bases are no multicast addresses (TC-GW-07); the library would read the text of the address
    three times for each message to find out.

    Args:
        found: the library's.
    """

    is_multicast = False

    def __init__(self, found: Any) -> None:
        super().__init__(found.sockaddr, found.interface, pktinfo=found.pktinfo)


def _give_up(requests: Any, remote: Any, name: str) -> None:
    """Let the library forget what was sent to a device, and send what waits behind it."""
    messages = requests.token_interface
    pipes = [
        pipe
        for (_, there), pipe in requests.outgoing_requests.items()
        if there == remote and getattr(pipe.request, "for_device", None) == name
    ]
    for pipe in pipes:
        pipe.add_exception(error.NetworkError("the device was away"))
    for pipe in pipes:
        waiting = messages._backlogs.get(remote, [])
        waiting[:] = [each for each in waiting if each[0] is not pipe.request]
        exchange = messages._active_exchanges.pop((remote, pipe.request.mid), None)
        if exchange is not None:
            exchange[1].cancel()
            messages._continue_backlog(remote)


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


def _begin_of(message: Any) -> CoapAnswer:
    answer = read_answer(message)
    _require_begin(answer)
    return answer


def _require_begin(answer: CoapAnswer) -> None:
    """Refuse an answer that is not the first block of one, or all of it."""
    block = _block_of(answer)
    if block is not None and block.number > 0:
        raise BadAnswer("its answer does not begin with its first block")


def _continued_size(answer: CoapAnswer, block: Block) -> int:
    """In blocks of which size an upload goes on (RFC 7959, section 2.3)."""
    found = _block_of(answer, Option.BLOCK1)
    if not block.more:
        raise BadAnswer("it asks for more than there is")
    if answer.code is not Code.CONTINUE or found is None or found.number != block.number:
        # It has taken one block for all there is, or another one: what it has done is not known.
        raise BadAnswer("it does not take payloads in blocks as it should")
    return min(found.size_bytes, block.size_bytes)


def _block_of(answer: CoapAnswer, number: Option = Option.BLOCK2) -> Block | None:
    value = dict(answer.options).get(number)
    if value is None:
        return None
    try:
        return decode_block(value)
    except CoapRefused as problem:
        raise BadAnswer("its option of blocks cannot be read") from problem


def _etag_of(answer: CoapAnswer) -> bytes | None:
    return dict(answer.options).get(Option.ETAG)
