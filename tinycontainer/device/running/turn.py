"""The turn in progress: whose meter runs, and which part of its time is not yet accounted for."""

from typing import Final

from tinycontainer.interfaces.clock import Clock
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Outcome, Preempted
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import Dispatched

from .execution import Execution
from .scheduler import Turn

CALLS_PER_STEP: Final = 128
"""As many native calls as fit into a step, at most; each takes about 10 us of the host."""


class TurnInProgress:
    """There is one at most.

    Args:
        clock: the device's clock.
        call_instructions: cost of entering a hook, and of a native call.

    Attributes:
        is_cut: whether an operator's interrupt ends it.
        execution: whose hook is executed or concluded; None if nobody's is. If an interrupt comes
            while there is one, its machine may be torn in mid-instruction.
        busy_ns: what all containers have used so far, those that are gone included, in ns.
    """

    def __init__(self, clock: Clock, call_instructions: int) -> None:
        self._clock = clock
        self._call_instructions = call_instructions
        self.is_cut = False
        self._meter: Meter | None = None
        self._accounted_ns = 0
        self._accounted_instructions = 0
        self.busy_ns = 0
        self._dispatched: Execution | None = None
        self.execution: Execution | None = None

    def trace_dispatch(self, execution: Execution, turn: Turn, tracer: Tracer) -> None:
        """Record that another container than in the last turn has this one."""
        if self._dispatched is execution:
            return
        self._dispatched = execution
        if tracer.on:
            late_ns = self._clock.now_ns() - turn.due_ns
            tracer.emit(Dispatched(execution.uid, turn.rank, late_ns))

    def forget(self, execution: Execution) -> None:
        """A container has ended: the next turn is a new one, also if it is started again."""
        if self._dispatched is execution:
            self._dispatched = None

    def prepare(self, meter: Meter) -> None:
        """From now on the meter brings the clock up to date."""
        self._meter = meter

    def refill(self, meter: Meter, until_ns: int) -> None:
        """Give the container its budget."""
        meter.refill(self._clock.begin_turn(until_ns, self._step_of(meter)))
        if self.is_cut:
            meter.cut()

    def run(self, execution: Execution, tracer: Tracer) -> Outcome:
        """Let the container run, in wall time step by step, until its turn ends or its hook."""
        outcome = execution.resume(self._call_instructions, tracer)
        while isinstance(outcome, Preempted) and not self.is_cut:
            more = self._clock.extend_turn(self._step_of(execution.meter))
            if not more:
                break
            execution.meter.extend(more)
            outcome = execution.resume(self._call_instructions, tracer)
        return outcome

    def _step_of(self, meter: Meter) -> int:
        """A runtime cannot know how cheap this device makes its calls, which all take host time."""
        return min(meter.step_instructions, CALLS_PER_STEP * self._call_instructions)

    def begin(self, execution: Execution) -> None:
        """From now on time is the container's."""
        self._accounted_ns = self._clock.now_ns()
        self._accounted_instructions = execution.started.meter.used
        self.execution = execution

    def settle(self) -> None:
        """Bring the clock up to date."""
        if self._meter is not None:
            self._meter.settle()

    def cut(self) -> None:
        """Let the container be preempted at its next unit."""
        if self._meter is not None:
            self.is_cut = True
            self._meter.cut()

    def stop_meter(self) -> None:
        """Settle for the last time."""
        self.settle()
        self._meter = None
        self.is_cut = False

    def account(self, execution: Execution) -> tuple[int, int]:
        """Count what the container has used since this was last done; now, and how much it was."""
        now_ns = self._clock.now_ns()
        used_ns = now_ns - self._accounted_ns
        charged = execution.started.meter.used
        instructions = charged - self._accounted_instructions
        if execution.hook is None:
            used_ns = instructions = 0  # no instance, so no hook has begun (TC-SCHED-15)
        seen = execution.container.statistics
        # One step: an interrupt must not let it be counted twice, or forgotten.
        (
            execution.used_ns,
            seen.execution_ns,
            seen.instructions,
            self.busy_ns,
            self._accounted_ns,
            self._accounted_instructions,
        ) = (
            execution.used_ns + used_ns,
            seen.execution_ns + used_ns,
            seen.instructions + instructions,
            self.busy_ns + used_ns,
            now_ns,
            charged,
        )
        return now_ns, used_ns

    def accounted_until_ns(self, now_ns: int) -> int:
        """Until when all is counted: until now, or until the turn in progress began."""
        return now_ns if self.execution is None else self._accounted_ns

    def end(self) -> None:
        """The turn is concluded."""
        self.execution = None
