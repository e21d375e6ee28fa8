"""Rentals in the database: who sees them, and what is decided on them."""

from dataclasses import replace

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from tinycontainer_tokens import Role

from ..actor import Actor
from ..audit import note
from ..catalogue.forms import TokenTerms
from ..catalogue.releases import add_rights, look_at, name_of, party_id
from ..refusing import PlatformRefused, conflict, forbidden, not_found
from ..releases.release import Release
from ..tables.catalogue import ReleaseRow
from ..tables.people import Organisation
from ..tables.renting import OfferRow, RentalRow
from .breaking import list_breaks, list_overruns
from .offers import limits_of
from .rental import IllegalRentalEvent, RentalEvent, RentalState
from .withdrawals import highest_sequence, lock_sequences, next_sequence


def grant_rental(session: Session, actor: Actor, number: int, now_s: float) -> RentalRow:
    """As the owner: let a release have what its developer asks for, until the rental ends.

    The right is in force once the owner has signed it.

    Raises:
        PlatformRefused: there is no such rental, it is not for this one to decide or cannot be
            granted any more, or code or plan are missing or beyond the limits.
    """
    row = _find_as_owner(session, actor, number)
    release = row.release
    session.refresh(release, with_for_update={"of": ReleaseRow})
    _move(actor, row, RentalEvent.GRANT, now_s)
    if release.syscalls is None or release.plan is None:
        missing = "code" if release.syscalls is None else "plan"
        raise conflict(f"the {missing} of the release is missing; only then is plain what it does")
    require_within(release, row.offer)
    terms = TokenTerms(
        sequence=_next_sequence(session, release),
        not_before=row.from_s if row.from_s > now_s else None,
        expires=row.until_s,
    )
    add_rights(session, actor, release, release.syscalls, terms, now_s)
    note(session, actor, "rental-granted", name_of(release), {"rental": row.id}, now_s)
    return row


def refuse_rental(session: Session, actor: Actor, number: int, now_s: float) -> RentalRow:
    """As the owner: do not grant a rental.

    Raises:
        PlatformRefused: there is no such rental, or it is not for this one to decide, or any more.
    """
    row = _find_as_owner(session, actor, number)
    _move(actor, row, RentalEvent.REFUSE, now_s)
    note(session, actor, "rental-refused", name_of(row.release), {"rental": row.id}, now_s)
    return row


def take_back_rental(session: Session, actor: Actor, number: int, now_s: float) -> RentalRow:
    """As who has asked: do not ask any more.

    Raises:
        PlatformRefused: there is no such rental, others have asked, or it was decided.
    """
    row = find_rental(session, actor, number, to_change=True)
    if row.release.developer_id != actor.organisation_id:
        raise forbidden("only who has asked takes it back")
    _move(actor, row, RentalEvent.TAKE_BACK, now_s)
    note(session, actor, "rental-taken-back", name_of(row.release), {"rental": row.id}, now_s)
    return row


def find_rental(
    session: Session, actor: Actor, number: int, *, to_change: bool = False
) -> RentalRow:
    """A rental that the organisation has asked for, grants, or runs the release of.

    Args:
        session: of a transaction.
        actor: who asks.
        number: of the rental.
        to_change: nobody else changes it until the transaction ends.

    Raises:
        PlatformRefused: there is none that it may see.
    """
    query = select(RentalRow).join(RentalRow.release).where(RentalRow.id == number, _is_seen(actor))
    row = session.scalar(query.with_for_update(of=RentalRow) if to_change else query)
    if row is None:
        raise not_found("rental")
    return row


def list_rentals(session: Session, actor: Actor, before: int, most: int) -> tuple[RentalRow, ...]:
    """The rentals that the organisation sees, the newest first.

    Args:
        session: of a transaction.
        actor: who asks.
        before: id of the row before which they begin.
        most: how many.
    """
    query = select(RentalRow).join(RentalRow.release).where(_is_seen(actor), RentalRow.id < before)
    return tuple(session.scalars(query.order_by(RentalRow.id.desc()).limit(most)))


def state_of(row: RentalRow, now_s: float) -> RentalState:
    """The state of a rental at a time."""
    return RentalState(row.state).at(now_s, row.until_s)


def breaks_of(row: RentalRow, now_s: float) -> tuple[str, ...]:
    """In what the release of a rental is beyond what was offered, as it is now."""
    limits, asked = limits_of(row.offer), row.release.syscalls or 0
    match state_of(row, now_s):
        case RentalState.ASKED:
            return list_breaks(limits, asked, _without_rights(row.release))
        case RentalState.GRANTED:
            release = look_at(row.release)
            overruns = list_overruns(release, row.until_s)
            return (*list_breaks(limits, asked, release), *overruns)
    return ()


def require_within(release: ReleaseRow, offer: OfferRow) -> None:
    """Refuse a release that asks for more than an offer allows, as far as it is there.

    Raises:
        PlatformRefused: it names all that is beyond.
    """
    breaks = list_breaks(limits_of(offer), release.syscalls or 0, _without_rights(release))
    if breaks:
        raise PlatformRefused(409, "beyond-the-offer", "; ".join(breaks))


def names_of(session: Session, rows: tuple[RentalRow, ...]) -> dict[int, str]:
    """The names of developers, owners and infrastructure of rentals, by their ids."""
    ids = {
        party_id(row.release, role)
        for row in rows
        for role in (Role.DEVELOPER, Role.OWNER, Role.INFRASTRUCTURE)
    }
    query = select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids))
    return {found.id: found.name for found in session.execute(query)}


def _is_seen(actor: Actor) -> ColumnElement[bool]:
    """Whether an organisation sees the rentals of a release, for a query."""
    own = actor.organisation_id
    return or_(
        ReleaseRow.developer_id == own,
        ReleaseRow.owner_id == own,
        ReleaseRow.infrastructure_id == own,
    )


def _find_as_owner(session: Session, actor: Actor, number: int) -> RentalRow:
    row = find_rental(session, actor, number, to_change=True)
    if row.release.owner_id != actor.organisation_id:
        raise forbidden("only the owner of the devices decides this")
    return row


def _move(actor: Actor, row: RentalRow, event: RentalEvent, now_s: float) -> None:
    try:
        row.state = state_of(row, now_s).after(event).value
    except IllegalRentalEvent as error:
        raise conflict(str(error)) from None
    row.decided_by, row.decided_s = actor.person, now_s


def _without_rights(release: ReleaseRow) -> Release:
    """A release without what its owner has allowed before: a grant takes the place of that."""
    return replace(look_at(release), mask=None)


def _next_sequence(session: Session, release: ReleaseRow) -> int | None:
    """The sequence of new rights: above all before them; None if the release's number is."""
    lock_sequences(session, release.application_id)
    highest = highest_sequence(session, release.application_id, release.owner_id)
    if release.number > highest:
        return None
    return next_sequence(highest)
