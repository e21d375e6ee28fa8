"""Decides what a rollout does next: from counts only, so the size of the fleet does not matter."""

from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import Final

from .plan import RolloutPlan
from .rollout import RolloutEvent, RolloutState


@dataclass(frozen=True, slots=True)
class WaveCounts:
    """How many devices of the current wave are how far; those of later waves are not counted.

    Attributes:
        waiting: can be told.
        told: have been told, and have not answered.
        done: have the version.
        failed: have failed, and do not wait for another attempt.
        others: superseded and skipped ones; they are not judged.
        forgiven: of the failed, those that an operator knew of when the rollout was resumed.
        earlier_waiting: devices of earlier waves that can be told.
        earlier_told: devices of earlier waves that have been told, and have not answered.

    Raises:
        ValueError: a count is below 0, or more are forgiven than have failed.
    """

    waiting: int
    told: int
    done: int
    failed: int
    others: int = 0
    forgiven: int = 0
    earlier_waiting: int = 0
    earlier_told: int = 0

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0 or self.forgiven > self.failed:
            raise ValueError(f"there are no such counts of devices: {self}")

    @property
    def judged_failures(self) -> int:
        """The failures that nobody has forgiven."""
        return self.failed - self.forgiven

    @property
    def judged_told(self) -> int:
        """The devices of the wave that have been told, answered or not, without the forgiven."""
        return self.told + self.done + self.judged_failures

    @property
    def judged(self) -> int:
        """The devices of the wave whose success matters."""
        return self.waiting + self.judged_told

    @property
    def all_waiting(self) -> int:
        """The devices that can be told now."""
        return self.waiting + self.earlier_waiting

    @property
    def all_told(self) -> int:
        """The devices that have been told, and have not answered."""
        return self.told + self.earlier_told


class RolloutAction(StrEnum):
    """What a rollout does."""

    TELL = "tell"
    BEGIN_WAVE = "begin wave"
    HALT = "halt"
    END = "end"
    EXPIRE = "expire"
    NOTHING = "nothing"

    @property
    def event(self) -> RolloutEvent | None:
        """What happens to the rollout by it; None if its state stays."""
        return _EVENTS.get(self)


_EVENTS: Final = {
    RolloutAction.HALT: RolloutEvent.HALT,
    RolloutAction.END: RolloutEvent.FINISH,
    RolloutAction.EXPIRE: RolloutEvent.EXPIRE,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rollout does next.

    Attributes:
        action: what.
        most_devices: with TELL: at most so many, waiting ones of the current and earlier waves.
        reason: with HALT: why, in one sentence.
    """

    action: RolloutAction
    most_devices: int = 0
    reason: str = ""


def decide(
    plan: RolloutPlan, state: RolloutState, wave_number: int, counts: WaveCounts, now_s: float
) -> Decision:
    """Decide what a rollout does next. Ask again after each thing done and each answer.

    Args:
        plan: of the rollout.
        state: of the rollout.
        wave_number: of the current wave, from 0.
        counts: of the current wave.
        now_s: Unix time.

    Raises:
        ValueError: the plan has no such wave.
    """
    if not 0 <= wave_number < len(plan.waves):
        raise ValueError(f"the plan has {len(plan.waves)} waves, from 0; {wave_number} is none")
    step = Decision(RolloutAction.NOTHING)
    if state is RolloutState.RUNNING:
        step = _step(plan, wave_number == len(plan.waves) - 1, counts)
    is_late = plan.deadline_s is not None and now_s >= plan.deadline_s
    # What is complete has ended well, although nobody asked before the deadline.
    expires = is_late and state.is_open and step.action is not RolloutAction.END
    return Decision(RolloutAction.EXPIRE) if expires else step


def _step(plan: RolloutPlan, is_last: bool, counts: WaveCounts) -> Decision:
    """What a running rollout does next while it is not late."""
    if reason := _reason_to_halt(plan, counts):
        return Decision(RolloutAction.HALT, reason=reason)
    if not is_last and _reaches(counts.done, plan.success_per_cent, counts.judged):
        return Decision(RolloutAction.BEGIN_WAVE)
    if is_last and counts.all_waiting + counts.all_told == 0:
        return Decision(RolloutAction.END)
    most_devices = min(counts.all_waiting, plan.most_at_once - counts.all_told)
    if most_devices > 0:
        return Decision(RolloutAction.TELL, most_devices)
    return Decision(RolloutAction.NOTHING)


def _reason_to_halt(plan: RolloutPlan, counts: WaveCounts) -> str:
    """Why it has to halt; empty if it has not."""
    failures, told = counts.judged_failures, counts.judged_told
    is_many = failures >= plan.halt_minimum
    if is_many and _reaches(failures, plan.halt_per_cent, told):
        return (
            f"{failures} of {told} told devices of the wave have failed, "
            f"and {plan.halt_per_cent} per cent are enough to halt"
        )
    possible = counts.judged - failures
    if not _reaches(possible, plan.success_per_cent, counts.judged):
        return (
            f"{failures} of {counts.judged} devices of the wave have failed, "
            f"so {plan.success_per_cent} per cent of it cannot succeed any more"
        )
    return ""


def _reaches(count: int, per_cent: int, whole: int) -> bool:
    return count * 100 >= per_cent * whole
