"""Loads of a 64-bit number that stands in the program: plain, or relative to data or rodata."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..memory import Region
from .step import Operands, Registers, Step

BASES: Final[Mapping[str, int]] = MappingProxyType(
    {"lddw": 0, "lddwd": Region.DATA.base, "lddwr": Region.RODATA.base}
)
"""What is added to the number, by the operation's name."""


def load_number(r: Registers, operands: Operands) -> Step:
    """Load the number."""
    d, s, n = operands

    def step() -> int:
        r[d] = r[s]
        return n

    return step
