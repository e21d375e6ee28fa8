"""Who interrupts a device, and where: drivers, sinks, SIGINT, threads, a stack that is full."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Event as Signal
from threading import Thread
from typing import Any

import pytest
from support.drivers import Puppet, raising, served_by
from support.interrupting import KINDS, TheDay, make_runtime
from support.scripted import Program, calling, endless, work
from support.worlds import World, blueprint, local, newer, times

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.running import interrupts, management
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import Direction
from tinycontainer.tools.recording import InterruptGate
from tinycontainer.trace import TraceEvent
from tinycontainer.trace.events import Loaded, Refused, Transitioned

PLAN = blueprint("box", endpoints=(local(),), security=times(period=1))
CALM = blueprint("calm", security=times(period=1))

engines = pytest.mark.parametrize("engine", KINDS)


def send_sigint(*_: object) -> None:
    """As if an operator pressed Ctrl-C at this moment."""
    signal.raise_signal(signal.SIGINT)


def opened_by(driver: Puppet) -> World:
    """A device on which "box" has its endpoint open, beside "calm"."""
    world = World(drivers=(served_by(driver),))
    world.run(CALM, Program(work(10)))
    world.run(PLAN, Program(work(10), start=calling([], lambda natives: natives.open(1))))
    world.device.run(for_ms=2)
    assert [call[0] for call in driver.calls] == ["open"]
    return world


def close_calls(driver: Puppet) -> int:
    return sum(call[0] == "close" for call in driver.calls)


# Drivers.


def stop_box(world: World) -> None:
    world.device.stop("box")
    world.device.run(for_ms=5)


def delete_box(world: World) -> None:
    world.device.delete("box")
    world.device.run(for_ms=5)


def revoke_endpoint(world: World) -> None:
    world.reconfigure(newer(PLAN, endpoints=(local(direction=Direction.IN),)))


@pytest.mark.clause("TC-LIFE-24")
@pytest.mark.parametrize("source", [raising(KeyboardInterrupt()), send_sigint])
@pytest.mark.parametrize("change", [stop_box, delete_box, revoke_endpoint])
def test_an_interrupt_in_a_driver_that_closes_leaves_the_change_whole(
    change: Callable[[World], None], source: Callable[..., None]
) -> None:
    driver = Puppet(on_close=source)
    world = opened_by(driver)
    with pytest.raises(KeyboardInterrupt):
        change(world)
    world.device.run(for_ms=5)
    assert close_calls(driver) == 1
    assert ("box" in world.device) is (change is not delete_box)
    if change is stop_box:
        assert world.device["box"].state is State.READY
    if change is revoke_endpoint:
        (endpoint,) = world.device.metadata("box").endpoints or ()
        assert endpoint.direction is Direction.IN
    loops = world.device["calm"].loops
    world.device.run(for_ms=5)
    assert world.device["calm"].loops >= loops + 4


@pytest.mark.clause("TC-LIFE-15")
@engines
@pytest.mark.parametrize("call", ["open", "read", "write"])
@pytest.mark.parametrize("source", [raising(KeyboardInterrupt()), send_sigint], ids=["own", "SIG"])
def test_an_interrupt_at_a_native_call_ends_its_container_as_interrupted(
    engine: str, call: str, source: Callable[..., None]
) -> None:
    day = TheDay(engine, make_runtime(engine))
    for _, step in day.calls[:4]:
        step()
    plain = getattr(day.ledger, call)
    service: Any = day.device._service

    def interrupt_box(*arguments: Any) -> Any:
        # The neighbours use the same driver.
        if service._in_progress.uid == b"box":
            source()
        return plain(*arguments)

    setattr(day.ledger, call, interrupt_box)
    with pytest.raises(KeyboardInterrupt):
        day.device.run(for_ms=20)
    setattr(day.ledger, call, plain)
    day.check_sound()
    exit_ = day.device["box"].last_exit
    assert exit_ is not None
    assert exit_.reason is ExitReason.INTERRUPTED
    day.check_it_answers()


class Liar(bytes):
    """Bytes that say that they are one."""

    def __len__(self) -> int:
        return 1


def test_bytes_that_lie_about_their_length_are_a_failure_of_their_driver() -> None:
    seen: list[object] = []
    world = World(drivers=(served_by(Puppet(on_read=lambda fd, size: Liar(b"x" * 500))),))
    use = calling(seen, lambda natives: natives.open(1), lambda natives: natives.read(1, 8))
    world.run(PLAN, Program(use))
    world.device.run(for_ms=1)
    assert seen == [1, -1]
    (refusal,) = world.of(Refused, "box")
    assert refusal.reason == "driver-failed"


def test_bytes_of_a_runtime_that_lie_about_their_length_reach_no_driver() -> None:
    seen: list[object] = []
    driver = Puppet()
    world = World(drivers=(served_by(driver),))
    lie = Liar(b"x" * 500)
    use = calling(seen, lambda natives: natives.open(1), lambda natives: natives.write(1, lie))
    world.run(PLAN, Program(use))
    world.device.run(for_ms=1)
    assert seen == [1, -1]
    assert [call[0] for call in driver.calls] == ["open", "close"]


# Sinks.


@pytest.mark.clause("TC-LIFE-24")
def test_an_interrupt_in_a_sink_leaves_the_change_whole_and_the_sink_in_place() -> None:
    seen: list[TraceEvent] = []

    def sink(event: TraceEvent) -> None:
        seen.append(event)
        if isinstance(event, Loaded):
            raise KeyboardInterrupt

    world = World(sinks=(sink,))
    with pytest.raises(KeyboardInterrupt):
        world.add(PLAN, Program(work(10)))
    assert world.device["box"].state is State.READY
    assert [type(event) for event in seen] == [Loaded, Transitioned]
    world.device.start("box")
    assert len(seen) == 3


# SIGINT.


@contextmanager
def handled_by(handler: Callable[..., object]) -> Iterator[None]:
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_of_the_hosts_own_is_called_and_ends_nothing() -> None:
    seen: list[object] = []
    world = World()
    with handled_by(lambda number, frame: seen.append(number)):
        world.run(PLAN, Program(calling([], send_sigint, send_sigint, returns=0)))
        world.device.run(for_ms=1)
        assert seen
        loops = world.device["box"].loops
        assert loops >= 1
        world.device.run(for_ms=5)
        assert world.device["box"].loops >= loops + 5
        assert len(seen) >= world.device["box"].loops


def test_the_handler_of_before_is_back_after_each_call() -> None:
    before = signal.getsignal(signal.SIGINT)
    world = World()
    world.run(PLAN, Program(calling([], send_sigint)))
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        world.device.run(for_ms=1)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("guard", [nullcontext, lambda: InterruptGate().guarding()])
def test_an_operator_who_interrupts_a_driver_that_hangs_is_let_through(
    guard: Callable[[], AbstractContextManager[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a run that is recorded, which holds interrupts back once more."""
    monkeypatch.setattr(interrupts, "PATIENCE_S", -1.0)
    reached: list[int] = []

    def hang(_fd: int, data: bytes) -> int:
        for number in range(1000):
            reached.append(number)
            send_sigint()
        return len(data)

    world = World(drivers=(served_by(Puppet(on_write=hang)),))
    use = calling([], lambda natives: natives.open(1), lambda natives: natives.write(1, b"x"))
    world.run(PLAN, Program(use))
    with guard(), pytest.raises(KeyboardInterrupt):
        world.device.run(for_ms=1)
    assert reached == [0, 1]
    assert world.exit_of("box").reason is ExitReason.INTERRUPTED


# Threads.


@pytest.mark.clause("TC-LIFE-25")
def test_a_device_in_use_refuses_every_call_of_another_thread() -> None:
    working, go_on = Signal(), Signal()

    def wait(_: Natives) -> None:
        working.set()
        assert go_on.wait(60)

    world = World()
    world.run(PLAN, Program(calling([], wait, returns=0)))
    device = world.device
    thread = Thread(target=device.run, args=(1,))
    thread.start()
    try:
        assert working.wait(60)
        uses: list[Callable[[], object]] = [
            lambda: device.run(for_ms=1),
            lambda: device.stop("box"),
            lambda: device.load(b""),
            lambda: device["box"],
            lambda: list(device),
            lambda: len(device),
            lambda: "box" in device,
            lambda: device.now_ns,
            lambda: device.metadata("box"),
        ]
        for use in uses:
            with pytest.raises(RuntimeError, match="another thread uses the device"):
                use()
    finally:
        working.clear()
        go_on.set()
        thread.join()
    assert device["box"].loops >= 1
    device.stop("box")


@pytest.mark.clause("TC-LIFE-25")
def test_threads_that_use_a_device_at_once_see_nothing_but_the_refusal() -> None:
    world = World(silent=True)
    world.run(CALM, Program(work(10)))
    world.add(PLAN, Program(endless()))
    bundle = world.pack(PLAN).encode()
    problems: list[BaseException] = []

    def use() -> None:
        device = world.device
        deeds: list[Callable[[], object]] = [
            lambda: device.delete("box"),
            lambda: device.load(bundle),
            lambda: device["box"],
            lambda: list(device),
            lambda: device.run(for_ms=2),
        ]
        for number in range(200):
            try:
                deeds[number % len(deeds)]()
            except Exception as error:
                problems.append(error)

    threads = [Thread(target=use) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert {type(error).__name__ for error in problems} <= {
        "RuntimeError",
        "UnknownContainer",
        "LoadError",
    }
    loops = world.device["calm"].loops
    world.device.run(for_ms=5)
    assert world.device["calm"].loops >= loops + 4


# A stack that is full.


def call_deep(spare_frames: int, deed: Callable[[], None]) -> None:
    """Do something when so many frames of Python's stack are left."""

    def nest(frames: int) -> None:
        if frames:
            nest(frames - 1)
        else:
            deed()

    def left() -> int:
        try:
            return 1 + left()
        except RecursionError:
            return 0

    nest(left() - spare_frames)


@pytest.mark.clause("TC-LIFE-26")
@engines
@pytest.mark.parametrize("spare_frames", [5, 30, 60, 90, 120, 140])
def test_a_host_that_calls_too_deep_is_told_and_no_tenant_is_blamed(
    engine: str, spare_frames: int
) -> None:
    day = TheDay(engine, make_runtime(engine))
    for _, step in day.calls[:4]:
        step()
    with pytest.raises(RecursionError):
        call_deep(spare_frames, lambda: day.device.run(for_ms=10))
    day.check_sound()
    assert all(view.last_exit is None for view in day.device)
    day.device.run(for_ms=10)
    assert all(view.last_exit is None for view in day.device)


@engines
def test_the_frames_that_a_device_asks_for_are_enough(engine: str) -> None:
    day = TheDay(engine, make_runtime(engine))
    for name, step in day.calls:
        try:
            call_deep(management.HEADROOM_FRAMES + 8, lambda step=step: step())  # type: ignore[misc]
        except RecursionError as error:
            error.add_note(name)
            raise
        assert all(
            view.last_exit is None or view.last_exit.reason is not ExitReason.TRAP
            for view in day.device
        )
    day.check_it_answers()
