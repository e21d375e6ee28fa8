"""What steps are made of.

A step executes one instruction and returns the slot of the next. It is a closure over the register
file, in which an instruction's immediate stands as a register that nothing writes to.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

WORD64: Final = 0xFFFF_FFFF_FFFF_FFFF
WORD32: Final = 0xFFFF_FFFF
SIGN64: Final = 1 << 63
SIGN32: Final = 1 << 31

BRANCHES: Final = 11
"""Place in the register file of the number of branches that are left, after r10."""
CONSTANTS: Final = 12
"""Place of the first immediate."""

Registers: TypeAlias = list[int]
"""r0 to r10 as unsigned 64-bit numbers, the branches left, immediates."""
Step: TypeAlias = Callable[[], int]
Operands: TypeAlias = tuple[int, int, int]
"""Places of destination and source in the register file, and the slot of the next instruction."""
StepMaker: TypeAlias = Callable[[Registers, Operands], Step]
JumpMaker: TypeAlias = Callable[[Registers, Operands, int], Step]


class Exited(Exception):
    """The program has reached ``exit``."""


class CallReached(Exception):
    """The program has reached a call, which the machine performs between two steps."""
