"""The executor: carries out the scheduler's decisions and draws the conclusions.

    decision -> resume -> charge the clock -> verdict -> next wake-up

Management only posts; what it posted is settled before the next decision.
"""

from collections.abc import Callable

from tinycontainer.errors import CreationError
from tinycontainer.interfaces.clock import Clock
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Hook, Outcome, Preempted, Trapped
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import Dispatched

from ..calls.allowance import Allowance
from ..calls.caller import Caller
from ..calls.natives import ContainerNatives
from ..calls.service import Service
from ..containers.container import Container, Exit, ExitReason
from ..containers.lifecycle import Event, State
from ..containers.limits import Capacity, Scheduling
from .execution import CREATION_FAILED, INTERRUPTED, RUNTIME_FAILED, Execution, checked, verdict
from .hook_trace import HookTrace
from .pacing import Pacer
from .scheduler import Alarm, Scheduler, Turn
from .winding import WindDown


class Executor:
    """Runs the started containers of a device.

    Args:
        capacity: limits that instances and records obey.
        scheduling: policy, slice, grace, cost of a call.
        clock: the device's clock.
        service: performs system calls.
        tracer: hears of hooks and decisions.
        erase: forgets a container that is DELETING.
    """

    def __init__(
        self,
        capacity: Capacity,
        scheduling: Scheduling,
        clock: Clock,
        service: Service,
        tracer: Tracer,
        erase: Callable[[Container], None],
    ) -> None:
        self._capacity, self._scheduling = capacity, scheduling
        self._clock, self._service, self._tracer = clock, service, tracer
        self._scheduler = Scheduler(scheduling.policy, scheduling.slice_ns)
        self._hook_trace = HookTrace(tracer)
        self._pacer = Pacer(self._scheduler, tracer)
        self._winding = WindDown(
            self._scheduler,
            service,
            clock,
            tracer,
            self._hook_trace,
            scheduling.grace_ns,
            self._forget,
            erase,
        )
        self._executions: dict[int, Execution] = {}
        self._dispatched: int | None = None
        self._meter: Meter | None = None

    def settle_meter(self) -> None:
        """Bring the clock up to date with the turn in progress, if there is one."""
        if self._meter is not None:
            self._meter.settle()

    # What management posts.

    def start(self, container: Container) -> None:
        """Queue a container that has become RUNNING."""
        rate = self._capacity.records_per_second
        meter = Meter(self._clock.charge)
        caller = Caller(container, meter, Allowance(rate), Allowance(rate))
        natives = ContainerNatives(caller, self._service, self._scheduling.call_instructions)
        execution = Execution(container, caller, natives)
        container.statistics.starts += 1
        self._executions[execution.slot] = execution
        self._scheduler.add(execution.slot, container.timing.priority, self._clock.now_ns())
        self._plan(execution, Hook.START)

    def stop(self, container: Container, reason: Exit) -> None:
        """Wind down a container that management has made STOPPING."""
        self._winding.post(self._executions[container.slot.number], reason)

    def reconfigured(self, container: Container) -> None:
        """Take note of new metadata: rights at once, timing from the next hook."""
        execution = self._executions.get(container.slot.number)
        if execution is None:
            return
        execution.natives.link()
        execution.timing_changed = True
        if execution.hook is None:
            execution.take_timing(self._scheduler, self._clock.now_ns())
            self._plan(execution, execution.next_hook)

    # The loop.

    def run(self, end_ns: int | None) -> None:
        """Run until a time, or until nothing is started any more.

        Args:
            end_ns: device time; None for no end.
        """
        while True:
            now_ns = self._clock.now_ns()
            self._winding.settle(now_ns)
            self._handle_alarms(now_ns)
            self._tracer.raise_failure()
            if end_ns is not None and now_ns >= end_ns:
                return
            decision = self._scheduler.decide(now_ns, end_ns)
            if isinstance(decision, Turn) and self._loop_is_next(decision.slot):
                # A loop that begins sets an alarm, which may bound the turn.
                self._pacer.loop_begins(self._executions[decision.slot], now_ns)
                decision = self._scheduler.decide(now_ns, end_ns)
            if isinstance(decision, Turn):
                self._take_turn(decision)
            elif decision.until_ns is None:
                return
            else:
                self._clock.sleep_until(decision.until_ns)

    def _loop_is_next(self, slot: int) -> bool:
        execution = self._executions[slot]
        return execution.hook is None and execution.next_hook is Hook.LOOP

    def _handle_alarms(self, now_ns: int) -> None:
        while (taken := self._scheduler.take_alarm(now_ns)) is not None:
            alarm_ns, slot, alarm = taken
            if alarm is Alarm.GAP_END:
                self._pacer.gap_passed(self._executions[slot], alarm_ns)
            else:
                self._winding.deadline_passed(self._executions[slot], now_ns)

    def _take_turn(self, turn: Turn) -> None:
        execution = self._executions[turn.slot]
        self._trace_dispatch(execution, turn)
        meter = self._meter = execution.caller.meter
        failure = self._create(execution) if execution.instance is None else None
        meter.refill(self._clock.instructions_until(turn.until_ns, execution.uid))
        began_ns = self._clock.now_ns()
        outcome: Outcome = Trapped(INTERRUPTED)
        try:
            outcome = self._resume(execution) if failure is None else failure
        finally:
            # Also on an operator's interrupt, which may have torn the machine in mid-instruction.
            meter.settle()
            self._meter = None
            self._conclude(execution, outcome, self._clock.now_ns() - began_ns)

    def _create(self, execution: Execution) -> Trapped | None:
        """Make the instance; that takes wall time, but is no part of the start hook's."""
        container = execution.container
        try:
            execution.instance = container.runtime.create(
                container.code,
                container.data,
                execution.natives,
                execution.caller.meter,
                self._capacity.runtime,
            )
        except CreationError as error:
            return Trapped(CREATION_FAILED, str(error))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Trapped(RUNTIME_FAILED, type(error).__name__)
        return None

    def _resume(self, execution: Execution) -> Outcome:
        """Let the container run; whatever its runtime does wrong is this container's fault only."""
        instance = execution.instance
        if instance is None:
            return Trapped(RUNTIME_FAILED, "its instance is gone")
        try:
            if execution.hook is None:
                self._begin_hook(execution)
                instance.begin(execution.next_hook)
            outcome = instance.resume()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Trapped(RUNTIME_FAILED, type(error).__name__)
        return checked(outcome, execution.caller.meter)

    def _begin_hook(self, execution: Execution) -> None:
        hook = execution.hook = execution.next_hook
        number = execution.caller.loops_begun if hook is Hook.LOOP else 0
        self._hook_trace.began(execution, hook, number)
        meter = execution.caller.meter
        execution.meter_at_begin = meter.used
        meter.spend(self._scheduling.call_instructions)

    def _conclude(self, execution: Execution, outcome: Outcome, used_ns: int) -> None:
        now_ns = self._clock.now_ns()
        execution.used_ns += used_ns
        execution.container.statistics.execution_ns += used_ns
        if isinstance(outcome, Preempted) and not execution.overran:
            self._scheduler.used(execution.slot, used_ns, now_ns)
        else:
            self._end_hook(execution, outcome, now_ns)

    def _end_hook(self, execution: Execution, outcome: Outcome, now_ns: int) -> None:
        hook = execution.next_hook
        reason = verdict(execution, hook, outcome)
        overran = reason is not None and reason.reason is ExitReason.OVERRUN
        how = "overrun" if overran else "trapped" if isinstance(outcome, Trapped) else "completed"
        if execution.hook is not None:
            self._hook_trace.ended(execution, hook, how, outcome)
        if how != "completed":
            execution.abort_hook()
        elif hook is Hook.LOOP:
            execution.container.statistics.loops += 1
        execution.hook = None
        execution.take_timing(self._scheduler, now_ns)
        if hook is Hook.STOP:
            self._winding.stop_hook_ended(execution, reason)
        elif execution.container.state is not State.RUNNING:
            self._winding.begin_stop(execution, now_ns)
        elif reason is not None:
            by_itself = reason.reason in (ExitReason.RETURNED, ExitReason.LIFETIME)
            event = Event.EXIT if by_itself else Event.FAULT
            self._winding.leave(execution, reason, event, now_ns)
        else:
            self._begin_rest(execution, hook, now_ns)

    def _begin_rest(self, execution: Execution, hook: Hook, now_ns: int) -> None:
        self._plan(execution, Hook.LOOP)
        if hook is Hook.START:
            self._pacer.plan_first(execution, now_ns)
        else:
            self._pacer.plan_next(execution, now_ns)

    def _plan(self, execution: Execution, hook: Hook) -> None:
        limit_ns = execution.plan(hook, self._scheduling.grace_ns)
        self._scheduler.set_limit(execution.slot, limit_ns)

    def _forget(self, execution: Execution) -> None:
        del self._executions[execution.slot]
        if self._dispatched == execution.slot:
            self._dispatched = None

    def _trace_dispatch(self, execution: Execution, turn: Turn) -> None:
        if self._dispatched == turn.slot:
            return
        self._dispatched = turn.slot
        if self._tracer.on:
            late_ns = self._clock.now_ns() - turn.due_ns
            self._tracer.emit(Dispatched(execution.uid, turn.rank, late_ns))
