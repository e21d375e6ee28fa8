"""Sinks: each gets every event in order, and one that breaks is dropped and reported."""

from collections.abc import Iterator

import pytest
from support.drivers import Puppet, served_by
from support.scripted import Program, calling, endless, work
from support.worlds import World, blueprint, local, times

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.trace import TraceEvent, Tracer
from tinycontainer.trace.events import (
    Called,
    Dispatched,
    Dropped,
    HookBegan,
    HookEnded,
    Loaded,
    Logged,
    Reconfigured,
    Transitioned,
)


class BrokenSink:
    """A sink that raises at some event."""

    def __init__(self, at: type[TraceEvent], error: Exception | None = None) -> None:
        self.at = at
        self.error = error or OSError("disk full")
        self.calls = 0

    def __call__(self, event: TraceEvent) -> None:
        self.calls += 1
        if isinstance(event, self.at):
            raise self.error


def running(sink: BrokenSink) -> tuple[World, list[object]]:
    seen: list[object] = []
    world = World(bare=True, sinks=(sink,), drivers=(served_by(Puppet()),))
    uses = (lambda natives: natives.open(1), lambda natives: natives.read(1, 2))
    world.run(blueprint("box", endpoints=(local(),)), Program(calling(seen, *uses, returns=5)))
    return world, seen


@pytest.mark.parametrize("kind", [Called, HookBegan, HookEnded, Dispatched])
def test_a_sink_that_raises_is_dropped_and_its_error_reaches_the_operator(
    kind: type[TraceEvent],
) -> None:
    bad = BrokenSink(kind)
    world, seen = running(bad)
    with pytest.raises(OSError, match="disk full"):
        world.device.run()
    calls = bad.calls
    world.device.run()
    assert bad.calls == calls
    assert seen == [1, b"rr"]
    assert world.exit_of("box").value == 5
    assert world.device["box"].statistics.refusals == 0
    assert world.of(HookEnded, "box")[-1].hook == "stop"


def test_the_error_of_a_sink_does_not_wait_for_the_end_of_the_run() -> None:
    world = World(bare=True, sinks=(BrokenSink(HookBegan),))
    world.run(blueprint("box"), Program(endless(50)))
    with pytest.raises(OSError, match="disk full"):
        world.device.run(for_ms=60_000)
    assert world.device.now_ns < 50_000_000


def test_a_broken_sink_changes_nothing_but_the_moment_at_which_run_returns() -> None:
    def story(sink: BrokenSink) -> Iterator[object]:
        world, seen = running(sink)
        for _ in range(3):
            try:
                world.device.run()
            except OSError:
                continue
        yield from (seen, world.events, world.device["box"])

    assert list(story(BrokenSink(Called))) == list(story(BrokenSink(Reconfigured)))


def test_every_broken_sink_is_dropped_and_the_first_error_is_raised() -> None:
    one, two = BrokenSink(HookBegan), BrokenSink(HookBegan, ValueError("two"))
    world = World(bare=True, sinks=(one, two))
    world.run(blueprint("box"), Program(work(1, returns=1)))
    with pytest.raises(OSError, match="disk full"):
        world.device.run()
    world.device.run()
    assert one.calls == two.calls
    assert world.device["box"].state is State.READY


@pytest.mark.parametrize("verb", ["start", "delete"])
def test_an_error_during_management_is_raised_after_the_deed(verb: str) -> None:
    deed = {"start": "start", "delete": "erased"}[verb]
    bad = BrokenSink(Logged)
    world = World(bare=True, sinks=(bad,))
    world.add(blueprint("box"), Program(work(1)))
    bad.at = Transitioned
    with pytest.raises(OSError, match="disk full"):
        getattr(world.device, verb)("box")
    assert deed in [event.trigger for event in world.of(Transitioned)]
    assert ("box" in world.device) == (verb == "start")


def test_a_container_is_loaded_even_if_a_sink_fails_over_it() -> None:
    world = World(bare=True, sinks=(BrokenSink(Loaded),))
    with pytest.raises(OSError, match="disk full"):
        world.add(blueprint("box"), Program(work(1)))
    assert world.device["box"].state is State.READY


@pytest.mark.clause("TC-LIFE-12")
def test_a_sink_cannot_manage_the_device_that_calls_it() -> None:
    def meddle(event: TraceEvent) -> None:
        if isinstance(event, HookBegan):
            world.device.kill("box")

    world = World(bare=True, sinks=(meddle,))
    world.run(blueprint("box"), Program(endless()))
    with pytest.raises(RuntimeError, match="cannot manage"):
        world.device.run(for_ms=5)
    world.device.run(for_ms=5)
    assert world.device["box"].state is State.RUNNING


def test_a_sink_may_look_at_the_device() -> None:
    seen: list[tuple[int, int]] = []

    def look(event: TraceEvent) -> None:
        seen.append((event.at_ns, world.device.now_ns))

    world = World(bare=True, sinks=(look,))
    world.run(blueprint("box", security=times(lifetime=3)), Program(work(70)))
    world.device.run()
    assert len(seen) == len(world.events) > 0
    assert all(at_ns == now_ns for at_ns, now_ns in seen)


# The tracer by itself.


def test_without_sinks_nothing_is_on() -> None:
    assert not Tracer([], lambda: 0).on


def test_events_are_stamped_and_handed_to_all_sinks_in_order() -> None:
    seen: list[tuple[str, TraceEvent]] = []
    tracer = Tracer(
        [lambda event: seen.append(("one", event)), lambda event: seen.append(("two", event))],
        lambda: 42,
    )
    event = Dropped(b"x", 1, 2)
    tracer.emit(event)
    assert seen == [("one", event), ("two", event)]
    assert event.at_ns == 42


def test_the_last_broken_sink_turns_the_tracer_off() -> None:
    tracer = Tracer([BrokenSink(Dropped)], lambda: 0)
    tracer.emit(Dropped(b"x", 1, 2))
    assert not tracer.on
    with pytest.raises(OSError, match="disk full"):
        tracer.raise_failure()
    tracer.raise_failure()
