"""Straight lines of code: the units in which every engine meters, and in front of which it stops.

An engine that counts by itself only stops where a loop or a function begins. `with_stops` puts an
empty loop in front of every line that costs something: it costs nothing, leaves the operands alone,
and is a place to stop. So all engines stop at the same places.

Behind a native call nothing may be left of the budget, yet such an engine cannot be told to stop
before anything more is used. So one instruction of cost 1 is put there, which whoever counts has to
leave out.
"""

from typing import Final

from tinycontainer.runtime import RuntimeLimits

from . import opcodes
from .body import read_opcode, scan_locals, skip_immediates
from .opcodes import IMMEDIATES
from .reader import Reader

MAX_LINE: Final = 64
"""Longest line in instructions; it also ends behind every instruction that may go elsewhere."""

ALONE: Final = (
    opcodes.BULK_MEMORY
    | opcodes.BULK_TABLE
    | {opcodes.MEMORY_GROW, opcodes.TABLE_GROW, opcodes.CALL_INDIRECT, opcodes.I64_DIV_U}
)
"""Instructions that are a line of their own: those that cost more than 1, and those at whose
operands an engine looks first."""

SETTLING_FUEL: Final = 1
"""What is used behind every native call and is not the container's."""

_STOP: Final = bytes([opcodes.LOOP, 0x40, opcodes.END])
_SETTLE: Final = bytes([opcodes.I32_CONST, 0, opcodes.DROP])
_NEW_LIST: Final = frozenset({opcodes.ELSE, opcodes.END})


def with_stops(code: bytes, span: tuple[int, int], natives: int, limits: RuntimeLimits) -> bytes:
    """A function body with a place to stop in front of every line.

    Args:
        code: an admitted module.
        span: where the body begins, behind its size, and where it ends.
        natives: calls of functions with a lower index are native calls that are settled.
        limits: those with which the module was admitted.

    Returns:
        The new body, without its size.
    """
    reader = Reader(code, *span)
    scan_locals(reader, 0, limits)
    lines = _Lines(code[span[0] : reader.offset])
    while reader.remaining:
        begin = reader.offset
        opcode = read_opcode(reader)
        if opcode == opcodes.CALL:
            settled = reader.u32() < natives
            lines.add(opcode, code[begin : reader.offset] + (_SETTLE if settled else b""))
        else:
            skip_immediates(reader, IMMEDIATES[opcode])
            lines.add(opcode, code[begin : reader.offset])
    return lines.finished()


class _Lines:
    """Collects a line, and puts it behind a place to stop if it costs something."""

    def __init__(self, head: bytes) -> None:
        self._parts = [head]
        self._line: list[bytes] = []
        self._cost = 0
        self._can_stop = True  # where a function is entered, and where a loop begins

    def add(self, opcode: int, instruction: bytes) -> None:
        """Add an instruction."""
        alone = opcode in ALONE
        if alone or opcode in _NEW_LIST:
            self._end_line()
        self._line.append(instruction)
        self._cost += opcodes.fuel(opcode)
        if alone or opcode in opcodes.ENDS_LINE | _NEW_LIST or len(self._line) == MAX_LINE:
            self._end_line()
            self._can_stop = opcode == opcodes.LOOP

    def finished(self) -> bytes:
        """The whole body."""
        self._end_line()
        return b"".join(self._parts)

    def _end_line(self) -> None:
        if self._cost and not self._can_stop:
            self._parts.append(_STOP)
        if self._line:
            self._can_stop = False
        self._parts += self._line
        self._line, self._cost = [], 0
