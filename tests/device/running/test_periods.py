"""When loops are due: periods, skipped wake-ups, and gaps that grow too long."""

from dataclasses import replace

import pytest
from support.scripted import Program, Script, Steps, endless, work
from support.worlds import World, blueprint, newer, times

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import Security
from tinycontainer.tools.packing.packing import Blueprint
from tinycontainer.trace.events import DeadlineMissed, HookBegan, HookEnded, PeriodsSkipped

MS = NS_PER_MS
UNIT_NS = 500_000


def box(
    period: int = 0, period_max_ms: int | None = None, security: Security | None = None
) -> Blueprint:
    return blueprint("box", period_max_ms=period_max_ms, security=security or times(period=period))


def alone(plan: Blueprint, loop: Script, until_ms: int) -> World:
    world = World(bare=True)
    world.run(plan, Program(loop))
    world.device.run_until(until_ms)
    return world


def starved(plan: Blueprint, until_ms: int, hog_ms: int = 35) -> World:
    """A world in which a better rank runs for some time, every 100 ms from 100 ms on."""
    world = World(bare=True)
    world.run(plan, Program(work(1)))
    hog = blueprint("hog", priority=0, security=times(period=100))
    world.run(hog, Program(work(*[500] * (2 * hog_ms))))
    world.device.run_until(until_ms)
    return world


def begun(world: World) -> list[int]:
    """When loops began, in ns since the first one was due."""
    (first_ns,) = [e.at_ns for e in world.of(HookEnded, "box") if e.hook == "start"]
    return [e.at_ns - first_ns for e in world.of(HookBegan, "box") if e.hook == "loop"]


def varying(*costs: int) -> Script:
    """A loop of 1,000 instructions as often as each number says, then of one."""
    left = list(costs)

    def loop(natives: Natives) -> Steps:
        for _ in range(left.pop(0) if left else 0):
            yield 1000
        yield 1
        return 0

    return loop


# Periods.


@pytest.mark.clause("TC-SCHED-08")
def test_the_first_loop_is_due_when_the_start_hook_ends() -> None:
    world = World(bare=True)
    world.run(box(50), Program(work(1), start=work(*[1000] * 30)))
    world.device.run_until(40)
    (loop,) = [event for event in world.of(HookBegan, "box") if event.hook == "loop"]
    assert loop.at_ns == 30_100_000


@pytest.mark.clause("TC-SCHED-08")
def test_loops_begin_one_period_apart_however_long_they_take() -> None:
    world = alone(box(10), varying(0, 5, 9, 1, 7), 99)
    assert begun(world) == [n * 10 * MS for n in range(10)]
    assert world.of(PeriodsSkipped) == []


def test_a_late_loop_does_not_shift_the_plan() -> None:
    world = World(bare=True)
    world.run(box(20), Program(work(1)))
    plan = blueprint("vip", priority=0, security=times(period=30))
    world.run(plan, Program(work(*[500] * 24)))
    world.device.run_until(300)
    late = [at_ns % (20 * MS) for at_ns in begun(world)]
    assert max(late) > 5 * MS
    assert [at_ns // (20 * MS) for at_ns in begun(world)] == list(range(len(late)))


@pytest.mark.clause("TC-SCHED-09")
def test_a_wake_up_that_passed_during_a_loop_is_not_made_up() -> None:
    world = alone(box(10), varying(0, 25), 75)
    # The loop planned at 10 ms ends at 35.1 ms: 20 and 30 are skipped, the plan restarts there.
    late_ns = 35_101_000
    assert begun(world) == [0, 10 * MS, *(late_ns + n * 10 * MS for n in range(4))]
    assert [(event.uid, event.count) for event in world.of(PeriodsSkipped)] == [(b"box", 2)]
    assert world.device["box"].statistics.skipped_periods == 2


def test_every_long_loop_counts_the_periods_it_skips() -> None:
    world = alone(box(10), work(*[1000] * 31), 200)
    skipped = [event.count for event in world.of(PeriodsSkipped)]
    assert set(skipped) == {3}
    assert world.device["box"].statistics.skipped_periods == sum(skipped)
    gaps = [b - a for a, b in zip(begun(world), begun(world)[1:], strict=False)]
    assert set(gaps) == {31_100_000}


def test_a_loop_that_ends_exactly_at_the_next_wake_up_skips_nothing() -> None:
    world = alone(box(10), work(*[900] * 11), 55)
    assert begun(world) == [n * 10 * MS for n in range(6)]
    assert world.of(PeriodsSkipped) == []


@pytest.mark.clause("TC-SCHED-08")
def test_with_period_zero_the_next_loop_is_due_when_one_ends() -> None:
    world = alone(box(0), work(900), 10)
    assert begun(world)[:5] == [n * MS for n in range(5)]
    assert world.of(PeriodsSkipped) == []
    assert world.of(DeadlineMissed) == []


def test_the_period_of_the_container_map_wins() -> None:
    plan = box(10)
    world = alone(replace(plan, container=replace(plan.container, period_ms=25)), work(1), 80)
    assert begun(world) == [0, 25 * MS, 50 * MS, 75 * MS]


def test_a_long_time_does_not_shift_the_plan_either() -> None:
    world = alone(box(333), work(7), 60_000)
    assert begun(world) == [n * 333 * MS for n in range(181)]


# Gaps.


def test_a_loop_in_time_misses_nothing() -> None:
    world = alone(box(10, period_max_ms=10), work(1), 500)
    assert world.of(DeadlineMissed) == []
    assert world.device["box"].statistics.deadline_misses == 0


def misses(world: World) -> list[int]:
    """The deadlines that passed, in ns since the first loop was due."""
    (first_ns,) = [e.at_ns for e in world.of(HookEnded, "box") if e.hook == "start"]
    return [event.deadline_ns - first_ns for event in world.of(DeadlineMissed, "box")]


@pytest.mark.clause("TC-SCHED-10")
def test_without_a_longest_gap_a_loop_has_until_the_wake_up_after_its_own() -> None:
    world = starved(box(10), 290)
    assert len(misses(world)) == 2
    plan = begun(world)
    for deadline_ns in misses(world):
        before = [at_ns for at_ns in plan if at_ns < deadline_ns]
        after = [at_ns for at_ns in plan if at_ns > deadline_ns]
        assert deadline_ns - before[-1] == 20 * MS
        assert after[0] - deadline_ns > 10 * MS
    assert world.device["box"].statistics.deadline_misses == 2


def test_with_a_longest_gap_it_counts_from_the_last_start_of_a_loop() -> None:
    world = starved(box(10, period_max_ms=15), 190)
    (deadline_ns,) = misses(world)
    before = [at_ns for at_ns in begun(world) if at_ns < deadline_ns]
    assert deadline_ns - before[-1] == 15 * MS


@pytest.mark.clause("TC-SCHED-10")
def test_a_miss_is_recorded_once_per_gap_and_when_it_happens() -> None:
    world = starved(box(10, period_max_ms=12), 990)
    events = world.of(DeadlineMissed, "box")
    assert (
        len(events) == len([1 for event in world.of(HookBegan, "hog") if event.hook == "loop"]) - 1
    )
    for event in events:
        assert 0 < event.at_ns - event.deadline_ns <= UNIT_NS + 1
    assert world.device["box"].statistics.deadline_misses == len(events)


def test_a_gap_that_is_longer_than_several_deadlines_is_one_miss() -> None:
    world = starved(box(5, period_max_ms=6), 190, hog_ms=80)
    assert len(misses(world)) == 1


@pytest.mark.clause("TC-SCHED-10")
def test_a_loop_that_begins_at_the_very_end_of_the_gap_is_in_time() -> None:
    for period_max_ms, expected in ((20, 0), (19, 1)):
        world = alone(box(20, period_max_ms), work(1), 30)
        assert len(misses(world)) == expected


def test_a_longest_gap_shorter_than_the_period_is_missed_every_time() -> None:
    world = alone(box(20, period_max_ms=5), work(1), 110)
    assert misses(world) == [n * 20 * MS + 5 * MS for n in range(6)]


def test_a_loop_longer_than_the_longest_gap_misses_it_while_it_runs() -> None:
    world = alone(box(0, period_max_ms=8), work(*[1000] * 20), 50)
    assert misses(world) == [8 * MS, 28_100_000, 48_200_000]


@pytest.mark.clause("TC-SCHED-10")
def test_before_the_first_loop_a_longest_gap_counts_from_its_plan() -> None:
    world = World(bare=True)
    world.run(box(100, period_max_ms=5), Program(work(1)))
    world.run(blueprint("equal"), Program(work(1), start=endless()))
    world.device.run_until(50)
    assert misses(world)[0] == 5 * MS
    assert begun(world)[0] > 5 * MS


def test_a_longest_gap_works_without_a_period() -> None:
    world = starved(box(0, period_max_ms=30), 150)
    assert len(misses(world)) == 1


def test_without_period_and_longest_gap_nothing_can_be_missed() -> None:
    world = starved(box(0), 300)
    assert misses(world) == []


@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_who_stops_misses_nothing_any_more(verb: str) -> None:
    world = starved(box(10, period_max_ms=12), 105)
    getattr(world.device, verb)("box")
    world.device.run_until(2500)
    assert world.of(DeadlineMissed) == []


def test_who_has_exited_misses_nothing_any_more() -> None:
    world = World(bare=True)
    world.run(box(10, period_max_ms=12), Program(work(1, returns=1)))
    world.device.run_until(100)
    assert world.device["box"].state is State.READY
    assert world.of(DeadlineMissed) == []


def test_a_new_longest_gap_counts_from_the_next_loop() -> None:
    world = World()
    world.run(box(10), Program(varying(*[0] * 3, 1)))
    world.device.run_until(25)
    world.reconfigure(newer(box(10, period_max_ms=4)))
    world.device.run_until(55)
    assert misses(world) == [n * 10 * MS + 4 * MS for n in (3, 4, 5)]


def test_a_longest_gap_that_is_taken_away_is_missed_no_more() -> None:
    world = World()
    world.run(box(10, period_max_ms=4), Program(work(1)))
    world.device.run_until(25)
    assert len(misses(world)) == 3
    world.reconfigure(newer(box(10)))
    world.device.run_until(95)
    assert len(misses(world)) == 3


def test_a_miss_is_nobodys_fault() -> None:
    world = World(bare=True)
    world.run(box(10, period_max_ms=10), Program(work(1)))
    world.run(blueprint("hog", priority=0), Program(work(1), start=endless(500)))
    world.device.run_until(1000)
    assert world.device["box"].state is State.RUNNING
