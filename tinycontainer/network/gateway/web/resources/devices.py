"""Requests to devices: from HTTP to CoAP and back, now or as a job."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response

from ....agent.requests.message import CoapRequest, Method, Option
from ...devices.answers import BadAnswer, NoAnswer
from ...devices.devices import Answered, DeviceAsleep, GatewayDevice, NotThere, TooOften
from ...devices.payloads import PayloadPieces
from ...gateway_file import TokenVerb
from ..access import Holder
from ..answering import HttpAnswer, write_answer
from ..asking import DeviceRequest, HttpAsked, read_device_request
from ..bodies import HttpBody
from ..closing_stream import ClosingStream
from ..forwarding import HEADER, read_protected, write_protected
from ..parts import Parts
from ..preferences import Preferences
from ..problems import HttpRefused, bad_request
from ..renditions import rendition_of
from ..streams import EventStreams, states
from .common import (
    OpenStreams,
    find_blob,
    find_device,
    put_together,
    require,
    too_often,
    wants_stream,
)
from .jobs import JobResources

_OBSERVED: Final = frozenset({"containers", "container", "update", "events"})


class DeviceResources:
    """What is asked of devices.

    Args:
        parts: what the resources work on.
        streams: that are open.
        jobs: makes jobs of requests.
    """

    def __init__(self, parts: Parts, streams: OpenStreams, jobs: JobResources) -> None:
        self._parts = parts
        self._streams = streams
        self._jobs = jobs
        self._events = EventStreams(parts.devices, parts.watching)

    async def forward(self, request: Request, holder: Holder) -> HttpAnswer:
        """POST /devices/{name}: what is protected from end to end."""
        device = find_device(self._parts.devices, request, holder)
        require(holder, TokenVerb.FORWARD)
        body = HttpBody(request, self._parts.limits.payload_bytes)
        asked = read_protected(
            request.headers.get("content-type", ""),
            request.headers.getlist(HEADER),
            await body.whole(),
        )
        if Preferences.of(request.headers).responds_async:
            return await self._jobs.accept(request, holder, device, asked)
        return write_protected(await put_together(await self._carry(device.name, asked, None)))

    async def ask(self, request: Request, holder: Holder) -> HttpAnswer | Response:
        """Everything below /devices/{name}."""
        device = find_device(self._parts.devices, request, holder)
        asked = self._read(request)
        for verb in asked.verbs:
            require(holder, verb)
        if wants_stream(request) and asked.request.method is Method.GET:
            return self._observe(request, holder, device, asked)
        body = HttpBody(request, self._parts.limits.payload_bytes)
        asked, content = await self._take_payload(asked, body)
        if Preferences.of(request.headers).responds_async:
            payload = await body.whole() if content is None else content
            whole = replace(asked.request, payload=payload)
            return await self._jobs.accept(request, holder, device, whole)
        pieces = None
        if content is None and asked.request.method is not Method.GET:
            pieces = PayloadPieces(body.pieces(), body.size)
        coap = replace(asked.request, payload=content or b"")
        answered = await self._carry(device.name, coap, pieces)
        return await self._write(answered, asked, is_bare=request.method == "HEAD")

    def _read(self, request: Request) -> DeviceRequest:
        raw = request.scope.get("raw_path", b"").decode("ascii", "replace")
        name, _, rest = raw.removeprefix("/devices/").partition("/")
        if unquote(name) != request.path_params["name"]:  # it has an escaped slash
            raise HttpRefused(404, "not-found", "there is no such resource; see /openapi.json")
        try:
            query = request.scope.get("query_string", b"").decode("ascii")
        except UnicodeDecodeError:
            raise bad_request("query: has characters that must be escaped") from None
        headers: dict[str, str] = {}
        for field, value in request.headers.items():
            headers[field] = f"{headers[field]}, {value}" if field in headers else value
        asked = HttpAsked(request.method, rest, query, headers)
        return read_device_request(asked, self._parts.random_bytes)

    async def _take_payload(
        self, asked: DeviceRequest, body: HttpBody
    ) -> tuple[DeviceRequest, bytes | None]:
        """A request, and all of its payload; None if that is yet to come."""
        if asked.blob is not None:
            content = await find_blob(self._parts.blobs, asked.blob)
            if content is None:
                raise HttpRefused(404, "unknown-blob", "no blob has this hash; PUT it to /blobs")
            if await body.whole():
                raise bad_request("payload: a blob is named in its place")
            return asked, content
        if asked.takes_bundle:
            return asked.with_bundle(await body.whole()), b""
        return asked, None

    async def _carry(self, name: str, asked: CoapRequest, body: PayloadPieces | None) -> Answered:
        """Ask a device now."""
        try:
            return await self._parts.devices.ask(name, asked, body)
        except DeviceAsleep as error:
            waits = {"Retry-After": str(int(error.back_s) + 1)}
            problem = "the device sleeps; ask later, or with Prefer: respond-async"
            raise HttpRefused(503, "asleep", problem, waits) from error
        except NotThere:
            problem = "the device is not registered now; Prefer: respond-async waits for it"
            raise HttpRefused(504, "not-registered", problem) from None
        except TooOften as error:
            raise too_often("the device is asked too often", error.wait_s) from error
        except NoAnswer as error:
            problem = "the device does not answer; it may have got the request"
            raise HttpRefused(504, "no-answer", problem) from error
        except BadAnswer as error:
            raise HttpRefused(502, "bad-answer", f"the device: {error}") from error

    async def _write(
        self, answered: Answered, asked: DeviceRequest, *, is_bare: bool
    ) -> HttpAnswer | Response:
        """The answer of a device; a long one in pieces, as they come, unless it stays bare."""
        try:
            if answered.rest is None or asked.rendition is not None:
                return write_answer(
                    await put_together(answered),
                    asked.rendition,
                    answered.age_s,
                    answered.fresh_s,
                    may_be_valid=asked.request.option(Option.ETAG) is not None,
                )
            head = write_answer(answered.answer, None, 0, 0)
            first = await anext(answered.rest)  # whether it can be used at all is known by then
        except HttpRefused as refusal:
            if refusal.status == 405 and "Allow" not in refusal.headers:
                refusal.headers["Allow"] = asked.allowed
            raise
        except BadAnswer as error:
            raise HttpRefused(502, "bad-answer", f"the device: {error}") from error
        if is_bare:
            await answered.rest.aclose()
        rest = _nothing() if is_bare else _joined(first, answered.rest)
        return ClosingStream(rest, head.status, head.headers)

    def _observe(
        self, request: Request, holder: Holder, device: GatewayDevice, asked: DeviceRequest
    ) -> Response:
        rendition = rendition_of(asked.kind)
        if asked.kind not in _OBSERVED or rendition is None:
            raise HttpRefused(406, "not-acceptable", "this resource cannot be observed")
        if asked.kind == "events":
            since = request.headers.get("last-event-id", request.query_params.get("since", "0"))
            if not (since.isascii() and since.isdigit() and len(since) <= 18):
                raise bad_request("Last-Event-ID: is no number of an event")
            return self._streams.respond(self._events.follow(device.name, int(since)), holder)
        source = states(self._parts.watching, device.name, asked.request.path, rendition)
        return self._streams.respond(source, holder)


async def _nothing() -> AsyncGenerator[bytes, None]:
    """No payload, of a length that is not told."""
    none: tuple[bytes, ...] = ()
    for piece in none:
        yield piece


async def _joined(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece
