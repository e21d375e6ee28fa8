"""One start of a container: its instance, its hooks, and how far it has come."""

from dataclasses import dataclass

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    LOOP_RESULTS,
    Completed,
    Hook,
    Instance,
    Outcome,
    Preempted,
    Trapped,
)

from ..calls.caller import Caller
from ..calls.natives import ContainerNatives
from ..containers.container import Container, Exit, ExitReason
from .scheduler import Scheduler

CREATION_FAILED = "creation-failed"
"""Trap code of a container of which no instance could be made."""
INTERRUPTED = "interrupted"
"""Trap code of a hook in which the operator interrupted the device."""
RUNTIME_FAILED = "runtime-failed"
"""Trap code of a hook whose runtime broke its own contract."""


@dataclass(slots=True, eq=False)
class Execution:
    """What the executor knows of a started container.

    Attributes:
        container: which container.
        caller: the container as the service sees it.
        natives: its system calls.
        instance: made at the first turn.
        next_hook: what begins at the next turn, if no hook is in progress.
        hook: the hook in progress.
        used_ns: execution time of the hook in progress.
        meter_at_begin: what its meter had charged when that hook began.
        limit_ns: what it may use; None for no limit.
        planned_ns: when the loop in progress, or the next one, was planned.
        timing_changed: whether new metadata waits for the next hook.
        stop_posted_ns: when management wanted it to stop.
    """

    container: Container
    caller: Caller
    natives: ContainerNatives
    instance: Instance | None = None
    next_hook: Hook = Hook.START
    hook: Hook | None = None
    used_ns: int = 0
    meter_at_begin: int = 0
    limit_ns: int | None = None
    planned_ns: int = 0
    timing_changed: bool = False
    stop_posted_ns: int | None = None

    @property
    def slot(self) -> int:
        """Number of the container's slot."""
        return self.container.slot.number

    @property
    def uid(self) -> bytes:
        """uid of the container."""
        return self.container.uid

    @property
    def instructions(self) -> int:
        """Instructions charged to the hook in progress until the meter was last settled."""
        return self.caller.meter.used - self.meter_at_begin

    @property
    def overran(self) -> bool:
        """Whether the hook in progress has used more than it may."""
        return self.limit_ns is not None and self.used_ns > self.limit_ns

    def plan(self, hook: Hook, stop_cap_ns: int) -> int | None:
        """Set what begins at the next turn, and return how long it may execute.

        Args:
            hook: what begins.
            stop_cap_ns: the device's cap of the stop hook.

        Returns:
            None for no limit.
        """
        timing = self.container.timing
        limit_ms = {
            Hook.START: timing.start_max_ms,
            Hook.LOOP: timing.loop_max_ms,
            Hook.STOP: timing.stop_max_ms,
        }[hook]
        limit_ns = limit_ms * NS_PER_MS or None
        if hook is Hook.STOP:
            limit_ns = stop_cap_ns if limit_ns is None else min(limit_ns, stop_cap_ns)
        self.next_hook, self.used_ns, self.limit_ns = hook, 0, limit_ns
        return limit_ns

    def take_timing(self, scheduler: Scheduler, now_ns: int) -> None:
        """Between two hooks new metadata's priority applies."""
        if self.timing_changed:
            self.timing_changed = False
            scheduler.set_priority(self.slot, self.container.timing.priority, now_ns)

    def abort_hook(self) -> None:
        """Drop the hook in progress, whatever its runtime says to that."""
        self.hook = None
        if self.instance is None:
            return
        try:
            self.instance.abort()
        except KeyboardInterrupt:
            raise
        except BaseException:  # without its instance nothing more of it can run
            self.instance = None

    def give_back(self) -> None:
        """Finalize the instance, whatever its runtime says to that."""
        instance, self.instance = self.instance, None
        if instance is None:
            return
        try:
            instance.finalize()
        except KeyboardInterrupt:
            raise
        except BaseException:  # the instance is dropped either way
            return


def checked(outcome: object, meter: Meter) -> Outcome:
    """What a runtime's resume returned, if it is what its interface promises; else a trap."""
    meter.settle()
    if meter.broken:
        return Trapped(RUNTIME_FAILED, "its meter is broken")
    if isinstance(outcome, Trapped):
        return Trapped(str(outcome.code), str(outcome.detail))
    if isinstance(outcome, Preempted):
        if meter.left > 0:
            return Trapped(RUNTIME_FAILED, "preempted with budget left")
        return outcome
    if isinstance(outcome, Completed) and _is_loop_result(outcome.value):
        return outcome
    return Trapped(RUNTIME_FAILED, "neither completed, nor preempted, nor trapped")


def _is_loop_result(value: object) -> bool:
    return type(value) is int and value in LOOP_RESULTS


def verdict(execution: Execution, hook: Hook, outcome: Outcome) -> Exit | None:
    """Why a container cannot go on after a hook; None if it can.

    Order: overrun, trap, missed heartbeat, non-zero return, lifetime.
    """
    if execution.overran:
        return Exit(ExitReason.OVERRUN, hook)
    if isinstance(outcome, Trapped):
        if outcome.code == CREATION_FAILED:
            return Exit(ExitReason.CREATION_FAILED, detail=outcome.detail)
        if outcome.code == INTERRUPTED:
            return Exit(ExitReason.INTERRUPTED, hook)
        detail = f"{outcome.code}: {outcome.detail}" if outcome.detail else outcome.code
        return Exit(ExitReason.TRAP, hook, detail=detail)
    if hook is not Hook.LOOP or not isinstance(outcome, Completed):
        return None
    if execution.caller.watchdog.missed():
        return Exit(ExitReason.MISSED_HEARTBEAT, hook)
    if outcome.value:
        return Exit(ExitReason.RETURNED, hook, outcome.value)
    lifetime = execution.container.timing.lifetime_loops
    if lifetime and execution.caller.loops_begun >= lifetime:
        return Exit(ExitReason.LIFETIME, hook)
    return None
