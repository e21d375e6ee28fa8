"""The scheduler by itself: ranks, queues, slices, bounds and alarms; it never runs anything."""

import pytest
from support.scripted import take_alarm

from tinycontainer.device.containers.limits import Policy
from tinycontainer.device.running.scheduler import Alarm, Bound, Idle, Scheduler, Turn
from tinycontainer.interfaces.clock import NS_PER_MS

MS = NS_PER_MS
SLICE = 10 * MS


def scheduler(*priorities: int, policy: Policy = Policy.PRIORITY) -> Scheduler:
    """A scheduler with containers in the slots 0, 1, ..., all due at time 0."""
    made = Scheduler(policy)
    for slot, priority in enumerate(priorities):
        made.add(slot, priority, 0)
    made.decide(0, None)
    return made


def turn(made: Scheduler, now_ns: int = 0, end_ns: int | None = None) -> Turn:
    decision = made.decide(now_ns, end_ns)
    assert isinstance(decision, Turn)
    return decision


def order(made: Scheduler, turns: int, now_ns: int = 0) -> list[int]:
    """Who has so many turns, if everybody uses up a slice."""
    served = []
    for _ in range(turns):
        served.append(turn(made, now_ns).slot)
        now_ns += SLICE
        made.charge_turn(served[-1], SLICE, now_ns)
    return served


def test_nothing_is_going_to_happen_where_nobody_is_started() -> None:
    assert Scheduler().decide(5, None) == Idle(None)
    assert Scheduler().decide(5, 9) == Idle(9)


def test_a_slice_is_at_least_one_nanosecond() -> None:
    with pytest.raises(ValueError, match="0"):
        Scheduler(slice_ns=0)


@pytest.mark.clause("TC-SCHED-01")
def test_the_best_rank_runs_and_zero_is_the_best() -> None:
    made = scheduler(12, 3, 0, 15)
    assert (turn(made).slot, turn(made).rank) == (2, 0)
    made.remove(2)
    assert (turn(made).slot, turn(made).rank) == (1, 3)
    made.remove(1)
    assert turn(made).slot == 0
    made.remove(0)
    assert turn(made).slot == 3


@pytest.mark.clause("TC-SCHED-01")
def test_round_robin_knows_no_priorities() -> None:
    assert order(scheduler(12, 3, 0, 15, policy=Policy.ROUND_ROBIN), 6) == [0, 1, 2, 3, 0, 1]


def test_equals_take_turns() -> None:
    assert order(scheduler(5, 5, 5), 7) == [0, 1, 2, 0, 1, 2, 0]


def test_only_the_best_rank_takes_turns() -> None:
    assert order(scheduler(6, 5, 6, 5), 5) == [1, 3, 1, 3, 1]


@pytest.mark.clause("TC-SCHED-05")
def test_deciding_changes_nothing() -> None:
    made = scheduler(5, 5)
    made.wake_at(0, 3 * MS)
    made.set_alarm(1, Alarm.GAP_END, 8 * MS)
    for now_ns in (0, MS, 4 * MS, 9 * MS):
        first, entries = made.decide(now_ns, 20 * MS), made.entries
        assert [made.decide(now_ns, 20 * MS) for _ in range(3)] == [first] * 3
        assert made.entries == entries


def test_a_decision_for_another_end_is_independent_of_the_one_before() -> None:
    made = scheduler(5)
    assert turn(made, 0, 3 * MS).until_ns == 3 * MS
    assert turn(made, 0, None).until_ns == SLICE
    assert turn(made, 0, 2 * MS).until_ns == 2 * MS


# Queues.


@pytest.mark.clause("TC-SCHED-02")
def test_what_is_left_of_a_slice_is_kept_at_the_head() -> None:
    made = scheduler(5, 5)
    made.charge_turn(0, 4 * MS, 4 * MS)
    assert turn(made, 4 * MS) == Turn(0, 5, SLICE, Bound.SLICE, 4 * MS)


@pytest.mark.clause("TC-SCHED-02")
def test_a_slice_that_is_used_up_sends_to_the_tail_with_a_full_one() -> None:
    made = scheduler(5, 5)
    made.charge_turn(0, SLICE, SLICE)
    assert turn(made, SLICE).slot == 1
    made.charge_turn(1, SLICE + 7, 2 * SLICE + 7)
    now_ns = 2 * SLICE + 7
    assert turn(made, now_ns) == Turn(0, 5, now_ns + SLICE, Bound.SLICE, SLICE)


def test_preemption_by_a_better_rank_keeps_the_head_and_the_rest_of_the_slice() -> None:
    made = scheduler(5, 5, 2)
    made.wake_at(2, 3 * MS)
    assert turn(made) == Turn(0, 5, 3 * MS, Bound.BETTER_RANK, 0)
    made.charge_turn(0, 3 * MS, 3 * MS)
    assert turn(made, 3 * MS).slot == 2
    made.wake_at(2, 50 * MS)
    assert turn(made, 5 * MS) == Turn(0, 5, 12 * MS, Bound.SLICE, 3 * MS)


def test_becoming_due_joins_the_tail_with_a_full_slice() -> None:
    made = scheduler(5, 5, 5)
    made.charge_turn(0, 6 * MS, 6 * MS)
    made.wake_at(0, 6 * MS)
    assert [turn(made, 6 * MS).slot, *order(made, 3, 6 * MS)] == [1, 1, 2, 0]


def test_sleepers_are_served_in_the_order_in_which_they_were_due() -> None:
    made = scheduler(5, 5, 5)
    made.wake_at(0, 9 * MS)
    made.wake_at(1, 3 * MS)
    made.wake_at(2, 6 * MS)
    assert order(made, 3, 20 * MS) == [1, 2, 0]


@pytest.mark.clause("TC-SCHED-02")
def test_sleepers_that_are_due_together_are_served_by_slot() -> None:
    made = scheduler(5, 5, 5)
    for slot in (2, 0, 1):
        made.wake_at(slot, 3 * MS)
    assert order(made, 3, 3 * MS) == [0, 1, 2]


def test_containers_that_are_started_at_one_time_are_served_by_slot() -> None:
    made = Scheduler()
    for slot in (2, 0, 1):
        made.add(slot, 5, 0)
    assert order(made, 3) == [0, 1, 2]


@pytest.mark.clause("TC-SCHED-02")
def test_who_becomes_due_enters_before_the_one_whose_slice_ends() -> None:
    made = scheduler(5, 5)
    made.wake_at(1, SLICE)
    made.charge_turn(0, SLICE, SLICE)
    assert order(made, 2, SLICE) == [1, 0]


def test_who_became_due_during_a_slice_enters_before_the_one_whose_slice_ends() -> None:
    made = scheduler(5, 5, 5)
    made.wake_at(1, 7 * MS)
    made.wake_at(2, 3 * MS)
    made.charge_turn(0, SLICE, SLICE)
    assert order(made, 3, SLICE) == [2, 1, 0]


def test_a_sleeper_runs_neither_early_nor_late() -> None:
    made = scheduler(5)
    made.wake_at(0, 7 * MS)
    assert made.decide(7 * MS - 1, None) == Idle(7 * MS)
    assert turn(made, 7 * MS).due_ns == 7 * MS


def test_a_turn_tells_since_when_its_container_has_been_due() -> None:
    made = scheduler(5)
    made.wake_at(0, 7 * MS)
    assert turn(made, 30 * MS).due_ns == 7 * MS


# What ends a turn.


def test_a_turn_ends_with_the_slice_at_the_latest() -> None:
    assert turn(scheduler(5), 3) == Turn(0, 5, 3 + SLICE, Bound.SLICE, 0)


def test_a_turn_ends_with_the_run() -> None:
    assert turn(scheduler(5), 3, 5) == Turn(0, 5, 5, Bound.RUN_END, 0)


def test_a_turn_ends_when_a_better_rank_wakes_up_but_not_for_an_equal_or_a_worse_one() -> None:
    made = scheduler(5, 5, 6, 4, 3)
    for slot, wake_ns in ((1, MS), (2, 2 * MS), (3, 7 * MS), (4, 6 * MS)):
        made.wake_at(slot, wake_ns)
    assert turn(made) == Turn(0, 5, 6 * MS, Bound.BETTER_RANK, 0)


def test_a_turn_ends_with_what_is_left_of_the_duration_of_its_hook() -> None:
    made = scheduler(5)
    made.set_limit(0, 7 * MS)
    assert turn(made) == Turn(0, 5, 7 * MS, Bound.HOOK_LIMIT, 0)
    made.charge_turn(0, 3 * MS, 3 * MS)
    assert turn(made, 3 * MS).until_ns == 7 * MS
    made.set_limit(0, None)
    assert turn(made, 3 * MS).bound is Bound.SLICE


def test_a_limit_survives_the_end_of_a_slice() -> None:
    made = scheduler(5, 5)
    made.set_limit(0, 15 * MS)
    made.charge_turn(0, SLICE, SLICE)
    made.charge_turn(1, SLICE, 2 * SLICE)
    assert turn(made, 2 * SLICE) == Turn(0, 5, 25 * MS, Bound.HOOK_LIMIT, SLICE)


@pytest.mark.clause("TC-SCHED-04")
def test_a_turn_ends_at_the_alarm_of_anybody() -> None:
    made = scheduler(5, 9)
    made.set_alarm(1, Alarm.HOOK_DEADLINE, 4 * MS)
    assert turn(made) == Turn(0, 5, 4 * MS, Bound.ALARM, 0)


@pytest.mark.clause("TC-SCHED-04")
def test_the_first_of_several_bounds_counts() -> None:
    made = scheduler(5, 2)
    made.wake_at(1, 6 * MS)
    made.set_limit(0, 5 * MS)
    made.set_alarm(0, Alarm.GAP_END, 4 * MS)
    assert turn(made, 0, 3 * MS).bound is Bound.RUN_END
    assert turn(made, 0, 9 * MS).bound is Bound.ALARM


def test_a_limit_that_is_used_up_gives_no_time_but_still_a_turn() -> None:
    made = scheduler(5)
    made.set_limit(0, 2 * MS)
    made.charge_turn(0, 3 * MS, 3 * MS)
    assert turn(made, 3 * MS).until_ns == 3 * MS


def test_nobody_runs_until_the_first_wake_up_alarm_or_end() -> None:
    made = scheduler(5, 9)
    made.wake_at(0, 7 * MS)
    made.wake_at(1, 8 * MS)
    assert made.decide(0, None) == Idle(7 * MS)
    made.set_alarm(1, Alarm.GAP_END, 6 * MS)
    assert made.decide(0, 9 * MS) == Idle(6 * MS)
    assert made.decide(0, 5 * MS) == Idle(5 * MS)


# Alarms.


def test_alarms_are_taken_in_order_and_once() -> None:
    made = scheduler(5, 5)
    made.set_alarm(1, Alarm.GAP_END, 3)
    made.set_alarm(0, Alarm.GAP_END, 5)
    made.set_alarm(0, Alarm.HOOK_DEADLINE, 4)
    made.set_alarm(1, Alarm.HOOK_DEADLINE, 99)
    taken = [take_alarm(made, 10) for _ in range(4)]
    assert taken == [
        (3, 1, Alarm.GAP_END),
        (4, 0, Alarm.HOOK_DEADLINE),
        (5, 0, Alarm.GAP_END),
        None,
    ]


def test_of_bounds_at_the_same_time_the_containers_own_counts() -> None:
    made = scheduler(5, 2)
    made.wake_at(1, SLICE)
    made.set_limit(0, SLICE)
    made.set_alarm(0, Alarm.GAP_END, SLICE)
    assert turn(made, 0, SLICE) == Turn(0, 5, SLICE, Bound.SLICE, 0)
    made.charge_turn(0, MS, MS)
    made.set_limit(0, SLICE - MS)
    assert turn(made, MS, SLICE).bound is Bound.SLICE
    made.set_limit(0, 5 * MS)
    made.wake_at(1, 6 * MS)
    made.set_alarm(0, Alarm.GAP_END, 6 * MS)
    assert turn(made, MS, 6 * MS).bound is Bound.HOOK_LIMIT


def test_entries_are_those_of_all_queues_together() -> None:
    made = scheduler(5, 5, 9)
    assert made.entries == 3
    made.set_alarm(0, Alarm.GAP_END, 5)
    made.set_alarm(1, Alarm.EXPIRY, 6)
    assert made.entries == 5
    made.wake_at(2, 7)
    assert made.entries == 6 - 1


def test_an_alarm_is_not_taken_before_its_time() -> None:
    made = scheduler(5)
    made.set_alarm(0, Alarm.GAP_END, 5)
    assert take_alarm(made, 4) is None
    assert take_alarm(made, 5) == (5, 0, Alarm.GAP_END)


def test_an_alarm_that_is_set_again_or_cleared_is_forgotten() -> None:
    made = scheduler(5)
    made.set_alarm(0, Alarm.GAP_END, 5)
    made.set_alarm(0, Alarm.GAP_END, 8)
    assert take_alarm(made, 7) is None
    made.set_alarm(0, Alarm.GAP_END, None)
    assert take_alarm(made, 100) is None
    assert turn(made).bound is Bound.SLICE


# Leaving and changing.


def test_who_is_removed_is_forgotten_with_alarms_and_wake_up() -> None:
    made = scheduler(5, 5)
    made.wake_at(0, 3 * MS)
    made.set_alarm(0, Alarm.HOOK_DEADLINE, MS)
    made.remove(0)
    assert len(made) == 1
    assert take_alarm(made, 10 * MS) is None
    assert order(made, 3) == [1, 1, 1]
    made.remove(1)
    assert made.decide(0, None) == Idle(None)


def test_a_slot_that_is_used_again_has_nothing_of_its_former_container() -> None:
    made = scheduler(5)
    made.set_limit(0, MS)
    made.charge_turn(0, 9 * MS, 9 * MS)
    made.remove(0)
    made.add(0, 7, 9 * MS)
    assert turn(made, 9 * MS) == Turn(0, 7, 19 * MS, Bound.SLICE, 9 * MS)


def test_a_new_priority_joins_the_tail_of_its_new_rank() -> None:
    made = scheduler(5, 5, 7)
    made.set_priority(0, 7, 0)
    assert turn(made).slot == 1
    made.remove(1)
    assert order(made, 3) == [2, 0, 2]


def test_the_same_priority_changes_nothing() -> None:
    made = scheduler(5, 5)
    made.charge_turn(0, 4 * MS, 4 * MS)
    made.set_priority(0, 5, 4 * MS)
    assert turn(made, 4 * MS) == Turn(0, 5, SLICE, Bound.SLICE, 4 * MS)


def test_a_sleeper_with_a_new_priority_sleeps_on() -> None:
    made = scheduler(5, 5)
    made.wake_at(0, 8 * MS)
    made.set_priority(0, 1, MS)
    assert turn(made, MS) == Turn(1, 5, 8 * MS, Bound.BETTER_RANK, 0)
    assert turn(made, 8 * MS).slot == 0


def test_under_round_robin_a_new_priority_changes_nothing() -> None:
    made = scheduler(5, 5, policy=Policy.ROUND_ROBIN)
    made.set_priority(0, 15, 0)
    assert turn(made).slot == 0
