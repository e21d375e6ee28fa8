"""The tokens of a person's programs."""

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..actor import PlatformScope
from ..refusing import conflict, forbidden, not_found
from ..tables.people import ApiToken
from .identifying import Caller
from .secrets import hash_token


def add_token(
    session: Session,
    caller: Caller,
    name: str,
    scopes: Iterable[PlatformScope],
    token: str,
    now_s: float,
    expires_s: float | None,
    most: int,
) -> ApiToken:
    """Add a token for whoever asks.

    Args:
        session: of a transaction that writes.
        caller: whose it is.
        name: for its owner to know it by.
        scopes: what it allows.
        token: a new one; only its hash is kept.
        now_s: Unix time.
        expires_s: when it is over; None for never.
        most: tokens of one person.

    Raises:
        PlatformRefused: it would allow more than its owner may, or there are too many.
    """
    wanted = frozenset(scopes)
    beyond = sorted(wanted - caller.actor.scopes)
    if beyond:
        raise forbidden(f"a token cannot have what you may not do yourself: {', '.join(beyond)}")
    query = select(func.count()).select_from(ApiToken)
    if (session.scalar(query.where(ApiToken.person_id == caller.person_id)) or 0) >= most:
        raise conflict(f"you have {most} tokens already; delete one first")
    added = ApiToken(
        token_sha256=hash_token(token),
        person_id=caller.person_id,
        name=name,
        scopes=",".join(each for each in PlatformScope if each in wanted),
        created_s=now_s,
        expires_s=expires_s,
    )
    session.add(added)
    session.flush()
    return added


def list_tokens(session: Session, person_id: int) -> Sequence[ApiToken]:
    """All tokens of a person."""
    query = select(ApiToken).where(ApiToken.person_id == person_id)
    return session.scalars(query.order_by(ApiToken.id)).all()


def delete_token(session: Session, person_id: int, token_id: int) -> str:
    """Delete a token of a person.

    Returns:
        Its name.

    Raises:
        PlatformRefused: the person has no such token.
    """
    found = session.get(ApiToken, token_id)
    if found is None or found.person_id != person_id:
        raise not_found("token")
    session.delete(found)
    return found.name
