"""The route of a page: whatever refuses a request, the answer is a page that says why."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tinycontainer.errors import TinyContainerError
from tinycontainer.text import flatten

from ...refusing import PlatformRefused
from ..problems import HANDLED, MAX_CHARACTERS, explain
from .live import LivePages, is_followed
from .rendering import PageWriter
from .visitors import Visitor, visitor_of

_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404


def make_page_router(writer: PageWriter, live: LivePages) -> APIRouter:
    """A router for pages: none of them is in the API's description.

    Args:
        writer: of the pages that say why a request is refused.
        live: answers browsers that follow a page.
    """

    class PageRoute(APIRoute):
        """A route whose refusals are pages."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            answer = super().get_route_handler()

            async def answer_with_page(request: Request) -> Response:
                try:
                    if is_followed(request):
                        return await live.follow(request, answer)
                    return await answer(request)
                except HANDLED as error:
                    refused = explain(error)
                return await run_in_threadpool(_refuse, writer, request, refused)

            return answer_with_page

    return APIRouter(route_class=PageRoute, include_in_schema=False)


def attempt(deed: Callable[[], str | Response], again: Callable[[int, str], Response]) -> Response:
    """Do what a form asks for and lead the browser on, or show the page of the form again.

    Args:
        deed: does it, and gives the path of the page that shows what came of it; or the page
            itself, which shows a secret once and has no address.
        again: makes the page, with a status and the refusal.

    Raises:
        PlatformRefused: nobody who is known asks any more, or what it is about is not there.
    """
    try:
        done = deed()
    except HANDLED as error:
        refused = explain(error)
        if refused.status in (_UNAUTHORIZED, _NOT_FOUND):
            raise
        return again(refused.status, write_refusal(refused))
    return RedirectResponse(done, 303) if isinstance(done, str) else done


def write_refusal(refused: PlatformRefused) -> str:
    """A refusal as one line."""
    return flatten(refused.detail)[:MAX_CHARACTERS]


def _refuse(writer: PageWriter, request: Request, refused: PlatformRefused) -> Response:
    headers = refused.headers
    if refused.status == _UNAUTHORIZED:
        return writer.write("log_in", None, status=_UNAUTHORIZED, headers=headers, name="")
    visitor = _find_visitor(request)
    return writer.write(
        "refused",
        visitor,
        status=refused.status,
        headers=headers,
        refusal=write_refusal(refused),
        title=refused.reason.replace("-", " "),
    )


def _find_visitor(request: Request) -> Visitor | None:
    """Who asks, for the head of the page; None if that is not known."""
    if request.method not in ("GET", "HEAD"):
        return None
    try:
        return visitor_of(request)
    except (PlatformRefused, TinyContainerError):
        return None
