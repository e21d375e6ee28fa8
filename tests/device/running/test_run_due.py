"""A device that is run piece by piece, and never sleeps itself."""

from pathlib import Path

import pytest
from support.repeating import Recording
from support.scripted import Program, endless, work
from support.worlds import World, blueprint, newer, refused, times

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.errors import LoadReason
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.state import MemoryState
from tinycontainer.tools.recording import Recorder
from tinycontainer.trace import TraceEvent
from tinycontainer.trace.events import HookEnded

PERIOD = times(period=10)


def run_pieces(world: World, until_ms: int, piece_ms: int) -> None:
    """As an agent runs a device: what is due, then sleep until something is."""
    # Whoever sleeps by the device's clock does that by the recorded one, if there is one.
    clock = world.clock if world.recorder is None else world.recorder.clock(world.clock)
    while world.clock.now_ns() < until_ms * NS_PER_MS:
        due_ns = world.device.run_due(piece_ms)
        wake_ns = until_ms * NS_PER_MS if due_ns is None else due_ns
        clock.sleep_until(min(wake_ns, until_ms * NS_PER_MS))


def programs_of_a_day() -> dict[str, Program]:
    return {"a": Program(work(500)), "b": Program(work(3_000, 4_000)), "c": Program(endless())}


def run_day(piece_ms: int | None, recorder: Recorder | None = None) -> list[TraceEvent]:
    programs = programs_of_a_day()
    world = World(programs, recorder=recorder)
    for uid, each in (("a", PERIOD), ("b", times(period=17)), ("c", times(period=40, loop=8))):
        world.run(blueprint(uid, security=each), programs[uid])
    if piece_ms is None:
        world.device.run_until(500)
    else:
        run_pieces(world, 500, piece_ms)
    if recorder is not None:
        world.device.end_trace()
    return world.events


@pytest.mark.parametrize("piece_ms", [1, 5, 20])
def test_a_run_in_pieces_is_the_run_in_one_piece(piece_ms: int) -> None:
    whole = run_day(None)
    assert len(whole) > 200
    pieces = run_day(piece_ms)
    assert pieces[: len(whole)] == whole[: len(pieces)]
    assert abs(len(pieces) - len(whole)) < 8


@pytest.mark.clause("TC-TOOL-10")
@pytest.mark.parametrize("piece_ms", [None, 1, 5])
def test_a_replay_of_a_run_is_that_run_in_one_piece_or_in_many(
    tmp_path: Path, piece_ms: int | None
) -> None:
    recording = Recording()
    recorded = run_day(piece_ms, recording.recorder)
    plain = run_day(piece_ms)
    assert recorded[: len(plain)] == plain
    assert recording.repeat(tmp_path / "tape", programs_of_a_day()).events == recorded


def test_it_says_when_something_is_due_and_runs_no_longer_than_it_may() -> None:
    world = World({"a": Program(work(10)), "c": Program(endless())})
    assert world.device.run_due(5) is None
    world.run(blueprint("a", security=PERIOD), world.programs["a"])
    due_ns = world.device.run_due(5)
    assert due_ns is not None
    assert due_ns > world.device.now_ns
    assert world.device.run_due(5) == due_ns
    world.run(blueprint("c"), world.programs["c"])
    began_ns = world.device.now_ns
    due_ns = world.device.run_due(5)
    assert due_ns == world.device.now_ns
    assert 5 * NS_PER_MS <= due_ns - began_ns < 6 * NS_PER_MS


@pytest.mark.clause("TC-STATE-15", "TC-STATE-18")
def test_what_is_not_recorded_is_due_within_ten_seconds() -> None:
    world = World({"a": Program(work(10))}, state=MemoryState())
    world.add(blueprint("a"))
    assert world.device.run_due(5) is None
    with refused(LoadReason.DUPLICATE_UID):
        world.add(blueprint("a"))
    due_ns = world.device.run_due(5)
    assert due_ns is not None
    assert due_ns <= 10_000 * NS_PER_MS
    world.clock.sleep_until(due_ns)
    assert world.device.run_due(5) is None


@pytest.mark.clause("TC-LIFE-15", "TC-STATE-14")
def test_what_is_wound_down_ends_with_its_stop_hook_and_runs_after_the_next_boot() -> None:
    state = MemoryState()
    world = World({"a": Program(work(10), stop=work(10))}, state=state)
    world.run(blueprint("a", security=PERIOD), world.programs["a"])
    world.add(newer(blueprint("b", security=PERIOD)), Program(work(10)))
    world.device.run(for_ms=25)
    world.device.wind_down()
    world.device.run(for_ms=25)
    assert [view.state for view in world.device] == [State.READY, State.READY]
    assert [event.hook for event in world.of(HookEnded, "a")][-1] == "stop"
    world.device.close()
    again = World(world.programs, state=state)
    again.device.restore()
    assert [view.state for view in again.device] == [State.RUNNING, State.READY]
