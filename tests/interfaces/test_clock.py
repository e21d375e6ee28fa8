"""Clocks: virtual time that only work and sleep move, and wall time with its quanta."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import Program, Steps, endless, work
from support.worlds import World, blueprint, times

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.interfaces.clock import NS_PER_MS, VirtualClock, WallClock
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.trace.events import HookBegan


def test_virtual_time_begins_at_zero_and_moves_only_by_work_and_sleep() -> None:
    clock = VirtualClock(instruction_ns=250)
    assert clock.now_ns() == 0
    clock.charge(4)
    assert clock.now_ns() == 1000
    clock.sleep_until(5000)
    assert clock.now_ns() == 5000


def test_virtual_time_never_goes_back() -> None:
    clock = VirtualClock()
    clock.sleep_until(10)
    clock.sleep_until(3)
    assert clock.now_ns() == 10


def test_an_instruction_takes_a_microsecond_unless_said_otherwise() -> None:
    clock = VirtualClock()
    clock.charge(1)
    assert clock.now_ns() == 1000


@pytest.mark.parametrize("cost", [0, -1])
def test_an_instruction_that_takes_no_time_is_refused(cost: int) -> None:
    with pytest.raises(ValueError, match=str(cost)):
        VirtualClock(cost)


@pytest.mark.parametrize(
    ("deadline_ns", "instructions"),
    [(0, 1), (1, 1), (1000, 1), (1001, 2), (2000, 2), (10_000_000, 10_000)],
)
@pytest.mark.clause("TC-SCHED-17")
def test_a_deadline_is_converted_to_instructions_rounding_up_to_at_least_one(
    deadline_ns: int, instructions: int
) -> None:
    assert VirtualClock().begin_turn(deadline_ns, 32) == instructions


@pytest.mark.clause("TC-SCHED-17")
def test_a_deadline_that_has_passed_still_gives_one_instruction() -> None:
    clock = VirtualClock()
    clock.sleep_until(NS_PER_MS)
    assert clock.begin_turn(0, 32) == 1


@given(
    now_ns=st.integers(0, 10**15),
    wait_ns=st.integers(1, 10**12),
    instruction_ns=st.integers(1, 10**7),
)
def test_a_turn_reaches_its_deadline_by_less_than_one_instruction_too_much(
    now_ns: int, wait_ns: int, instruction_ns: int
) -> None:
    clock = VirtualClock(instruction_ns)
    clock.sleep_until(now_ns)
    clock.charge(clock.begin_turn(now_ns + wait_ns, 32))
    assert 0 <= clock.now_ns() - (now_ns + wait_ns) < instruction_ns


@dataclass
class Time:
    """A source of time that a test moves."""

    at_ns: int = 77_000_000_000
    slept_s: list[float] = field(default_factory=list)
    share_slept: float = 1.0

    def now_ns(self) -> int:
        return self.at_ns

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.at_ns += max(1, round(seconds * self.share_slept * 1e9))

    def clock(self) -> WallClock:
        return WallClock(self.now_ns, self.sleep)


def test_wall_time_counts_from_when_the_clock_was_made() -> None:
    time = Time()
    clock = time.clock()
    assert clock.now_ns() == 0
    time.at_ns += 5
    assert clock.now_ns() == 5


def test_charging_moves_no_wall_time() -> None:
    clock = Time().clock()
    clock.begin_turn(1, 32)
    clock.charge(1_000_000)
    assert clock.now_ns() == 0


def test_a_wall_clock_sleeps_until_the_deadline_even_if_it_is_woken_early() -> None:
    time = Time(share_slept=0.4)
    clock = time.clock()
    clock.sleep_until(NS_PER_MS)
    assert clock.now_ns() >= NS_PER_MS
    assert len(time.slept_s) > 1
    assert max(time.slept_s) == pytest.approx(0.001)


@pytest.mark.parametrize("deadline_ns", [-5, 0])
def test_a_wall_clock_does_not_sleep_for_a_deadline_that_has_passed(deadline_ns: int) -> None:
    time = Time()
    time.clock().sleep_until(deadline_ns)
    assert time.slept_s == []


@pytest.mark.clause("TC-SCHED-15")
def test_a_turn_in_wall_time_is_extended_by_steps_for_a_millisecond() -> None:
    time = Time()
    clock = time.clock()
    assert clock.begin_turn(10 * NS_PER_MS, 32) == 32
    steps = 0
    while clock.extend_turn(32) == 32:
        steps += 1
        time.at_ns += 100_000
    assert (steps, clock.now_ns()) == (10, NS_PER_MS)


@pytest.mark.clause("TC-SCHED-15")
def test_a_turn_in_wall_time_is_not_extended_after_its_deadline() -> None:
    time = Time()
    clock = time.clock()
    clock.begin_turn(300_000, 32)
    time.at_ns += 299_999
    assert clock.extend_turn(32) == 32
    time.at_ns += 1
    assert clock.extend_turn(32) == 0


def test_a_turn_in_wall_time_that_begins_after_its_deadline_has_one_step() -> None:
    time = Time()
    clock = time.clock()
    time.at_ns += 5
    assert clock.begin_turn(0, 32) == 32
    assert clock.extend_turn(32) == 0


def test_a_turn_in_virtual_time_is_not_extended() -> None:
    clock = VirtualClock()
    clock.charge(clock.begin_turn(NS_PER_MS, 32))
    assert clock.extend_turn(32) == 0


# A device on a wall clock whose time the programs move.


def burning(time: Time, unit_ns: int, units: int) -> Program:
    def loop(natives: Natives) -> Steps:
        for _ in range(units):
            time.at_ns += unit_ns
            yield 500
        return 0

    return Program(loop)


def test_a_device_in_wall_time_keeps_its_periods_and_sleeps_in_between() -> None:
    time = Time()
    world = World(clock=time.clock())
    world.run(blueprint("box", security=times(period=10)), burning(time, 100_000, units=3))
    world.device.run(for_ms=45)
    begun = [event.at_ns for event in world.of(HookBegan, "box") if event.hook == "loop"]
    assert begun == [n * 10 * NS_PER_MS for n in range(5)]
    assert len(time.slept_s) == 5


def test_an_overrun_in_wall_time_is_found_when_the_clock_is_looked_at() -> None:
    time = Time()
    world = World(clock=time.clock())
    plan = blueprint("box", security=times(loop=5))
    world.run(plan, burning(time, NS_PER_MS, units=10**6))
    world.device.run(for_ms=50)
    assert world.exit_of("box").reason is ExitReason.OVERRUN
    assert world.device["box"].statistics.execution_ns <= 5 * NS_PER_MS + 4 * NS_PER_MS


def test_two_endless_loops_share_wall_time() -> None:
    time = Time()
    world = World(clock=time.clock())
    for uid in ("one", "two"):
        world.run(blueprint(uid), burning(time, 50_000, units=10**9))
    world.device.run(for_ms=400)
    shares = [world.device[uid].statistics.execution_ns for uid in ("one", "two")]
    assert sum(shares) == world.device.now_ns
    assert abs(shares[0] - shares[1]) <= 12 * NS_PER_MS


def test_virtual_work_and_idle_time_add_up_on_a_device() -> None:
    world = World(clock=VirtualClock(700))
    world.run(blueprint("box", security=times(period=3)), Program(work(100, 33)))
    world.run(blueprint("hog"), Program(work(900), stop=endless()))
    world.device.run(for_ms=20)
    assert world.device.now_ns >= 20 * NS_PER_MS
    assert world.device.now_ns - 20 * NS_PER_MS < 900 * 700
