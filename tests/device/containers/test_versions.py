"""Versions on trial: what brings the one of before back, how often, and with what."""

from dataclasses import replace

import pytest
from support.scripted import Program, Steps, endless, trap, work
from support.worlds import KEYS, Ledger, World, blueprint, newer, times

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.state import MemoryState, StateChange, StateFileError
from tinycontainer.tools.packing.packing import pack
from tinycontainer.trace.events import ReplacementUndone

PLAN = blueprint("box", security=times(period=10, loop=8, stop=5))
SHORT_LIVED = replace(PLAN, security=times(period=10, loop=8, stop=5, lifetime=3))
PATIENT = newer(PLAN, mask=0b1, security=times(period=10))
OLD = Program(work(10))


class Breakable(MemoryState):
    """A state that refuses to record a number of times, on purpose."""

    refusals = 0

    def record(self, change: StateChange) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StateFileError("device.db", "is broken on purpose")
        super().record(change)


def replace_it(world: World, new: Program, confirm_ms: int | None = 500) -> None:
    world.programs["new"] = new
    world.device.replace(pack(PATIENT, b"new", b"", KEYS).encode(), confirm_ms)


def on_trial(world: World, new: Program, confirm_ms: int | None = 500) -> World:
    """A world whose container ran and is replaced."""
    world.run(PLAN, OLD)
    world.device.run(for_ms=25)
    replace_it(world, new, confirm_ms)
    return world


def rebooted(world: World) -> World:
    later = World(dict(world.programs), state=world.state, epoch_s=world.epoch_s + 100)
    later.device.restore()
    return later


def counted(begun: list[None]) -> Program:
    """A program that keeps how many loops it has begun; each takes 5 ms."""

    def loop(natives: Natives) -> Steps:
        begun.append(None)
        yield from [100] * 50
        return 0

    return Program(loop)


@pytest.mark.clause("TC-LOAD-18")
def test_a_version_that_is_deleted_winds_down_beyond_its_time_and_none_comes_back() -> None:
    world = on_trial(World(), Program(endless(), stop=endless()))
    world.device.run(for_ms=400)
    world.device.delete("box")
    world.device.run(for_ms=5_000)
    assert "box" not in world.device
    assert world.of(ReplacementUndone) == []


@pytest.mark.clause("TC-LOAD-18")
def test_a_version_that_winds_down_beyond_its_time_gives_way_once() -> None:
    ledger = Ledger()
    world = on_trial(World(sequences=ledger), Program(work(20), stop=endless()), 50)
    ledger.broken = True
    world.device.run(for_ms=5_000)
    assert len(world.of(ReplacementUndone)) == 1


@pytest.mark.clause("TC-LOAD-18")
def test_what_came_back_at_rest_has_its_whole_lifetime_with_each_start() -> None:
    world = World()
    world.run(SHORT_LIVED, OLD)
    world.device.run(for_ms=12)
    replace_it(world, Program(endless()))
    world.device.run(for_ms=10)
    world.device.stop("box")
    world.device.run(for_ms=3_000)
    for _ in range(2):
        before = world.device["box"].loops
        world.device.start("box")
        world.device.run(for_ms=500)
        assert world.device["box"].loops == before + 3


@pytest.mark.clause("TC-LOAD-18", "TC-STATE-15")
@pytest.mark.parametrize("how", ["it comes back", "it is restored"])
def test_a_start_that_goes_on_with_no_lifetime_left_begins_no_loop(how: str) -> None:
    begun: list[None] = []
    world = World(state=MemoryState())
    world.run(SHORT_LIVED, counted(begun))
    world.device.run(for_ms=22)
    assert len(begun) == 3
    if how == "it is restored":
        world.device.close()
        world = rebooted(world)
    else:
        replace_it(world, Program(trap()))
    world.device.run(for_ms=3_000)
    assert len(begun) == 3
    assert world.exit_of("box").reason is ExitReason.LIFETIME


@pytest.mark.clause("TC-STATE-16")
def test_a_boot_while_a_version_on_trial_winds_down_from_a_fault_starts_the_old_one() -> None:
    world = on_trial(World(state=MemoryState()), Program(trap(), stop=endless()))
    world.device.run(for_ms=10)
    assert world.device["box"].state is State.STOPPING
    world.device.close()
    view = rebooted(world).device["box"]
    assert (view.state, view.mask) == (State.RUNNING, 0b11111)


@pytest.mark.clause("TC-LOAD-18", "TC-STATE-16")
@pytest.mark.parametrize("boots", [False, True])
def test_a_kill_of_what_winds_down_from_a_fault_hastens_the_return_of_the_old_one(
    boots: bool,
) -> None:
    world = on_trial(World(state=MemoryState()), Program(trap(), stop=endless()))
    world.device.run(for_ms=10)
    world.device.kill("box")
    if boots:
        world = rebooted(world)
    world.device.run(for_ms=0)
    view = world.device["box"]
    assert (view.state, view.mask) == (State.RUNNING, 0b11111)


@pytest.mark.clause("TC-LOAD-16", "TC-LOAD-18")
@pytest.mark.parametrize(("confirm_ms", "mask"), [(None, 0b1), (500, 0b11111)])
def test_what_is_to_be_started_starts_while_nothing_can_be_recorded(
    confirm_ms: int | None, mask: int
) -> None:
    """For a final version that is its own start; for one on trial its confirmation fails too."""
    state = Breakable()
    world = on_trial(World(state=state), Program(work(20)), confirm_ms)
    state.refusals = 2
    for _ in range(3):
        try:
            world.device.run(for_ms=100)
        except StateFileError:
            continue
    view = world.device["box"]
    assert (view.state, view.mask) == (State.RUNNING, mask)
    view = rebooted(world).device["box"]
    assert (view.state, view.mask) == (State.RUNNING, mask)
