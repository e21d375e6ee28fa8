"""What follows from a withdrawal: rollouts of the container end, and all devices are told."""

from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import RolloutEvent, RolloutState

from ..delivery.task import DeliveryKind
from ..tables.catalogue import ReleaseRow
from ..tables.fleet import DeviceRow
from ..tables.renting import WithdrawalRow
from ..tables.rollouts import JobRow, RolloutRow
from .claims import call_off
from .jobs import add_jobs, replace_token
from .progress import lock_rollout, move_rollout
from .reported import keep_desired


def order_withdrawal(
    session: Session,
    withdrawal: WithdrawalRow,
    now_s: float,
    random_bytes: Callable[[int], bytes],
) -> None:
    """End what brings a container to an owner's devices, and tell each of these, when it is heard.

    Devices that never had the container are told too: whoever has an old version could load it
    there otherwise, as long as its tokens are good.

    Args:
        session: of the transaction that takes the withdrawal; it has the lock of the fleet.
        withdrawal: that was taken.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
    """
    owner_id, application_id = withdrawal.organisation_id, withdrawal.application_id
    is_own = DeviceRow.organisation_id == owner_id
    of_it = (
        select(RolloutRow.id)
        .join(RolloutRow.release)
        .where(
            ReleaseRow.application_id == application_id,
            RolloutRow.owner_id == owner_id,
            RolloutRow.ended_s.is_(None),
        )
    )
    for number in sorted(session.scalars(of_it)):
        rollout = lock_rollout(session, number)
        if not RolloutState(rollout.state).has_ended:
            move_rollout(session, rollout, RolloutEvent.CANCEL, now_s)
            call_off(session, rollout)
    under_way = {
        job.device_id: job
        for job in session.scalars(
            select(JobRow)
            .where(
                JobRow.application_id == application_id,
                JobRow.kind == DeliveryKind.WITHDRAW.value,
                JobRow.ended_s.is_(None),
                JobRow.device_id.in_(select(DeviceRow.id).where(is_own)),
            )
            .order_by(JobRow.id)
            .with_for_update(of=JobRow)
            .execution_options(populate_existing=True)
        )
    }
    devices = session.scalars(select(DeviceRow.id).where(is_own).order_by(DeviceRow.id)).all()
    keep_desired(session, devices, application_id, None, now_s)
    for job in under_way.values():
        replace_token(job, withdrawal.token, now_s, random_bytes)
    add_jobs(
        session,
        DeliveryKind.WITHDRAW,
        [each for each in devices if each not in under_way],
        application_id,
        now_s,
        random_bytes,
        token=withdrawal.token,
    )
    session.flush()


def tell_of_withdrawals(
    session: Session, device: DeviceRow, now_s: float, random_bytes: Callable[[int], bytes]
) -> None:
    """Give a device that has just been listed the last withdrawal of each container of its owner.

    Args:
        session: of the transaction that lists it.
        device: whose row is there.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
    """
    last = (
        select(func.max(WithdrawalRow.id))
        .where(WithdrawalRow.organisation_id == device.organisation_id)
        .group_by(WithdrawalRow.application_id)
    )
    query = select(WithdrawalRow).where(WithdrawalRow.id.in_(last)).order_by(WithdrawalRow.id)
    for withdrawal in session.scalars(query).all():
        add_jobs(
            session,
            DeliveryKind.WITHDRAW,
            [device.id],
            withdrawal.application_id,
            now_s,
            random_bytes,
            token=withdrawal.token,
        )
