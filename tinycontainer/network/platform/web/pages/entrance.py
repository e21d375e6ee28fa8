"""The files of pages, and the forms to log in and to log out."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ...actor import PlatformScope
from ...refusing import forbidden, not_found
from ..bodies import LogIn
from ..parts import PlatformParts
from ..problems import HANDLED, explain
from ..sessions import log_in, log_out
from .forms import fill, read_form
from .rendering import PageWriter
from .route import write_refusal
from .visitors import Visitor, sending


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of the entrance.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    @router.get("/assets/{mark}/{name}")
    def show_asset(mark: str, name: str) -> Response:
        found = writer.assets.find(mark, name)
        if found is None:
            raise not_found("there is no such file")
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(found.content, 200, headers, found.media_type)

    @router.post("/log-in")
    def begin_session(
        request: Request, form: Annotated[Mapping[str, str], Depends(read_form)]
    ) -> Response:
        answer = RedirectResponse("/", 303)
        name = form.get("name", "")
        try:
            _require_named_site(request)
            given = fill(LogIn, {"name": name, "password": form.get("password", "")})
            log_in(parts, given, request, answer)
        except HANDLED as error:
            refused = explain(error)
            return writer.write(
                "log_in",
                None,
                status=refused.status,
                refusal=write_refusal(refused),
                headers=refused.headers,
                name=name,
            )
        return answer

    @router.post("/log-out")
    def leave_session(
        visitor: Annotated[Visitor, Depends(sending(PlatformScope.READ))],
    ) -> Response:
        answer = RedirectResponse("/", 303)
        log_out(parts, visitor.caller, answer)
        return answer


def _require_named_site(request: Request) -> None:
    """Refuse a form to log in if the browser does not say whose page it is on.

    There is no session yet whose csrf it could have.

    Raises:
        PlatformRefused: nothing says it.
    """
    if "origin" not in request.headers and "sec-fetch-site" not in request.headers:
        raise forbidden("the browser does not say on which page this form is; use a newer one")
