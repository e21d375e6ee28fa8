"""Whether a release may be brought to devices, by the rental that it is under."""

from typing import Final

from sqlalchemy import and_, not_, or_, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import Query
from tinycontainer_tokens import Kind, Profile

from ..catalogue.releases import look_at
from ..fleet.devices import read_query
from ..tables.catalogue import ReleaseRow
from ..tables.renting import RentalRow, WithdrawalRow
from .rental import RentalState
from .rentals import breaks_of, state_of
from .withdrawals import last_withdrawal

_NOT_WANTED: Final = (RentalState.REFUSED.value, RentalState.TAKEN_BACK.value)


def rental_problem(session: Session, release: ReleaseRow, now_s: float) -> str | None:
    """Why a release may not be rolled out, by what its owner has granted or withdrawn.

    Args:
        session: of a transaction.
        release: that is to be rolled out, under a rental or not.
        now_s: Unix time.

    Returns:
        One line of printable ASCII; None if nothing is in the way.
    """
    withdrawn = _withdrawal_problem(session, release)
    if withdrawn is not None:
        return withdrawn
    row = _find_rental(session, release, now_s)
    return None if row is None else _problem_of(row, now_s)


def rental_query(session: Session, release: ReleaseRow, now_s: float) -> Query | None:
    """Which devices of the owner a release may be for; None if it is under no rental."""
    row = _find_rental(session, release, now_s)
    return None if row is None else read_query(row.offer.query)


def withdrawal_of(session: Session, release: ReleaseRow) -> WithdrawalRow | None:
    """By what the owner has taken back the rights of a release; None if it has not.

    Args:
        session: of a transaction.
        release: with the rights that are signed, or would be signed now.
    """
    last = last_withdrawal(session, release.application_id, release.owner_id)
    if last is None:
        return None
    counted = _counted_by(release)
    return last if counted is None or counted <= last.sequence else None


def _counted_by(release: ReleaseRow) -> int | None:
    """The sequence of the mask of a release; None if its profile has none."""
    if release.profile == Profile.RIOT_2024.value:
        return None
    return look_at(release).terms_of(Kind.MASK).sequence


def _find_rental(session: Session, release: ReleaseRow, now_s: float) -> RentalRow | None:
    """The rental that a release is under, or was."""
    is_vain = or_(
        RentalRow.state.in_(_NOT_WANTED),
        and_(RentalRow.state == RentalState.ASKED.value, RentalRow.until_s <= now_s),
    )
    query = select(RentalRow).where(RentalRow.release_id == release.id, not_(is_vain))
    return session.scalar(query.order_by(RentalRow.id.desc()).limit(1))


def _withdrawal_problem(session: Session, release: ReleaseRow) -> str | None:
    last = withdrawal_of(session, release)
    if last is None:
        return None
    counted = _counted_by(release)
    shown = "counts no versions" if counted is None else f"counts {counted}"
    advice = "the owner can give new rights with a higher one"
    return f"the owner has withdrawn all up to {last.sequence}, and this mask {shown}; {advice}"


def _problem_of(row: RentalRow, now_s: float) -> str | None:
    """Why the release of a rental may not be rolled out."""
    state = state_of(row, now_s)
    if state is not RentalState.GRANTED:
        why = "not granted yet" if state is RentalState.ASKED else state.value
        return f"rental {row.id} of this release is {why}"
    if now_s < row.from_s:
        return f"rental {row.id} of this release begins at {row.from_s} (Unix seconds)"
    breaks = breaks_of(row, now_s)
    return f"rental {row.id} of this release is broken: {'; '.join(breaks)}" if breaks else None
