"""The executor: carries out the scheduler's decisions and draws the conclusions.

    decision -> resume -> charge the clock -> verdict -> what follows

After a hook follows the next loop, or the way out: the hook in progress may end within the grace,
the stop hook runs, descriptors close, the instance is finalized, the reason is kept. Management
only posts; what it posted is settled before the next decision (ADR 5).
"""

from typing import Final

from tinycontainer.interfaces.clock import Clock, to_unix_s
from tinycontainer.interfaces.runtime import Completed, Hook, Outcome, Preempted, Trapped
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import RightExpired, TraceEnded
from tinycontainer_tokens import Kind

from ..calls.service import Service
from ..containers.container import Exit, ExitReason
from ..containers.controller import Controller
from ..containers.lifecycle import Event, State
from ..containers.limits import Capacity, Scheduling
from .execution import INTERRUPTED, Execution, judge_hook
from .executions import Executions
from .interrupts import Interrupts
from .pacing import Pacer
from .scheduler import Alarm, Scheduler, Turn
from .turn import TurnInProgress

ENDS_BY_ITSELF: Final = frozenset({ExitReason.RETURNED, ExitReason.LIFETIME})
"""Reasons for which a container ends that are no faults."""

NEVER_NS: Final = 1 << 62
"""Later than any device gets: in 146 years."""


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
        started: the started containers.
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
        self._turn = TurnInProgress(clock, scheduling.call_instructions)
        self.started = Executions(
            capacity,
            scheduling,
            epoch_s,
            clock,
            controller,
            service,
            self._scheduler,
            self._turn,
            tracer,
        )
        self.interrupts = Interrupts(self._turn.cut)

    def settle_meter(self) -> None:
        """Bring the clock up to date with the turn in progress, if there is one."""
        self._turn.settle()

    def accounted_until_ns(self, now_ns: int) -> int:
        """See `TurnInProgress.accounted_until_ns`."""
        return self._turn.accounted_until_ns(now_ns)

    @property
    def busy_ns(self) -> int:
        """What all containers have used until then, those that are gone included, in ns."""
        return self._turn.busy_ns

    def recover(self) -> None:
        """Complete what was left by a call that was interrupted, at whatever line (ADR 21).

        What a container is, its condition and its metadata, says what remains to be done. The
        container whose turn was in progress ends as interrupted.
        """
        self._turn.stop_meter()
        self._scheduler.repair()
        self._end_torn_turn()
        self.started.recover()

    def end_trace(self, reason: str) -> int:
        """Record the hooks in progress and the trace's end; device time of that, in ns."""
        if not self._tracer.on:
            return self._clock.now_ns()
        for execution in self.started:
            execution.trace_hook_in_progress(self._tracer)
        ended = TraceEnded(reason, 0)
        self._tracer.emit(ended)
        return ended.at_ns

    # The loop.

    def run(self, end_ns: int | None, *, sleeps: bool = True) -> int | None:
        """Run until a device time, or (None) until nothing is started any more.

        Args:
            end_ns: when to end.
            sleeps: whether to wait for what is due later.

        Returns:
            When something is due next; None if nothing is.
        """
        while True:
            now_ns = self._clock.now_ns()
            self._settle_posted(now_ns)
            self._handle_alarms(now_ns)
            self._tracer.raise_failure()
            if self._controller.journal.is_due(now_ns):
                self.record_what_changed()
            self.interrupts.deliver()
            if end_ns is not None and now_ns >= end_ns:
                return now_ns
            decision = self._scheduler.decide(now_ns, end_ns)
            if isinstance(decision, Turn) and self._loop_is_next(decision.slot):
                # A loop that begins sets an alarm, which may bound the turn.
                self._pacer.begin_loop(self.started[decision.slot], now_ns)
                decision = self._scheduler.decide(now_ns, end_ns)
            if isinstance(decision, Turn):
                self._take_turn(decision)
            elif not sleeps:
                return self._next_due_ns(now_ns)
            elif decision.until_ns is None:
                return None
            else:
                containers = self._controller.containers()
                wake_ns = self._controller.journal.wake_ns(containers, decision.until_ns)
                self.interrupts.deliver_while(self._clock.sleep_until, wake_ns)

    def _next_due_ns(self, now_ns: int) -> int | None:
        decision = self._scheduler.decide(now_ns, None)
        if isinstance(decision, Turn):
            return now_ns
        until_ns = NEVER_NS if decision.until_ns is None else decision.until_ns
        wake_ns = self._controller.journal.wake_ns(self._controller.containers(), until_ns)
        return None if wake_ns == NEVER_NS else wake_ns

    def record_what_changed(self, *, time_too: bool = False) -> None:
        """Let the state know what has changed by itself: ends, and how many loops were made."""
        now_ns = self._clock.now_ns()
        containers = self._controller.containers()
        self._controller.journal.sync(containers, now_ns, time_too=time_too)

    def _settle_posted(self, now_ns: int) -> None:
        while self.started.posted:
            execution = self.started.posted[0]
            if execution.container.state is State.STOPPING and not execution.ended:
                self._settle_stop(execution, now_ns)
            del self.started.posted[0]  # only now: an interrupt must not let it be forgotten

    def _settle_stop(self, execution: Execution, now_ns: int) -> None:
        if execution.container.condition.stop_hook_aborted:
            self._cut_short(execution)
            self.started.finalize(execution)
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
            execution = self.started[slot]
            if alarm is Alarm.GAP_END:
                self._pacer.miss_deadline(execution, alarm_ns)
            elif alarm is Alarm.EXPIRY:
                self._end_expired_rights(execution, now_ns)
            elif alarm is Alarm.CONFIRMATION:
                self.started.undo_replacement(execution.container, "it completed no loop in time")
                self._settle_posted(now_ns)
            elif execution.next_hook is Hook.STOP:
                problem = "the stop hook is out of time"
                execution.container.apply(Event.FAULT, self._tracer, problem)
                self._cut_short(execution)
                self.started.finalize(execution)
            else:
                self._cut_short(execution)
                self._begin_stop(execution, now_ns)
            self._scheduler.clear_alarm(slot, alarm, alarm_ns)

    # What happens when tokens expire while their container is started (TC-TOK-28 to TC-TOK-30).

    def _end_expired_rights(self, execution: Execution, now_ns: int) -> None:
        container = execution.container
        left, expired = container.grant.expire(to_unix_s(self._epoch_s, now_ns))
        for expiry in expired:
            kind = expiry.kind.name.lower()
            self._tracer.mark(RightExpired(container.uid, kind, expiry.endpoint_id, expiry.at_s))
        kinds = {expiry.kind for expiry in expired}
        # A container that is STOPPING keeps the first reason, and is winding down already.
        if kinds - {Kind.MASK, Kind.ENDPOINT} and container.state is State.RUNNING:
            reason = Exit(ExitReason.EXPIRED)
            container.apply(Event.STOP, self._tracer, str(reason), reason)
            self.started.end(container)
        self._controller.journal.require_time()
        # Not before: until then, an interrupt lets the alarm ring again.
        container.grant = left
        if Kind.MASK in kinds:
            execution.natives.link()
        self.started.watch(execution)
        # Drivers come last: if an operator interrupts one, the next run settles what is posted.
        if Kind.ENDPOINT in kinds:
            self._service.close_expired(container)
        self._settle_posted(now_ns)

    def _loop_is_next(self, slot: int) -> bool:
        execution = self.started[slot]
        is_next = execution.hook is None and execution.next_hook is Hook.LOOP
        return is_next and not execution.loop_began

    # One turn.

    def _take_turn(self, turn: Turn) -> None:
        execution = self.started[turn.slot]
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
        execution.measure_memory()
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
            self._confirm(execution, reason)
        # One step: a stop hook that has ended is not begun again.
        execution.hook, execution.ended = None, hook is Hook.STOP
        execution.take_timing(self._scheduler, now_ns)
        self._follow_hook(execution, hook, reason, now_ns)

    def _confirm(self, execution: Execution, reason: Exit | None) -> None:
        """A loop was completed; that is enough, unless it is a fault, or the version has ended."""
        container = execution.container
        is_fault = reason is not None and reason.reason not in ENDS_BY_ITSELF
        # In the grace of a version that has ended a loop can still be completed.
        if not container.is_unconfirmed or is_fault or container.state is not State.RUNNING:
            return
        if self._controller.versions.confirm(container):
            self.started.watch(execution)
        else:
            self.started.end(container)

    # What follows a hook: the next loop, or the way out.

    def _follow_hook(
        self, execution: Execution, hook: Hook, reason: Exit | None, now_ns: int
    ) -> None:
        container = execution.container
        if hook is Hook.STOP:
            if reason is not None:
                container.apply(Event.FAULT, self._tracer, reason.words, reason)
            self.started.finalize(execution)
        elif container.state is not State.RUNNING:
            self._begin_stop(execution, now_ns)
        elif reason is not None:
            event = Event.EXIT if reason.reason in ENDS_BY_ITSELF else Event.FAULT
            container.apply(event, self._tracer, reason.words, reason)
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
            self.started.finalize(execution)
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
