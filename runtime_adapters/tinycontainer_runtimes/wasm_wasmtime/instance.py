"""One container on wasmtime: its room, its native functions, and the hook in progress.

Fuel is counted by the engine, native calls are charged to the meter. Before each poll the store is
filled up and told to suspend the call when as much is used as the meter has left; so a call is
suspended in front of the line of code at which its budget is gone. To tell it again behind each
native call is dear: while much is left, half of it is kept back for what native calls cost, and the
call goes on with that half when it is suspended too early.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import wasmtime

from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    Completed,
    Hook,
    Natives,
    Outcome,
    Preempted,
    RuntimeLimits,
    Trapped,
)

from ..wasm.lines import SETTLING_FUEL
from ..wasm.native_types import NATIVES
from ..wasm.natives import NativeFunction, WasmNatives, checked_result
from ..wasm.preparation import calls_natives_directly, export_name
from ..wasm.scan import ScannedModule
from ..wasm.traps import TrapCode, WasmTrap
from .calls import Call, StoppableCall, SuspendedCall
from .capi import SLOT_WORDS, CApi
from .engine import CompiledModule
from .room import TANK, Host, Room

WHOLE_HOOK_FUEL: Final = 1_000_000
"""Where calls cannot be suspended, a hook runs as a whole, up to so many instructions."""

_LONGEST_POLL: Final = 1 << 24
"""Fuel between two moments in which an operator's interrupt is seen; a few ms."""
_MUCH: Final = 1 << 12
"""With less than this left of a budget, all native calls are settled at once."""


class WasmtimeInstance:
    """See `tinycontainer.interfaces.runtime.Instance`.

    Args:
        api: the C API.
        engine: the engine.
        compiled: its module.
        natives: the container's calls.
        meter: what it may use.
        limits: what it may take.
        asynchronous: whether calls can be suspended; else a hook is one unit of work.

    Raises:
        WasmTrap: a segment does not fit.
    """

    def __init__(
        self,
        api: CApi,
        engine: wasmtime.Engine,
        compiled: CompiledModule,
        natives: Natives,
        meter: Meter,
        limits: RuntimeLimits,
        *,
        asynchronous: bool,
    ) -> None:
        scanned = compiled.scanned
        self._api, self._meter, self._asynchronous = api, meter, asynchronous
        self._pending: deque[tuple[Any, int]] = deque()
        self._call: Call | None = None
        self._polling = False
        self._raised: BaseException | None = None
        self._fuel = TANK
        self._settle_at = 0
        self._settling = SETTLING_FUEL if calls_natives_directly(scanned) else 0
        self._idle = meter.probe
        functions = WasmNatives(natives, self).functions()
        hosts = {name: self._host(name, functions[name]) for name in scanned.imports}
        self._room = Room(api, engine, compiled.module, hosts, limits, asynchronous=asynchronous)
        self._hooks = {
            hook: [self._function(scanned, index) for index in indexes]
            for hook, indexes in scanned.hook_functions().items()
        }

    # The memory that native calls see; `tinycontainer_runtimes.wasm.natives.LinearMemory`.

    def size(self) -> int:
        """Length of linear memory in bytes; 0 when the instance was finalized."""
        return self._room.size()

    def load(self, pointer: int, size: int) -> bytes:
        """Bytes of linear memory."""
        return self._room.load(pointer, size)

    def store(self, pointer: int, data: bytes) -> None:
        """Put bytes into linear memory."""
        self._room.store(pointer, data)

    # The instance.

    def begin(self, hook: Hook) -> None:
        """Set a hook up; START includes the module's start function.

        Raises:
            RuntimeError: the instance was finalized, or is executing.
        """
        self._clear()
        if not self._room.open:
            raise RuntimeError("the instance was finalized")
        self._pending.extend(self._hooks[hook])

    def resume(self) -> Outcome:
        """Run until the hook ends or the meter is empty."""
        self._require_idle()
        result = 0
        try:
            while self._call is not None or self._pending:
                if self._meter.left <= 0:
                    return Preempted()
                if self._call is None:
                    self._call = self._entered(*self._pending.popleft())
                if self._advance(self._call):
                    result = self._leave(self._call)
        except WasmTrap as trap:
            self._clear()
            return Trapped(trap.code, trap.detail)
        return Completed(result)

    def abort(self) -> None:
        """Drop the hook in progress; its stack is unwound.

        Raises:
            RuntimeError: the instance is executing.
        """
        self._clear()

    def finalize(self) -> None:
        """Drop the hook in progress, and give memory and store back.

        Raises:
            RuntimeError: the instance is executing.
        """
        self._clear()
        self._room.close()

    # How calls are begun, continued and ended.

    def _function(self, scanned: ScannedModule, index: int) -> tuple[Any, int]:
        kind = scanned.function_type(index)
        results = 0 if kind is None else len(kind.results)
        return self._room.function(export_name(scanned, index)), results

    def _entered(self, function: Any, results: int) -> Call:
        if self._asynchronous:
            return SuspendedCall(self._room, function, results)
        return StoppableCall(self._room, function, results)

    def _advance(self, call: Call) -> bool:
        meter = self._meter
        self._arm()
        self._polling, meter.probe = True, self._probe
        try:
            return call.advance()
        finally:
            self._polling, meter.probe = False, self._idle
            self._probe()

    def _leave(self, call: Call) -> int:
        """Give a call that has ended back; its result.

        Raises:
            WasmTrap: it trapped.
            BaseException: what a native function raised, which none should.
        """
        self._call = None
        result, (trap, error) = call.result, call.take_failure()
        call.drop()
        code = self._room.trap_of(trap) if trap else None
        message = self._api.message(error) if error else ""
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised
        if trap or error:
            raise WasmTrap(code or TrapCode.ENGINE, message)
        return result

    def _clear(self) -> None:
        self._require_idle()
        self._pending.clear()
        self._call = self._raised = None
        if self._room.call is not None:
            self._room.call.drop()

    def _require_idle(self) -> None:
        if self._polling:
            raise RuntimeError("an instance cannot be managed by its own native calls")

    # Fuel.

    def _arm(self, settling: int = 0) -> None:
        """Let the call be suspended where the meter's budget ends, or stopped if it cannot be.

        Args:
            settling: what is used next and is not the container's.
        """
        if self._asynchronous:
            left = max(self._meter.left, 0)
            kept = left // 2 if left >= _MUCH else 0
            self._settle_at = left - kept
            # Fuel cannot run out at once: without settling one line more is executed.
            self._room.fill(min(left - kept, _LONGEST_POLL) + settling or 1)
            self._fuel = TANK - settling
        else:
            self._room.fill_to_stop(WHOLE_HOOK_FUEL)
            self._fuel = WHOLE_HOOK_FUEL

    def _probe(self) -> None:
        """Bring the meter up to date with the engine's counter."""
        fuel = self._room.fuel()
        if fuel < self._fuel:
            self._meter.left -= self._fuel - fuel
            self._fuel = fuel

    def _settle_call(self) -> None:
        """Behind a native call: what it cost ends the turn sooner."""
        before = self._meter.left
        if not self._asynchronous or before > self._settle_at:
            self._fuel -= self._settling
            return
        self._probe()
        if self._settling or self._meter.left > 0 or before > 0:
            self._arm(self._settling)

    # Native calls.

    def _host(self, name: str, function: NativeFunction) -> Host:
        called = _with_words(function, len(NATIVES[name].parameters))
        settle, fail = self._settle_call, self._api.wasmtime_trap_new

        def host(words: Any) -> int:
            try:
                result = called(words)
                if result is not None:
                    words[0] = checked_result(result)
                settle()
            except BaseException as error:  # nothing may be raised through wasmtime's frames
                self._raised = error
                trap: int = fail(b"native", 6)
                return trap
            return 0

        return host


def _with_words(function: NativeFunction, parameters: int) -> Callable[[Any], int | None]:
    """A native function over argument words."""
    second, third = SLOT_WORDS, 2 * SLOT_WORDS
    by_number: dict[int, Callable[[Any], int | None]] = {
        0: lambda _words: function(),
        1: lambda words: function(words[0]),
        3: lambda words: function(words[0], words[second], words[third]),
    }
    return by_number[parameters]
