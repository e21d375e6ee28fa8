"""What a rollout does by itself: tells devices, begins waves, halts and ends."""

import math
from collections.abc import Callable
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import (
    DeviceProgress,
    ProgressEvent,
    RolloutAction,
    RolloutState,
    decide,
)

from ..delivery.task import DeliveryKind
from ..tables.fleet import DeviceRow
from ..tables.rollouts import JobRow, RolloutDeviceRow, RolloutRow
from .claims import find_overtaken, lock_overlapping, settle_claims
from .jobs import add_jobs
from .progress import counts_of, move_device, move_rollout
from .reported import keep_desired
from .terms import RolloutTerms

TOLD_AT_ONCE: Final = 200
"""Devices that are told in one transaction."""
AGAIN_S: Final = 10.0
"""After which a rollout looks again for devices that could not be told."""


def find_due(session: Session, now_s: float) -> int | None:
    """The rollout that has waited longest to be looked at; None if none has to be."""
    query = select(RolloutRow.id).where(RolloutRow.due_s <= now_s)
    return session.scalar(query.order_by(RolloutRow.due_s, RolloutRow.id).limit(1))


def step_rollout(
    session: Session, rollout: RolloutRow, now_s: float, random_bytes: Callable[[int], bytes]
) -> None:
    """Let a rollout do what it can do now.

    Args:
        session: of a transaction that writes.
        rollout: not locked yet.
        now_s: Unix time.
        random_bytes: draws a number of unpredictable bytes.
    """
    overlapping = lock_overlapping(session, rollout)
    rollout.due_s = None
    terms = RolloutTerms.of(rollout)
    while RolloutState(rollout.state).is_open:
        state = RolloutState(rollout.state)
        decision = decide(terms.plan, state, rollout.wave, counts_of(rollout), now_s)
        deadline_s = terms.plan.deadline_s
        is_late = deadline_s is not None and now_s >= deadline_s
        can_get_back = _can_get_back(rollout, overlapping)
        match decision.action:
            case RolloutAction.TELL:
                most = min(decision.most_devices, TOLD_AT_ONCE)
                told = _tell(session, rollout, terms, most, now_s, random_bytes)
                if told < most:  # those that are left cannot be reached, or are busy
                    _wait(rollout, now_s + AGAIN_S, deadline_s)
                    return
                if told == TOLD_AT_ONCE:
                    rollout.due_s = now_s  # the next ones in a transaction of their own
                    return
            case RolloutAction.END if terms.is_standing and not is_late:
                _wait(rollout, None, deadline_s)
                return
            case RolloutAction.BEGIN_WAVE | RolloutAction.END if can_get_back and not is_late:
                _wait(rollout, None, deadline_s)
                return
            case RolloutAction.BEGIN_WAVE:
                rollout.wave += 1
            case RolloutAction.HALT | RolloutAction.END | RolloutAction.EXPIRE as action:
                event = action.event
                if event is not None:
                    move_rollout(session, rollout, event, now_s, reason=decision.reason)
            case RolloutAction.NOTHING:
                _wait(rollout, None, deadline_s)
                return
    release_claims(session, rollout, overlapping, now_s)


def release_claims(
    session: Session, rollout: RolloutRow, overlapping: tuple[RolloutRow, ...], now_s: float
) -> None:
    """Let the devices of a rollout that has ended go to others that are for them.

    Args:
        session: of a transaction that writes.
        rollout: that has just ended, locked.
        overlapping: with all that overlap, locked.
        now_s: Unix time.
    """
    if len(overlapping) == 1:
        return
    for each in overlapping:  # what has kept some of them waiting has gone
        if RolloutState(each.state).is_open:
            each.due_s = now_s
    of_it = select(RolloutDeviceRow.device_id).where(RolloutDeviceRow.rollout_id == rollout.id)
    settle_claims(session, overlapping, session.scalars(of_it).all(), now_s)


def _tell(
    session: Session,
    rollout: RolloutRow,
    terms: RolloutTerms,
    most: int,
    now_s: float,
    random_bytes: Callable[[int], bytes],
) -> int:
    """Tell some devices that wait, those of earlier waves first: how many."""
    application_id = rollout.release.application_id
    is_busy = exists().where(
        JobRow.device_id == RolloutDeviceRow.device_id,
        JobRow.application_id == application_id,
        JobRow.ended_s.is_(None),
    )
    query = (
        select(RolloutDeviceRow)
        .join(DeviceRow, DeviceRow.id == RolloutDeviceRow.device_id)
        .where(
            RolloutDeviceRow.rollout_id == rollout.id,
            RolloutDeviceRow.progress == DeviceProgress.WAITING.value,
            RolloutDeviceRow.wave <= rollout.wave,
            DeviceRow.gateway.is_not(None),
            ~is_busy,
        )
        .order_by(RolloutDeviceRow.wave, RolloutDeviceRow.attempts, RolloutDeviceRow.device_id)
        .limit(most)
    )
    found = session.scalars(query).all()
    overtaken = find_overtaken(session, rollout, [row.device_id for row in found])
    for row in found:
        if row.device_id in overtaken:
            move_device(rollout, row, ProgressEvent.SUPERSEDE, now_s)
    rows = [row for row in found if row.device_id not in overtaken]
    device_ids = [row.device_id for row in rows]
    keep_desired(session, device_ids, application_id, rollout.release_id, now_s)
    for row in rows:
        move_device(rollout, row, ProgressEvent.TELL, now_s)
    add_jobs(
        session,
        DeliveryKind.DELIVER,
        device_ids,
        application_id,
        now_s,
        random_bytes,
        release_id=rollout.release_id,
        rollout_id=rollout.id,
        deadline_s=min(now_s + terms.answer_s, terms.plan.deadline_s or math.inf),
    )
    session.flush()
    return len(rows)


def _can_get_back(rollout: RolloutRow, overlapping: tuple[RolloutRow, ...]) -> bool:
    """Whether nothing is left for a rollout but devices that another one can give back."""
    if any(wave.waiting + wave.told for wave in rollout.waves):
        return False
    is_overruled = any(
        RolloutState(each.state).is_open
        and (each.priority, each.id) > (rollout.priority, rollout.id)
        for each in overlapping
    )
    return is_overruled and any(wave.superseded for wave in rollout.waves)


def _wait(rollout: RolloutRow, again_s: float | None, deadline_s: float | None) -> None:
    """Look at a rollout again at the earlier one of two times."""
    times = [each for each in (again_s, deadline_s) if each is not None]
    rollout.due_s = min(times, default=None)
