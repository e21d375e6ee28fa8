"""What waits for whom: parts of releases, rentals to decide, halted rollouts."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import RolloutState

from .actor import Actor
from .catalogue.releases import look_at, party_id
from .catalogue.visibility import is_party
from .releases.parts import ReleasePart
from .releases.release import PartState
from .renting.rental import RentalState
from .tables.catalogue import ReleaseRow
from .tables.people import Organisation
from .tables.renting import RentalRow
from .tables.rollouts import RolloutRow

MOST_LOOKED_AT: Final = 100
"""Releases that are not complete, the newest first."""
_TO_DO: Final = (PartState.MISSING, PartState.UNSIGNED)


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
        organisation: its name.
        parts: to add or to sign.
        rentals: to grant or to refuse.
        rollouts: that have halted.
    """

    organisation: str
    parts: tuple[WaitingPart, ...]
    rentals: tuple[RentalRow, ...]
    rollouts: tuple[RolloutRow, ...]

    @property
    def count(self) -> int:
        """How much it is."""
        return len(self.parts) + len(self.rentals) + len(self.rollouts)


def find_waiting(
    session: Session, actor: Actor, now_s: float, most: int
) -> tuple[WaitingWork, tuple[WaitingWork, ...]]:
    """Find what waits for the organisation, and what it waits for.

    Args:
        session: of a transaction.
        actor: who asks.
        now_s: Unix time.
        most: how many rentals and how many rollouts at the most.

    Returns:
        What waits for the organisation; and what waits for others and it sees, of each other
        organisation, the one with the most first.
    """
    own = actor.organisation_id
    parts: defaultdict[int, list[WaitingPart]] = defaultdict(list)
    for party, part in _find_parts(session, actor):
        parts[party].append(part)
    rentals: defaultdict[int, list[RentalRow]] = defaultdict(list)
    rollouts: defaultdict[int, list[RolloutRow]] = defaultdict(list)
    # What waits for this organisation is not crowded out by what it only sees.
    owner, developer = ReleaseRow.owner_id, ReleaseRow.developer_id
    for is_seen in (owner == own, and_(developer == own, owner != own)):
        for rental in _find_rentals(session, is_seen, now_s, most):
            rentals[rental.release.owner_id].append(rental)
    operator = RolloutRow.organisation_id
    for is_seen in (operator == own, and_(RolloutRow.owner_id == own, operator != own)):
        for rollout in _find_halted(session, is_seen, most):
            rollouts[rollout.organisation_id].append(rollout)
    numbers = {own, *parts, *rentals, *rollouts}
    names = select(Organisation.id, Organisation.name).where(Organisation.id.in_(numbers))
    found = {
        row.id: WaitingWork(
            row.name, tuple(parts[row.id]), tuple(rentals[row.id]), tuple(rollouts[row.id])
        )
        for row in session.execute(names)
    }
    others = (each for party, each in found.items() if party != own)
    return found[own], tuple(sorted(others, key=lambda each: (-each.count, each.organisation)))


def _find_rentals(
    session: Session, is_seen: ColumnElement[bool], now_s: float, most: int
) -> Iterator[RentalRow]:
    query = (
        select(RentalRow)
        .join(RentalRow.release)
        .where(is_seen, RentalRow.state == RentalState.ASKED.value, RentalRow.until_s > now_s)
        .order_by(RentalRow.id.desc())
        .limit(most)
    )
    yield from session.scalars(query)


def _find_halted(session: Session, is_seen: ColumnElement[bool], most: int) -> Iterator[RolloutRow]:
    query = (
        select(RolloutRow)
        .where(is_seen, RolloutRow.state == RolloutState.HALTED.value)
        .order_by(RolloutRow.id.desc())
        .limit(most)
    )
    yield from session.scalars(query)


def _find_parts(session: Session, actor: Actor) -> Iterator[tuple[int, WaitingPart]]:
    query = (
        select(ReleaseRow)
        .where(is_party(actor), ReleaseRow.completed_s.is_(None))
        .order_by(ReleaseRow.id.desc())
        .limit(MOST_LOOKED_AT)
    )
    for row in session.scalars(query):
        release = look_at(row)
        for part in release.parts:
            state = release.state(part)
            if state in _TO_DO:
                yield party_id(row, part.role), WaitingPart(row, part, state)
