"""The executor: carries out the scheduler's decisions and draws the conclusions.

    decision -> resume -> charge the clock -> verdict -> what follows

After a hook follows the next loop, or the way out: the hook in progress may end within the grace,
the stop hook runs, descriptors close, the instance is finalized, the reason is kept. Management
only posts; what it posted is settled before the next decision (ADR 5).
"""

from tinycontainer.interfaces.clock import Clock, to_device_ns, to_unix_s
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Completed, Hook, Outcome, Preempted, Trapped
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import RightExpired, TraceEnded
from tinycontainer_tokens import Kind

from ..calls.natives import ContainerNatives
from ..calls.service import Service
from ..calls.started import StartedContainer
from ..containers.container import Container, Exit, ExitReason
from ..containers.controller import Controller
from ..containers.lifecycle import Event, State
from ..containers.limits import Capacity, Scheduling
from .execution import INTERRUPTED, Execution, judge_hook
from .interrupts import Interrupts
from .pacing import Pacer
from .scheduler import Alarm, Scheduler, Turn
from .turn import TurnInProgress


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

    Attributes:
        interrupts: hold the operator's interrupt back until a turn is concluded.
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
        self._turn = TurnInProgress(clock, scheduling.call_instructions)
        self.interrupts = Interrupts(self._turn.cut)

    def settle_meter(self) -> None:
        """Bring the clock up to date with the turn in progress, if there is one."""
        self._turn.settle()

    def recover(self) -> None:
        """Complete what was left by a call that was interrupted, at whatever line (ADR 21).

        What a container is, its condition and its metadata, says what remains to be done. The
        container whose turn was in progress ends as interrupted.
        """
        self._turn.stop_meter()
        self._scheduler.repair()
        self._end_torn_turn()
        for execution in tuple(self._executions.values()):
            if execution.ended:
                self._finalize(execution)
        for container in self._controller.containers():
            self._recover_container(container)
        self._posted = [
            execution
            for execution in self._executions.values()
            if execution.container.state is State.STOPPING
        ]

    def _recover_container(self, container: Container) -> None:
        if container.state in (State.DELETING, State.GONE):
            self._erase(container)
            return
        execution = self._executions.get(container.slot.number)
        if execution is not None:
            self._queue(execution)
        elif container.state is State.RUNNING:
            self.start(container)
        if container.replaced is not None:
            self.complete_reconfiguration(container)
        if execution is not None:
            execution.natives.link()
            self._service.close_expired(container)

    def end_trace(self, reason: str) -> int:
        """Record the hooks in progress and the trace's end; device time of that, in ns."""
        if not self._tracer.on:
            return self._clock.now_ns()
        for _, execution in sorted(self._executions.items()):
            execution.trace_hook_in_progress(self._tracer)
        ended = TraceEnded(reason, 0)
        self._tracer.emit(ended)
        return ended.at_ns

    # What management posts.

    def start(self, container: Container) -> None:
        """Queue a container that has become RUNNING."""
        meter = Meter(self._clock.charge)
        started = StartedContainer(container, meter, self._capacity.records_per_second)
        natives = ContainerNatives(started, self._service, self._scheduling.call_instructions)
        execution = Execution(container, started, natives)
        execution.plan_hook(Hook.START, execution.find_limit_ns(Hook.START, 0))
        statistics = container.statistics
        # One step (ADR 21).
        self._executions[execution.slot], statistics.starts = execution, statistics.starts + 1
        self._queue(execution)

    def _queue(self, execution: Execution) -> None:
        """Let the scheduler know all of a started container."""
        if execution.slot not in self._scheduler:
            priority = execution.container.timing.priority
            self._scheduler.add(execution.slot, priority, self._clock.now_ns())
        self._scheduler.set_limit(execution.slot, execution.left_ns)
        self._watch_expiry(execution)

    def end(self, container: Container) -> None:
        """Erase a container that management has made DELETING; wind down one that is STOPPING.

        Posting again hardens the stop, but the grace counts from the first time.
        """
        if container.state is State.DELETING:
            self._erase(container)
            return
        execution = self._executions[container.slot.number]
        if execution.stop_posted_ns is None:
            execution.stop_posted_ns = self._clock.now_ns()
        self._posted.append(execution)

    def complete_reconfiguration(self, container: Container) -> None:
        """Let new metadata take effect: rights at once, timing from the next hook."""
        if container.replaced is not None:
            self._service.revoke_changed(container, container.replaced)
        execution = self._executions.get(container.slot.number)
        if execution is not None:
            execution.natives.link()
            self._watch_expiry(execution)
            execution.timing_changed = True
            if execution.hook is None:
                execution.take_timing(self._scheduler, self._clock.now_ns())
                grace_ns = self._scheduling.grace_ns
                execution.limit_ns = execution.find_limit_ns(execution.next_hook, grace_ns)
                self._scheduler.set_limit(execution.slot, execution.limit_ns)
        container.replaced = None

    # The loop.

    def run(self, end_ns: int | None) -> None:
        """Run until a device time, or (None) until nothing is started any more."""
        while True:
            now_ns = self._clock.now_ns()
            self._settle_posted(now_ns)
            self._handle_alarms(now_ns)
            self._tracer.raise_failure()
            self.interrupts.deliver()
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
                self.interrupts.deliver_while(self._clock.sleep_until, decision.until_ns)

    def _settle_posted(self, now_ns: int) -> None:
        while self._posted:
            execution = self._posted[0]
            if execution.container.state is State.STOPPING and not execution.ended:
                self._settle_stop(execution, now_ns)
            del self._posted[0]  # only now: an interrupt must not let it be forgotten

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
        while (rung := self._scheduler.find_alarm(now_ns)) is not None:
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
            self._scheduler.clear_alarm(slot, alarm, alarm_ns)

    # What happens when tokens expire while their container is started (TC-TOK-28 to TC-TOK-30).

    def _watch_expiry(self, execution: Execution) -> None:
        """Set the alarm to the earliest expiry that is still to come, or clear it."""
        expiries = execution.container.grant.expiries
        at_ns = to_device_ns(self._epoch_s, expiries[0].at_s) if expiries else None
        self._scheduler.set_alarm(execution.slot, Alarm.EXPIRY, at_ns)

    def _end_expired_rights(self, execution: Execution, now_ns: int) -> None:
        container = execution.container
        left, expired = container.grant.expire(to_unix_s(self._epoch_s, now_ns))
        if self._tracer.on:
            for expiry in expired:
                kind = expiry.kind.name.lower()
                event = RightExpired(container.uid, kind, expiry.endpoint_id, expiry.at_s)
                self._tracer.emit(event)
        kinds = {expiry.kind for expiry in expired}
        # A container that is STOPPING keeps the first reason, and is winding down already.
        if kinds - {Kind.MASK, Kind.ENDPOINT} and container.state is State.RUNNING:
            reason = Exit(ExitReason.EXPIRED)
            container.apply(Event.STOP, self._tracer, str(reason), reason)
            self.end(container)
        # Not before: until then, an interrupt lets the alarm ring again.
        container.grant = left
        if Kind.MASK in kinds:
            execution.natives.link()
        self._watch_expiry(execution)
        # Drivers come last: if an operator interrupts one, the next run settles what is posted.
        if Kind.ENDPOINT in kinds:
            self._service.close_expired(container)
        self._settle_posted(now_ns)

    def _loop_is_next(self, slot: int) -> bool:
        execution = self._executions[slot]
        is_next = execution.hook is None and execution.next_hook is Hook.LOOP
        return is_next and not execution.loop_began

    # One turn.

    def _take_turn(self, turn: Turn) -> None:
        execution = self._executions[turn.slot]
        self._turn.trace_dispatch(execution, turn, self._tracer)
        meter = execution.meter
        self._turn.prepare(meter)
        if self.interrupts.ends_the_run:
            self._turn.cut()
        failure = None
        if execution.instance is None:
            # This takes wall time, but is no part of the start hook's duration (TC-SCHED-15).
            failure = execution.create_instance(self._capacity.runtime)
        self._turn.refill(meter, turn.until_ns)
        # From here on an interrupt may tear the machine in mid-instruction: `recover` ends it then.
        self._turn.begin(execution)
        outcome = self._turn.run(execution, self._tracer) if failure is None else failure
        if self._turn.is_cut and not isinstance(outcome, Completed):
            outcome = Trapped(INTERRUPTED)
        self._turn.stop_meter()
        self._conclude_turn(execution, outcome)
        self._turn.end()

    def _end_torn_turn(self) -> None:
        """End the container whose turn was interrupted, unless its hook is concluded already."""
        execution = self._turn.execution
        if execution is None:
            return
        now_ns, _ = self._turn.account(execution)
        stop_is_next = execution.next_hook is Hook.STOP and execution.hook is None
        if not execution.ended and not stop_is_next:
            self._end_hook(execution, Trapped(INTERRUPTED), now_ns)
        self._turn.end()

    def _conclude_turn(self, execution: Execution, outcome: Outcome) -> None:
        now_ns, used_ns = self._turn.account(execution)
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
        # One step: a stop hook that has ended is not begun again.
        execution.hook, execution.ended = None, hook is Hook.STOP
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
            event = Event.EXIT if by_itself else Event.FAULT
            container.apply(event, self._tracer, str(reason), reason)
            self._begin_stop(execution, now_ns)
        else:
            self._plan_hook(execution, Hook.LOOP)
            if hook is Hook.START:
                self._pacer.plan_first_loop(execution, now_ns)
            else:
                self._pacer.plan_next_loop(execution, now_ns)

    def _plan_hook(self, execution: Execution, hook: Hook) -> None:
        limit_ns = execution.find_limit_ns(hook, self._scheduling.grace_ns)
        self._scheduler.set_limit(execution.slot, limit_ns)
        execution.plan_hook(hook, limit_ns)

    def _begin_stop(self, execution: Execution, now_ns: int) -> None:
        """Let the stop hook run; without an instance there is none."""
        if execution.instance is None:
            self._finalize(execution)
            return
        execution.take_timing(self._scheduler, now_ns)
        limit_ns = execution.find_limit_ns(Hook.STOP, self._scheduling.grace_ns)
        grace_ns = self._scheduling.grace_ns
        # The limit bounds what the hook executes. The deadline bounds how long it may wait as well:
        # a container of low priority may never get the processor (TC-LIFE-11).
        deadline_ns = now_ns + (limit_ns or grace_ns) + grace_ns
        self._scheduler.set_alarm(execution.slot, Alarm.GAP_END, None)
        self._scheduler.set_alarm(execution.slot, Alarm.HOOK_DEADLINE, deadline_ns)
        self._scheduler.wake_at(execution.slot, now_ns)
        # Last: from here on the stop hook counts as begun.
        self._plan_hook(execution, Hook.STOP)

    def _cut_short(self, execution: Execution) -> None:
        execution.trace_hook_end(self._tracer, "aborted")
        execution.abort_hook()

    def _finalize(self, execution: Execution) -> None:
        """Give all back that a start has taken; `recover` repeats it if it is interrupted."""
        container = execution.container
        execution.ended = True
        self._service.close_all(execution.started)
        execution.finalize_instance()
        self._scheduler.remove(execution.slot)
        self._turn.forget(execution)
        if container.state is State.STOPPING:
            container.apply(Event.FINALIZED, self._tracer)
        del self._executions[execution.slot]
        if container.state is State.DELETING:
            self._erase(container)

    def _erase(self, container: Container) -> None:
        """Forget a container; `recover` repeats it if it is interrupted."""
        if container.state is State.DELETING:
            container.apply(Event.ERASED, self._tracer)
        self._service.forget(container.uid)
        self._controller.forget(container)
