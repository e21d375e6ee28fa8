"""Trap codes, the same on every engine."""

from enum import StrEnum
from typing import Final

from tinycontainer.interfaces.runtime import TrapFrame

MAX_WASM_FRAMES: Final = 16
"""How many of the innermost calls every engine gives at a trap. wasmtime notes 20, and one of them
is left out where a call is one too many."""


class TrapCode(StrEnum):
    """Why a module's function broke."""

    UNREACHABLE = "unreachable"
    MEMORY_OUT_OF_BOUNDS = "memory-out-of-bounds"
    TABLE_OUT_OF_BOUNDS = "table-out-of-bounds"
    INDIRECT_CALL_TO_NULL = "indirect-call-to-null"
    BAD_SIGNATURE = "bad-signature"
    INTEGER_OVERFLOW = "integer-overflow"
    INTEGER_DIVISION_BY_ZERO = "integer-division-by-zero"
    BAD_CONVERSION_TO_INTEGER = "bad-conversion-to-integer"
    STACK_OVERFLOW = "stack-overflow"
    NATIVE_POINTER = "native-pointer"
    """A pointer that was given to a native function reaches outside of memory."""
    OUT_OF_FUEL = "out-of-fuel"
    """A hook was too long for an engine that can stop a call but not go on with it."""
    ENGINE = "engine"
    """The engine failed at an instruction that cannot trap."""


class WasmTrap(Exception):
    """A trap with its code, on its way from a guard or a native function to the adapter.

    Args:
        code: why.
        detail: more for the owner.
        frames: where it was, where the engine says it.
    """

    def __init__(
        self, code: TrapCode, detail: str = "", frames: tuple[TrapFrame, ...] = ()
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.frames = frames
