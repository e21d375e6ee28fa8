"""Corners in which one party could have harmed another: time, drivers, interrupts, refusals."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.drivers import Puppet, raising, served_by
from support.scripted import Program, calling, endless, work
from support.worlds import Remote, World, blueprint, local, refused, times

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.errors import DeviceFileError, DriverError, InvalidTransition, LoadReason
from tinycontainer.interfaces.clock import NS_PER_MS, WallClock
from tinycontainer.scenario.expectations import read_expectations
from tinycontainer.trace import RefusalKind, Tally, describe
from tinycontainer.trace.events import DeadlineMissed, Dispatched, LoadRefused, Refused

MS = NS_PER_MS


@dataclass
class Hand:
    """A monotonic clock that is moved by hand."""

    now_ns: int = 0
    slept_s: list[float] = field(default_factory=list)

    def __call__(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)


# Wall time.


def turn(clock: WallClock, hand: Hand, took_ns: int) -> int:
    """One turn of a container that uses all that it is given; the quantum it had."""
    quantum = clock.instructions_until(10**12, b"box")
    hand.now_ns += took_ns
    clock.charge(quantum)
    return quantum


@pytest.mark.clause("TC-SCHED-15")
def test_a_quantum_cannot_be_trained_beyond_its_bound() -> None:
    hand = Hand()
    clock = WallClock(hand, hand.sleep)
    quanta = [turn(clock, hand, 1) for _ in range(40)]
    assert quanta[:3] == [2000, 4000, 8000]
    assert max(quanta) == WallClock.MAX_QUANTUM_INSTRUCTIONS == 32_000


@pytest.mark.clause("TC-SCHED-15")
def test_one_long_turn_undoes_all_training() -> None:
    hand = Hand()
    clock = WallClock(hand, hand.sleep)
    for _ in range(10):
        turn(clock, hand, 1)
    turn(clock, hand, 60 * MS)
    assert turn(clock, hand, 3 * MS) == 2000
    assert turn(clock, hand, 3 * MS) == 1000


def test_quanta_of_containers_that_are_gone_are_forgotten_in_the_end() -> None:
    hand = Hand()
    clock = WallClock(hand, hand.sleep)
    for number in range(2000):
        clock.instructions_until(10**12, b"%d" % number)
        hand.now_ns += 1
        clock.charge(10_000)
    assert clock.instructions_until(10**12, b"0") == 2000


@pytest.mark.clause("TC-SCHED-15")
def test_making_an_instance_is_no_part_of_the_start_hook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hand = Hand()
    world = World(
        {"box": Program(work(1, returns=1))}, bare=True, clock=WallClock(hand, hand.sleep)
    )
    create = world.runtime.create

    def slowly(*arguments: Any) -> Any:
        hand.now_ns += 200 * MS
        return create(*arguments)

    monkeypatch.setattr(world.runtime, "create", slowly)
    world.run(blueprint("box", security=times(start=20)), Program(work(1, returns=1)))
    world.device.run_until(300)
    assert world.exit_of("box").reason is ExitReason.RETURNED
    assert world.device["box"].statistics.execution_ns == 0


# Drivers.


class Busy(DriverError):
    """A driver's own error, made as people make them."""

    def __init__(self) -> None:
        Exception.__init__(self, "busy")


class Sly(DriverError):
    """An error that breaks when it is looked at."""

    @property
    def problem(self) -> str:
        raise ZeroDivisionError

    @problem.setter
    def problem(self, value: str) -> None:
        pass


@pytest.mark.parametrize("error", [Busy(), Sly(), asyncio.CancelledError(), BaseException()])
@pytest.mark.clause("TC-END-05")
def test_no_error_of_a_driver_is_the_tenants_fault(error: BaseException) -> None:
    driver = Puppet()
    driver.on_read = raising(error)
    world = World(bare=True, drivers=(served_by(driver),))
    caller = Remote(world, blueprint("box", endpoints=(local(),), security=times(period=1)))
    assert caller.read(caller.open(1), 4) == -1
    assert [event.reason for event in world.of(Refused, "box")] == ["driver-failed"]
    assert world.device["box"].last_exit is None


def test_a_driver_may_charge_for_closing_also_when_the_container_stops() -> None:
    driver = Puppet()
    driver.on_close = lambda fd: driver.contexts[fd].charge(10)
    world = World(bare=True, drivers=(served_by(driver),))
    caller = Remote(world, blueprint("box", endpoints=(local(),), security=times(period=1)))
    caller.open(1)
    world.device.stop("box")
    world.device.run(for_ms=50)
    assert world.of(Refused, "box") == []


# Scheduling.


@pytest.mark.clause("TC-SCHED-10")
def test_a_loop_that_outlives_its_gap_misses_it_while_it_runs() -> None:
    world = World({"box": Program(work(31_000))}, bare=True)
    world.run(blueprint("box", security=times(period=10)), Program(work(*[1000] * 31)))
    world.device.run_until(200)
    assert len(world.of(DeadlineMissed, "box")) == world.device["box"].loops


def test_a_posted_priority_holds_for_a_stop_hook_after_the_grace() -> None:
    world = World(bare=True)
    world.run(blueprint("box", priority=12), Program(endless(), stop=work(*[100] * 300)))
    world.run(blueprint("mid", priority=8), Program(endless()))
    world.device.run_until(5)
    world.reconfigure(blueprint("box", priority=3, sequence=2))
    world.device.stop("box")
    world.device.run(for_ms=1_200)
    assert world.device["box"].state == "ready"
    assert world.exit_of("box").reason is ExitReason.STOPPED


def test_lateness_after_a_preemption_does_not_count_the_own_run() -> None:
    world = World(bare=True)
    world.run(blueprint("low", priority=12), Program(endless()))
    world.run(blueprint("high", priority=1, security=times(period=5)), Program(work(100)))
    world.device.run_until(100)
    assert max(event.late_ns for event in world.of(Dispatched, "low")) < MS


@pytest.mark.clause("TC-SCHED-04")
def test_a_gap_that_ends_within_a_turn_is_recorded_when_it_ends() -> None:
    world = World(bare=True)
    world.run(blueprint("box", period_max_ms=3), Program(work(*[500] * 40)))
    world.device.run_until(30)
    misses = world.of(DeadlineMissed, "box")
    assert misses
    assert all(event.at_ns - event.deadline_ns <= MS for event in misses)


# What is told of refusals.


def test_a_refused_start_and_a_refused_change_are_not_told_as_loads() -> None:
    world = World()
    world.add(blueprint("box"), Program(work(1)))
    with refused(LoadReason.METADATA):
        world.device.reconfigure(b"junk")
    (event,) = world.of(LoadRefused)
    assert event.verb == "reconfigure"
    assert str(describe(event)).startswith("REFUSED to reconfigure: metadata")


def test_a_start_where_none_is_possible_says_so_and_nothing_of_tokens() -> None:
    world = World()
    world.run(blueprint("box"), Program(endless()))
    with pytest.raises(InvalidTransition):
        world.device.start("box")
    assert world.of(LoadRefused) == []


def test_refusals_beyond_the_rate_are_counted_in_the_tally() -> None:
    tally = Tally()
    world = World(bare=True, sinks=(tally,))
    reads = [lambda natives: natives.read(99, 1)] * 100
    world.run(blueprint("box"), Program(calling([], *reads)))
    world.device.run_until(50)
    assert tally.rows[b"box"].refusals == world.device["box"].statistics.refusals == 100
    assert tally.refusals[RefusalKind(b"box", "any call", "beyond-the-rate")] == 80


# Files of the operator.


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('event = "refussed"', "refussed is none of"),
        ('event = "refused"\nwhere = { why = "masked" }', "refused has no field why"),
    ],
)
def test_an_expectation_that_could_never_fit_is_refused(
    tmp_path: Path, line: str, problem: str
) -> None:
    path = tmp_path / "expectations.toml"
    path.write_text(f'[[expectations]]\ntext = "x"\n{line}\nat_most = 0\n')
    with pytest.raises(DeviceFileError, match=problem):
        read_expectations(path)
