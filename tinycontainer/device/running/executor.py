"""The executor: carries out the scheduler's decisions and draws the conclusions.

    decision -> resume -> charge the clock -> verdict -> what follows

After a hook follows the next loop, or the way out: the hook in progress may end within the grace,
the stop hook runs, descriptors close, the instance is finalized, the reason is kept. Management
only posts; what it posted is settled before the next decision (ADR 5).
"""

from typing import Final

from tinycontainer.interfaces.clock import Clock, to_device_ns, to_unix_s
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Hook, Outcome, Preempted, Trapped
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import Dispatched, RightExpired
from tinycontainer_tokens import Kind

from ..calls.natives import ContainerNatives
from ..calls.service import Service
from ..calls.started import StartedContainer
from ..containers.container import Container, Exit, ExitReason
from ..containers.controller import Controller
from ..containers.lifecycle import Event, State
from ..containers.limits import Capacity, Scheduling
from .execution import INTERRUPTED, Execution, judge_hook
from .pacing import Pacer
from .scheduler import Alarm, Scheduler, Turn

CALLS_PER_STEP: Final = 128
"""As many native calls as fit into a step, at most; each takes about 10 us of the host."""


class Executor:
    """Runs the started containers of a device.

    Args:
        capacity: limits that instances and records obey.
        scheduling: policy, slice, grace, cost of a call.
        epoch_s: Unix seconds at which the clock starts.
        clock: the device's clock.
        controller: forgets a container that is DELETING.
        service: performs system calls.
        tracer: records hooks and decisions.
    """

    def __init__(
        self,
        capacity: Capacity,
        scheduling: Scheduling,
        epoch_s: int,
        clock: Clock,
        controller: Controller,
        service: Service,
        tracer: Tracer,
    ) -> None:
        self._capacity = capacity
        self._scheduling = scheduling
        self._epoch_s = epoch_s
        self._clock = clock
        self._controller = controller
        self._service = service
        self._tracer = tracer
        self._scheduler = Scheduler(scheduling.policy, scheduling.slice_ns)
        self._pacer = Pacer(self._scheduler, tracer)
        self._executions: dict[int, Execution] = {}
        self._posted: list[Execution] = []
        self._dispatched: int | None = None
        self._meter: Meter | None = None

    def settle_meter(self) -> None:
        """Bring the clock up to date with the turn in progress, if there is one."""
        if self._meter is not None:
            self._meter.settle()

    # What management posts.

    def start(self, container: Container) -> None:
        """Queue a container that has become RUNNING."""
        meter = Meter(self._clock.charge)
        started = StartedContainer(container, meter, self._capacity.records_per_second)
        natives = ContainerNatives(started, self._service, self._scheduling.call_instructions)
        execution = Execution(container, started, natives)
        container.statistics.starts += 1
        self._executions[execution.slot] = execution
        self._scheduler.add(execution.slot, container.timing.priority, self._clock.now_ns())
        self._watch_expiry(execution)
        self._plan_hook(execution, Hook.START)

    def end(self, container: Container, reason: Exit) -> None:
        """Erase a container that management has made DELETING; wind down one that is STOPPING.

        Posting again hardens the stop, but the grace counts from the first time.
        """
        if container.state is State.DELETING:
            self._erase(container)
            return
        execution = self._executions[container.slot.number]
        if execution.stop_posted_ns is None:
            execution.stop_posted_ns = self._clock.now_ns()
            if execution.next_hook is not Hook.STOP:
                execution.container.last_exit = reason
        self._posted.append(execution)

    def apply_metadata(self, container: Container) -> None:
        """Apply a started container's new metadata: rights at once, timing from the next hook."""
        execution = self._executions.get(container.slot.number)
        if execution is None:
            return
        execution.natives.link()
        self._watch_expiry(execution)
        execution.timing_changed = True
        if execution.hook is None:
            execution.take_timing(self._scheduler, self._clock.now_ns())
            self._plan_hook(execution, execution.next_hook)

    # The loop.

    def run(self, end_ns: int | None) -> None:
        """Run until a time, or until nothing is started any more.

        Args:
            end_ns: device time; None for no end.
        """
        while True:
            now_ns = self._clock.now_ns()
            self._settle_posted(now_ns)
            self._handle_alarms(now_ns)
            self._tracer.raise_failure()
            if end_ns is not None and now_ns >= end_ns:
                return
            decision = self._scheduler.decide(now_ns, end_ns)
            if isinstance(decision, Turn) and self._loop_is_next(decision.slot):
                # A loop that begins sets an alarm, which may bound the turn.
                self._pacer.begin_loop(self._executions[decision.slot], now_ns)
                decision = self._scheduler.decide(now_ns, end_ns)
            if isinstance(decision, Turn):
                self._take_turn(decision)
            elif decision.until_ns is None:
                return
            else:
                self._clock.sleep_until(decision.until_ns)

    def _settle_posted(self, now_ns: int) -> None:
        posted, self._posted = self._posted, []
        for execution in posted:
            if execution.container.state is State.STOPPING:
                self._settle_stop(execution, now_ns)

    def _settle_stop(self, execution: Execution, now_ns: int) -> None:
        if execution.container.condition.stop_hook_aborted:
            self._cut_short(execution)
            self._finalize(execution)
        elif execution.next_hook is Hook.STOP:
            return  # it is winding down already
        elif execution.hook is None:
            self._begin_stop(execution, now_ns)
        else:
            self._scheduler.set_alarm(execution.slot, Alarm.GAP_END, None)
            posted_ns = now_ns if execution.stop_posted_ns is None else execution.stop_posted_ns
            deadline_ns = posted_ns + self._scheduling.grace_ns
            self._scheduler.set_alarm(execution.slot, Alarm.HOOK_DEADLINE, deadline_ns)

    def _handle_alarms(self, now_ns: int) -> None:
        while (rung := self._scheduler.take_alarm(now_ns)) is not None:
            alarm_ns, slot, alarm = rung
            execution = self._executions[slot]
            if alarm is Alarm.GAP_END:
                self._pacer.miss_deadline(execution, alarm_ns)
            elif alarm is Alarm.EXPIRY:
                self._end_expired_rights(execution, now_ns)
            elif execution.next_hook is Hook.STOP:
                problem = "the stop hook is out of time"
                execution.container.apply(Event.FAULT, self._tracer, problem)
                self._cut_short(execution)
                self._finalize(execution)
            else:
                self._cut_short(execution)
                self._begin_stop(execution, now_ns)

    # What happens when tokens expire while their container is started (TC-TOK-28 to TC-TOK-30).

    def _watch_expiry(self, execution: Execution) -> None:
        """Set the alarm to the earliest expiry that is still to come, or clear it."""
        expiries = execution.container.grant.expiries
        at_ns = to_device_ns(self._epoch_s, expiries[0].at_s) if expiries else None
        self._scheduler.set_alarm(execution.slot, Alarm.EXPIRY, at_ns)

    def _end_expired_rights(self, execution: Execution, now_ns: int) -> None:
        container = execution.container
        container.grant, expired = container.grant.expire(to_unix_s(self._epoch_s, now_ns))
        self._watch_expiry(execution)
        if self._tracer.on:
            for expiry in expired:
                kind = expiry.kind.name.lower()
                event = RightExpired(container.uid, kind, expiry.endpoint_id, expiry.at_s)
                self._tracer.emit(event)
        kinds = {expiry.kind for expiry in expired}
        if Kind.MASK in kinds:
            execution.natives.link()
        # A container that is STOPPING keeps the first reason, and is winding down already.
        if kinds - {Kind.MASK, Kind.ENDPOINT} and container.state is State.RUNNING:
            reason = Exit(ExitReason.EXPIRED)
            container.apply(Event.STOP, self._tracer, str(reason))
            self.end(container, reason)
        # Drivers come last: if an operator interrupts one, the next run settles what is posted.
        if Kind.ENDPOINT in kinds:
            self._service.close_expired(container)
        self._settle_posted(now_ns)

    def _loop_is_next(self, slot: int) -> bool:
        execution = self._executions[slot]
        return execution.hook is None and execution.next_hook is Hook.LOOP

    # One turn.

    def _take_turn(self, turn: Turn) -> None:
        execution = self._executions[turn.slot]
        self._trace_dispatch(execution, turn)
        meter = self._meter = execution.meter
        failure = None
        if execution.instance is None:
            # This takes wall time, but is no part of the start hook's duration (TC-SCHED-15).
            failure = execution.create_instance(self._capacity.runtime)
        meter.refill(self._clock.begin_turn(turn.until_ns, self._step_of(meter)))
        began_ns = self._clock.now_ns()
        outcome: Outcome = Trapped(INTERRUPTED)
        try:
            outcome = self._run_steps(execution) if failure is None else failure
        finally:
            # Also on an operator's interrupt, which may have torn the machine in mid-instruction.
            meter.settle()
            self._meter = None
            self._conclude_turn(execution, outcome, self._clock.now_ns() - began_ns)

    def _run_steps(self, execution: Execution) -> Outcome:
        call_instructions = self._scheduling.call_instructions
        outcome = execution.resume(call_instructions, self._tracer)
        while isinstance(outcome, Preempted):
            more = self._clock.extend_turn(self._step_of(execution.meter))
            if not more:
                break
            execution.meter.extend(more)
            outcome = execution.resume(call_instructions, self._tracer)
        return outcome

    def _step_of(self, meter: Meter) -> int:
        """A runtime cannot know how cheap this device makes its calls, which all take host time."""
        calls = CALLS_PER_STEP * self._scheduling.call_instructions
        return min(meter.step_instructions, calls)

    def _conclude_turn(self, execution: Execution, outcome: Outcome, used_ns: int) -> None:
        now_ns = self._clock.now_ns()
        execution.used_ns += used_ns
        execution.container.statistics.execution_ns += used_ns
        if isinstance(outcome, Preempted) and not execution.overran:
            self._scheduler.charge_turn(execution.slot, used_ns, now_ns)
        else:
            self._end_hook(execution, outcome, now_ns)

    def _end_hook(self, execution: Execution, outcome: Outcome, now_ns: int) -> None:
        hook = execution.next_hook
        reason = judge_hook(execution, hook, outcome)
        overran = reason is not None and reason.reason is ExitReason.OVERRUN
        how = "overrun" if overran else "trapped" if isinstance(outcome, Trapped) else "completed"
        execution.trace_hook_end(self._tracer, how, outcome)
        if how != "completed":
            execution.abort_hook()
        elif hook is Hook.LOOP:
            execution.container.statistics.loops += 1
        execution.hook = None
        execution.take_timing(self._scheduler, now_ns)
        self._follow_hook(execution, hook, reason, now_ns)

    # What follows a hook: the next loop, or the way out.

    def _follow_hook(
        self, execution: Execution, hook: Hook, reason: Exit | None, now_ns: int
    ) -> None:
        container = execution.container
        if hook is Hook.STOP:
            if reason is not None:
                container.apply(Event.FAULT, self._tracer, str(reason))
            self._finalize(execution)
        elif container.state is not State.RUNNING:
            self._begin_stop(execution, now_ns)
        elif reason is not None:
            by_itself = reason.reason in (ExitReason.RETURNED, ExitReason.LIFETIME)
            container.last_exit = reason
            container.apply(Event.EXIT if by_itself else Event.FAULT, self._tracer, str(reason))
            self._begin_stop(execution, now_ns)
        else:
            self._plan_hook(execution, Hook.LOOP)
            if hook is Hook.START:
                self._pacer.plan_first_loop(execution, now_ns)
            else:
                self._pacer.plan_next_loop(execution, now_ns)

    def _plan_hook(self, execution: Execution, hook: Hook) -> int | None:
        limit_ns = execution.plan_hook(hook, self._scheduling.grace_ns)
        self._scheduler.set_limit(execution.slot, limit_ns)
        return limit_ns

    def _begin_stop(self, execution: Execution, now_ns: int) -> None:
        """Let the stop hook run; without an instance there is none."""
        if execution.instance is None:
            self._finalize(execution)
            return
        execution.take_timing(self._scheduler, now_ns)
        limit_ns = self._plan_hook(execution, Hook.STOP)
        grace_ns = self._scheduling.grace_ns
        # The limit bounds what the hook executes. The deadline bounds how long it may wait as well:
        # a container of low priority may never get the processor (TC-LIFE-11).
        deadline_ns = now_ns + (limit_ns or grace_ns) + grace_ns
        self._scheduler.set_alarm(execution.slot, Alarm.GAP_END, None)
        self._scheduler.set_alarm(execution.slot, Alarm.HOOK_DEADLINE, deadline_ns)
        self._scheduler.wake_at(execution.slot, now_ns)

    def _cut_short(self, execution: Execution) -> None:
        execution.trace_hook_end(self._tracer, "aborted")
        execution.abort_hook()

    def _finalize(self, execution: Execution) -> None:
        container = execution.container
        self._service.close_all(execution.started)
        execution.finalize_instance()
        self._scheduler.remove(execution.slot)
        del self._executions[execution.slot]
        if self._dispatched == execution.slot:
            self._dispatched = None
        container.apply(Event.FINALIZED, self._tracer)
        if container.state is State.DELETING:
            self._erase(container)

    def _erase(self, container: Container) -> None:
        self._controller.erase(container)
        self._service.forget(container.uid)

    def _trace_dispatch(self, execution: Execution, turn: Turn) -> None:
        if self._dispatched == turn.slot:
            return
        self._dispatched = turn.slot
        if self._tracer.on:
            late_ns = self._clock.now_ns() - turn.due_ns
            self._tracer.emit(Dispatched(execution.uid, turn.rank, late_ns))
