"""Queues of the scheduler: they stay small, agree with plain models, and the rhythm of loops."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.scripted import take_alarm

from tinycontainer.device.containers.limits import Policy
from tinycontainer.device.running.pacing import WakeUp, gap_end_ns, plan_wakeup
from tinycontainer.device.running.scheduler import (
    Alarm,
    Idle,
    Scheduler,
    Turn,
)
from tinycontainer.device.running.time_queue import TimeQueue

SLICE = 100


def bound_of_entries(containers: int, ranks: int = 1) -> int:
    """A small multiple of the containers, and a few stale entries in each queue."""
    return 8 * containers + 8 * (ranks + 1)


@pytest.mark.parametrize(
    "rounds",
    [pytest.param(2_000, id="some"), pytest.param(200_000, id="many", marks=pytest.mark.long)],
)
@pytest.mark.clause("TC-SCHED-05")
def test_queues_stay_small_however_much_is_started_and_stopped(rounds: int) -> None:
    made = Scheduler()
    made.add(0, 5, 0)
    for now_ns in range(rounds):
        made.add(1, 5, now_ns)
        made.set_alarm(1, Alarm.GAP_END, now_ns + 10**9)
        made.set_alarm(1, Alarm.HOOK_DEADLINE, now_ns + 10**9)
        made.wake_at(1, now_ns + 10**9)
        made.remove(1)
        assert made.entries <= bound_of_entries(1)


@pytest.mark.parametrize(
    "rounds",
    [pytest.param(2_000, id="some"), pytest.param(200_000, id="many", marks=pytest.mark.long)],
)
def test_queues_stay_small_however_often_wake_ups_and_alarms_change(rounds: int) -> None:
    made = Scheduler()
    for slot in range(3):
        made.add(slot, slot, 0)
    for now_ns in range(rounds):
        slot = now_ns % 3
        made.wake_at(slot, now_ns + 10**9)
        made.set_alarm(slot, Alarm.GAP_END, now_ns + 10**9)
        made.set_alarm(slot, Alarm.GAP_END, now_ns + 10**8 if now_ns % 2 else None)
        made.set_priority(slot, now_ns % 16, now_ns)
        assert made.entries <= bound_of_entries(3, ranks=16)


@dataclass
class Task:
    """What a plain model knows of a container."""

    rank: int
    slice_left: int = SLICE
    wake: int | None = None
    due: int = 0
    limit: int | None = None


class AgainstLists(RuleBasedStateMachine):
    """A scheduler, and one that keeps plain lists and looks at everything each time."""

    def __init__(self) -> None:
        super().__init__()
        self.made = Scheduler(Policy.PRIORITY, SLICE)
        self.now = 0
        self.tasks: dict[int, Task] = {}
        self.queue: list[int] = []
        self.alarms: dict[tuple[int, Alarm], int] = {}

    def wake_up(self) -> None:
        due = [(t.wake, slot) for slot, t in self.tasks.items() if t.wake is not None]
        for wake, slot in sorted(due):
            if wake <= self.now:
                self.enter(slot, wake)

    def enter(self, slot: int, due: int) -> None:
        task = self.tasks[slot]
        if slot in self.queue:
            self.queue.remove(slot)
        task.wake, task.due, task.slice_left = None, due, SLICE
        self.queue.append(slot)

    def some(self, choice: int) -> int:
        return sorted(self.tasks)[choice % len(self.tasks)]

    @rule(slot=st.integers(0, 5), priority=st.integers(0, 3))
    def add(self, slot: int, priority: int) -> None:
        if slot in self.tasks:
            return
        self.made.add(slot, priority, self.now)
        self.tasks[slot] = Task(priority, wake=self.now)

    @precondition(lambda self: self.tasks)
    @rule(choice=st.integers(0, 99))
    def remove(self, choice: int) -> None:
        slot = self.some(choice)
        self.made.remove(slot)
        del self.tasks[slot]
        self.queue = [other for other in self.queue if other != slot]
        self.alarms = {key: at for key, at in self.alarms.items() if key[0] != slot}

    @precondition(lambda self: self.tasks)
    @rule(choice=st.integers(0, 99), wait=st.integers(0, 300))
    def wake_at(self, choice: int, wait: int) -> None:
        slot = self.some(choice)
        self.made.wake_at(slot, self.now + wait)
        self.queue = [other for other in self.queue if other != slot]
        self.tasks[slot].wake = self.now + wait

    @rule(used=st.integers(1, 150))
    def take_the_turn(self, used: int) -> None:
        decision = self.made.decide(self.now, None)
        if isinstance(decision, Idle):
            self.now += used
            return
        self.wake_up()
        self.now += used
        task = self.tasks[decision.slot]
        task.slice_left -= used
        task.due = self.now
        if task.limit is not None:
            task.limit -= used
        self.made.charge_turn(decision.slot, used, self.now)
        if task.slice_left <= 0:
            self.wake_up()
            self.enter(decision.slot, self.now)

    @precondition(lambda self: self.tasks)
    @rule(choice=st.integers(0, 99), limit=st.none() | st.integers(1, 200))
    def set_limit(self, choice: int, limit: int | None) -> None:
        slot = self.some(choice)
        self.made.set_limit(slot, limit)
        self.tasks[slot].limit = limit

    @precondition(lambda self: self.tasks)
    @rule(
        choice=st.integers(0, 99),
        alarm=st.sampled_from(list(Alarm)),
        wait=st.none() | st.integers(0, 400),
    )
    def set_alarm(self, choice: int, alarm: Alarm, wait: int | None) -> None:
        key = (self.some(choice), alarm)
        self.made.set_alarm(*key, None if wait is None else self.now + wait)
        self.alarms.pop(key, None)
        if wait is not None:
            self.alarms[key] = self.now + wait

    @rule()
    def take_alarms(self) -> None:
        for at, (slot, alarm) in sorted((at, key) for key, at in self.alarms.items()):
            if at <= self.now:
                assert take_alarm(self.made, self.now) == (at, slot, alarm)
                del self.alarms[slot, alarm]
        assert take_alarm(self.made, self.now) is None

    @invariant()
    def agrees(self) -> None:
        end = self.now + 1000
        decision = self.made.decide(self.now, end)
        assert decision == self.made.decide(self.now, end)
        self.wake_up()
        alarms = list(self.alarms.values())
        wakes = [t.wake for t in self.tasks.values() if t.wake is not None]
        if not self.queue:
            assert decision == Idle(min([end, *alarms, *wakes]))
        else:
            self.agrees_on_turn(decision, end, alarms)
        assert self.made.entries <= bound_of_entries(len(self.tasks), ranks=4)
        assert len(self.made) == len(self.tasks)

    def agrees_on_turn(self, decision: Turn | Idle, end: int, alarms: list[int]) -> None:
        assert isinstance(decision, Turn)
        best = min(self.tasks[slot].rank for slot in self.queue)
        head = next(slot for slot in self.queue if self.tasks[slot].rank == best)
        task = self.tasks[head]
        better = [t.wake for t in self.tasks.values() if t.wake is not None and t.rank < task.rank]
        limit = [] if task.limit is None else [self.now + max(0, task.limit)]
        assert (decision.slot, decision.rank, decision.due_ns) == (head, best, task.due)
        until = min([self.now + task.slice_left, end, *alarms, *better, *limit])
        assert decision.until_ns == until


@pytest.mark.parametrize(
    "examples", [pytest.param(60, id="some"), pytest.param(1000, id="many", marks=pytest.mark.long)]
)
def test_decisions_agree_with_plain_lists(examples: int) -> None:
    run_state_machine_as_test(
        AgainstLists, settings=settings(max_examples=examples, stateful_step_count=50)
    )


queue_steps = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "take"]), st.integers(0, 6), st.integers(0, 30)),
    max_size=80,
)


@given(queue_steps)
def test_a_queue_by_time_agrees_with_a_dictionary(steps: list[tuple[str, int, int]]) -> None:
    queue: TimeQueue[int] = TimeQueue()
    model: dict[int, int] = {}
    for action, key, at_ns in steps:
        if action == "put":
            queue.put(key, at_ns)
            model[key] = at_ns
        elif action == "drop":
            queue.drop(key)
            model.pop(key, None)
        else:
            due = sorted((at, key) for key, at in model.items() if at <= at_ns)
            assert list(queue.take_until(at_ns)) == due
            model = {key: at for key, at in model.items() if at > at_ns}
        assert len(queue) == len(model)
        assert queue.first_ns() == min(model.values(), default=None)
        assert queue.entries <= 2 * len(model) + 8


# The rhythm of loops.


@pytest.mark.parametrize(
    ("planned_ns", "period_ns", "now_ns", "expected"),
    [
        (0, 10, 3, WakeUp(10, 0)),
        (0, 10, 10, WakeUp(10, 0)),
        (0, 10, 11, WakeUp(11, 1)),
        (0, 10, 20, WakeUp(20, 1)),
        (0, 10, 21, WakeUp(21, 2)),
        (50, 10, 61, WakeUp(61, 1)),
        (7, 0, 30, WakeUp(30, 0)),
    ],
)
def test_a_wake_up_is_planned_from_the_last_plan_or_from_now_if_it_has_passed(
    planned_ns: int, period_ns: int, now_ns: int, expected: WakeUp
) -> None:
    assert plan_wakeup(planned_ns, period_ns, now_ns) == expected


@given(st.integers(0, 500), st.integers(1, 50), st.integers(0, 900))
@pytest.mark.clause("TC-SCHED-09")
def test_skipped_wake_ups_are_those_that_lie_before_the_end_of_the_loop(
    planned_ns: int, period_ns: int, took_ns: int
) -> None:
    now_ns = planned_ns + took_ns
    passed = len(range(planned_ns + period_ns, now_ns, period_ns))
    expected = WakeUp(now_ns, passed) if passed else WakeUp(planned_ns + period_ns, 0)
    assert plan_wakeup(planned_ns, period_ns, now_ns) == expected


@pytest.mark.parametrize(
    ("period_ns", "period_max_ns", "expected"), [(10, 0, 15), (10, 25, 30), (0, 0, None), (0, 3, 8)]
)
@pytest.mark.clause("TC-SCHED-10")
def test_a_gap_ends_with_the_longest_allowed_or_the_wake_up_after(
    period_ns: int, period_max_ns: int, expected: int | None
) -> None:
    assert gap_end_ns(5, period_ns, period_max_ns) == expected
