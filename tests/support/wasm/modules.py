"""WebAssembly for tests: modules from text or byte by byte, natives that take notes, a driver."""

import gc
import signal
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from types import FrameType
from typing import cast

import wasmtime

from support.engines import WasmInstance, make_runtime
from support.errors import catch_error
from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    Completed,
    Hook,
    Outcome,
    Preempted,
    Runtime,
    RuntimeLimits,
    Trapped,
)
from tinycontainer_runtimes.wasm.scan import scan_module

UNLIMITED = 1 << 40
"""A budget that no test uses up."""

PAGE = 1 << 16

NATIVE_TYPES = {
    "heartbeat": "(result i32)",
    "open": "(param i32) (result i32)",
    "close": "(param i32) (result i32)",
    "read": "(param i32 i32 i32) (result i32)",
    "write": "(param i32 i32 i32) (result i32)",
    "logger": "(param i32)",
    "data_size": "(result i32)",
    "data_read": "(param i32 i32 i32) (result i32)",
}

# Modules from text.


def wat(text: str) -> bytes:
    """The binary form of a module in text form."""
    return bytes(wasmtime.wat2wasm(text))


def imports(*names: str) -> str:
    """Imports of native functions, each under its own name: ``call $heartbeat``."""
    return " ".join(
        f'(import "env" "{name}" (func ${name} {NATIVE_TYPES[name]}))' for name in names
    )


def container(text: str, *, uses: tuple[str, ...] = (), memory: str = "1") -> bytes:
    """A module with an exported memory, the imports it uses, and the given text."""
    return wat(f'(module {imports(*uses)} (memory (export "memory") {memory}) {text})')


def loop(body: str, more: str = "", *, uses: tuple[str, ...] = (), memory: str = "1") -> bytes:
    """A module whose loop has the given body."""
    text = f'(func (export "loop") (result i32) {body}) {more}'
    return container(text, uses=uses, memory=memory)


# Modules byte by byte, also those that no assembler makes.

TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE, DATA, COUNT = range(
    1, 13
)
SECTION_ORDER = (
    TYPE,
    IMPORT,
    FUNCTION,
    TABLE,
    MEMORY,
    GLOBAL,
    EXPORT,
    START,
    ELEMENT,
    COUNT,
    CODE,
    DATA,
)
HEADER = b"\0asm\x01\0\0\0"
I32, I64, FUNCREF = b"\x7f", b"\x7e", b"\x70"
END = b"\x0b"


def leb(value: int) -> bytes:
    """An unsigned LEB128 number in its shortest form."""
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def vector(*items: bytes) -> bytes:
    """A vector with its length."""
    return leb(len(items)) + b"".join(items)


def name(text: str) -> bytes:
    """A name with its length."""
    raw = text.encode()
    return leb(len(raw)) + raw


def section(number: int, payload: bytes) -> bytes:
    """A section with its number and size."""
    return bytes([number]) + leb(len(payload)) + payload


def function_type(parameters: bytes = b"", results: bytes = b"") -> bytes:
    """A function type; one byte for each parameter and result."""
    return b"\x60" + leb(len(parameters)) + parameters + leb(len(results)) + results


def export(text: str, kind: int, index: int) -> bytes:
    """An export: kind 0 is a function, 1 a table, 2 a memory, 3 a global."""
    return name(text) + bytes([kind]) + leb(index)


def body(code: bytes, groups: tuple[bytes, ...] = ()) -> bytes:
    """A function body with its size; each group of locals is a count and a type."""
    content = vector(*groups) + code + END
    return leb(len(content)) + content


SMALLEST: Mapping[int, bytes] = {
    TYPE: vector(function_type(b"", I32)),
    FUNCTION: vector(leb(0)),
    MEMORY: vector(b"\0" + leb(1)),
    EXPORT: vector(export("memory", 2, 0), export("loop", 0, 0)),
    CODE: vector(body(b"\x41\0")),
}
"""Payloads of the smallest module that is admitted: its loop returns 0."""


def build(changes: Mapping[int, bytes | None] | None = None) -> bytes:
    """The smallest module with sections put in, replaced, or (None) left out."""
    payloads = {**SMALLEST, **(changes or {})}
    return HEADER + b"".join(
        section(number, payload)
        for number in SECTION_ORDER
        if (payload := payloads.get(number)) is not None
    )


def split(code: bytes) -> list[tuple[int, bytes]]:
    """Number and payload of each section of a well-formed module."""
    found, offset = [], len(HEADER)
    while offset < len(code):
        number, (size, begin) = code[offset], _read_leb(code, offset + 1)
        found.append((number, code[begin : begin + size]))
        offset = begin + size
    return found


def find_code(code: bytes) -> int:
    """Where the payload of a well-formed module's section of code begins."""
    offset = len(HEADER)
    while code[offset] != CODE:
        size, begin = _read_leb(code, offset + 1)
        offset = begin + size
    return _read_leb(code, offset + 1)[1]


def join(sections: list[tuple[int, bytes]]) -> bytes:
    """A module of sections as they are given."""
    return HEADER + b"".join(section(number, payload) for number, payload in sections)


def with_start_exported(code: bytes, text: str) -> bytes:
    """The module with an export of its start function instead of the start section."""
    payloads = dict(split(code))
    if START not in payloads:
        return code
    count, begin = _read_leb(payloads[EXPORT], 0)
    index, _ = _read_leb(payloads.pop(START), 0)
    payloads[EXPORT] = leb(count + 1) + export(text, 0, index) + payloads[EXPORT][begin:]
    return join([(number, payloads[number]) for number in SECTION_ORDER if number in payloads])


def _read_leb(code: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while code[offset] >= 0x80:
        value |= (code[offset] & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
    return value | code[offset] << shift, offset + 1


# Running them.


@dataclass
class RecordingNatives:
    """Natives that note every call and answer what they were told to."""

    meter: Meter
    cost: int = 0
    data: bytes = b""
    answers: dict[str, int] = field(default_factory=dict)
    incoming: bytes | int = b""
    calls: list[tuple[object, ...]] = field(default_factory=list)

    def heartbeat(self) -> int:
        return self._note("heartbeat")

    def open(self, endpoint_id: int, /) -> int:
        return self._note("open", endpoint_id)

    def close(self, fd: int, /) -> int:
        return self._note("close", fd)

    def read(self, fd: int, size: int, /) -> bytes | int:
        self._note("read", fd, size)
        return self.incoming if isinstance(self.incoming, int) else self.incoming[:size]

    def write(self, fd: int, data: bytes, /) -> int:
        return self._note("write", fd, data)

    def log(self, line: bytes, /) -> None:
        self._note("log", line)

    def data_size(self) -> int:
        self._note("data_size")
        return len(self.data)

    def data_read(self, offset: int, size: int, /) -> bytes:
        self._note("data_read", offset, size)
        return self.data[offset : offset + size]

    def _note(self, call: str, *arguments: object) -> int:
        self.meter.spend(self.cost)
        self.calls.append((call, *arguments))
        return self.answers.get(call, 0)


@dataclass(frozen=True)
class Run:
    """One hook from its beginning to its end.

    Attributes:
        outcome: how it ended.
        used: instructions charged for it.
        turns: how often it was resumed.
        overrun: the most by which a turn went beyond its budget.
    """

    outcome: Outcome
    used: int
    turns: int = 1
    overrun: int = 0


class Tenant:
    """A container on the current engine, admitted and created, with notes on everything it does."""

    def __init__(
        self,
        code: bytes,
        *,
        limits: RuntimeLimits | None = None,
        data: bytes = b"",
        cost: int = 0,
        runtime: Runtime | None = None,
        natives: type[RecordingNatives] = RecordingNatives,
    ) -> None:
        self.limits = limits or RuntimeLimits()
        runtime = runtime or make_runtime()
        runtime.admit(code, self.limits)
        self.charged = 0
        self.meter = Meter(self._charge)
        self.natives = natives(self.meter, cost, data)
        instance = runtime.create(code, data, self.natives, self.meter, self.limits)
        self.instance = cast("WasmInstance", instance)

    def run(
        self, hook: Hook = Hook.LOOP, budget: int = UNLIMITED, max_turns: int = 1_000_000
    ) -> Run:
        """Run a hook to its end, in turns of the same budget.

        The last outcome is Preempted if the hook did not end within the turns.
        """
        before, overrun, turns = self.charged, 0, 0
        self.instance.begin(hook)
        outcome: Outcome = Preempted()
        while isinstance(outcome, Preempted) and turns < max_turns:
            outcome = self.turn(budget)
            overrun = max(overrun, -self.meter.left)
            turns += 1
        return Run(outcome, self.charged - before, turns, overrun)

    def turn(self, budget: int = UNLIMITED) -> Outcome:
        """Go on with the hook in progress for one turn."""
        self.meter.refill(budget)
        outcome = self.instance.resume()
        if isinstance(outcome, Preempted):
            assert self.meter.left <= 0, "preempted with something left of the budget"
        self.meter.settle()
        return outcome

    def loop(self) -> int:
        """Run the loop hook, which has to complete; its value."""
        outcome = self.run().outcome
        assert isinstance(outcome, Completed), outcome
        return outcome.value

    def trap(self, hook: Hook = Hook.LOOP) -> str:
        """Run a hook, which has to trap; the code of the trap."""
        outcome = self.run(hook).outcome
        assert isinstance(outcome, Trapped), outcome
        return outcome.code

    def memory(self) -> str:
        """Length and hash of its linear memory."""
        size = self.instance.size()
        return f"{size} {sha256(self.instance.load(0, size)).hexdigest()}"

    def _charge(self, instructions: int) -> None:
        self.charged += instructions


class TooSlow(Exception):
    """Something took longer than its bound."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound the processor time of what stands inside; what never ends is stopped.

    Meanwhile no cycles are collected: that would take the longer the more the process has from
    other tests.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"not done after {2 * seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    collects = gc.isenabled()
    gc.disable()
    signal.setitimer(signal.ITIMER_PROF, 2 * seconds)
    began = time.process_time()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        if collects:
            gc.enable()
    if (took := time.process_time() - began) > seconds:
        raise TooSlow(f"took {took:.1f} s where {seconds} s are allowed")


def admission_error(
    judge: Callable[[bytes, RuntimeLimits], object],
    code: bytes,
    limits: RuntimeLimits | None = None,
) -> str:
    """Why a judge does not admit a module; it has 5 seconds to say so."""
    with within(5):
        return str(catch_error(InadmissibleCode, judge, code, limits or RuntimeLimits()))


def scan_error(code: bytes, limits: RuntimeLimits | None = None) -> str:
    """Why the scan does not admit a module."""
    return admission_error(scan_module, code, limits)


@contextmanager
def below(peak_bytes: int) -> Iterator[None]:
    """Bound what is allocated inside, at its peak."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= peak_bytes, f"{peak} bytes at the peak where {peak_bytes} are allowed"
