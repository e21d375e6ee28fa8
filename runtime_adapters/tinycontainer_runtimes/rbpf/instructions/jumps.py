"""Jumps (RFC 9669, 4.3): comparisons of whole registers, signed and unsigned.

Each function here makes the step of one instruction: it returns the slot to go on at. A branch that
is taken counts; the last one that a run has ends it with -8.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..codes import Fault, RbpfCode
from .step import BRANCHES, SIGN64, JumpMaker, Operands, Registers, Step


def _ja(r: Registers, _operands: Operands, target: int) -> Step:
    """Always."""

    def step() -> int:
        r[BRANCHES] -= 1
        if r[BRANCHES]:
            return target
        raise Fault(RbpfCode.OUT_OF_BRANCHES)

    return step


def _jeq(r: Registers, operands: Operands, target: int) -> Step:
    """If they are equal."""
    d, s, n = operands

    def step() -> int:
        if r[d] == r[s]:
            r[BRANCHES] -= 1
            if r[BRANCHES]:
                return target
            raise Fault(RbpfCode.OUT_OF_BRANCHES)
        return n

    return step


def _jgt(r: Registers, operands: Operands, target: int) -> Step:
    """If the destination is greater, unsigned."""
    d, s, n = operands

    def step() -> int:
        if r[d] > r[s]:
            r[BRANCHES] -= 1
            if r[BRANCHES]:
                return target
            raise Fault(RbpfCode.OUT_OF_BRANCHES)
        return n

    return step


def _jge(r: Registers, operands: Operands, target: int) -> Step:
    """If the destination is greater or equal, unsigned."""
    d, s, n = operands

    def step() -> int:
        if r[d] >= r[s]:
            r[BRANCHES] -= 1
            if r[BRANCHES]:
                return target
            raise Fault(RbpfCode.OUT_OF_BRANCHES)
        return n

    return step


def _jset(r: Registers, operands: Operands, target: int) -> Step:
    """If they have a bit in common."""
    d, s, n = operands

    def step() -> int:
        if r[d] & r[s]:
            r[BRANCHES] -= 1
            if r[BRANCHES]:
                return target
            raise Fault(RbpfCode.OUT_OF_BRANCHES)
        return n

    return step


def _jne(r: Registers, operands: Operands, target: int) -> Step:
    """If they are not equal."""
    d, s, n = operands

    def step() -> int:
        if r[d] != r[s]:
            r[BRANCHES] -= 1
            if r[BRANCHES]:
                return target
            raise Fault(RbpfCode.OUT_OF_BRANCHES)
        return n

    return step


def _jsgt(r: Registers, operands: Operands, target: int) -> Step:
    """If the destination is greater, signed."""
    d, s, n = operands

    def step() -> int:
        if r[d] ^ SIGN64 > r[s] ^ SIGN64:
            r[BRANCHES] -= 1
            if r[BRANCHES]:
                return target
            raise Fault(RbpfCode.OUT_OF_BRANCHES)
        return n

    return step


def _jsge(r: Registers, operands: Operands, target: int) -> Step:
    """If the destination is greater or equal, signed."""
    d, s, n = operands

    def step() -> int:
        if r[d] ^ SIGN64 >= r[s] ^ SIGN64:
            r[BRANCHES] -= 1
            if r[BRANCHES]:
                return target
            raise Fault(RbpfCode.OUT_OF_BRANCHES)
        return n

    return step


def _jlt(r: Registers, operands: Operands, target: int) -> Step:
    """If the destination is less, unsigned."""
    d, s, n = operands

    def step() -> int:
        if r[d] < r[s]:
            r[BRANCHES] -= 1
            if r[BRANCHES]:
                return target
            raise Fault(RbpfCode.OUT_OF_BRANCHES)
        return n

    return step


def _jle(r: Registers, operands: Operands, target: int) -> Step:
    """If the destination is less or equal, unsigned."""
    d, s, n = operands

    def step() -> int:
        if r[d] <= r[s]:
            r[BRANCHES] -= 1
            if r[BRANCHES]:
                return target
            raise Fault(RbpfCode.OUT_OF_BRANCHES)
        return n

    return step


def _jslt(r: Registers, operands: Operands, target: int) -> Step:
    """If the destination is less, signed."""
    d, s, n = operands

    def step() -> int:
        if r[d] ^ SIGN64 < r[s] ^ SIGN64:
            r[BRANCHES] -= 1
            if r[BRANCHES]:
                return target
            raise Fault(RbpfCode.OUT_OF_BRANCHES)
        return n

    return step


def _jsle(r: Registers, operands: Operands, target: int) -> Step:
    """If the destination is less or equal, signed."""
    d, s, n = operands

    def step() -> int:
        if r[d] ^ SIGN64 <= r[s] ^ SIGN64:
            r[BRANCHES] -= 1
            if r[BRANCHES]:
                return target
            raise Fault(RbpfCode.OUT_OF_BRANCHES)
        return n

    return step


MAKERS: Final[Mapping[str, JumpMaker]] = MappingProxyType(
    {
        "ja": _ja,
        "jeq": _jeq,
        "jgt": _jgt,
        "jge": _jge,
        "jset": _jset,
        "jne": _jne,
        "jsgt": _jsgt,
        "jsge": _jsge,
        "jlt": _jlt,
        "jle": _jle,
        "jslt": _jslt,
        "jsle": _jsle,
    }
)
"""Steps of the family by the operation's name."""
