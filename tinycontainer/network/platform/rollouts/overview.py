"""Rollouts as people look at them: those of a device, and what has failed and why."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import DeviceProgress

from ..actor import Actor
from ..tables.fleet import DeviceRow
from ..tables.rollouts import RolloutDeviceRow, RolloutRow

MOST_REASONS: Final = 32
MOST_EXAMPLES: Final = 5


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


def count_failures(session: Session, rollout: RolloutRow) -> tuple[CountedFailure, ...]:
    """Why devices have failed in a rollout, the most frequent reasons first."""
    failed = (
        RolloutDeviceRow.rollout_id == rollout.id,
        RolloutDeviceRow.progress == DeviceProgress.FAILED.value,
    )
    query = (
        select(RolloutDeviceRow.reason, func.count())
        .where(*failed)
        .group_by(RolloutDeviceRow.reason)
        .order_by(func.count().desc(), RolloutDeviceRow.reason)
        .limit(MOST_REASONS)
    )
    found = []
    for reason, devices in session.execute(query).all():
        examples = (
            select(DeviceRow.name, RolloutDeviceRow.detail)
            .join(DeviceRow, DeviceRow.id == RolloutDeviceRow.device_id)
            .where(*failed, RolloutDeviceRow.reason == reason)
            .order_by(DeviceRow.name)
            .limit(MOST_EXAMPLES)
        )
        shown = tuple((name, detail) for name, detail in session.execute(examples))
        found.append(CountedFailure(reason, devices, shown))
    return tuple(found)


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
