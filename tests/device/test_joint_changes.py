"""Updates of several containers: all of them or none, and no new version meets an old peer."""

from pathlib import Path

import pytest
from support.joint_changes import (
    QUICK,
    SLOW,
    change,
    free_slots,
    gone,
    numbered,
    plan,
    states,
    version,
)
from support.scripted import Program, Steps, calling, endless, trap, work
from support.worlds import Ledger, World, blueprint, piped, snapshot

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.memory import Section
from tinycontainer.errors import ContainerRefused, InvalidTransition, LoadReason
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.interfaces.updating import ContainerChange, UpdateSection
from tinycontainer.state import MemoryState, Ownership, SqliteState
from tinycontainer.trace.events import Loaded, LoadRefused, Transitioned, Updated
from tinycontainer_tokens import Accepted, SequenceSubject

FIRST = numbered(1)
SECOND = numbered(2)


def device(*uids: str, capacity: Capacity | None = None) -> World:
    """Containers of these uids run."""
    programs = dict.fromkeys(("a", "b", "c", "d"), QUICK)
    world = World(programs, sequences=Ledger(), capacity=capacity or Capacity())
    for uid in uids:
        world.run(plan(uid), programs[uid])
    world.device.run(for_ms=25)
    return world


@pytest.mark.clause("TC-UPD-20")
def test_some_are_replaced_some_come_and_some_stay_as_they_are() -> None:
    world = device("a", "b")
    a_loops = world.device["a"].loops
    changes = [change(plan("a")), change(plan("b", 2, mask=1)), change(plan("c"), starts=True)]
    world.device.change_together(changes, FIRST)
    world.device.run(for_ms=25)
    running = {b"a": (0, State.RUNNING), b"b": (1, State.RUNNING), b"c": (2, State.RUNNING)}
    assert states(world) == running
    assert (world.device["b"].mask, world.device["b"].loops) == (1, 3)
    assert world.device["a"].loops > a_loops
    assert [event.uid for event in world.of(Updated)] == [b"a", b"b", b"c"]
    assert all(world.device.newest_update(uid) == FIRST for uid in (b"a", b"b", b"c"))


@pytest.mark.clause("TC-UPD-20")
def test_what_does_not_run_and_is_not_to_start_is_only_loaded() -> None:
    world = device()
    world.add(plan("a"))
    world.device.change_together([change(plan("a", 2)), change(plan("b"))], FIRST)
    world.device.run(for_ms=25)
    assert states(world) == {b"a": (0, State.READY), b"b": (1, State.READY)}
    world.device.change_together([change(plan("a", 2), starts=True), change(plan("b"))], SECOND)
    world.device.run(for_ms=25)
    assert states(world) == {b"a": (0, State.RUNNING), b"b": (1, State.READY)}


@pytest.mark.clause("TC-UPD-20")
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (change(plan("c", 2), "no such program"), LoadReason.CODE_INADMISSIBLE),
        (change(plan("d"), uid="c"), LoadReason.METADATA),
        (change(plan("b", 0)), LoadReason.TOKEN),
        (gone("d"), LoadReason.UNKNOWN_UID),
    ],
)
def test_if_one_is_refused_nothing_changes(wrong: ContainerChange, reason: LoadReason) -> None:
    world = device("a", "b")
    before = snapshot(world)
    for changes in ([change(plan("a", 2)), wrong], [wrong, change(plan("a", 2))]):
        with pytest.raises(ContainerRefused) as caught:
            world.device.change_together(changes, FIRST)
        assert (caught.value.reason, caught.value.uid) == (reason, wrong.uid)
        assert snapshot(world) == before
    refusals = [(event.uid, event.verb, event.reason) for event in world.of(LoadRefused)]
    assert refusals == [(wrong.uid, "update", reason)] * 2
    assert world.device.newest_update(b"a") is None


@pytest.mark.clause("TC-UPD-20")
def test_slots_that_are_not_free_for_all_are_a_refusal() -> None:
    world = device("a", capacity=Capacity(slots=2))
    before = snapshot(world)
    with pytest.raises(ContainerRefused) as caught:
        world.device.change_together([change(plan("b")), change(plan("c"))], FIRST)
    assert (caught.value.reason, caught.value.uid) == (LoadReason.NO_SLOT, b"c")
    assert snapshot(world) == before
    world.device.change_together([change(plan("a", 2)), change(plan("c"))], FIRST)
    world.device.run(for_ms=25)
    assert states(world) == {b"a": (0, State.RUNNING), b"c": (1, State.READY)}


@pytest.mark.clause("TC-UPD-20")
def test_several_are_deleted_together() -> None:
    world = device("a", "b", "c")
    world.device.change_together([gone("a"), gone("c")], FIRST)
    world.device.run(for_ms=25)
    assert states(world) == {b"b": (1, State.RUNNING)}
    ends = [event for event in world.of(Transitioned) if event.trigger == "delete"]
    assert [event.uid for event in ends] == [b"a", b"c"]
    assert world.device.newest_update(b"a") == FIRST


@pytest.mark.clause("TC-UPD-21")
def test_none_starts_before_all_that_leave_are_gone() -> None:
    world = device("b", "c")
    world.run(plan("a"), SLOW)  # takes its time to stop
    world.device.run(for_ms=5)
    coming = [change(plan(uid, 2), starts=True) for uid in ("a", "b", "c", "d")]
    world.device.change_together(coming, FIRST)
    world.device.run(for_ms=1)
    assert states(world)[b"d"] == (3, State.READY)
    assert states(world)[b"a"] == (2, State.STOPPING)
    world.device.run(for_ms=30)
    assert {state for _, state in states(world).values()} == {State.RUNNING}
    last = max(event.at_ns for event in world.of(Transitioned) if event.after == State.GONE)
    starts = [event.at_ns for event in world.of(Transitioned) if event.trigger == "start"]
    assert len(starts) == 7
    assert all(at_ns >= last for at_ns in starts[3:])


@pytest.mark.clause("TC-UPD-21")
def test_new_versions_find_their_new_peers_at_their_first_open() -> None:
    opened = list[object]()
    ends = {uid: (piped(3, peer, 3),) for uid, peer in (("a", "b"), ("b", "a"))}
    world = World(sequences=Ledger())
    for uid in ("a", "b"):
        world.run(plan(uid), Program(work(10)))
    for uid in ("new a", "new b"):
        world.programs[uid] = Program(
            work(10), start=calling(opened, lambda natives: natives.open(3))
        )
    world.device.run(for_ms=25)
    world.device.change_together(
        [change(plan(uid, 2, endpoints=ends[uid]), f"new {uid}") for uid in ("a", "b")], FIRST
    )
    world.device.run(for_ms=25)
    assert opened == [1, 2]


@pytest.mark.clause("TC-UPD-21")
def test_what_waits_for_the_others_can_be_deleted_and_not_changed() -> None:
    world = device("b")
    world.run(plan("a"), SLOW)
    world.device.run(for_ms=5)
    world.device.change_together([change(plan("a", 2)), change(plan("c"), starts=True)], FIRST)
    world.device.run(for_ms=1)
    with pytest.raises(ContainerRefused, match="until the update that it is part of is complete"):
        world.device.change_together([change(plan("c", 2))], SECOND)
    with pytest.raises(InvalidTransition, match="until the update that it is part of is complete"):
        world.device.start("c")
    world.device.delete("c")
    world.device.run(for_ms=30)
    assert states(world) == {b"a": (1, State.RUNNING), b"b": (0, State.RUNNING)}


@pytest.mark.clause("TC-UPD-21")
@pytest.mark.parametrize("how", ["update", "delete", "kill"])
def test_whoever_ends_the_last_that_leaves_lets_the_others_start(how: str) -> None:
    world = device("b")
    world.run(plan("a"), SLOW)
    world.device.run(for_ms=5)
    coming = [change(plan(uid, 2), starts=True) for uid in ("a", "b", "c")]
    world.device.change_together(coming, FIRST)
    world.device.run(for_ms=1)
    waiting = {b"a": (1, State.STOPPING), b"b": (0, State.READY), b"c": (2, State.READY)}
    assert states(world) == waiting
    if how == "update":
        world.device.change_together([gone("a")], SECOND)
    else:
        getattr(world.device, how)("a")
    world.device.run(for_ms=30)
    running = {uid for uid, (_, state) in states(world).items() if state is State.RUNNING}
    assert running == ({b"a", b"b", b"c"} if how == "kill" else {b"b", b"c"})
    assert running == states(world).keys()


@pytest.mark.clause("TC-UPD-22")
def test_an_older_update_is_refused_and_the_same_one_is_a_repetition() -> None:
    world = World({"a": Program(work(10)), "b": Program(work(10))})
    world.run(plan("a"), world.programs["a"])
    world.device.change_together([change(plan("a", 2))], SECOND)
    world.device.run(for_ms=25)
    before = snapshot(world)
    for number in (FIRST, Accepted(2, b"\3" * 32)):
        with pytest.raises(ContainerRefused) as caught:
            world.device.change_together([change(plan("a", 3)), change(plan("b"))], number)
        assert caught.value.reason is LoadReason.SEQUENCE_STORE
        assert snapshot(world) == before
    world.device.change_together([change(plan("a", 2))], SECOND)
    assert world.device["a"].state is State.RUNNING


@pytest.mark.clause("TC-UPD-23")
def test_all_of_it_is_recorded_in_one_step_before_anything_changes() -> None:
    state = MemoryState()
    programs = dict.fromkeys(("a", "b", "c"), QUICK)
    world = World(programs, state=state)
    for uid in ("a", "b"):
        world.run(plan(uid), programs[uid])
    world.device.run(for_ms=25)
    records = list[object]()
    record = state.record
    state.record = lambda found: (records.append(found), record(found))[1]  # type: ignore[method-assign, assignment, func-returns-value]
    world.device.change_together(
        [change(plan("a", 2)), gone("b"), change(plan("c"), starts=True)], FIRST
    )
    assert len(records) == 1
    assert [(entry.uid, entry.slot, entry.wants_to_run) for entry in state.containers()] == [
        (b"a", 0, True),
        (b"c", 2, True),
    ]
    assert state.newest(SequenceSubject(b"b", None)) == FIRST
    again = World(programs, state=state)
    again.device.restore()
    again.device.run(for_ms=25)
    assert states(again) == {b"a": (0, State.RUNNING), b"c": (2, State.RUNNING)}


@pytest.mark.clause("TC-UPD-23")
def test_an_update_that_cannot_be_recorded_changes_nothing() -> None:
    world = device("a")
    assert isinstance(world.sequences, Ledger)
    world.sequences.broken = True
    before = snapshot(world)
    with pytest.raises(ContainerRefused) as caught:
        world.device.change_together([change(plan("a", 2)), change(plan("b"))], FIRST)
    assert (caught.value.reason, caught.value.uid) == (LoadReason.SEQUENCE_STORE, b"")
    assert snapshot(world) == before


def test_a_container_that_faults_later_is_none_of_the_update() -> None:
    world = device("a")
    world.programs["traps"] = Program(trap())
    world.device.change_together([change(plan("a", 2), "traps")], FIRST)
    world.device.run(for_ms=25)
    assert world.exit_of("a").reason is ExitReason.TRAP


PARTIAL = ContainerChange(b"a", {UpdateSection.CODE: b"a"})


@pytest.mark.parametrize(
    ("changes", "number", "words"),
    [
        ([], FIRST, "at least one change, and one for each uid"),
        ([gone("a"), gone("a")], FIRST, "at least one change, and one for each uid"),
        ([gone("b"), PARTIAL], FIRST, "all sections, or none"),
        ([gone("a")], Accepted(1 << 64, bytes(32)), "has 64 bits"),
        ([gone("a")], Accepted(-1, bytes(32)), "has 64 bits"),
    ],
)
def test_a_wrong_update_is_the_callers_mistake(
    changes: list[ContainerChange], number: Accepted, words: str
) -> None:
    world = device("a")
    with pytest.raises(ValueError, match=words):
        world.device.change_together(changes, number)
    assert states(world) == {b"a": (0, State.RUNNING)}


@pytest.mark.clause("TC-UPD-22")
def test_an_update_has_any_number_of_64_bits(tmp_path: Path) -> None:
    state = SqliteState(tmp_path / "device.db", Ownership.SOLE)
    world = World({"a": QUICK}, state=state)
    world.add(plan("a"))
    for sequence in (0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        world.device.change_together([change(plan("a"))], numbered(sequence))
        assert world.device.newest_update(b"a") == numbered(sequence)
    world.device.close()


@pytest.mark.clause("TC-UPD-20")
def test_an_update_takes_no_slot_of_a_load_that_is_under_way() -> None:
    world = device("a", capacity=Capacity(slots=3))
    parts = version(plan("d"))
    world.device.begin_load()
    world.device.open_section(Section.METADATA, len(parts.metadata))
    with pytest.raises(ContainerRefused) as caught:
        world.device.change_together([change(plan("b")), change(plan("c"))], FIRST)
    assert caught.value.reason is LoadReason.NO_SLOT
    world.device.change_together([change(plan("a", 2)), change(plan("b"), starts=True)], FIRST)
    world.device.run(for_ms=25)
    world.device.write_section(parts.metadata)
    for section, content in ((Section.CODE, parts.code), (Section.DATA, parts.data)):
        world.device.open_section(section, len(content))
        if content:
            world.device.write_section(content)
    assert world.device.end_load().slot == 1
    running = {b"a": (0, State.RUNNING), b"b": (2, State.RUNNING)}
    assert states(world) == {**running, b"d": (1, State.READY)}


@pytest.mark.clause("TC-UPD-20")
def test_what_is_on_trial_is_deleted_by_an_update_and_not_changed() -> None:
    world = device("a", "b")
    world.programs["endless"] = Program(endless())
    endless_a = version(blueprint("a", sequence=2), "endless")
    world.device.replace(endless_a.encode(), confirm_ms=500)
    world.device.run(for_ms=5)
    with pytest.raises(ContainerRefused, match="until its last replacement is confirmed") as caught:
        world.device.change_together([change(plan("b", 2)), change(plan("a", 3))], FIRST)
    assert (caught.value.reason, caught.value.uid) == (LoadReason.WRONG_STATE, b"a")
    world.device.change_together([change(plan("b", 2)), gone("a")], FIRST)
    world.device.run(for_ms=3_000)
    assert states(world) == {b"b": (1, State.RUNNING)}
    assert free_slots(world) == world.capacity.slots - 1


def test_a_driver_cannot_update_the_device_that_calls_it() -> None:
    world = device()
    caught = list[BaseException]()

    def loop(_natives: Natives) -> Steps:
        try:
            world.device.change_together([gone("a")], FIRST)
        except RuntimeError as error:
            caught.append(error)
        yield 1
        return 0

    world.run(plan("a"), Program(loop))
    world.device.run(for_ms=5)
    assert caught
    assert len(world.of(Loaded)) == 1


@pytest.mark.clause("TC-UPD-23", "TC-STATE-14")
def test_what_has_yet_to_start_waits_for_the_next_boot_when_the_device_is_switched_off() -> None:
    state = MemoryState()
    programs = {uid: Program(work(10), stop=work(10)) for uid in ("a", "b")}
    world = World(programs, state=state)
    for uid in ("a", "b"):
        world.run(plan(uid), programs[uid])
    world.device.run(for_ms=25)
    world.device.change_together([change(plan("a", 2)), change(plan("c"), "b", starts=True)], FIRST)
    world.device.wind_down()
    world.device.run(for_ms=25)
    assert states(world) == {
        b"a": (0, State.READY),
        b"b": (1, State.READY),
        b"c": (2, State.READY),
    }
    world.device.close()
    again = World(programs, state=state)
    again.device.restore()
    again.device.run(for_ms=25)
    assert {condition for _, condition in states(again).values()} == {State.RUNNING}
