"""Who asks over HTTP: the cookie of a session, or the bearer token of a program."""

from collections.abc import Callable
from hmac import compare_digest
from typing import Final

from starlette.requests import Request

from ..actor import Actor, PlatformScope
from ..people.identifying import Caller, find_by_session, find_by_token
from ..people.secrets import hash_token
from ..refusing import forbidden, too_many, unauthorized
from .parts import PlatformParts
from .sources import require_same_site

COOKIE: Final = "tinycontainer_session"
CSRF_HEADER: Final = "X-CSRF-Token"
_SCHEME: Final = "bearer "
_READING: Final = frozenset({"GET", "HEAD"})
_MAX_CHARACTERS: Final = 512


def parts_of(request: Request) -> PlatformParts:
    """What the application works on."""
    parts: PlatformParts = request.app.state.parts
    return parts


def caller(scope: PlatformScope) -> Callable[[Request], Actor]:
    """A dependency that gives whoever asks, if this one may do something.

    Args:
        scope: what.
    """

    def depend(request: Request) -> Actor:
        actor = identify(request).actor
        if not actor.may(scope):
            raise forbidden(f"this needs the scope {scope}, which you or your token do not have")
        return actor

    return depend


def identify(request: Request) -> Caller:
    """Whoever asks: a dependency.

    Raises:
        PlatformRefused: nobody who is known, too often, or perhaps the page of another site.
    """
    parts = parts_of(request)
    return _admit(parts, _find_bearer(request, parts) or _find_logged_in(request, parts))


def identify_logged_in(request: Request) -> Caller:
    """Whoever asks, who must have logged in: a dependency for what no token may do.

    Raises:
        PlatformRefused: as for `identify`; or it is a token.
    """
    found = identify(request)
    if not found.session_sha256:
        raise forbidden("no token may do this; log in")
    return found


def identify_in_browser(request: Request, csrf: str) -> Caller:
    """Whoever asks with a page: somebody who has logged in; no token of a program counts.

    Args:
        request: of a browser.
        csrf: what the form has; compared unless the request only reads.

    Raises:
        PlatformRefused: nobody who is known, too often, or perhaps the page of another site.
    """
    parts = parts_of(request)
    found = _find_session(request, parts)
    if request.method not in _READING:
        require_same_site(request)
        if not _is_csrf(csrf, found):
            raise forbidden("the form is not of this session; load its page again")
    return _admit(parts, found)


def require_session(request: Request) -> None:
    """Refuse whoever has not logged in, before anything long is read: a dependency.

    Raises:
        PlatformRefused: nobody who is known, or perhaps the page of another site.
    """
    _find_session(request, parts_of(request))
    require_same_site(request)


def session_token(request: Request) -> str:
    """The token in the cookie; empty if there is none, or more than one."""
    pairs = ";".join(request.headers.getlist("cookie")).split(";")
    named = (each.strip().partition("=") for each in pairs)
    given = [value for name, _, value in named if name == COOKIE]
    return given[0] if len(given) == 1 else ""


def _find_bearer(request: Request, parts: PlatformParts) -> Caller | None:
    """The owner of the token; None if there is no header for one."""
    fields = request.headers.getlist("authorization")
    if not fields:
        return None
    # Of two, a proxy on the way may have looked at the other one.
    given = fields[0] if len(fields) == 1 else ""
    if given[: len(_SCHEME)].lower() != _SCHEME or len(given) > _MAX_CHARACTERS:
        raise unauthorized("one bearer token is needed")
    with parts.database.reading() as session:
        found = find_by_token(session, given[len(_SCHEME) :].strip(), parts.now_s())
    if found is None:
        raise unauthorized("this token is not known, or not any more")
    return found


def _find_logged_in(request: Request, parts: PlatformParts) -> Caller:
    found = _find_session(request, parts)
    if request.method not in _READING:
        require_same_site(request)
        given = request.headers.getlist(CSRF_HEADER)
        if not _is_csrf(given[0] if len(given) == 1 else "", found):
            raise forbidden(f"the header {CSRF_HEADER} must have the csrf of this session")
    return found


def _find_session(request: Request, parts: PlatformParts) -> Caller:
    with parts.database.reading() as session:
        found = find_by_session(session, session_token(request), parts.now_s())
    if found is None:
        raise unauthorized("log in, or send a bearer token")
    return found


def _is_csrf(given: str, found: Caller) -> bool:
    return compare_digest(hash_token(given), found.csrf_sha256)


def _admit(parts: PlatformParts, found: Caller) -> Caller:
    wait_s = parts.rates.admit(found.actor.person)
    if wait_s > 0:
        raise too_many("you or your programs ask too often", wait_s)
    return found
