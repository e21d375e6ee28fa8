"""The watchdog: a container that has once sent heartbeats must send one in every loop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import Program, Script, Steps, trap
from support.worlds import ALL_CALLS, World, blueprint, newer, times

from tinycontainer.device.calls.started import Watchdog
from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.interfaces.runtime import Hook, Natives
from tinycontainer.tools.packing.packing import Blueprint
from tinycontainer.trace.events import HookBegan


def box(mask: int = ALL_CALLS, lifetime: int = 0) -> Blueprint:
    return blueprint("box", mask=mask, security=times(period=10, lifetime=lifetime))


def beating(pattern: list[bool]) -> Script:
    """A loop that sends a heartbeat where the pattern says so, and none after it."""
    left = list(pattern)

    def loop(natives: Natives) -> Steps:
        yield 10
        if left and left.pop(0):
            natives.heartbeat()
        yield 10
        return 0

    return loop


def start_that_beats(natives: Natives) -> Steps:
    natives.heartbeat()
    yield 1
    return 0


def loops_begun(world: World) -> int:
    return sum(event.hook == "loop" for event in world.of(HookBegan, "box"))


def outcome(
    pattern: list[bool], *, in_start: bool = False, loops: int = 8
) -> tuple[int, ExitReason]:
    world = World(bare=True)
    start = start_that_beats if in_start else None
    world.run(box(lifetime=loops), Program(beating(pattern), start=start))
    world.device.run()
    return loops_begun(world), world.exit_of("box").reason


def test_without_any_heartbeat_there_is_no_watchdog() -> None:
    assert outcome([]) == (8, ExitReason.LIFETIME)


@pytest.mark.clause("TC-SCHED-16")
def test_the_loop_after_the_first_heartbeat_is_watched() -> None:
    assert outcome([True]) == (2, ExitReason.MISSED_HEARTBEAT)
    assert outcome([False, False, True]) == (4, ExitReason.MISSED_HEARTBEAT)


@pytest.mark.clause("TC-SCHED-16")
def test_a_heartbeat_in_start_watches_the_first_loop() -> None:
    assert outcome([], in_start=True) == (1, ExitReason.MISSED_HEARTBEAT)
    assert outcome([True], in_start=True) == (2, ExitReason.MISSED_HEARTBEAT)


@pytest.mark.clause("TC-CALL-20")
def test_a_heartbeat_in_every_loop_is_enough() -> None:
    assert outcome([True] * 8, in_start=True) == (8, ExitReason.LIFETIME)


def test_several_heartbeats_in_one_loop_do_not_feed_the_next() -> None:
    def loop(natives: Natives) -> Steps:
        for _ in range(5 if not beaten else 0):
            natives.heartbeat()
        beaten.append(True)
        yield 1
        return 0

    beaten: list[bool] = []
    world = World(bare=True)
    world.run(box(), Program(loop))
    world.device.run()
    assert loops_begun(world) == 2


@given(st.lists(st.booleans(), max_size=8), st.booleans())
def test_the_watchdog_bites_at_the_first_loop_that_owes_a_heartbeat(
    pattern: list[bool], in_start: bool
) -> None:
    wanted, expected = in_start, (8, ExitReason.LIFETIME)
    for number, beat in enumerate(pattern + [False] * (8 - len(pattern)), 1):
        if wanted and not beat:
            expected = (number, ExitReason.MISSED_HEARTBEAT)
            break
        wanted = wanted or beat
    assert outcome(pattern, in_start=in_start) == expected


@pytest.mark.clause("TC-LIFE-06")
def test_a_missed_heartbeat_is_a_fault_named_so() -> None:
    world = World(bare=True)
    world.run(box(), Program(beating([True])))
    world.device.run()
    view = world.device["box"]
    assert view.last_exit is not None
    assert (view.last_exit.reason, view.last_exit.hook) == (ExitReason.MISSED_HEARTBEAT, Hook.LOOP)
    assert view.state is State.READY


def test_a_refused_heartbeat_arms_nothing() -> None:
    world = World()
    world.run(box(mask=0, lifetime=5), Program(beating([True])))
    world.device.run()
    assert world.exit_of("box").reason is ExitReason.LIFETIME


@pytest.mark.clause("TC-SCHED-16")
def test_revoking_the_right_disarms() -> None:
    world = World()
    world.run(box(), Program(beating([True, True, True])))
    world.device.run_until(25)
    world.reconfigure(newer(box(mask=0)))
    world.device.run_until(200)
    assert world.device["box"].state is State.RUNNING


def test_revoking_the_right_disarms_in_the_middle_of_a_watched_loop() -> None:
    def loop(natives: Natives) -> Steps:
        if not world.device["box"].loops:
            natives.heartbeat()
        for _ in range(5):
            yield 1000
        return 0

    world = World()
    world.run(box(), Program(loop))
    world.device.run_until(13)
    assert world.device["box"].loops == 1
    world.reconfigure(newer(box(mask=0)))
    world.device.run_until(100)
    assert world.device["box"].state is State.RUNNING


def test_a_right_that_is_granted_again_arms_only_with_the_next_heartbeat() -> None:
    world = World()
    world.run(box(), Program(beating([True, True, True])))
    world.device.run_until(25)
    world.reconfigure(newer(box(mask=0)))
    world.reconfigure(newer(newer(box())))
    world.device.run_until(200)
    assert world.device["box"].state is State.RUNNING


def test_a_reconfiguration_that_leaves_the_right_keeps_the_watchdog_armed() -> None:
    world = World()
    world.run(box(), Program(beating([True, True, True])))
    world.device.run_until(25)
    world.reconfigure(newer(box(mask=0b1)))
    world.device.run_until(200)
    assert world.exit_of("box").reason is ExitReason.MISSED_HEARTBEAT


def test_a_restart_begins_without_a_watchdog() -> None:
    world = World(bare=True)
    world.run(box(lifetime=4), Program(beating([True])))
    world.device.run()
    world.device.start("box")
    world.device.run()
    assert world.exit_of("box").reason is ExitReason.LIFETIME


def test_a_watched_loop_that_traps_is_a_trap() -> None:
    world = World(bare=True)
    world.run(box(), Program(trap(1), start=start_that_beats))
    world.device.run()
    assert world.exit_of("box").reason is ExitReason.TRAP


@pytest.mark.parametrize("disarm", [False, True])
def test_the_watchdog_by_itself(disarm: bool) -> None:
    dog = Watchdog()
    dog.begin_loop()
    assert not dog.missed()
    dog.beat()
    assert not dog.missed()
    dog.begin_loop()
    assert dog.missed()
    if disarm:
        dog.disarm()
        assert not dog.missed()
        dog.begin_loop()
        assert not dog.missed()
    else:
        dog.beat()
        assert not dog.missed()
        dog.begin_loop()
        assert dog.missed()
