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
    assert VirtualClock().instructions_until(deadline_ns, b"box") == instructions


@pytest.mark.clause("TC-SCHED-17")
def test_a_deadline_that_has_passed_still_gives_one_instruction() -> None:
    clock = VirtualClock()
    clock.sleep_until(NS_PER_MS)
    assert clock.instructions_until(0, b"box") == 1


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
    clock.charge(clock.instructions_until(now_ns + wait_ns, b"box"))
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


def turn(time: Time, clock: WallClock, container: bytes, took_ns: int, used: int) -> None:
    clock.instructions_until(clock.now_ns() + 10 * NS_PER_MS, container)
    time.at_ns += took_ns
    clock.charge(used)


def quantum(clock: WallClock, container: bytes) -> int:
    return clock.instructions_until(clock.now_ns() + 10 * NS_PER_MS, container)


def test_wall_time_counts_from_when_the_clock_was_made() -> None:
    time = Time()
    clock = time.clock()
    assert clock.now_ns() == 0
    time.at_ns += 5
    assert clock.now_ns() == 5


def test_charging_moves_no_wall_time() -> None:
    clock = Time().clock()
    clock.instructions_until(1, b"box")
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
def test_every_container_begins_with_a_quantum_of_2000_instructions() -> None:
    clock = Time().clock()
    assert quantum(clock, b"one") == 2000
    assert quantum(clock, b"two") == 2000


@pytest.mark.parametrize(
    ("took_ns", "expected"),
    [
        (0, 4000),
        (499_999, 4000),
        (500_000, 2000),
        (1_000_000, 2000),
        (2_000_000, 2000),
        (2_000_001, 1000),
        (60_000_000, 1000),
    ],
)
@pytest.mark.clause("TC-SCHED-15")
def test_a_quantum_doubles_after_a_short_turn_and_halves_after_a_long_one(
    took_ns: int, expected: int
) -> None:
    time = Time()
    clock = time.clock()
    turn(time, clock, b"box", took_ns, used=2000)
    assert quantum(clock, b"box") == expected


def test_each_container_has_a_quantum_of_its_own() -> None:
    time = Time()
    clock = time.clock()
    for _ in range(3):
        turn(time, clock, b"fast", 100_000, used=10**6)
        turn(time, clock, b"slow", 9_000_000, used=10**6)
    assert quantum(clock, b"fast") == 16_000
    assert quantum(clock, b"slow") == 250


def test_a_quantum_never_falls_below_one_instruction() -> None:
    time = Time()
    clock = time.clock()
    for _ in range(20):
        turn(time, clock, b"slow", NS_PER_MS * 50, used=10**6)
    assert quantum(clock, b"slow") == 1


def test_time_that_passes_between_turns_does_not_count_as_a_long_turn() -> None:
    time = Time()
    clock = time.clock()
    turn(time, clock, b"box", NS_PER_MS, used=2000)
    time.at_ns += 10**12
    assert quantum(clock, b"box") == 2000


def test_a_hook_that_ends_early_says_nothing_about_the_quantum() -> None:
    time = Time()
    clock = time.clock()
    for _ in range(40):
        turn(time, clock, b"box", 1000, used=10)
    assert quantum(clock, b"box") == 2000


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
