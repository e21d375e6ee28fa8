"""Who asks, by the token of a session or of a program."""

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tinycontainer_tokens import Role

from ..actor import SCOPES, Actor, PersonRight, PlatformScope
from ..refusing import unauthorized
from ..tables.people import ApiToken, Organisation, Person, WebSession
from .secrets import derive_csrf, hash_token, is_api_token, is_session_token


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and with what.

    Attributes:
        actor: who.
        person_id: of the row of the person.
        right: of the person.
        session_sha256: of the session; empty if it is the token of a program.
        csrf_sha256: what the header of a changing request must have as its hash.
    """

    actor: Actor
    person_id: int
    right: PersonRight
    session_sha256: str = ""
    csrf_sha256: str = ""


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session that was just opened.

    Attributes:
        token: for the cookie.
        csrf: for the page.
        expires_s: Unix time.
    """

    token: str
    csrf: str
    expires_s: float


def actor_of(person: Person, scopes: frozenset[PlatformScope] | None = None) -> Actor:
    """A person as one who asks.

    Args:
        person: of the database.
        scopes: of the token; None for a session, which may do what the person may.
    """
    allowed = SCOPES[PersonRight(person.right)]
    return Actor(
        person=person.name,
        organisation_id=person.organisation_id,
        organisation=person.organisation.name,
        roles=read_roles(person.organisation),
        scopes=allowed if scopes is None else allowed & scopes,
    )


def read_roles(organisation: Organisation) -> frozenset[Role]:
    """Which parties an organisation is."""
    return frozenset(Role(each) for each in organisation.roles.split(",") if each)


def read_scopes(token: ApiToken) -> frozenset[PlatformScope]:
    """What a token allows at the most."""
    return frozenset(PlatformScope(each) for each in token.scopes.split(",") if each)


def require_still_allowed(session: Session, actor: Actor) -> None:
    """Refuse whoever was disabled, or may do less, since the request has begun.

    Args:
        session: of the transaction that does the deed; nobody changes the person until it ends.
        actor: as who asked was found.

    Raises:
        PlatformRefused: this one may not do any more what it could.
    """
    query = select(Person).where(Person.name == actor.person)
    person = session.scalars(query.with_for_update(read=True, of=Person)).first()
    is_there = person is not None and not person.is_disabled
    allowed = SCOPES[PersonRight(person.right)] if person is not None and is_there else frozenset()
    if not actor.scopes <= allowed:
        raise unauthorized("you may not do this any more; log in again")


def find_by_session(session: Session, token: str, now_s: float) -> Caller | None:
    """Who has this session; None if nobody has, or has no more."""
    if not is_session_token(token):
        return None
    found = session.get(WebSession, hash_token(token))
    if found is None or found.expires_s <= now_s or found.person.is_disabled:
        return None
    person = found.person
    return Caller(
        actor_of(person),
        person.id,
        PersonRight(person.right),
        found.token_sha256,
        found.csrf_sha256,
    )


def find_by_token(session: Session, token: str, now_s: float) -> Caller | None:
    """Whose token this is; None if nobody's, or if it is over."""
    if not is_api_token(token):
        return None
    query = select(ApiToken).where(ApiToken.token_sha256 == hash_token(token))
    found = session.scalars(query).first()
    if found is None or found.person.is_disabled:
        return None
    if found.expires_s is not None and found.expires_s <= now_s:
        return None
    person = found.person
    return Caller(actor_of(person, read_scopes(found)), person.id, PersonRight(person.right))


def open_session(
    session: Session, person: Person, token: str, now_s: float, lasts_s: float, most: int
) -> OpenedSession:
    """Open a session for somebody who has logged in.

    Args:
        session: of a transaction that writes.
        person: who.
        token: a new one.
        now_s: Unix time.
        lasts_s: how long the session lasts.
        most: sessions of one person; those that end first make room.
    """
    session.execute(delete(WebSession).where(WebSession.expires_s <= now_s))
    query = select(WebSession).where(WebSession.person_id == person.id)
    others = session.scalars(query.order_by(WebSession.expires_s.desc())).all()
    for each in others[most - 1 :]:
        session.delete(each)
    csrf = derive_csrf(token)
    expires_s = now_s + lasts_s
    session.add(
        WebSession(
            token_sha256=hash_token(token),
            person_id=person.id,
            csrf_sha256=hash_token(csrf),
            expires_s=expires_s,
        )
    )
    return OpenedSession(token, csrf, expires_s)


def end_sessions(session: Session, person_id: int, but_sha256: str = "") -> None:
    """End all sessions of a person, but for one."""
    session.execute(
        delete(WebSession).where(
            WebSession.person_id == person_id, WebSession.token_sha256 != but_sha256
        )
    )


def end_session(session: Session, token_sha256: str) -> None:
    """End one session, if it is there."""
    session.execute(delete(WebSession).where(WebSession.token_sha256 == token_sha256))


def end_tokens(session: Session, person_id: int) -> None:
    """End all tokens of a person."""
    session.execute(delete(ApiToken).where(ApiToken.person_id == person_id))
