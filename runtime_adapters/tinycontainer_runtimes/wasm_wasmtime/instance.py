"""One container on wasmtime: its store, its native functions, and the hook in progress."""

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

from ..wasm.metering.lines import SETTLING_FUEL
from ..wasm.metering.rewriting import calls_natives_directly, counter_name, export_name
from ..wasm.native_types import NATIVES
from ..wasm.natives import NativeFunction, WasmNatives, check_result
from ..wasm.traps import TrapCode, WasmTrap
from .backtrace import find_frames, read_backtrace
from .call_counter import CallCounter
from .calls import Call, StoppableCall, SuspendedCall
from .capi import SLOT_WORDS, CApi
from .engine import CompiledModule
from .fuel import FuelAccount
from .store import HostFunction, TenantStore

_STEP_INSTRUCTIONS: Final = 1 << 14
"""About 10 us of plain code; calls of functions with a thousand local variables take 60 us."""


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
        self._api = api
        self._meter = meter
        meter.set_step(_STEP_INSTRUCTIONS)
        self._places = compiled.places
        self._pending: deque[tuple[Any, int]] = deque()
        self._call: Call | None = None
        self._executing = False
        self._raised: BaseException | None = None
        self._store = TenantStore(api, engine, limits, suspends=asynchronous)
        # The settling instruction is in the module only if all native calls in it are known.
        settling = SETTLING_FUEL if calls_natives_directly(scanned) else 0
        self._account = FuelAccount(self._store, meter, settling)
        functions = WasmNatives(natives, self._store.memory).functions()
        hosts = {name: self._make_host(name, functions[name]) for name in scanned.imports}
        self._store.instantiate(compiled.module, hosts)
        found = self._store.look_for_export(counter_name(scanned))
        if found is not None:
            counter = CallCounter(api, self._store.context, found, limits.call_depth)
            self._account.counter = counter
        self._hooks = {
            hook: [self._find_function(compiled, index) for index in indexes]
            for hook, indexes in scanned.hook_functions().items()
        }

    # `tinycontainer.interfaces.runtime.Inspectable`.

    def size(self) -> int:
        """Length of linear memory in bytes; 0 after the instance was finalized."""
        return self._store.memory.size()

    def load(self, pointer: int, size: int) -> bytes:
        """Bytes of linear memory."""
        return self._store.memory.load(pointer, size)

    # The instance.

    def begin(self, hook: Hook) -> None:
        """Set a hook up; START includes the module's start function.

        Raises:
            RuntimeError: the instance was finalized, or is executing.
        """
        self._clear()
        if not self._store.open:
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
                    self._call = self._enter(*self._pending.popleft())
                self._executing = True
                try:
                    ended = self._account.advance(self._call)
                finally:
                    self._executing = False
                if ended:
                    result = self._leave(self._call)
        except WasmTrap as trap:
            self._clear()
            return Trapped(trap.code, trap.detail, trap.frames)
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
        self._store.close()

    # How calls are begun, continued and ended.

    def _find_function(self, compiled: CompiledModule, index: int) -> tuple[Any, int]:
        """A function of a hook, and how many results it has."""
        kind = compiled.scanned.function_type(index)
        results = 0 if kind is None else len(kind.results)
        return self._store.find_function(export_name(compiled.scanned, index)), results

    def _enter(self, function: Any, results: int) -> Call:
        self._account.begin()
        if self._store.suspends:
            return SuspendedCall(self._store, function, results)
        return StoppableCall(self._store, function, results)

    def _leave(self, call: Call) -> int:
        """Give a call that has ended back; its result.

        Raises:
            WasmTrap: it trapped.
            BaseException: what a native function raised, which none should.
        """
        self._call = None
        result = call.result
        failure = call.take_failure()
        call.drop()
        raised = self._raised
        self._raised = None
        if raised is None and not any(failure):
            return result
        ended = self._take_failure(*failure)
        if isinstance(raised, WasmTrap):
            raise WasmTrap(raised.code, raised.detail, ended.frames)
        raise raised or ended

    def _take_failure(self, trap: int | None, error: int | None) -> WasmTrap:
        """What the engine says of a trap or an error, which is deleted."""
        backtrace = read_backtrace(self._api, trap, error)
        code = self._store.take_trap_code(trap) if trap else None
        message = self._api.take_message(error) if error else ""
        if code is TrapCode.UNREACHABLE and self._account.nested_too_deep:
            code = TrapCode.STACK_OVERFLOW
        code = code or TrapCode.ENGINE
        return WasmTrap(code, message, find_frames(backtrace, code, self._places))

    def _clear(self) -> None:
        self._require_idle()
        self._pending.clear()
        self._raised = None
        # Also what is not ours: an interrupt may have come before the call was noted here.
        self._store.drop_future()
        call, self._call = self._call, None
        if call is not None:
            call.drop()

    def _require_idle(self) -> None:
        if self._executing:
            raise RuntimeError("an instance cannot be managed by its own native calls")

    # Native calls.

    def _make_host(self, name: str, function: NativeFunction) -> HostFunction:
        called = _call_with_words(function, len(NATIVES[name].parameters))
        memory = self._store.memory
        settle = self._account.settle_native_call

        def perform(words: Any) -> int:
            try:
                memory.may_have_grown = True
                result = called(words)
                if result is not None:
                    words[0] = check_result(result)
                settle()
            except Exception as error:  # a trap, as a rule
                return self._stop(error)
            return 0

        # Nothing may be raised through wasmtime's frames: ctypes would return what happens to lie
        # on the stack, and wasmtime take it for the address of a trap (ADR 21). An operator's
        # interrupt may come at any line, so each of these two has to be one line with its `try`.
        def host(_environment: Any, _caller: Any, words: Any, _number: int) -> int:
            try: return perform(words)  # fmt: skip  # noqa: E701
            except BaseException as error: return self._stop(error)  # fmt: skip  # noqa: E701

        return host

    def _stop(self, error: BaseException) -> int:
        """Keep what a native call raised, for `_leave`; the trap that ends the call."""
        self._raised = error
        trap: int = self._api.wasmtime_trap_new(b"native", 6)
        return trap


def _call_with_words(function: NativeFunction, parameters: int) -> Callable[[Any], int | None]:
    """A native function over argument words."""
    second = SLOT_WORDS
    third = 2 * SLOT_WORDS
    by_number: dict[int, Callable[[Any], int | None]] = {
        0: lambda _words: function(),
        1: lambda words: function(words[0]),
        3: lambda words: function(words[0], words[second], words[third]),
    }
    return by_number[parameters]
