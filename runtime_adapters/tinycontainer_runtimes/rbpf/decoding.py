"""From text to checked instructions: everything that is judged before a program runs.

Order: length, then every instruction's form (-1), then registers (-6), jumps (-3) and calls (-4)
instruction by instruction, then the last one (-7).
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

from .codes import CodeRefused, RbpfCode
from .opcodes import OPERATIONS, Family, Operation, lacking, offset_means, source_means

SLOT_BYTES: Final = 8
MAX_SLOTS: Final = 1 << 16
"""Longest text, in slots: what an instance takes of the host is proportional to it."""
REGISTERS: Final = 11
FRAME: Final = 10
"""r10, the top of the stack; nothing writes to it."""

_SLOT: Final = Struct("<BBhi")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        slot: where it stands in the text, in units of 8 bytes.
        operation: what it does.
        dst: number of the destination register.
        src: number of the source register.
        offset: signed, 16 bits; in slots for jumps, in bytes for accesses.
        imm: signed, 32 bits; of a wide load unsigned, 64 bits.
    """

    slot: int
    operation: Operation
    dst: int
    src: int
    offset: int
    imm: int

    @property
    def is_wide(self) -> bool:
        """Whether it takes two slots."""
        return self.operation.family is Family.WIDE

    @property
    def following(self) -> int:
        """Slot of the next instruction."""
        return self.slot + (2 if self.is_wide else 1)

    @property
    def target(self) -> int:
        """Slot that a jump leads to."""
        return self.slot + 1 + self.offset


def decode(text: bytes, helpers: Container[int]) -> tuple[Instruction, ...]:
    """Decode and judge untrusted text.

    Args:
        text: instructions.
        helpers: numbers that can be called.

    Raises:
        CodeRefused: with rBPF's code for the first thing that is wrong.
    """
    if not text or len(text) % SLOT_BYTES:
        raise CodeRefused(RbpfCode.ILLEGAL_LENGTH, f"{len(text)} bytes of text are no instructions")
    if len(text) > MAX_SLOTS * SLOT_BYTES:
        raise CodeRefused(RbpfCode.ILLEGAL_LENGTH, f"{len(text)} bytes of text are too many")
    instructions = tuple(parse(text))
    starts = frozenset(each.slot for each in instructions)
    for each in instructions:
        _check_registers(each)
        if each.operation.family is Family.JUMP and each.target not in starts:
            problem = f"a jump to {each.target}, where no instruction starts"
            raise CodeRefused(RbpfCode.ILLEGAL_JUMP, problem, each.slot)
        if each.operation.family is Family.CALL and each.imm not in helpers:
            raise CodeRefused(
                RbpfCode.ILLEGAL_CALL, f"no helper has the number {each.imm}", each.slot
            )
    last = instructions[-1]
    if last.operation.family is not Family.EXIT:
        raise CodeRefused(RbpfCode.NO_RETURN, "the last instruction is not exit", last.slot)
    return instructions


def parse(text: bytes) -> Iterator[Instruction]:
    """Decode text, and judge the form of each instruction alone.

    Raises:
        CodeRefused: rBPF does not have the instruction, or it has a field that rBPF does not use.
    """
    slots = iter(enumerate(_SLOT.iter_unpack(text)))
    for slot, (opcode, registers, offset, imm) in slots:
        operation = OPERATIONS.get(opcode)
        if operation is None:
            problem = f"{lacking(opcode)}, opcode 0x{opcode:02x}"
            raise CodeRefused(RbpfCode.ILLEGAL_INSTRUCTION, problem, slot)
        dst, src = registers & 0x0F, registers >> 4
        _check_fields(slot, operation, {"dst": dst, "src": src, "offset": offset, "imm": imm})
        if operation.family is Family.WIDE:
            number = _wide(slot, imm, next(slots, None))
            yield Instruction(slot, operation, dst, src, offset, number)
        else:
            yield Instruction(slot, operation, dst, src, offset, imm)


def _check_fields(slot: int, operation: Operation, values: dict[str, int]) -> None:
    for field, value in values.items():
        if value and field not in operation.fields:
            if field == "offset":
                problem = offset_means(operation, value)
            elif field == "src":
                problem = source_means(operation, value)
            else:
                problem = f"{operation.name} has no use for {field}"
            raise CodeRefused(RbpfCode.ILLEGAL_INSTRUCTION, problem, slot)


def _wide(slot: int, low: int, second: tuple[int, tuple[int, ...]] | None) -> int:
    """The 64-bit immediate of a load over two slots."""
    if second is None:
        problem = "a wide load is cut off at the end of the text"
        raise CodeRefused(RbpfCode.ILLEGAL_INSTRUCTION, problem, slot)
    opcode, registers, offset, high = second[1]
    if opcode or registers or offset:
        problem = "the second slot of a wide load holds more than a number"
        raise CodeRefused(RbpfCode.ILLEGAL_INSTRUCTION, problem, slot)
    return (high & 0xFFFFFFFF) << 32 | low & 0xFFFFFFFF


def _check_registers(each: Instruction) -> None:
    for number in (each.dst, each.src):
        if number >= REGISTERS:
            problem = f"there is no register r{number}"
            raise CodeRefused(RbpfCode.ILLEGAL_REGISTER, problem, each.slot)
    if each.dst == FRAME and each.operation.writes_dst:
        raise CodeRefused(RbpfCode.ILLEGAL_REGISTER, "r10 is never written to", each.slot)
