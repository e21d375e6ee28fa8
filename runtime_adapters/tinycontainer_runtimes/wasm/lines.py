"""Straight lines of code: the units in which every engine meters, and in front of which it stops.

An engine that counts by itself only stops where a loop or a function begins. `with_stops` puts an
empty loop in front of every line that costs something: it costs nothing, leaves the operands alone,
and is a place to stop. So all engines stop at the same places.

Behind a native call nothing may be left of the budget, yet such an engine cannot be told to stop
before anything more is used. So one instruction of cost 1 is put there, which whoever counts has to
leave out.
"""

from typing import Final

from tinycontainer.interfaces.runtime import RuntimeLimits

from . import opcodes
from .body import read_opcode, scan_locals, skip_immediates
from .opcodes import IMMEDIATES, Immediates
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
_NUMBERS: Final = {
    opcode: {Immediates.NONE: 0, Immediates.MEMARG: 2, Immediates.TWO_INDICES: 2}.get(kind, 1)
    for opcode, kind in IMMEDIATES.items()
    if opcode < opcodes.PREFIX
    and kind
    in {
        Immediates.NONE,
        Immediates.INDEX,
        Immediates.S32,
        Immediates.S64,
        Immediates.BLOCK_TYPE,
        Immediates.MEMARG,
        Immediates.TWO_INDICES,
    }
}
"""How many LEB128 numbers follow an opcode, and nothing else."""
_BEGINS_LINE: Final = ALONE | _NEW_LIST
_ENDS_LINE: Final = opcodes.ENDS_LINE | ALONE | _NEW_LIST


def with_stops(code: bytes, span: tuple[int, int], natives: int, limits: RuntimeLimits) -> bytes:
    """A function body with a place to stop in front of every line.

    Args:
        code: a scanned module.
        span: where the body begins, behind its size, and where it ends.
        natives: calls of functions with a lower index are native calls that are settled.
        limits: those with which the module was scanned.

    Returns:
        The new body, without its size.
    """
    reader = Reader(code, *span)
    scan_locals(reader, 0, limits)
    lines = _Lines(code, span[0], reader.offset)
    length, costs = 0, False
    while reader.offset < reader.end:
        begin = reader.offset
        opcode = _pass_instruction(reader)
        if opcode in _BEGINS_LINE:
            lines.end(begin, length, costs)
            length, costs = 0, False
        length, costs = length + 1, costs or opcode not in opcodes.FREE
        if opcode in _ENDS_LINE or length == MAX_LINE:
            lines.end(reader.offset, length, costs)
            lines.can_stop = opcode == opcodes.LOOP
            length, costs = 0, False
            if opcode == opcodes.CALL and Reader(code, begin + 1, reader.end).u32() < natives:
                lines.put(reader.offset, _SETTLE)
    lines.end(reader.offset, length, costs)
    return lines.finished(reader.offset)


def _pass_instruction(reader: Reader) -> int:
    """Pass over a scanned instruction, most of which have numbers behind them; its opcode."""
    data, offset = reader.data, reader.offset
    opcode = data[offset]
    numbers = _NUMBERS.get(opcode)
    if numbers is None:
        opcode = read_opcode(reader)
        skip_immediates(reader, opcode)
        return opcode
    for _ in range(numbers):
        offset += 1
        while data[offset] & 0x80:
            offset += 1
    reader.offset = offset + 1
    return opcode


class _Lines:
    """Copies a body, and puts a place to stop in front of each line that costs something.

    Attributes:
        can_stop: whether an engine stops in front of the line by itself: where a function is
            entered, and where a loop begins.
    """

    __slots__ = ("_code", "_copied", "_line", "_parts", "can_stop")

    def __init__(self, code: bytes, begin: int, line: int) -> None:
        self._code, self._copied, self._line = code, begin, line
        self._parts: list[bytes] = []
        self.can_stop = True

    def end(self, offset: int, length: int, costs: bool) -> None:
        """The line ends here, and the next one begins.

        Args:
            offset: of what stands behind it.
            length: its instructions.
            costs: whether any of them does.
        """
        if costs and not self.can_stop:
            self.put(self._line, _STOP)
        if length:
            self.can_stop = False
        self._line = offset

    def put(self, offset: int, inserted: bytes) -> None:
        """Put something in; offsets never fall."""
        self._parts += (self._code[self._copied : offset], inserted)
        self._copied = offset

    def finished(self, end: int) -> bytes:
        """The whole body."""
        return b"".join((*self._parts, self._code[self._copied : end]))
