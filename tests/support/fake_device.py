"""A device that answers over CoAP whatever a test scripts, and notes what it is asked."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import cbor2

from support.serving import HOST, free_port
from tinycontainer.network.agent.requests.blocks import decode_block, encode_block
from tinycontainer.network.agent.requests.message import Block, Option, to_uint

CONTENT = 0x45
CHANGED = 0x44
CONTINUE = 0x5F


def code(dotted: str) -> int:
    """The number of a code that is written like 4.04."""
    kind, _, detail = dotted.partition(".")
    return int(kind) << 5 | int(detail)


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    code: int
    path: tuple[str, ...]
    query: tuple[str, ...]
    options: tuple[tuple[int, bytes], ...]
    payload: bytes

    def option(self, number: int) -> bytes | None:
        """The first option of a number."""
        return next((value for each, value in self.options if each == number), None)

    def all(self, number: int) -> list[bytes]:
        """All options of a number."""
        return [value for each, value in self.options if each == number]

    def block1(self) -> Block | None:
        """Which block of an upload it has."""
        value = self.option(Option.BLOCK1)
        return None if value is None else decode_block(value)

    def block2(self) -> Block:
        """Which block of the answer it asks for."""
        value = self.option(Option.BLOCK2)
        return Block(0, False, 1024) if value is None else decode_block(value)


@dataclass(frozen=True)
class Reply:
    """An answer: its code, its payload, its options, and after how many seconds it is sent."""

    code: int = CONTENT
    payload: bytes = b""
    options: tuple[tuple[int, bytes], ...] = ()
    delay_s: float = 0.0


def reply(dotted: str, payload: bytes = b"", *options: tuple[int, bytes]) -> Reply:
    """An answer with a code such as 4.04."""
    return Reply(code(dotted), payload, options)


def cbor(value: object, *options: tuple[int, bytes]) -> Reply:
    """Content in CBOR, which is fresh for a minute."""
    return Reply(CONTENT, cbor2.dumps(value), ((Option.CONTENT_FORMAT, b"\x3c"), *options))


def problem(dotted: str, reason: object, detail: object, *options: tuple[int, bytes]) -> Reply:
    """A refusal with a concise problem detail (RFC 9290)."""
    content = cbor2.dumps({-1: reason, -2: detail})
    return Reply(code(dotted), content, ((Option.CONTENT_FORMAT, to_uint(257)), *options))


def cut(
    asked: Asked, content: bytes, *options: tuple[int, bytes], size: int = 1024, etag: bytes = b"e"
) -> Reply:
    """The block of some content that is asked for."""
    number = asked.block2().number
    part = content[number * size : (number + 1) * size]
    block = Block(number, (number + 1) * size < len(content), size)
    tagged = ((Option.ETAG, etag), (Option.BLOCK2, encode_block(block)))
    return Reply(CONTENT, part, (*tagged, *options))


def take(asked: Asked, done: Reply) -> Reply:
    """2.31 to each block of an upload, and an answer to the last one."""
    block = asked.block1()
    if block is None or not block.more:
        return done
    return Reply(CONTINUE, b"", ((Option.BLOCK1, encode_block(block)),))


@dataclass
class FakeDevice:
    """What the device answers, and what it was asked.

    Attributes:
        base: its URI.
        answer: what a request is answered; None for silence.
        asked: all requests, in their order.
        observed: paths that are observed now, as often as they are.
    """

    base: str
    answer: Callable[[Asked], Reply | None]
    asked: list[Asked] = field(default_factory=list)
    observed: list[tuple[str, ...]] = field(default_factory=list)
    observes: bool = True
    _loop: Any = None
    _number: int = 1
    _pipes: list[tuple[tuple[str, ...], Any]] = field(default_factory=list)

    def answers(self, *replies: Reply | None) -> None:
        """Answer with these, one after the other; the last one again and again."""
        left = [*replies]

        def answer(_asked: Asked) -> Reply | None:
            return left.pop(0) if len(left) > 1 else left[0]

        self.answer = answer
        self.asked.clear()

    def does(self, answer: Callable[[Asked], Reply | None]) -> None:
        """Answer with what a function says."""
        self.answer = answer
        self.asked.clear()

    def notify(self, path: tuple[str, ...], found: Reply, *, is_last: bool = False) -> None:
        """Tell all observers of a path."""
        self._loop.call_soon_threadsafe(self._notify, path, found, is_last)

    def uploaded(self) -> bytes:
        """All payloads that came, as one."""
        return b"".join(each.payload for each in self.asked)

    def _notify(self, path: tuple[str, ...], found: Reply, is_last: bool) -> None:
        for each, pipe in [*self._pipes]:
            if each == path:
                message = _message(found)
                self._number += 1
                message.opt.observe = None if is_last else self._number
                pipe.add_response(message, is_last=is_last)

    async def render_to_pipe(self, pipe: Any) -> None:
        """Answer a request of the library."""
        came = pipe.request
        options = tuple(
            (int(each.number), each.encode())
            for each in came.opt.option_list()
            if each.number not in (Option.URI_PATH, Option.URI_QUERY)
        )
        path, query = tuple(came.opt.uri_path), tuple(came.opt.uri_query)
        asked = Asked(int(came.code), path, query, options, bytes(came.payload))
        self.asked.append(asked)
        found = self.answer(asked)
        if found is None:
            await asyncio.Event().wait()
            return
        await asyncio.sleep(found.delay_s)
        is_observed = self.observes and came.opt.observe == 0 and found.code == CONTENT
        message = _message(found)
        if not is_observed:
            pipe.add_response(message, is_last=True)
            return
        message.opt.observe = 1
        entry = path, pipe
        self._pipes.append(entry)
        self.observed.append(path)
        pipe.add_response(message, is_last=False)
        try:
            await asyncio.Event().wait()
        finally:
            self._pipes.remove(entry)
            self.observed.remove(path)


def _message(found: Reply) -> Any:
    import aiocoap  # noqa: PLC0415 - an optional part
    from aiocoap.numbers import OptionNumber  # noqa: PLC0415
    from aiocoap.optiontypes import OpaqueOption  # noqa: PLC0415

    message: Any = aiocoap.Message(code=aiocoap.Code(found.code), payload=found.payload)
    for number, value in found.options:
        message.opt.add_option(OpaqueOption(OptionNumber(number), value))
    return message


@contextmanager
def fake_device(port: int | None = None) -> Iterator[FakeDevice]:
    """Serve one in a thread until the block is left; it answers an empty map to everything."""
    port = free_port() if port is None else port
    device = FakeDevice(f"coap://{HOST}:{port}", lambda _: cbor({}))
    ready, over = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(device, port, ready, over)), daemon=True
    )
    thread.start()
    if not ready.wait(10):
        raise RuntimeError("the fake device is not served")
    try:
        yield device
    finally:
        over.set()
        thread.join(10)


async def _serve(
    device: FakeDevice, port: int, ready: threading.Event, over: threading.Event
) -> None:
    import aiocoap  # noqa: PLC0415 - an optional part

    from tinycontainer.network.agent.coap_server import PipeResource  # noqa: PLC0415

    class Root(PipeResource):
        async def render_to_pipe(self, pipe: Any) -> None:
            await device.render_to_pipe(pipe)

    os.environ["AIOCOAP_REUSE_PORT"] = "0"
    context = await aiocoap.Context.create_server_context(
        Root(), bind=(HOST, port), transports=["udp6"]
    )
    device._loop = asyncio.get_running_loop()
    ready.set()
    try:
        await asyncio.to_thread(over.wait)
    finally:
        await context.shutdown()
