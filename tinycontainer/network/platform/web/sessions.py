"""Logging in and out over HTTP, and the tokens of programs."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from ..audit import note
from ..people.identifying import (
    Caller,
    OpenedSession,
    actor_of,
    end_session,
    open_session,
    read_scopes,
)
from ..people.secrets import TOKEN_BYTES, hash_token, write_api_token, write_session_token
from ..people.tokens import add_token, delete_token, list_tokens
from ..refusing import PlatformRefused, bad_request, unauthorized
from ..tables.people import ApiToken, Person
from .bodies import (
    AddToken,
    LogIn,
    NewTokenAnswer,
    NumberPath,
    SessionAnswer,
    TokenAnswer,
    TokensAnswer,
)
from .callers import COOKIE, identify_logged_in, session_token
from .parts import PlatformParts
from .sources import require_same_site, source_address

_S_PER_HOUR: Final = 3600
_S_PER_DAY: Final = 24 * _S_PER_HOUR


def make_router(parts: PlatformParts) -> APIRouter:
    """All resources about sessions and tokens."""
    router = APIRouter(prefix="/api", tags=["sessions"])

    @router.post("/session", status_code=201)
    def begin_session(body: LogIn, request: Request, response: Response) -> SessionAnswer:
        """Log in: a new session, whatever cookie was sent."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise bad_request("body: must be sent as application/json")
        opened = log_in(parts, body, request, response)
        return SessionAnswer(name=body.name, csrf=opened.csrf, expires_s=opened.expires_s)

    @router.delete("/session", status_code=204, response_class=Response)
    def leave_session(
        response: Response, asked: Annotated[Caller, Depends(identify_logged_in)]
    ) -> None:
        """Log out."""
        log_out(parts, asked, response)

    @router.get("/tokens")
    def show_tokens(asked: Annotated[Caller, Depends(identify_logged_in)]) -> TokensAnswer:
        """The own tokens, without what one asks with."""
        with parts.database.reading() as session:
            found = list_tokens(session, asked.person_id)
            return TokensAnswer(tokens=[TokenAnswer(**_show(each)) for each in found])

    @router.post("/tokens", status_code=201)
    def make_token(
        body: AddToken, asked: Annotated[Caller, Depends(identify_logged_in)]
    ) -> NewTokenAnswer:
        """Make a token for a program; it is shown this once."""
        return make_program_token(parts, asked, body)

    @router.delete("/tokens/{id}", status_code=204, response_class=Response)
    def remove_token(
        id: NumberPath,  # noqa: A002 - the name in the path
        asked: Annotated[Caller, Depends(identify_logged_in)],
    ) -> None:
        """Delete an own token; programs that have it are not answered any more."""
        drop_program_token(parts, asked, id)

    return router


def make_program_token(parts: PlatformParts, asked: Caller, given: AddToken) -> NewTokenAnswer:
    """Make a token for a program of whoever asks.

    Args:
        parts: what it works on.
        asked: whose it is; this one has logged in.
        given: what it is to be.

    Raises:
        PlatformRefused: it would last too long or allow too much, or there are too many.
    """
    days = parts.limits.token_days if given.days is None else given.days
    if days > parts.limits.token_days:
        raise bad_request(f"days: the most are {parts.limits.token_days:g}")
    now_s = parts.now_s()
    token = write_api_token(parts.random_bytes(TOKEN_BYTES))
    with parts.changing(asked.actor) as session:
        ends_s = now_s + days * _S_PER_DAY
        added = add_token(
            session, asked, given.name, given.scopes, token, now_s, ends_s, parts.limits.tokens
        )
        detail = {"id": added.id, "scopes": added.scopes}
        note(session, asked.actor, "token-made", added.name, detail, now_s)
        return NewTokenAnswer(**_show(added), token=token)


def drop_program_token(parts: PlatformParts, asked: Caller, number: int) -> None:
    """Delete a token of whoever asks.

    Args:
        parts: what it works on.
        asked: whose it is.
        number: of its row.

    Raises:
        PlatformRefused: this one has no such token.
    """
    with parts.changing(asked.actor) as session:
        name = delete_token(session, asked.person_id, number)
        note(session, asked.actor, "token-deleted", name, {"id": number}, parts.now_s())


def log_in(
    parts: PlatformParts, given: LogIn, request: Request, response: Response
) -> OpenedSession:
    """Open a session in place of that of the cookie, and set its cookie.

    Args:
        parts: what it works on.
        given: name and password.
        request: that brings them.
        response: that gets the cookie.

    Raises:
        PlatformRefused: name or password are wrong, there were too many tries, or perhaps it is
            the page of another site.
    """
    require_same_site(request)
    address = source_address(request, parts)
    person_id, password_hash = _check_password(parts, given, address)
    opened = _open(parts, person_id, password_hash, session_token(request), given.password)
    _set_cookie(parts, response, opened)
    return opened


def log_out(parts: PlatformParts, asked: Caller, response: Response) -> None:
    """End the session of whoever asks, and delete its cookie.

    Raises:
        PlatformRefused: this one was disabled meanwhile.
    """
    with parts.changing(asked.actor) as session:
        end_session(session, asked.session_sha256)
        note(session, asked.actor, "logged-out", asked.actor.person, {}, parts.now_s())
    response.delete_cookie(COOKIE, secure=parts.has_safe_cookies, httponly=True, samesite="strict")


def _check_password(parts: PlatformParts, body: LogIn, address: str) -> tuple[int, str]:
    """The row of whoever logs in, and the hash that the password was checked against.

    Raises:
        PlatformRefused: the same for a wrong name, a wrong password, one that is disabled, and
            too many tries.
    """
    if not parts.log_ins.begin(body.name, address):
        parts.metrics.count_log_in("too-often")
        raise _refusal()
    with parts.database.reading() as session:
        found = session.scalars(select(Person).where(Person.name == body.name)).first()
        known = (0, None, True) if found is None else _row(found)
    person_id, password_hash, is_disabled = known
    is_right = parts.passwords.is_right(password_hash, body.password)
    if not is_right or is_disabled or password_hash is None:
        parts.metrics.count_log_in("refused")
        raise _refusal()
    parts.log_ins.succeed(body.name, address)
    parts.metrics.count_log_in("done")
    return person_id, password_hash


def _row(person: Person) -> tuple[int, str | None, bool]:
    return person.id, person.password_hash, person.is_disabled


def _open(
    parts: PlatformParts, person_id: int, password_hash: str, old_token: str, password: str
) -> OpenedSession:
    """Open a session in place of that of the cookie, if there is one.

    Raises:
        PlatformRefused: the person was changed since the password was checked.
    """
    token = write_session_token(parts.random_bytes(TOKEN_BYTES))
    renewed = parts.passwords.renew(password_hash, password)
    with parts.database.transaction() as session:
        person = session.get(Person, person_id, with_for_update=True)
        if person is None or person.is_disabled or person.password_hash != password_hash:
            raise _refusal()
        person.password_hash = renewed
        end_session(session, hash_token(old_token))
        lasts_s = parts.limits.session_hours * _S_PER_HOUR
        opened = open_session(session, person, token, parts.now_s(), lasts_s, parts.limits.sessions)
        note(session, actor_of(person), "logged-in", person.name, {}, parts.now_s())
        return opened


def _refusal() -> PlatformRefused:
    return unauthorized("the name or the password is wrong, or there were too many tries; wait")


def _set_cookie(parts: PlatformParts, response: Response, opened: OpenedSession) -> None:
    response.set_cookie(
        COOKIE,
        opened.token,
        max_age=int(parts.limits.session_hours * _S_PER_HOUR),
        path="/",
        secure=parts.has_safe_cookies,
        httponly=True,
        samesite="strict",
    )


def _show(token: ApiToken) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": sorted(read_scopes(token)),
        "created_s": token.created_s,
        "expires_s": token.expires_s,
    }
