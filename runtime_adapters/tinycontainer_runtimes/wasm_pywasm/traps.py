"""What pywasm's exceptions mean: it traps by assertions and by whatever Python raises."""

from typing import Final

from ..wasm import opcodes
from ..wasm.traps import TrapCode

ENGINE_ERRORS: Final = (
    AssertionError,
    IndexError,
    KeyError,
    ZeroDivisionError,
    OverflowError,
    ValueError,
    TypeError,
    RecursionError,
    MemoryError,
)

_DIVISIONS: Final = frozenset(
    {
        opcodes.I32_DIV_S,
        opcodes.I32_DIV_U,
        opcodes.I32_REM_S,
        opcodes.I32_REM_U,
        opcodes.I64_DIV_S,
        opcodes.I64_DIV_U,
        opcodes.I64_REM_S,
        opcodes.I64_REM_U,
    }
)
_TRUNCATIONS: Final = frozenset({*opcodes.I32_TRUNCATIONS, *opcodes.I64_TRUNCATIONS})


def classify_error(error: Exception, opcode: int | None) -> TrapCode:
    """The trap code of an exception at an instruction.

    Args:
        error: one of `ENGINE_ERRORS`.
        opcode: the instruction; None if there was none.
    """
    if opcode in opcodes.LOADS_AND_STORES or opcode in opcodes.BULK_MEMORY:
        return TrapCode.MEMORY_OUT_OF_BOUNDS
    if opcode == opcodes.UNREACHABLE:
        return TrapCode.UNREACHABLE
    if opcode in opcodes.BULK_TABLE or opcode in (opcodes.TABLE_GET, opcodes.TABLE_SET):
        return TrapCode.TABLE_OUT_OF_BOUNDS
    if opcode in _DIVISIONS:
        zero = isinstance(error, ZeroDivisionError)
        return TrapCode.INTEGER_DIVISION_BY_ZERO if zero else TrapCode.INTEGER_OVERFLOW
    if opcode in _TRUNCATIONS:
        # int() of a NaN is a ValueError; infinities and what is too large are other errors.
        nan = isinstance(error, ValueError)
        return TrapCode.BAD_CONVERSION_TO_INTEGER if nan else TrapCode.INTEGER_OVERFLOW
    if opcode == opcodes.CALL:
        return TrapCode.STACK_OVERFLOW
    return TrapCode.ENGINE
