"""How far rollouts are: each change moves one device, and the numbers of its wave with it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import (
    DeviceProgress,
    ProgressEvent,
    RolloutEvent,
    RolloutState,
    WaveCounts,
)

from ..actor import Actor, acting_for
from ..audit import note
from ..tables.rollouts import RolloutDeviceRow, RolloutRow


def lock_rollout(session: Session, number: int) -> RolloutRow:
    """A rollout as it is now; nobody else changes it, or a device in it, until the end.

    Whoever needs several locks them by rising numbers.

    Args:
        session: of a transaction that writes.
        number: of a rollout that is there.
    """
    query = select(RolloutRow).where(RolloutRow.id == number).with_for_update(of=RolloutRow)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def move_device(
    rollout: RolloutRow,
    row: RolloutDeviceRow,
    event: ProgressEvent,
    now_s: float,
    *,
    reason: str = "",
    detail: str = "",
    attempts_left: int = 0,
) -> None:
    """Let something happen to a device of a rollout that is locked.

    Args:
        rollout: locked.
        row: of the device.
        event: what happens.
        now_s: Unix time.
        reason: the kind of failure; empty if there is none.
        detail: more about it.
        attempts_left: only RETRY needs it.

    Raises:
        IllegalProgressEvent: it cannot happen now.
    """
    before = DeviceProgress(row.progress)
    after = before.after(event, attempts_left)
    wave = rollout.waves[row.wave]
    setattr(wave, before, getattr(wave, before) - 1)
    setattr(wave, after, getattr(wave, after) + 1)
    wave.forgiven = min(wave.forgiven, wave.failed)
    row.progress, row.changed_s = after.value, now_s
    row.reason, row.detail = reason, detail
    if event is ProgressEvent.TELL:
        row.attempts += 1


def move_rollout(
    session: Session,
    rollout: RolloutRow,
    event: RolloutEvent,
    now_s: float,
    actor: Actor | None = None,
    reason: str = "",
) -> None:
    """Let something happen to a rollout that is locked, and write it in the audit.

    Args:
        session: of a transaction that writes.
        rollout: locked.
        event: what happens.
        now_s: Unix time.
        actor: who wants it; None if the rollout does it by itself.
        reason: why it has halted.

    Raises:
        IllegalRolloutEvent: it cannot happen now.
    """
    state = RolloutState(rollout.state).after(event)
    rollout.state, rollout.halt_reason = state.value, reason
    rollout.due_s = now_s if state.is_open else None
    if state.has_ended:
        rollout.ended_s = now_s
    who = actor or acting_for(rollout.organisation_id)
    detail = {"reason": reason} if reason else {}
    note(session, who, f"rollout-{state}", str(rollout.id), detail, now_s)


def counts_of(rollout: RolloutRow) -> WaveCounts:
    """How many devices of the current wave are how far."""
    wave, earlier = rollout.waves[rollout.wave], rollout.waves[: rollout.wave]
    return WaveCounts(
        waiting=wave.waiting,
        told=wave.told,
        done=wave.done,
        failed=wave.failed,
        others=wave.superseded + wave.skipped,
        forgiven=wave.forgiven,
        earlier_waiting=sum(each.waiting for each in earlier),
        earlier_told=sum(each.told for each in earlier),
    )
