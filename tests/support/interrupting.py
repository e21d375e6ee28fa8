"""Interrupts at chosen lines of the project's own code, and a device on which they come.

`TheDay` is a script of management calls with three containers: "box" runs on the engine in
question, "pal" is the other end of its pipe, "calm" is the neighbour that nobody touches.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any, Final

import tinycontainer
import tinycontainer_endpoints
import tinycontainer_runtimes
import tinycontainer_tokens
from support.drivers import served_by
from support.engines import ENGINES
from support.rbpf.assembling import hooks
from support.scripted import Program, Steps
from support.wasm.modules import container
from support.worlds import KEYS, World, blueprint, local, newer, piped, times
from tinycontainer.device.calls.driver_table import DriverEntry
from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.view import View
from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import BoardInfo, CallContext, DriverSetup
from tinycontainer.interfaces.runtime import Natives, Runtime
from tinycontainer.metadata import Bundle, ContainerType, PeerType
from tinycontainer.state import MemoryState
from tinycontainer.tools.packing.packing import Blueprint, pack
from tinycontainer_endpoints.buffer import Buffer
from tinycontainer_runtimes.rbpf import create_runtime as create_rbpf

OWN_CODE: Final = tuple(
    f"{Path(package.__file__ or '').parent}/"
    for package in (
        tinycontainer,
        tinycontainer_runtimes,
        tinycontainer_endpoints,
        tinycontainer_tokens,
    )
)
KINDS: Final = {
    "rbpf": ContainerType.BPF,
    "pywasm": ContainerType.WASM,
    "wasmtime": ContainerType.WASM,
}


class LineCounter:
    """Counts the lines of the project that are executed, and interrupts at one of them.

    Args:
        interrupt_at: number of the line, counted from 1; None for none.
    """

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.lines = 0
        self.place = ""
        self._interrupt_at = interrupt_at

    @contextmanager
    def counting(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._look if frame.f_code.co_filename.startswith(OWN_CODE) else None

    def _look(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.lines += 1
            if self.lines == self._interrupt_at:
                self.place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self._look


@dataclass
class Ledger:
    """A driver that knows whether each of its descriptors is closed once."""

    opened: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        self.opened.append(next(self.numbers))
        return self.opened[-1]

    def read(self, driver_fd: int, size: int) -> bytes:
        if driver_fd in self.closed:
            raise DriverError(problem="closed")
        return b"r" * size

    def write(self, driver_fd: int, data: bytes) -> int:
        return len(data)

    def close(self, driver_fd: int) -> None:
        self.closed.append(driver_fd)


_CODE: Final = {
    ContainerType.WASM: container(
        """(global $fd (mut i32) (i32.const 0)) (global $n (mut i32) (i32.const 0))
        (func (export "start") (drop (call $heartbeat))
          (global.set $fd (call $open (i32.const 1))) (drop (call $open (i32.const 3))))
        (func (export "stop") (drop (call $close (global.get $fd))))
        (func (export "loop") (result i32) (local i32)
          (local.set 0 (i32.const 300))
          (loop (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if 0 (local.get 0)))
          (drop (call $heartbeat))
          (drop (call $write (global.get $fd) (i32.const 0) (i32.const 8)))
          (drop (call $read (global.get $fd) (i32.const 8) (i32.const 8)))
          (drop (call $write (i32.const 2) (i32.const 0) (i32.const 8)))
          (global.set $n (i32.add (global.get $n) (i32.const 1)))
          (if (i32.eq (i32.rem_u (global.get $n) (i32.const 4)) (i32.const 2))
            (then (drop (call $close (global.get $fd)))))
          (if (i32.eq (i32.rem_u (global.get $n) (i32.const 4)) (i32.const 3))
            (then (global.set $fd (call $open (i32.const 1)))))
          i32.const 0)""",
        uses=("heartbeat", "open", "close", "read", "write"),
    ),
    ContainerType.BPF: hooks(
        start="call heartbeat\nmov r1, 3\ncall open\nmov r0, 0\nexit",
        loop="mov r6, 300\nsub r6, 1\njne r6, 0, -2\ncall heartbeat\nmov r1, 1\ncall open\n"
        "mov r6, r0\nmov r1, r6\nmov r2, r10\nsub r2, 8\nmov r3, 8\ncall read\nmov r1, r6\n"
        "mov r2, r10\nsub r2, 8\nmov r3, 8\ncall write\nmov r1, r6\ncall close\nmov r0, 0\nexit",
        stop="mov r1, 1\ncall close\nmov r0, 0\nexit",
    ),
}


def _make_buffer() -> Buffer:
    return Buffer(DriverSetup({}, Path(), bytes, lambda _: None, BoardInfo()))


def _opening(natives: Natives) -> Steps:
    for endpoint_id in (1, 3):
        natives.open(endpoint_id)
        yield 10
    return 0


def _busy(natives: Natives) -> Steps:
    fd = natives.open(1)
    yield 40
    natives.write(fd, b"calm")
    yield 40
    natives.close(fd)
    return 0


class TheDay:
    """One device, and the management calls of one day on it.

    Args:
        engine: what runs "box".
        runtime: a runtime of this engine.

    Attributes:
        device: the device.
        calls: names and management calls, in their order.
    """

    def __init__(self, engine: str, runtime: Runtime) -> None:
        self.ledger = Ledger()
        self._kind = KINDS[engine]
        buffer = DriverEntry(PeerType.LOCAL, 2, "buffer", _make_buffer)
        programs = {
            "calm": Program(_busy, start=_opening),
            "pal": Program(_opening, start=_opening, stop=_busy),
        }
        self.state = MemoryState()
        self.world = World(
            programs=programs,
            state=self.state,
            drivers=(served_by(self.ledger), buffer),
            foreign={self._kind: runtime},
        )
        self.device = self.world.device
        period = times(start=50, period=2, loop=40, stop=20)
        self._box = blueprint(
            "box",
            kind=self._kind,
            endpoints=(local(1, 1), local(2, 2), piped(3, "pal", 3)),
            security=period,
            priority=8,
        )
        self._pal = blueprint("pal", endpoints=(local(1, 1), piped(3, "box", 3)), security=period)
        self._calm = blueprint("calm", endpoints=(local(1, 1), local(3, 2)), security=period)
        self._calm = replace(self._calm, container=replace(self._calm.container, priority=4))
        self._change = newer(
            self._box,
            endpoints=(local(1, 2), local(2, 2), piped(3, "pal", 3)),
            mask=0b11110,
            security=replace(period, loop_period_ms=3),
        )
        bundles = {plan.container.uid: self._pack(plan) for plan in (self._box, self._pal)}
        self._bundles = bundles
        changed = pack(self._change, _CODE[self._kind], b"", KEYS)
        self._changed = changed.metadata
        self._second = self._pack(newer(self._change))
        self._third = self._pack(newer(newer(self._change)))
        self._newest = {**bundles, b"box": self._third}
        self.device.load(self._pack(self._calm))
        self.device.start("calm")
        device = self.device
        self.calls: tuple[tuple[str, Callable[[], object]], ...] = (
            ("load", lambda: device.load(bundles[b"box"])),
            ("load pal", lambda: device.load(bundles[b"pal"])),
            ("start", lambda: device.start("box")),
            ("start pal", lambda: device.start("pal")),
            ("run", lambda: device.run(for_ms=14)),
            ("reconfigure", lambda: device.reconfigure(self._changed)),
            ("run changed", lambda: device.run(for_ms=8)),
            ("stop", lambda: device.stop("box")),
            ("run to the stop", lambda: device.run(for_ms=30)),
            ("start again", lambda: device.start("box")),
            ("run again", lambda: device.run(for_ms=10)),
            ("kill pal", lambda: device.kill("pal")),
            ("replace", lambda: device.replace(self._second)),
            ("run to the successor", lambda: device.run(for_ms=30)),
            ("replace on trial", lambda: device.replace(self._third, confirm_ms=20)),
            ("run on trial", lambda: device.run(for_ms=60)),
            ("delete", lambda: device.delete("box")),
            ("run to the end", lambda: device.run(for_ms=30)),
            ("delete pal", lambda: device.delete("pal")),
        )

    def _pack(self, plan: Blueprint) -> bytes:
        scripted = plan.container.type is ContainerType.NATIVE
        code = plan.container.uid if scripted else _CODE[self._kind]
        return pack(plan, code, b"", KEYS).encode()

    def reference(self) -> dict[bytes, list[bytes]]:
        """The metadata that each container may have."""
        raw = {uid: [_metadata_of(bundle)] for uid, bundle in self._bundles.items()}
        raw[b"box"] += [self._changed, *map(_metadata_of, (self._second, self._third))]
        return raw

    # What has to hold after an interrupt, whatever was interrupted.

    def check_sound(self) -> None:
        """Every container is in a state of which something follows, with what belongs to it."""
        device: Any = self.device
        len(device)  # a look completes what was left
        executions = device._executor.started._executions
        started = {execution.container.uid for execution in executions.values()}
        for view in device:
            assert view.state in (State.READY, State.RUNNING, State.STOPPING), view
            assert (view.uid in started) is (view.state is not State.READY), view
            metadata = device.metadata(view.uid)
            if view.uid != b"calm":
                assert metadata.raw in self.reference()[view.uid]
        assert set(device._executor._scheduler._tasks) == set(executions)
        for entry in device._service._table.open.values():
            assert entry.owner in started
            assert entry.endpoint in (device.metadata(entry.owner).endpoints or ())
        self._check_ledger()

    def _check_ledger(self) -> None:
        device: Any = self.device
        table = device._service._table.open.values()
        held = sorted(entry.driver_fd for entry in table if entry.driver is self.ledger)
        closed = sorted(self.ledger.closed)
        assert closed == sorted(set(closed)), "closed twice"
        assert sorted(set(self.ledger.opened) - set(closed)) == held

    def check_it_answers(self) -> None:
        """Only who was at work has ended; all else runs on, and can be changed and removed."""
        device = self.device
        device.run(for_ms=60)
        self.check_sound()
        self._check_state()
        torn = [view.uid for view in device if _was_interrupted(view)]
        assert len(torn) <= 1, torn
        if b"calm" in torn:
            device.start("calm")
        loops = device["calm"].loops
        device.run(for_ms=60)
        assert device["calm"].loops >= loops + 10
        for uid in ("box", "pal"):
            if uid not in device:
                device.load(self._newest[uid.encode()])
            if device[uid].state is State.READY:
                device.start(uid)
        device.run(for_ms=20)
        self.check_sound()
        for view in tuple(device):
            device.kill(view.uid)
        device.run(for_ms=1)
        for view in tuple(device):
            assert view.state is State.READY
            device.delete(view.uid)
        self._check_nothing_is_left()

    def _check_state(self) -> None:
        """What is remembered is what the device is."""
        remembered = {entry.uid: entry for entry in self.state.containers()}
        assert set(remembered) == {view.uid for view in self.device}
        for view in self.device:
            entry = remembered[view.uid]
            runs = view.state is State.RUNNING or _was_interrupted(view)
            assert (entry.slot, entry.wants_to_run) == (view.slot, runs)
            assert entry.metadata == self.device.metadata(view.uid).raw

    def _check_nothing_is_left(self) -> None:
        device: Any = self.device
        assert self.state.containers() == ()
        assert len(device) == 0
        self._check_ledger()
        assert len(device._service._table) == 0
        assert not device._service._pipes._descriptors
        assert not device._service._pipes._pipes
        assert not device._executor.started._executions
        assert not device._executor.started.posted
        assert len(device._executor._scheduler) == 0
        assert device._executor._scheduler._alarms.first() is None
        memory = device._controller._memory
        assert (memory._in_use, memory._by_uid) == (set(), {})


def _was_interrupted(view: View) -> bool:
    return view.last_exit is not None and view.last_exit.reason is ExitReason.INTERRUPTED


def _metadata_of(bundle: bytes) -> bytes:
    return Bundle.decode(bundle, 1 << 20).metadata


def make_runtime(engine: str) -> Runtime:
    """A runtime of an engine, with what it keeps of code that it has seen."""
    return create_rbpf() if engine == "rbpf" else ENGINES[engine]()
