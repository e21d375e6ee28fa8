"""What instructions take from the stack and put on it, where that depends on their opcode alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from .. import opcodes as op
from .value_types import F32, F64, I32, I64


@dataclass(frozen=True, slots=True)
class OperandTypes:
    """What an instruction takes and gives.

    Attributes:
        taken: types of its operands, the topmost first.
        given: type of its result; None if it has none.
        alignment: the largest one that is allowed, as a power of two; None if it is no access to
            memory.
    """

    taken: tuple[int, ...]
    given: int | None
    alignment: int | None = None


_Group = tuple[Iterable[int], int, int]
"""Opcodes, the type that they give, and that of each operand."""


def _numeric() -> Iterator[tuple[Iterable[int], OperandTypes]]:
    """Opcodes 0x45 to 0xC4, and the saturating truncations."""
    binary: tuple[_Group, ...] = (
        (range(0x46, 0x50), I32, I32),
        (range(0x51, 0x5B), I32, I64),
        (range(0x5B, 0x61), I32, F32),
        (range(0x61, 0x67), I32, F64),
        (range(0x6A, 0x79), I32, I32),
        (range(0x7C, 0x8B), I64, I64),
        (range(0x92, 0x99), F32, F32),
        (range(0xA0, 0xA7), F64, F64),
    )
    unary: tuple[_Group, ...] = (
        ((0x45,), I32, I32),
        ((0x50,), I32, I64),
        (range(0x67, 0x6A), I32, I32),
        (range(0x79, 0x7C), I64, I64),
        (range(0x8B, 0x92), F32, F32),
        (range(0x99, 0xA0), F64, F64),
        ((0xA7,), I32, I64),
        ((0xA8, 0xA9), I32, F32),
        ((0xAA, 0xAB), I32, F64),
        ((0xAC, 0xAD), I64, I32),
        ((0xAE, 0xAF), I64, F32),
        ((0xB0, 0xB1), I64, F64),
        ((0xB2, 0xB3), F32, I32),
        ((0xB4, 0xB5), F32, I64),
        ((0xB6,), F32, F64),
        ((0xB7, 0xB8), F64, I32),
        ((0xB9, 0xBA), F64, I64),
        ((0xBB,), F64, F32),
        ((0xBC,), I32, F32),
        ((0xBD,), I64, F64),
        ((0xBE,), F32, I32),
        ((0xBF,), F64, I64),
        ((0xC0, 0xC1), I32, I32),
        (range(0xC2, 0xC5), I64, I64),
        ((0xFC00, 0xFC01), I32, F32),
        ((0xFC02, 0xFC03), I32, F64),
        ((0xFC04, 0xFC05), I64, F32),
        ((0xFC06, 0xFC07), I64, F64),
    )
    for opcodes, given, operand in binary:
        yield opcodes, OperandTypes((operand, operand), given)
    for opcodes, given, operand in unary:
        yield opcodes, OperandTypes((operand,), given)


def _memory() -> Iterator[tuple[Iterable[int], OperandTypes]]:
    """Loads and stores: what they move, and how many bytes of it as a power of two."""
    for opcodes, moved, alignment in (
        ((0x28,), I32, 2),
        ((0x29,), I64, 3),
        ((0x2A,), F32, 2),
        ((0x2B,), F64, 3),
        ((0x2C, 0x2D), I32, 0),
        ((0x2E, 0x2F), I32, 1),
        ((0x30, 0x31), I64, 0),
        ((0x32, 0x33), I64, 1),
        ((0x34, 0x35), I64, 2),
    ):
        yield opcodes, OperandTypes((I32,), moved, alignment)
    for opcode, moved, alignment in (
        (0x36, I32, 2),
        (0x37, I64, 3),
        (0x38, F32, 2),
        (0x39, F64, 3),
        (0x3A, I32, 0),
        (0x3B, I32, 1),
        (0x3C, I64, 0),
        (0x3D, I64, 1),
        (0x3E, I64, 2),
    ):
        yield (opcode,), OperandTypes((moved, I32), None, alignment)


def _others() -> Iterator[tuple[Iterable[int], OperandTypes]]:
    yield (op.I32_CONST, op.MEMORY_SIZE), OperandTypes((), I32)
    yield (op.I64_CONST,), OperandTypes((), I64)
    yield (op.F32_CONST,), OperandTypes((), F32)
    yield (op.F64_CONST,), OperandTypes((), F64)
    yield (op.MEMORY_GROW,), OperandTypes((I32,), I32)
    yield (op.MEMORY_INIT, op.MEMORY_COPY, op.MEMORY_FILL), OperandTypes((I32, I32, I32), None)
    yield (op.NOP,), OperandTypes((), None)


SIGNATURES: Final = {
    opcode: signature
    for group in (_numeric(), _memory(), _others())
    for opcodes, signature in group
    for opcode in opcodes
}
"""By opcode."""

NEEDS_MEMORY: Final = frozenset(
    {
        *op.LOADS_AND_STORES,
        *(op.MEMORY_SIZE, op.MEMORY_GROW, op.MEMORY_INIT, op.MEMORY_COPY, op.MEMORY_FILL),
    }
)
