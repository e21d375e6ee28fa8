"""Asks devices from time to time what they run, and takes it down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import DeviceProgress, ProgressEvent, RolloutState

from ..delivery.progress import ContainerState, ReportedContainer
from ..fleet.devices import lock_device, lock_fleet
from ..tables.catalogue import ApplicationRow
from ..tables.fleet import DeviceRow
from ..tables.rollouts import DeviceContainerRow, RolloutDeviceRow, RolloutRow
from .jobs import NO_ANSWER
from .progress import lock_rollout, move_device
from .reported import keep_reported
from .terms import RolloutTerms


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A device that is to be asked what it runs.

    Attributes:
        device_id: of its row.
        gateway: through which it is reached.
        endpoint: its name there.
    """

    device_id: int
    gateway: str
    endpoint: str


def take_look(
    session: Session, gateways: frozenset[str], now_s: float, again_s: float
) -> LookedAt | None:
    """The device that has waited longest to be asked what it runs; None if none is due.

    Args:
        session: of a transaction that writes.
        gateways: only devices behind these.
        now_s: Unix time.
        again_s: after how many seconds it is asked again.
    """
    query = (
        select(DeviceRow)
        .where(DeviceRow.look_due_s <= now_s, DeviceRow.gateway.in_(gateways))
        .order_by(DeviceRow.look_due_s, DeviceRow.id)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
    )
    row = session.scalar(query)
    if row is None or row.gateway is None or row.endpoint is None:
        return None
    row.look_due_s = now_s + again_s
    return LookedAt(row.id, row.gateway, row.endpoint)


def keep_all_reported(
    session: Session,
    device_id: int,
    reported: Mapping[bytes, ReportedContainer],
    now_s: float,
) -> None:
    """Write all that a device has said that it runs, as far as the platform knows the uids.

    Where it was taken for failed because it had not answered, and has the version, it is done.

    Args:
        session: of a transaction that writes.
        device_id: of its row; nothing is written if that has gone.
        reported: what it has said, by uid.
        now_s: Unix time.
    """
    late = _find_late(session, device_id)
    if late:
        lock_fleet(session, late[0].owner_id)
    device = lock_device(session, device_id)
    if device is None:
        return
    device.contact_s = now_s
    known = select(DeviceContainerRow.application_id).where(
        DeviceContainerRow.device_id == device_id
    )
    query = select(ApplicationRow.id, ApplicationRow.uid).where(
        or_(ApplicationRow.uid.in_(reported), ApplicationRow.id.in_(known))
    )
    for application_id, uid in session.execute(query).all():
        keep_reported(session, device, application_id, reported.get(uid), now_s)
        for rollout in late:
            if rollout.release.application_id == application_id and uid in reported:
                _take_late_answer(session, rollout, device_id, reported[uid], now_s)


def _find_late(session: Session, device_id: int) -> Sequence[RolloutRow]:
    """The rollouts in which a device counts as failed because it has not answered in time."""
    query = (
        select(RolloutRow)
        .join(RolloutDeviceRow, RolloutDeviceRow.rollout_id == RolloutRow.id)
        .where(
            RolloutDeviceRow.device_id == device_id,
            RolloutDeviceRow.progress == DeviceProgress.FAILED.value,
            RolloutDeviceRow.reason == NO_ANSWER,
        )
        .order_by(RolloutRow.id)
    )
    return session.scalars(query).all()


def _take_late_answer(
    session: Session,
    rollout: RolloutRow,
    device_id: int,
    reported: ReportedContainer,
    now_s: float,
) -> None:
    """Let a device be done if it has what it was to have."""
    terms = RolloutTerms.of(rollout)
    runs = reported.state is ContainerState.RUNNING and (reported.loops or not terms.confirm_ms)
    if reported.sha256 != rollout.release.bundle_sha256 or not (runs or not terms.starts):
        return
    lock_rollout(session, rollout.id)
    row = session.get(RolloutDeviceRow, (rollout.id, device_id), populate_existing=True)
    if row is None or row.progress != DeviceProgress.FAILED.value or row.reason != NO_ANSWER:
        return
    move_device(rollout, row, ProgressEvent.SUCCEED, now_s)
    if RolloutState(rollout.state).is_open:
        rollout.due_s = now_s
