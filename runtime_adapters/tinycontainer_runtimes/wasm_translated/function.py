"""A function of WebAssembly as a generator of Python: blocks as loops, branches as breaks.

It stops where a line of code begins (TC-RT-17): it yields nothing there when the budget is gone. A
call is ``yield from``; at each 64th level the call itself is yielded, so that calls never nest
deeper in Python.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tinycontainer.interfaces.runtime import RuntimeLimits

from ..wasm import opcodes as op
from ..wasm.metering.lines import Line
from ..wasm.reader import FunctionType
from .decoding import DecodedBody, WasmInstruction
from .instructions.plain import translate_plain
from .module_types import ZEROS, ModuleTypes
from .room import Operand, Room, TooMuch
from .structure import find_structure

LABELS_PER_CALL: Final = 16
"""Nested blocks of all calls together, on average (TC-RT-21)."""
MOST_LOOPS: Final = 18
"""Loops of Python within each other; it compiles 20."""
MOST_DEPTH: Final = 90
"""Indentation; Python reads 100."""
_MOST_LOCALS: Final = 64
"""Of more, each call would take long to begin."""
CHAIN_MASK: Final = 63
_MOST_PICKED: Final = 16
"""Labels of a table, if they take values."""
UNCOUNTED: Final = op.BULK_MEMORY | op.BULK_TABLE | op.GROWS | {op.CALL_INDIRECT, op.I64_DIV_U}
"""Lines of which the operands are not counted, as on pywasm."""


@dataclass(frozen=True, slots=True)
class Source:
    """A translated function.

    Attributes:
        text: its source.
        offsets: of the instruction in the module, for each line, from 1.
    """

    text: str
    offsets: "array[int]"


@dataclass(slots=True)
class _Level:
    """An open block, or the function.

    Attributes:
        opcode: that has opened it; END for the function.
        block: what it takes and gives.
        base: how many operands are below it.
        is_loop: whether it is a loop of Python.
        is_live: whether its end can be reached so far, by its first list or by a branch.
        leaves: whether a branch within it goes beyond it, through its loop of Python.
        start: how many lines there were when its list began.
    """

    opcode: int
    block: FunctionType
    base: int
    is_loop: bool = False
    is_live: bool = False
    leaves: bool = False
    start: int = 0

    @property
    def label(self) -> tuple[int, ...]:
        """What a branch to it takes."""
        return self.block.parameters if self.opcode == op.LOOP else self.block.results


def translate_function(
    body: DecodedBody,
    index: int,
    types: ModuleTypes,
    limits: RuntimeLimits,
    most_characters: int,
) -> Source:
    """Translate a function.

    Args:
        body: of validated code.
        index: of the function.
        types: of the module.
        limits: what a container may take.
        most_characters: of its source.

    Raises:
        TooMuch: it nests deeper, or is longer, than can be compiled in this form.
    """
    if len(body.locals) > _MOST_LOCALS:
        raise TooMuch
    return _Translation(body, index, types, limits, most_characters).run()


class _Translation:
    def __init__(
        self,
        body: DecodedBody,
        index: int,
        types: ModuleTypes,
        limits: RuntimeLimits,
        most_characters: int,
    ) -> None:
        self._body = body
        self._structure = find_structure(body.instructions)
        self._index = index
        self._types = types
        self._limits = limits
        self._room = Room("s{}".format, "l{}".format, most_characters)
        function_type = types.function_types[index]
        self._function = FunctionType((), function_type.results)
        self._parameters = len(function_type.parameters)
        self._levels = [_Level(op.END, self._function, 0)]
        self._dead = 0
        """How many blocks deep this is in code that is never reached; 0 where it is reached."""

    def run(self) -> Source:
        self._begin()
        structure, room = self._structure, self._room
        for place, instruction in enumerate(self._body.instructions):
            if self._dead:
                self._pass_dead(place, instruction)
                continue
            room.offset = instruction.offset
            line = structure.lines.get(place)
            if line is not None:
                self._begin_line(line, instruction.opcode)
            self._translate(place, instruction)
        return Source("".join(room.lines), room.offsets)

    def _begin(self) -> None:
        room, limits = self._room, self._limits
        room.offset = self._body.instructions[0].offset
        room.depth = 0
        parameters = "".join(f"l{number}, " for number in range(self._parameters))
        room.emit(f"def f{self._index}(m, {parameters}d, r, o):")
        room.depth = 1
        room.emit("left = m.left - 1")
        most_labels = LABELS_PER_CALL * limits.call_depth
        room.emit(f"if d > {limits.call_depth} or r < 0 or o > {most_labels}: m.refuse_call(left)")
        room.emit("mem = m.memory")
        room.emit("br = 0")
        variables = [*enumerate(self._body.locals)][self._parameters :]
        for zero in dict.fromkeys(ZEROS.values()):
            names = [f"l{number}" for number, each in variables if ZEROS[each] == zero]
            if names:
                room.emit(f"{' = '.join(names)} = {zero}")

    def _begin_line(self, line: Line, opcode: int) -> None:
        """Stop if nothing is left; else charge for the line."""
        room = self._room
        room.emit("if left <= 0: m.left = left; yield; left = m.left")
        size = room.look_at(1)[0].text if room.height else ""
        if opcode in op.BULK_MEMORY:
            room.emit(f"left -= {line.cost} + min({size}, len(mem))")
        elif opcode in op.BULK_TABLE:
            room.emit(f"left -= {line.cost} + min({size}, len(m.table))")
        elif opcode == op.MEMORY_GROW:
            room.emit(f"left -= {line.cost} + m.price_pages({size})")
        elif opcode == op.TABLE_GROW:
            room.emit(f"left -= {line.cost} + m.price_elements({size})")
        elif line.cost:
            room.emit(f"left -= {line.cost}")
        if room.height and opcode not in UNCOUNTED:
            room.emit(f"if r < {room.height}: m.refuse_operands()")

    def _translate(self, place: int, instruction: WasmInstruction) -> None:
        room, arguments = self._room, instruction.arguments
        match instruction.opcode:
            case op.BLOCK | op.LOOP | op.IF:
                self._open(place, instruction.opcode)
            case op.ELSE:
                self._turn_to_else(is_live=True)
            case op.END:
                self._close(is_live=True)
            case op.BR:
                self._branch(arguments[0])
                self._dead = 1
            case op.BR_IF:
                self._branch_if(arguments[0])
            case op.BR_TABLE:
                self._branch_by_table(arguments)
                self._dead = 1
            case op.RETURN:
                self._return(room.pop_all(len(self._function.results)))
                self._dead = 1
            case op.UNREACHABLE:
                room.emit("m.meet_unreachable()")
                self._dead = 1
            case op.CALL:
                self._call(arguments[0])
            case op.CALL_INDIRECT:
                self._call_indirect(arguments[0])
            case _:
                translate_plain(room, instruction)

    def _pass_dead(self, place: int, instruction: WasmInstruction) -> None:
        """Pass over code that is never reached."""
        opcode = instruction.opcode
        if opcode in op.BLOCKS:
            self._dead += 1
        elif opcode == op.END and self._dead > 1:
            self._dead -= 1
        elif opcode == op.ELSE and self._dead == 1:
            self._dead = 0
            self._room.offset = instruction.offset
            self._turn_to_else(is_live=False)
        elif opcode == op.END:
            self._dead = 0
            self._room.offset = instruction.offset
            self._close(is_live=False)

    # Blocks

    def _open(self, place: int, opcode: int) -> None:
        room = self._room
        block = self._body.blocks[place]
        condition = room.pop().text if opcode == op.IF else ""
        room.settle_all()
        is_target = place in self._structure.targets
        level = _Level(opcode, block, room.height - len(block.parameters), is_target)
        self._levels.append(level)
        if is_target:
            room.emit("while True:")
            self._indent()
            if sum(each.is_loop for each in self._levels) > MOST_LOOPS:
                raise TooMuch
        if condition:
            room.emit(f"if {condition}:")
            self._indent()
        level.start = len(room.lines)

    def _indent(self) -> None:
        self._room.depth += 1
        if self._room.depth > MOST_DEPTH:
            raise TooMuch

    def _end_list(self, level: _Level, *, is_live: bool) -> None:
        """End a list of instructions: what it gives is in the variables of its places."""
        room = self._room
        if is_live:
            level.is_live = True
            room.move(room.pop_all(len(level.block.results)), level.base)
        room.reset(level.base)
        if len(room.lines) == level.start and level.opcode in (op.IF, op.ELSE):
            room.emit("pass")

    def _turn_to_else(self, *, is_live: bool) -> None:
        level, room = self._levels[-1], self._room
        self._end_list(level, is_live=is_live)
        room.depth -= 1
        room.emit("else:")
        room.depth += 1
        level.opcode = op.ELSE
        level.start = len(room.lines)
        room.put(len(level.block.parameters))

    def _close(self, *, is_live: bool) -> None:
        level, room = self._levels[-1], self._room
        if len(self._levels) == 1:
            if is_live:
                self._return(room.pop_all(len(level.block.results)))
            return
        self._end_list(level, is_live=is_live)
        self._levels.pop()
        if level.opcode in (op.IF, op.ELSE):
            room.depth -= 1
            # Without an else, what it takes is what it gives.
            level.is_live = level.is_live or level.opcode == op.IF
        if level.is_loop:
            if level.opcode != op.LOOP or level.is_live:
                room.emit("break")
            room.depth -= 1
            if level.leaves:
                self._go_on_leaving()
        if level.is_live or (level.is_loop and level.opcode != op.LOOP):
            room.put(len(level.block.results))
        else:
            self._dead = 1

    def _go_on_leaving(self) -> None:
        """Behind a loop: go on to where a branch within it wanted to."""
        outer = next(each for each in reversed(self._levels) if each.is_loop)
        if outer.opcode != op.LOOP:
            self._room.emit("if br: br -= 1; break")
            return
        if outer.leaves:
            self._room.emit("if br > 1: br -= 1; break")
        self._room.emit("if br: br = 0; continue")

    # Branches

    def _find_target(self, label: int) -> tuple[_Level, int]:
        """The level that a label means, and how many loops of Python lie within it."""
        target = self._levels[-1 - label]
        inner = self._levels[len(self._levels) - label :]
        return target, sum(each.is_loop for each in inner)

    def _go(self, label: int, values: Sequence[Operand]) -> None:
        """Go to a label; values are moved there."""
        room = self._room
        target, loops = self._find_target(label)
        if target is self._levels[0]:
            self._return(values)
            return
        room.move(values, target.base)
        self._note_leaving(label)
        if loops:
            room.emit(f"br = {loops}")
        room.emit("continue" if target.opcode == op.LOOP and not loops else "break")

    def _note_leaving(self, label: int) -> None:
        for each in self._levels[len(self._levels) - label :]:
            each.leaves = each.leaves or each.is_loop

    def _branch(self, label: int) -> None:
        target, _ = self._find_target(label)
        self._go(label, self._room.pop_all(len(target.label)))

    def _branch_if(self, label: int) -> None:
        room = self._room
        condition = room.pop().text
        target, _ = self._find_target(label)
        number = len(target.label)
        room.emit(f"if {condition}:")
        self._indent()
        self._go(label, room.look_at(number))
        room.depth -= 1

    def _branch_by_table(self, labels: Sequence[int]) -> None:
        room = self._room
        index = room.pop().text
        *listed, default = labels
        number = len(self._find_target(default)[0].label)
        values = room.pop_all(number)
        distinct = list(dict.fromkeys(labels))
        if len(distinct) == 1:
            self._go(default, values)
            return
        if number or any(self._find_target(each)[0] is self._levels[0] for each in distinct):
            self._pick(index, listed, default, values, distinct)
            return
        loops = {label: self._find_target(label)[1] for label in distinct}
        for label in distinct:
            self._note_leaving(label)
        numbers = ", ".join(str(loops[label]) for label in listed)
        room.emit(f"br = {index}")
        room.emit(f"br = ({numbers},)[br] if br < {len(listed)} else {loops[default]}")
        innermost = next(each for each in reversed(self._levels) if each.is_loop)
        if innermost.opcode == op.LOOP:
            room.emit("if not br: continue")
        room.emit("break")

    def _pick(
        self,
        index: str,
        listed: Sequence[int],
        default: int,
        values: Sequence[Operand],
        distinct: Sequence[int],
    ) -> None:
        """Go to one of few labels, with values."""
        if len(distinct) > _MOST_PICKED:
            raise TooMuch
        room = self._room
        numbers = ", ".join(str(distinct.index(label)) for label in listed)
        room.emit(f"br = {index}")
        chosen = f"({numbers},)[br] if br < {len(listed)} else" if listed else ""
        room.emit(f"pick = {chosen} {distinct.index(default)}")
        room.emit("br = 0")
        for number, label in enumerate(distinct[:-1]):
            room.emit(f"if pick == {number}:")
            self._indent()
            self._go(label, values)
            room.depth -= 1
        self._go(distinct[-1], values)

    def _return(self, values: Sequence[Operand]) -> None:
        self._room.emit("m.left = left")
        self._room.emit(f"return {', '.join(each.text for each in values)}")

    # Calls

    def _call(self, index: int) -> None:
        room = self._room
        called = self._types.function_types[index]
        texts = [each.text for each in room.pop_all(len(called.parameters))]
        if index < self._types.natives:
            room.emit("m.left = left")
            text = f"m.natives[{index}]({', '.join(texts)})"
            if called.results:
                room.compute(text)
            else:
                room.emit(text)
            room.emit("left = m.left")
            return
        self._enter(f"f{index}", texts, called)

    def _call_indirect(self, type_index: int) -> None:
        room = self._room
        called = self._types.types[type_index]
        index = room.pop().text
        texts = [each.text for each in room.pop_all(len(called.parameters))]
        room.emit(f"fn = m.find_callee({index}, {self._types.numbers[type_index]})")
        self._enter("fn", texts, called)

    def _enter(self, name: str, texts: Sequence[str], called: FunctionType) -> None:
        room = self._room
        room.emit("m.left = left")
        labels = len(self._levels)
        arguments = "".join(f"{text}, " for text in texts)
        call = f"{name}(m, {arguments}d + 1, r - {room.height}, o + {labels})"
        text = f"(yield from {call}) if d & {CHAIN_MASK} else (yield {call})"
        number = len(called.results)
        if number == 1:
            room.compute(text)
        elif number:
            room.emit(f"{', '.join(room.put(number))} = {text}")
        else:
            room.emit(text)
        room.emit("left = m.left")
