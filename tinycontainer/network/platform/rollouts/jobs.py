"""Jobs: what is to be reached on a device, as rows that one worker at a time has a lease of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import DeviceProgress, ProgressEvent, RolloutState

from ..delivery.progress import ReportedContainer
from ..delivery.task import DeliveryKind
from ..fleet.devices import lock_device
from ..tables.fleet import DeviceRow
from ..tables.rollouts import (
    DETAIL_CHARACTERS,
    REASON_CHARACTERS,
    JobRow,
    RolloutDeviceRow,
)
from .progress import lock_rollout, move_device
from .reported import keep_reported
from .terms import RolloutTerms

NONCE_BYTES: Final = 8
LEASE_BYTES: Final = 16
NO_ANSWER: Final = "no-answer"
"""Reason of what was late."""
CALLING_OFF_S: Final = 1.0
"""After which it is looked again at a job that was called off."""
LEASE_S: Final = 180.0
"""Longer than a worker works on a job at once; after it, another one takes the job over."""


class JobOutcome(StrEnum):
    """What has become of a job."""

    REACHED = "reached"
    REFUSED = "refused"
    LATE = "late"
    """The device has not answered in time; nobody knows what it has done."""
    CANCELLED = "cancelled"
    """It was called off before the device was asked, or while that could still be undone."""


_EVENTS: Final = {
    JobOutcome.REACHED: ProgressEvent.SUCCEED,
    JobOutcome.REFUSED: ProgressEvent.FAIL,
    JobOutcome.LATE: ProgressEvent.FAIL,
    JobOutcome.CANCELLED: ProgressEvent.NOT_TOLD,
}


@dataclass(frozen=True, slots=True)
class EndedJob:
    """How a job has ended.

    Attributes:
        outcome: what has become of it.
        reason: the kind of refusal; empty if there is none.
        detail: more about it, fit to be shown.
        has_looked: whether the device has said what it runs.
        reported: what it has said; None if it runs nothing of the uid.
    """

    outcome: JobOutcome
    reason: str = ""
    detail: str = ""
    has_looked: bool = False
    reported: ReportedContainer | None = None


def add_jobs(
    session: Session,
    kind: DeliveryKind,
    device_ids: Sequence[int],
    application_id: int,
    now_s: float,
    random_bytes: Callable[[int], bytes],
    **more: Any,
) -> None:
    """Begin a job for each of some devices.

    Args:
        session: of a transaction that writes.
        kind: what is to be reached.
        device_ids: of the rows of the devices.
        application_id: of the row of the application.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
        more: release_id, rollout_id, token and deadline_s, as the rows have them.
    """
    rows = [
        {
            "kind": kind.value,
            "device_id": device_id,
            "application_id": application_id,
            "nonce": random_bytes(NONCE_BYTES),
            "progress": "",
            "is_cancelled": False,
            "due_s": now_s,
            "outcome": "",
            "reason": "",
            "detail": "",
            "created_s": now_s,
            **more,
        }
        for device_id in device_ids
    ]
    if rows:
        session.execute(insert(JobRow), rows)


def replace_token(
    job: JobRow, token: bytes, now_s: float, random_bytes: Callable[[int], bytes]
) -> None:
    """Begin a withdrawal anew with a later token; who works on the earlier one is not heard.

    Args:
        job: that goes on.
        token: of the later withdrawal.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
    """
    job.token, job.nonce = token, random_bytes(NONCE_BYTES)
    job.progress, job.due_s = "", now_s
    job.lease = job.lease_until_s = None


def begin_jobs_anew(session: Session, device_id: int, now_s: float) -> None:
    """Let the jobs of a device begin by looking at it, because it is another one that is reached.

    Who works on them is not heard any more.

    Args:
        session: of a transaction that writes.
        device_id: of the row of the device.
        now_s: Unix time.
    """
    goes_on = JobRow.ended_s.is_(None), JobRow.is_cancelled.is_(False)
    of_it = update(JobRow).where(JobRow.device_id == device_id, *goes_on)
    session.execute(of_it.values(progress="", due_s=now_s, lease=None, lease_until_s=None))


def take_job(
    session: Session,
    gateways: frozenset[str],
    now_s: float,
    random_bytes: Callable[[int], bytes],
    lease_s: float = LEASE_S,
) -> JobRow | None:
    """Take the lease of the job that is due first; None if none is due.

    Args:
        session: of a transaction that writes.
        gateways: only jobs for devices behind these.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
        lease_s: after how many seconds another one may take it over.
    """
    query = (
        select(JobRow)
        .join(JobRow.device)
        .where(
            JobRow.ended_s.is_(None),
            JobRow.due_s <= now_s,
            or_(JobRow.lease_until_s.is_(None), JobRow.lease_until_s < now_s),
            or_(DeviceRow.gateway.in_(gateways), JobRow.is_cancelled, JobRow.deadline_s <= now_s),
        )
        .order_by(JobRow.due_s, JobRow.id)
        .limit(1)
        .with_for_update(of=JobRow, skip_locked=True)
    )
    job = session.scalar(query)
    if job is not None:
        job.lease = random_bytes(LEASE_BYTES).hex()
        job.lease_until_s = now_s + lease_s
    return job


def keep_progress(
    session: Session,
    number: int,
    lease: str,
    progress: str,
    now_s: float,
    after_s: float,
    lease_s: float = LEASE_S,
) -> bool:
    """Write how far a job is, and give its lease back unless it goes on at once.

    Args:
        session: of a transaction that writes.
        number: of the job.
        lease: under which it was worked on.
        progress: how far it is.
        now_s: Unix time.
        after_s: after how many seconds it goes on.
        lease_s: after how many seconds another one may take it over, if it goes on at once.

    Returns:
        Whether it goes on at once; it does not if it was called off meanwhile, or has ended, or
        somebody else has taken it over.
    """
    job = _lock_job(session, number, lease)
    if job is None:
        return False
    if job.is_cancelled:
        after_s = CALLING_OFF_S
    job.progress, job.due_s = progress, now_s + after_s
    if after_s > 0:
        job.lease = job.lease_until_s = None
        return False
    job.lease_until_s = now_s + lease_s
    return True


def end_job(session: Session, number: int, lease: str, ended: EndedJob, now_s: float) -> None:
    """End a job, with all that follows; nothing if somebody else has taken it over.

    Args:
        session: of a transaction that writes.
        number: of the job.
        lease: under which it was worked on.
        ended: how.
        now_s: Unix time.
    """
    about = session.execute(
        select(JobRow.device_id, JobRow.rollout_id).where(JobRow.id == number)
    ).one_or_none()
    if about is None:  # its device has left
        return
    device = lock_device(session, about.device_id)
    rollout = None if about.rollout_id is None else lock_rollout(session, about.rollout_id)
    job = _lock_job(session, number, lease)
    if job is None or device is None:
        return
    job.ended_s, job.outcome = now_s, ended.outcome.value
    job.reason = ended.reason[:REASON_CHARACTERS]
    job.detail = ended.detail[:DETAIL_CHARACTERS]
    job.lease = job.lease_until_s = None
    if ended.has_looked:
        keep_reported(session, device, job.application_id, ended.reported, now_s)
    if rollout is None:
        return
    row = session.get(RolloutDeviceRow, (rollout.id, job.device_id), with_for_update=True)
    if row is None or row.progress != DeviceProgress.TOLD.value:
        return
    move_device(rollout, row, _EVENTS[ended.outcome], now_s, reason=job.reason, detail=job.detail)
    attempts_left = RolloutTerms.of(rollout).plan.attempts - row.attempts
    if row.progress == DeviceProgress.FAILED.value and attempts_left > 0:
        move_device(
            rollout,
            row,
            ProgressEvent.RETRY,
            now_s,
            reason=job.reason,
            detail=job.detail,
            attempts_left=attempts_left,
        )
    if RolloutState(rollout.state).is_open:
        rollout.due_s = now_s


def _lock_job(session: Session, number: int, lease: str) -> JobRow | None:
    query = select(JobRow).where(
        JobRow.id == number, JobRow.lease == lease, JobRow.ended_s.is_(None)
    )
    query = query.with_for_update(of=JobRow)
    return session.scalar(query.execution_options(populate_existing=True))
