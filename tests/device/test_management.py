"""Random management of a device: only what the life cycle allows happens, and all is given back."""

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.drivers import Puppet, served_by
from support.scripted import Program, Steps, endless, trap, work
from support.worlds import World, blueprint, local, piped, times

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.errors import InvalidTransition, LoadError, UnknownContainer
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.tools.packing.packing import Blueprint
from tinycontainer.trace.events import Transitioned

counts = pytest.mark.parametrize(
    "examples",
    [pytest.param(40, id="some"), pytest.param(1000, id="many", marks=pytest.mark.long)],
)


def busy(natives: Natives) -> Steps:
    """A loop that opens whatever it can and uses it."""
    for endpoint_id in (1, 2):
        fd = natives.open(endpoint_id)
        yield 30
        if fd > 0:
            natives.write(fd, b"data")
            natives.read(fd, 10)
            yield 70
    natives.log(b"looped")
    return 0


PROGRAMS = {
    "busy": Program(busy, stop=busy),
    "endless": Program(endless(90), stop=endless(90)),
    "exits": Program(work(50, 50, returns=2), start=busy),
    "traps": Program(trap(50, 50), stop=trap(5)),
    "broken": Program(work(1), fail_create=True),
    "fails": Program(work(1), start=trap(20), stop=busy),
}
NAMES = sorted(PROGRAMS)
LEGAL = {
    "start": {State.READY},
    "stop": {State.RUNNING},
    "kill": {State.RUNNING, State.STOPPING},
    "delete": {State.READY, State.RUNNING, State.STOPPING},
    "reconfigure": {State.READY, State.RUNNING},
}

Step = tuple[str, str, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["load", "start", "start", "run", "run", *sorted(LEGAL)]),
        st.sampled_from(NAMES),
        st.integers(0, 40),
    ),
    max_size=40,
)


def plan(name: str, variant: int) -> Blueprint:
    """Metadata of a container; it has a driver, and a pipe to the container after it."""
    number = NAMES.index(name)
    peers = [NAMES[(number + 1) % len(NAMES)], NAMES[number - 1]]
    endpoints = (local(1), piped(2, peers[0], 3), piped(3, peers[1], 2))
    return blueprint(
        name,
        endpoints=endpoints[: 1 + variant % 3],
        priority=variant % 3,
        period_max_ms=variant % 7 or None,
        security=times(period=variant % 5, loop=variant % 4, stop=variant % 2),
    )


def manage(world: World, verb: str, name: str, number: int) -> None:
    if verb == "load":
        world.add(plan(name, number))
    elif verb == "reconfigure":
        world.reconfigure(plan(name, number))
    elif verb == "run":
        world.device.run(for_ms=number)
    else:
        getattr(world.device, verb)(name)


def is_legal(world: World, verb: str, name: str) -> bool:
    if verb in ("run", "load"):
        return verb == "run" or name not in world.device
    return name in world.device and world.device[name].state in LEGAL[verb]


def carried_out(taken: list[Step]) -> tuple[World, Puppet]:
    """A world after these steps; each was possible exactly if the life cycle allows it."""
    driver = Puppet()
    world = World(dict(PROGRAMS), bare=True, drivers=(served_by(driver),))
    for verb, name, number in taken:
        legal, before = is_legal(world, verb, name), tuple(world.device)
        if legal:
            manage(world, verb, name, number)
        else:
            with pytest.raises((InvalidTransition, UnknownContainer, LoadError)):
                manage(world, verb, name, number)
            assert tuple(world.device) == before
    return world, driver


@counts
@pytest.mark.clause("TC-LIFE-01")
def test_management_is_possible_exactly_where_the_life_cycle_allows_it(examples: int) -> None:
    @settings(max_examples=examples)
    @given(steps)
    def holds(taken: list[Step]) -> None:
        carried_out(taken)

    holds()


@counts
def test_every_transition_begins_where_the_last_one_ended(examples: int) -> None:
    @settings(max_examples=examples)
    @given(steps)
    @example([("load", "busy", 0), ("load", "busy", 0)])
    def holds(taken: list[Step]) -> None:
        world, _ = carried_out(taken)
        at: dict[bytes, str] = {}
        for event in world.of(Transitioned):
            assert event.before == at.get(event.uid, "provisioning")
            at[event.uid] = event.after
            if event.after == "gone":
                del at[event.uid]
        assert at == {view.uid: view.state for view in world.device}

    holds()


@counts
def test_whatever_was_done_everything_is_given_back_in_the_end(examples: int) -> None:
    @settings(max_examples=examples)
    @given(steps, st.sampled_from(["stop", "kill", "delete"]))
    def holds(taken: list[Step], last: str) -> None:
        world, driver = carried_out(taken)
        for view in world.device:
            with suppress(InvalidTransition):
                manage(world, last, view.uid.decode(), 0)
        world.device.run(for_ms=4000)
        assert {view.state for view in world.device} <= {State.READY}
        assert Counter(world.runtime.created) == Counter(world.runtime.finalized)
        done = Counter(call[0] for call in driver.calls)
        assert done["open"] == done["close"]
        now_ns = world.device.now_ns
        world.device.run()
        assert world.device.now_ns == now_ns

    holds()


@counts
def test_the_same_management_gives_the_same_trace(examples: int) -> None:
    @settings(max_examples=examples)
    @given(steps)
    def holds(taken: list[Step]) -> None:
        one, two = (carried_out(taken)[0] for _ in range(2))
        assert len(one.events) == len(two.events)
        for left, right in zip(one.events, two.events, strict=True):
            assert left == right

    holds()
