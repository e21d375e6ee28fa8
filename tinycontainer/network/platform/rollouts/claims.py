"""Which of several rollouts counts for a device: of one application, only one does at a time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import (
    DeviceProgress,
    ProgressEvent,
    RolloutOfDevice,
    RolloutState,
    choose,
)

from ..fleet.devices import lock_fleet
from ..tables.catalogue import ReleaseRow
from ..tables.rollouts import JobRow, RolloutDeviceRow, RolloutRow
from .progress import move_device

_OPEN: Final = tuple(each.value for each in RolloutState if each.is_open)
_CLAIMED: Final = frozenset({DeviceProgress.WAITING, DeviceProgress.TOLD})
_AT_ONCE: Final = 500


def lock_overlapping(session: Session, rollout: RolloutRow) -> tuple[RolloutRow, ...]:
    """The open rollouts of the same application to devices of the same owner, locked, and itself.

    Args:
        session: of a transaction that writes.
        rollout: one of them, not locked yet.
    """
    # Nobody starts another one meanwhile, or takes a device away.
    lock_fleet(session, rollout.owner_id)
    query = (
        select(RolloutRow)
        .join(RolloutRow.release)
        .where(
            ReleaseRow.application_id == rollout.release.application_id,
            RolloutRow.owner_id == rollout.owner_id,
            or_(RolloutRow.state.in_(_OPEN), RolloutRow.id == rollout.id),
        )
        .order_by(RolloutRow.id)
        .with_for_update(of=RolloutRow)
    )
    return tuple(session.scalars(query.execution_options(populate_existing=True)))


def settle_claims(
    session: Session, rollouts: Sequence[RolloutRow], device_ids: Iterable[int], now_s: float
) -> None:
    """Let for each device the rollout count that has to, and supersede it in the others.

    Args:
        session: of a transaction that writes.
        rollouts: all that overlap, locked; also one that has just ended.
        device_ids: of the devices whose rollouts have changed.
        now_s: Unix time.
    """
    by_number = {each.id: each for each in rollouts}
    wanted = sorted(set(device_ids))
    for start in range(0, len(wanted), _AT_ONCE):
        rows: dict[int, list[RolloutDeviceRow]] = defaultdict(list)
        query = select(RolloutDeviceRow).where(
            RolloutDeviceRow.rollout_id.in_(by_number),
            RolloutDeviceRow.device_id.in_(wanted[start : start + _AT_ONCE]),
        )
        for row in session.scalars(query):
            rows[row.device_id].append(row)
        restored = defaultdict(list)
        for each in rows.values():
            for row in _settle_device(session, by_number, each, now_s):
                restored[row.rollout_id].append(row)
        for number, those in restored.items():
            _restore(session, by_number[number], those, now_s)


def find_overtaken(
    session: Session, rollout: RolloutRow, device_ids: Collection[int]
) -> frozenset[int]:
    """Those of some devices that have a newer version, by a rollout that overrules this one.

    They are not brought back to the older version. Whoever wants that starts a newer rollout of it.

    Args:
        session: of a transaction.
        rollout: which would bring them its version.
        device_ids: of the devices; at most a few hundred.
    """
    if not device_ids:
        return frozenset()
    overrules = or_(
        RolloutRow.priority > rollout.priority,
        and_(RolloutRow.priority == rollout.priority, RolloutRow.id > rollout.id),
    )
    query = (
        select(RolloutDeviceRow.device_id)
        .join(RolloutRow, RolloutRow.id == RolloutDeviceRow.rollout_id)
        .join(ReleaseRow, ReleaseRow.id == RolloutRow.release_id)
        .where(
            RolloutDeviceRow.device_id.in_(device_ids),
            RolloutDeviceRow.progress == DeviceProgress.DONE.value,
            ReleaseRow.application_id == rollout.release.application_id,
            ReleaseRow.number > rollout.release.number,
            overrules,
        )
    )
    return frozenset(session.scalars(query))


def _restore(
    session: Session, rollout: RolloutRow, rows: Sequence[RolloutDeviceRow], now_s: float
) -> None:
    """Let superseded devices wait again for a rollout that counts for them now."""
    overtaken = find_overtaken(session, rollout, [row.device_id for row in rows])
    for row in rows:
        if row.device_id not in overtaken:
            move_device(rollout, row, ProgressEvent.RESTORE, now_s)
            rollout.due_s = now_s


def _settle_device(
    session: Session, rollouts: dict[int, RolloutRow], rows: list[RolloutDeviceRow], now_s: float
) -> Iterable[RolloutDeviceRow]:
    """Settle the rows of one device, but for those that are to be restored: these."""
    skipped = DeviceProgress.SKIPPED.value
    claims = (rollouts[row.rollout_id] for row in rows if row.progress != skipped)
    chosen = choose(
        RolloutOfDevice(each.id, each.priority, RolloutState(each.state)) for each in claims
    )
    for row in rows:
        rollout = rollouts[row.rollout_id]
        progress = DeviceProgress(row.progress)
        counts = chosen is not None and row.rollout_id == chosen.number
        if not counts and progress in _CLAIMED and RolloutState(rollout.state).is_open:
            if progress is DeviceProgress.TOLD:
                cancel_jobs(session, row)
            move_device(rollout, row, ProgressEvent.SUPERSEDE, now_s)
            rollout.due_s = now_s
        if counts and progress is DeviceProgress.SUPERSEDED:
            yield row


def call_off(session: Session, rollout: RolloutRow) -> None:
    """Ask for the end of all that a rollout has told devices, as far as they have not answered."""
    _cancel(session, JobRow.rollout_id == rollout.id)


def cancel_jobs(session: Session, row: RolloutDeviceRow) -> None:
    """Ask for the end of what a rollout has told a device; whoever works on it will see it."""
    _cancel(session, JobRow.rollout_id == row.rollout_id, JobRow.device_id == row.device_id)


def _cancel(session: Session, *which: ColumnElement[bool]) -> None:
    called_off = update(JobRow).where(*which, JobRow.ended_s.is_(None))
    session.execute(called_off.values(is_cancelled=True, due_s=0.0))
