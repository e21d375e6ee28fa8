"""The operator's side of the management of a device (version 2)."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

from tinycontainer.text import flatten

from ..requests.message import CoapAnswer, CoapRequest, Code, Format, Method, Option
from .answers import (
    AnswerUnreadable,
    SeenContainer,
    read_checks,
    read_container,
    read_containers,
    read_events,
    read_problem,
)

_ETAG_BYTES: Final = 8


class Unreachable(Exception):
    """The device did not answer."""


class DeviceRefused(Exception):
    """The device answered with an error; the text is one line, fit to be shown."""


class Transport(Protocol):
    """What carries a request to the device."""

    def ask(self, request: CoapRequest) -> CoapAnswer:
        """Send a request and wait for its answer.

        Raises:
            TimeoutError: there was none in time.
            Unreachable: there cannot be one.
        """


class Client:
    """Requests of version 2, and their answers.

    Args:
        transport: carries them.
        random_bytes: draws so many bytes for the id of a change (TC-MGMT-10).
        tries: how often a request is sent at most.
    """

    def __init__(
        self, transport: Transport, random_bytes: Callable[[int], bytes], tries: int = 3
    ) -> None:
        self._transport = transport
        self._random_bytes = random_bytes
        self._tries = tries

    def containers(self) -> list[SeenContainer]:
        """All containers, by slot."""
        return read_containers(self._ask(Method.GET, ("tc", "c")).payload)

    def events(self, since: int) -> tuple[int, list[tuple[int, str]]]:
        """The newest number, and at most 32 events above a number."""
        return read_events(self._ask(Method.GET, ("tc", "e"), (f"since={since}",)).payload)

    def judge(self, bundle: bytes, *, replaces: bool) -> list[tuple[str, bool | None, str]]:
        """What the device would say to a bundle; nothing changes."""
        query = ("replaces",) if replaces else ()
        return read_checks(self._ask(Method.POST, ("tc", "j"), query, bundle).payload)

    def load(self, uid: bytes, bundle: bytes) -> None:
        """Load a bundle."""
        self._change(Method.PUT, uid, payload=bundle)

    def replace(self, uid: bytes, bundle: bytes, confirm_ms: int | None = None) -> None:
        """Replace what is loaded, if it is still what it is now.

        Args:
            uid: of the container.
            bundle: the new version.
            confirm_ms: within which the new version must complete a loop (TC-LOAD-18).
        """
        found = read_container(self._ask(Method.GET, ("tc", "c", uid.hex())).payload)
        query = () if confirm_ms is None else (f"confirm={confirm_ms}",)
        etag = bytes.fromhex(found.sha256)[:_ETAG_BYTES]
        self._change(Method.PUT, uid, query, bundle, ((Option.IF_MATCH, etag),))

    def order(self, uid: bytes, verb: str) -> None:
        """Start, stop or kill a container."""
        self._change(Method.POST, uid, (verb,))

    def delete(self, uid: bytes) -> None:
        """Delete a container."""
        self._change(Method.DELETE, uid)

    def _change(
        self,
        method: Method,
        uid: bytes,
        query: tuple[str, ...] = (),
        payload: bytes = b"",
        options: tuple[tuple[int, bytes], ...] = (),
    ) -> None:
        request_id = f"id={self._random_bytes(8).hex()}"
        self._ask(method, ("tc", "c", uid.hex()), (*query, request_id), payload, options)

    def _ask(
        self,
        method: Method,
        path: tuple[str, ...],
        query: tuple[str, ...] = (),
        payload: bytes = b"",
        options: tuple[tuple[int, bytes], ...] = (),
    ) -> CoapAnswer:
        answer = self._send(CoapRequest(b"", method, path, query, options, payload))
        if answer.code < Code.BAD_REQUEST:
            return answer
        has_problem = answer.format is Format.PROBLEM
        problem = read_problem(answer.payload) if has_problem else "refused"
        raise DeviceRefused(f"{answer.code.dotted} {problem}")

    def _send(self, request: CoapRequest) -> CoapAnswer:
        for _ in range(self._tries):
            try:
                return self._transport.ask(request)
            except TimeoutError:
                continue
        raise Unreachable(f"no answer after {self._tries} tries")


class CoapTransport:
    """Carries requests by aiocoap, unprotected.

    Args:
        uri: of the device, without a path.
        timeout_s: how long an answer may take.
    """

    def __init__(self, uri: str, timeout_s: float) -> None:
        self._uri = uri
        self._timeout_s = timeout_s

    def ask(self, request: CoapRequest) -> CoapAnswer:
        """Send a request and wait for its answer."""
        return asyncio.run(self._ask(request))

    async def _ask(self, request: CoapRequest) -> CoapAnswer:
        import aiocoap  # noqa: PLC0415 - an optional part

        message: Any = aiocoap.Message(
            code=aiocoap.Code(int(request.method)), uri=self._uri, payload=request.payload
        )
        message.opt.uri_path = request.path
        message.opt.uri_query = request.query
        message.opt.if_match = [
            value for number, value in request.options if number == Option.IF_MATCH
        ]
        context = None
        try:
            context = await aiocoap.Context.create_client_context()
            waiting = context.request(message).response
            found: Any = await asyncio.wait_for(waiting, self._timeout_s)
        except aiocoap.error.NetworkError as error:
            raise Unreachable("no such host, or nobody listens there") from error
        except aiocoap.error.Error as error:
            raise Unreachable(flatten(str(error))) from error
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            raise Unreachable(flatten(str(error))) from error
        finally:
            if context is not None:
                await context.shutdown()
        try:
            number = found.opt.content_format
            known = number is not None and int(number) in set(Format)
            return CoapAnswer(
                Code(int(found.code)), found.payload, Format(int(number)) if known else None
            )
        except ValueError as error:
            raise AnswerUnreadable("its code is not known") from error
