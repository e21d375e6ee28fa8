"""The second form of a function, for those that nest too deep or are too long for the first.

Each straight line of code is a small function of Python, which says what line comes next. So there
is nothing that nests, and little to compile at once. One generator, which is written here and not
generated, goes from line to line. Variables and operands are in one list, ``v``.
"""

import sys
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from tinycontainer.interfaces.runtime import RuntimeLimits

from ..wasm import opcodes as op
from ..wasm.metering.lines import find_lines
from ..wasm.reader import FunctionType
from .decoding import DecodedBody, WasmInstruction
from .function import CHAIN_MASK, LABELS_PER_CALL, UNCOUNTED
from .instructions.plain import translate_plain
from .machine import Call, WasmMachine
from .module_types import ZERO_VALUES, ModuleTypes
from .room import Room

_END: Final = -1
"""The line after the last one."""
_LINES_OF_NOTHING: Final = 3
"""Of the source of a line that does nothing: its head, and that it goes on."""

Values = list[Any]
RunLine = Callable[[Values, WasmMachine], int]
CompileLine = Callable[[str, str], RunLine]


@dataclass(frozen=True, slots=True)
class FlatCall:
    """A call at the end of a line.

    Attributes:
        function: index of it; None if the table says it.
        type_number: that one of the table must have.
        begin: place of the first argument among the values, where the first result is put.
        arguments: how many there are.
        operands: of the function that calls, below the arguments.
        labels: open blocks of the function that calls, itself included.
        results: how many there are.
    """

    function: int | None
    type_number: int
    begin: int
    arguments: int
    operands: int
    labels: int
    results: int


@dataclass(slots=True)
class FlatLine:
    """A straight line.

    Attributes:
        stops: whether a turn can end before it.
        cost: of it.
        price: what it costs beside that, if that depends on operands.
        operands: how many there are at its beginning, if they are counted.
        following: the line that comes next, if ``run`` does not say it.
        run: executes it, and says which line comes next; None if it does nothing.
        call: that it ends with.
        begin: offset of its first instruction in the module.
        offset: of its last one.
        name: of ``run``.
        source: of ``run``; it is compiled when the line is first executed.
        offsets: of the instruction, for each line of the source.
    """

    stops: bool
    cost: int
    price: Callable[[Values, WasmMachine], int] | None = None
    operands: int = 0
    following: int = _END
    run: RunLine | None = None
    call: FlatCall | None = None
    begin: int = 0
    offset: int = 0
    name: str = ""
    source: str = ""
    offsets: "array[int]" = field(default_factory=lambda: array("I"))


@dataclass(frozen=True, slots=True)
class FlatFunction:
    """A function in this form.

    Attributes:
        index: of it.
        lines: of it; it begins with the first one.
        begins: what its own local variables and its operands begin with: a value, and of how many.
        first: place of the lowest operand among parameters, local variables and operands.
        results: how many it has.
        limits: what a container may take.
        compiles: makes ``run`` of a line from its source and its name.
    """

    index: int
    lines: Sequence[FlatLine]
    begins: Sequence[tuple[int | float | None, int]]
    first: int
    results: int
    limits: RuntimeLimits
    compiles: CompileLine


def run_flat(function: FlatFunction, m: WasmMachine, *arguments: Any) -> Call:
    """A call of such a function; see `machine.Call`.

    Args:
        function: which.
        m: the machine.
        arguments: of the function; and as for each function: how deep the call is, how many more
            operands there may be, and how many blocks are open.
    """
    *parameters, depth, room, labels = arguments
    limits = function.limits
    left = m.left - 1
    if depth > limits.call_depth or room < 0 or labels > LABELS_PER_CALL * limits.call_depth:
        m.refuse_call(left)
    values = parameters
    for value, number in function.begins:
        values += [value] * number
    first = function.first
    lines = function.lines
    at = 0
    while at != _END:
        line = lines[at]
        if line.stops:
            if left <= 0:
                m.left = left
                yield None
                left = m.left
            left -= line.cost
            if line.price is not None:
                left -= line.price(values, m)
            if room < line.operands:
                m.refuse_operands()
        run = line.run
        if run is None and line.source:
            run = line.run = function.compiles(line.source, line.name)
        at = line.following if run is None else run(values, m)
        call = line.call
        if call is not None:
            m.left = left
            end = call.begin + call.arguments
            given = values[call.begin : end]
            if call.function is not None and call.function < len(m.natives):
                result = m.natives[call.function](*given)
            else:
                called = m.find_function(call.function, values[end], call.type_number)
                more = depth + 1, room - call.operands, labels + call.labels
                if depth & CHAIN_MASK:
                    result = yield from called(m, *given, *more)
                else:
                    result = yield called(m, *given, *more)
            left = m.left
            if call.results == 1:
                values[call.begin] = result
            elif call.results:
                values[call.begin : call.begin + call.results] = result
    m.left = left
    if function.results == 1:
        return values[first]
    return tuple(values[first : first + function.results]) if function.results else None


def translate_flat(
    body: DecodedBody,
    index: int,
    types: ModuleTypes,
    limits: RuntimeLimits,
    compiles: CompileLine,
) -> FlatFunction:
    """Translate a function into this form; each line is compiled when it is first executed.

    Args:
        body: of validated code.
        index: of the function.
        types: of the module.
        limits: what a container may take.
        compiles: gives the function of a name that a source defines.
    """
    return _FlatTranslation(body, index, types, limits).run(compiles)


@dataclass(slots=True)
class _FlatLevel:
    """An open block, or the function.

    Attributes:
        opcode: that has opened it; END for the function.
        block: what it takes and gives.
        base: how many operands are below it.
        target: where a branch to it goes on.
    """

    opcode: int
    block: FunctionType
    base: int
    target: int

    @property
    def label(self) -> tuple[int, ...]:
        """What a branch to it takes."""
        return self.block.parameters if self.opcode == op.LOOP else self.block.results


class _FlatTranslation:
    def __init__(
        self, body: DecodedBody, index: int, types: ModuleTypes, limits: RuntimeLimits
    ) -> None:
        self._body = body
        self._index = index
        self._types = types
        self._limits = limits
        self._instructions = body.instructions
        self._ends, self._elses = _find_ends(body.instructions)
        self._found = [*find_lines(each.opcode for each in body.instructions)]
        self._goes_on = self._resolve_lines()
        self._landings: list[FlatLine] = []
        """Lines behind those of the code: they move values for a branch by a table."""
        function = FunctionType((), types.function_types[index].results)
        self._levels = [_FlatLevel(op.END, function, 0, _END)]
        self._height = 0
        self._highest = 0
        self._dead = 0
        """How many blocks deep this is in code that is never reached; 0 where it is reached."""
        self._room = Room(self._name_slot, "v[{}]".format, sys.maxsize)

    def run(self, compiles: CompileLine) -> FlatFunction:
        lines = [self._translate_line(number) for number in range(len(self._found))]
        parameters = self._types.function_types[self._index].parameters
        own = (ZERO_VALUES[kind] for kind in self._body.locals[len(parameters) :])
        # Values of one type are equal, and 0 and 0.0 are not to be taken for the same.
        grouped = groupby(own, lambda value: (type(value), value))
        begins = [(value, len([*each])) for (_, value), each in grouped]
        return FlatFunction(
            self._index,
            (*lines, *self._landings),
            (*begins, (0, self._highest + 1)),
            len(self._body.locals),
            len(self._levels[0].block.results),
            self._limits,
            compiles,
        )

    def _name_slot(self, place: int) -> str:
        self._highest = max(self._highest, place + 1)
        return f"v[{len(self._body.locals) + place}]"

    def _resolve_lines(self) -> dict[int, int]:
        """By place, the line that is there, or the next one on its way that does something."""
        found = {len(self._instructions): _END}
        for number in reversed(range(len(self._found))):
            line = self._found[number]
            opcode = self._instructions[line.begin].opcode
            if line.cost or line.entered or opcode not in (op.ELSE, op.END):
                found[line.begin] = number
            elif opcode == op.ELSE:
                found[line.begin] = found[self._elses[line.begin] + 1]
            else:
                found[line.begin] = found[line.begin + 1]
        return found

    def _translate_line(self, number: int) -> FlatLine:
        line = self._found[number]
        instructions = self._instructions[line.begin : line.end]
        made = FlatLine(
            stops=bool(line.cost or line.entered),
            cost=line.cost,
            following=self._goes_on[line.end],
            begin=instructions[0].offset,
            offset=instructions[-1].offset,
        )
        if self._dead:
            for place, instruction in enumerate(instructions, line.begin):
                self._pass_dead(place, instruction.opcode)
            return made
        room = self._room = Room(self._name_slot, "v[{}]".format, sys.maxsize)
        room.reset(self._height)
        first = instructions[0].opcode
        made.operands = 0 if first in UNCOUNTED else self._height
        made.price = self._find_price(first)
        self._begin_source(number)
        for place, instruction in enumerate(instructions, line.begin):
            room.offset = instruction.offset
            self._translate(place, instruction, made)
        if not self._dead:
            room.settle_all()
            self._height = room.height
            room.emit(f"return {made.following}")
        self._finish(made, number)
        return made

    def _begin_source(self, number: int) -> None:
        room = self._room
        room.depth = 0
        room.emit(f"def b{number}(v, m):")
        room.depth = 1
        room.emit("mem = m.memory")

    def _finish(self, made: FlatLine, number: int) -> None:
        """Keep the source of a line, if it does anything."""
        room = self._room
        if self._dead or len(room.lines) > _LINES_OF_NOTHING:
            made.source, made.offsets, made.name = "".join(room.lines), room.offsets, f"b{number}"

    def _find_price(self, opcode: int) -> Callable[[Values, WasmMachine], int] | None:
        """What a line that begins with an instruction costs beside its cost."""
        top = len(self._body.locals) + self._height - 1
        if opcode in op.BULK_MEMORY:
            return lambda values, machine: min(values[top], len(machine.memory))
        if opcode in op.BULK_TABLE:
            return lambda values, machine: min(values[top], len(machine.table))
        if opcode == op.MEMORY_GROW:
            return lambda values, machine: machine.price_pages(values[top])
        if opcode == op.TABLE_GROW:
            return lambda values, machine: machine.price_elements(values[top])
        return None

    def _translate(self, place: int, instruction: WasmInstruction, made: FlatLine) -> None:
        room, arguments = self._room, instruction.arguments
        match instruction.opcode:
            case op.BLOCK | op.LOOP | op.IF:
                self._open(place, instruction.opcode, made)
            case op.ELSE:
                made.following = self._goes_on[self._elses[place] + 1]
                self._turn_to_else()
            case op.END:
                self._close()
            case op.BR:
                self._go(arguments[0])
                self._dead = 1
            case op.BR_IF:
                room.emit(f"if {room.pop().text}:")
                room.depth += 1
                self._go(arguments[0])
                room.depth -= 1
            case op.BR_TABLE:
                self._branch_by_table(arguments)
                self._dead = 1
            case op.RETURN:
                self._go(len(self._levels) - 1)
                self._dead = 1
            case op.UNREACHABLE:
                room.emit("m.meet_unreachable()")
                self._dead = 1
            case op.CALL:
                self._call(made, self._types.function_types[arguments[0]], arguments[0], 0)
            case op.CALL_INDIRECT:
                room.settle_all()
                room.pop()
                called = self._types.types[arguments[0]]
                self._call(made, called, None, self._types.numbers[arguments[0]])
            case _:
                translate_plain(room, instruction)

    def _pass_dead(self, place: int, opcode: int) -> None:
        """Pass over code that is never reached."""
        if opcode in op.BLOCKS:
            self._dead += 1
        elif opcode == op.END and self._dead > 1:
            self._dead -= 1
        elif opcode in (op.ELSE, op.END) and self._dead == 1:
            self._dead = 0
            self._room = Room(self._name_slot, "v[{}]".format, sys.maxsize)
            if opcode == op.ELSE:
                self._turn_to_else()
            else:
                self._close()
            self._height = self._room.height

    # Blocks

    def _open(self, place: int, opcode: int, made: FlatLine) -> None:
        room = self._room
        block = self._body.blocks[place]
        end, otherwise = self._ends[place]
        if opcode == op.IF:
            condition = room.pop().text
            room.settle_all()
            room.emit(f"if not {condition}: return {self._goes_on[otherwise]}")
        base = room.height - len(block.parameters)
        target = place + 1 if opcode == op.LOOP else end + 1
        self._levels.append(_FlatLevel(opcode, block, base, self._goes_on[target]))

    def _turn_to_else(self) -> None:
        level, room = self._levels[-1], self._room
        level.opcode = op.ELSE
        room.reset(level.base + len(level.block.parameters))

    def _close(self) -> None:
        """End a block. What it gives is where it belongs already."""
        level, room = self._levels[-1], self._room
        room.reset(level.base + len(level.block.results))
        if len(self._levels) > 1:
            self._levels.pop()

    # Branches and calls

    def _go(self, label: int) -> None:
        """Go to a label; values are moved there."""
        room, target = self._room, self._levels[-1 - label]
        number = len(target.label)
        room.move(room.look_at(number), target.base)
        room.emit(f"return {target.target}")

    def _branch_by_table(self, labels: Sequence[int]) -> None:
        room = self._room
        room.emit(f"at = {room.pop().text}")
        room.settle_all()
        found = {label: self._make_landing(label) for label in dict.fromkeys(labels)}
        *listed, default = (found[label] for label in labels)
        if listed:
            room.emit(f"if at < {len(listed)}: return ({', '.join(map(str, listed))},)[at]")
        room.emit(f"return {default}")

    def _make_landing(self, label: int) -> int:
        """The line to go to for a label of a table: its own, or one that moves values before."""
        target, height = self._levels[-1 - label], self._room.height
        number = len(target.label)
        if not number or target.base == height - number:
            return target.target
        line = FlatLine(stops=False, cost=0)
        around = self._room
        self._room = Room(self._name_slot, "v[{}]".format, sys.maxsize)
        self._room.reset(height)
        found = len(self._found) + len(self._landings)
        self._begin_source(found)
        self._go(label)
        self._finish(line, found)
        self._landings.append(line)
        self._room = around
        return found

    def _call(
        self, made: FlatLine, called: FunctionType, function: int | None, type_number: int
    ) -> None:
        room = self._room
        room.settle_all()
        operands = room.height - len(called.parameters)
        made.call = FlatCall(
            function,
            type_number,
            len(self._body.locals) + operands,
            len(called.parameters),
            operands,
            len(self._levels),
            len(called.results),
        )
        room.reset(operands + len(called.results))


def _find_ends(
    instructions: Sequence[WasmInstruction],
) -> tuple[dict[int, tuple[int, int]], dict[int, int]]:
    """Where blocks end.

    Returns:
        By the place where a block begins: the place of its end, and the place after its ``else``,
        or after its end if it has none. And by the place of each ``else``, that of its end.
    """
    ends: dict[int, tuple[int, int]] = {}
    elses: dict[int, int] = {}
    opened: list[tuple[int, int | None]] = []
    for place, each in enumerate(instructions):
        if each.opcode in op.BLOCKS:
            opened.append((place, None))
        elif each.opcode == op.ELSE:
            opened[-1] = opened[-1][0], place
        elif each.opcode == op.END and opened:
            begin, otherwise = opened.pop()
            ends[begin] = place, place + 1 if otherwise is None else otherwise + 1
            if otherwise is not None:
                elses[otherwise] = place
    return ends, elses
