"""Offers in the database: an owner makes them, and those see them whom it has chosen."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from ..actor import Actor
from ..audit import note
from ..fleet.devices import read_query
from ..fleet.finding import count_owned
from ..fleet.profiles import require_owner
from ..refusing import bad_request, conflict, forbidden, not_found
from ..tables.people import Organisation
from ..tables.renting import OfferAudience, OfferRow
from .forms import OfferLimits

MOST_OFFERS: Final = 256
"""Of one organisation, the closed ones among them."""


@dataclass(frozen=True, slots=True)
class NewOffer:
    """An offer that is to be made.

    Attributes:
        name: in words.
        description: more about it.
        query: which devices of the owner.
        limits: the most that a release may ask for on them.
        audience: names of the organisations that see it; all do if there are none.
    """

    name: str
    description: str
    query: str
    limits: OfferLimits
    audience: tuple[str, ...]


def add_offer(session: Session, actor: Actor, new: NewOffer, now_s: float) -> OfferRow:
    """Offer devices of the organisation.

    Raises:
        PlatformRefused: the organisation is no owner, or has too many offers, the query is none,
            or one of the audience is not there.
    """
    require_owner(actor)
    own = OfferRow.owner_id == actor.organisation_id
    if (session.scalar(select(func.count()).where(own)) or 0) >= MOST_OFFERS:
        raise conflict(f"an organisation makes at most {MOST_OFFERS} offers")
    row = OfferRow(
        owner_id=actor.organisation_id,
        name=new.name,
        description=new.description,
        query=str(read_query(new.query)),
        limits=new.limits.stored(),
        is_open=True,
        created_s=now_s,
        audience=[OfferAudience(organisation_id=each) for each in _ids_of(session, new.audience)],
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    note(session, actor, "offer-made", str(row.id), {"name": new.name}, now_s)
    return row


def open_offer(
    session: Session, actor: Actor, number: int, *, is_open: bool, now_s: float
) -> OfferRow:
    """Close an offer, so that nobody asks for it any more, or open it again.

    What was asked or granted before stays.

    Raises:
        PlatformRefused: there is none that it may see, or change.
    """
    row = find_offer(session, actor, number, to_change=True)
    if row.owner_id != actor.organisation_id:
        raise forbidden("only its owner changes an offer")
    if row.is_open != is_open:
        row.is_open = is_open
        note(session, actor, "offer-opened" if is_open else "offer-closed", str(number), {}, now_s)
    return row


def find_offer(session: Session, actor: Actor, number: int, *, to_change: bool = False) -> OfferRow:
    """An offer that the organisation sees.

    Args:
        session: of a transaction.
        actor: who asks.
        number: of the offer.
        to_change: nobody else changes it until the transaction ends.

    Raises:
        PlatformRefused: there is none that it may see.
    """
    query = select(OfferRow).where(OfferRow.id == number, _is_seen(actor))
    row = session.scalar(query.with_for_update(of=OfferRow) if to_change else query)
    if row is None:
        raise not_found("offer")
    return row


def list_offers(session: Session, actor: Actor, before: int, most: int) -> tuple[OfferRow, ...]:
    """The offers that the organisation sees, the newest first.

    Args:
        session: of a transaction.
        actor: who asks.
        before: id of the row before which they begin.
        most: how many.
    """
    query = select(OfferRow).where(_is_seen(actor), OfferRow.id < before)
    return tuple(session.scalars(query.order_by(OfferRow.id.desc()).limit(most)))


def count_offered(session: Session, row: OfferRow) -> int:
    """How many devices an offer is for, now."""
    return count_owned(session, row.owner_id, read_query(row.query))


def limits_of(row: OfferRow) -> OfferLimits:
    """The limits of an offer, which never change."""
    return OfferLimits.model_validate(row.limits)


def _is_seen(actor: Actor) -> ColumnElement[bool]:
    """Whether the organisation makes an offer or is of its audience, for a query."""
    own = actor.organisation_id
    chosen = select(OfferAudience.offer_id)
    return or_(
        OfferRow.owner_id == own,
        OfferRow.id.in_(chosen.where(OfferAudience.organisation_id == own)),
        OfferRow.id.not_in(chosen),
    )


def _ids_of(session: Session, names: tuple[str, ...]) -> list[int]:
    wanted = {*names}
    query = select(Organisation.id).where(Organisation.name.in_(wanted))
    found = sorted(session.scalars(query))
    if len(found) != len(wanted):
        raise bad_request("audience: one of them is no organisation of this platform")
    return found
