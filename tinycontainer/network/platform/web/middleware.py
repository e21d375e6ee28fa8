"""Around every request: bounds of its body, headers of its answer, and numbers about it."""

import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from threading import Lock
from traceback import extract_tb
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..log import NoteEvent
from ..metrics import PlatformMetrics
from ..refusing import PlatformRefused
from .problems import explain, respond

ANONYMOUS_BYTES: Final = 4 * 1024
"""Of whoever has nothing yet but a name and a password."""
JSON_BYTES: Final = 64 * 1024
PROFILE_BYTES: Final = 256 * 1024
"""A profile has a device file and all its keys."""
ARTEFACTS: Final = "/api/artefacts/"
PROFILES: Final = "/api/profiles"
UPLOADS: Final = re.compile(r"/releases/[0-9a-f]{1,126}/[0-9]{1,19}/(code|data|sbom|envelope)")
"""Forms of pages with a file."""

SECURITY_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every answer, unless it has its own."""
TRANSPORT_SECURITY: Final = {"strict-transport-security": "max-age=31536000"}


class AnswerHeaders:
    """Adds headers to every answer, counts it, and answers where everything else has failed.

    Args:
        application: what answers.
        headers: that are added if the answer has none of that name.
        metrics: counts requests.
        now_s: monotonic seconds.
        log: takes a line about what has failed.
        note: takes each request that was answered.
    """

    def __init__(
        self,
        application: ASGIApp,
        headers: Mapping[str, str],
        metrics: PlatformMetrics,
        now_s: Callable[[], float],
        log: Callable[[str], None],
        note: NoteEvent,
    ) -> None:
        self._log = log
        self._note = note
        self._application = application
        self._headers = headers
        self._metrics = metrics
        self._now_s = now_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        began_s = self._now_s()
        has_begun = False

        async def answer(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                took_s = self._now_s() - began_s
                self._metrics.count(scope["method"], message["status"], took_s)
                self._note(
                    "request",
                    method=scope["method"],
                    route=_route_of(scope),
                    status=message["status"],
                    ms=round(took_s * 1000, 1),
                )
            await send(message)

        try:
            await self._application(scope, receive, answer)
        except Exception as error:
            self._log(f"{scope['method']} has failed: {_name_failure(error)}")
            if has_begun:
                raise
            await respond(explain(error))(scope, receive, answer)


class BoundedBodies:
    """Refuses a body that is too long, and bodies that together are too much.

    Args:
        application: what answers.
        payload_bytes: of one artefact.
        most_bytes_of_all: of all bodies whose requests are not answered yet.
    """

    def __init__(self, application: ASGIApp, payload_bytes: int, most_bytes_of_all: int) -> None:
        self._application = application
        self._payload_bytes = payload_bytes
        self._left_bytes = max(payload_bytes, most_bytes_of_all)
        self._lock = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = Headers(scope=scope)
        most_bytes = self._bound(scope["path"], headers)
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared[:20]) > most_bytes:
            await respond(_too_long())(scope, receive, send)
            return
        taken_bytes = 0

        async def bounded() -> Message:
            nonlocal taken_bytes
            message = await receive()
            size_bytes = len(message.get("body", b""))
            if taken_bytes + size_bytes > most_bytes:
                raise HTTPException(413)
            if not self._take(size_bytes):
                raise HTTPException(503, headers={"Retry-After": "1"})
            taken_bytes += size_bytes
            return message

        try:
            await self._application(scope, bounded, send)
        finally:
            self._take(-taken_bytes)

    def _bound(self, path: str, headers: Headers) -> int:
        """How long a body may be. JSON is parsed before anybody knows who asks."""
        if "cookie" not in headers and "authorization" not in headers:
            return ANONYMOUS_BYTES
        if path.startswith(ARTEFACTS):
            return self._payload_bytes
        if "cookie" in headers and UPLOADS.fullmatch(path):
            return self._payload_bytes + JSON_BYTES  # a file, and fields beside it
        return PROFILE_BYTES if path == PROFILES else JSON_BYTES

    def _take(self, size_bytes: int) -> bool:
        with self._lock:
            if size_bytes > self._left_bytes:
                return False
            self._left_bytes -= size_bytes
            return True


def _route_of(scope: Scope) -> str:
    """Which resource is meant, without what its path names; empty if there is none."""
    path = getattr(scope.get("route"), "path", "")
    return path if isinstance(path, str) else ""


def _name_failure(error: Exception) -> str:
    """What has failed and where; the message can hold what was sent."""
    frames = extract_tb(error.__traceback__)
    place = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {place}"


def _too_long() -> PlatformRefused:
    return explain(HTTPException(413))
