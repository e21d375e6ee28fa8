"""The network of remote endpoints: one thread, in which aiocoap waits in place of the device.

A peer is used by the device's thread; what goes between the threads is in bounded queues.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any, Final

import aiocoap
from aiocoap import oscore
from aiocoap.transports.oscore import OSCOREAddress

from tinycontainer.errors import DeviceFileError, DriverError
from tinycontainer.interfaces.oscore import open_context
from tinycontainer.interfaces.security_context import SecurityContext
from tinycontainer.text import flatten

from .peer import MAX_MESSAGE_BYTES

TIMEOUT_S: Final = 10.0
OBSERVE_S: Final = 60.0
"""After so long without news the resource is asked again: it may have forgotten the observer."""
_MAX_PROBLEM_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource, and how it is used.

    Attributes:
        uri: of the resource.
        method: ``get``, ``observe``, ``put`` or ``post``.
        interval_s: how often it is asked; of ``get`` alone.
        most: how many messages wait at most, in each direction.
    """

    uri: str
    method: str
    interval_s: float
    most: int


class Network:
    """A thread with an event loop and a client of CoAP.

    Args:
        context: the OSCORE context that protects everything; None for none.
    """

    def __init__(self, context: SecurityContext | None) -> None:
        self._context = context
        self._held = ExitStack()
        self._security: Any = None
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="remote endpoints", daemon=True)
        self._client: asyncio.Task[Any] | None = None
        self._lock = Lock()
        self._work: set[Future[None]] = set()

    def start(self) -> None:
        """Open the context and begin the thread, if that was not done yet.

        Raises:
            DeviceFileError: the context cannot be used.
        """
        with self._lock:
            if self._thread.is_alive():
                return
            if self._context is not None and self._security is None:
                self._security = self._held.enter_context(open_context(self._context))
            self._thread.start()

    def run(self, work: Coroutine[Any, Any, None]) -> "Future[None]":
        """Begin some work; it can be cancelled."""
        begun = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._work.add(begun)
        begun.add_done_callback(self._work.discard)
        return begun

    async def ask(self, message: Any) -> Any:
        """Send a request; whatever has an answer and its observation.

        Raises:
            OSError: there is no network.
        """
        if self._client is None:
            self._client = asyncio.ensure_future(self._begin())
        # Shielded: whoever is cancelled while it begins does not end it for the others.
        client = await asyncio.shield(self._client)
        return client.request(message)

    def require_protected(self, answer: Any) -> None:
        """Refuse an answer that is not protected, where a context is there.

        Raises:
            PermissionError: it is not.
        """
        if self._security is not None and not isinstance(answer.remote, OSCOREAddress):
            raise PermissionError("its answer is not protected")

    async def _begin(self) -> Any:
        # In this order: with the other one everything would be sent unprotected, without a word.
        transports = ["udp6"] if self._security is None else ["oscore", "udp6"]
        client = await aiocoap.Context.create_client_context(transports=transports)
        if self._security is not None:
            client.client_credentials["*"] = self._security
        return client

    async def _end(self) -> None:
        if self._client is None:
            return
        with suppress(OSError, aiocoap.error.Error):  # it has not begun, and was told about
            await (await self._client).shutdown()

    def close(self) -> None:
        """End the thread, and release the context."""
        if self._thread.is_alive():
            for begun in [*self._work]:
                begun.cancel()
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(TIMEOUT_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        self._held.close()


class NetworkPeer:
    """A remote resource on the network.

    Args:
        network: carries the messages.
        resource: which, and how it is used.
    """

    def __init__(self, network: Network, resource: Resource) -> None:
        self._network = network
        self._resource = resource
        self._come: deque[bytes] = deque(maxlen=resource.most)
        self._on_their_way: deque[Future[None]] = deque()
        self._listening: Future[None] | None = None
        self._problems: deque[str] = deque(maxlen=1)

    def begin(self) -> None:
        """Begin to ask for what the resource holds.

        Raises:
            DriverError: the context cannot be used.
        """
        try:
            self._network.start()
        except DeviceFileError as error:
            raise DriverError(problem=str(error)) from None
        work = {"get": self._get_again, "observe": self._observe}.get(self._resource.method)
        if work is not None and self._listening is None:
            self._listening = self._network.run(work())

    def end(self) -> None:
        """Ask no more; what has come is forgotten."""
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
        self._come.clear()

    def send(self, payload: bytes) -> bool:
        """Send a message; False if too many are on their way."""
        while self._on_their_way and self._on_their_way[0].done():
            self._on_their_way.popleft()
        if len(self._on_their_way) >= self._resource.most:
            return False
        self._on_their_way.append(self._network.run(self._send(payload)))
        return True

    def take(self, now_us: int) -> bytes:
        """The oldest message that has come."""
        return self._come.popleft() if self._come else b""

    def problem(self) -> str:
        """What went wrong last, once."""
        return self._problems.popleft() if self._problems else ""

    def _message(self, payload: bytes = b"", observe: int | None = None) -> Any:
        method = {"put": aiocoap.PUT, "post": aiocoap.POST}.get(self._resource.method, aiocoap.GET)
        return aiocoap.Message(
            code=method, uri=self._resource.uri, payload=payload, observe=observe
        )

    async def _send(self, payload: bytes) -> None:
        await self._attempt(self._ask_once, payload)

    async def _get_again(self) -> None:
        while True:
            await self._attempt(self._ask_once, b"")
            await asyncio.sleep(self._resource.interval_s)

    async def _observe(self) -> None:
        while True:
            await self._attempt(self._observe_once)
            await asyncio.sleep(self._resource.interval_s)

    async def _ask_once(self, payload: bytes) -> None:
        asking = await self._network.ask(self._message(payload))
        self._keep(await asyncio.wait_for(asking.response, TIMEOUT_S))

    async def _observe_once(self) -> None:
        asking = await self._network.ask(self._message(observe=0))
        try:
            self._keep(await asyncio.wait_for(asking.response, TIMEOUT_S))
            news = aiter(asking.observation)
            while True:
                self._keep(await asyncio.wait_for(anext(news), OBSERVE_S))
        except (StopAsyncIteration, aiocoap.error.ObservationCancelled):
            return
        finally:
            asking.observation.cancel()

    async def _attempt(self, work: Callable[..., Coroutine[Any, Any, None]], *given: bytes) -> None:
        """Do something, and note in one line what goes wrong."""
        try:
            await work(*given)
        except TimeoutError:
            self._note("no answer in time")
        except oscore.NotAProtectedMessage:
            self._note("its answer is not protected")
        except (aiocoap.error.Error, OSError, ValueError) as error:
            self._note(str(error) or type(error).__name__)

    def _keep(self, answer: Any) -> None:
        self._network.require_protected(answer)
        if not answer.code.is_successful():
            self._note(f"it answers {answer.code}")
        elif len(answer.payload) > MAX_MESSAGE_BYTES:
            size = len(answer.payload)
            self._note(f"a message of {size} bytes is dropped; it has at most {MAX_MESSAGE_BYTES}")
        elif answer.payload:
            self._come.append(bytes(answer.payload))

    def _note(self, problem: str) -> None:
        self._problems.append(flatten(problem)[:_MAX_PROBLEM_CHARACTERS])
