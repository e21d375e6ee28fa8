"""One start of a container: its instance, its hooks, and how far it has come.

Everything that a foreign runtime can do wrong is caught here and is this container's fault only. An
operator's interrupt (KeyboardInterrupt) passes: it is nobody's fault.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tinycontainer.errors import CreationError
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    LOOP_RESULTS,
    Completed,
    Hook,
    Instance,
    Measurable,
    Outcome,
    Preempted,
    RuntimeLimits,
    Trapped,
    are_frames,
)
from tinycontainer.trace import Tracer, to_pairs
from tinycontainer.trace.events import Dropped, HookBegan, HookEnded, HookInProgress

from ..calls.natives import ContainerNatives
from ..calls.started import StartedContainer
from ..containers.container import Container, Exit, ExitReason
from .scheduler import Scheduler

CREATION_FAILED = "creation-failed"
"""Trap code of a container whose instance could not be made."""
INTERRUPTED = "interrupted"
"""Trap code of a hook in which the operator interrupted the device."""
RUNTIME_FAILED = "runtime-failed"
"""Trap code of a hook whose runtime broke its own contract."""
_MEMORY_SIZES: Final = range(1 << 32)
"""Sizes in bytes that are believed: addresses of a container have 32 bits."""


@dataclass(slots=True, eq=False)
class Execution:
    """What the executor knows of a started container.

    Attributes:
        container: which container.
        started: the container as the service sees it.
        natives: its system calls.
        instance: made at the first turn.
        memory_bytes: how much memory it had after its last turn; 0 where its runtime does not say.
        next_hook: what begins at the next turn, if no hook is in progress.
        hook: the hook in progress.
        used_ns: execution time of the hook in progress.
        meter_at_begin: what its meter had charged when that hook began.
        limit_ns: what it may use; None for no limit.
        planned_ns: when the loop in progress, or the next one, was planned.
        timing_changed: whether new metadata waits for the next hook.
        stop_posted_ns: when management wanted it to stop.
        loop_began: whether the next hook is a loop that is counted as begun.
        ended: whether all that is left is to give everything back.
    """

    container: Container
    started: StartedContainer
    natives: ContainerNatives
    instance: Instance | None = None
    memory_bytes: int = 0
    next_hook: Hook = Hook.START
    hook: Hook | None = None
    used_ns: int = 0
    meter_at_begin: int = 0
    limit_ns: int | None = None
    planned_ns: int = 0
    timing_changed: bool = False
    stop_posted_ns: int | None = None
    loop_began: bool = False
    ended: bool = False
    _measure: Callable[[], int] | None = None

    @property
    def slot(self) -> int:
        """Number of the container's slot."""
        return self.container.slot.number

    @property
    def uid(self) -> bytes:
        """uid of the container."""
        return self.container.uid

    @property
    def meter(self) -> Meter:
        """What the container is charged on."""
        return self.started.meter

    @property
    def instructions(self) -> int:
        """Instructions charged to the hook in progress until the meter was last settled."""
        return self.meter.used - self.meter_at_begin

    @property
    def overran(self) -> bool:
        """Whether the hook in progress has used more than it may."""
        return self.limit_ns is not None and self.used_ns > self.limit_ns

    # Between two hooks.

    def find_limit_ns(self, hook: Hook, stop_cap_ns: int) -> int | None:
        """How long a hook may execute, in ns; None for no limit.

        Args:
            hook: which hook.
            stop_cap_ns: the device's cap of the stop hook (TC-LIFE-11).
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
        return limit_ns

    def plan_hook(self, hook: Hook, limit_ns: int | None) -> None:
        """Set what begins at the next turn, and how long it may execute.

        Args:
            hook: what begins.
            limit_ns: None for no limit.
        """
        # One step (ADR 21).
        self.next_hook, self.used_ns, self.limit_ns, self.loop_began = hook, 0, limit_ns, False

    @property
    def left_ns(self) -> int | None:
        """What is left of the duration of the next hook, or of that in progress."""
        return None if self.limit_ns is None else self.limit_ns - self.used_ns

    def take_timing(self, scheduler: Scheduler, now_ns: int) -> None:
        """Between two hooks new metadata's priority applies."""
        if self.timing_changed:
            scheduler.set_priority(self.slot, self.container.timing.priority, now_ns)
            self.timing_changed = False

    # What is asked of the runtime.

    def create_instance(self, limits: RuntimeLimits) -> Trapped | None:
        """Make the instance; a trap if that fails."""
        try:
            instance = self.container.runtime.create(
                self.container.code, self.container.data, self.natives, self.meter, limits
            )
            # Only now: looking for a method of an instance takes longer than calling it.
            self._measure = instance.size if isinstance(instance, Measurable) else None
            self.instance = instance
        except CreationError as error:
            return Trapped(CREATION_FAILED, str(error))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Trapped(RUNTIME_FAILED, type(error).__name__)
        return None

    def resume(self, call_instructions: int, tracer: Tracer) -> Outcome:
        """Begin the next hook if none is in progress, and let the container run.

        Args:
            call_instructions: cost of entering a hook.
            tracer: records that a hook begins.
        """
        if self.instance is None:
            return Trapped(RUNTIME_FAILED, "its instance is gone")
        try:
            if self.hook is None:
                self._begin_hook(call_instructions, tracer)
                self.instance.begin(self.next_hook)
            outcome = self.instance.resume()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Trapped(RUNTIME_FAILED, type(error).__name__)
        return check_outcome(outcome, self.meter, self.container)

    def measure_memory(self) -> None:
        """Look how much memory the instance has, and keep it if it is the most so far."""
        if self._measure is None or self.instance is None:
            return
        try:
            size_bytes = self._measure()
        except KeyboardInterrupt:
            raise
        except BaseException:
            self._measure = None
            return
        # A foreign type may compare as it likes, so the exact one is asked for.
        if type(size_bytes) is not int or size_bytes == self.memory_bytes:
            return
        if size_bytes in _MEMORY_SIZES:
            self.memory_bytes = size_bytes
            statistics = self.container.statistics
            statistics.peak_memory_bytes = max(statistics.peak_memory_bytes, size_bytes)

    def abort_hook(self) -> None:
        """Drop the hook in progress."""
        self.hook = None
        # Without its instance nothing more of it can run, whatever ends its abort.
        instance, self.instance = self.instance, None
        if instance is None:
            return
        try:
            instance.abort()
        except KeyboardInterrupt:
            raise
        except BaseException:
            return
        self.instance = instance

    def finalize_instance(self) -> None:
        """Give the instance back."""
        instance, self.instance, self._measure = self.instance, None, None
        if instance is None:
            return
        try:
            instance.finalize()
        except KeyboardInterrupt:
            raise
        except BaseException:  # the instance is dropped either way
            return

    def _begin_hook(self, call_instructions: int, tracer: Tracer) -> None:
        self.hook = self.next_hook
        if tracer.on:
            number = self.container.loops_begun if self.hook is Hook.LOOP else 0
            tracer.emit(HookBegan(self.uid, self.hook, number))
        self.meter_at_begin = self.meter.used
        self.meter.spend(call_instructions)

    def trace_hook_end(self, tracer: Tracer, how: str, outcome: Outcome | None = None) -> None:
        """Record that the hook in progress has ended.

        Args:
            tracer: takes the event, and before it what was dropped during the hook.
            how: completed, trapped, overrun or aborted.
            outcome: what the runtime returned; None for a hook that was cut short.
        """
        if self.hook is None or not tracer.on:
            return
        self._trace_dropped(tracer)
        result = outcome.value if isinstance(outcome, Completed) else 0
        detail = ""
        frames: tuple[tuple[int, int], ...] = ()
        if isinstance(outcome, Trapped):
            detail = describe_trap(outcome)
            frames = to_pairs(outcome.frames)
        tracer.emit(
            HookEnded(
                self.uid,
                self.hook,
                how,
                result,
                self.used_ns,
                self.instructions,
                detail,
                frames,
                self.memory_bytes,
            )
        )

    def trace_hook_in_progress(self, tracer: Tracer) -> None:
        """Record the hook in progress, if there is one, where the trace ends."""
        if self.hook is None or not tracer.on:
            return
        self._trace_dropped(tracer)
        tracer.emit(
            HookInProgress(
                self.uid,
                self.hook,
                self.used_ns,
                self.instructions,
                memory_bytes=self.memory_bytes,
            )
        )

    def _trace_dropped(self, tracer: Tracer) -> None:
        logs = self.started.logs.collect_dropped()
        refusals = self.started.refusals.collect_dropped()
        if logs or refusals:
            tracer.emit(Dropped(self.uid, logs, refusals))


def check_outcome(outcome: object, meter: Meter, container: Container) -> Outcome:
    """What a runtime's resume returned, if it is what its interface promises; else a trap.

    Args:
        outcome: anything.
        meter: what the container is charged on.
        container: in whose code the places of a trap lie.
    """
    meter.settle()
    if meter.broken:
        return Trapped(RUNTIME_FAILED, "its meter is broken")
    if isinstance(outcome, Trapped):
        if not are_frames(outcome.frames, len(container.code)):
            return Trapped(RUNTIME_FAILED, "trapped at a place outside of the code")
        return Trapped(str(outcome.code), str(outcome.detail), outcome.frames)
    if isinstance(outcome, Preempted):
        if meter.left > 0:
            return Trapped(RUNTIME_FAILED, "preempted with budget left")
        return outcome
    # A subclass of int may compare as it likes, so the exact type is asked for.
    if (
        isinstance(outcome, Completed)
        and type(outcome.value) is int
        and outcome.value in LOOP_RESULTS
    ):
        return outcome
    return Trapped(RUNTIME_FAILED, "neither completed, nor preempted, nor trapped")


def describe_trap(trap: Trapped) -> str:
    """Code and detail of a trap, in one line."""
    return f"{trap.code}: {trap.detail}" if trap.detail else trap.code


def judge_hook(execution: Execution, hook: Hook, outcome: Outcome) -> Exit | None:
    """Why a container cannot go on after a hook; None if it can.

    Order (TC-SCHED-14): overrun, trap, missed heartbeat, non-zero return, lifetime.
    """
    if execution.overran:
        return Exit(ExitReason.OVERRUN, hook)
    if isinstance(outcome, Trapped):
        if outcome.code == CREATION_FAILED:
            return Exit(ExitReason.CREATION_FAILED, detail=outcome.detail)
        if outcome.code == INTERRUPTED:
            return Exit(ExitReason.INTERRUPTED, hook)
        return Exit(ExitReason.TRAP, hook, 0, describe_trap(outcome), outcome.frames)
    if hook is Hook.STOP or not isinstance(outcome, Completed):
        return None
    if hook is Hook.LOOP and execution.started.watchdog.missed():
        return Exit(ExitReason.MISSED_HEARTBEAT, hook)
    if hook is Hook.LOOP and outcome.value:
        return Exit(ExitReason.RETURNED, hook, outcome.value)
    # Nothing may be left of it before the first loop of a start that goes on (TC-STATE-15).
    lifetime = execution.container.timing.lifetime_loops
    if lifetime and execution.container.loops_begun >= lifetime:
        return Exit(ExitReason.LIFETIME, hook)
    return None
