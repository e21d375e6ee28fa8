"""What waits for an organisation: parts of releases, rentals to decide, halted rollouts."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import RolloutState

from .actor import Actor
from .catalogue.releases import look_at, party_id
from .catalogue.visibility import is_party
from .releases.parts import ReleasePart
from .releases.release import PartState
from .renting.rental import RentalState
from .tables.catalogue import ReleaseRow
from .tables.renting import RentalRow
from .tables.rollouts import RolloutRow

MOST_LOOKED_AT: Final = 100
"""Releases that are not complete, the newest first."""
_OWN: Final = (PartState.MISSING, PartState.UNSIGNED)


@dataclass(frozen=True, slots=True)
class WaitingPart:
    """A part of a release that its party has to add or to sign.

    Attributes:
        release: of which.
        part: which one.
        state: MISSING to add it, UNSIGNED to sign it.
    """

    release: ReleaseRow
    part: ReleasePart
    state: PartState


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """What waits for an organisation, the newest first.

    Attributes:
        parts: to add or to sign.
        rentals: to grant or to refuse.
        rollouts: that have halted.
    """

    parts: tuple[WaitingPart, ...]
    rentals: tuple[RentalRow, ...]
    rollouts: tuple[RolloutRow, ...]


def find_waiting(session: Session, actor: Actor, now_s: float, most: int) -> WaitingWork:
    """Find what waits for the organisation.

    Args:
        session: of a transaction.
        actor: who asks.
        now_s: Unix time.
        most: how many of each sort.
    """
    asked = (
        select(RentalRow)
        .join(RentalRow.release)
        .where(
            ReleaseRow.owner_id == actor.organisation_id,
            RentalRow.state == RentalState.ASKED.value,
            RentalRow.until_s > now_s,
        )
        .order_by(RentalRow.id.desc())
        .limit(most)
    )
    halted = (
        select(RolloutRow)
        .where(
            RolloutRow.organisation_id == actor.organisation_id,
            RolloutRow.state == RolloutState.HALTED.value,
        )
        .order_by(RolloutRow.id.desc())
        .limit(most)
    )
    return WaitingWork(
        parts=_find_parts(session, actor)[:most],
        rentals=tuple(session.scalars(asked)),
        rollouts=tuple(session.scalars(halted)),
    )


def _find_parts(session: Session, actor: Actor) -> tuple[WaitingPart, ...]:
    query = (
        select(ReleaseRow)
        .where(is_party(actor), ReleaseRow.completed_s.is_(None))
        .order_by(ReleaseRow.id.desc())
        .limit(MOST_LOOKED_AT)
    )
    return tuple(
        WaitingPart(row, part, state)
        for row in session.scalars(query)
        for release in (look_at(row),)
        for part in release.parts
        for state in (release.state(part),)
        if state in _OWN and party_id(row, part.role) == actor.organisation_id
    )
