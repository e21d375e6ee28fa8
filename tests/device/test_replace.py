"""Replacing: another version takes the place of a container, all or nothing."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from support.drivers import Puppet, served_by
from support.scripted import Program, ScriptedRuntime, Steps, endless, trap, work
from support.worlds import (
    KEYS,
    Ledger,
    Remote,
    World,
    blueprint,
    local,
    newer,
    piped,
    refused,
    snapshot,
    times,
)

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Cap, Capacity, Caps
from tinycontainer.errors import LoadReason
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions, pack, pack_unsigned
from tinycontainer.trace.events import (
    DescriptorClosed,
    Loaded,
    LoadRefused,
    ReplacementConfirmed,
    ReplacementUndone,
    Replacing,
    Transitioned,
)

PLAN = blueprint("box", endpoints=(local(),), security=times(period=10, loop=5, stop=5))
NEXT = newer(PLAN, mask=0b1)
PROGRAMS = {
    "box": Program(work(10), stop=work(10)),
    "new": Program(work(20)),
    "traps at its start": Program(work(20), start=trap()),
    "traps in its loop": Program(trap()),
    "is too long": Program(endless()),
    "returns 7": Program(work(20, returns=7)),
    "takes long": Program(work(*[100] * 40)),
}


def device(**changes: object) -> World:
    start = World(dict(PROGRAMS), drivers=(served_by(Puppet()),), sequences=Ledger())
    return replace(start, **changes) if changes else start  # type: ignore[arg-type]


def version(plan: Blueprint = NEXT, code: str = "new") -> bytes:
    return pack(plan, code.encode(), b"", KEYS).encode()


def running(world: World) -> World:
    world.run(PLAN, PROGRAMS["box"])
    world.device.run(for_ms=25)
    return world


def is_old(world: World) -> bool:
    return world.device.metadata("box").raw == world.pack(PLAN).metadata


# Final replacements.


@pytest.mark.clause("TC-LOAD-16")
def test_the_successor_of_a_container_that_runs_lies_in_its_slot_and_is_started() -> None:
    world = device()
    world.add(blueprint("first"), PROGRAMS["new"])
    running(world)
    assert world.device.replace(version()).state is State.STOPPING
    assert is_old(world)
    world.device.run(for_ms=25)
    view = world.device["box"]
    assert (view.slot, view.state, view.mask, view.last_exit) == (1, State.RUNNING, 0b1, None)
    assert view.loops == 3
    assert world.of(Replacing, "box")[0].within_ns == 0
    (old, new) = world.of(Loaded, "box")
    assert (old.slot, new.slot) == (1, 1)
    states = [event.after for event in world.of(Transitioned, "box")]
    assert states == [
        *("ready", "running", "stopping", "deleting", "gone"),
        *("ready", "running"),
    ]


@pytest.mark.clause("TC-LOAD-16")
def test_the_successor_of_a_container_that_does_not_run_does_not_run_either() -> None:
    world = device()
    world.add(PLAN)
    assert world.device.replace(version()).state is State.READY
    assert not is_old(world)
    world.device.run(for_ms=25)
    assert world.device["box"].state is State.READY


@pytest.mark.clause("TC-LOAD-16")
def test_a_full_device_replaces_in_place() -> None:
    world = running(device(capacity=Capacity(slots=1)))
    world.device.replace(version())
    world.device.run(for_ms=25)
    assert world.device["box"].mask == 0b1


@pytest.mark.clause("TC-LOAD-16")
def test_the_stop_hook_of_the_old_version_runs_and_its_successor_waits_for_it() -> None:
    stopped = []

    def stop(natives: Natives) -> Steps:
        stopped.append(natives)
        yield 2_000
        return 0

    world = device()
    world.run(PLAN, Program(work(10), stop=stop))
    world.device.run(for_ms=25)
    world.device.replace(version())
    world.device.run(for_ms=1)
    assert (len(stopped), is_old(world)) == (1, True)
    world.device.run(for_ms=2)
    assert not is_old(world)


@pytest.mark.clause("TC-LOAD-16")
def test_the_successor_may_be_of_another_type() -> None:
    world = running(device(foreign={ContainerType.WASM: ScriptedRuntime(PROGRAMS)}))
    other = replace(NEXT, container=replace(NEXT.container, type=ContainerType.WASM))
    world.device.replace(version(other))
    world.device.run(for_ms=25)
    assert world.device["box"].state is State.RUNNING
    assert world.of(Loaded, "box")[-1].type == "wasm"


@pytest.mark.clause("TC-LOAD-16")
def test_the_descriptors_of_the_peers_of_a_pipe_close_once() -> None:
    world = device()
    pal = Remote(world, blueprint("pal", endpoints=(piped(3, "box", 3),)))
    plan = replace(PLAN, endpoints=(piped(3, "pal", 3),))
    world.run(plan, PROGRAMS["box"])
    assert pal.open(3) == 1
    world.device.replace(version(newer(plan)))
    world.device.run(for_ms=25)
    assert [event.fd for event in world.of(DescriptorClosed, "pal")] == [1]
    assert pal.read(1) == -1
    assert pal.open(3) == 2


REFUSALS: dict[str, tuple[LoadReason, Callable[[], bytes], dict[str, object]]] = {
    "bundle": (LoadReason.BUNDLE, lambda: b"nonsense", {}),
    "capacity": (
        LoadReason.CAPACITY,
        lambda: version(code="n" * 40),
        {"capacity": Capacity(code_bytes=39)},
    ),
    "uid": (LoadReason.UNKNOWN_UID, lambda: version(blueprint("other")), {}),
    "runtime": (
        LoadReason.RUNTIME_MISSING,
        lambda: version(replace(NEXT, container=replace(NEXT.container, type=ContainerType.BPF))),
        {},
    ),
    "caps": (
        LoadReason.CAP_EXCEEDED,
        lambda: version(replace(NEXT, security=times(period=10, loop=6))),
        {"caps": Caps(Cap(loop_max_ms=5))},
    ),
    "tokens": (LoadReason.TOKEN, lambda: pack_unsigned(NEXT, b"new", b"").encode(), {}),
    "sequence": (
        LoadReason.TOKEN,
        lambda: version(replace(NEXT, options=TokenOptions(sequence=0))),
        {},
    ),
    "code": (LoadReason.CODE_INADMISSIBLE, lambda: version(code="unknown"), {}),
}


@pytest.mark.clause("TC-LOAD-16")
@pytest.mark.parametrize("state", [State.READY, State.RUNNING])
@pytest.mark.parametrize("confirm_ms", [None, 50])
@pytest.mark.parametrize("check", REFUSALS)
def test_a_successor_that_is_refused_changes_nothing(
    check: str, confirm_ms: int | None, state: State
) -> None:
    reason, make, changes = REFUSALS[check]
    world = device(**changes)
    world.add(PLAN)
    if state is State.RUNNING:
        world.device.start("box")
        world.device.run(for_ms=25)
    elif confirm_ms is not None:
        reason = LoadReason.WRONG_STATE if check not in ("bundle", "capacity", "uid") else reason
    before = snapshot(world)
    judged = world.device.judge(make(), replaces=True)
    assert world.of(LoadRefused) == []
    with refused(reason):
        world.device.replace(make(), confirm_ms)
    assert snapshot(world) == before
    (event,) = world.of(LoadRefused)
    assert (event.verb, event.reason) == ("replace", reason)
    first = next(each for each in judged if each.failed)
    if reason is not LoadReason.WRONG_STATE:
        assert (first.reason, first.refusal and first.refusal.problem) == (reason, event.problem)
    world.device.run(for_ms=25)
    assert world.device["box"].state is state
    assert is_old(world)


@pytest.mark.clause("TC-LOAD-16")
def test_a_successor_that_the_store_cannot_record_changes_nothing() -> None:
    ledger = Ledger()
    world = running(device(sequences=ledger))
    ledger.broken = True
    before = snapshot(world)
    with refused(LoadReason.SEQUENCE_STORE):
        world.device.replace(version())
    assert snapshot(world) == before


@pytest.mark.clause("TC-LOAD-16")
def test_what_winds_down_is_not_replaced_and_a_delete_forgets_its_successor() -> None:
    world = running(device())
    world.device.replace(version())
    with refused(LoadReason.WRONG_STATE, "state stopping"):
        world.device.replace(version(newer(NEXT)))
    world.device.delete("box")
    world.device.run(for_ms=25)
    assert "box" not in world.device
    with refused(LoadReason.TOKEN):
        world.add(PLAN)
    world.device.load(version())


def test_a_kill_ends_the_old_version_sooner() -> None:
    world = running(device())
    world.device.replace(version())
    world.device.kill("box")
    world.device.run(for_ms=0)
    assert (is_old(world), world.device["box"].state) == (False, State.RUNNING)


@pytest.mark.clause("TC-LOAD-16")
def test_a_successor_whose_token_expires_while_the_old_one_winds_down_stays_ready() -> None:
    world = device()
    slow = Program(work(10), stop=endless())
    world.run(replace(PLAN, security=times(period=10, loop=5)), slow)
    world.device.run(for_ms=25)
    brief = replace(NEXT, options=TokenOptions(sequence=2, expires_s=world.epoch_s + 1))
    world.device.replace(version(brief))
    world.device.run(for_ms=3_000)
    assert world.device["box"].state is State.READY
    assert [event.verb for event in world.of(LoadRefused, "box")] == ["start"]


# Replacements on trial.


@pytest.mark.clause("TC-LOAD-17")
def test_a_version_that_completes_a_loop_in_time_is_final() -> None:
    ledger = Ledger()
    world = running(device(sequences=ledger))
    before = dict(ledger.entries)
    world.device.replace(version(), confirm_ms=50)
    assert ledger.entries == before
    world.device.run(for_ms=15)
    assert len(world.of(ReplacementConfirmed, "box")) == 1
    assert ledger.entries != before
    world.device.run(for_ms=100)
    assert (world.device["box"].mask, world.of(ReplacementUndone)) == (0b1, [])
    world.device.replace(version(newer(NEXT)))


@pytest.mark.clause("TC-LOAD-18")
@pytest.mark.parametrize("code", ["traps at its start", "traps in its loop", "is too long"])
def test_a_version_that_faults_is_gone_and_the_old_one_runs_with_its_old_rights(code: str) -> None:
    ledger = Ledger()
    world = running(device(sequences=ledger))
    before, loops = dict(ledger.entries), world.device["box"].loops
    world.device.replace(version(code=code), confirm_ms=50)
    world.device.run(for_ms=50)
    view = world.device["box"]
    assert (view.state, view.mask, is_old(world)) == (State.RUNNING, 0b11111, True)
    assert view.loops > loops
    assert ledger.entries == before
    (undone,) = world.of(ReplacementUndone, "box")
    assert undone.reason == "it ended before it completed a loop"
    world.reconfigure(newer(PLAN))


@pytest.mark.clause("TC-LOAD-18")
def test_a_version_that_completes_no_loop_in_time_is_gone() -> None:
    world = running(device())
    plan = newer(PLAN, security=times(period=10))
    world.device.replace(version(plan, code="is too long"), confirm_ms=50)
    begin_ns = world.device.now_ns
    world.device.run(for_ms=49)
    assert not is_old(world)
    world.device.run(for_ms=1_500)
    (undone,) = world.of(ReplacementUndone, "box")
    assert undone.reason == "it completed no loop in time"
    assert undone.at_ns <= begin_ns + 51 * NS_PER_MS
    assert (world.device["box"].state, is_old(world)) == (State.RUNNING, True)


@pytest.mark.clause("TC-LOAD-17")
@pytest.mark.parametrize("verb", ["", "stop", "delete"])
def test_a_loop_that_a_version_completes_after_its_end_does_not_confirm_it(verb: str) -> None:
    world = running(device())
    world.device.replace(version(code="takes long"), confirm_ms=500 if verb else 3)
    world.device.run(for_ms=2)
    if verb:
        getattr(world.device, verb)("box")
    world.device.run(for_ms=500)
    assert world.of(ReplacementConfirmed) == []
    assert len(world.of(ReplacementUndone)) == (verb != "delete")
    after = {"": ["running"], "stop": ["ready"]}.get(verb, [])
    assert [view.state for view in world.device] == after
    assert verb == "delete" or is_old(world)


@pytest.mark.clause("TC-LOAD-17")
def test_a_loop_that_returns_another_value_was_completed() -> None:
    world = running(device())
    world.device.replace(version(code="returns 7"), confirm_ms=50)
    world.device.run(for_ms=100)
    assert world.exit_of("box").reason is ExitReason.RETURNED
    assert (world.device["box"].state, is_old(world)) == (State.READY, False)


@pytest.mark.clause("TC-LOAD-18")
@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_a_version_on_trial_that_its_operator_stops_gives_way_to_the_old_one_at_rest(
    verb: str,
) -> None:
    world = running(device())
    plan = newer(PLAN, security=times(period=10))
    world.device.replace(version(plan, code="is too long"), confirm_ms=500)
    world.device.run(for_ms=2)
    getattr(world.device, verb)("box")
    world.device.run(for_ms=2_000)
    assert (world.device["box"].state, is_old(world)) == (State.READY, True)


@pytest.mark.clause("TC-LOAD-18")
def test_a_version_on_trial_is_neither_changed_nor_replaced_but_deleted_with_the_old_one() -> None:
    world = running(device())
    plan = newer(PLAN, security=times(period=10))
    world.device.replace(version(plan, code="takes long"), confirm_ms=500)
    world.device.run(for_ms=2)
    with refused(LoadReason.WRONG_STATE, "confirmed or undone"):
        world.device.replace(version(newer(NEXT)))
    with refused(LoadReason.WRONG_STATE, "confirmed or undone"):
        world.reconfigure(newer(newer(PLAN)))
    world.device.delete("box")
    world.device.run(for_ms=2_000)
    assert "box" not in world.device
    assert world.of(ReplacementUndone) == []


@pytest.mark.clause("TC-LOAD-18")
def test_a_version_whose_tokens_cannot_be_recorded_at_last_gives_way_to_the_old_one() -> None:
    ledger = Ledger()
    world = running(device(sequences=ledger))
    world.device.replace(version(), confirm_ms=50)
    ledger.broken = True
    world.device.run(for_ms=50)
    (undone,) = world.of(ReplacementUndone, "box")
    assert "broken on purpose" in undone.reason
    assert (world.device["box"].state, is_old(world)) == (State.RUNNING, True)


@pytest.mark.clause("TC-LOAD-18")
def test_only_the_successor_of_what_runs_can_be_on_trial_and_only_for_some_time() -> None:
    world = device()
    world.add(PLAN)
    with refused(LoadReason.WRONG_STATE, "a container that runs"):
        world.device.replace(version(), confirm_ms=50)
    for confirm_ms in (0, -1):
        with pytest.raises(ValueError, match="cannot be confirmed within"):
            world.device.replace(version(), confirm_ms)


@pytest.mark.clause("TC-LOAD-18")
def test_the_old_version_has_its_lifetime_left_and_no_more() -> None:
    world = device()
    plan = replace(PLAN, security=times(period=10, loop=5, stop=5, lifetime=5))
    world.run(plan, PROGRAMS["box"])
    world.device.run(for_ms=25)
    world.device.replace(version(code="traps in its loop"), confirm_ms=50)
    world.device.run(for_ms=500)
    assert world.exit_of("box").reason is ExitReason.LIFETIME
    assert (world.device["box"].loops, world.device["box"].statistics.starts) == (5, 2)
