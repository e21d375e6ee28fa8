"""Carries the operator's requests over CoAP by aiocoap."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import aiocoap
from aiocoap import edhoc, oscore

from tinycontainer.interfaces.network.coap_client import (
    UNREACHABLE,
    Notifications,
    is_protected,
    make_coap_client,
)
from tinycontainer.text import flatten

from ..edhoc_messages import is_panic
from ..requests.message import CoapAnswer, CoapRequest, Code, Option
from .answers import AnswerUnreadable
from .client import DeviceRefused, Unreachable
from .coap_messages import is_same, read_answer, write_request

OBSERVE_S: Final = 60.0
"""After so long without news, an observer asks whether the device has forgotten it."""
OBSERVE_AGAIN_S: Final = 1.0
EXCHANGE_S: Final = 0.5
"""How long to wait if the device refuses because too many exchange keys."""


class CoapTransport:
    """Carries requests to one device.

    Args:
        runner: runs the event loop.
        context: of aiocoap.
        uri: of the device, without a path.
        timeout_s: how long an answer may take.
        is_protected: whether only protected answers count.
    """

    def __init__(
        self,
        runner: asyncio.Runner,
        context: Any,
        uri: str,
        timeout_s: float,
        *,
        is_protected: bool,
    ) -> None:
        self._runner = runner
        self._context = context
        self._uri = uri
        self._timeout_s = timeout_s
        self._is_protected = is_protected

    def ask(self, request: CoapRequest) -> CoapAnswer:
        """Send a request and wait for its answer."""
        return self._runner.run(self._ask(request))

    def observe(self, request: CoapRequest) -> Generator[CoapAnswer, None, None]:
        """The answer to a request now, and again whenever it has changed; without an end."""
        answers = self._observe(request)
        try:
            while True:
                yield self._runner.run(anext(answers))
        finally:
            self._runner.run(answers.aclose())

    async def _ask(self, request: CoapRequest) -> CoapAnswer:
        # A block of an upload is sent as it is; what comes in blocks is put together.
        is_block = request.option(Option.BLOCK1) is not None
        asking = self._context.request(
            write_request(request, self._uri), handle_blockwise=not is_block
        )
        return self._read(await self._receive(asking.response, self._timeout_s))

    async def _observe(self, request: CoapRequest) -> AsyncGenerator[CoapAnswer, None]:
        """Observe changes; begin again only when the device has forgotten the observation."""
        last: CoapAnswer | None = None
        while True:
            asking = self._context.request(write_request(request, self._uri, observe=0))
            with closing(Notifications(asking)) as notifications:
                answer = self._read(await self._receive(asking.response, self._timeout_s))
                if not is_same(answer, last):
                    yield answer
                last = answer
                while (found := await self._after(last, request, notifications)) is not None:
                    yield found
                    last = found
            await asyncio.sleep(OBSERVE_AGAIN_S)

    async def _after(
        self, last: CoapAnswer, request: CoapRequest, notifications: Notifications
    ) -> CoapAnswer | None:
        """The next notification; None if the device has forgotten that it is observed."""
        while True:
            try:
                found = await self._receive(notifications.next(), OBSERVE_S)
            except TimeoutError:
                if not is_same(await self._ask(request), last):
                    return None
            else:
                return None if found is None else self._read(found)

    async def _receive(self, answering: Any, timeout_s: float) -> Any:
        try:
            async with asyncio.timeout(timeout_s):
                return await answering
        except oscore.NotAProtectedMessage as error:
            code = flatten(str(error.plain_message.code))
            problem = (
                f"it answered without protection: {code}; is its side of the context the same?"
            )
            raise DeviceRefused(problem) from error
        except oscore.ProtectionInvalid as error:
            raise Unreachable("its answer is not protected by this context") from error
        except aiocoap.error.NetworkError as error:
            raise Unreachable(UNREACHABLE) from error
        except TimeoutError:
            raise
        except (aiocoap.error.Error, OSError) as error:
            raise Unreachable(flatten(str(error)) or type(error).__name__) from error
        except Exception as error:  # foreign code reads what a stranger sends
            raise AnswerUnreadable(type(error).__name__) from error

    def _read(self, found: Any) -> CoapAnswer:
        if self._is_protected and not is_protected(found):
            raise Unreachable("it answered without protection")
        return read_answer(found)


async def _establish(context: Any, uri: str, security: Any, timeout_s: float) -> Any:
    """Exchange keys once: the library would do it again for each request.

    Raises:
        DeviceRefused: the device makes no session.
        Unreachable: it does not answer, or not as the one that is meant.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await _exchange_keys(context, uri, security)
    except (TimeoutError, aiocoap.error.TimeoutError) as error:
        raise Unreachable("no answer in time") from error
    except aiocoap.error.ResponseWrappingError as error:
        code = flatten(str(error.coapmessage.code))
        raise DeviceRefused(f"it makes no session by EDHOC: {code}") from error
    except aiocoap.error.NetworkError as error:
        raise Unreachable(UNREACHABLE) from error
    except BaseException as error:  # foreign code reads what a stranger sends
        if not isinstance(error, Exception) and not is_panic(error):
            raise
        problem = "is the credential that of this device?"
        raise Unreachable(f"no session could be made by EDHOC; {problem}") from error


async def _exchange_keys(context: Any, uri: str, security: Any) -> Any:
    message: Any = aiocoap.Message(code=aiocoap.POST, uri=uri)
    await context.find_remote_and_interface(message)
    while True:
        try:
            return await security.establish_context(
                wire=context,
                underlying_address=message.remote,
                underlying_proxy_scheme=None,
                underlying_uri_host=message.opt.uri_host,
                logger=context.log,
            )
        except aiocoap.error.ResponseWrappingError as error:
            if int(error.coapmessage.code) != Code.TOO_MANY_REQUESTS:
                raise
            await asyncio.sleep(EXCHANGE_S)


@contextmanager
def open_transport(uri: str, timeout_s: float, security: Any = None) -> Iterator[CoapTransport]:
    """A transport to a device, until the block is left.

    Args:
        uri: of the device, without a path.
        timeout_s: how long an answer may take.
        security: an open OSCORE context, or what EDHOC begins one with; None to send everything in
            the clear.

    Raises:
        Unreachable: there is no network.
    """
    with asyncio.Runner() as runner:
        try:
            context = runner.run(make_coap_client(protects=security is not None))
        except OSError as error:
            raise Unreachable(flatten(str(error))) from error
        try:
            if isinstance(security, edhoc.EdhocCredentials):
                security = runner.run(_establish(context, uri, security, timeout_s))
            if security is not None:
                context.client_credentials["*"] = security
            yield CoapTransport(runner, context, uri, timeout_s, is_protected=security is not None)
        finally:
            runner.run(context.shutdown())
