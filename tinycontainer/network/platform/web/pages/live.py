"""Pages that stay up to date: rendered again when something has changed, sent if they differ."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tinycontainer.network.gateway.web.closing_stream import ClosingStream

from ...changes import ChangeWatch
from ...refusing import too_many
from ..problems import HANDLED, explain
from .rendering import PageResponse

EVENT_STREAM: Final = "text/event-stream"
MOST_STREAMS: Final = 256
MOST_OF_ONE: Final = 12
"""Streams of one person at the same time."""
_LEAST_S: Final = 0.2
_SHARE: Final = 8
"""A page whose rendering takes a second is rendered every so many seconds at the most."""
_AFTER_S: Final = 5.0
"""When somebody who was refused may try again."""
_NOT_NOW: Final = (429, 503)
_ALIVE: Final = b": alive\n\n"
_HEADERS: Final = {"x-accel-buffering": "no"}

RenderPage = Callable[[Request], Awaitable[Response]]


class LivePages:
    """Follows pages for browsers that show them.

    Args:
        changes: says when there is something new.
        now_s: monotonic seconds.
    """

    def __init__(self, changes: ChangeWatch, now_s: Callable[[], float]) -> None:
        self._changes = changes
        self._now_s = now_s
        self._streams: Counter[str] = Counter()

    async def follow(self, request: Request, render: RenderPage) -> Response:
        """The page as a stream of events, each of which is all of its ``main``.

        Args:
            request: of the page; it is judged anew for each rendering.
            render: answers it.

        Raises:
            PlatformRefused: whoever asks may not see the page, or follows too many.
        """
        seen = await self._changes.wait(0, 0)
        page = await render(request)
        if seen is None or not isinstance(page, PageResponse) or not page.follower:
            return Response(status_code=204)  # a browser does not ask again
        person = page.follower
        if self._streams.total() >= MOST_STREAMS or self._streams[person] >= MOST_OF_ONE:
            raise too_many("you have too many pages open", _AFTER_S)
        source = self._counted(person, self._news(request, render, seen, page))
        await anext(source)  # it counts from now on, also if the client is gone already
        return ClosingStream(source, 200, _HEADERS, EVENT_STREAM)

    async def _counted(
        self, person: str, source: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        self._streams[person] += 1
        try:
            yield b""
            async for each in source:
                yield each
        finally:
            await source.aclose()
            self._streams -= Counter({person: 1})

    async def _news(
        self, request: Request, render: RenderPage, seen: int, page: PageResponse
    ) -> AsyncGenerator[bytes, None]:
        shown = page.main
        yield write_page_event(shown)
        while True:
            number = await self._changes.wait(seen, page.again_s)
            if number is None:
                return
            seen, began_s = number, self._now_s()
            try:
                found = await render(request)
            except HANDLED as error:
                if explain(error).status not in _NOT_NOW:
                    return  # the browser asks again, and is told why
                seen = 0
                await asyncio.sleep(_AFTER_S)
                continue
            if not isinstance(found, PageResponse):
                return
            yield _ALIVE if found.main == shown else write_page_event(found.main)
            shown = found.main
            await asyncio.sleep(max(_LEAST_S, _SHARE * (self._now_s() - began_s)))


def write_page_event(html: str) -> bytes:
    """An event with HTML, as lines that a browser puts together again."""
    lines = "\n".join(f"data: {line}" for line in html.splitlines())
    return f"event: page\n{lines}\n\n".encode()


def is_followed(request: Request) -> bool:
    """Whether a browser asks to be told the news of a page."""
    return request.method == "GET" and request.headers.get("accept", "") == EVENT_STREAM
