"""Who looks at a page: somebody who has logged in; no token of a program."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import quote

from fastapi import Depends
from starlette.requests import Request

from tinycontainer_tokens import Role

from ...actor import Actor, PlatformScope
from ...people.identifying import Caller
from ...people.secrets import derive_csrf, hash_token
from ...refusing import forbidden
from ..callers import identify_in_browser, session_token
from .forms import CSRF_FIELD, SentForm, read_form, read_upload

ReadFields: TypeAlias = Callable[[Request], Coroutine[Any, Any, Mapping[str, str]]]
"""Reads the fields of a form."""
_MARK_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who looks at pages.

    Attributes:
        caller: who.
        csrf: what each form of this session has.
        place: path and query of the page; empty if this is the answer to a form.
    """

    caller: Caller
    csrf: str
    place: str = ""

    @property
    def actor(self) -> Actor:
        """Who, for what is done."""
        return self.caller.actor

    @property
    def mark(self) -> str:
        """What tells this session from others; it is no secret."""
        return hash_token(self.csrf)[:_MARK_DIGITS]

    def may(self, scope: str) -> bool:
        """Whether this one has a scope, by its name."""
        return self.actor.may(PlatformScope(scope))

    def has_role(self, role: str) -> bool:
        """Whether the organisation is such a party, by its name."""
        return Role(role) in self.actor.roles


def visitor_of(request: Request, csrf: str = "") -> Visitor:
    """Whoever looks at a page.

    Args:
        request: of the browser.
        csrf: of the form, if there is one.

    Raises:
        PlatformRefused: as for `identify_in_browser`.
    """
    caller = identify_in_browser(request, csrf)
    return Visitor(caller, derive_csrf(session_token(request)), _place_of(request))


def _place_of(request: Request) -> str:
    if request.method not in ("GET", "HEAD"):
        return ""
    path, query = quote(request.url.path), request.url.query
    return f"{path}?{query}" if query else path


def visiting(scope: PlatformScope) -> Callable[[Request], Visitor]:
    """A dependency that gives whoever looks at a page, if this one may.

    Args:
        scope: that it needs.
    """

    def depend(request: Request) -> Visitor:
        return _require(visitor_of(request), scope)

    return depend


def sending(
    scope: PlatformScope, read: ReadFields = read_form
) -> Callable[[Request, Mapping[str, str]], Visitor]:
    """A dependency that gives whoever sends a form of a page, if this one may.

    Args:
        scope: that it needs.
        read: reads the form.
    """

    def depend(request: Request, form: Annotated[Mapping[str, str], Depends(read)]) -> Visitor:
        return _require(visitor_of(request, form.get(CSRF_FIELD, "")), scope)

    return depend


def uploading(scope: PlatformScope) -> Callable[[Request, SentForm], Visitor]:
    """A dependency that gives whoever sends a form with a file, if this one may.

    Args:
        scope: that it needs.
    """

    def depend(request: Request, form: Annotated[SentForm, Depends(read_upload)]) -> Visitor:
        return _require(visitor_of(request, form.fields.get(CSRF_FIELD, "")), scope)

    return depend


def _require(visitor: Visitor, scope: PlatformScope) -> Visitor:
    if not visitor.may(scope):
        raise forbidden(f"this needs the scope {scope}, which you do not have; ask an admin")
    return visitor
