"""The network of remote endpoints: one thread, in which aiocoap waits instead of the device.

A peer is used by the device's thread; what goes between the threads is in bounded queues. Each peer
has a socket of its own: a resource that does not answer keeps no message to another one waiting.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock, Thread
from typing import Any, Final

import aiocoap
from aiocoap import oscore

from tinycontainer.errors import DeviceFileError, DriverError
from tinycontainer.interfaces.network.coap_client import (
    UNREACHABLE,
    Notifications,
    is_protected,
    make_coap_client,
)
from tinycontainer.interfaces.network.oscore import open_context
from tinycontainer.interfaces.network.security_context import SecurityContext

from .peer import MAX_MESSAGE_BYTES

TIMEOUT_S: Final = 10.0
OBSERVE_S: Final = 60.0
"""After so long without news, the driver asks whether the resource is still as it last said."""


class _Refused(Exception):
    """An answer cannot be used; the text is ours, and holds nothing of the other side."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource, and how it is used.

    Attributes:
        uri: of the resource.
        method: ``get``, ``observe``, ``put`` or ``post``.
        interval_s: how often it is asked at most; of ``get`` and ``observe``.
        most: how many messages wait at most, in each direction.
    """

    uri: str
    method: str
    interval_s: float
    most: int


class Network:
    """A thread with an event loop.

    Args:
        context: the OSCORE context that protects everything; None for none.
    """

    def __init__(self, context: SecurityContext | None) -> None:
        self._context = context
        self._held = ExitStack()
        self._security: Any = None
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="remote endpoints", daemon=True)
        self._lock = Lock()
        self._work: set[asyncio.Task[Any] | None] = set()
        self._clients: set[Any] = set()

    def start(self) -> None:
        """Open the context and begin the thread, if that was not done yet.

        Raises:
            DeviceFileError: the context cannot be used.
            DriverError: it was closed.
        """
        with self._lock:
            if self._loop.is_closed():
                raise DriverError(problem="the network is closed")
            if self._thread.is_alive():
                return
            if self._context is not None and self._security is None:
                self._security = self._held.enter_context(open_context(self._context))
            self._thread.start()

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> "Future[None]":
        """Begin some work; it can be cancelled. Nothing begins any more once this is closed."""
        if self._loop.is_closed():
            nothing: Future[None] = Future()
            nothing.set_result(None)
            return nothing
        return asyncio.run_coroutine_threadsafe(self._noting(work), self._loop)

    async def _noting(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.current_task()
        self._work.add(task)
        try:
            await work()
        finally:
            self._work.discard(task)

    async def make_client(self) -> Any:
        """A client of CoAP, with a socket of its own.

        Raises:
            OSError: there is no network.
        """
        client = await make_coap_client(protects=self._security is not None)
        if self._security is not None:
            client.client_credentials["*"] = self._security
        self._clients.add(client)
        return client

    async def end_client(self, client: Any) -> None:
        """End a client, with whatever it still waits for."""
        self._clients.discard(client)
        with suppress(Exception):  # of foreign code, on what was on its way
            await client.shutdown()

    def is_trusted(self, answer: Any) -> bool:
        """Whether an answer is protected, if there is a context to protect it."""
        return self._security is None or is_protected(answer)

    async def _end(self) -> None:
        work = [task for task in self._work if task is not None]
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for client in [*self._clients]:
            await self.end_client(client)
        # What the library has begun and given up half-way is still to be ended.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    def close(self) -> None:
        """End the thread, and release the context."""
        try:
            if self._thread.is_alive():
                ending = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
                with suppress(TimeoutError):
                    ending.result(TIMEOUT_S)
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join(TIMEOUT_S)
            if not self._thread.is_alive():
                self._loop.close()
        finally:
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
        self._come: deque[tuple[int, bytes]] = deque(maxlen=resource.most)
        self._on_their_way: deque[Future[None]] = deque()
        self._listening: Future[None] | None = None
        self._problems: deque[str] = deque(maxlen=1)
        self._opening = 0
        self._asked_s = float("-inf")
        self._client: asyncio.Future[Any] | None = None
        self._idle: Future[None] | None = None

    def begin(self) -> None:
        """Begin to ask for what the resource holds.

        Raises:
            DriverError: the context cannot be used.
        """
        try:
            self._network.start()
        except DeviceFileError as error:
            raise DriverError(problem=str(error)) from None
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        work = {"get": self._get, "observe": self._observe}.get(self._resource.method)
        if work is not None and self._listening is None:
            self._listening = self._network.run(partial(self._repeat, work, self._opening))

    def end(self) -> None:
        """Stop asking; what has come, and answers to what was sent, are dropped."""
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
        self._opening += 1
        self._idle = self._network.run(self._rest)

    def send(self, payload: bytes) -> bool:
        """Send a message; False if too many are on their way."""
        while self._on_their_way and self._on_their_way[0].done():
            self._on_their_way.popleft()
        if len(self._on_their_way) >= self._resource.most:
            return False
        self._on_their_way.append(self._network.run(partial(self._send, payload, self._opening)))
        return True

    def take(self, now_us: int) -> bytes:
        """The oldest message that has come since it was opened."""
        while self._come:
            opening, message = self._come.popleft()
            if opening == self._opening:
                return message
        return b""

    def problem(self) -> str:
        """What went wrong last, once."""
        return self._problems.popleft() if self._problems else ""

    async def _send(self, payload: bytes, opening: int) -> None:
        await self._attempt(self._ask, opening, payload)

    async def _repeat(self, work: Callable[[int], Coroutine[Any, Any, None]], opening: int) -> None:
        """Do some work regularly, and never more often, however often the resource is opened."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._asked_s + self._resource.interval_s - loop.time())
            self._asked_s = loop.time()
            await self._attempt(work, opening)

    async def _get(self, opening: int) -> None:
        await self._ask(opening, b"")

    async def _ask(self, opening: int, payload: bytes) -> None:
        async with self._asking(payload) as asking:
            self._keep(await _answer_to(asking), opening)

    async def _observe(self, opening: int) -> None:
        """Keep the changes of the resource, until it has forgotten that it is observed."""
        async with self._asking(b"", observe=0) as asking:
            with closing(Notifications(asking)) as notifications:
                last = await _answer_to(asking)
                while last is not None:
                    self._keep(last, opening)
                    last = await self._after(last, notifications)

    async def _after(self, last: Any, notifications: Notifications) -> Any:
        """The next notification; None if the resource has forgotten that it is observed."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(OBSERVE_S):
                    return await notifications.next()
            async with self._asking(b"") as looking:
                found = await _answer_to(looking)
            if found.payload != last.payload:
                return None

    @asynccontextmanager
    async def _asking(self, payload: bytes, observe: int | None = None) -> AsyncIterator[Any]:
        """A request, until the block is left. If it is not answered, its socket is given up."""
        if self._client is None:
            self._client = asyncio.ensure_future(self._network.make_client())
        making = self._client
        try:
            # Shielded: a request that is cancelled meanwhile does not end it for the others.
            client = await asyncio.shield(making)
        except Exception:  # of foreign code: the next one begins with another socket
            self._forget(making)
            raise
        method = {"put": aiocoap.PUT, "post": aiocoap.POST}.get(self._resource.method, aiocoap.GET)
        message = aiocoap.Message(
            code=method, uri=self._resource.uri, payload=payload, observe=observe
        )
        asking = client.request(message, handle_blockwise=False)
        try:
            yield asking
        except TimeoutError:
            # The library goes on sending it although nobody waits, so the socket is not used again.
            if self._forget(making):
                self._network.run(partial(self._retire, client))
            raise

    def _forget(self, making: "asyncio.Future[Any]") -> bool:
        """Use another socket from now on; False if that is so already."""
        is_used = self._client is making
        if is_used:
            self._client = None
        return is_used

    async def _retire(self, client: Any) -> None:
        """End a client after the time in which its other requests can be answered."""
        await asyncio.sleep(TIMEOUT_S + 1)
        await self._network.end_client(client)

    async def _rest(self) -> None:
        """End the client, if nobody opens the resource again."""
        await asyncio.sleep(TIMEOUT_S + 1)
        making, self._client = self._client, None
        if making is not None:
            with suppress(Exception):  # of foreign code, which could not make it
                await self._network.end_client(await making)

    async def _attempt(self, work: Callable[..., Coroutine[Any, Any, None]], *given: Any) -> None:
        """Do some work, and note in one line what goes wrong."""
        try:
            await work(*given)
        except _Refused as error:
            self._problems.append(str(error))
        except TimeoutError:
            self._problems.append("no answer in time")
        except oscore.NotAProtectedMessage:
            self._problems.append("an answer is not protected")
        except aiocoap.error.NetworkError:
            self._problems.append(UNREACHABLE)
        except Exception as error:  # foreign code reads what a stranger sends
            self._problems.append(f"it cannot be asked: {type(error).__name__}")

    def _keep(self, answer: Any, opening: int) -> None:
        if not self._network.is_trusted(answer):
            raise _Refused("an answer is not protected")
        if not answer.code.is_successful():
            raise _Refused(f"it answers {answer.code.dotted}")
        block = answer.opt.block2
        if len(answer.payload) > MAX_MESSAGE_BYTES or (block is not None and block.more):
            raise _Refused(f"a message of more than {MAX_MESSAGE_BYTES} bytes is dropped")
        if answer.payload:
            self._come.append((opening, bytes(answer.payload)))


async def _answer_to(asking: Any) -> Any:
    async with asyncio.timeout(TIMEOUT_S):
        return await asking.response
