"""Reconfiguration: new metadata for a loaded container, all or nothing."""

from dataclasses import replace

import pytest
from support.drivers import Puppet, served_by
from support.scripted import Program, Steps, endless, work
from support.tokens.forging import Forger, flipped
from support.worlds import (
    FOREIGN,
    KEYS,
    Ledger,
    Remote,
    World,
    blueprint,
    local,
    newer,
    refused,
    snapshot,
    times,
    trusted,
)

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Cap, Caps
from tinycontainer.device.containers.verification import Trust
from tinycontainer.errors import LoadError, LoadReason
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions, pack_unsigned
from tinycontainer.trace.events import HookBegan, Loaded, LoadRefused, Reconfigured, Refused
from tinycontainer_tokens import KeyEntry, KeyStore, Kind, Profile

EPOCH_S = 1_000_000
PLAN = blueprint("box", endpoints=(local(),), security=times(period=10, loop=400))


def device(trust: Trust | None = None, caps: Caps | None = None) -> World:
    return World(
        {"box": Program(work(10)), "two": Program(work(10))},
        trust=trust or Trust(keys=trusted()),
        caps=caps or Caps(),
        sequences=Ledger(),
        epoch_s=EPOCH_S,
    )


def in_state(state: State, world: World) -> World:
    """A world whose container has come into a state."""
    world.add(PLAN, Program(work(10), stop=endless()))
    if state is not State.READY:
        world.device.start("box")
        world.device.run(for_ms=25)
    if state is State.STOPPING:
        world.device.stop("box")
        world.device.run(for_ms=25)
    assert world.device["box"].state is state
    return world


def nothing_changes(world: World, metadata: bytes, reason: LoadReason) -> LoadError:
    before, heard = snapshot(world), len(world.events)
    with pytest.raises(LoadError) as caught:
        world.device.reconfigure(metadata)
    assert caught.value.reason is reason
    assert snapshot(world) == before
    assert [type(event) for event in world.events[heard:]] == [LoadRefused]
    return caught.value


ready_and_running = pytest.mark.parametrize("state", [State.READY, State.RUNNING])


@ready_and_running
@pytest.mark.clause("TC-LIFE-16")
def test_rights_and_timing_change_and_the_state_stays(state: State) -> None:
    world = in_state(state, device())
    changed = replace(newer(PLAN, mask=0b10), endpoints=(local(), local(7)))
    view = world.reconfigure(replace(changed, container=replace(PLAN.container, priority=2)))
    assert (view.state, view.mask, view.priority) == (state, 0b10, 2)
    (event,) = world.of(Reconfigured)
    assert (event.mask, event.priority, event.revoked, event.granted) == (0b10, 2, (), (7,))
    assert world.device["box"] == view


@ready_and_running
def test_the_same_metadata_may_come_again(state: State) -> None:
    world = in_state(state, device())
    before = snapshot(world)
    world.reconfigure(PLAN)
    assert snapshot(world) == before


def refusals(world: World) -> dict[str, tuple[bytes, LoadReason]]:
    """Metadata that cannot take effect, each wrong in one way."""
    plan = newer(PLAN)

    def packed(changed: Blueprint) -> bytes:
        return world.pack(changed).metadata

    return {
        "another uid": (packed(blueprint("two")), LoadReason.UNKNOWN_UID),
        "another type": (
            packed(replace(plan, container=replace(plan.container, type=ContainerType.WASM))),
            LoadReason.TYPE_CHANGED,
        ),
        "beyond a cap": (
            packed(replace(plan, container=replace(plan.container, priority=1))),
            LoadReason.CAP_EXCEEDED,
        ),
        "no limit where there is a cap": (
            packed(replace(plan, security=times(period=10, loop=0))),
            LoadReason.CAP_EXCEEDED,
        ),
        "garbage": (b"\xff" * 40, LoadReason.METADATA),
        "too long": (packed(plan) + bytes(2048), LoadReason.METADATA),
        "unsigned": (pack_unsigned(plan, b"box", b"").metadata, LoadReason.TOKEN),
        "expired": (
            packed(replace(plan, options=TokenOptions(sequence=2, expires_s=EPOCH_S))),
            LoadReason.TOKEN,
        ),
        "older": (
            packed(replace(plan, options=TokenOptions(sequence=0))),
            LoadReason.TOKEN,
        ),
        "equal sequence, other bytes": (packed(replace(PLAN, mask=1)), LoadReason.TOKEN),
    } | {
        f"{place.name.lower()} token {how}": (forger.pack(plan).metadata, LoadReason.TOKEN)
        for place in Kind
        for how, forger in {
            "of a stranger": Forger(place, key=FOREIGN),
            "with a wrong bit": Forger(place, change=flipped(400)),
            "for another container": Forger(place, uid=b"two"),
        }.items()
    }


CAPPED = Caps(Cap(best_priority=2, loop_max_ms=500))
WAYS = list(refusals(device(caps=CAPPED)))


@ready_and_running
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.clause("TC-LIFE-16")
def test_metadata_that_is_wrong_in_one_way_changes_nothing(state: State, way: str) -> None:
    world = in_state(state, device(caps=CAPPED))
    metadata, reason = refusals(world)[way]
    nothing_changes(world, metadata, reason)
    world.reconfigure(newer(PLAN))


@pytest.mark.clause("TC-LIFE-16")
def test_metadata_for_other_code_or_data_is_refused() -> None:
    world = device()
    world.add(PLAN, data=b"old data")
    nothing_changes(world, world.pack(newer(PLAN), b"new data").metadata, LoadReason.TOKEN)
    world.reconfigure(newer(PLAN), data=b"old data")


def test_a_container_that_is_stopping_cannot_be_changed() -> None:
    world = in_state(State.STOPPING, device())
    nothing_changes(world, world.pack(newer(PLAN)).metadata, LoadReason.WRONG_STATE)


def test_the_old_profile_after_the_new_one_is_refused() -> None:
    both = [
        KeyEntry(role, profile, key.public_half())
        for role, key in KEYS.items()
        for profile in Profile
    ]
    world = device(Trust(keys=KeyStore(both), profiles=tuple(Profile)))
    world.add(PLAN)
    old = replace(PLAN, profile=Profile.RIOT_2024)
    nothing_changes(world, world.pack(old).metadata, LoadReason.PROFILE)


@ready_and_running
@pytest.mark.clause("TC-TOK-27")
def test_a_sequence_store_that_fails_changes_nothing(state: State) -> None:
    world = in_state(state, device())
    assert isinstance(world.sequences, Ledger)
    world.sequences.broken = True
    nothing_changes(world, world.pack(newer(PLAN)).metadata, LoadReason.SEQUENCE_STORE)
    world.sequences.broken = False
    world.sequences.unreadable = True
    nothing_changes(world, world.pack(newer(PLAN)).metadata, LoadReason.SEQUENCE_STORE)
    world.sequences.unreadable = False
    world.reconfigure(newer(PLAN))


def test_an_accepted_reconfiguration_makes_the_metadata_of_before_too_old() -> None:
    world = device()
    world.add(PLAN)
    world.reconfigure(newer(PLAN))
    nothing_changes(world, world.pack(PLAN).metadata, LoadReason.TOKEN)
    world.device.delete("box")
    with refused(LoadReason.TOKEN, "older"):
        world.add(PLAN)


def test_a_reconfiguration_is_no_load() -> None:
    world = device()
    world.add(PLAN)
    world.reconfigure(newer(PLAN))
    assert len(world.of(Loaded)) == 1
    assert len(world.device) == 1


def test_a_start_asks_the_tokens_of_the_new_metadata() -> None:
    world = device()
    world.add(PLAN)
    world.reconfigure(replace(newer(PLAN), options=TokenOptions(sequence=2, expires_s=EPOCH_S + 1)))
    world.device.run_until(1000)
    with refused(LoadReason.TOKEN):
        world.device.start("box")


# When changes take effect.


@pytest.mark.clause("TC-LIFE-17")
def test_a_mask_changes_before_the_next_instruction() -> None:
    world, seen = device(), list[object]()

    def loop(natives: Natives) -> Steps:
        while True:
            seen.append(natives.heartbeat())
            yield 900

    world.run(replace(PLAN, security=times()), Program(loop))
    world.device.run(for_ms=10)
    assert set(seen) == {0}
    seen.clear()
    world.reconfigure(newer(replace(PLAN, security=times()), mask=0))
    world.device.run(for_ms=10)
    assert set(seen) == {-1}
    seen.clear()
    world.reconfigure(newer(newer(replace(PLAN, security=times()), mask=1)))
    world.device.run(for_ms=10)
    assert set(seen) == {0}


@pytest.mark.parametrize("call", ["heartbeat", "open", "close", "read", "write"])
@pytest.mark.clause("TC-CALL-04")
def test_a_call_that_is_granted_later_links_as_a_stub_first(call: str) -> None:
    world = World(drivers=(served_by(Puppet()),))
    remote = Remote(world, replace(PLAN, mask=0b10))
    assert remote.do(lambda natives: natives.open(1)) == 1

    def use(natives: Natives) -> object:
        arguments: dict[str, tuple[object, ...]] = {
            "open": (2,),
            "close": (1,),
            "read": (1, 2),
            "write": (1, b"ab"),
        }
        return getattr(natives, call)(*arguments.get(call, ()))

    endpoints = (local(), local(2))
    world.reconfigure(replace(newer(PLAN, mask=0), endpoints=endpoints))
    assert remote.do(use) == -1
    assert world.of(Refused)[-1].reason == "masked"
    world.reconfigure(replace(newer(newer(PLAN)), endpoints=endpoints))
    assert remote.do(use) == {"open": 2, "read": b"rr", "write": 2}.get(call, 0)


@pytest.mark.clause("TC-LIFE-17")
def test_lifetime_goes_on_counting() -> None:
    world = device()
    world.run(replace(PLAN, security=times(period=10, loop=400, lifetime=8)), Program(work(10)))
    world.device.run_until(45)
    assert world.device["box"].loops == 5
    world.reconfigure(
        replace(newer(PLAN), security=times(period=10, loop=400, lifetime=7)),
    )
    world.device.run_until(200)
    assert (world.exit_of("box").reason, world.device["box"].loops) == (ExitReason.LIFETIME, 7)


@pytest.mark.clause("TC-LIFE-23")
def test_a_lifetime_that_is_over_already_ends_the_start_after_one_more_loop() -> None:
    world = device()
    world.run(PLAN, Program(work(10)))
    world.device.run_until(45)
    world.reconfigure(replace(newer(PLAN), security=times(period=10, loop=400, lifetime=2)))
    world.device.run_until(200)
    assert world.device["box"].loops == 6
    assert world.device["box"].state is State.READY


@pytest.mark.clause("TC-LIFE-17")
def test_a_hook_in_progress_keeps_its_duration_and_the_next_one_has_the_new() -> None:
    world = device()
    plan = replace(PLAN, security=times(period=50, loop=100))
    world.run(plan, Program(work(*[1000] * 20)))
    world.device.run_until(5)
    world.reconfigure(replace(newer(PLAN), security=times(period=50, loop=10)))
    world.device.run_until(40)
    assert (world.device["box"].loops, world.device["box"].state) == (1, State.RUNNING)
    world.device.run_until(80)
    assert (world.exit_of("box").reason, world.device["box"].loops) == (ExitReason.OVERRUN, 1)


def test_a_new_period_plans_from_the_loop_that_ends_next() -> None:
    world = device()
    world.run(PLAN, Program(work(10)))
    world.device.run_until(12)
    world.reconfigure(replace(newer(PLAN), security=times(period=30, loop=400)))
    world.device.run_until(100)
    begun = [event.at_ns for event in world.of(HookBegan, "box") if event.hook == "loop"]
    first = begun[0]
    assert [(at_ns - first) / NS_PER_MS for at_ns in begun] == [0, 10, 20, 50, 80]


def with_priority(plan: Blueprint, priority: int) -> Blueprint:
    return replace(plan, container=replace(plan.container, priority=priority))


@pytest.mark.clause("TC-LIFE-22")
def test_a_container_that_waits_for_its_next_hook_has_its_new_priority_at_once() -> None:
    world = device()
    world.run(blueprint("two", priority=5), Program(work(*[1000] * 30)))
    world.run(PLAN, Program(work(1)))
    world.device.run_until(35)
    assert world.of(HookBegan, "box") == []
    world.reconfigure(with_priority(newer(PLAN), 1))
    world.device.run_until(37)
    assert [event.hook for event in world.of(HookBegan, "box")] == ["start", "loop"]


@pytest.mark.clause("TC-LIFE-22")
def test_a_hook_in_progress_keeps_its_priority_until_it_ends() -> None:
    world = device()
    plan = with_priority(replace(PLAN, security=times(period=100)), 5)
    world.run(plan, Program(work(*[1000] * 30)))
    world.device.run_until(5)
    world.run(blueprint("two", priority=10), Program(endless()))
    world.reconfigure(with_priority(newer(plan), 14))
    world.device.run_until(300)
    assert world.device["box"].loops == 1
    begun = [event.at_ns for event in world.of(HookBegan, "two")]
    assert begun[0] == 30_200_000
