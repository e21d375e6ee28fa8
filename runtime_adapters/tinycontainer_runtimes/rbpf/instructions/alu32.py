"""32-bit arithmetic (RFC 9669, 4.1): operands are low halves, the upper half of the result is zero.

Each function here makes the step of one instruction.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..codes import Fault, RbpfCode
from .step import SIGN32, WORD32, Operands, Registers, Step, StepMaker

_SHIFT: Final = 31
"""Bits of a shift's amount that count."""


def _add(r: Registers, operands: Operands) -> Step:
    """Destination plus source."""
    d, s, n = operands

    def step() -> int:
        r[d] = (r[d] + r[s]) & WORD32
        return n

    return step


def _sub(r: Registers, operands: Operands) -> Step:
    """Destination minus source."""
    d, s, n = operands

    def step() -> int:
        r[d] = (r[d] - r[s]) & WORD32
        return n

    return step


def _mul(r: Registers, operands: Operands) -> Step:
    """Destination times source."""
    d, s, n = operands

    def step() -> int:
        r[d] = (r[d] * r[s]) & WORD32
        return n

    return step


def _div(r: Registers, operands: Operands) -> Step:
    """Unsigned quotient; a low half of zero as divisor ends the program with -9."""
    d, s, n = operands

    def step() -> int:
        try:
            r[d] = (r[d] & WORD32) // (r[s] & WORD32)
        except ZeroDivisionError:
            raise Fault(RbpfCode.ILLEGAL_DIVISION) from None
        return n

    return step


def _or(r: Registers, operands: Operands) -> Step:
    """Bits of either."""
    d, s, n = operands

    def step() -> int:
        r[d] = (r[d] | r[s]) & WORD32
        return n

    return step


def _and(r: Registers, operands: Operands) -> Step:
    """Bits of both."""
    d, s, n = operands

    def step() -> int:
        r[d] = r[d] & r[s] & WORD32
        return n

    return step


def _lsh(r: Registers, operands: Operands) -> Step:
    """Shift to the left."""
    d, s, n = operands

    def step() -> int:
        r[d] = (r[d] << (r[s] & _SHIFT)) & WORD32
        return n

    return step


def _rsh(r: Registers, operands: Operands) -> Step:
    """Shift to the right, zeros come in."""
    d, s, n = operands

    def step() -> int:
        r[d] = (r[d] & WORD32) >> (r[s] & _SHIFT)
        return n

    return step


def _neg(r: Registers, operands: Operands) -> Step:
    """Two's complement; there is no source."""
    d, _, n = operands

    def step() -> int:
        r[d] = -r[d] & WORD32
        return n

    return step


def _mod(r: Registers, operands: Operands) -> Step:
    """Unsigned remainder; a low half of zero as divisor ends the program with -9."""
    d, s, n = operands

    def step() -> int:
        try:
            r[d] = (r[d] & WORD32) % (r[s] & WORD32)
        except ZeroDivisionError:
            raise Fault(RbpfCode.ILLEGAL_DIVISION) from None
        return n

    return step


def _xor(r: Registers, operands: Operands) -> Step:
    """Bits of exactly one."""
    d, s, n = operands

    def step() -> int:
        r[d] = (r[d] ^ r[s]) & WORD32
        return n

    return step


def _mov(r: Registers, operands: Operands) -> Step:
    """The source's low half."""
    d, s, n = operands

    def step() -> int:
        r[d] = r[s] & WORD32
        return n

    return step


def _arsh(r: Registers, operands: Operands) -> Step:
    """Shift to the right, copies of the sign come in."""
    d, s, n = operands

    def step() -> int:
        signed = ((r[d] & WORD32) ^ SIGN32) - SIGN32
        r[d] = (signed >> (r[s] & _SHIFT)) & WORD32
        return n

    return step


MAKERS: Final[Mapping[str, StepMaker]] = MappingProxyType(
    {
        "add32": _add,
        "sub32": _sub,
        "mul32": _mul,
        "div32": _div,
        "or32": _or,
        "and32": _and,
        "lsh32": _lsh,
        "rsh32": _rsh,
        "neg32": _neg,
        "mod32": _mod,
        "xor32": _xor,
        "mov32": _mov,
        "arsh32": _arsh,
    }
)
"""Steps of the family by the operation's name."""
