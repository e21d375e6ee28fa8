"""What is recorded by itself, and what is restored once."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.scripted import Program, Steps, work
from support.tokens.forging import Forger
from support.worlds import World, blueprint, local, refused, times

from tinycontainer.device.containers.container import Exit, ExitReason
from tinycontainer.device.containers.journal import decode_exit, describe
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.errors import LoadReason
from tinycontainer.interfaces.runtime import MAX_TRAP_FRAMES, Hook, Natives, TrapFrame
from tinycontainer.state import (
    LAST_S,
    MAX_COUNT,
    MAX_LAST_EXIT_BYTES,
    MemoryState,
    Ownership,
    SqliteState,
    StateChange,
)
from tinycontainer.tools.packing.packing import TokenOptions
from tinycontainer_tokens import Kind

PLAN = blueprint("box", endpoints=(local(),), security=times(period=10, loop=5, stop=5))


def booted(state: MemoryState, epoch_s: int = 0) -> World:
    now_s = max(epoch_s, state.remembered().time_s)
    return World({"box": Program(work(10))}, state=state, epoch_s=now_s)


@pytest.mark.clause("TC-STATE-06")
@pytest.mark.parametrize("place", [Kind.MASK, Kind.ENDPOINT, Kind.METADATA])
def test_a_token_that_was_seen_to_expire_stays_expired_over_a_power_cut(place: Kind) -> None:
    state = MemoryState()
    world = booted(state, 1_000_000)
    options = TokenOptions(sequence=1, expires_s=1_000_001)
    bundle = Forger(place, options=options).pack(PLAN).encode()
    world.device.load(bundle)
    world.device.start("box")
    world.device.run(for_ms=1_050)
    later = booted(state)  # without the end of the run being recorded
    with refused(LoadReason.TOKEN, "expired"):
        later.device.load(bundle)


@pytest.mark.clause("TC-STATE-14")
def test_what_an_operator_interrupted_with_its_device_runs_again_after_a_boot() -> None:
    interrupts = [KeyboardInterrupt()]

    def loop(natives: Natives) -> Steps:
        yield 1
        if interrupts:
            raise interrupts.pop()
        return 0

    state = MemoryState()
    world = booted(state)
    plan = replace(PLAN, security=times(period=10, lifetime=5))
    world.run(plan, Program(loop))
    with pytest.raises(KeyboardInterrupt):
        world.device.run()
    world.device.run(for_ms=50)
    assert world.exit_of("box").reason is ExitReason.INTERRUPTED
    world.device.close()
    world = booted(state)
    world.device.restore()
    assert world.device["box"].state is State.RUNNING
    world.device.run()
    assert (world.device["box"].loops, world.exit_of("box").reason) == (4, ExitReason.LIFETIME)
    world.device.close()
    world = booted(state)
    world.device.restore()
    assert world.device["box"].state is State.READY


@pytest.mark.clause("TC-STATE-09")
def test_a_closed_device_does_not_write_over_what_another_has_recorded_since(
    tmp_path: Path,
) -> None:
    def owner() -> tuple[World, SqliteState]:
        state = SqliteState(tmp_path / "device.db", Ownership.SOLE)
        world = World({"box": Program(work(10))}, state=state)
        world.device.restore()
        return world, state

    first, _ = owner()
    first.run(PLAN, Program(work(10)))
    first.device.close()
    second, _ = owner()
    second.device.kill("box")
    second.device.delete("box")
    second.device.run(for_ms=100)
    second.device.close()
    with refused(LoadReason.SEQUENCE_STORE, "is closed"):
        first.device.stop("box")
    first.device.close()
    third, state = owner()
    assert (len(third.device), state.containers()) == (0, ())
    third.device.close()


@pytest.mark.clause("TC-STATE-14")
def test_what_is_restored_already_stays_if_that_is_asked_for_again() -> None:
    state = MemoryState()
    booted(state).run(PLAN, Program(work(10)))
    world = booted(state)
    for _ in range(2):
        world.device.restore()
        assert [(view.uid, view.state) for view in world.device] == [(b"box", State.RUNNING)]
    assert len(state.containers()) == 1
    assert state.kept_aside() == ()


@pytest.mark.parametrize(
    "last_exit",
    [
        b'["stopped",null,1e999,""]',
        b"[]",
        b"{}",
        b"\xff",
        b'["stopped","x",0,""]',
        b'["trap","loop",0,"",[[1]]]',
        b'["trap","loop",0,"",[[1,true]]]',
        b'["trap","loop",0,"",[[1,-1]]]',
        b'["trap","loop",0,"",["ab"]]',
        b'["trap","loop",0,"",5]',
        b'["trap","loop",0,"",[],[]]',
    ],
)
def test_an_end_that_cannot_be_read_is_none(last_exit: bytes) -> None:
    state = MemoryState()
    World({"box": Program(work(1))}, state=state).add(blueprint("box"))
    (entry,) = state.containers()
    state.record(StateChange(stored=(replace(entry, last_exit=last_exit),)))
    world = World({"box": Program(work(1))}, state=state)
    world.device.restore()
    assert world.device["box"].last_exit is None


@pytest.mark.clause("TC-RT-28")
def test_an_end_that_was_recorded_before_there_were_places_is_read() -> None:
    old = b'["trap", "loop", 0, "unreachable"]'
    assert decode_exit(old) == Exit(ExitReason.TRAP, Hook.LOOP, 0, "unreachable")


FRAMES = tuple(TrapFrame(1 << 31, number) for number in range(MAX_TRAP_FRAMES))


@pytest.mark.clause("TC-RT-28")
@pytest.mark.parametrize(
    ("detail", "least", "most"),
    [("", 12, 16), ("x" * 400, 4, 8), ("\u00e9" * 400, 4, 8), ("\U0001f600" * 400, 12, 16)],
)
def test_the_state_keeps_the_innermost_places_of_a_trap(detail: str, least: int, most: int) -> None:
    state = MemoryState()
    world = World({"box": Program(work(1))}, state=state)
    world.add(blueprint("box"))
    container = world.device._controller.get(b"box")
    container.last_exit = Exit(ExitReason.TRAP, Hook.LOOP, 0, detail, FRAMES)
    stored = describe(container, wants_to_run=False).last_exit
    assert len(stored) <= MAX_LAST_EXIT_BYTES
    kept = decode_exit(stored)
    assert kept is not None
    assert kept.frames == FRAMES[: len(kept.frames)]
    assert least <= len(kept.frames) <= most
    assert detail.startswith(kept.detail)


@pytest.mark.clause("TC-STATE-06")
def test_numbers_stay_within_the_bounds_of_the_state_and_the_device_goes_on() -> None:
    state = MemoryState()
    plan = blueprint("box", security=times(period=1))
    World({"box": Program(work(1))}, state=state).add(plan)
    (entry,) = state.containers()
    state.record(StateChange(stored=(replace(entry, wants_to_run=True, loops=MAX_COUNT),)))
    world = World({"box": Program(work(1))}, state=state, epoch_s=LAST_S)
    world.device.restore()
    world.device.run(for_ms=20_000)
    world.device.close()
    assert state.remembered().time_s == LAST_S
    assert [each.loops for each in state.containers()] == [MAX_COUNT]
    assert world.device["box"].loops > 10_000


@pytest.mark.clause("TC-STATE-08")
def test_a_row_with_the_metadata_of_another_uid_is_set_aside() -> None:
    state = MemoryState()
    World({"box": Program(work(1))}, state=state).add(blueprint("box"))
    (entry,) = state.containers()
    state.record(StateChange(stored=(replace(entry, uid=b"other"),)))
    world = World({"box": Program(work(1))}, state=state)
    world.device.restore()
    assert len(world.device) == 0
    (kept,) = state.kept_aside()
    assert kept.problem == "metadata: the metadata is of box, not of other"
