"""A resource of somebody else on the network, for drivers that reach one."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.serving import HOST, free_port
from tinycontainer.interfaces.network.security_context import read_security_context


class Resource:
    """What the server holds, and what it was sent.

    Attributes:
        uri: of the resource.
        content: what it answers to GET.
        answer: what it answers to PUT and POST.
        delay_s: how long it takes for an answer.
        received: payloads, in their order.
        asked: how many requests of any kind came.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.content = b"now"
        self.answer = b""
        self.delay_s = 0.0
        self.received: list[bytes] = []
        self.asked = 0
        self.loop: Any = None
        self.changed: Any = None

    def was_asked(self, times: int) -> bool:
        """Whether so many requests have come."""
        return self.asked == times

    def change(self, content: bytes) -> None:
        """Change what it holds, and tell those who observe it."""
        self.content = content
        self.loop.call_soon_threadsafe(self.changed)


@contextmanager
def remote_resource(context: Path | None = None) -> Iterator[Resource]:
    """Serve a resource by aiocoap in a thread; with a context only protected requests are taken."""
    found = Resource(f"coap://{HOST}:{free_port()}/here")
    ready, over = threading.Event(), threading.Event()
    with ExitStack() as held:
        security = None
        if context is not None:
            from tinycontainer.interfaces.network.oscore import open_context  # noqa: PLC0415 - optional

            security = held.enter_context(open_context(read_security_context(context)))
        serving = threading.Thread(
            target=lambda: asyncio.run(_serve(found, security, ready, over)), daemon=True
        )
        serving.start()
        if not ready.wait(10):
            raise RuntimeError("the resource is not served")
        try:
            yield found
        finally:
            over.set()
            serving.join(10)


async def _serve(
    found: Resource, security: Any, ready: threading.Event, over: threading.Event
) -> None:
    import aiocoap.resource  # noqa: PLC0415 - an optional part
    from aiocoap import credentials, oscore_sitewrapper  # noqa: PLC0415

    class Here(aiocoap.resource.ObservableResource):  # type: ignore[misc]
        async def render_get(self, request: Any) -> Any:
            found.asked += 1
            await asyncio.sleep(found.delay_s)
            return aiocoap.Message(payload=found.content)

        async def render_put(self, request: Any) -> Any:
            found.asked += 1
            if security is not None and not request.remote.authenticated_claims:
                return aiocoap.Message(code=aiocoap.UNAUTHORIZED)
            await asyncio.sleep(found.delay_s)
            found.received.append(request.payload)
            return aiocoap.Message(code=aiocoap.CHANGED, payload=found.answer)

        render_post = render_put

    here = Here()
    root: Any = aiocoap.resource.Site()
    root.add_resource(["here"], here)
    if security is not None:
        known = credentials.CredentialsMap()
        security.authenticated_claims = ["driver"]
        known[":driver"] = security
        root = oscore_sitewrapper.OscoreSiteWrapper(root, known)
    port = int(found.uri.rpartition(":")[2].partition("/")[0])
    context = await aiocoap.Context.create_server_context(root, bind=(HOST, port))
    found.loop, found.changed = asyncio.get_running_loop(), here.updated_state
    ready.set()
    while not over.is_set():
        await asyncio.sleep(0.02)
    await context.shutdown()


@contextmanager
def raw_server(answer: Callable[[bytes], bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers datagrams as it likes: its address, and what it was sent.

    Args:
        answer: the answer to a datagram; empty for none.
    """
    heard: list[bytes] = []
    over = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOST, 0))
        server.settimeout(0.05)

        def serve() -> None:
            while not over.is_set():
                try:
                    datagram, asker = server.recvfrom(4096)
                except TimeoutError:
                    continue
                heard.append(datagram)
                if found := answer(datagram):
                    server.sendto(found, asker)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"coap://{HOST}:{server.getsockname()[1]}", heard
        finally:
            over.set()
            thread.join()


def reply(request: bytes, code: int, rest: bytes = b"") -> bytes:
    """An acknowledgement of a request with a code, and then these options and payload."""
    token_bytes = request[0] & 15
    return bytes([0x60 | token_bytes, code]) + request[2 : 4 + token_bytes] + rest


def forget_all_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no name of a host be found, without a network."""

    def find_nothing(*_given: object, **_named: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)
