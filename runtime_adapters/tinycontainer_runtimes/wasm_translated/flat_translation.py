"""Translates a function into the second form: its lines, and where each goes on."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from tinycontainer.interfaces.runtime import RuntimeLimits

from ..wasm import opcodes as op
from ..wasm.metering.lines import find_lines
from ..wasm.reader import FunctionType
from .decoding import DecodedBody, WasmInstruction
from .flat import END, CompileLine, FlatCall, FlatFunction, FlatLine, Values
from .function import UNCOUNTED
from .instructions.plain import translate_plain
from .machine import WasmMachine
from .module_types import ZERO_VALUES, ModuleTypes
from .room import Room

_LINES_OF_NOTHING: Final = 3
"""Of the source of a line that does nothing: its head, and that it goes on."""


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
        self._levels = [_FlatLevel(op.END, function, 0, END)]
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
        found = {len(self._instructions): END}
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
