"""64-bit arithmetic (RFC 9669, 4.1): operands are whole registers, results wrap at 64 bits.

Each function here makes the step of one instruction. An immediate is a register that nothing
writes to, so it needs no functions of its own.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..codes import Fault, RbpfCode
from .step import SIGN64, WORD64, Operands, Registers, Step, StepMaker

_SHIFT: Final = 63
"""Bits of a shift's amount that count."""


def _add(r: Registers, operands: Operands) -> Step:
    """Destination plus source."""
    d, s, n = operands

    def step() -> int:
        r[d] = (r[d] + r[s]) & WORD64
        return n

    return step


def _sub(r: Registers, operands: Operands) -> Step:
    """Destination minus source."""
    d, s, n = operands

    def step() -> int:
        r[d] = (r[d] - r[s]) & WORD64
        return n

    return step


def _mul(r: Registers, operands: Operands) -> Step:
    """Destination times source."""
    d, s, n = operands

    def step() -> int:
        r[d] = (r[d] * r[s]) & WORD64
        return n

    return step


def _div(r: Registers, operands: Operands) -> Step:
    """Unsigned quotient; a divisor of zero ends the program with -9."""
    d, s, n = operands

    def step() -> int:
        try:
            r[d] = r[d] // r[s]
        except ZeroDivisionError:
            raise Fault(RbpfCode.ILLEGAL_DIVISION) from None
        return n

    return step


def _or(r: Registers, operands: Operands) -> Step:
    """Bits of either."""
    d, s, n = operands

    def step() -> int:
        r[d] = r[d] | r[s]
        return n

    return step


def _and(r: Registers, operands: Operands) -> Step:
    """Bits of both."""
    d, s, n = operands

    def step() -> int:
        r[d] = r[d] & r[s]
        return n

    return step


def _lsh(r: Registers, operands: Operands) -> Step:
    """Shift to the left."""
    d, s, n = operands

    def step() -> int:
        r[d] = (r[d] << (r[s] & _SHIFT)) & WORD64
        return n

    return step


def _rsh(r: Registers, operands: Operands) -> Step:
    """Shift to the right, zeros come in."""
    d, s, n = operands

    def step() -> int:
        r[d] = r[d] >> (r[s] & _SHIFT)
        return n

    return step


def _neg(r: Registers, operands: Operands) -> Step:
    """Two's complement; there is no source."""
    d, _, n = operands

    def step() -> int:
        r[d] = -r[d] & WORD64
        return n

    return step


def _mod(r: Registers, operands: Operands) -> Step:
    """Unsigned remainder; a divisor of zero ends the program with -9."""
    d, s, n = operands

    def step() -> int:
        try:
            r[d] = r[d] % r[s]
        except ZeroDivisionError:
            raise Fault(RbpfCode.ILLEGAL_DIVISION) from None
        return n

    return step


def _xor(r: Registers, operands: Operands) -> Step:
    """Bits of exactly one."""
    d, s, n = operands

    def step() -> int:
        r[d] = r[d] ^ r[s]
        return n

    return step


def _mov(r: Registers, operands: Operands) -> Step:
    """The source."""
    d, s, n = operands

    def step() -> int:
        r[d] = r[s]
        return n

    return step


def _arsh(r: Registers, operands: Operands) -> Step:
    """Shift to the right, copies of the sign come in."""
    d, s, n = operands

    def step() -> int:
        signed = (r[d] ^ SIGN64) - SIGN64
        r[d] = (signed >> (r[s] & _SHIFT)) & WORD64
        return n

    return step


MAKERS: Final[Mapping[str, StepMaker]] = MappingProxyType(
    {
        "add": _add,
        "sub": _sub,
        "mul": _mul,
        "div": _div,
        "or": _or,
        "and": _and,
        "lsh": _lsh,
        "rsh": _rsh,
        "neg": _neg,
        "mod": _mod,
        "xor": _xor,
        "mov": _mov,
        "arsh": _arsh,
    }
)
"""Steps of the family by the operation's name."""
