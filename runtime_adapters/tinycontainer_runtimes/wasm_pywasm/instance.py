"""One container on pywasm: a machine, and its own copy of what instances change in a module."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import pywasm

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

from ..wasm.native_types import NATIVES
from ..wasm.natives import NativeFunction, WasmNatives, check_result
from ..wasm.traps import TrapCode, WasmTrap
from .frames import find_frames
from .metering import BudgetGone, Gauge, find_plain_opcode
from .prepared import PreparedModule
from .traps import ENGINE_ERRORS, classify_error

_STEP_INSTRUCTIONS: Final = 32
"""About 60 us of plain code. The slowest that we know, blocks nested 1,000 deep, takes 2.3 ms."""


class PywasmInstance:
    """See `tinycontainer.interfaces.runtime.Instance`.

    Args:
        prepared: its module.
        natives: the container's calls.
        meter: what it may use.
        limits: what it may take; those that the module was prepared for.

    Raises:
        WasmTrap: a segment does not fit.
    """

    def __init__(
        self,
        prepared: PreparedModule,
        natives: Natives,
        meter: Meter,
        limits: RuntimeLimits,
    ) -> None:
        self._machine = pywasm.Machine()
        self._meter = meter
        meter.set_step(_STEP_INSTRUCTIONS)
        self._prepared = prepared
        scanned = prepared.scanned
        functions = WasmNatives(natives, self).functions()
        imports = [self._define_import(name, functions[name]) for name in scanned.imports]
        module = prepared.copy_for(Gauge(meter, self._machine, limits))
        self._module = self._instantiate(module, imports)
        self._memory = self._machine.store.mems[self._module.mems[0]]
        self._hooks = scanned.hook_functions()
        self._pending: deque[int] = deque()
        self._running = False

    # The memory that native calls see; `tinycontainer_runtimes.wasm.natives.LinearMemory`.

    def size(self) -> int:
        """Length of linear memory in bytes."""
        return len(self._memory.data)

    def load(self, pointer: int, size: int) -> bytes:
        """Bytes of linear memory."""
        return bytes(self._memory.data[pointer : pointer + size])

    def store(self, pointer: int, data: bytes) -> None:
        """Put bytes into linear memory."""
        self._memory.data[pointer : pointer + len(data)] = data

    # The instance.

    def begin(self, hook: Hook) -> None:
        """Set a hook up; START includes the module's start function."""
        self._clear()
        self._pending.extend(self._module.func[index] for index in self._hooks[hook])

    def resume(self) -> Outcome:
        """Run until the hook ends or the meter is empty."""
        result = 0
        try:
            while self._running or self._pending:
                if self._meter.left <= 0:
                    return Preempted()
                if not self._running:
                    self._enter(self._pending.popleft())
                self._machine.evaluate()
                result = self._leave()
        except BudgetGone:
            return Preempted()
        except WasmTrap as trap:
            return self._end_by(trap.code, trap.detail)
        except ENGINE_ERRORS as error:
            code = classify_error(error, self._faulting_opcode())
            return self._end_by(code, type(error).__name__ if code is TrapCode.ENGINE else "")
        return Completed(result)

    def abort(self) -> None:
        """Drop the hook in progress."""
        self._clear()

    def finalize(self) -> None:
        """Drop the hook in progress; there is nothing else to give back."""
        self._clear()

    # What pywasm's `invocate` does around `evaluate`, without losing its end when preempted.

    def _enter(self, address: int) -> None:
        function = self._machine.store.func[address]
        stack = self._machine.stack
        arity = len(function.type.rets)
        stack.frame.append(pywasm.Frame(pywasm.ModuleInst(), pywasm.LocalsInst([]), 0, 0, 0))
        stack.frame.append(pywasm.Frame(function.module, pywasm.LocalsInst([]), arity, 0, 0))
        stack.label.append(pywasm.Label(arity, 1, 0, 3, function.code.expr.data, 0))
        self._running = True

    def _leave(self) -> int:
        values = self._machine.stack.value
        result = int(values[-1].into_i32()) if values else 0
        self._empty_stacks()
        return result

    def _end_by(self, code: TrapCode, detail: str) -> Trapped:
        """The trap that ends the hook in progress, of which nothing is left."""
        frames = find_frames(self._machine.stack.label, self._prepared)
        self._clear()
        return Trapped(code, detail, frames)

    def _clear(self) -> None:
        self._pending.clear()
        self._empty_stacks()

    def _empty_stacks(self) -> None:
        # After a trap pywasm leaves its stacks as they were: the next call would go on there.
        stack = self._machine.stack
        stack.value = []
        stack.label = []
        stack.frame = []
        self._running = False

    def _faulting_opcode(self) -> int | None:
        labels = self._machine.stack.label
        if not labels or not 0 < labels[-1].index <= len(labels[-1].instr):
            return None
        return find_plain_opcode(labels[-1].instr[labels[-1].index - 1])

    def _instantiate(self, module: Any, imports: list[Any]) -> Any:
        try:
            return self._machine.instance(module, imports)
        except ENGINE_ERRORS as error:
            code = classify_error(error, self._faulting_opcode())
            raise WasmTrap(code, "a segment does not fit") from None

    def _define_import(self, name: str, function: NativeFunction) -> Any:
        kind = NATIVES[name]
        signature = pywasm.FuncType(
            [pywasm.ValType(each) for each in kind.parameters],
            [pywasm.ValType(each) for each in kind.results],
        )
        host = pywasm.FuncHost(signature, _make_host_code(function))
        return pywasm.Extern(0, self._machine.store.allocate_func_host(host))


def _make_host_code(function: NativeFunction) -> Callable[[Any, list[int]], list[int]]:
    def host_code(_machine: Any, arguments: list[int]) -> list[int]:
        result = function(*arguments)
        return [] if result is None else [check_result(result)]

    return host_code
