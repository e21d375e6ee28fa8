"""Rollouts as people look at them: what has failed and why, what has changed, and how fast."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import DeviceProgress, RolloutState

from ..actor import Actor
from ..tables.fleet import DeviceRow
from ..tables.people import AuditEntry
from ..tables.rollouts import RolloutDeviceRow, RolloutRow

MOST_REASONS: Final = 32
MOST_EXAMPLES: Final = 5
MOST_CHANGES: Final = 10
PACE_S: Final = 600.0
"""How far back devices count for the pace of a rollout."""
_LEAST_DONE: Final = 5
_LEAST_S: Final = 30.0
_DEEDS: Final = (
    *(f"rollout-{state}" for state in RolloutState),
    "rollout-drafted",
    "rollout-retried",
    "device-skipped",
)
"""What the audit has of a rollout."""


@dataclass(frozen=True, slots=True)
class CountedFailure:
    """Devices that have failed for the same reason.

    Attributes:
        reason: why.
        devices: how many.
        examples: some of them: name, and what was said beside the reason.
    """

    reason: str
    devices: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a rollout goes on.

    Attributes:
        devices: that were done lately.
        within_s: in so many seconds, up to now.
    """

    devices: int
    within_s: float

    def remaining_s(self, devices: int) -> float | None:
        """In how many seconds further devices are done if it goes on so.

        Args:
            devices: how many are left.

        Returns:
            None if too few were done lately to say it.
        """
        if self.devices < _LEAST_DONE or self.within_s < _LEAST_S:
            return None
        return devices * self.within_s / self.devices


def count_failures(session: Session, rollout: RolloutRow) -> tuple[CountedFailure, ...]:
    """Why devices have failed in a rollout, the most frequent reasons first."""
    reason, device_id = RolloutDeviceRow.reason, RolloutDeviceRow.device_id
    failed = (
        select(
            device_id,
            reason,
            RolloutDeviceRow.detail,
            func.count().over(partition_by=reason).label("devices"),
            func.row_number().over(partition_by=reason, order_by=device_id).label("place"),
        )
        .where(
            RolloutDeviceRow.rollout_id == rollout.id,
            RolloutDeviceRow.progress == DeviceProgress.FAILED.value,
        )
        .subquery()
    )
    columns = failed.columns
    query = (
        select(columns.reason, columns.devices, DeviceRow.name, columns.detail)
        .join(DeviceRow, DeviceRow.id == columns.device_id)
        .where(columns.place <= MOST_EXAMPLES)
        .order_by(columns.devices.desc(), columns.reason, DeviceRow.name)
        .limit(MOST_REASONS * MOST_EXAMPLES)
    )
    counts: dict[str, int] = {}
    examples: dict[str, list[tuple[str, str]]] = {}
    for said, devices, name, detail in session.execute(query):
        counts[said] = devices
        examples.setdefault(said, []).append((name, detail))
    return tuple(
        CountedFailure(said, counts[said], tuple(those)) for said, those in examples.items()
    )[:MOST_REASONS]


def list_changes(session: Session, rollout: RolloutRow) -> tuple[tuple[str, RolloutDeviceRow], ...]:
    """The last devices that a rollout has moved, with their names, the newest change first."""
    query = (
        select(DeviceRow.name, RolloutDeviceRow)
        .join(DeviceRow, DeviceRow.id == RolloutDeviceRow.device_id)
        .where(
            RolloutDeviceRow.rollout_id == rollout.id,
            RolloutDeviceRow.progress != DeviceProgress.WAITING.value,
        )
        .order_by(RolloutDeviceRow.changed_s.desc(), RolloutDeviceRow.device_id.desc())
        .limit(MOST_CHANGES)
    )
    return tuple((name, row) for name, row in session.execute(query))


def measure_pace(session: Session, rollout: RolloutRow, now_s: float) -> Pace:
    """How fast a rollout goes on.

    Args:
        session: of a transaction.
        rollout: that was started.
        now_s: Unix time.
    """
    since_s = max(now_s - PACE_S, rollout.started_s or now_s)
    query = select(func.count()).where(
        RolloutDeviceRow.rollout_id == rollout.id,
        RolloutDeviceRow.changed_s >= since_s,
        RolloutDeviceRow.progress == DeviceProgress.DONE.value,
    )
    return Pace(session.scalar(query) or 0, max(0.0, now_s - since_s))


def list_deeds(
    session: Session, actor: Actor, rollout: RolloutRow, most: int
) -> tuple[AuditEntry, ...]:
    """What the audit of the organisation says of a rollout, the newest first.

    Args:
        session: of a transaction.
        actor: who asks; the deeds of others are not for this one.
        rollout: that the organisation sees.
        most: how many.
    """
    query = select(AuditEntry).where(
        AuditEntry.organisation_id == actor.organisation_id,
        AuditEntry.subject == str(rollout.id),
        AuditEntry.deed.in_(_DEEDS),
    )
    return tuple(session.scalars(query.order_by(AuditEntry.number.desc()).limit(most)))


def list_rollouts_of(
    session: Session, actor: Actor, device: DeviceRow, most: int
) -> tuple[tuple[RolloutRow, RolloutDeviceRow], ...]:
    """The rollouts that a device is in and the organisation sees, the newest first.

    Args:
        session: of a transaction.
        actor: who asks.
        device: that the organisation sees.
        most: how many.
    """
    own = actor.organisation_id
    query = (
        select(RolloutRow, RolloutDeviceRow)
        .join(RolloutDeviceRow, RolloutDeviceRow.rollout_id == RolloutRow.id)
        .where(
            RolloutDeviceRow.device_id == device.id,
            or_(RolloutRow.organisation_id == own, RolloutRow.owner_id == own),
        )
        .order_by(RolloutRow.id.desc())
        .limit(most)
    )
    return tuple((rollout, row) for rollout, row in session.execute(query))
