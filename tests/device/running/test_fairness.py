"""Who has how long to wait: endless loops, a container that behaves, and one that comes first."""

from dataclasses import dataclass

import pytest
from support.scripted import Program, endless, work
from support.worlds import World, blueprint, times

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Policy, Scheduling
from tinycontainer.interfaces.clock import NS_PER_MS, VirtualClock
from tinycontainer.trace.events import HookBegan, HookEnded

MS = NS_PER_MS
SLICE_NS = 10 * MS


@dataclass(frozen=True)
class Lateness:
    """How late loops began, in ns, by the plan that the period makes from the first one on."""

    loops: int
    worst_ns: int
    least_ns: int


def lateness(world: World, uid: str, period_ms: int) -> Lateness:
    begun = [event.at_ns for event in world.of(HookBegan, uid) if event.hook == "loop"]
    (first_ns,) = [event.at_ns for event in world.of(HookEnded, uid) if event.hook == "start"]
    late = [at_ns - first_ns - number * period_ms * MS for number, at_ns in enumerate(begun)]
    return Lateness(len(begun), max(late), min(late))


def run(world: World, seconds: int) -> World:
    world.device.run_until(seconds * 1000)
    return world


seconds = pytest.mark.parametrize(
    "seconds",
    [pytest.param(3, id="seconds"), pytest.param(300, id="minutes", marks=pytest.mark.long)],
)


def crowd(unit: int, *, vip_ms: int = 0, policy: Policy = Policy.PRIORITY) -> World:
    """Two endless loops, one well-behaved container of their rank, and perhaps a better one."""
    world = World(bare=True, scheduling=Scheduling(policy))
    world.run(blueprint("hog"), Program(endless(unit)))
    world.run(blueprint("pig"), Program(endless(unit)))
    world.run(blueprint("good", security=times(period=100)), Program(work(*[50] * 40)))
    if vip_ms:
        plan = blueprint("vip", priority=3, security=times(period=vip_ms))
        world.run(plan, Program(work(*[50] * 10)))
    return world


@seconds
@pytest.mark.parametrize("unit", [50, 64, 77, 13])
@pytest.mark.parametrize("policy", Policy)
@pytest.mark.clause("TC-SCHED-03")
def test_beside_two_endless_loops_a_third_begins_at_most_two_slices_late(
    unit: int, policy: Policy, seconds: int
) -> None:
    world = run(crowd(unit, policy=policy), seconds)
    late = lateness(world, "good", 100)
    unit_ns = 0 if SLICE_NS % (unit * 1000) == 0 else unit * 1000
    assert late.loops == seconds * 10
    assert late.least_ns >= 0
    assert 10 * MS < late.worst_ns <= 2 * (SLICE_NS + unit_ns)
    assert world.device["good"].statistics.skipped_periods == 0


@seconds
@pytest.mark.parametrize("unit", [50, 64, 77])
@pytest.mark.clause("TC-SCHED-03")
def test_a_fourth_of_higher_priority_begins_on_time_to_within_one_unit(
    unit: int, seconds: int
) -> None:
    world = run(crowd(unit, vip_ms=7), seconds)
    late = lateness(world, "vip", 7)
    assert late.loops == pytest.approx(seconds * 1000 / 7, abs=1)
    assert late.least_ns >= 0
    assert late.worst_ns <= max(unit, 100) * 1000
    assert (late.worst_ns > 0) == (unit != 50)


@seconds
def test_with_a_fourth_of_higher_priority_the_third_waits_for_it_and_two_slices(
    seconds: int,
) -> None:
    world = run(crowd(50, vip_ms=20), seconds)
    late = lateness(world, "good", 100)
    # The better one has 0.6 ms in every 20 ms; at most two of its loops fall into the wait.
    assert late.worst_ns <= 2 * SLICE_NS + 2 * 600_000 + 50_000
    assert world.device["good"].state is State.RUNNING


def test_endless_loops_of_one_rank_have_equal_shares() -> None:
    world = World(bare=True)
    for uid in ("one", "two", "six"):
        world.run(blueprint(uid), Program(endless(50)))
    run(world, 6)
    shares = [world.device[uid].statistics.execution_ns for uid in ("one", "two", "six")]
    assert sum(shares) == world.device.now_ns == 6000 * MS
    assert max(shares) - min(shares) <= SLICE_NS


def test_a_lower_rank_has_what_the_higher_ones_leave() -> None:
    world = World(bare=True)
    world.run(blueprint("high", priority=2, security=times(period=10)), Program(work(*[50] * 58)))
    world.run(blueprint("low", priority=9), Program(endless(50)))
    run(world, 1)
    assert world.device["high"].loops == 100
    assert world.device["high"].statistics.execution_ns == (100 + 100 * 3000) * 1000
    low_ns = world.device["low"].statistics.execution_ns
    assert low_ns == world.device.now_ns - world.device["high"].statistics.execution_ns


def test_a_container_that_never_rests_starves_all_lower_ranks_and_no_higher_one() -> None:
    world = World(bare=True)
    world.run(blueprint("low", priority=9), Program(work(1)))
    world.run(blueprint("hog", priority=5), Program(endless(50)))
    world.run(blueprint("top", priority=1, security=times(period=10)), Program(work(1)))
    run(world, 1)
    assert world.device["low"].statistics.execution_ns == 0
    assert world.device["top"].loops == 100


def test_under_round_robin_nobody_starves() -> None:
    world = World(bare=True, scheduling=Scheduling(Policy.ROUND_ROBIN))
    world.run(blueprint("low", priority=15, security=times(period=50)), Program(work(1)))
    world.run(blueprint("hog", priority=0), Program(endless(50)))
    run(world, 1)
    assert world.device["low"].loops == 20
    assert lateness(world, "low", 50).worst_ns <= SLICE_NS


@pytest.mark.parametrize("slice_ms", [1, 4, 25])
def test_the_slice_is_a_setting_of_the_device(slice_ms: int) -> None:
    world = World(bare=True, scheduling=Scheduling(slice_ns=slice_ms * MS))
    world.run(blueprint("hog"), Program(endless(50)))
    world.run(blueprint("good", security=times(period=100)), Program(work(1)))
    run(world, 3)
    late = lateness(world, "good", 100)
    assert 0 < late.worst_ns <= slice_ms * MS


def test_the_cost_of_an_instruction_changes_how_much_fits_but_not_the_slice() -> None:
    worst, loops = [], []
    for instruction_ns in (250, 1000, 4000):
        world = World(bare=True, clock=VirtualClock(instruction_ns))
        world.run(blueprint("hog"), Program(endless(10)))
        world.run(blueprint("busy"), Program(work(*[10] * 50)))
        world.run(blueprint("good", security=times(period=100)), Program(work(1)))
        run(world, 1)
        worst.append(lateness(world, "good", 100).worst_ns)
        loops.append(world.device["busy"].loops)
    assert all(5 * MS < late_ns <= 2 * SLICE_NS for late_ns in worst)
    assert loops == sorted(loops, reverse=True)


def test_an_exit_makes_room_for_the_others_at_once() -> None:
    world = World(bare=True)
    world.run(blueprint("brief", priority=0), Program(work(*[50] * 100, returns=1)))
    world.run(blueprint("low"), Program(work(1), start=work(1)))
    world.device.run_until(10)
    ended_ns = world.of(HookEnded, "brief")[-1].at_ns
    assert world.of(HookBegan, "low")[0].at_ns == ended_ns
