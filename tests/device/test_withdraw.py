"""The owner takes back every right of a container by one token, and no older bundle comes back."""

from copy import copy
from dataclasses import replace

import pytest
from support.joint_changes import change, numbered
from support.scripted import Program, endless, work
from support.withdrawals import withdrawal
from support.worlds import Ledger, World, blueprint, newer, refused, snapshot, times

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.memory import Section
from tinycontainer.errors import LoadReason
from tinycontainer.state import MemoryState, StateChange, StateFileError
from tinycontainer.tools.packing.packing import TokenOptions
from tinycontainer.trace.events import HookEnded, Transitioned, Withdrawn
from tinycontainer_tokens import Kind, SequenceSubject

PLAN = blueprint("box", security=times(period=10, loop=5, stop=20))
OTHER = blueprint("other", security=times(period=10))
MASK = SequenceSubject(b"box", Kind.MASK)
PROGRAMS = {"box": Program(work(10), stop=work(10)), "other": Program(work(10))}


class Moments(MemoryState):
    """A state of which every moment is kept, as a power cut would leave it."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[Moments] = []
        self.is_broken = False

    def record(self, change: StateChange) -> None:
        if self.is_broken:
            raise StateFileError("device.db", "is broken on purpose")
        super().record(change)
        moment = copy(self)
        moment.moments = []
        self.moments.append(moment)


def desk(state: MemoryState | None = None) -> World:
    world = World(dict(PROGRAMS), state=Moments() if state is None else state)
    world.device.restore()
    return world


def running() -> World:
    """A device on which the container runs, and another one."""
    world = desk()
    for plan in (PLAN, OTHER):
        world.run(plan, PROGRAMS[plan.container.uid.decode()])
    world.device.run(for_ms=25)
    return world


def newest(world: World) -> int:
    """The highest sequence of a mask token; 0 if there is none."""
    found = None if world.state is None else world.state.newest(MASK)
    return 0 if found is None else found.sequence


@pytest.mark.clause("TC-TOK-33", "TC-LOAD-19")
def test_a_running_container_stops_with_its_grace_and_is_gone() -> None:
    world = running()
    loops = world.device["other"].loops
    world.device.withdraw("box", withdrawal("box"))
    assert world.device["box"].state is State.STOPPING
    assert newest(world) == 2
    world.device.run(for_ms=50)
    assert "box" not in world.device
    hooks = [event for event in world.of(Transitioned, "box") if event.before == "running"]
    assert [(event.trigger, event.after) for event in hooks] == [("delete", "stopping")]
    assert world.device["other"].loops > loops + 3
    assert [event.sequence for event in world.of(Withdrawn)] == [2]


@pytest.mark.clause("TC-LOAD-19")
def test_its_stop_hook_runs_within_the_grace() -> None:
    world = desk()
    world.run(replace(PLAN, security=times()), Program(endless(), stop=endless()))
    world.device.run(for_ms=50)
    world.device.withdraw("box", withdrawal("box"))
    world.device.run(for_ms=3000)
    assert "box" not in world.device
    assert [(event.hook, event.how) for event in world.of(HookEnded, "box")][1:] == [
        ("loop", "aborted"),
        ("stop", "overrun"),
    ]


@pytest.mark.clause("TC-TOK-33", "TC-LOAD-19")
def test_a_container_at_rest_is_gone_at_once() -> None:
    world = desk()
    world.add(PLAN)
    world.device.withdraw(b"box", withdrawal("box"))
    assert (len(world.device), newest(world)) == (0, 2)


@pytest.mark.clause("TC-LOAD-19")
@pytest.mark.parametrize("verb", ["stop", "kill", "delete"])
def test_a_container_that_winds_down_already_is_gone_then(verb: str) -> None:
    world = running()
    getattr(world.device, verb)("box")
    world.device.withdraw("box", withdrawal("box"))
    world.device.withdraw("box", withdrawal("box", 3))
    world.device.run(for_ms=50)
    assert "box" not in world.device
    assert len([event for event in world.of(Transitioned, "box") if event.trigger == "delete"]) == 1
    assert [event.sequence for event in world.of(Withdrawn)] == [2, 3]


@pytest.mark.clause("TC-LOAD-19")
@pytest.mark.parametrize("confirm_ms", [None, 500])
@pytest.mark.parametrize("later_ms", [0, 40])
def test_what_takes_its_place_is_gone_too(confirm_ms: int | None, later_ms: int) -> None:
    world = running()
    world.device.replace(world.pack(newer(PLAN)).encode(), confirm_ms)
    world.device.run(for_ms=later_ms)
    world.device.withdraw("box", withdrawal("box", 7))
    world.device.run(for_ms=1000)
    assert "box" not in world.device
    assert newest(world) == 7


@pytest.mark.clause("TC-LOAD-19")
def test_what_waits_for_others_of_an_update_is_gone_and_they_go_on() -> None:
    world = running()
    plans = newer(PLAN), newer(OTHER)
    world.device.change_together([change(plan, starts=True) for plan in plans], numbered(1))
    world.device.withdraw("box", withdrawal("box", 3))
    world.device.run(for_ms=100)
    assert [view.uid for view in world.device] == [b"other"]
    assert world.device["other"].state is State.RUNNING


@pytest.mark.clause("TC-TOK-33", "TC-LOAD-19")
def test_it_is_recorded_where_nothing_is_loaded_and_keeps_the_bundle_away() -> None:
    world = desk()
    world.device.withdraw("box", withdrawal("box"))
    assert newest(world) == 2
    assert [event.sequence for event in world.of(Withdrawn, "box")] == [2]
    for _ in range(2):
        with refused(LoadReason.TOKEN, "mask token: step 12 (sequence)"):
            world.add(PLAN)
        world = desk(world.state)  # type: ignore[arg-type]


@pytest.mark.clause("TC-TOK-33")
def test_no_older_bundle_comes_back_also_after_a_boot_and_a_newer_one_does() -> None:
    world = running()
    world.device.withdraw("box", withdrawal("box", 5))
    world.device.run(for_ms=50)
    state = world.state
    assert isinstance(state, MemoryState)
    for number in range(2):
        for sequence in (1, 2, 4, 5):  # 5 is another token of the same number
            old = replace(PLAN, options=TokenOptions(sequence=sequence))
            with refused(LoadReason.TOKEN, "step 12 (sequence)"):
                world.add(old)
        if number == 0:
            world = desk(state)
            assert [view.uid for view in world.device] == [b"other"]
    again = replace(PLAN, options=TokenOptions(sequence=6))
    world.run(again, PROGRAMS["box"])
    world.device.run(for_ms=25)
    assert world.device["box"].state is State.RUNNING
    with refused(LoadReason.TOKEN):
        world.device.withdraw("box", withdrawal("box", 5))
    assert world.device["box"].state is State.RUNNING


@pytest.mark.clause("TC-TOK-33")
def test_neither_a_reconfiguration_nor_a_replacement_brings_an_older_mask_back() -> None:
    world = desk()
    world.device.withdraw("box", withdrawal("box", 5))
    world.add(replace(PLAN, mask=0, options=TokenOptions(sequence=6)))
    old = world.pack(replace(PLAN, options=TokenOptions(sequence=4)))
    with refused(LoadReason.TOKEN):
        world.device.reconfigure(old.metadata)
    with refused(LoadReason.TOKEN):
        world.device.replace(old.encode())


@pytest.mark.clause("TC-TOK-33")
def test_a_load_that_is_under_way_is_judged_by_it() -> None:
    world = desk()
    bundle = world.pack(PLAN)
    contents = zip(Section, (bundle.metadata, bundle.code, bundle.data), strict=True)
    world.device.begin_load()
    for section, content in contents:
        world.device.open_section(section, len(content))
        if content:
            world.device.write_section(content)
    world.device.withdraw("box", withdrawal("box"))
    with refused(LoadReason.TOKEN):
        world.device.end_load()


@pytest.mark.clause("TC-TOK-33", "TC-LOAD-19")
def test_the_same_token_again_succeeds_and_changes_nothing() -> None:
    world = World(dict(PROGRAMS), sequences=Ledger())
    world.add(PLAN)
    world.device.withdraw("box", withdrawal("box"))
    world.add(OTHER)
    before, events = snapshot(world), len(world.events)
    world.device.withdraw("box", withdrawal("box"))
    assert (snapshot(world), len(world.events)) == (before, events)


@pytest.mark.clause("TC-LOAD-19")
def test_the_same_token_again_deletes_what_is_loaded_all_the_same() -> None:
    shared = Ledger()
    one, two = (World(dict(PROGRAMS), sequences=shared) for _ in range(2))
    for world in (one, two):
        world.add(PLAN)
    for world in (one, two):
        world.device.withdraw("box", withdrawal("box"))
        assert len(world.device) == 0
        assert len(world.of(Withdrawn)) == 1


# By halves.


@pytest.mark.clause("TC-LOAD-19", "TC-STATE-05", "TC-STATE-14")
def test_a_power_cut_at_any_moment_finds_it_whole_or_not_begun() -> None:
    world = running()
    assert isinstance(world.state, Moments)
    world.device.withdraw("box", withdrawal("box"))
    world.device.run(for_ms=50)
    found = set[bool]()
    for moment in world.state.moments:
        newest = moment.newest(MASK)
        assert newest is not None
        is_made = newest.sequence == 2
        assert any(each.uid == b"box" for each in moment.containers()) is not is_made
        booted = desk(moment)
        booted.device.run(for_ms=50)
        assert moment.kept_aside() == ()
        if is_made:
            assert "box" not in booted.device
            told = b"".join(each.content for each in booted.device.events().entries)
            assert told.count(b'"withdrawn"') == 1
        found.add(is_made)
    assert found == {True, False}


@pytest.mark.clause("TC-LOAD-19", "TC-STATE-14")
def test_what_cannot_be_recorded_is_refused_and_the_container_goes_on() -> None:
    world = running()
    assert isinstance(world.state, Moments)
    world.state.is_broken = True
    with refused(LoadReason.SEQUENCE_STORE, "broken on purpose"):
        world.device.withdraw("box", withdrawal("box"))
    assert world.device["box"].state is State.RUNNING
    world.state.is_broken = False
    world.device.withdraw("box", withdrawal("box"))
    world.device.run(for_ms=50)
    assert "box" not in world.device
