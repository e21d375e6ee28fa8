"""A module that was admitted and parsed once, and what each instance gets of it.

pywasm's instances write to the module that they are made from: our metering puts instructions into
bodies that refer to one instance's meter and stacks, and ``data.drop`` empties the segment itself.
So each instance gets its own instruction lists and data segments. Everything else pywasm only reads
(TC-RT-05); the bounds of memory and table belong to the limits that the module was prepared for.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

import pywasm

from tinycontainer.interfaces.runtime import RuntimeLimits

from ..wasm import opcodes
from ..wasm.metering.lines import find_lines
from ..wasm.scan import ScannedModule
from .floats import COMPUTED, Exact
from .metering import Entry, Gauge, Metered, Variables, find_metered_kind
from .parsing import Offsets


@dataclass(slots=True)
class _Template:
    """An instruction list, and what an instance puts in place of some of its instructions.

    Attributes:
        instructions: shared; pywasm only reads them.
        blocks: places of blocks, and the numbers of the templates within them.
        lines: places where a line begins, what charges for it, and the cost.
        exact: places of instructions of floating point that are corrected.
        offsets: where in the module each instruction is, and last what follows them.
    """

    instructions: list[Any]
    offsets: "array[int]"
    blocks: list[tuple[int, list[int]]] = field(default_factory=list)
    lines: list[tuple[int, Metered, int]] = field(default_factory=list)
    exact: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PreparedModule:
    """What instances on pywasm are made from.

    Attributes:
        scanned: what the scan learned of it.
        description: pywasm's ModuleDesc, without function bodies.
        bodies: templates of each function; those within a block come before it, the body is last.
        held_bytes: what all of it holds of the host's memory, at most.
    """

    scanned: ScannedModule
    description: Any
    bodies: tuple[tuple[_Template, ...], ...]
    held_bytes: int

    def find_offset(self, function: int, places: Sequence[int], lists: Sequence[int]) -> int:
        """Where in the module an instruction is.

        Args:
            function: its number among the module's own functions.
            places: of the blocks in which it is, outermost first, and last its own, each in its
                list; `Entry` is not counted.
            lists: for each block, which of its lists is meant: 1 for an ``else``, else 0.
        """
        templates = self.bodies[function]
        template = templates[-1]
        for place, which in zip(places, lists, strict=False):
            _, inner = template.blocks[bisect_left(template.blocks, (place,))]
            template = templates[inner[which]]
        return template.offsets[places[-1]]

    def copy_for(self, gauge: Gauge) -> Any:
        """A ModuleDesc for one instance, whose instructions charge by its gauge."""
        module = copy(self.description)
        module.func = [
            pywasm.FuncDesc(
                function.type, [], pywasm.Expr(_make_body(body, number, function.locals, gauge))
            )
            for number, (function, body) in enumerate(zip(module.func, self.bodies, strict=True))
        ]
        module.data = [
            pywasm.DataDesc(each.kind, each.midx, each.offset, each.init.copy())
            for each in module.data
        ]
        return module


def prepare_module(
    description: Any, offsets: Offsets, scanned: ScannedModule, limits: RuntimeLimits
) -> PreparedModule:
    """Prepare a freshly parsed module.

    Args:
        description: pywasm's ModuleDesc of validated code; it is changed.
        offsets: the places of its instructions.
        scanned: what the scan learned of it.
        limits: what its instances may take.
    """
    memory = description.mems[0].limits
    memory.m = _bound_growth(scanned.memory_maximum, limits.memory_pages)
    for table in description.tabl:
        table.limits.m = _bound_growth(scanned.table_maximum, limits.table_elements)
    description.star = -1  # the start function runs metered, inside the START hook
    bodies = []
    zeros: dict[int, Any] = {}
    for function in description.func:
        bodies.append(_make_templates(function.expr.data, offsets))
        function.locals = _group_variables(function.locals, zeros)
        function.expr = None
    held_bytes = _held_bytes(bodies, scanned)
    return PreparedModule(scanned, description, tuple(bodies), held_bytes)


def _group_variables(groups: list[Any], zeros: dict[int, Any]) -> Variables:
    """A function's local variables; neighbours of one type are one group.

    Groups of no variable are left out: they take bytes of code only, so their number has no bound.

    Args:
        groups: as pywasm read them.
        zeros: the zero of each type so far. pywasm never changes a value, so one is enough.
    """
    filled = (group for group in groups if group.n)
    return tuple(
        (sum(group.n for group in same), zeros.setdefault(type_.data, pywasm.ValInst.zero(type_)))
        for type_, same in groupby(filled, lambda group: group.type)
    )


def _bound_growth(maximum: int | None, allowed: int) -> float:
    """What pywasm keeps memory or table to: the lesser of the module's maximum and the device's."""
    bound = allowed if maximum is None else min(maximum, allowed)
    # pywasm reads a maximum of 0 as "no maximum". Half a page or element is true, and lets none in.
    return bound or 0.5


def _make_templates(body: list[Any], offsets: Offsets) -> tuple[_Template, ...]:
    """The templates of a function body, in the order in which they are made."""
    finished: list[_Template] = []
    instructions: list[int] = []
    places: list[tuple[_Template, int]] = []
    # No recursion: blocks may be nested deeper than the host's stack would bear.
    pending = [(_Template(body, offsets[id(body)]), 0, opcodes.END)]
    while pending:
        template, start, end = pending.pop()
        for index in range(start, len(template.instructions)):
            instruction = template.instructions[index]
            instructions.append(instruction.opcode)
            places.append((template, index))
            if instruction.opcode in opcodes.BLOCKS:
                after = template.offsets[index + 1 : index + 2]
                inner = [
                    _Template(each, offsets.get(id(each), after)) for each in instruction.args[1:]
                ]
                pending.append((template, index + 1, end))
                # An `if` has two lists here, also where the code has no `else`.
                *first, last = inner
                pending.append((last, 0, opcodes.END))
                pending.extend((each, 0, opcodes.ELSE) for each in first)
                break
        else:
            instructions.append(end)
            places.append((template, len(template.instructions)))
            finished.append(template)
    _place_lines(instructions, places)
    _number_blocks(finished)
    for template in finished:
        _correct_floats(template)
    return tuple(finished)


def _place_lines(instructions: list[int], places: list[tuple[_Template, int]]) -> None:
    for line in find_lines(instructions):
        if not (line.cost or line.entered):
            continue
        template, index = places[line.begin]
        if index == len(template.instructions):
            # An empty body or loop: pywasm keeps no `end` at which it could stop.
            template.instructions.append(pywasm.Inst(opcodes.NOP, []))
        template.lines.append((index, find_metered_kind(instructions[line.begin]), line.cost))


def _number_blocks(finished: Sequence[_Template]) -> None:
    numbers = {id(template.instructions): number for number, template in enumerate(finished)}
    for template in finished:
        for index, instruction in enumerate(template.instructions):
            if instruction.opcode in opcodes.BLOCKS:
                inner = [numbers[id(each)] for each in instruction.args[1:]]
                template.blocks.append((index, inner))


def _correct_floats(template: _Template) -> None:
    """Mark what is corrected; where it begins a line, the line gets a nop of its own."""
    lines = {index: (kind, cost) for index, kind, cost in template.lines}
    blocks = dict(template.blocks)
    plain = template.instructions
    offsets = template.offsets
    template.instructions = []
    template.offsets = array("I")
    template.lines.clear()
    template.blocks.clear()
    for index, instruction in enumerate(plain):
        corrected = instruction.opcode in COMPUTED
        if index in lines:
            template.lines.append((len(template.instructions), *lines[index]))
            if corrected:
                template.instructions.append(pywasm.Inst(opcodes.NOP, []))
                template.offsets.append(offsets[index])
        if index in blocks:
            template.blocks.append((len(template.instructions), blocks[index]))
        if corrected:
            template.exact.append(len(template.instructions))
        template.instructions.append(instruction)
        template.offsets.append(offsets[index])


def _make_body(
    templates: Sequence[_Template], number: int, variables: Variables, gauge: Gauge
) -> list[Any]:
    """The instructions of a function for one instance."""
    made: list[list[Any]] = []
    for template in templates:
        instructions = template.instructions.copy()
        for index, inner in template.blocks:
            block = instructions[index]
            arguments = [block.args[0], *(made[number] for number in inner)]
            instructions[index] = pywasm.Inst(block.opcode, arguments)
        for index in template.exact:
            instructions[index] = Exact(instructions[index], gauge.stack)
        for index, kind, cost in template.lines:
            instructions[index] = kind(instructions[index], cost, gauge)
        made.append(instructions)
    made[-1].insert(0, Entry(gauge, variables, number))
    return made[-1]


_BYTES_PER_INSTRUCTION: Final = 261
_BYTES_PER_LINE: Final = 120
_BYTES_PER_TEMPLATE: Final = 752
_BYTES_PER_ELEMENT: Final = 320
_BYTES_PER_BODY_BYTE: Final = 96
"""Of what is no instruction: a group of locals takes 2 bytes of code and 180 of memory."""
_BYTES_PER_OTHER_BYTE: Final = 192
"""Outside of bodies: a passive data segment takes 2 bytes of code and 300 of memory."""


def _held_bytes(bodies: Sequence[Sequence[_Template]], scanned: ScannedModule) -> int:
    """A bound of the memory that a prepared module holds, from counts of what it consists of.

    To walk over all objects would take as long as to parse them. A test holds the bound against
    what tracemalloc finds, for modules that consist of little but one of these parts.
    """
    templates = [template for body in bodies for template in body]
    instructions = sum(len(template.instructions) for template in templates)
    lines = sum(len(template.lines) for template in templates)
    section_bytes = sum(end - start for start, end in scanned.sections)
    return (
        instructions * _BYTES_PER_INSTRUCTION
        + lines * _BYTES_PER_LINE
        + len(templates) * _BYTES_PER_TEMPLATE
        + scanned.elements * _BYTES_PER_ELEMENT
        + scanned.body_bytes * _BYTES_PER_BODY_BYTE
        + (section_bytes - scanned.body_bytes) * _BYTES_PER_OTHER_BYTE
    )
