"""The states of a rollout and of each device in it; each kind of state has one table."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RolloutState(StrEnum):
    """What has become of a rollout."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    """An operator has stopped it for a time."""
    HALTED = "halted"
    """It has stopped itself: an operator is to look at it."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DONE = "done"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more becomes of it."""
        return self in (RolloutState.CANCELLED, RolloutState.EXPIRED, RolloutState.DONE)

    @property
    def is_open(self) -> bool:
        """Whether it has been started and has not ended."""
        return self is not RolloutState.DRAFT and not self.has_ended

    def after(self, event: "RolloutEvent") -> "RolloutState":
        """The state that an event leads to.

        Raises:
            IllegalRolloutEvent: it cannot happen now.
        """
        after = TRANSITIONS.get((self, event))
        if after is None:
            raise IllegalRolloutEvent(f"a rollout that is {self} has no event {event}")
        return after


class RolloutEvent(StrEnum):
    """What happens to a rollout."""

    START = "start"
    PAUSE = "pause"
    HALT = "halt"
    RESUME = "resume"
    CANCEL = "cancel"
    EXPIRE = "expire"
    FINISH = "finish"


TRANSITIONS: Final = {
    (RolloutState.DRAFT, RolloutEvent.START): RolloutState.RUNNING,
    (RolloutState.DRAFT, RolloutEvent.CANCEL): RolloutState.CANCELLED,
    (RolloutState.RUNNING, RolloutEvent.PAUSE): RolloutState.PAUSED,
    (RolloutState.RUNNING, RolloutEvent.HALT): RolloutState.HALTED,
    (RolloutState.RUNNING, RolloutEvent.CANCEL): RolloutState.CANCELLED,
    (RolloutState.RUNNING, RolloutEvent.EXPIRE): RolloutState.EXPIRED,
    (RolloutState.RUNNING, RolloutEvent.FINISH): RolloutState.DONE,
    (RolloutState.PAUSED, RolloutEvent.RESUME): RolloutState.RUNNING,
    (RolloutState.PAUSED, RolloutEvent.CANCEL): RolloutState.CANCELLED,
    (RolloutState.PAUSED, RolloutEvent.EXPIRE): RolloutState.EXPIRED,
    (RolloutState.HALTED, RolloutEvent.RESUME): RolloutState.RUNNING,
    (RolloutState.HALTED, RolloutEvent.CANCEL): RolloutState.CANCELLED,
    (RolloutState.HALTED, RolloutEvent.EXPIRE): RolloutState.EXPIRED,
}


class IllegalRolloutEvent(ValueError):
    """An event that cannot happen in a state; nothing has changed."""


class DeviceProgress(StrEnum):
    """How far a rollout is with a device."""

    WAITING = "waiting"
    TOLD = "told"
    """It has been told to take the version, and has not answered."""
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    """Another rollout counts for the device."""
    SKIPPED = "skipped"
    """The device has left the fleet, or an operator has taken it out."""

    def after(self, event: "ProgressEvent", attempts_left: int = 0) -> "DeviceProgress":
        """The progress that an event leads to.

        Args:
            event: what has happened.
            attempts_left: how often the device can still be told; only RETRY needs it.

        Raises:
            IllegalProgressEvent: it cannot happen now.
        """
        after = PROGRESS.get((self, event))
        if after is None:
            raise IllegalProgressEvent(f"a device that is {self} has no event {event}")
        if event is ProgressEvent.RETRY and attempts_left < 1:
            raise IllegalProgressEvent("the device has had all of its attempts")
        return after


class ProgressEvent(StrEnum):
    """What happens to a device in a rollout."""

    TELL = "tell"
    NOT_TOLD = "not told"
    SUCCEED = "succeed"
    FAIL = "fail"
    RETRY = "retry"
    SUPERSEDE = "supersede"
    RESTORE = "restore"
    SKIP = "skip"


PROGRESS: Final = {
    (DeviceProgress.WAITING, ProgressEvent.TELL): DeviceProgress.TOLD,
    # It has got the version on another way.
    (DeviceProgress.WAITING, ProgressEvent.SUCCEED): DeviceProgress.DONE,
    (DeviceProgress.WAITING, ProgressEvent.SUPERSEDE): DeviceProgress.SUPERSEDED,
    (DeviceProgress.WAITING, ProgressEvent.SKIP): DeviceProgress.SKIPPED,
    (DeviceProgress.TOLD, ProgressEvent.NOT_TOLD): DeviceProgress.WAITING,
    (DeviceProgress.TOLD, ProgressEvent.SUCCEED): DeviceProgress.DONE,
    (DeviceProgress.TOLD, ProgressEvent.FAIL): DeviceProgress.FAILED,
    (DeviceProgress.TOLD, ProgressEvent.SUPERSEDE): DeviceProgress.SUPERSEDED,
    (DeviceProgress.TOLD, ProgressEvent.SKIP): DeviceProgress.SKIPPED,
    (DeviceProgress.FAILED, ProgressEvent.RETRY): DeviceProgress.WAITING,
    # It was taken for failed because it did not answer in time.
    (DeviceProgress.FAILED, ProgressEvent.SUCCEED): DeviceProgress.DONE,
    (DeviceProgress.FAILED, ProgressEvent.SKIP): DeviceProgress.SKIPPED,
    # The rollout that counted for it was cancelled.
    (DeviceProgress.SUPERSEDED, ProgressEvent.RESTORE): DeviceProgress.WAITING,
    (DeviceProgress.SUPERSEDED, ProgressEvent.SKIP): DeviceProgress.SKIPPED,
}


class IllegalProgressEvent(ValueError):
    """An event that cannot happen to a device now; nothing has changed."""


@dataclass(frozen=True, slots=True)
class RolloutOfDevice:
    """A rollout, as one of its devices sees it.

    Attributes:
        number: a newer rollout has a greater number.
        priority: from the plan.
        state: of the rollout.
    """

    number: int
    priority: int
    state: RolloutState


def choose(rollouts: Iterable[RolloutOfDevice]) -> RolloutOfDevice | None:
    """The rollout that counts for a device; the device is superseded in the others.

    A rollout that is paused or halted keeps its devices: an older one must not take them meanwhile.

    Args:
        rollouts: all that the device is in, in any order.

    Returns:
        Of those that are open, the newest with the highest priority; None if there is none.
    """
    claims = (rollout for rollout in rollouts if rollout.state.is_open)
    return max(claims, key=lambda each: (each.priority, each.number), default=None)
