"""Random rBPF programs that pass the load checks: everything that can be said, edges preferred."""

from random import Random

from support.rbpf.assembling import slot
from tinycontainer_runtimes.rbpf.opcodes import JUMP_ALWAYS, OPERATIONS, Family, Operation


def _family(family: Family) -> list[Operation]:
    return [each for each in OPERATIONS.values() if each.family is family]


CONTEXT_BYTES, DATA_BYTES, RODATA_BYTES = 16, 24, 8

_ALU = sorted({each.opcode & 0xF0 for each in _family(Family.ALU64)})
_JUMPS = sorted({each.opcode & 0xF0 for each in _family(Family.JUMP)} - {JUMP_ALWAYS & 0xF0})
_SIZES = sorted({each.opcode & 0x18 for each in _family(Family.LOAD)})
_NEG, _DIVISIONS = 0x80, (0x30, 0x90)
_NUMBERS = (0, 1, -1, 2, 7, 31, 32, 33, 63, 64, 255, 0x7FFFFFFF, -0x80000000)
_WIDE_NUMBERS = (1 << 63, (1 << 63) - 1, 1 << 32, (1 << 32) - 1, 0x80000000, 0xFFFFFFFF80000000)
_HELPERS = (0x71, 0x72, 0x75, 0x7A)
WORK = (0, 3, 4, 5, 6, 7, 8, 9)
"""Registers that programs calculate with; r1 and r2 keep their pointer most of the time."""


def program(random: Random) -> bytes:
    """One program: text that is loaded without complaint, and nearly always ends."""
    parts = [_part(random) for _ in range(random.randint(1, 24))]
    starts, place = [], 0
    for part in parts:
        starts.append(place)
        place += len(part) // 8
    text = bytearray()
    for number, part in enumerate(parts):
        text += _jump(random, starts, place, number) if part[0] == 0x05 else part
    return bytes(text) + slot(0x95)


def _part(random: Random) -> bytes:
    """One instruction; a jump is only announced."""
    kind = random.randrange(20)
    if kind < 9:
        return _alu(random)
    if kind < 14:
        return _access(random)
    if kind < 16:
        return _wide(random)
    if kind == 16 and random.randrange(3) == 0:
        return _call(random)
    if kind == 17 and random.randrange(8) == 0:
        return slot(0x95)
    return slot(0x05)


def _alu(random: Random) -> bytes:
    code = random.choice(_ALU)
    kind = random.choice((0x04, 0x07))
    dst = random.choice((*WORK, random.randrange(10)))
    if code == _NEG:
        return slot(code | kind, dst)
    if random.randrange(2):
        return slot(code | kind | 0x08, dst, random.randrange(11))
    imm = random.choice((*_NUMBERS, random.randint(-(1 << 31), (1 << 31) - 1)))
    if code in _DIVISIONS and imm == 0 and random.randrange(4):
        imm = 3
    return slot(code | kind, dst, imm=imm)


def _access(random: Random) -> bytes:
    base, size = random.choice(
        ((1, CONTEXT_BYTES), (1, CONTEXT_BYTES), (10, 0), (10, 0), (2, DATA_BYTES))
    )
    code = random.choice(_SIZES)
    if base == 10:
        offset = -random.choice((1, 2, 4, 8, 8, 16, 511, 512))
    else:
        offset = random.choice((0, 1, 2, 4, 8, size - 8, size - 1, -1))
    match random.randrange(3):
        case 0:
            return slot(code | 0x61, random.choice(WORK), base, offset)
        case 1:
            return slot(code | 0x62, base, 0, offset, random.choice(_NUMBERS))
        case _:
            return slot(code | 0x63, base, random.randrange(11), offset)


def _wide(random: Random) -> bytes:
    opcode = random.choice((0x18, 0x18, 0xB8, 0xD8))
    if opcode == 0x18:
        number = random.choice((*_WIDE_NUMBERS, random.getrandbits(64)))
        dst = random.choice(WORK)
    else:
        number = random.choice((0, 1, 7, 8, 16))
        dst = 2
    return slot(opcode, dst, imm=number & 0xFFFFFFFF) + slot(0, imm=number >> 32)


def _call(random: Random) -> bytes:
    return slot(0x85, imm=random.choice(_HELPERS))


def _jump(random: Random, starts: list[int], end: int, number: int) -> bytes:
    """A jump, forwards to anywhere, or now and then backwards."""
    targets = [*starts[number + 1 :], end]
    if random.randrange(12) == 0:
        targets = starts[: number + 1]
    offset = random.choice(targets) - starts[number] - 1
    if random.randrange(8) == 0:
        return slot(0x05, offset=offset)
    code = random.choice(_JUMPS) | 0x05
    if random.randrange(2):
        return slot(code | 0x08, random.randrange(11), random.randrange(11), offset)
    return slot(code, random.randrange(11), 0, offset, random.choice(_NUMBERS))
