"""What a device remembers: recorded before it takes effect, and restored in its slot."""

from collections.abc import Callable
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from support.scripted import Program, endless, trap, work
from support.worlds import KEYS, World, blueprint, newer, refused, snapshot, times, trusted

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.verification import Trust
from tinycontainer.errors import InvalidTransition, LoadError, LoadReason, UnknownContainer
from tinycontainer.state import MemoryState, StateChange, StateFileError
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions, pack
from tinycontainer.trace.events import LoadRefused
from tinycontainer_tokens import KeyEntry, KeyStore, Profile, Role

EPOCH_S = 1_000_000
PERIOD = times(period=10, loop=5, stop=5)
PROGRAMS = {uid: Program(work(10), stop=work(10)) for uid in ("a", "b", "c")}
PROGRAMS["traps"] = Program(trap())


@dataclass
class Breakable(MemoryState):
    """A state that refuses to record on purpose."""

    broken: bool = field(default=False)

    def __post_init__(self) -> None:
        super().__init__()

    def record(self, change: StateChange) -> None:
        if self.broken:
            raise StateFileError("device.db", "is broken on purpose")
        super().record(change)


class Replaying(MemoryState):
    """A state of which every moment is kept, as a power cut would leave it."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[Replaying] = []

    def record(self, change: StateChange) -> None:
        super().record(change)
        moment = copy(self)  # what it remembers is replaced by each change, never changed
        moment.moments = []
        self.moments.append(moment)


def desk(state: MemoryState | None = None, **changes: Any) -> World:
    """A device, booted with what the state remembers."""
    state = MemoryState() if state is None else state
    changes.setdefault("epoch_s", max(EPOCH_S, state.remembered().time_s))
    world = World(dict(PROGRAMS), state=state, **changes)
    world.device.restore()
    state.begin_boot(changes["epoch_s"])
    return world


def reboot(world: World, **changes: Any) -> World:
    assert isinstance(world.state, MemoryState)
    return desk(world.state, **changes)


def look(world: World) -> dict[str, tuple[int, State]]:
    return {view.uid.decode(): (view.slot, view.state) for view in world.device}


@pytest.mark.clause("TC-STATE-14")
def test_containers_lie_in_their_slots_again_and_those_that_ran_run() -> None:
    world = desk()
    for uid in ("a", "b", "c"):
        world.add(blueprint(uid, security=PERIOD))
    world.device.delete("a")
    world.device.start("c")
    world.device.run(for_ms=25)
    world = reboot(world)
    assert look(world) == {"b": (1, State.READY), "c": (2, State.RUNNING)}
    world.device.run(for_ms=25)
    assert world.device["c"].loops == 3


@pytest.mark.clause("TC-STATE-14")
@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_what_was_ended_on_request_stays_at_rest_and_its_end_is_remembered(verb: str) -> None:
    world = desk()
    world.run(blueprint("a", security=PERIOD), PROGRAMS["a"])
    world.device.run(for_ms=25)
    getattr(world.device, verb)("a")
    world = reboot(world)
    assert look(world) == {"a": (0, State.READY)}
    assert (
        world.exit_of("a").reason is {"stop": ExitReason.STOPPED, "kill": ExitReason.KILLED}[verb]
    )


@pytest.mark.clause("TC-STATE-14")
def test_what_ended_by_itself_stays_at_rest() -> None:
    world = desk()
    world.run(blueprint("traps"), PROGRAMS["traps"])
    world.device.run(for_ms=5)
    world = reboot(world)
    assert look(world) == {"traps": (0, State.READY)}
    assert world.exit_of("traps").reason is ExitReason.TRAP


@pytest.mark.clause("TC-STATE-15")
def test_a_lifetime_goes_on_after_a_boot_and_starts_anew_with_a_start() -> None:
    world = desk()
    world.run(blueprint("a", security=times(period=10, lifetime=5)), PROGRAMS["a"])
    world.device.run(for_ms=25)
    world.device.close()
    world = reboot(world)
    world.device.run(for_ms=200)
    assert world.exit_of("a").reason is ExitReason.LIFETIME
    assert world.device["a"].loops == 2
    world = reboot(world)
    assert look(world) == {"a": (0, State.READY)}
    world.device.start("a")
    world.device.run(for_ms=200)
    assert world.device["a"].loops == 5


@pytest.mark.clause("TC-STATE-15")
def test_loops_are_recorded_while_a_device_runs_for_long() -> None:
    world = desk()
    world.run(blueprint("a", security=times(period=10, lifetime=2_000)), PROGRAMS["a"])
    world.device.run(for_ms=15_000)
    world = reboot(world)
    world.device.run(for_ms=30_000)
    assert world.device["a"].loops <= 1_000


@pytest.mark.clause("TC-STATE-14")
def test_a_reconfiguration_and_a_replacement_outlast_a_boot() -> None:
    world = desk()
    plan = blueprint("a", security=PERIOD)
    world.run(plan, PROGRAMS["a"])
    world.run(replace(plan, container=blueprint("b").container), PROGRAMS["b"])
    world.reconfigure(newer(plan, mask=0b1))
    other = newer(replace(plan, container=blueprint("b").container), mask=0b11)
    world.device.replace(world.pack(other).encode())
    assert world.device["b"].mask == 0b11111
    world = reboot(world)
    assert look(world) == {"a": (0, State.RUNNING), "b": (1, State.RUNNING)}
    assert (world.device["a"].mask, world.device["b"].mask) == (0b1, 0b11)


@pytest.mark.clause("TC-STATE-16")
@pytest.mark.parametrize("for_ms", [0, 5])
def test_a_boot_brings_back_what_a_version_on_trial_has_replaced(for_ms: int) -> None:
    world = desk()
    plan = blueprint("a", security=PERIOD)
    world.run(plan, PROGRAMS["a"])
    world.device.run(for_ms=25)
    slow = newer(plan, mask=0b1, security=times(period=10, start=0))
    world.programs["a"] = Program(work(*[100] * 100))
    world.device.replace(world.pack(slow).encode(), confirm_ms=500)
    world.device.run(for_ms=for_ms)
    world = reboot(world)
    assert (world.device["a"].mask, look(world)) == (0b11111, {"a": (0, State.RUNNING)})
    world = desk(MemoryState())
    world.run(plan, PROGRAMS["a"])
    world.device.run(for_ms=25)
    world.device.replace(world.pack(newer(plan, mask=0b1)).encode(), confirm_ms=500)
    world.device.run(for_ms=30)
    assert reboot(world).device["a"].mask == 0b1


@pytest.mark.clause("TC-LOAD-18", "TC-STATE-14")
def test_a_version_on_trial_that_is_deleted_is_gone_after_a_boot_with_the_old_one() -> None:
    world = desk()
    world.run(blueprint("traps"), PROGRAMS["traps"])
    world.run(blueprint("a"), Program(work(10), stop=endless()))
    world.device.run(for_ms=25)
    world.device.replace(world.pack(newer(blueprint("a"))).encode(), confirm_ms=5_000)
    world.device.kill("a")
    world.programs["a"] = Program(endless())
    world.device.run(for_ms=5)
    world.device.delete("a")
    world.device.start("traps")
    world.device.run(for_ms=100)  # its end is recorded, while the other still winds down
    assert world.exit_of("traps").reason is ExitReason.TRAP
    assert world.device["a"].state is State.STOPPING
    assert look(reboot(world)) == {"traps": (0, State.READY)}


@pytest.mark.clause("TC-LOAD-16", "TC-STATE-14")
@pytest.mark.parametrize("new", ["a", "traps"])
@pytest.mark.parametrize("confirm_ms", [None, 500])
@pytest.mark.parametrize("runs", [True, False])
def test_whenever_the_power_is_cut_a_replacement_has_happened_or_not(
    runs: bool, confirm_ms: int | None, new: str
) -> None:
    """What is recorded at any moment is the old version or the new one, whole, and one of them."""
    if confirm_ms is not None and not runs:
        pytest.skip("only what runs is replaced on trial")
    state = Replaying()
    world = desk(state)
    plan = blueprint("a", security=PERIOD)
    world.add(plan)
    if runs:
        world.device.start("a")
        world.device.run(for_ms=25)
    changed = newer(plan, mask=0b1)
    masks = {0b11111, 0b1}
    bundle = pack(changed, new.encode(), b"", KEYS).encode()
    since = len(state.moments) - 1
    world.device.replace(bundle, confirm_ms)
    world.device.run(for_ms=2_000)
    seen = set()
    for moment in state.moments[since:]:
        later = desk(moment)
        (view,) = later.device
        assert (view.uid, view.slot) == (b"a", 0)
        seen.add(view.mask)
        later.device.run(for_ms=25)
        assert later.state is not None
        assert later.state.kept_aside() == ()
    assert seen <= masks
    assert seen == masks or (confirm_ms is not None and new == "traps")


REASONS: dict[str, tuple[LoadReason, dict[str, object]]] = {
    "a key is gone": (
        LoadReason.TOKEN,
        {
            "trust": Trust(
                keys=KeyStore(
                    KeyEntry(role, Profile.RFC9052, KEYS[role].public_half())
                    for role in Role
                    if role is not Role.OWNER
                )
            )
        },
    ),
    "its slot is gone": (LoadReason.NO_SLOT, {"capacity": Capacity(slots=1)}),
    "its token has expired": (LoadReason.TOKEN, {"epoch_s": EPOCH_S + 1_000}),
}


@pytest.mark.clause("TC-STATE-08")
@pytest.mark.parametrize("why", REASONS)
def test_what_cannot_be_restored_is_told_and_kept_aside(why: str) -> None:
    reason, changes = REASONS[why]
    world = desk()
    if why == "its slot is gone":
        world.add(blueprint("c"))
    plan = replace(blueprint("a"), options=TokenOptions(sequence=1, expires_s=EPOCH_S + 1_000))
    world.run(plan, PROGRAMS["a"])
    raw = world.device.metadata("a").raw
    changes.setdefault("trust", Trust(keys=trusted()))
    world = reboot(world, **changes)
    assert "a" not in world.device
    (event,) = world.of(LoadRefused, "a")
    assert (event.verb, event.reason) == ("restore", reason)
    assert world.state is not None
    (kept,) = world.state.kept_aside()
    assert (kept.container.metadata, kept.container.wants_to_run) == (raw, True)
    assert kept.problem == f"{event.reason}: {event.problem}"


@pytest.mark.clause("TC-STATE-06")
def test_time_and_expiry_never_go_back_over_boots() -> None:
    world = desk()
    brief = replace(blueprint("a"), options=TokenOptions(sequence=1, expires_s=EPOCH_S + 5))
    world.run(brief, PROGRAMS["a"])
    world.run(blueprint("b", security=PERIOD), PROGRAMS["b"])
    world.device.run(for_ms=6_000)
    assert world.exit_of("a").reason is ExitReason.EXPIRED
    world.device.stop("b")
    for boots in range(1, 4):
        world = reboot(world)
        assert world.epoch_s >= EPOCH_S + 6
        assert "a" not in world.device
        assert world.state is not None
        assert world.state.remembered().count == boots + 1


CALLS: dict[str, Callable[[World], object]] = {
    "load": lambda world: world.add(blueprint("c")),
    "start": lambda world: world.device.start("b"),
    "stop": lambda world: world.device.stop("a"),
    "kill": lambda world: world.device.kill("a"),
    "delete": lambda world: world.device.delete("a"),
    "delete at rest": lambda world: world.device.delete("b"),
    "reconfigure": lambda world: world.reconfigure(newer(blueprint("b"))),
    "replace": lambda world: world.device.replace(world.pack(newer(blueprint("b"))).encode()),
}


@pytest.mark.clause("TC-STATE-04", "TC-STATE-14")
@pytest.mark.parametrize("call", CALLS)
def test_a_change_that_cannot_be_recorded_is_refused_and_nothing_has_changed(call: str) -> None:
    state = Breakable()
    world = desk(state)
    world.run(blueprint("a", security=PERIOD), PROGRAMS["a"])
    world.add(blueprint("b"))
    world.device.run(for_ms=25)
    before = snapshot(world)
    stored = state.containers()
    state.broken = True
    with refused(LoadReason.SEQUENCE_STORE, "broken on purpose"):
        CALLS[call](world)
    assert snapshot(world) == before
    assert state.containers() == stored
    assert len(world.of(LoadRefused)) == 1
    state.broken = False
    CALLS[call](world)


# Any series of changes.


VERBS = ("load", "start", "start", "stop", "kill", "delete", "change", "replace")


def random_change(dice: Random, world: World, plans: dict[str, Blueprint]) -> None:
    uid = dice.choice("abc")
    device = world.device
    with suppress(LoadError, InvalidTransition, UnknownContainer):
        match dice.choice(
            ["load", "start", "start", "stop", "kill", "delete", "change", "replace"]
        ):
            case "load":
                world.add(plans[uid])
            case "start":
                device.start(uid)
            case "change":
                world.reconfigure(newer(plans[uid], mask=dice.randrange(1, 32)))
                plans[uid] = replace(plans[uid], options=TokenOptions(sequence=9))
            case "replace":
                confirm_ms = dice.choice([None, None, 30])
                changed = newer(plans[uid], mask=dice.randrange(1, 32))
                device.replace(world.pack(changed).encode(), confirm_ms)
            case verb:
                getattr(device, verb)(uid)
    device.run(for_ms=dice.choice([0, 0, 1, 12, 40]))


def wanted(world: World) -> dict[bytes, tuple[int, bytes, bool]]:
    """What the state says that the device is to be."""
    assert world.state is not None
    return {
        entry.uid: (entry.slot, entry.metadata, entry.wants_to_run)
        for entry in world.state.containers()
    }


def check_series(seed: int, series: int) -> None:
    dice = Random(seed)
    for _ in range(series):
        world = desk(capacity=Capacity(slots=dice.choice([2, 3])))
        plans = {uid: blueprint(uid, security=PERIOD) for uid in "abc"}
        for _ in range(20):
            random_change(dice, world, plans)
            world.device.run(for_ms=2_000)  # all that winds down has, and every trial is over
            found = {
                view.uid: (
                    view.slot,
                    world.device.metadata(view.uid).raw,
                    view.state is State.RUNNING,
                )
                for view in world.device
            }
            assert wanted(world) == found
            if dice.random() < 0.3:
                before = wanted(world)
                world = reboot(world, capacity=world.capacity)
                assert wanted(world) == before
                assert world.state is not None
                assert world.state.kept_aside() == ()


@pytest.mark.clause("TC-STATE-14")
def test_the_state_is_what_the_device_is_after_any_series_of_changes() -> None:
    check_series(3, 12)


@pytest.mark.long
def test_the_state_is_what_the_device_is_after_any_of_many_series_of_changes() -> None:
    check_series(4, 400)
