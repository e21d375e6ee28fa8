"""One container on translated code: its machine, and the calls of its hook in progress."""

import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from tinycontainer.interfaces.integers import UINT32_MASK, to_int32
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    Completed,
    Hook,
    Natives,
    Outcome,
    Preempted,
    Trapped,
)

from ..wasm.natives import NativeFunction, WasmNatives, check_result
from ..wasm.traps import TrapCode, WasmTrap
from .frames import find_frames, find_left
from .machine import Call, CallRefused
from .program import TranslatedModule

_STEP_INSTRUCTIONS: Final = 1 << 14
"""About 1 ms of plain code."""
_COLD_STEP_INSTRUCTIONS: Final = 1 << 8
"""Where a line may have to be compiled first, which takes up to 1 ms for 64 instructions."""
_CODES: Final[dict[type[BaseException], TrapCode]] = {
    struct.error: TrapCode.MEMORY_OUT_OF_BOUNDS,
    IndexError: TrapCode.MEMORY_OUT_OF_BOUNDS,
    ZeroDivisionError: TrapCode.INTEGER_DIVISION_BY_ZERO,
}
"""What Python itself raises where an instruction traps."""
_ENDINGS: Final = (
    WasmTrap,
    struct.error,
    IndexError,
    ZeroDivisionError,
    RecursionError,
    MemoryError,
)


class TranslatedInstance:
    """See `tinycontainer.interfaces.runtime.Instance`.

    Args:
        module: its module.
        natives: the container's calls.
        meter: what it may use.

    Raises:
        WasmTrap: a segment does not fit.
    """

    def __init__(self, module: TranslatedModule, natives: Natives, meter: Meter) -> None:
        self._module = module
        self._meter = meter
        meter.set_step(_STEP_INSTRUCTIONS if module.is_warm else _COLD_STEP_INSTRUCTIONS)
        self._machine = module.make_machine()
        functions = WasmNatives(natives, self).functions()
        self._machine.natives = tuple(
            self._make_native(functions[name]) for name in module.scanned.imports
        )
        self._hooks = module.scanned.hook_functions()
        self._pending: deque[int] = deque()
        self._calls: list[Call] = []
        """Each is the lowest of up to 64 nested calls; the last is the innermost."""
        self._given = 0
        """What the machine was given of the meter, and has not been charged for yet."""
        self._is_lost = False
        """Whether the hook was interrupted: Python does not go on with a generator that raised."""

    # The memory that native calls see; `tinycontainer_runtimes.wasm.natives.LinearMemory`.

    def size(self) -> int:
        """Length of linear memory in bytes."""
        return len(self._machine.memory)

    def load(self, pointer: int, size: int) -> bytes:
        """Bytes of linear memory."""
        return bytes(self._machine.memory[pointer : pointer + size])

    def store(self, pointer: int, data: bytes) -> None:
        """Put bytes into linear memory."""
        self._machine.memory[pointer : pointer + len(data)] = data

    # The instance.

    def begin(self, hook: Hook) -> None:
        """Set a hook up; START includes the module's start function."""
        self.abort()
        self._is_lost = False
        self._pending.extend(self._hooks[hook])

    def resume(self) -> Outcome:
        """Run until the hook ends or the meter is empty."""
        if self._is_lost:
            self._is_lost = False
            return Trapped(TrapCode.ENGINE, "interrupted")
        result: Any = None
        self._take_budget()
        try:
            while self._calls or self._pending:
                if self._machine.left <= 0:
                    return Preempted()
                if not self._calls:
                    self._calls.append(self._enter(self._pending.popleft()))
                result = self._advance()
                if self._calls:
                    return Preempted()
        except _ENDINGS as error:
            return self._end_by(error)
        except BaseException:
            self._is_lost = True
            self.abort()
            raise
        finally:
            self._charge()
        return Completed(to_int32(result or 0))

    def abort(self) -> None:
        """Drop the hook in progress."""
        self._pending.clear()
        while self._calls:
            self._calls.pop().close()

    def finalize(self) -> None:
        """Drop the hook in progress; there is nothing else to give back."""
        self.abort()

    def _enter(self, index: int) -> Call:
        limits = self._module.limits
        return self._module.functions[index](self._machine, 1, limits.stack_values, 1)

    def _advance(self) -> Any:
        """Go on with the calls until the hook ends or the budget is gone; what the hook gives."""
        calls = self._calls
        value: Any = None
        while calls:
            try:
                found = calls[-1].send(value)
            except StopIteration as ended:
                calls.pop()
                value = ended.value
            else:
                if found is None:
                    return None
                calls.append(found)
                value = None
        return value

    def _end_by(self, error: BaseException) -> Trapped:
        """The trap that ends the hook in progress, of which nothing is left."""
        if not isinstance(error, CallRefused):
            self._machine.left = find_left(error, self._machine.left)
        frames = find_frames(error, self._calls[:-1], self._module)
        if isinstance(error, WasmTrap):
            code, detail = error.code, error.detail
        else:
            found = _CODES.get(type(error))
            code, detail = (found, "") if found else (TrapCode.ENGINE, type(error).__name__)
        self.abort()
        return Trapped(code, detail, frames)

    # Fuel. The machine counts by itself; the meter knows of it before and after a native call, and
    # at the end of a turn.

    def _take_budget(self) -> None:
        self._given = self._machine.left = self._meter.left

    def _charge(self) -> None:
        used, self._given = self._given - self._machine.left, self._machine.left
        self._meter.left -= used

    def _make_native(self, function: NativeFunction) -> Callable[..., int | None]:
        def call(*arguments: int) -> int | None:
            self._charge()
            result = function(*arguments)
            self._take_budget()
            return None if result is None else check_result(result) & UINT32_MASK

        return call
