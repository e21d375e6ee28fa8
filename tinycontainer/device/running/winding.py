"""Winding down: the way of a container from RUNNING to READY, or out of the device.

The hook in progress may end within the grace, the stop hook runs, descriptors close, the instance
is finalized, the reason is kept.
"""

from collections.abc import Callable

from tinycontainer.interfaces.clock import Clock
from tinycontainer.interfaces.runtime import Hook
from tinycontainer.trace import Tracer

from ..calls.service import Service
from ..containers.container import Container, Exit
from ..containers.lifecycle import Event, State
from .execution import Execution
from .hook_trace import HookTrace
from .scheduler import Alarm, Scheduler


class WindDown:
    """Brings started containers to their end.

    Args:
        scheduler: takes the stop hook and its deadlines.
        service: closes descriptors.
        clock: the device's clock.
        tracer: hears of transitions.
        hook_trace: hears of hooks that are cut short.
        grace_ns: how long a hook in progress may go on; also the cap of the stop hook.
        forget: takes an execution out of the executor.
        erase: forgets a container that is DELETING.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        service: Service,
        clock: Clock,
        tracer: Tracer,
        hook_trace: HookTrace,
        grace_ns: int,
        forget: Callable[[Execution], None],
        erase: Callable[[Container], None],
    ) -> None:
        self._scheduler, self._service, self._clock = scheduler, service, clock
        self._tracer, self._hook_trace, self._grace_ns = tracer, hook_trace, grace_ns
        self._forget, self._erase = forget, erase
        self._posted: list[Execution] = []

    def post(self, execution: Execution, reason: Exit) -> None:
        """Management has made a container STOPPING, or hardened its stop; settled later."""
        if execution.stop_posted_ns is None:
            execution.stop_posted_ns = self._clock.now_ns()
            if execution.next_hook is not Hook.STOP:
                execution.container.last_exit = reason
        self._posted.append(execution)

    def settle(self, now_ns: int) -> None:
        """Do what management has posted."""
        posted, self._posted = self._posted, []
        for execution in posted:
            if execution.container.state is State.STOPPING:
                self._settle_one(execution, now_ns)

    def leave(self, execution: Execution, reason: Exit, event: Event, now_ns: int) -> None:
        """A container leaves RUNNING by its own doing, between two hooks."""
        execution.container.last_exit = reason
        execution.container.apply(event, self._tracer, str(reason))
        self.begin_stop(execution, now_ns)

    def begin_stop(self, execution: Execution, now_ns: int) -> None:
        """Let the stop hook run; without an instance there is none."""
        if execution.instance is None:
            self._finalize(execution)
            return
        execution.take_timing(self._scheduler, now_ns)
        limit_ns = execution.plan(Hook.STOP, self._grace_ns)
        self._scheduler.set_limit(execution.slot, limit_ns)
        self._scheduler.set_alarm(execution.slot, Alarm.GAP_END, None)
        self._scheduler.set_alarm(
            execution.slot,
            Alarm.HOOK_DEADLINE,
            now_ns + (limit_ns or self._grace_ns) + self._grace_ns,
        )
        self._scheduler.wake_at(execution.slot, now_ns)

    def stop_hook_ended(self, execution: Execution, fault: Exit | None) -> None:
        """The stop hook has completed, or broken by its own fault."""
        if fault is not None:
            execution.container.apply(Event.FAULT, self._tracer, str(fault))
        self._finalize(execution)

    def deadline_passed(self, execution: Execution, now_ns: int) -> None:
        """The grace of a hook in progress, or the time of the stop hook, is over."""
        if execution.next_hook is Hook.STOP:
            execution.container.apply(Event.FAULT, self._tracer, "the stop hook is out of time")
            self._cut_short(execution)
            self._finalize(execution)
        else:
            self._cut_short(execution)
            self.begin_stop(execution, now_ns)

    def _settle_one(self, execution: Execution, now_ns: int) -> None:
        if execution.container.condition.stop_hook_aborted:
            self._cut_short(execution)
            self._finalize(execution)
        elif execution.next_hook is Hook.STOP:
            return  # it is winding down already
        elif execution.hook is None:
            self.begin_stop(execution, now_ns)
        else:
            self._scheduler.set_alarm(execution.slot, Alarm.GAP_END, None)
            posted_ns = now_ns if execution.stop_posted_ns is None else execution.stop_posted_ns
            self._scheduler.set_alarm(
                execution.slot, Alarm.HOOK_DEADLINE, posted_ns + self._grace_ns
            )

    def _cut_short(self, execution: Execution) -> None:
        if execution.hook is not None:
            self._hook_trace.ended(execution, execution.hook, "aborted")
        execution.abort_hook()

    def _finalize(self, execution: Execution) -> None:
        container = execution.container
        self._service.stopped(execution.caller)
        execution.give_back()
        self._scheduler.remove(execution.slot)
        self._forget(execution)
        container.apply(Event.FINALIZED, self._tracer)
        if container.state is State.DELETING:
            self._erase(container)
