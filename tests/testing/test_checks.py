"""The reusable checks: our own implementations pass, broken ones are caught and named."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from support.engines import ENGINES
from support.wasm.modules import wat

from tinycontainer.errors import DriverError, InadmissibleCode
from tinycontainer.interfaces.driver import CallContext
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    Completed,
    Hook,
    Instance,
    Natives,
    Outcome,
    Preempted,
    Runtime,
    RuntimeFactory,
    RuntimeLimits,
    TrapFrame,
    Trapped,
)
from tinycontainer.testing import ContractBroken, RuntimeSamples, check_driver, check_runtime
from tinycontainer_runtimes.wasm_pywasm import create_runtime

BUSY = """(module
  (import "env" "logger" (func $log (param i32)))
  (import "env" "read" (func $read (param i32 i32 i32) (result i32)))
  (import "env" "data_size" (func $size (result i32)))
  (import "env" "data_read" (func $data (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "line\\00")
  (global $n (mut i32) (i32.const 0))
  (func (export "start") (call $log (i32.const 16)))
  (func (export "loop") (result i32) (local $i i32)
    (drop (call $read (i32.const 1) (i32.const 32) (i32.const 5)))
    (global.set $n (i32.add (global.get $n) (call $size)))
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 50))))
    (global.get $n))
  (func (export "stop") (call $log (i32.const 16))))"""
PLAIN = """(module (memory (export "memory") 1)
  (func (export "loop") (result i32) {loop}))"""


def samples() -> RuntimeSamples:
    return RuntimeSamples(
        busy=wat(BUSY),
        busy_returns=(12, 24, 36),
        endless=wat(PLAIN.format(loop="(loop $l (br $l)) (i32.const 0)")),
        trapping=wat(PLAIN.format(loop="unreachable")),
        only_loop=wat(PLAIN.format(loop="(i32.const 0)")),
        inadmissible=(wat("(module)"), wat(BUSY)[:-1]),
    )


@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
def test_our_runtimes_keep_the_runtime_interface(make: RuntimeFactory) -> None:
    check_runtime(make(), samples())


class Wrapped:
    """pywasm, with one thing broken."""

    def __init__(self, breaks: str) -> None:
        self._inner, self._breaks = create_runtime(), breaks
        self._loops: list[int] = []

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        try:
            self._inner.admit(code, limits)
        except InadmissibleCode:
            if self._breaks != "admits anything":
                raise

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> Instance:
        inner = self._inner.create(code, data, natives, meter, limits)
        return WrappedInstance(inner, meter, self._breaks, self._loops)


class WrappedInstance:
    def __init__(self, inner: Instance, meter: Meter, breaks: str, loops: list[int]) -> None:
        self._inner, self._meter, self._breaks, self._loops = inner, meter, breaks, loops

    def begin(self, hook: Hook) -> None:
        self._inner.begin(hook)

    def resume(self) -> Outcome:
        outcome = self._inner.resume()
        if self._breaks == "gives up early" and isinstance(outcome, Preempted):
            self._meter.left = 5
        if self._breaks == "charges by budget":
            self._meter.spend(self._meter.left % 2)
        if self._breaks == "hides traps" and not isinstance(outcome, Preempted):
            return Completed(getattr(outcome, "value", 0))
        if self._breaks == "traps elsewhere" and isinstance(outcome, Trapped):
            return replace(outcome, frames=(TrapFrame(0, 1 << 20),))
        if self._breaks == "remembers others" and isinstance(outcome, Completed) and outcome.value:
            self._loops.append(outcome.value)
            return Completed(sum(self._loops))
        return outcome

    def abort(self) -> None:
        self._inner.abort()

    def finalize(self) -> None:
        self._inner.finalize()


@pytest.mark.parametrize(
    ("breaks", "promise"),
    [
        ("admits anything", "inadmissible code"),
        ("gives up early", "the budget is gone"),
        ("charges by budget", "neither course nor cost"),
        ("hides traps", "a trap has a code"),
        ("traps elsewhere", "lie in the code"),
        ("remembers others", "hooks end as"),
    ],
)
def test_a_broken_runtime_is_caught_and_named(breaks: str, promise: str) -> None:
    runtime: Runtime = Wrapped(breaks)
    with pytest.raises(ContractBroken, match=promise):
        check_runtime(runtime, samples())


class GoodDriver:
    """Takes everything, gives zeros."""

    def __init__(self) -> None:
        self.last = 0
        self.are_open: set[int] = set()

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        self.last += 1
        self.are_open.add(self.last)
        return self.last

    def read(self, driver_fd: int, size: int) -> bytes:
        self.require_open(driver_fd)
        return bytes(size)

    def write(self, driver_fd: int, data: bytes) -> int:
        self.require_open(driver_fd)
        return len(data)

    def close(self, driver_fd: int) -> None:
        self.are_open.discard(driver_fd)

    def require_open(self, driver_fd: int) -> None:
        if driver_fd not in self.are_open:
            raise DriverError


class SameDescriptor(GoodDriver):
    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        return 1


class ZeroDescriptor(GoodDriver):
    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        return 0


class GivesTooMuch(GoodDriver):
    def read(self, driver_fd: int, size: int) -> bytes:
        return bytes(size + 1)


class GivesText(GoodDriver):
    def read(self, driver_fd: int, size: int) -> bytes:
        return "text"  # type: ignore[return-value]  # the mistake under test


class TakesTooMuch(GoodDriver):
    def write(self, driver_fd: int, data: bytes) -> int:
        return len(data) + 1


class RaisesAnything(GoodDriver):
    def close(self, driver_fd: int) -> None:
        raise OSError("disk")


class OpensOnce(GoodDriver):
    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        if self.last == 2:
            raise DriverError
        return super().open(peer_endpoint_id, context)


class ChargesBackwards(GoodDriver):
    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        context.charge(-1)
        return super().open(peer_endpoint_id, context)


class ReturnsNothing:
    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        return None  # type: ignore[return-value]  # the mistake under test

    read = write = close = open  # noqa: A003 - that of this class is meant


class ReadsNothing(GoodDriver):
    def read(self, driver_fd: int, size: int) -> bytes:
        return None  # type: ignore[return-value]  # the mistake under test


class WritesNothing(GoodDriver):
    def write(self, driver_fd: int, data: bytes) -> int:
        return None  # type: ignore[return-value]  # the mistake under test


class ClosesWithAResult(GoodDriver):
    def close(self, driver_fd: int) -> None:
        super().close(driver_fd)
        return 0  # type: ignore[return-value]  # the mistake under test


class RefusesEverything(GoodDriver):
    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        raise DriverError


class ReadsAfterClose(GoodDriver):
    def read(self, driver_fd: int, size: int) -> bytes:
        return b""


class WritesAfterClose(GoodDriver):
    def write(self, driver_fd: int, data: bytes) -> int:
        return 0


class OnlyReads(GoodDriver):
    def write(self, driver_fd: int, data: bytes) -> int:
        raise DriverError(problem="only read it")


def test_a_good_driver_passes() -> None:
    check_driver(GoodDriver)
    check_driver(OnlyReads)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (SameDescriptor, "different numbers"),
        (ZeroDescriptor, "at least 1"),
        (GivesTooMuch, "no more bytes than asked for"),
        (GivesText, "read returns bytes"),
        (TakesTooMuch, "between 0 bytes and all of them"),
        (RaisesAnything, "close raises DriverError only, not OSError"),
        (OpensOnce, "can be opened again"),
        (ChargesBackwards, "not negative"),
        (ReturnsNothing, "open returns an integer of at least 1"),
        (ReadsNothing, "read returns bytes"),
        (WritesNothing, "between 0 bytes and all of them"),
        (ClosesWithAResult, "close returns nothing"),
        (RefusesEverything, "can be opened at endpoint 1"),
        (ReadsAfterClose, "a read after close is refused"),
        (WritesAfterClose, "a write after close is refused"),
    ],
)
def test_a_broken_driver_is_caught_and_named(
    broken: Callable[[], GoodDriver], promise: str
) -> None:
    with pytest.raises(ContractBroken, match=promise):
        check_driver(broken)
