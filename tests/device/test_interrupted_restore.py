"""An interrupt while a device takes up what its state remembers loses nothing of it (ADR 21)."""

from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest
from support.interrupting import LineCounter
from support.joint_changes import QUICK, empty, plan
from support.worlds import World

from tinycontainer.device.containers.controller import Controller
from tinycontainer.device.containers.journal import Journal
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.state import MemoryState, StateChange

UIDS = ("a", "b", "c")


@pytest.fixture(scope="module")
def before() -> MemoryState:
    """What a run before has left: three containers that run."""
    state = MemoryState()
    world = World(dict.fromkeys(UIDS, QUICK), state=state)
    for uid in UIDS:
        world.run(plan(uid), QUICK)
    world.device.run(for_ms=15)
    return state


def restoring(before: MemoryState) -> World:
    state = MemoryState()
    state.record(StateChange(stored=before.containers()))
    return World(dict.fromkeys(UIDS, QUICK), state=state)


def check_restored(world: World) -> None:
    """The interrupted call is made again: all run, and the state says so."""
    world.device.restore()
    world.device.run(for_ms=30)
    assert isinstance(world.state, MemoryState)
    remembered = [(entry.uid, entry.slot, entry.wants_to_run) for entry in world.state.containers()]
    assert remembered == [(uid.encode(), slot, True) for slot, uid in enumerate(UIDS)]
    assert world.state.kept_aside() == ()
    running = [view.uid.decode() for view in world.device if view.state is State.RUNNING]
    assert running == [*UIDS]
    empty(world)
    assert world.state.containers() == ()


@pytest.mark.clause("TC-LIFE-24", "TC-STATE-14")
@pytest.mark.parametrize(("owner", "step"), [(Controller, "_take_in"), (Journal, "restored")])
@pytest.mark.parametrize("restored", range(3))
def test_a_container_that_is_half_restored_is_neither_forgotten_nor_restored_twice(
    before: MemoryState, owner: type, step: str, restored: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = restoring(before)
    plain: Callable[..., None] = getattr(owner, step)
    calls = []

    def interrupt(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) > restored:
            raise KeyboardInterrupt
        plain(*arguments)

    monkeypatch.setattr(owner, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        world.device.restore()
    monkeypatch.undo()
    check_restored(world)


@pytest.mark.clause("TC-LIFE-24", "TC-STATE-14")
@pytest.mark.parametrize("interrupts", [10, pytest.param(1500, marks=pytest.mark.long)])
def test_a_restoring_that_is_interrupted_at_any_line_can_be_made_again(
    before: MemoryState, interrupts: int
) -> None:
    counter = LineCounter()
    for _ in range(2):  # what is imported or kept when it is first used
        counter = LineCounter()
        with counter.counting():
            restoring(before).device.restore()
    lines, random = counter.lines, Random(interrupts)
    for _ in range(interrupts):
        world = restoring(before)
        counter = LineCounter(random.randint(1, lines))
        with suppress(KeyboardInterrupt), counter.counting():
            world.device.restore()
        try:
            check_restored(world)
        except BaseException as error:
            error.add_note(counter.place)
            raise
