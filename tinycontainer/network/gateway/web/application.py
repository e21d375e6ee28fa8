"""The resources of the gateway over HTTP; each request is judged in one order.

Who asks (token), how often, what that one may do, of which device; then what the resource says
itself. A device that its asker may not reach does not exist for that one (TC-GW-20).
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tinycontainer.text import show

from ...agent.requests.message import CoapRequest, Method, Option
from ...agent.requests.rates import Rates
from ..audit import Audit
from ..blobs import Blobs
from ..devices.carrier import BadAnswer, Body, NoAnswer
from ..devices.devices import Answered, Asleep, Device, Devices, NotThere, TooOften
from ..devices.jobs import Jobs, QueueFull
from ..devices.watching import Inventory, Watching
from ..gateway_file import LimitsTable, Verb
from ..job import IllegalJobEvent, Job, JobState
from ..metrics import CONTENT_TYPE, Metrics
from .access import Access, Holder
from .answering import HttpAnswer, as_json, write_answer
from .asking import ALLOWED, DeviceRequest, HttpAsked, read_device_request, read_sha256
from .bodies import HttpBody
from .forwarding import HEADER, read_protected, write_protected
from .media_types import EVENT_STREAM, JSON, OCTETS, Accepted
from .page import PAGE_FILES
from .preferences import Preferences
from .problems import MEDIA_TYPE, HttpRefused, bad_request
from .renditions import rendition_of
from .streams import EventStreams, inventory, states, with_signs_of_life
from .views import describe_device, describe_job

JOBS_SHOWN: Final = 100
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
_OBSERVED: Final = frozenset({"containers", "container", "update", "events"})
_WAITS_TO_SEE: Final = ("GET", "HEAD")

_Work: TypeAlias = Callable[[Request, Holder], Awaitable[HttpAnswer | Response]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the resources work on.

    Attributes:
        access: knows who asks.
        rates: bounds how often each holder may ask.
        devices: all devices.
        jobs: what waits for them.
        watching: what is observed.
        inventory: who is there.
        blobs: by hash.
        audit: notes each request.
        metrics: counts it.
        limits: of the gateway's file.
        openapi: the description of all resources, as JSON.
        random_bytes: draws a number of unpredictable bytes.
    """

    access: Access
    rates: Rates
    devices: Devices
    jobs: Jobs
    watching: Watching
    inventory: Inventory
    blobs: Blobs
    audit: Audit
    metrics: Metrics
    limits: LimitsTable
    openapi: bytes
    random_bytes: Callable[[int], bytes]


class Application:
    """The resources.

    Args:
        parts: what they work on.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._events = EventStreams(parts.devices, parts.watching)
        self._open_streams = 0

    @property
    def open_streams(self) -> int:
        """How many streams are open."""
        return self._open_streams

    def asgi(self) -> Starlette:
        """The application as a web server runs it."""
        routes = [
            Route(path, self._answer(work), methods=methods)
            for path, work, methods in (
                ("/devices", self._list_devices, ["GET"]),
                ("/devices/{name}", self._device, ["GET", "POST"]),
                ("/devices/{name}/jobs", self._list_jobs, ["GET"]),
                ("/devices/{name}/{rest:path}", self._ask, _METHODS),
                ("/jobs/{id}", self._job, ["GET", "DELETE"]),
                ("/jobs/{id}/result", self._result, ["GET"]),
                ("/blobs/{sha256}", self._blob, ["GET", "PUT"]),
                ("/metrics", self._measure, ["GET"]),
            )
        ]
        public = [Route("/openapi.json", self._openapi)]
        public += [Route(path, _page_file(path)) for path in PAGE_FILES]
        handlers: Mapping[Any, Any] = {HTTPException: self._refuse_route}
        return Starlette(routes=[*public, *routes], exception_handlers=handlers)

    # What all requests have in common.

    def _answer(self, work: _Work) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            began_s = time.monotonic()
            request.state.note = {}
            holder: Holder | None = None
            try:
                holder = self._parts.access.identify(request.headers)
                wait_s = self._parts.rates.admit(holder.name.encode())
                if wait_s > 0:
                    raise _too_often("asked too often with this token", wait_s)
                found = await work(request, holder)
                response = found if isinstance(found, Response) else _respond(found)
            except HttpRefused as refusal:
                response = _respond_with(refusal)
                request.state.note["problem"] = refusal.reason
            self._note(request, holder, response.status_code, time.monotonic() - began_s)
            return response

        return answer

    def _note(self, request: Request, holder: Holder | None, status: int, took_s: float) -> None:
        self._parts.metrics.count(request.method, status, took_s)
        self._parts.audit.note(
            {
                "who": "" if holder is None else holder.name,
                "method": show(request.method, 20),
                "path": show(request.url.path, 200),
                "status": status,
                **request.state.note,
            }
        )

    def _refuse_route(self, request: Request, error: Any) -> Response:
        """Nothing is there, or not for this method."""
        reasons = {404: "not-found", 405: "method-not-allowed"}
        reason = reasons.get(error.status_code, "bad-request")
        self._parts.metrics.count(request.method, error.status_code, 0.0)
        detail = "there is no such resource; see /openapi.json"
        return _respond_with(HttpRefused(error.status_code, reason, detail, error.headers))

    async def _openapi(self, _request: Request) -> Response:
        return Response(self._parts.openapi, media_type=JSON)

    # Devices.

    async def _list_devices(self, request: Request, holder: Holder) -> HttpAnswer | Response:
        _require(holder, Verb.READ)
        seen = [each for each in self._parts.devices if holder.reaches(each.groups)]
        if not _wants_stream(request):
            return as_json(200, [self._describe(each) for each in seen])
        changes = self._parts.inventory.changes()
        names = [each.name for each in seen]
        return self._stream(inventory(changes, lambda name: self._look(name, holder), names))

    def _look(self, name: str, holder: Holder) -> dict[str, Any] | None:
        try:
            device = self._parts.devices.find(name)
        except NotThere:
            return None
        return self._describe(device) if holder.reaches(device.groups) else None

    def _describe(self, device: Device) -> dict[str, Any]:
        return describe_device(device, self._parts.jobs.waiting(device.name))

    def _find_device(self, request: Request, holder: Holder) -> Device:
        name = str(request.path_params["name"])
        try:
            device = self._parts.devices.find(name)
        except NotThere:
            device = None
        if device is None or not holder.reaches(device.groups):
            raise HttpRefused(404, "unknown-device", f"no device has the name {show(name, 64)}")
        request.state.note["device"] = device.name
        return device

    async def _device(self, request: Request, holder: Holder) -> HttpAnswer | Response:
        device = self._find_device(request, holder)
        if request.method in _WAITS_TO_SEE:
            _require(holder, Verb.READ)
            return as_json(200, self._describe(device))
        _require(holder, Verb.FORWARD)
        body = HttpBody(request, self._parts.limits.payload_bytes)
        asked = read_protected(
            request.headers.get("content-type", ""),
            request.headers.getlist(HEADER),
            await body.whole(),
        )
        job = self._maybe_job(request, holder, device, asked)
        if job is not None:
            return await self._answer_job(request, job)
        answered = await self._carry(device.name, asked, None)
        return write_protected(await _put_together(answered))

    async def _ask(self, request: Request, holder: Holder) -> HttpAnswer | Response:
        """Ask a device what is asked of it over HTTP."""
        device = self._find_device(request, holder)
        asked = self._read(request)
        for verb in asked.verbs:
            _require(holder, verb)
        if _wants_stream(request) and asked.request.method is Method.GET:
            return self._observe(request, device, asked)
        body = HttpBody(request, self._parts.limits.payload_bytes)
        asked, content = await self._take_payload(asked, body)
        preferences = Preferences.parse(request.headers.get("prefer", ""))
        if preferences.responds_async:
            payload = await body.whole() if content is None else content
            whole = replace(asked.request, payload=payload)
            job = self._accept(request, holder, device, whole)
            return await self._answer_job(request, job)
        pieces = None
        if content is None and asked.request.method is not Method.GET:
            pieces = Body(body.pieces(), body.size)
        coap = replace(asked.request, payload=content or b"")
        answered = await self._carry(device.name, coap, pieces)
        return await self._write(answered, asked)

    def _read(self, request: Request) -> DeviceRequest:
        raw = request.scope.get("raw_path", b"").decode("ascii", "replace")
        rest = raw.partition("?")[0].removeprefix("/devices/").partition("/")[2]
        query = request.scope.get("query_string", b"").decode("ascii", "replace")
        asked = HttpAsked(request.method, rest, query, request.headers)
        return read_device_request(asked, self._parts.random_bytes)

    async def _take_payload(
        self, asked: DeviceRequest, body: HttpBody
    ) -> tuple[DeviceRequest, bytes | None]:
        """A request with what is known of its payload: all of it, or None if that is yet to come."""
        if asked.blob is not None:
            content = await self._parts.blobs.find(asked.blob)
            if content is None:
                raise HttpRefused(404, "unknown-blob", "no blob has this hash; PUT it to /blobs")
            if body.size:
                raise bad_request("payload: a blob is named in its place")
            return asked, content
        if asked.takes_bundle:
            return asked.with_bundle(await body.whole()), b""
        return asked, None

    async def _carry(self, name: str, asked: CoapRequest, body: Body | None) -> Answered:
        """Ask a device now."""
        try:
            return await self._parts.devices.ask(name, asked, body)
        except Asleep as error:
            waits = {"Retry-After": str(int(error.back_s) + 1)}
            problem = "the device sleeps; ask later, or with Prefer: respond-async"
            raise HttpRefused(503, "asleep", problem, waits) from error
        except NotThere:
            problem = "the device is not registered now; Prefer: respond-async waits for it"
            raise HttpRefused(504, "not-registered", problem) from None
        except TooOften as error:
            raise _too_often("the device is asked too often", error.wait_s) from error
        except NoAnswer as error:
            problem = "the device does not answer; it may have got the request"
            raise HttpRefused(504, "no-answer", problem) from error
        except BadAnswer as error:
            raise HttpRefused(502, "bad-answer", f"the device: {error}") from error

    async def _write(self, answered: Answered, asked: DeviceRequest) -> HttpAnswer | Response:
        """The answer of a device; a long one in pieces, as they come."""
        try:
            if answered.rest is None or asked.rendition is not None:
                answer = await _put_together(answered)
                return write_answer(answer, asked.rendition, answered.age_s, answered.fresh_s)
            head = write_answer(answered.answer, None, 0, 0)
        except HttpRefused as refusal:
            if refusal.status == 405 and "Allow" not in refusal.headers:
                refusal.headers["Allow"] = ALLOWED[asked.kind]
            raise
        return StreamingResponse(answered.rest, head.status, head.headers)

    def _observe(self, request: Request, device: Device, asked: DeviceRequest) -> Response:
        rendition = rendition_of(asked.kind)
        if asked.kind not in _OBSERVED or rendition is None:
            raise HttpRefused(406, "not-acceptable", "this resource cannot be observed")
        if asked.kind == "events":
            since = request.headers.get("last-event-id", request.query_params.get("since", "0"))
            if not (since.isascii() and since.isdigit() and len(since) <= 18):
                raise bad_request("Last-Event-ID: is no number of an event")
            return self._stream(self._events.follow(device.name, int(since)))
        watching = self._parts.watching
        return self._stream(states(watching, device.name, asked.request.path, rendition))

    def _stream(self, source: AsyncIterator[bytes]) -> Response:
        if self._open_streams >= self._parts.limits.streams:
            raise HttpRefused(503, "busy", "too many streams are open", {"Retry-After": "5"})

        async def counted() -> AsyncIterator[bytes]:
            self._open_streams += 1
            try:
                async for piece in with_signs_of_life(source):
                    yield piece
            finally:
                self._open_streams -= 1

        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(counted(), 200, headers, EVENT_STREAM)

    # Jobs.

    def _maybe_job(
        self, request: Request, holder: Holder, device: Device, asked: CoapRequest
    ) -> Job | None:
        if not Preferences.parse(request.headers.get("prefer", "")).responds_async:
            return None
        return self._accept(request, holder, device, asked)

    def _accept(
        self, request: Request, holder: Holder, device: Device, asked: CoapRequest
    ) -> Job:
        patience = request.query_params.get("deadline") or request.headers.get("job-deadline", "")
        if patience and not (patience.isascii() and patience.isdigit() and len(patience) <= 8):
            raise bad_request("Job-Deadline: is no number of seconds")
        try:
            job = self._parts.jobs.accept(
                device.name, holder.name, asked, float(patience) if patience else None
            )
        except QueueFull as error:
            raise HttpRefused(503, "queue-full", str(error), {"Retry-After": "30"}) from error
        request.state.note["job"] = job.id
        return job

    async def _answer_job(self, request: Request, job: Job) -> HttpAnswer:
        wait_s = Preferences.parse(request.headers.get("prefer", "")).wait_s
        if wait_s:
            job = await self._parts.jobs.wait_for_end(job, wait_s)
        headers = {"location": f"/jobs/{job.id}", "preference-applied": "respond-async"}
        return as_json(202, describe_job(job), headers)

    async def _list_jobs(self, request: Request, holder: Holder) -> HttpAnswer:
        device = self._find_device(request, holder)
        found = self._parts.jobs.of_device(device.name, JOBS_SHOWN)
        return as_json(200, [describe_job(job) for job in found if job.owner == holder.name])

    def _find_job(self, request: Request, holder: Holder) -> Job:
        job_id = str(request.path_params["id"])
        job = self._parts.jobs.find(job_id) if len(job_id) == 32 else None
        if job is None or job.owner != holder.name:
            raise HttpRefused(404, "unknown-job", "no job of yours has this id, or not any more")
        request.state.note["device"] = job.device
        return job

    async def _job(self, request: Request, holder: Holder) -> HttpAnswer | Response:
        job = self._find_job(request, holder)
        if request.method == "DELETE":
            try:
                return as_json(200, describe_job(self._parts.jobs.cancel(job)))
            except IllegalJobEvent as error:
                raise HttpRefused(409, "wrong-state", str(error)) from error
        if _wants_stream(request):
            return self._stream(self._follow_job(job))
        wait_s = Preferences.parse(request.headers.get("prefer", "")).wait_s
        if wait_s:
            job = await self._parts.jobs.wait_for_end(job, wait_s)
        return as_json(200, describe_job(job))

    async def _follow_job(self, job: Job) -> AsyncIterator[bytes]:
        from .streams import write_event  # noqa: PLC0415

        yield write_event("job", describe_job(job))
        while not job.state.has_ended:
            now = await self._parts.jobs.wait(job, 3600)
            if now.state is not job.state:
                yield write_event("job", describe_job(now))
            job = now

    async def _result(self, request: Request, holder: Holder) -> HttpAnswer | Response:
        job = self._find_job(request, holder)
        if job.answer is None:
            ended = job.state.has_ended
            problem = f"the job is {job.state}; {'it has no result' if ended else 'ask later'}"
            raise HttpRefused(409, "no-result", problem)
        if job.request.option(Option.OSCORE) is not None:
            return write_protected(job.answer)
        asked = self._asked_in(job, request)
        return await self._write(Answered(job.answer), asked)

    def _asked_in(self, job: Job, request: Request) -> DeviceRequest:
        """What a job has asked, with the form in which its client now wants the answer."""
        path = "/".join(job.request.path)
        method = job.request.method.name
        query = "&".join(job.request.query)
        kept = {"accept": request.headers["accept"]} if "accept" in request.headers else {}
        if job.request.path[:1] == ("tc",):
            return read_device_request(HttpAsked(method, path, query, kept), lambda n: bytes(n))
        uid = (job.request.option(Option.UID) or b"").hex()
        kind = "published" if job.request.path[0] == "container" else "device-id"
        is_look = method == "GET" and kind == "published"
        rendition = rendition_of(kind, uid) if is_look else None
        return DeviceRequest(job.request, (), kind, rendition=rendition)

    # Blobs, and numbers.

    async def _blob(self, request: Request, holder: Holder) -> HttpAnswer:
        _require(holder, Verb.STORE)
        digest = read_sha256(str(request.path_params["sha256"]))
        blobs = self._parts.blobs
        if request.method == "PUT":
            content = await HttpBody(request, blobs.most_bytes).whole()
            if not blobs.keep(digest, content):
                raise HttpRefused(422, "wrong-hash", "the payload has another SHA-256 than the path")
            return as_json(201, {"sha256": digest.hex(), "bytes": len(content)})
        found = await blobs.find(digest)
        if found is None:
            raise HttpRefused(404, "unknown-blob", "no blob has this hash")
        headers = {
            "content-type": OCTETS,
            "cache-control": "private, max-age=31536000, immutable",
            "etag": f'"{digest.hex()}"',
        }
        return HttpAnswer(200, headers, found)

    async def _measure(self, _request: Request, holder: Holder) -> HttpAnswer:
        _require(holder, Verb.MEASURE)
        return HttpAnswer(200, {"content-type": CONTENT_TYPE}, self._parts.metrics.write())


async def _put_together(answered: Answered) -> Any:
    try:
        return await answered.whole()
    except NoAnswer as error:
        raise HttpRefused(504, "no-answer", "the device stopped to answer") from error
    except BadAnswer as error:
        raise HttpRefused(502, "bad-answer", f"the device: {error}") from error


def _require(holder: Holder, verb: Verb) -> None:
    if not holder.may(verb):
        raise HttpRefused(403, "forbidden", f"{holder.name} has no right to {verb}")


def _too_often(problem: str, wait_s: float) -> HttpRefused:
    return HttpRefused(429, "too-many-requests", problem, {"Retry-After": str(int(wait_s) + 1)})


def _wants_stream(request: Request) -> bool:
    accepted = Accepted.parse(request.headers.get("accept"))
    return EVENT_STREAM in (media_range.partition(";")[0] for media_range in accepted.ranges)


def _respond(answer: HttpAnswer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))


def _respond_with(refusal: HttpRefused) -> Response:
    headers = {"cache-control": "no-store", **refusal.headers}
    return Response(refusal.body(), refusal.status, headers, MEDIA_TYPE)


def _page_file(path: str) -> Callable[[Request], Awaitable[Response]]:
    content, media_type = PAGE_FILES[path]

    async def answer(_request: Request) -> Response:
        headers = {
            "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self';"
            " connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-cache",
        }
        return Response(content, 200, headers, media_type)

    return answer
