"""Transfers of data (loads, stores, wide numbers) and of control (``call`` and ``exit``).

Loads and stores (RFC 9669, 5.1) are of 1, 2, 4 or 8 bytes, little-endian, at any alignment. An
access lies wholly in one region with the right permission, or ends the program with -2. Wide loads
take a number of 64 bits from the program: plain, or relative to data or rodata.
"""

from collections.abc import Mapping
from struct import Struct, error
from types import MappingProxyType
from typing import Final

from ..memory import PLACE_MASK, REGION_SHIFT, Memory, Region, outside
from .step import WORD64, CallReached, Exited, Operands, Registers, Step

BASES: Final[Mapping[str, int]] = MappingProxyType(
    {"lddw": 0, "lddwd": Region.DATA.base, "lddwr": Region.RODATA.base}
)
"""What is added to the number of a wide load, by the operation's name."""

_FORMS: Final[Mapping[int, Struct]] = MappingProxyType(
    {1: Struct("<B"), 2: Struct("<H"), 4: Struct("<I"), 8: Struct("<Q")}
)


def load(r: Registers, operands: Operands, memory: Memory, offset: int, size: int) -> Step:
    """Load from the address in the source; the upper bits of the destination become zero.

    Args:
        r: the register file.
        operands: what the instruction works on.
        memory: the instance's regions.
        offset: signed, added to the address, which wraps at 64 bits.
        size: bytes, 1, 2, 4 or 8.
    """
    d, s, n = operands
    readable, unpack = memory.readable, _FORMS[size].unpack_from

    def step() -> int:
        address = (r[s] + offset) & WORD64
        try:
            (r[d],) = unpack(readable[address >> REGION_SHIFT], address & PLACE_MASK)
        except (IndexError, error):
            raise outside(address, size) from None
        return n

    return step


def store(r: Registers, operands: Operands, memory: Memory, offset: int, size: int) -> Step:
    """Store the low bytes of the source at the address in the destination; as `load` otherwise."""
    d, s, n = operands
    writable, pack = memory.writable, _FORMS[size].pack_into
    mask = (1 << 8 * size) - 1

    def step() -> int:
        address = (r[d] + offset) & WORD64
        try:
            pack(writable[address >> REGION_SHIFT], address & PLACE_MASK, r[s] & mask)
        except (IndexError, error):
            raise outside(address, size) from None
        return n

    return step


def load_number(r: Registers, operands: Operands) -> Step:
    """Load a number that the program holds."""
    d, s, n = operands

    def step() -> int:
        r[d] = r[s]
        return n

    return step


def call() -> int:
    """Leave the run of steps, so that the machine calls a helper and goes on after it."""
    raise CallReached


def leave() -> int:
    """End the program; r0 is its result."""
    raise Exited
