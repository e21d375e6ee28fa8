"""Corners in which one party could have harmed another: time, drivers, interrupts, refusals."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.drivers import Puppet, raising, served_by
from support.scripted import Program, Steps, calling, endless, work
from support.worlds import Remote, World, blueprint, local, refused, times

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.limits import Scheduling
from tinycontainer.errors import DeviceFileError, DriverError, InvalidTransition, LoadReason
from tinycontainer.interfaces.clock import NS_PER_MS, WallClock
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.scenario.expectations import read_expectations
from tinycontainer.trace import RefusalKind, Tally, describe
from tinycontainer.trace.events import DeadlineMissed, Dispatched, HookBegan, LoadRefused, Refused

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


UNIT_INSTRUCTIONS = 50
QUICK_NS, SLOW_NS = 10, 20_000


def trained(hand: Hand, call: Callable[[Natives], object]) -> Program:
    """Long quick work, then units that are 2,000 times as slow."""

    def loop(natives: Natives) -> Steps:
        for _ in range(50_000):
            hand.now_ns += QUICK_NS
            yield UNIT_INSTRUCTIONS
        while True:
            call(natives)
            hand.now_ns += SLOW_NS
            yield UNIT_INSTRUCTIONS

    return Program(loop)


@pytest.mark.clause("TC-SCHED-15")
@pytest.mark.parametrize("call_instructions", [1, 100])
def test_a_container_that_trains_its_turns_with_quick_code_makes_nobody_late(
    call_instructions: int,
) -> None:
    hand = Hand()
    scheduling = replace(Scheduling(), call_instructions=call_instructions)
    world = World(clock=WallClock(hand, hand.sleep), scheduling=scheduling)
    world.run(blueprint("bad", priority=15), trained(hand, Natives.heartbeat))
    important = blueprint("good", priority=0, security=times(period=20))
    world.run(important, Program(work(1)))
    world.device.run(for_ms=1000)
    begun = [event.at_ns for event in world.of(HookBegan, "good") if event.hook == "loop"]
    assert len(begun) == 50
    assert max(at_ns % (20 * MS) for at_ns in begun) <= MS
    assert len(world.of(Dispatched, "bad")) >= 50


@pytest.mark.clause("TC-SCHED-15")
def test_a_turn_ends_a_step_after_its_time_however_slow_the_code_is() -> None:
    """What comes due in a turn has to wait for what the runtime was given at once."""
    hand = Hand()
    world = World(clock=WallClock(hand, hand.sleep))
    world.runtime.step_instructions = 4 * UNIT_INSTRUCTIONS
    world.run(
        blueprint("bad", priority=15),
        trained(hand, lambda _natives: None),
    )
    waits = list[int]()

    def note(_natives: Natives) -> Steps:
        waits.append(hand.now_ns % (20 * MS))
        yield 1
        return 0

    world.run(blueprint("good", priority=0, security=times(period=20)), Program(note))
    world.device.run(for_ms=1000)
    assert len(waits) == 50
    assert max(waits) <= 4 * SLOW_NS


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
    assert tally.rows[b"box"].statistics.refusals == world.device["box"].statistics.refusals == 100
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


@pytest.mark.parametrize(
    ("line", "problem"),
    [("at_least = 0", "holds whatever happens"), ("at_most = 0", "it never holds")],
)
def test_an_expectation_that_always_or_never_holds_is_refused(
    tmp_path: Path, line: str, problem: str
) -> None:
    path = tmp_path / "expectations.toml"
    path.write_text(f'[[expectations]]\ntext = "x"\nevent = "refused"\n{line}\n')
    with pytest.raises(DeviceFileError, match=problem):
        read_expectations(path)
