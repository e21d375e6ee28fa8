"""The path of a call, for benchmarks: whole, and bare on the same engine.

Whole: an adapter's instance over a container's natives, the service, its table and a driver; what
is missing of a device is the scheduler, which has no part in a call. Bare: the same program on the
engine alone, with host functions that ask the driver and nothing else.
"""

import ctypes
import io
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import pywasm
import wasmtime

from support.engines import ENGINES
from support.rbpf.assembling import hooks
from support.wasm.modules import NATIVE_TYPES, container
from tinycontainer.device.calls.driver_table import DriverEntry, DriverTable
from tinycontainer.device.calls.natives import ContainerNatives
from tinycontainer.device.calls.service import Service
from tinycontainer.device.calls.started import StartedContainer
from tinycontainer.device.containers.container import Container
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.memory import MemoryManager, Section
from tinycontainer.device.containers.verification import Grant, Validity
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.interfaces.driver import CallContext
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Completed, Hook, Natives, Runtime, RuntimeLimits
from tinycontainer.metadata import (
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    PeerType,
    Security,
    decode,
    encode,
)
from tinycontainer.trace import Sink, Tracer
from tinycontainer_runtimes.rbpf import create_runtime as create_rbpf
from tinycontainer_runtimes.wasm_wasmtime.calls import SuspendedCall
from tinycontainer_runtimes.wasm_wasmtime.capi import SLOT_WORDS, CApi
from tinycontainer_runtimes.wasm_wasmtime.engine import make_engine
from tinycontainer_runtimes.wasm_wasmtime.store import TANK, HostFunction, TenantStore

CALLS: Final = 500
"""Turns of the loop in one run of a program."""
ENDPOINT: Final = 1
FD: Final = 1
"""The first descriptor of a device: where the programs open nothing, it is open."""
OTHERS_FD: Final = 2
"""A descriptor of somebody else."""
ALL_CALLS: Final = 0b11111
UNLIMITED: Final = 1 << 40
POINTER: Final = 64
SIZE: Final = 16

Loop = Callable[[], int]
"""Runs a program's loop hook once; what it returned."""

ENGINE_NAMES: Final = ("pywasm", "wasmtime", "rbpf")

WASM_BODIES: Final = {
    "nothing": "",
    "read": f"(drop (call $read (i32.const {FD}) (i32.const {POINTER}) (i32.const {SIZE})))",
    "write": f"(drop (call $write (i32.const {FD}) (i32.const {POINTER}) (i32.const {SIZE})))",
    "open and close": f"(drop (call $close (call $open (i32.const {ENDPOINT}))))",
    "heartbeat": "(drop (call $heartbeat))",
    "no such descriptor": "(drop (call $read (i32.const 77) (i32.const 64) (i32.const 16)))",
    "another's descriptor": (
        f"(drop (call $read (i32.const {OTHERS_FD}) (i32.const 64) (i32.const 16)))"
    ),
    "a size too large": "(drop (call $read (i32.const 1) (i32.const 64) (i32.const 256)))",
}
"""What a loop does in one turn. The last three are refused."""

_RBPF_READ: Final = "mov r1, {fd}\nmov r2, r10\nsub r2, 256\nmov r3, {size}\ncall {call}"
RBPF_BODIES: Final = {
    "nothing": "",
    "read": _RBPF_READ.format(fd=FD, size=SIZE, call="read"),
    "write": _RBPF_READ.format(fd=FD, size=SIZE, call="write"),
    "open and close": f"mov r1, {ENDPOINT}\ncall open\nmov r1, r0\ncall close",
    "heartbeat": "call heartbeat",
    "no such descriptor": _RBPF_READ.format(fd=77, size=SIZE, call="read"),
    "another's descriptor": _RBPF_READ.format(fd=OTHERS_FD, size=SIZE, call="read"),
    "a size too large": _RBPF_READ.format(fd=FD, size=256, call="read"),
}


class Sixteen:
    """A driver that gives zeros and takes everything."""

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        return 1

    def read(self, driver_fd: int, size: int) -> bytes:
        return bytes(size)

    def write(self, driver_fd: int, data: bytes) -> int:
        return len(data)

    def close(self, driver_fd: int) -> None:
        pass


class DriverOnly:
    """Natives that ask the driver and nothing else."""

    def __init__(self) -> None:
        self._driver = Sixteen()

    def heartbeat(self) -> int:
        return 0

    def open(self, endpoint_id: int, /) -> int:
        return FD

    def close(self, fd: int, /) -> int:
        self._driver.close(1)
        return 0

    def read(self, fd: int, size: int, /) -> bytes:
        return self._driver.read(1, size)

    def write(self, fd: int, data: bytes, /) -> int:
        return self._driver.write(1, data)

    def log(self, line: bytes, /) -> None:
        pass

    def data_size(self) -> int:
        return 0

    def data_read(self, offset: int, size: int, /) -> bytes:
        return b""


def wasm_program(body: str) -> bytes:
    """A module whose loop does the same `CALLS` times."""
    counted = f"(local i32) (loop {body} (br_if 0 (i32.lt_u"
    counted += f" (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const {CALLS}))))"
    used = tuple(name for name in NATIVE_TYPES if f"${name} " in body or f"${name})" in body)
    return container(f'(func (export "loop") (result i32) {counted} i32.const 0)', uses=used)


def rbpf_program(body: str) -> bytes:
    """The same as a file of rBPF."""
    counted = f"mov r6, {CALLS}\nagain:\n{body}\nsub r6, 1\njne r6, 0, again\nmov r0, 0\nexit"
    return hooks(loop=counted)


def program(engine: str, operation: str) -> bytes:
    """What does an operation again and again."""
    if engine == "rbpf":
        return rbpf_program(RBPF_BODIES[operation])
    return wasm_program(WASM_BODIES[operation])


def runtime_of(engine: str) -> Runtime:
    """An adapter by the name of its engine."""
    return create_rbpf() if engine == "rbpf" else ENGINES[engine]()


class MakesService(Protocol):
    """`Service`, or one that is made like it."""

    def __call__(
        self,
        capacity: Capacity,
        drivers: DriverTable,
        find: Callable[[bytes], Container | None],
        clock: VirtualClock,
        tracer: Tracer,
    ) -> Service: ...


class Path:
    """A container with an open descriptor, and all that its calls go through.

    Args:
        engine: what runs it.
        mask: its system calls.
        direction: of its endpoint, seen from the peer.
        sinks: who listens to the trace.
        make_service: the service, or a changed one.

    Attributes:
        caller: the container as the service sees it.
        service: what judges its calls.
        natives: its calls.
    """

    def __init__(
        self,
        engine: str,
        *,
        mask: int = ALL_CALLS,
        direction: Direction = Direction.BOTH,
        sinks: Sequence[Sink] = (),
        make_service: MakesService = Service,
    ) -> None:
        self._runtime, self._limits = runtime_of(engine), RuntimeLimits()
        clock, capacity = VirtualClock(), Capacity()
        entry = DriverEntry(PeerType.LOCAL, 1, "sixteen", Sixteen)
        drivers, tracer = DriverTable((entry,)), Tracer(sinks, clock.now_ns)
        self.service = make_service(capacity, drivers, lambda _uid: None, clock, tracer)
        self.meter = Meter(clock.charge)
        self.caller = self._caller(b"caller", mask, direction)
        self.service.open(self.caller, ENDPOINT)
        self.service.open(self._caller(b"another", ALL_CALLS, direction), ENDPOINT)
        self.natives: Natives = ContainerNatives(self.caller, self.service, 100)

    def loop(self, code: bytes, budget: int = UNLIMITED) -> Loop:
        """What runs a program over this path.

        Args:
            code: the program.
            budget: instructions of one turn.
        """
        return hosted(self._runtime, code, self.natives, self.meter, budget)

    def _caller(self, uid: bytes, mask: int, direction: Direction) -> StartedContainer:
        endpoint = Endpoint(ENDPOINT, PeerType.LOCAL, 1, direction)
        container_map = ContainerMap(uid, ContainerType.WASM)
        metadata = decode(encode(container_map, (endpoint,), Security()))
        slot = MemoryManager(Capacity()).take()
        for section in (Section.CODE, Section.DATA):
            slot.open(section, 0)
        grant = Grant(mask, None, Validity(), ())
        loaded = Container(slot, metadata, self._runtime, grant)
        return StartedContainer(loaded, self.meter, 1 << 60)


def hosted(
    runtime: Runtime, code: bytes, natives: Natives, meter: Meter, budget: int = UNLIMITED
) -> Loop:
    """What runs the loop hook of a program on an adapter, in turns of the same budget."""
    limits = RuntimeLimits()
    runtime.admit(code, limits)
    instance = runtime.create(code, b"", natives, meter, limits)

    def run() -> int:
        instance.begin(Hook.LOOP)
        meter.refill(budget)
        while not isinstance(outcome := instance.resume(), Completed):
            if meter.left > 0:
                raise RuntimeError(f"the program ended with {outcome}")
            meter.refill(budget)
        return outcome.value

    return run


# Bare.


def bare(engine: str, operation: str) -> Loop:
    """What runs a program on an engine with host functions that ask the driver only."""
    if engine == "pywasm":
        return _bare_pywasm(program(engine, operation))
    if engine == "wasmtime":
        return _bare_wasmtime(program(engine, operation))
    return hosted(
        runtime_of(engine), program(engine, operation), DriverOnly(), Meter(lambda _used: None)
    )


def _bare_pywasm(code: bytes) -> Loop:
    runtime, natives = pywasm.Runtime(), DriverOnly()

    def memory() -> Any:
        return runtime.machine.store.mems[0].data

    def read(_machine: Any, arguments: list[int]) -> list[int]:
        fd, pointer, size = arguments
        data = natives.read(fd, size)
        memory()[pointer : pointer + len(data)] = data
        return [len(data)]

    def write(_machine: Any, arguments: list[int]) -> list[int]:
        fd, pointer, size = arguments
        return [natives.write(fd, bytes(memory()[pointer : pointer + size]))]

    hosts: dict[str, tuple[int, Callable[[Any, list[int]], list[int]]]] = {
        "heartbeat": (0, lambda _machine, _arguments: [natives.heartbeat()]),
        "open": (1, lambda _machine, arguments: [natives.open(*arguments)]),
        "close": (1, lambda _machine, arguments: [natives.close(*arguments)]),
        "read": (3, read),
        "write": (3, write),
    }
    i32 = pywasm.ValType.i32()
    runtime.imports["env"] = {
        name: runtime.allocate_func_host(pywasm.FuncType([i32] * number, [i32]), host)
        for name, (number, host) in hosts.items()
    }
    module = runtime.instance(pywasm.ModuleDesc.from_reader(io.BytesIO(code)))
    return lambda: int(runtime.invocate(module, "loop", [])[0])


def _bare_wasmtime(code: bytes) -> Loop:
    """Asynchronous calls with fuel, and unchecked host functions, like the adapter's."""
    api, engine, natives = CApi(), make_engine(), DriverOnly()
    second, third = SLOT_WORDS, 2 * SLOT_WORDS

    def address(pointer: int, size: int) -> int:
        if pointer + size > api.wasmtime_memory_data_size(store.context, memory):
            raise IndexError("outside of memory")
        return int(api.wasmtime_memory_data(store.context, memory)) + pointer

    def read(_environment: Any, _caller: Any, words: Any, _number: int) -> int:
        data = natives.read(words[0], words[third])
        ctypes.memmove(address(words[second], len(data)), data, len(data))
        words[0] = len(data)
        return 0

    def write(_environment: Any, _caller: Any, words: Any, _number: int) -> int:
        pointer, size = words[second], words[third]
        words[0] = natives.write(words[0], ctypes.string_at(address(pointer, size), size))
        return 0

    def plain(function: Callable[..., int], parameters: int) -> HostFunction:
        def host(_environment: Any, _caller: Any, words: Any, _number: int) -> int:
            words[0] = function(words[0]) if parameters else function()
            return 0

        return host

    hosts: dict[str, HostFunction] = {
        "heartbeat": plain(natives.heartbeat, 0),
        "open": plain(natives.open, 1),
        "close": plain(natives.close, 1),
        "read": read,
        "write": write,
    }
    module = wasmtime.Module(engine, code)
    wanted = {each.name: hosts[each.name] for each in module.imports if each.name}
    store = TenantStore(api, engine, RuntimeLimits(), suspends=True)
    store.instantiate(module, wanted)
    function, memory = (
        store.find_function("loop"),
        ctypes.byref(store.find_export("memory").of.memory),
    )

    def run() -> int:
        store.suspend_after(TANK)
        store.fill(TANK)
        call = SuspendedCall(store, function, 1)
        while not call.advance():
            pass
        result = call.result
        call.drop()
        return result

    return run
