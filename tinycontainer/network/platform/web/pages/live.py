"""Pages that stay up to date: rendered again when something has changed, sent if they differ."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tinycontainer.network.gateway.web.closing_stream import ClosingStream

from ...actor import Actor
from ...changes import ChangeWatch
from ...refusing import too_many
from ..problems import HANDLED, explain
from .rendering import PageResponse

EVENT_STREAM: Final = "text/event-stream"
MOST_STREAMS: Final = 256
MOST_OF_ORGANISATION: Final = 64
"""Streams of its people at the same time: no organisation takes the places of all others."""
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
        self._of_people: Counter[str] = Counter()
        self._of_organisations: Counter[int] = Counter()

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
        if seen is None or not isinstance(page, PageResponse) or page.follower is None:
            return Response(status_code=204)  # a browser does not ask again
        actor, mark = page.follower.actor, page.follower.mark
        if not self._has_place(actor):
            raise too_many("you or others have too many pages open", _AFTER_S)
        source = self._counted(actor, self._news(request, render, seen, page, mark))
        await anext(source)  # it counts from now on, also if the client is gone already
        return ClosingStream(source, 200, _HEADERS, EVENT_STREAM)

    def _has_place(self, actor: Actor) -> bool:
        return (
            self._of_people.total() < MOST_STREAMS
            and self._of_organisations[actor.organisation_id] < MOST_OF_ORGANISATION
            and self._of_people[actor.person] < MOST_OF_ONE
        )

    async def _counted(
        self, actor: Actor, source: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        self._of_people[actor.person] += 1
        self._of_organisations[actor.organisation_id] += 1
        try:
            yield b""
            async for each in source:
                yield each
        finally:
            await source.aclose()
            self._of_people -= Counter({actor.person: 1})
            self._of_organisations -= Counter({actor.organisation_id: 1})

    async def _news(
        self, request: Request, render: RenderPage, seen: int, page: PageResponse, mark: str
    ) -> AsyncGenerator[bytes, None]:
        shown = page.main
        yield write_page_event(shown, mark)
        while True:
            try:
                number = await self._changes.wait(seen, page.again_s)
                if number is None:
                    return
                seen, began_s = number, self._now_s()
                found = await render(request)
            except HANDLED as error:
                if explain(error).status not in _NOT_NOW:
                    return  # the browser asks again, and is told why
                seen = 0
                await asyncio.sleep(_AFTER_S)
                continue
            if not isinstance(found, PageResponse):
                return
            yield _ALIVE if found.main == shown else write_page_event(found.main, mark)
            shown = found.main
            await asyncio.sleep(max(_LEAST_S, _SHARE * (self._now_s() - began_s)))


def write_page_event(html: str, mark: str) -> bytes:
    """An event with HTML, as lines that a browser puts together again.

    Args:
        html: of the event.
        mark: of the session for which it was made; it is the id of the event.
    """
    lines = "\n".join(f"data: {line}" for line in html.splitlines())
    return f"event: page\nid: {mark}\n{lines}\n\n".encode()


def is_followed(request: Request) -> bool:
    """Whether a browser asks to be told the news of a page; none does so with a body."""
    has_body = any(name in request.headers for name in ("content-length", "transfer-encoding"))
    is_asked = request.headers.get("accept", "") == EVENT_STREAM
    return request.method == "GET" and is_asked and not has_body
