"""Straight lines of code: the units in which every engine meters, and before which it stops.

`find_lines` is the one place that says where lines begin and end; TC-RT-17 is its clause.

An engine that counts by itself only stops where a loop or a function begins. `find_stops` puts an
empty loop before every line that costs something: it costs nothing, leaves the operands alone, and
is a place to stop. So all engines stop at the same places.

A grow is put into such a loop, with its operands as parameters. Otherwise wasmtime would see where
the operand is a constant, and charge for a grow that fails too, but only there (TC-RT-22).

After a native call nothing may be left of the budget, yet such an engine cannot be made to stop
before anything more is used. So one instruction of cost 1 is put there, which the adapter has to
leave out of the account (ADR 13). The same instruction charges for a row of free ones.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from tinycontainer.interfaces.runtime import RuntimeLimits

from .. import opcodes
from ..body import read_opcode, scan_locals, skip_immediates
from ..opcodes import IMMEDIATES, Immediates
from ..reader import Reader

MAX_LINE: Final = 64
"""Longest line in instructions; it also ends after every instruction that may branch."""

FREE_ROW: Final = 64
"""Of free instructions in a row, on any way through the code, each so many-th costs 1 (ADR 24)."""

_ALONE: Final = (
    opcodes.BULK_MEMORY
    | opcodes.BULK_TABLE
    | opcodes.GROWS
    | {opcodes.CALL_INDIRECT, opcodes.I64_DIV_U}
)
"""Instructions that are a line of their own: those that cost more than 1, and those at whose
operands an engine looks first."""

SETTLING_FUEL: Final = 1
"""Fuel that is used after every native call and is not charged to the container."""

_CALLS: Final = frozenset({opcodes.CALL, opcodes.CALL_INDIRECT})
_NAMES_FUNCTION: Final = _CALLS | {opcodes.REF_FUNC}
_ROW_AFTER_CALL: Final = FREE_ROW - 8
"""How long a row counts as when it begins after a call: the ways back out of nested calls follow
each other, with nothing between them that costs."""

_LOOP: Final = bytes([opcodes.LOOP])
_END: Final = bytes([opcodes.END])
_STOP: Final = _LOOP + b"\x40" + _END
COST_1: Final = bytes([opcodes.I32_CONST, 0, opcodes.DROP])
"""Code that costs 1 and does nothing."""
_OPENS_FREE: Final = frozenset({opcodes.BLOCK, opcodes.LOOP})
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
_BEGINS_LINE: Final = _ALONE | _NEW_LIST
_ENDS_LINE: Final = opcodes.ENDS_LINE | _ALONE | _NEW_LIST


class Line(NamedTuple):
    """A straight line of instructions.

    Attributes:
        begin: place of its first instruction.
        end: place after its last one.
        cost: fuel of its instructions; bulk operations and grows add their length.
        charged: place of the free instruction that costs 1, as each 64th in a row does; None if
            there is none.
        entered: whether a function or a loop begins with it, or a grow ends before it. Engines stop
            there also if the line costs nothing.
    """

    begin: int
    end: int
    cost: int
    charged: int | None
    entered: bool


class _Row:
    """Free instructions in a row: the longest row of any way by which a place can be reached.

    Every branch costs something, so a way goes on in the order of the code, but for two: it passes
    over an ``else`` list, and to it. An ``else`` and an ``end`` are not counted: of those that run,
    there are no more than instructions that begin a block.
    """

    __slots__ = ("_length", "_then")

    def __init__(self) -> None:
        self._length = 0
        self._then = [0]  # for each open block: the row at the end of its ``then`` list, if any

    def charge(self, opcode: int) -> int:
        """Go on by an instruction; return what it costs."""
        if opcode not in opcodes.FREE:
            self._length = _ROW_AFTER_CALL if opcode in _CALLS else 0
            if opcode == opcodes.IF:
                self._then.append(0)
            return 1
        if opcode == opcodes.ELSE:
            self._then[-1] = self._length
            self._length = 0
            return 0
        if opcode == opcodes.END:
            self._length = max(self._length, self._then.pop())
            return 0
        if opcode in _OPENS_FREE:
            self._then.append(0)
        self._length = (self._length + 1) % FREE_ROW
        return not self._length


def find_lines(instructions: Iterable[int]) -> Iterator[Line]:
    """The lines of a function body.

    Args:
        instructions: opcodes in the order of the code. An ``end`` comes after each list of
            instructions, also after the body itself, or an ``else`` after the first of two lists.
            An empty second list may be given or not.
    """
    begin = 0
    cost = 0
    charged = None
    entered = True
    row = _Row()
    for place, opcode in enumerate(instructions):
        if opcode in _BEGINS_LINE and begin < place:
            yield Line(begin, place, cost, charged, entered)
            begin = place
            cost = 0
            charged = None
            entered = False
        if row.charge(opcode):
            cost += 1
            if opcode in opcodes.FREE:
                charged = place
        if opcode in _ENDS_LINE or place + 1 - begin == MAX_LINE:
            yield Line(begin, place + 1, cost, charged, entered)
            begin = place + 1
            cost = 0
            charged = None
            entered = opcode == opcodes.LOOP or opcode in opcodes.GROWS


class Body(NamedTuple):
    """A function body, taken apart.

    Attributes:
        instructions: opcodes in the order of the code.
        offsets: where each begins in the module, and last where the body ends.
        calls: places of instructions that name functions or types of functions: ``call``,
            ``call_indirect`` and ``ref.func``.
    """

    instructions: Sequence[int]
    offsets: Sequence[int]
    calls: Sequence[int]


def read_body(code: bytes, span: tuple[int, int], limits: RuntimeLimits) -> Body:
    """Take a function body apart.

    Args:
        code: a scanned module.
        span: where the body begins, after its size, and where it ends.
        limits: those with which the module was scanned.
    """
    reader = Reader(code, *span)
    scan_locals(reader, 0, limits)
    instructions: list[int] = []
    offsets: list[int] = []
    while reader.offset < reader.end:
        offsets.append(reader.offset)
        instructions.append(_pass_instruction(reader))
    offsets.append(reader.end)
    calls = [place for place, opcode in enumerate(instructions) if opcode in _NAMES_FUNCTION]
    # All bodies are kept at the same time: an eighth of what the lists take.
    return Body(array("H", instructions), array("I", offsets), calls)


class Insertion(NamedTuple):
    """Code that is put into a function body.

    Attributes:
        offset: in the module as it came, of what the code is put before.
        code: what is put there.
    """

    offset: int
    code: bytes


def find_stops(
    code: bytes,
    body: Body,
    natives: int,
    grow_types: Mapping[int, bytes],
    entry: bytes,
    calls: Mapping[int, tuple[bytes, bytes]],
) -> Iterator[Insertion]:
    """What gives a function body a place to stop before every line, and fuel for rows of free code.

    Args:
        code: a scanned module.
        body: one of its function bodies.
        natives: calls of functions with a lower index are native calls that are settled.
        grow_types: for each of `opcodes.GROWS`, the block type with what it takes and gives.
        entry: code that is put before the first instruction.
        calls: code that is put before and after calls, by their places.

    Yields:
        What is put in, in the order of the code.
    """
    instructions = body.instructions
    offsets = body.offsets
    if entry:
        yield Insertion(offsets[0], entry)
    for line in find_lines(instructions):
        if line.cost and not line.entered:
            grow_type = grow_types.get(instructions[line.begin])
            if grow_type is None:
                yield Insertion(offsets[line.begin], _STOP)
            else:
                yield Insertion(offsets[line.begin], _LOOP + grow_type)
                yield Insertion(offsets[line.end], _END)
        if line.charged is not None:
            yield Insertion(offsets[line.charged], COST_1)
        last = line.end - 1
        if instructions[last] in opcodes.GROWS:  # wasmtime may stop there by itself, if it grew
            yield Insertion(offsets[line.end], _STOP)
        elif last in calls:
            before, after = calls[last]
            yield Insertion(offsets[last], before)
            yield Insertion(offsets[line.end], after)
        elif (
            instructions[last] == opcodes.CALL
            and _read_callee(code, offsets[last], offsets[-1]) < natives
        ):
            yield Insertion(offsets[line.end], COST_1)


def insert(code: bytes, span: tuple[int, int], insertions: Iterable[Insertion]) -> bytes:
    """A function body with code put in.

    Args:
        code: a scanned module.
        span: where the body begins, after its size, and where it ends.
        insertions: what is put in, in the order of the code.

    Returns:
        The new body, without its size.
    """
    copied, end = span
    parts: list[bytes] = []
    for offset, added in insertions:
        parts += (code[copied:offset], added)
        copied = offset
    return b"".join((*parts, code[copied:end]))


def _read_callee(code: bytes, offset: int, end: int) -> int:
    """Index of the function that a ``call`` calls."""
    return Reader(code, offset + 1, end).read_u32()


def _pass_instruction(reader: Reader) -> int:
    """Pass over a scanned instruction and return its opcode; numbers follow most of them."""
    data = reader.data
    offset = reader.offset
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
