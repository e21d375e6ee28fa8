"""rBPF for tests: an assembler, files from parts, and machines to run text on."""

import re
import struct
from dataclasses import dataclass

from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Natives, RuntimeLimits
from tinycontainer.testing import RecordingNatives
from tinycontainer_runtimes.rbpf import create_runtime, opcodes
from tinycontainer_runtimes.rbpf.codes import RbpfCode
from tinycontainer_runtimes.rbpf.decoding import decode
from tinycontainer_runtimes.rbpf.helpers import HELPERS, ContainerHelpers, helper_numbers
from tinycontainer_runtimes.rbpf.image import Image, write_image
from tinycontainer_runtimes.rbpf.instance import RbpfInstance
from tinycontainer_runtimes.rbpf.machine import Machine
from tinycontainer_runtimes.rbpf.memory import Memory, Region
from tinycontainer_runtimes.rbpf.opcodes import OPERATIONS, Family

UNLIMITED = 1 << 40
"""A budget that no test uses up."""
LIMITS = RuntimeLimits()
HEADER_BYTES = 28

_OPERATIONS = {(each.name, each.from_register): each for each in OPERATIONS.values()}
_NUMBERS = helper_numbers()
_ADDRESS = re.compile(r"\[%?r(\d+)\s*([+-]\s*\w+)?\]")


def slot(opcode: int, dst: int = 0, src: int = 0, offset: int = 0, imm: int = 0) -> bytes:
    """Eight bytes of text, whatever they mean."""
    imm = (imm + (1 << 31)) % (1 << 32) - (1 << 31)
    return struct.pack("<BBhi", opcode, dst | src << 4, offset, imm)


EXIT = slot(opcodes.EXIT)


def assemble(source: str) -> bytes:
    """Text from assembly: one instruction or ``label:`` on a line, comments behind ``#``."""
    lines = [line.split("#")[0].strip() for line in source.splitlines()]
    labels: dict[str, int] = {}
    places: list[tuple[int, str]] = []
    place = 0
    for line in filter(None, lines):
        if line.endswith(":"):
            labels[line[:-1]] = place
            continue
        places.append((place, line))
        place += 2 if _family(line.split()[0]) is Family.WIDE else 1
    return b"".join(_instruction(at, line, labels) for at, line in places)


def _instruction(at: int, line: str, labels: dict[str, int]) -> bytes:
    name, _, rest = line.partition(" ")
    operands = [each.strip() for each in rest.split(",")] if rest else []
    match _family(name):
        case Family.EXIT:
            return EXIT
        case Family.CALL:
            number = _NUMBERS.get(operands[0])
            return slot(opcodes.CALL, imm=int(operands[0], 0) if number is None else number)
        case Family.WIDE:
            number = int(operands[1], 0)
            first = _encoded(name, _register(operands[0]), str(number & 0xFFFFFFFF))
            return first + slot(0, imm=number >> 32 & 0xFFFFFFFF)
        case Family.JUMP:
            goal = operands[-1]
            offset = int(goal, 0) if goal[0] in "+-" else labels[goal] - at - 1
            return _encoded(name, *_both(operands[:-1]), offset)
        case Family.LOAD:
            base, offset = _address(operands[1])
            return _encoded(name, _register(operands[0]), f"r{base}", offset)
        case Family.STORE:
            base, offset = _address(operands[0])
            return _encoded(name, base, operands[1], offset)
        case Family.ALU64 | Family.ALU32:
            return _encoded(name, *_both(operands))


def _family(name: str) -> Family:
    found = _OPERATIONS.get((name, False)) or _OPERATIONS[name, True]
    return found.family


def _both(operands: list[str]) -> tuple[int, str]:
    """Destination and source, as far as they are there."""
    dst = _register(operands[0]) if operands else 0
    return dst, operands[1] if len(operands) > 1 else "0"


def _encoded(name: str, dst: int, source: str, offset: int = 0) -> bytes:
    from_register = source.startswith(("r", "%"))
    opcode = _OPERATIONS[name, from_register].opcode
    if from_register:
        return slot(opcode, dst, _register(source), offset)
    return slot(opcode, dst, 0, offset, int(source, 0))


def _register(text: str) -> int:
    return int(text.removeprefix("%").removeprefix("r"))


def _address(text: str) -> tuple[int, int]:
    found = _ADDRESS.fullmatch(text)
    assert found, text
    return int(found[1]), int((found[2] or "0").replace(" ", ""), 0)


def rbf(source: str | bytes, data: bytes = b"", rodata: bytes = b"", **functions: int) -> bytes:
    """A .rbf file; each function's value is the slot at which it begins."""
    text = assemble(source) if isinstance(source, str) else source
    table = {name: place * 8 for name, place in functions.items()}
    return write_image(Image(data, rodata, text, table))


def create(
    code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
) -> RbpfInstance:
    """An instance of admitted code."""
    runtime = create_runtime()
    runtime.admit(code, limits)
    return runtime.create(code, data, natives, meter, limits)


def hooks(**sources: str) -> bytes:
    """A .rbf file whose functions are assembled one after the other."""
    text, table = b"", {}
    for name, source in sources.items():
        table[name] = len(text) // 8
        text += assemble(source)
    return write_image(Image(b"", b"", text, {name: at * 8 for name, at in table.items()}))


@dataclass(frozen=True)
class Run:
    """What a run of text did.

    Attributes:
        code: how it ended.
        value: r0, unsigned.
        used: instructions.
        branches: taken branches.
        memory: context, data and stack afterwards.
    """

    code: RbpfCode
    value: int
    used: int
    branches: int
    memory: tuple[bytes, bytes, bytes]


def run(
    text: bytes,
    context: bytes = b"",
    data: bytes = b"",
    rodata: bytes = b"",
    budget: int = UNLIMITED,
) -> Run:
    """Run text on the adapter's machine, with a writable context and recording natives."""
    charged: list[int] = []
    meter = Meter(charged.append)
    memory = Memory()
    regions = bytearray(context), bytearray(data)
    memory.map(Region.CONTEXT, regions[0])
    memory.map(Region.DATA, regions[1])
    memory.map(Region.RODATA, rodata)
    helpers = ContainerHelpers(RecordingNatives(meter, b"own data"), memory).functions()
    machine = Machine(decode(text, HELPERS), memory, helpers, meter)
    machine.begin(0, Region.CONTEXT.base, len(context))
    meter.refill(budget)
    while (result := machine.run()) is None:
        assert meter.left <= 0
        meter.refill(budget)
    meter.settle()
    return Run(
        result.code,
        result.value % (1 << 64),
        sum(charged),
        machine.branches,
        (bytes(regions[0]), bytes(regions[1]), bytes(memory.readable[Region.STACK])),
    )
