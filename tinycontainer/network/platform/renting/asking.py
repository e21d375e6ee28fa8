"""Asking for rentals: a developer wants to use the devices of an offer with a release."""

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tinycontainer_tokens import Profile

from ..actor import Actor
from ..audit import note
from ..catalogue.releases import find_release, name_of
from ..refusing import bad_request, conflict, forbidden
from ..tables.catalogue import ReleaseRow
from ..tables.renting import OfferRow, RentalRow
from .offers import find_offer, limits_of
from .rental import RentalState
from .rentals import require_within, state_of

MOST_ASKED: Final = 256
"""Rentals that an organisation asks for, and that nobody has decided on."""
_DAY_S: Final = 24 * 3600
_ONCE: Final = (RentalState.GRANTED.value, RentalState.WITHDRAWN.value)


def ask_rental(
    session: Session,
    actor: Actor,
    offer_number: int,
    uid: bytes,
    number: int,
    from_s: int,
    until_s: int,
    now_s: float,
) -> RentalRow:
    """Ask to use the devices of an offer with a release.

    Args:
        session: of a transaction that writes.
        actor: who asks.
        offer_number: of the offer.
        uid: of the container.
        number: of the release.
        from_s: Unix seconds from which on it wants to.
        until_s: Unix seconds from which on it does not any more.
        now_s: Unix time.

    Raises:
        PlatformRefused: it does not see offer and release or is not the developer, the offer is
            closed or of another owner, the time is not one of the offer, the release is under a
            rental or was once, or it is beyond the limits.
    """
    offer = find_offer(session, actor, offer_number)
    release = find_release(session, actor, uid, number, to_change=True)
    if release.developer_id != actor.organisation_id:
        raise forbidden(f"{actor.organisation} is not the developer of this release")
    if not offer.is_open:
        raise conflict("offer: is closed")
    _require_fitting(release, offer)
    _require_time(offer, from_s, until_s, now_s)
    _require_free(session, release, now_s)
    _require_few(session, actor, now_s)
    require_within(release, offer)
    row = RentalRow(
        offer=offer,
        release=release,
        from_s=from_s,
        until_s=until_s,
        state=RentalState.ASKED.value,
        asked_by=actor.person,
        asked_s=now_s,
    )
    session.add(row)
    session.flush()
    detail = {"offer": offer.id, "from_s": from_s, "until_s": until_s, "rental": row.id}
    note(session, actor, "rental-asked", name_of(release), detail, now_s)
    return row


def _require_fitting(release: ReleaseRow, offer: OfferRow) -> None:
    if release.owner_id != offer.owner_id:
        raise conflict("release: its owner is not the one of the offer")
    if release.profile == Profile.RIOT_2024.value:
        raise conflict("release: tokens of riot-2024 never expire; choose rfc9052")
    if not release.signs_endpoints:
        raise conflict("release: the owner has to sign its endpoints; set signs_endpoints")
    if release.bundle_sha256 is not None:
        raise conflict("release: was rolled out, and does not change; begin another one")


def _require_time(offer: OfferRow, from_s: int, until_s: int, now_s: float) -> None:
    if until_s <= max(from_s, now_s):
        raise bad_request("until_s: is not after from_s, or is over already")
    days = limits_of(offer).days
    if until_s - from_s > days * _DAY_S:
        raise conflict(f"until_s: the offer allows {days} days at the most")


def _require_free(session: Session, release: ReleaseRow, now_s: float) -> None:
    for row in session.scalars(select(RentalRow).where(RentalRow.release_id == release.id)):
        if row.state in _ONCE:
            # A device takes no second token of the same number.
            raise conflict("release: was granted before; begin another release")
        if state_of(row, now_s) is RentalState.ASKED:
            raise conflict(f"release: is asked for already, in rental {row.id}")


def _require_few(session: Session, actor: Actor, now_s: float) -> None:
    asked = session.scalar(
        select(func.count(RentalRow.id))
        .join(RentalRow.release)
        .where(
            ReleaseRow.developer_id == actor.organisation_id,
            RentalRow.state == RentalState.ASKED.value,
            RentalRow.until_s > now_s,
        )
    )
    if (asked or 0) >= MOST_ASKED:
        raise conflict(f"an organisation asks for at most {MOST_ASKED} rentals at a time")
