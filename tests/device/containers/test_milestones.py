"""What a device tells the state of: milestones, with the change that they tell of."""

import json
from contextlib import suppress
from typing import Any

import pytest
from support.drivers import Puppet, served_by
from support.interrupting import LineCounter
from support.joint_changes import QUICK, change, gone, numbered, plan
from support.scripted import Program, calling, trap, work
from support.worlds import World, blueprint, local, newer, refused, times

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.errors import ContainerRefused, LoadReason
from tinycontainer.state import MemoryState, StateChange
from tinycontainer.trace import TraceEvent, parse_event
from tinycontainer.trace.events import Loaded, LoadRefused, Transitioned

PLAN = blueprint("a", security=times(period=10))


class Watched(MemoryState):
    """A state that shows each change."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[StateChange] = []

    def record(self, change: StateChange) -> None:
        super().record(change)
        self.changes.append(change)


def told(world: World) -> list[tuple[str, str, str]]:
    """The milestones of a device: name or trigger, uid, reason."""
    found = []
    for event in world.device.events().entries:
        values = json.loads(event.content)
        reason = values.get("reason") or values.get("problem") or ""
        found.append((values.get("trigger", values["event"]), values["uid"], reason))
    return found


def device(state: MemoryState, *, silent: bool = True) -> World:
    return World({"a": Program(work(10), stop=work(10))}, state=state, silent=silent)


@pytest.mark.clause("TC-STATE-18")
@pytest.mark.parametrize("silent", [True, False], ids=["no sink", "a sink"])
def test_the_event_of_a_change_is_recorded_with_it_and_once(silent: bool) -> None:
    state = Watched()
    world = device(state, silent=silent)
    world.add(PLAN)
    world.device.start("a")
    world.reconfigure(newer(PLAN, mask=0b1))
    world.device.run(for_ms=25)
    world.device.stop("a")
    world.device.run(for_ms=25)
    world.device.start("a")
    world.device.kill("a")
    world.device.run(for_ms=5)
    world.device.delete("a")
    names = ["loaded", "start", "reconfigured", "stop", "start", "kill", "delete"]
    with_changes = [json.loads(event) for each in state.changes for event in each.events]
    assert [each.get("trigger", each["event"]) for each in with_changes] == names
    assert all(len(each.events) == 1 for each in state.changes if each.stored or each.removed)
    assert [name for name, *_ in told(world)] == names


@pytest.mark.clause("TC-STATE-18")
def test_an_end_is_recorded_as_soon_as_it_has_come_with_its_reason() -> None:
    state = Watched()
    world = World({"a": Program(trap())}, state=state, silent=True)
    world.add(PLAN)
    world.device.start("a")
    world.device.run(for_ms=5)
    fault = json.loads(state.changes[-1].events[-1])
    assert (fault["trigger"], fault["uid"]) == ("fault", "a")
    assert fault["reason"].startswith("trap in loop")


@pytest.mark.clause("TC-STATE-18")
def test_a_refusal_is_recorded_with_the_next_change_or_when_somebody_asks() -> None:
    state = Watched()
    world = device(state)
    world.add(PLAN)
    with refused(LoadReason.DUPLICATE_UID):
        world.add(PLAN)
    assert len(state.changes[-1].events) == 1
    assert told(world)[-1][:2] == ("load-refused", "a")
    with refused(LoadReason.DUPLICATE_UID):
        world.add(PLAN)
    world.device.start("a")
    assert len(state.changes[-1].events) == 2
    assert [name for name, *_ in told(world)][-2:] == ["load-refused", "start"]
    with refused(LoadReason.DUPLICATE_UID):
        world.add(PLAN)
    world.device.run(for_ms=20_000)
    assert b"load-refused" in b"".join(state.changes[-1].events + state.changes[-2].events)


@pytest.mark.clause("TC-STATE-15", "TC-STATE-18")
def test_a_device_that_sleeps_wakes_to_record_what_is_not_recorded_yet() -> None:
    state = Watched()
    world = device(state)
    world.add(blueprint("a", security=times(period=3_000_000)))
    with refused(LoadReason.DUPLICATE_UID):
        world.add(PLAN)
    before = len(state.changes)
    world.device.run(for_ms=3_600_000)
    assert [(each.now_s, len(each.events)) for each in state.changes[before:]] == [
        (1_000_010, 1),
        (1_003_600, 0),
    ]
    world.device.start("a")
    before = len(state.changes)
    world.device.run(for_ms=3_001_000)
    stored = [each for each in state.changes[before:] if each.stored]
    assert [(each.now_s, each.stored[0].loops) for each in stored][:1] == [(1_003_610, 1)]


@pytest.mark.clause("TC-STATE-18")
def test_a_replacement_its_confirmation_and_its_failure_are_milestones() -> None:
    world = device(Watched())
    world.add(PLAN)
    world.device.start("a")
    world.device.replace(world.pack(newer(PLAN, mask=0b1)).encode(), confirm_ms=50)
    world.device.run(for_ms=40)
    world.programs["a"] = Program(trap())
    world.device.replace(world.pack(newer(newer(PLAN), mask=0b1)).encode(), confirm_ms=50)
    world.device.run(for_ms=40)
    names = [name for name, *_ in told(world)]
    for wanted in ("replacing", "replacement-confirmed", "fault", "replacement-undone"):
        assert wanted in names
    assert names.count("replacement-confirmed") == 1


@pytest.mark.clause("TC-STATE-18")
def test_what_a_container_does_while_it_runs_is_no_milestone() -> None:
    seen: list[object] = []
    calls = [lambda natives: natives.open(9), lambda natives: natives.log(b"x")] * 9
    drivers = (served_by(Puppet()),)
    program = Program(calling(seen, *calls, returns=0))
    world = World({"a": program}, drivers=drivers, state=Watched(), silent=True)
    world.add(blueprint("a", endpoints=(local(),), security=times(period=1)))
    world.device.start("a")
    before = told(world)
    world.device.run(for_ms=50)
    assert seen.count(-1) > 100
    assert told(world) == before


FRAMES = ((0xFFFFFFFF, 0xFFFFFF),) * 32


@pytest.mark.clause("TC-STATE-07", "TC-STATE-18")
def test_a_milestone_is_cut_to_what_the_state_keeps() -> None:
    events: list[TraceEvent] = [
        LoadRefused(b"\x1b" * 63, "load", "token", "\u202e" * 70_000),
        Transitioned(b"\xff" * 63, "running", "fault", "stopping", "\U0010ffff" * 999, FRAMES),
        Loaded(
            b"u" * 63, 9999, "wasm", "rfc9052", ("endpoint 4294967295",) * 999, 1, 1, 1, "f" * 64
        ),
    ]
    state = Watched()
    world = device(state)
    tracer: Any = world.device._tracer
    for event in events:
        tracer.mark(event)
    entries = world.device.events().entries
    assert [json.loads(each.content)["event"] for each in entries] == [
        "load-refused",
        "transition",
        "loaded",
    ]
    assert all(200 < len(each.content) <= 1024 for each in entries)
    assert json.loads(entries[1].content)["frames"][0] == list(FRAMES[0])


@pytest.mark.clause("TC-STATE-18")
def test_a_milestone_has_the_time_of_the_device_and_outlasts_a_boot() -> None:
    state = Watched()
    world = device(state)
    world.add(PLAN)
    world.device.run(for_ms=3_000)
    world.device.start("a")
    loaded, started = [json.loads(each.content) for each in world.device.events().entries]
    assert started["time_s"] - loaded["time_s"] == 3
    assert started["at_ns"] - loaded["at_ns"] == 3_000_000_000
    again = device(state)
    again.device.restore()
    assert [name for name, *_ in told(again)] == ["loaded", "start", "loaded", "start"]
    assert again.device.events(3, 9).newest == 4
    assert World(silent=True).device.events().newest == 0


@pytest.mark.clause("TC-STATE-07", "TC-STATE-18")
def test_a_milestone_that_is_cut_keeps_its_uid() -> None:
    uid = b"a" + b"\xff" * 62
    events: list[TraceEvent] = [
        LoadRefused(uid, "load", "token", "\U0010ffff" * 999),
        Loaded(uid, 9999, "wasm", "rfc9052", ("endpoint 4294967295",) * 999, 1, 1, 1),
    ]
    world = device(Watched())
    tracer: Any = world.device._tracer
    for event in events:
        tracer.mark(event)
    for entry in world.device.events().entries:
        values = json.loads(entry.content)
        del values["time_s"]
        assert getattr(parse_event(values), "uid", b"") == uid


def interrupt(verb: str, line: int | None) -> LineCounter:
    """Make a call that is interrupted at a line, and look at all that is told afterwards."""
    world = World({"a": Program(trap())}, state=Watched(), silent=True)
    world.add(PLAN)
    change = world.pack(newer(PLAN, mask=0b1)).metadata
    counter = LineCounter(line)
    with suppress(KeyboardInterrupt), counter.counting():
        if verb == "reconfigured":
            world.device.reconfigure(change)
        else:
            world.device.start("a")
    is_running = world.device["a"].state is State.RUNNING
    is_done = is_running or world.device.metadata("a").raw == change
    wanted = ["loaded", *[verb] * is_done]
    if not is_running:
        world.device.start("a")
        wanted.append("start")
    world.device.run(for_ms=5)
    assert [name for name, *_ in told(world)] == [*wanted, "fault"], counter.place
    return counter


@pytest.mark.clause("TC-LIFE-24", "TC-STATE-18")
@pytest.mark.parametrize("verb", ["start", "reconfigured"])
def test_no_interrupt_doubles_a_milestone_or_swallows_the_next(verb: str) -> None:
    interrupt(verb, None)
    lines = interrupt(verb, None).lines
    for line in range(lines - 230, lines + 1):
        interrupt(verb, line)


@pytest.mark.clause("TC-STATE-18", "TC-UPD-23")
@pytest.mark.parametrize("runs", [True, False])
def test_all_that_tells_of_an_update_is_recorded_with_it_in_order_and_once(runs: bool) -> None:
    state = Watched()
    world = World(dict.fromkeys(("a", "b", "c", "d"), QUICK), state=state, silent=True)
    for uid in ("a", "b"):
        world.add(plan(uid))
        if runs:
            world.device.start(uid)
    with refused(LoadReason.DUPLICATE_UID):
        world.add(plan("b"))
    before, seen = len(state.changes), len(told(world))
    update = [change(plan("d"), starts=True), gone("a"), change(plan("b", 2)), change(plan("c"))]
    world.device.change_together(update, numbered(7))
    with_it = [json.loads(event) for event in state.changes[before + 1].events]
    assert [(each.get("trigger", each["event"]), each["uid"]) for each in with_it] == [
        *(("loaded", "d"), ("updated", "d"), ("delete", "a"), ("updated", "a")),
        *(("replacing", "b"), ("updated", "b"), ("loaded", "c"), ("updated", "c")),
    ]
    updated = [each for each in with_it if each["event"] == "updated"]
    assert {each["sequence"] for each in updated} == {7}
    world.device.run(for_ms=25)
    rest = [("delete", "b"), ("loaded", "b"), *([("start", "b")] if runs else []), ("start", "d")]
    found = [each[:2] for each in told(world)[seen:]]
    assert sorted(found[len(with_it) :]) == sorted(rest)


@pytest.mark.clause("TC-STATE-18", "TC-UPD-20")
def test_a_refused_update_is_a_milestone_of_the_container_that_is_refused() -> None:
    world = World({"a": QUICK}, state=Watched(), silent=True)
    with pytest.raises(ContainerRefused):
        world.device.change_together([change(plan("a")), gone("b")], numbered(1))
    world.device.refuse_update(b"a", "suit-digest", "the manifest is another one")
    assert told(world) == [
        ("load-refused", "b", "unknown-uid"),
        ("load-refused", "a", "suit-digest"),
    ]
