"""What has just gone wrong on devices: the failures of the newest rollouts, by their reasons."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import DeviceProgress

from ..actor import Actor
from ..tables.catalogue import ApplicationRow, ReleaseRow
from ..tables.rollouts import RolloutDeviceRow, RolloutRow, RolloutWaveRow

MOST_ROLLOUTS: Final = 5
"""In which something has failed, the newest ones."""


@dataclass(frozen=True, slots=True)
class RecentFailure:
    """Devices on which a rollout has failed for the same reason.

    Attributes:
        rollout_id, rollout: its number and its name.
        uid, number: of the release.
        reason: why.
        devices: how many.
        last_s: when it failed on the last one, Unix time.
    """

    rollout_id: int
    rollout: str
    uid: bytes
    number: int
    reason: str
    devices: int
    last_s: float


def list_failures(session: Session, actor: Actor, most: int) -> tuple[RecentFailure, ...]:
    """Why the newest rollouts that the organisation sees have failed, the newest failures first.

    Args:
        session: of a transaction.
        actor: who asks.
        most: how many reasons.
    """
    own = actor.organisation_id
    has_failed = (
        select(RolloutWaveRow.rollout_id)
        .where(RolloutWaveRow.rollout_id == RolloutRow.id, RolloutWaveRow.failed > 0)
        .exists()
    )
    newest = (
        select(RolloutRow.id)
        .where(or_(RolloutRow.organisation_id == own, RolloutRow.owner_id == own), has_failed)
        .order_by(RolloutRow.id.desc())
        .limit(MOST_ROLLOUTS)
    )
    last_s = func.max(RolloutDeviceRow.changed_s)
    counted = (
        select(
            RolloutDeviceRow.rollout_id,
            RolloutDeviceRow.reason,
            func.count().label("devices"),
            last_s.label("last_s"),
        )
        .where(
            RolloutDeviceRow.rollout_id.in_(newest),
            RolloutDeviceRow.progress == DeviceProgress.FAILED.value,
        )
        .group_by(RolloutDeviceRow.rollout_id, RolloutDeviceRow.reason)
        .order_by(last_s.desc(), func.count().desc(), RolloutDeviceRow.reason)
        .limit(most)
        .subquery()
    )
    query = (
        select(
            counted.c.rollout_id,
            RolloutRow.name,
            ApplicationRow.uid,
            ReleaseRow.number,
            counted.c.reason,
            counted.c.devices,
            counted.c.last_s,
        )
        .join(RolloutRow, RolloutRow.id == counted.c.rollout_id)
        .join(ReleaseRow, ReleaseRow.id == RolloutRow.release_id)
        .join(ApplicationRow, ApplicationRow.id == ReleaseRow.application_id)
        .order_by(counted.c.last_s.desc(), counted.c.devices.desc(), counted.c.reason)
    )
    return tuple(RecentFailure(*each) for each in session.execute(query))
