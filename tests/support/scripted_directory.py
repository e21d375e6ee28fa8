"""A resource directory that does what a test says, for devices that register."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.serving import HOST, free_port
from tinycontainer.interfaces.network.security_context import read_security_context

Answer = tuple[int, tuple[str, ...]]
"""A code, and the segments of a location."""


@dataclass(frozen=True)
class Heard:
    """A request to a directory."""

    at_s: float
    method: int
    path: tuple[str, ...]
    query: tuple[str, ...]
    payload: bytes
    asker: str
    claims: tuple[str, ...]


def obey(heard: Heard) -> Answer:
    """What a good directory answers: everybody gets the location rd/7."""
    if heard.method == 4:
        return 66, ()
    return (65, ("rd", "7")) if heard.path == ("rd",) else (68, ())


class FakeDirectory:
    """A directory in a thread.

    Attributes:
        uri: of it.
        heard: what it was asked, in order.
        answer: says what it answers.
    """

    def __init__(self, security: Any) -> None:
        self.port = free_port()
        self.uri = f"coap://{HOST}:{self.port}"
        self.heard: list[Heard] = []
        self.answer: Callable[[Heard], Answer] = obey
        self._security = security
        self._loop = asyncio.new_event_loop()
        self._context: Any = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def appear(self) -> None:
        """Begin to answer."""
        self._run(self._open())

    def vanish(self) -> None:
        """Close the socket."""
        self._run(self._close())

    def end(self) -> None:
        """Vanish for ever."""
        self.vanish()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def wait_for(self, count: int, within_s: float = 20) -> list[Heard]:
        """Wait until it was asked so often."""
        end_s = time.monotonic() + within_s
        while len(self.heard) < count:
            if time.monotonic() > end_s:
                raise TimeoutError(f"only {self.heard} came within {within_s} s")
            time.sleep(0.02)
        return self.heard

    def ask(self, path: str, device: str, within_s: float = 5) -> Any:
        """Ask a device, as the directory or as a stranger; a TimeoutError if nobody answers."""
        return self._run(self._ask(path, device, within_s))

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open(self) -> None:
        import aiocoap  # noqa: PLC0415 - an optional part
        from aiocoap import credentials, interfaces, oscore_sitewrapper  # noqa: PLC0415

        class Site(interfaces.Resource):  # type: ignore[misc]
            async def render_to_pipe(_self, pipe: Any) -> None:  # noqa: N805
                pipe.add_response(self._answer(pipe.request), is_last=True)

            async def render(_self, request: Any) -> Any:  # noqa: N805
                raise NotImplementedError

            async def needs_blockwise_assembly(_self, request: Any) -> bool:  # noqa: N805
                return False

        site: Any = Site()
        if self._security is not None:
            known = credentials.CredentialsMap()
            self._security.authenticated_claims = ["device"]
            known[":device"] = self._security
            site = oscore_sitewrapper.OscoreSiteWrapper(site, known)
        self._context = await aiocoap.Context.create_server_context(
            site, bind=(HOST, self.port), transports=["oscore", "udp6"]
        )

    async def _close(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            await context.shutdown()

    async def _ask(self, path: str, device: str, within_s: float) -> Any:
        import aiocoap  # noqa: PLC0415
        from aiocoap.transports.oscore import OSCOREAddress  # noqa: PLC0415

        message: Any = aiocoap.Message(code=aiocoap.GET, uri=device + path)
        if self._security is not None:
            message.remote = OSCOREAddress(self._security, message.remote)
        return await asyncio.wait_for(self._context.request(message).response, within_s)

    def _answer(self, request: Any) -> Any:
        import aiocoap  # noqa: PLC0415

        heard = Heard(
            time.monotonic(),
            int(request.code),
            tuple(request.opt.uri_path),
            tuple(request.opt.uri_query),
            bytes(request.payload),
            request.remote.hostinfo,
            tuple(map(str, request.remote.authenticated_claims)),
        )
        self.heard.append(heard)
        code, location = self.answer(heard)
        return aiocoap.Message(code=aiocoap.Code(code), location_path=location)


@contextmanager
def directory(context: Path | None = None, *, is_there: bool = True) -> Iterator[FakeDirectory]:
    """A directory, until the block is left.

    Args:
        context: the operator's side of an OSCORE context; without one nothing is protected.
        is_there: whether it answers from the beginning.
    """
    from tinycontainer.interfaces.network.oscore import open_context  # noqa: PLC0415

    with ExitStack() as held:
        security = None
        if context is not None:
            security = held.enter_context(open_context(read_security_context(context)))
        found = FakeDirectory(security)
        held.callback(found.end)
        if is_there:
            found.appear()
        yield found
