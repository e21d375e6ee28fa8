"""The scheduler: decides who runs next and for how long. It never runs anything.

It speaks of slots, ranks and nanoseconds only. Equals are served first due, first served, ties by
slot; becoming due or using up a slice joins the tail; preemption by a better rank keeps the head
and what is left of the slice. A decision takes O(log n) and changes nothing that a second one would
see.
"""

from collections import deque
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from ..containers.limits import DEFAULT_SLICE_NS, Policy
from .time_queue import TimeQueue


class Bound(StrEnum):
    """What ends a turn at the latest."""

    SLICE = "slice"
    HOOK_LIMIT = "hook-limit"
    BETTER_RANK = "better-rank"
    ALARM = "alarm"
    RUN_END = "run-end"


class Alarm(IntEnum):
    """What a container is to be looked at for, whether it runs or not."""

    HOOK_DEADLINE = 0
    """The hook in progress, or the pending stop hook, has to have ended."""
    GAP_END = 1
    """The next loop has to have begun."""
    EXPIRY = 2
    """A token of the container expires."""
    CONFIRMATION = 3
    """The container has to have completed a loop, or the version of before comes back."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A decision that a container runs.

    Attributes:
        slot: which container.
        rank: its rank; lower is better.
        until_ns: when its turn ends at the latest.
        bound: what ends it then.
        due_ns: since when the container waits: since it was due, or since its last turn ended.
    """

    slot: int
    rank: int
    until_ns: int
    bound: Bound
    due_ns: int


@dataclass(frozen=True, slots=True)
class Idle:
    """A decision that nobody runs.

    Attributes:
        until_ns: when to ask again; None if nothing is ever going to happen.
    """

    until_ns: int | None


@dataclass(slots=True)
class _Task:
    rank: int
    due_ns: int
    slice_left_ns: int
    limit_left_ns: int | None = None
    asleep: bool = False


class Scheduler:
    """Ready queues, sleepers and alarms of the started containers.

    Args:
        policy: how containers are ranked.
        slice_ns: how long a container runs before an equal has its turn.

    Raises:
        ValueError: the slice is not positive.
    """

    def __init__(self, policy: Policy = Policy.PRIORITY, slice_ns: int = DEFAULT_SLICE_NS) -> None:
        if slice_ns < 1:
            raise ValueError(f"a slice is at least 1 ns, not {slice_ns}")
        self._policy = policy
        self._slice_ns = slice_ns
        self._tasks: dict[int, _Task] = {}
        self._ready: dict[int, deque[int]] = {}
        self._sleepers: dict[int, TimeQueue[int]] = {}
        self._ranks: list[int] = []  # those in use, best first
        self._alarms: TimeQueue[tuple[int, int]] = TimeQueue()

    def __len__(self) -> int:
        """Containers that are started."""
        return len(self._tasks)

    @property
    def entries(self) -> int:
        """Entries in all queues together, for those who check that they stay few."""
        queued = sum(map(len, self._ready.values()))
        return queued + self._alarms.entries + sum(q.entries for q in self._sleepers.values())

    def add(self, slot: int, priority: int, now_ns: int) -> None:
        """Take a container in; it is due now."""
        self._tasks[slot] = _Task(self._rank_of(priority), now_ns, self._slice_ns)
        self.wake_at(slot, now_ns)

    def remove(self, slot: int) -> None:
        """Forget a container with its alarms, if it is there."""
        if slot in self._tasks:
            self._dequeue(slot)
            del self._tasks[slot]
        for alarm in Alarm:
            self._alarms.drop((slot, alarm))

    def repair(self) -> None:
        """Bring the queues in step with the tasks, after an interrupt in mid-change (ADR 21).

        A container that is in no queue sleeps until it is due; whoever is in one keeps the place.
        """
        self._alarms.repair()
        for rank, ready in self._ready.items():
            awake = (slot for slot in ready if self._is_awake(slot, rank))
            self._ready[rank] = deque(dict.fromkeys(awake))
            sleepers: TimeQueue[int] = TimeQueue()
            for slot, task in self._tasks.items():
                if task.rank == rank and slot not in self._ready[rank]:
                    task.asleep = True
                    sleepers.put(slot, task.due_ns)
            self._sleepers[rank] = sleepers
        self._ranks = sorted(self._ready)

    def __contains__(self, slot: int) -> bool:
        return slot in self._tasks

    def wake_at(self, slot: int, due_ns: int) -> None:
        """Let a container sleep until it is due; then it joins the tail."""
        self._dequeue(slot)
        task = self._tasks[slot]
        task.asleep = True
        task.due_ns = due_ns
        self._sleepers[task.rank].put(slot, due_ns)

    def charge_turn(self, slot: int, used_ns: int, now_ns: int) -> None:
        """Charge a container for a turn that has ended, while its hook has not."""
        task = self._tasks[slot]
        task.slice_left_ns -= used_ns
        task.due_ns = now_ns
        if task.limit_left_ns is not None:
            task.limit_left_ns -= used_ns
        if task.slice_left_ns <= 0:
            self._wake(now_ns)
            self._dequeue(slot)
            task.slice_left_ns = self._slice_ns
            self._ready[task.rank].append(slot)

    def set_limit(self, slot: int, limit_ns: int | None) -> None:
        """Set what is left of the duration of a container's hook; None for no limit."""
        self._tasks[slot].limit_left_ns = limit_ns

    def set_priority(self, slot: int, priority: int, now_ns: int) -> None:
        """Change a container's rank; waiting for its turn it joins the tail of the new one."""
        task = self._tasks[slot]
        rank = self._rank_of(priority)
        if rank == task.rank:
            return
        self._dequeue(slot)
        task.rank = rank
        self.wake_at(slot, max(now_ns, task.due_ns))

    def set_alarm(self, slot: int, alarm: Alarm, at_ns: int | None) -> None:
        """Set or (None) clear an alarm of a container."""
        if at_ns is None:
            self._alarms.drop((slot, alarm))
        else:
            self._alarms.put((slot, alarm), at_ns)

    def find_alarm(self, now_ns: int) -> tuple[int, int, Alarm] | None:
        """The earliest alarm that is not after now: its time, slot and kind."""
        first = self._alarms.first()
        if first is None or first[0] > now_ns:
            return None
        at_ns, (slot, alarm) = first
        return at_ns, slot, Alarm(alarm)

    def clear_alarm(self, slot: int, alarm: Alarm, at_ns: int) -> bool:
        """Clear an alarm that was heeded; whether it was set, and to this time."""
        return self._alarms.drop((slot, alarm), at_ns)

    def decide(self, now_ns: int, end_ns: int | None) -> Turn | Idle:
        """Decide who runs next, and until when; asking twice changes nothing (TC-SCHED-05).

        Args:
            now_ns: the time.
            end_ns: end of the run, if it has one.
        """
        self._wake(now_ns)
        for rank in self._ranks:
            if self._ready[rank]:
                return self._plan_turn(self._ready[rank][0], rank, now_ns, end_ns)
        return Idle(_earliest(self._earliest_wakeup(None), self._alarms.first_ns(), end_ns))

    def _plan_turn(self, slot: int, rank: int, now_ns: int, end_ns: int | None) -> Turn:
        task = self._tasks[slot]
        until_ns = now_ns + max(0, task.slice_left_ns)
        bound = Bound.SLICE
        limit_ns = None if task.limit_left_ns is None else now_ns + max(0, task.limit_left_ns)
        for at_ns, why in (
            (limit_ns, Bound.HOOK_LIMIT),
            (self._earliest_wakeup(rank), Bound.BETTER_RANK),
            (self._alarms.first_ns(), Bound.ALARM),
            (end_ns, Bound.RUN_END),
        ):
            if at_ns is not None and at_ns < until_ns:
                until_ns = at_ns
                bound = why
        return Turn(slot, rank, until_ns, bound, task.due_ns)

    def _rank_of(self, priority: int) -> int:
        rank = self._policy.rank_of(priority)
        if rank not in self._ready:
            self._ready[rank] = deque()
            self._sleepers[rank] = TimeQueue()
            self._ranks = sorted(self._ready)
        return rank

    def _is_awake(self, slot: int, rank: int) -> bool:
        task = self._tasks.get(slot)
        return task is not None and task.rank == rank and not task.asleep

    def _earliest_wakeup(self, better_than: int | None) -> int | None:
        """The earliest wake-up of any rank, or of those better than one."""
        ranks = (rank for rank in self._ranks if better_than is None or rank < better_than)
        return _earliest(*(self._sleepers[rank].first_ns() for rank in ranks))

    def _wake(self, now_ns: int) -> None:
        """Put all sleepers that are due into their queues, first due first."""
        for rank in self._ranks:
            for due_ns, slot in self._sleepers[rank].take_until(now_ns):
                task = self._tasks[slot]
                task.asleep = False
                task.due_ns = due_ns
                task.slice_left_ns = self._slice_ns
                self._ready[rank].append(slot)

    def _dequeue(self, slot: int) -> None:
        task = self._tasks[slot]
        if task.asleep:
            self._sleepers[task.rank].drop(slot)
            task.asleep = False
        elif slot in self._ready[task.rank]:
            self._ready[task.rank].remove(slot)


def _earliest(*times_ns: int | None) -> int | None:
    return min((at_ns for at_ns in times_ns if at_ns is not None), default=None)
