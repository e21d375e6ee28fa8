"""How late loops can be: textbook cases by hand, and the device's own scheduler as the judge."""

from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.wasm.modules import within

from tinycontainer.device.running.scheduler import Idle, Scheduler
from tinycontainer.tools.lint.response_time import (
    Lateness,
    Sharing,
    Task,
    find_lateness,
    utilisation_until,
)

EXACT = Sharing(slice_ns=10, unit_ns=0)
"""Slices of 10, and nothing that is not interrupted."""


def responses(*tasks: Task, sharing: Sharing = EXACT) -> list[int | None]:
    worst = []
    for number, task in enumerate(tasks):
        found = find_lateness(task, tasks[:number] + tasks[number + 1 :], sharing)
        worst.append(None if found is None else found.response_ns)
    return worst


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        # R3 = 3 -> 6 -> 7 -> 9 -> 10: three of the first and two of the second come before it.
        ([(1, 4), (2, 6), (3, 12)], [1, 3, 10]),
        # Burns and Wellings: the third needs 12 + 2 * 10 + 2 * 10 = 52, beyond its period of 50.
        ([(10, 30), (10, 40), (12, 50)], [10, 20, 52]),
        # Their second set, schedulable although its share is 100 %.
        ([(5, 20), (10, 40), (40, 80)], [5, 15, 80]),
        ([(3, 7), (3, 12), (5, 20)], [3, 6, 20]),
        ([(26, 70), (62, 100)], [26, 114]),
    ],
)
def test_textbook_cases(tasks: list[tuple[int, int]], expected: list[int]) -> None:
    made = [Task(rank, cost, period) for rank, (cost, period) in enumerate(tasks)]
    assert responses(*made) == expected


def test_equals_are_bounded_by_their_turns() -> None:
    # Two slices of its own, and as many turns of an equal that never ends: 20 + 2 * 10.
    assert responses(Task(0, 20, 1000), Task(0, None, 1000))[0] == 40
    # One slice, and one turn of 10 although the equal has 500 to do.
    assert responses(Task(0, 10, 1000), Task(0, 500, 1000))[0] == 20


def test_equals_are_bounded_by_what_they_have_to_do() -> None:
    assert responses(Task(0, 100, 1000), Task(0, 15, 1000))[0] == 115


def test_what_is_not_interrupted_delays_once_and_lengthens_the_turns_of_equals() -> None:
    sharing = Sharing(slice_ns=10, unit_ns=2)
    assert responses(Task(0, 5, 100), Task(1, 7, 100), sharing=sharing) == [7, 14]
    assert responses(Task(0, 20, 100), Task(0, None, 100), sharing=sharing)[0] == 20 + 2 + 2 * 12


def test_a_lifetime_bounds_what_comes_before() -> None:
    assert responses(Task(0, 10, 20, jobs=2), Task(1, 30, 100))[1] == 50
    assert responses(Task(0, 10, 0, jobs=3), Task(1, 30, 100))[1] == 60


@pytest.mark.parametrize("better", [Task(0, None, 10), Task(0, 5, 0), Task(0, 10, 10)])
def test_nothing_bounds_who_is_below_one_that_takes_everything(better: Task) -> None:
    assert responses(better, Task(1, 1, 1000))[1] is None


def test_the_start_waits_for_one_turn_of_each_equal_and_all_that_is_better() -> None:
    others = [Task(0, 3, 20), Task(1, 50, 100), Task(1, 4, 100), Task(2, 99, 100)]
    found = find_lateness(Task(1, 30, 100), others, EXACT)
    # 10 + 4 of the equals, and 3 of the better one.
    assert found is not None
    assert found.start_ns == 17


def test_shares_add_up_by_rank() -> None:
    tasks = [Task(1, 1, 4), Task(1, 1, 4), Task(2, 1, 3), Task(3, None, 5), Task(3, 5, 0)]
    assert [utilisation_until(tasks, rank) for rank in (0, 1, 2, 3)] == [
        0,
        Fraction(1, 2),
        Fraction(5, 6),
        Fraction(5, 6),
    ]


def test_numbers_that_hardly_converge_are_bounded_in_time() -> None:
    huge = (1 << 32) * 1_000_000
    better = [Task(0, 10**12 - 1, 10**12), Task(1, 1, huge)]
    with within(2):
        found = find_lateness(Task(2, huge, huge), better, Sharing(10**7, 10**5))
    assert found is not None
    assert found.response_ns >= huge


# The judge: the device's scheduler, tick by tick.


@dataclass
class Job:
    """What the simulation knows of one task."""

    task: Task
    due: int
    left: int = 0
    began: int | None = None
    loops: int = 0
    starts: list[int] = field(default_factory=list)
    worst: Lateness = field(default_factory=lambda: Lateness(0, 0))


def simulated(tasks: list[Task], offsets: list[int], slice_ns: int, end: int) -> list[Job]:
    """Run the loops, each as long as it may be, and note how late they were."""
    scheduler = Scheduler(slice_ns=slice_ns)
    jobs = [Job(task, offset) for task, offset in zip(tasks, offsets, strict=True)]
    for slot, job in enumerate(jobs):
        scheduler.add(slot, job.task.rank, job.due)
        scheduler.wake_at(slot, job.due)
    now = 0
    while now < end:
        turn = scheduler.decide(now, end)
        if isinstance(turn, Idle):
            if turn.until_ns is None:
                break
            now = max(now, turn.until_ns)
            continue
        job = jobs[turn.slot]
        if job.left == 0:
            job.left, job.began = job.task.cost_ns or end, now
            job.starts.append(now)
        used = min(max(1, turn.until_ns - now), job.left)
        now, job.left = now + used, job.left - used
        scheduler.charge_turn(turn.slot, used, now)
        if job.left == 0:
            finished(scheduler, turn.slot, job, now)
    return jobs


def finished(scheduler: Scheduler, slot: int, job: Job, now: int) -> None:
    """A loop has ended: the next is planned as the device plans it."""
    started = job.starts[-1]
    job.worst = Lateness(
        max(job.worst.response_ns, now - job.due), max(job.worst.start_ns, started - job.due)
    )
    job.loops += 1
    if job.task.jobs is not None and job.loops >= job.task.jobs:
        scheduler.remove(slot)
        return
    job.due = max(now, job.due + job.task.period_ns)
    scheduler.wake_at(slot, job.due)


def tasks_of(limited: bool) -> st.SearchStrategy[Task]:
    costs = st.integers(1, 12)
    return st.builds(
        Task,
        rank=st.integers(0, 2),
        cost_ns=costs if limited else st.one_of(costs, st.none()),
        period_ns=st.integers(0 if not limited else 1, 40),
        jobs=st.one_of(st.none(), st.integers(1, 3)),
    )


worlds = st.tuples(
    st.lists(st.one_of(tasks_of(True), tasks_of(False)), min_size=1, max_size=5),
    st.lists(st.integers(0, 40), min_size=5, max_size=5),
    st.integers(1, 6),
)


@given(worlds)
@settings(max_examples=400)
def test_no_loop_is_later_than_was_told(world: tuple[list[Task], list[int], int]) -> None:
    tasks, offsets, slice_ns = world
    sharing = Sharing(slice_ns, 0)
    jobs = simulated(tasks, offsets[: len(tasks)], slice_ns, end=1000)
    for number, (task, job) in enumerate(zip(tasks, jobs, strict=True)):
        if task.cost_ns is None:
            continue
        told = find_lateness(task, tasks[:number] + tasks[number + 1 :], sharing)
        if told is None:
            continue
        assert job.worst.response_ns <= told.response_ns
        assert job.worst.start_ns <= told.start_ns
        if task.period_ns:
            gap = max(task.period_ns, told.response_ns) + told.start_ns
            gaps = [
                after - before for before, after in zip(job.starts, job.starts[1:], strict=False)
            ]
            assert max(gaps, default=0) <= gap


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(4, 40)), min_size=1, max_size=4))
@settings(max_examples=200)
def test_released_together_without_equals_the_bound_is_met_exactly(
    pairs: list[tuple[int, int]],
) -> None:
    tasks = [Task(rank, cost, period) for rank, (cost, period) in enumerate(pairs)]
    jobs = simulated(tasks, [0] * len(tasks), slice_ns=7, end=200)
    for number, (task, job) in enumerate(zip(tasks, jobs, strict=True)):
        told = find_lateness(task, tasks[:number], Sharing(7, 0))
        if told is None or told.response_ns > task.period_ns:
            break  # from here on periods are skipped, and less is asked for than was told
        assert job.worst.response_ns == told.response_ns
