"""Puts the steps of a program together, once, when an instance is made."""

from collections.abc import Sequence

from ..codes import Fault, RbpfCode
from ..decoding import Instruction
from ..memory import Memory
from ..opcodes import Family
from . import alu32, alu64, jumps, transfers
from .step import CONSTANTS, WORD64, Registers, Step


def make_steps(
    instructions: Sequence[Instruction], registers: Registers, memory: Memory
) -> list[Step]:
    """One step for each slot of a program that was checked.

    Args:
        instructions: the program.
        registers: the register file; immediates are put at its end.
        memory: the instance's regions.
    """
    places: dict[int, int] = {}
    steps: list[Step] = []
    for each in instructions:
        source = each.src if each.operation.from_register else _place(each, registers, places)
        steps.append(_make(each, source, registers, memory))
        if each.is_wide:
            steps.append(_nowhere)
    return steps


def _place(each: Instruction, registers: Registers, places: dict[int, int]) -> int:
    """Where an instruction's immediate stands in the register file."""
    value = (each.imm + transfers.BASES.get(each.operation.name, 0)) & WORD64
    if value not in places:
        places[value] = max(len(registers), CONSTANTS)
        registers.append(value)
    return places[value]


def _make(each: Instruction, source: int, registers: Registers, memory: Memory) -> Step:
    name, operands = each.operation.name, (each.dst, source, each.following)
    match each.operation.family:
        case Family.ALU64:
            return alu64.MAKERS[name](registers, operands)
        case Family.ALU32:
            return alu32.MAKERS[name](registers, operands)
        case Family.JUMP:
            return jumps.MAKERS[name](registers, operands, each.target)
        case Family.LOAD:
            return transfers.load(registers, operands, memory, each.offset, each.operation.size)
        case Family.STORE:
            return transfers.store(registers, operands, memory, each.offset, each.operation.size)
        case Family.WIDE:
            return transfers.load_number(registers, operands)
        case Family.CALL:
            return transfers.call
        case Family.EXIT:
            return transfers.leave


def _nowhere() -> int:
    """The second slot of a wide load, which nothing can reach."""
    raise Fault(RbpfCode.ILLEGAL_INSTRUCTION)
