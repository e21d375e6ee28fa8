"""Applications: whose container a uid is."""

from typing import Final

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from tinycontainer_tokens import Role

from ..actor import Actor
from ..audit import note
from ..refusing import conflict, forbidden, not_found
from ..tables.catalogue import ApplicationRow, ReleaseRow
from .visibility import is_party

MOST_APPLICATIONS: Final = 1000
"""Of one organisation."""


def add_application(
    session: Session, actor: Actor, uid: bytes, name: str, now_s: float
) -> ApplicationRow:
    """Take a uid for a container of the organisation.

    Raises:
        PlatformRefused: the organisation is no developer, or the uid is taken.
    """
    if Role.DEVELOPER not in actor.roles:
        raise forbidden(f"{actor.organisation} is no developer")
    if session.scalar(select(ApplicationRow.id).where(ApplicationRow.uid == uid)) is not None:
        raise conflict("uid: is taken; devices know a container by it, so it belongs to one")
    owned = session.scalar(
        select(func.count()).where(ApplicationRow.organisation_id == actor.organisation_id)
    )
    if (owned or 0) >= MOST_APPLICATIONS:
        raise conflict(f"an organisation has at most {MOST_APPLICATIONS} applications")
    row = ApplicationRow(organisation_id=actor.organisation_id, uid=uid, name=name, created_s=now_s)
    session.add(row)
    session.flush()
    note(session, actor, "application-added", uid.hex(), {"name": name}, now_s)
    return row


def find_application(session: Session, actor: Actor, uid: bytes) -> ApplicationRow:
    """An application of the organisation, or one of which it sees a release.

    Raises:
        PlatformRefused: there is none that it may see.
    """
    found = session.scalar(_seen_by(actor).where(ApplicationRow.uid == uid))
    if found is None:
        raise not_found("application")
    return found


def list_applications(
    session: Session, actor: Actor, after: str, most: int
) -> tuple[ApplicationRow, ...]:
    """The applications that the organisation sees, by uid.

    Args:
        session: of a transaction.
        actor: who asks.
        after: hexadecimal digits of the uid after which they begin; empty for the first.
        most: how many.
    """
    query = _seen_by(actor).where(ApplicationRow.uid > bytes.fromhex(after))
    return tuple(session.scalars(query.order_by(ApplicationRow.uid).limit(most)))


def _seen_by(actor: Actor) -> Select[ApplicationRow]:
    party_to = select(ReleaseRow.application_id).where(is_party(actor))
    return select(ApplicationRow).where(
        or_(
            ApplicationRow.organisation_id == actor.organisation_id, ApplicationRow.id.in_(party_to)
        )
    )
