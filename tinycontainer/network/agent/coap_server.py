"""The network side of the agent: CoAP by aiocoap, and nothing of what requests mean.

aiocoap handles messages, retransmissions, duplicates and OSCORE. The agent itself handles blocks,
critical options and rights: the library mixes uploads, bounds none, and ignores unknown options.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import aiocoap
from aiocoap import interfaces
from aiocoap.numbers import OptionNumber
from aiocoap.optiontypes import OpaqueOption

from tinycontainer.interfaces.network.recent_messages import bound_recent_messages

from .requests.blocks import decode_block, encode_block
from .requests.message import (
    BLOCK_BYTES,
    Block,
    CoapAnswer,
    CoapRequest,
    Code,
    Method,
    Option,
    from_uint,
    to_uint,
)
from .requests.refusing import CoapRefused

MAX_OBSERVERS: Final = 32
"""Beyond this an observer gets a plain answer, which RFC 7641 allows."""
OBSERVERS_PER_PEER: Final = 8
"""Beyond this the oldest observation of the peer ends: it may have forgotten that itself."""
_METHODS: Final = {int(method): method for method in Method}
_EVIDENCE: Final = ("tc", "ev")
"""Never observed: each statement answers one question."""
_READ_BEFORE: Final = frozenset({Option.URI_PATH, Option.URI_QUERY})


def read_request(message: Any) -> CoapRequest | None:
    """The request of a message; None if the agent does not know its method."""
    method = _METHODS.get(int(message.code))
    if method is None:
        return None
    options = tuple(
        (int(option.number), option.encode())
        for option in message.opt.option_list()
        if option.number not in _READ_BEFORE
    )
    return CoapRequest(
        peer=_identify(message.remote),
        method=method,
        path=tuple(message.opt.uri_path),
        query=tuple(message.opt.uri_query),
        options=options,
        payload=bytes(message.payload),
    )


def _identify(remote: Any) -> bytes:
    """Who asks: the name under which OSCORE has proved it, or else the hash of an address.

    The first is found on a protected device alone, the second on any other.
    """
    claims = [str(claim) for claim in getattr(remote, "authenticated_claims", ())]
    if claims:
        # The library adds a claim before it has verified it. With two, neither counts as proved.
        return claims[0].encode() if len(claims) == 1 else b"claims more than one name"
    return sha256(f"coap {remote.hostinfo}".encode()).digest()


def write_answer(answer: CoapAnswer) -> Any:
    """An answer as a message."""
    message = aiocoap.Message(code=aiocoap.Code(int(answer.code)), payload=answer.payload)
    options = list(answer.options)
    if answer.format is not None:
        options.append((Option.CONTENT_FORMAT, to_uint(answer.format)))
    for number, value in options:
        message.opt.add_option(OpaqueOption(OptionNumber(number), value))
    return message


def cut_answer(request: CoapRequest, answer: CoapAnswer) -> CoapAnswer:
    """The block of an answer that was asked for (RFC 7959); all of it where it fits into one.

    Each block is cut from a new answer. The ETag shows a client which blocks belong together.
    """
    option = request.option(Option.BLOCK2)
    wanted = Block(0, False, BLOCK_BYTES) if option is None else decode_block(option)
    begin = wanted.number * wanted.size_bytes
    if begin == 0 and len(answer.payload) <= wanted.size_bytes:
        return answer
    if begin >= len(answer.payload):
        return CoapAnswer(Code.BAD_REQUEST)
    end = begin + wanted.size_bytes
    block = Block(wanted.number, end < len(answer.payload), wanted.size_bytes)
    options = [*answer.options, (Option.BLOCK2, encode_block(block))]
    if all(number != Option.ETAG for number, _ in options):
        options.append((Option.ETAG, sha256(answer.payload).digest()[:8]))
    if begin == 0:
        options.append((Option.SIZE2, to_uint(len(answer.payload))))
    return replace(answer, payload=answer.payload[begin:end], options=tuple(options))


class Observers:
    """Those who wait for a change; several changes at once wake each of them once."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Event, bytes] = {}

    def has_room(self, peer: bytes) -> bool:
        """Whether this peer may begin to observe; its oldest observation may have to end."""
        return len(self._waiting) < MAX_OBSERVERS or self._count(peer) >= OBSERVERS_PER_PEER

    def wake(self) -> None:
        """Something has changed."""
        for each in self._waiting:
            each.set()

    async def changes(self, peer: bytes) -> AsyncIterator[None]:
        """One entry for a peer after each change, or after several; the end, if it has too many."""
        if self._count(peer) >= OBSERVERS_PER_PEER:
            oldest = next(event for event, each in self._waiting.items() if each == peer)
            del self._waiting[oldest]
            oldest.set()
        changed = asyncio.Event()
        self._waiting[changed] = peer
        try:
            while True:
                await changed.wait()
                changed.clear()
                if changed not in self._waiting:
                    return
                yield
        finally:
            self._waiting.pop(changed, None)

    def _count(self, peer: bytes) -> int:
        return sum(each == peer for each in self._waiting.values())


class PipeResource(interfaces.Resource):  # type: ignore[misc]
    """Base of resources with a `render_to_pipe`; the library then uses nothing else of them."""

    async def render(self, request: Any) -> Any:
        """Not used."""
        raise NotImplementedError

    async def needs_blockwise_assembly(self, request: Any) -> bool:
        """Never: the manager assembles blocks."""
        return False

    def get_resources_as_linkheader(self) -> Any:
        """Not used."""
        raise NotImplementedError


class Site(PipeResource):
    """All resources of the agent.

    Args:
        handle: answers a request, at once.
        look: the same for an observer, without counting it as a request.
        observers: wait for changes.
    """

    def __init__(
        self,
        handle: Callable[[CoapRequest], CoapAnswer],
        look: Callable[[CoapRequest], CoapAnswer],
        observers: Observers,
    ) -> None:
        self._handle = handle
        self._look = look
        self._observers = observers

    async def render_to_pipe(self, pipe: Any) -> None:
        """Answer a request, and go on answering an observer."""
        request = read_request(pipe.request)
        if request is None:
            refused = write_answer(CoapAnswer(Code.METHOD_NOT_ALLOWED))
            pipe.add_response(refused, is_last=True)
            return
        answer = self._handle(request)
        if not self._is_observed(request, answer):
            try:
                answer = cut_answer(request, answer)
            except CoapRefused as refusal:
                answer = refusal.answer()
            pipe.add_response(write_answer(answer), is_last=True)
            return
        number = 1
        pipe.add_response(write_answer(_numbered(request, answer, number)), is_last=False)
        async for _ in self._observers.changes(request.peer):
            before, answer = answer, self._look(request)
            if answer == before:
                continue
            if answer.code is not Code.CONTENT:
                pipe.add_response(write_answer(cut_answer(request, answer)), is_last=True)
                return
            number += 1
            pipe.add_response(write_answer(_numbered(request, answer, number)), is_last=False)
        pipe.add_response(write_answer(cut_answer(request, self._look(request))), is_last=True)

    def _is_observed(self, request: CoapRequest, answer: CoapAnswer) -> bool:
        observe = request.option(Option.OBSERVE)
        begins = observe is not None and from_uint(observe) == 0
        is_state = request.path[:1] == ("tc",) and request.path != _EVIDENCE
        may = request.method is Method.GET and is_state
        is_whole = request.option(Option.BLOCK2) is None
        has_room = self._observers.has_room(request.peer)
        return begins and may and is_whole and has_room and answer.code is Code.CONTENT


def _numbered(request: CoapRequest, answer: CoapAnswer, number: int) -> CoapAnswer:
    cut = cut_answer(request, answer)
    return replace(cut, options=(*cut.options, (Option.OBSERVE, to_uint(number))))


class Listener:
    """The socket of a device: serves a site at an address, and asks others from there.

    Args:
        site: answers requests.
        host: an IP address.
        port: of UDP.
    """

    def __init__(self, site: interfaces.Resource, host: str, port: int) -> None:
        self._site = site
        self._bind = (host, port)
        self._context: Any = None

    async def open(self) -> None:
        """Begin to serve.

        Raises:
            OSError: the address cannot be used.
        """
        # By default two servers would share a port silently, and requests would go to either.
        os.environ["AIOCOAP_REUSE_PORT"] = "0"
        context = await aiocoap.Context.create_server_context(
            self._site, bind=self._bind, transports=["udp6"]
        )
        bound_recent_messages(context)
        self._context = context

    async def close(self) -> None:
        """Serve no longer; observations end. What is closed may be opened again."""
        context, self._context = self._context, None
        if context is not None:
            await context.shutdown()

    async def ask(self, message: Any) -> Any:
        """Send one datagram, and wait for the first that answers it: no blocks, no repetition.

        Raises:
            OSError: the socket is closed.
            aiocoap.error.Error: nobody can be reached there.
        """
        if self._context is None:
            raise OSError("the device sleeps")
        message.transport_tuning = aiocoap.Unreliable
        return await self._context.request(message, handle_blockwise=False).response


@asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[None]:
    """Serve until the block is left.

    Raises:
        OSError: the address cannot be used.
    """
    await listener.open()
    try:
        yield
    finally:
        await listener.close()
