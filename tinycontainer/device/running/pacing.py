"""Pacing: when a container's next loop is due, and by when it has to have begun.

`plan_wakeup` and `gap_end_ns` are the rules (TC-SCHED-08 to TC-SCHED-10), as pure functions;
`Pacer` applies them to executions.
"""

from dataclasses import dataclass

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.metadata import Timing
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import DeadlineMissed, PeriodsSkipped

from .execution import Execution
from .scheduler import Alarm, Scheduler


@dataclass(frozen=True, slots=True)
class WakeUp:
    """The next planned loop.

    Attributes:
        at_ns: when it is due.
        skipped: planned wake-ups that passed meanwhile and are not made up.
    """

    at_ns: int
    skipped: int


def plan_wakeup(planned_ns: int, period_ns: int, now_ns: int) -> WakeUp:
    """Plan the loop after the one that has just ended.

    Args:
        planned_ns: when the ended loop was planned.
        period_ns: 0: due at once.
        now_ns: when the loop ended.
    """
    if period_ns == 0:
        return WakeUp(now_ns, 0)
    at_ns = planned_ns + period_ns
    if at_ns >= now_ns:
        return WakeUp(at_ns, 0)
    return WakeUp(now_ns, (now_ns - at_ns - 1) // period_ns + 1)


def gap_end_ns(from_ns: int, period_ns: int, period_max_ns: int) -> int | None:
    """The latest moment at which a loop begins in time.

    Args:
        from_ns: when the loop is planned; with a longest gap, when the loop before it began.
        period_ns: without a longest gap the loop has until the wake-up after its own.
        period_max_ns: longest gap; 0: none is set.

    Returns:
        None if there is no such moment.
    """
    allowance_ns = period_max_ns or period_ns
    return from_ns + allowance_ns if allowance_ns else None


class Pacer:
    """Plans loops with the scheduler.

    Args:
        scheduler: takes wake-ups and alarms.
        tracer: records skipped periods and missed deadlines.
    """

    def __init__(self, scheduler: Scheduler, tracer: Tracer) -> None:
        self._scheduler = scheduler
        self._tracer = tracer

    def plan_first_loop(self, execution: Execution, now_ns: int) -> None:
        """Plan the first loop: it is due when the start hook has ended."""
        execution.planned_ns = now_ns
        self._scheduler.wake_at(execution.slot, now_ns)
        self._watch_gap(execution, now_ns)

    def plan_next_loop(self, execution: Execution, now_ns: int) -> None:
        """Plan the loop after the one that has ended, from when that one was planned."""
        period_ns = _period_ns(execution.container.timing)
        wake_up = plan_wakeup(execution.planned_ns, period_ns, now_ns)
        execution.planned_ns = wake_up.at_ns
        if wake_up.skipped:
            execution.container.statistics.skipped_periods += wake_up.skipped
            if self._tracer.on:
                self._tracer.emit(PeriodsSkipped(execution.uid, wake_up.skipped))
        self._scheduler.wake_at(execution.slot, wake_up.at_ns)

    def begin_loop(self, execution: Execution, now_ns: int) -> None:
        """Record that a loop begins with the turn that follows."""
        timing = execution.container.timing
        # A longest gap counts from this loop's beginning; without one the next loop's plan counts.
        if timing.period_max_ms:
            self._watch_gap(execution, now_ns)
        else:
            next_loop = plan_wakeup(execution.planned_ns, _period_ns(timing), now_ns)
            self._watch_gap(execution, next_loop.at_ns)
        started = execution.started
        started.watchdog.begin_loop()
        # One step: an interrupt must not let a loop be counted twice.
        container = execution.container
        execution.loop_began, container.loops_begun = True, container.loops_begun + 1

    def miss_deadline(self, execution: Execution, alarm_ns: int) -> None:
        """Record that the next loop has not begun in time."""
        # The alarm is cleared in the same step: an interrupt must not let it be counted twice.
        execution.container.statistics.deadline_misses += self._scheduler.clear_alarm(
            execution.slot, Alarm.GAP_END, alarm_ns
        )
        if self._tracer.on:
            self._tracer.emit(DeadlineMissed(execution.uid, alarm_ns - 1))

    def _watch_gap(self, execution: Execution, from_ns: int) -> None:
        timing = execution.container.timing
        gap_ns = gap_end_ns(from_ns, _period_ns(timing), timing.period_max_ms * NS_PER_MS)
        # A loop that begins at the very end of the gap is in time.
        alarm_ns = None if gap_ns is None else gap_ns + 1
        self._scheduler.set_alarm(execution.slot, Alarm.GAP_END, alarm_ns)


def _period_ns(timing: Timing) -> int:
    return timing.period_ms * NS_PER_MS
