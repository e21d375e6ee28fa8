"""Pacing: when a container's next loop is due, and the watch over gaps that grow too long."""

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import DeadlineMissed, PeriodsSkipped

from .execution import Execution
from .scheduler import Alarm, Scheduler, gap_ends_ns, next_wakeup


class Pacer:
    """Plans loops with the scheduler.

    Args:
        scheduler: takes wake-ups and alarms.
        tracer: hears of skipped periods and missed deadlines.
    """

    def __init__(self, scheduler: Scheduler, tracer: Tracer) -> None:
        self._scheduler, self._tracer = scheduler, tracer

    def plan_first(self, execution: Execution, now_ns: int) -> None:
        """The start hook has ended: the first loop is due."""
        execution.planned_ns = now_ns
        self._scheduler.wake_at(execution.slot, now_ns)
        timing = execution.container.timing
        period_ns, period_max_ns = timing.period_ms * NS_PER_MS, timing.period_max_ms * NS_PER_MS
        self._set_gap_end(execution, gap_ends_ns(now_ns, period_ns, period_max_ns))

    def plan_next(self, execution: Execution, now_ns: int) -> None:
        """A loop has ended: plan the next from when this one was planned."""
        period_ns = execution.container.timing.period_ms * NS_PER_MS
        wake_up = next_wakeup(execution.planned_ns, period_ns, now_ns)
        execution.planned_ns = wake_up.at_ns
        if wake_up.skipped:
            execution.container.statistics.skipped_periods += wake_up.skipped
            if self._tracer.on:
                self._tracer.emit(PeriodsSkipped(execution.uid, wake_up.skipped))
        self._scheduler.wake_at(execution.slot, wake_up.at_ns)

    def loop_begins(self, execution: Execution, now_ns: int) -> None:
        """A loop begins with the turn that is about to be taken."""
        execution.caller.loops_begun += 1
        execution.caller.watchdog.loop_begins()
        timing = execution.container.timing
        period_ns, period_max_ns = timing.period_ms * NS_PER_MS, timing.period_max_ms * NS_PER_MS
        # A longest gap counts from this loop's beginning; without one the next loop's plan counts.
        next_ns = next_wakeup(execution.planned_ns, period_ns, now_ns).at_ns
        from_ns = now_ns if period_max_ns else next_ns
        self._set_gap_end(execution, gap_ends_ns(from_ns, period_ns, period_max_ns))

    def gap_passed(self, execution: Execution, alarm_ns: int) -> None:
        """The next loop has not begun in time."""
        execution.container.statistics.deadline_misses += 1
        if self._tracer.on:
            self._tracer.emit(DeadlineMissed(execution.uid, alarm_ns - 1))

    def _set_gap_end(self, execution: Execution, gap_ns: int | None) -> None:
        # A loop that begins at the very end of the gap is in time.
        alarm_ns = None if gap_ns is None else gap_ns + 1
        self._scheduler.set_alarm(execution.slot, Alarm.GAP_END, alarm_ns)
