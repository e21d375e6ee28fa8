"""A program as text: one instruction on a line, with labels, helpers' names and strings."""

from collections.abc import Iterator

from tinycontainer.text import show

from .decoding import SLOT_BYTES, Instruction
from .helpers import HELPERS
from .opcodes import Family
from .program import Program

_LONGEST_STRING = 40


def disassemble(program: Program) -> Iterator[str]:
    """The lines of a program.

    Args:
        program: one that was loaded; its names and strings are shown escaped.
    """
    image = program.image
    yield (
        f"# data {len(image.data)} bytes, rodata {len(image.rodata)} bytes,"
        f" {len(program.instructions)} instructions"
    )
    labels = _name_labels(program)
    for each in program.instructions:
        if each.slot in labels:
            yield f"{labels[each.slot]}:"
        remark = _find_string(each, image.rodata)
        yield f"  {each.slot:5}  {_write_instruction(each, labels)}" + (
            f"  # {remark}" if remark else ""
        )


def _name_labels(program: Program) -> dict[int, str]:
    labels = {
        each.target: f"L{each.target}"
        for each in program.instructions
        if each.operation.family is Family.JUMP
    }
    names = program.image.functions.items()
    return labels | {offset // SLOT_BYTES: show(name) for name, offset in names}


def _write_instruction(each: Instruction, labels: dict[int, str]) -> str:
    operation = each.operation
    name = each.operation.name
    source = f"r{each.src}" if operation.from_register else _write_number(each.imm)
    match operation.family:
        case Family.EXIT:
            return name
        case Family.CALL:
            return f"{name} {HELPERS.get(each.imm, each.imm)}"
        case Family.JUMP if "dst" not in operation.fields:
            return f"{name} {labels[each.target]}"
        case Family.JUMP:
            return f"{name} r{each.dst}, {source}, {labels[each.target]}"
        case Family.LOAD:
            return f"{name} r{each.dst}, [r{each.src}{each.offset:+}]"
        case Family.STORE:
            return f"{name} [r{each.dst}{each.offset:+}], {source}"
        case Family.WIDE:
            return f"{name} r{each.dst}, 0x{each.imm:x}"
        case Family.ALU64 | Family.ALU32:
            alone = operation.fields == {"dst"}
            return f"{name} r{each.dst}" + ("" if alone else f", {source}")


def _write_number(value: int) -> str:
    return str(value) if -4096 < value < 4096 else f"0x{value & 0xFFFFFFFF:x}"


def _find_string(each: Instruction, rodata: bytes) -> str:
    """The string that a load of rodata points at, if it looks like one."""
    if each.operation.name != "lddwr" or each.imm >= len(rodata):
        return ""
    text = rodata[each.imm : each.imm + _LONGEST_STRING].split(b"\0")[0]
    if len(text) > 1 and all(0x20 <= byte < 0x7F for byte in text):
        return f'"{show(text)}"'
    return ""
