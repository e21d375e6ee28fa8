"""rBPF for tests: an assembler, files from parts, and machines to run text on."""

import re
import struct
from dataclasses import dataclass

from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Natives, RuntimeLimits
from tinycontainer.testing import RecordingNatives
from tinycontainer_runtimes.rbpf import create_runtime
from tinycontainer_runtimes.rbpf.codes import Code
from tinycontainer_runtimes.rbpf.decoding import decode
from tinycontainer_runtimes.rbpf.helpers import HELPERS, ContainerHelpers
from tinycontainer_runtimes.rbpf.image import Image, write_image
from tinycontainer_runtimes.rbpf.instance import RbpfInstance
from tinycontainer_runtimes.rbpf.machine import Machine
from tinycontainer_runtimes.rbpf.memory import Memory, Region

UNLIMITED = 1 << 40
"""A budget that no test uses up."""
LIMITS = RuntimeLimits()
HEADER_BYTES = 28

_ALU = ("add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "mod", "xor", "mov", "arsh")
_ALU_CODES = {name: (0xC if name == "arsh" else place) << 4 for place, name in enumerate(_ALU)}
_JUMP_CODES = {
    "ja": 0x00,
    "jeq": 0x10,
    "jgt": 0x20,
    "jge": 0x30,
    "jset": 0x40,
    "jne": 0x50,
    "jsgt": 0x60,
    "jsge": 0x70,
    "jlt": 0xA0,
    "jle": 0xB0,
    "jslt": 0xC0,
    "jsle": 0xD0,
}
_SIZE_CODES = {"w": 0x00, "h": 0x08, "b": 0x10, "dw": 0x18}
_WIDE = {"lddw": 0x18, "lddwd": 0xB8, "lddwr": 0xD8}
_NUMBERS = {name: number for number, name in HELPERS.items()}
_ADDRESS = re.compile(r"\[%?r(\d+)\s*([+-]\s*\w+)?\]")


def slot(opcode: int, dst: int = 0, src: int = 0, offset: int = 0, imm: int = 0) -> bytes:
    """Eight bytes of text, whatever they mean."""
    imm = (imm + (1 << 31)) % (1 << 32) - (1 << 31)
    return struct.pack("<BBhi", opcode, dst | src << 4, offset, imm)


EXIT = slot(0x95)


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
        place += 2 if line.split()[0] in _WIDE else 1
    return b"".join(_instruction(at, line, labels) for at, line in places)


def _instruction(at: int, line: str, labels: dict[str, int]) -> bytes:
    name, _, rest = line.partition(" ")
    operands = [each.strip() for each in rest.split(",")] if rest else []
    if name == "exit":
        return EXIT
    if name == "call":
        number = _NUMBERS.get(operands[0])
        return slot(0x85, imm=int(operands[0], 0) if number is None else number)
    if name in _WIDE:
        number = int(operands[1], 0)
        first = slot(_WIDE[name], _register(operands[0]), imm=number & 0xFFFFFFFF)
        return first + slot(0, imm=number >> 32 & 0xFFFFFFFF)
    if name in _JUMP_CODES:
        return _jump(at, name, operands, labels)
    if name.startswith(("ldx", "st")):
        return _access(name, operands)
    kind, plain = (0x04, name.removesuffix("32")) if name.endswith("32") else (0x07, name)
    code = _ALU_CODES[plain] | kind
    if plain == "neg":
        return slot(code, _register(operands[0]))
    return _by_source(code, _register(operands[0]), operands[1])


def _jump(at: int, name: str, operands: list[str], labels: dict[str, int]) -> bytes:
    goal = operands[-1]
    offset = int(goal, 0) if goal[0] in "+-" else labels[goal] - at - 1
    if name == "ja":
        return slot(0x05, offset=offset)
    return _by_source(_JUMP_CODES[name] | 0x05, _register(operands[0]), operands[1], offset)


def _access(name: str, operands: list[str]) -> bytes:
    if name.startswith("ldx"):
        base, offset = _address(operands[1])
        code = _SIZE_CODES[name.removeprefix("ldx")] | 0x61
        return slot(code, _register(operands[0]), base, offset)
    base, offset = _address(operands[0])
    if name.startswith("stx"):
        code = _SIZE_CODES[name.removeprefix("stx")] | 0x63
        return slot(code, base, _register(operands[1]), offset)
    return slot(_SIZE_CODES[name.removeprefix("st")] | 0x62, base, 0, offset, int(operands[1], 0))


def _by_source(code: int, dst: int, source: str, offset: int = 0) -> bytes:
    if source.startswith(("r", "%")):
        return slot(code | 0x08, dst, _register(source), offset)
    return slot(code, dst, 0, offset, int(source, 0))


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

    code: Code
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
