"""The gateway over HTTP. Each request is judged in one order (TC-GW-37).

Who asks, by its token; how often; whether the device exists for that one; what it may do; then what
the resource itself says.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tinycontainer.errors import TinyContainerError
from tinycontainer.text import show

from .access import Holder
from .answering import HttpAnswer
from .media_types import JSON
from .parts import Parts
from .problems import MEDIA_TYPE, HttpRefused
from .resources.blobs import BlobResources, MetricsResource
from .resources.common import OpenStreams, too_often
from .resources.devices import DeviceResources
from .resources.inventory import InventoryResources
from .resources.jobs import JobResources

_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}

_Work: TypeAlias = Callable[[Request, Holder], Awaitable[HttpAnswer | Response]]


class Application:
    """All resources.

    Args:
        parts: what they work on.
        page_files: content and media type of each file of the page, by path.
    """

    def __init__(self, parts: Parts, page_files: Mapping[str, tuple[bytes, str]]) -> None:
        self._parts = parts
        self._page_files = page_files
        self.streams = OpenStreams(*_shares(parts))

    def asgi(self) -> Starlette:
        """The application as a web server runs it."""
        parts = self._parts
        jobs = JobResources(parts, self.streams)
        devices = DeviceResources(parts, self.streams, jobs)
        inventory = InventoryResources(parts, self.streams)
        blobs = BlobResources(parts)
        table: list[tuple[str, _Work, tuple[str, ...]]] = [
            ("/devices", inventory.list_devices, ("GET",)),
            ("/devices/{name}", inventory.show_device, ("GET",)),
            ("/devices/{name}", devices.forward, ("POST",)),
            ("/devices/{name}/jobs", jobs.list_jobs, ("GET",)),
            ("/devices/{name}/{rest:path}", devices.ask, _METHODS),
            ("/jobs/{id}", jobs.show, ("GET",)),
            ("/jobs/{id}", jobs.cancel, ("DELETE",)),
            ("/jobs/{id}/result", jobs.result, ("GET",)),
            ("/blobs/{sha256}", blobs.get, ("GET",)),
            ("/blobs/{sha256}", blobs.put, ("PUT",)),
            ("/metrics", MetricsResource(parts).get, ("GET",)),
        ]
        routes = [
            Route(path, self._answer(work), methods=[*methods]) for path, work, methods in table
        ]
        routes += [Route(path, self._give_page) for path in self._page_files]
        routes.append(Route("/openapi.json", self._describe))
        handlers: Mapping[Any, Any] = {HTTPException: self._refuse_route}
        application = Starlette(routes=routes, exception_handlers=handlers)
        # It would lead clients to the host that they have named, and judge nothing before.
        application.router.redirect_slashes = False
        return application

    def _answer(self, work: _Work) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            began_s = time.monotonic()
            request.state.note = {}
            holder: Holder | None = None
            try:
                holder = self._parts.access.identify(request.headers)
                wait_s = self._parts.rates.admit(holder.name.encode())
                if wait_s > 0:
                    raise too_often("asked too often with this token", wait_s)
                found = await work(request, holder)
                response = found if isinstance(found, Response) else _respond(found)
            except HttpRefused as refusal:
                response = self._refuse(request, refusal)
            except TinyContainerError:  # the state cannot be read or written
                problem = "the gateway cannot use its state"
                response = self._refuse(request, HttpRefused(503, "failed", problem))
            self._note(request, holder, response.status_code, time.monotonic() - began_s)
            return response

        return answer

    def _refuse(self, request: Request, refusal: HttpRefused) -> Response:
        request.state.note["problem"] = refusal.reason
        headers = {"cache-control": "no-store", **refusal.headers}
        return Response(refusal.body(), refusal.status, headers, MEDIA_TYPE)

    def _note(self, request: Request, holder: Holder | None, status: int, took_s: float) -> None:
        self._parts.metrics.count(request.method, status, took_s)
        audit = self._parts.audit
        note = audit.note_turned_away if status in (401, 429) else audit.note
        note(
            {
                "who": "" if holder is None else holder.name,
                "method": show(request.method, 20),
                # Not that of `request.url`: an escaped ? or # would end it there.
                "path": show(str(request.scope["path"]), 200),
                "status": status,
                **request.state.note,
            }
        )

    def _refuse_route(self, request: Request, error: Any) -> Response:
        """Nothing is there, or not for this method."""
        request.state.note = {}
        reason = "method-not-allowed" if error.status_code == 405 else "not-found"
        problem = "there is no such resource; see /openapi.json"
        headers = dict(error.headers or {})
        response = self._refuse(request, HttpRefused(error.status_code, reason, problem, headers))
        self._note(request, None, error.status_code, 0.0)
        return response

    async def _describe(self, _request: Request) -> Response:
        return Response(self._parts.openapi, media_type=JSON)

    async def _give_page(self, request: Request) -> Response:
        content, media_type = self._page_files[str(request.scope["path"])]
        return Response(content, 200, _PAGE_HEADERS, media_type)


def _shares(parts: Parts) -> tuple[int, int]:
    """How many streams there may be, and how many of them one holder may have."""
    most = parts.limits.streams
    return most, max(1, most // 2) if parts.access.has_holders else most


def _respond(answer: HttpAnswer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))
