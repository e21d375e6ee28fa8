"""What a function's blocks and lines are, before any of it is translated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..wasm import opcodes as op
from ..wasm.metering.lines import Line, find_lines
from .decoding import WasmInstruction

_BRANCHES: Final = frozenset({op.BR, op.BR_IF, op.BR_TABLE})


@dataclass(frozen=True, slots=True)
class Structure:
    """What is known of a function's shape.

    Attributes:
        lines: those at whose beginning something is charged or a turn can end, by their places.
        targets: places of the blocks that are branched to.
    """

    lines: Mapping[int, Line]
    targets: frozenset[int]


def find_structure(instructions: Sequence[WasmInstruction]) -> Structure:
    """Find out the shape of a function."""
    lines = find_lines(each.opcode for each in instructions)
    return Structure(
        {line.begin: line for line in lines if line.cost or line.entered},
        frozenset(_find_targets(instructions)),
    )


def _find_targets(instructions: Sequence[WasmInstruction]) -> set[int]:
    targets: set[int] = set()
    opened: list[int] = []
    for place, each in enumerate(instructions):
        if each.opcode in op.BLOCKS:
            opened.append(place)
        elif each.opcode == op.END and opened:
            opened.pop()
        elif each.opcode in _BRANCHES:
            targets |= {opened[-1 - label] for label in each.arguments if label < len(opened)}
    return targets
