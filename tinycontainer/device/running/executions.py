"""The started containers: how each comes, what is watched of it, and how it goes.

A start gets an execution, and a finalized one gives all back that it has taken. What is erased may
make room for another version. Who of them runs is the executor's (ADR 5, ADR 26).
"""

from collections.abc import Iterator
from contextlib import suppress

from tinycontainer.errors import LoadError
from tinycontainer.interfaces.clock import Clock, to_device_ns
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Hook
from tinycontainer.trace import Tracer

from ..calls.natives import ContainerNatives
from ..calls.service import Service
from ..calls.started import StartedContainer
from ..containers.container import Container, Exit, ExitReason, JointChange
from ..containers.controller import Controller
from ..containers.lifecycle import Event, State
from ..containers.limits import Capacity, Scheduling
from .execution import Execution
from .scheduler import Alarm, Scheduler
from .turn import TurnInProgress


class Executions:
    """The started containers of a device.

    Args:
        capacity: limits that records obey.
        scheduling: grace, cost of a call.
        epoch_s: Unix seconds at which the clock starts.
        clock: the device's clock.
        controller: forgets a container that is DELETING.
        service: performs system calls.
        scheduler: gets to know each.
        turn: that in progress.
        tracer: records what happens.

    Attributes:
        posted: those that management has ended, until the loop has settled them.
    """

    def __init__(
        self,
        capacity: Capacity,
        scheduling: Scheduling,
        epoch_s: int,
        clock: Clock,
        controller: Controller,
        service: Service,
        scheduler: Scheduler,
        turn: TurnInProgress,
        tracer: Tracer,
    ) -> None:
        self._capacity = capacity
        self._scheduling = scheduling
        self._epoch_s = epoch_s
        self._clock = clock
        self._controller = controller
        self._service = service
        self._scheduler = scheduler
        self._turn = turn
        self._tracer = tracer
        self._executions: dict[int, Execution] = {}
        self.posted: list[Execution] = []
        self._winds_down = False

    def __getitem__(self, slot: int) -> Execution:
        """The execution of the container in a slot.

        Raises:
            KeyError: it is not started.
        """
        return self._executions[slot]

    def __iter__(self) -> Iterator[Execution]:
        """All of them, by slot."""
        return iter([execution for _, execution in sorted(self._executions.items())])

    def recover(self) -> None:
        """Complete what was left by a call that was interrupted, at whatever line (ADR 21)."""
        for execution in self:
            if execution.ended:
                self.finalize(execution)
        for container in self._controller.containers():
            self._recover_container(container)
        stopping = State.STOPPING
        self.posted = [each for each in self if each.container.state is stopping]

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
        if container.succession is not None:
            self.succeed(container)

    def start(self, container: Container) -> None:
        """Queue a container that has become RUNNING."""
        meter = Meter(self._clock.charge)
        started = StartedContainer(container, meter, self._capacity.records_per_second)
        natives = ContainerNatives(started, self._service, self._scheduling.call_instructions)
        execution = Execution(container, started, natives)
        execution.plan_hook(Hook.START, execution.find_limit_ns(Hook.START, 0))
        statistics, succession = container.statistics, container.succession
        resumes = succession is not None and succession.resumes
        loops_begun = container.loops_begun if resumes else 0
        # One step (ADR 21).
        self._executions[execution.slot], statistics.starts, container.loops_begun = (
            execution,
            statistics.starts + 1,
            loops_begun,
        )
        self._queue(execution)

    def _queue(self, execution: Execution) -> None:
        """Let the scheduler know all of a started container."""
        if execution.slot not in self._scheduler:
            priority = execution.container.timing.priority
            self._scheduler.add(execution.slot, priority, self._clock.now_ns())
        self._scheduler.set_limit(execution.slot, execution.left_ns)
        self.watch(execution)

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
        self.posted.append(execution)

    def wind_down(self) -> None:
        """Let all that run end, for a reason that lets them start again after a boot.

        What has yet to be started because it takes the place of another waits for that boot too.
        """
        self._winds_down = True
        reason = Exit(ExitReason.INTERRUPTED)
        for execution in tuple(self):
            if execution.container.state is State.RUNNING:
                execution.container.apply(Event.STOP, self._tracer, str(reason), reason)
                self.end(execution.container)

    def complete_reconfiguration(self, container: Container) -> None:
        """Let new metadata take effect: rights at once, timing from the next hook."""
        if container.replaced is not None:
            self._service.revoke_changed(container, container.replaced)
        execution = self._executions.get(container.slot.number)
        if execution is not None:
            execution.natives.link()
            self.watch(execution)
            execution.timing_changed = True
            if execution.hook is None:
                execution.take_timing(self._scheduler, self._clock.now_ns())
                grace_ns = self._scheduling.grace_ns
                execution.limit_ns = execution.find_limit_ns(execution.next_hook, grace_ns)
                self._scheduler.set_limit(execution.slot, execution.limit_ns)
        container.replaced = None

    def watch(self, execution: Execution) -> None:
        """Set the alarms to the next expiry of a token and to a confirmation that is due."""
        container = execution.container
        expiries = container.grant.expiries
        at_ns = to_device_ns(self._epoch_s, expiries[0].at_s) if expiries else None
        self._scheduler.set_alarm(execution.slot, Alarm.EXPIRY, at_ns)
        succession = container.succession
        deadline_ns = None if succession is None else succession.deadline_ns
        self._scheduler.set_alarm(execution.slot, Alarm.CONFIRMATION, deadline_ns)

    def finalize(self, execution: Execution) -> None:
        """Give all back that a start has taken; `recover` repeats it if it is interrupted."""
        container = execution.container
        execution.ended = True
        self._service.close_all(execution.started)
        execution.finalize_instance()
        self._scheduler.remove(execution.slot)
        self._turn.forget(execution)
        if container.state is State.STOPPING:
            container.apply(Event.FINALIZED, self._tracer)
        if container.last_exit is not None and not container.last_exit.was_requested:
            self._controller.journal.is_behind = True
        del self._executions[execution.slot]
        if container.state is State.READY:
            self.undo_replacement(container, "it ended before it completed a loop")
        elif container.state is State.DELETING:
            self._erase(container)

    def _erase(self, container: Container) -> None:
        """Forget a container; `recover` repeats it if it is interrupted."""
        if container.state is State.DELETING:
            container.apply(Event.ERASED, self._tracer)
        self._service.forget(container.uid)
        self._controller.forget(container)
        if container.successor is not None:
            self.succeed(container.successor)
        self._end_waiting()

    # One version in the place of another (TC-LOAD-16 to TC-LOAD-18).

    def succeed_together(self, joint: JointChange) -> None:
        """Do what can be done for those that come, where their slots are free already."""
        for container in joint.coming:
            if self._controller.find(container.uid) is container:
                self.succeed(container)

    def _end_waiting(self) -> None:
        """One is gone: start those that waited for it alone, however it was deleted."""
        for container in self._controller.containers():
            succession = container.succession
            if succession is not None and succession.joint is not None:
                self.succeed_together(succession.joint)

    def succeed(self, container: Container) -> None:
        """Do what is left for a container that took the place of another, or was restored."""
        self._controller.announce(container)
        succession = container.succession
        if succession is None or container.waits_for_others:
            return  # the last one that leaves lets it start
        if succession.starts and self._winds_down:
            return
        if succession.starts:
            if container.state is State.READY:
                with suppress(LoadError):  # a token has expired meanwhile; an event says so
                    self.start(self._controller.start(container.uid))
            container.succession = succession.begun(self._clock.now_ns())
            if not container.is_unconfirmed:
                self._controller.journal.is_behind = True
        execution = self._executions.get(container.slot.number)
        if execution is not None:
            self.watch(execution)
        elif container.state is State.READY:
            self.undo_replacement(container, "it did not start")

    def undo_replacement(self, container: Container, problem: str) -> None:
        """Let the version of before come back, unless both are deleted or it comes already."""
        if container.is_unconfirmed and not container.condition.delete_pending:
            self._controller.versions.undo(container, problem)
            self.end(container)
