"""Byte swaps, which clang makes of shifts and rBPF lacks, become shifts again.

A swap of 16 bits needs no other register, one of 32 bits needs one, one of 64 bits two. They are
taken from those whose values nobody reads any more. Jumps are put right afterwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

from ..decoding import SLOT_BYTES
from ..opcodes import CALL, EXIT, LDDW, LDDWD, LDDWR

_SLOT: Final = Struct("<BBhi")
_TO_LITTLE: Final = 0xD4
_TO_BIG: Final = 0xDC
_UNCONDITIONAL: Final = 0xD7
"""What the newest compilers make; on a little-endian machine the same as `_TO_BIG`."""
_SWAPS: Final = frozenset({_TO_LITTLE, _TO_BIG, _UNCONDITIONAL})
_WIDE: Final = frozenset({LDDW, LDDWD, LDDWR})
_ALL: Final = frozenset(range(11))
_SCRATCH: Final = tuple(range(10))
_ARGUMENTS: Final = frozenset(range(1, 6))
_FRAME: Final = 10
_RESULT: Final = 0
_JUMP_ALWAYS: Final = 0x05
_MOVES: Final = frozenset({0xB4, 0xB7, 0xBC, 0xBF})
_FARTHEST: Final = 1 << 15

_MOV: Final = 0xBF
_MOV32: Final = 0xBC
_OR: Final = 0x4F
_AND: Final = 0x5F
_AND_NUMBER: Final = 0x57
_MUL_NUMBER: Final = 0x27
_LSH: Final = 0x67
_RSH: Final = 0x77


class SwapRefused(Exception):
    """A byte swap cannot be lowered.

    Attributes:
        slot: of the instruction, in the text as it was.
        problem: why.
    """

    def __init__(self, slot: int, problem: str) -> None:
        super().__init__(problem)
        self.slot = slot
        self.problem = problem


@dataclass(frozen=True, slots=True)
class LoweredText:
    """A text without byte swaps.

    Attributes:
        content: its bytes.
        places: for each slot that it has, the slot of the text before that it comes from.
        slots: for each slot of the text before, where what was there begins now.
    """

    content: bytes
    places: tuple[int, ...]
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Code:
    """An instruction as the text has it.

    Attributes:
        slot: where it begins.
        content: its bytes, 8 or 16.
        opcode, dst, src, offset, imm: the fields of its first slot.
    """

    slot: int
    content: bytes
    opcode: int
    dst: int
    src: int
    offset: int
    imm: int

    @property
    def is_jump(self) -> bool:
        return self.opcode & 7 in (5, 6) and self.opcode not in (CALL, EXIT)

    @property
    def is_swap(self) -> bool:
        """Whether BPF has such a swap; the load refuses what only looks like one (TC-BPF-06)."""
        unused = self.src == 0 and self.offset == 0
        known = self.opcode in _SWAPS and self.imm in (16, 32, 64)
        return known and unused and self.dst < _FRAME

    @property
    def target(self) -> int:
        return self.slot + 1 + self.offset


def lower_byte_swaps(text: bytes) -> LoweredText:
    """Write a text without byte swaps.

    Args:
        text: whole slots.

    Raises:
        SwapRefused: no register is free for one, or a jump would reach too far.
    """
    codes = list(_read(text))
    count = len(text) // SLOT_BYTES
    if not any(each.is_swap for each in codes):
        same = tuple(range(count))
        return LoweredText(text, same, same)
    alive = _find_alive(codes)
    out = bytearray()
    places: list[int] = []
    slots = [0] * (count + 1)
    written: list[tuple[_Code, int]] = []
    for each in codes:
        begin = len(out) // SLOT_BYTES
        for slot in range(each.slot, each.slot + len(each.content) // SLOT_BYTES):
            slots[slot] = begin + slot - each.slot
        written.append((each, begin))
        out += _lower(each, alive[each.slot]) if each.is_swap else each.content
        places += [each.slot] * (len(out) // SLOT_BYTES - begin)
    slots[count] = len(out) // SLOT_BYTES
    for each, begin in written:
        if each.is_jump and 0 <= each.target <= count:
            _jump(out, each, begin, slots[each.target])
    return LoweredText(bytes(out), tuple(places), tuple(slots[:count]))


def _jump(out: bytearray, each: _Code, begin: int, target: int) -> None:
    offset = target - begin - 1
    if not -_FARTHEST <= offset < _FARTHEST:
        raise SwapRefused(each.slot, "jumps too far once byte swaps are written as shifts")
    out[begin * SLOT_BYTES + 2 : begin * SLOT_BYTES + 4] = offset.to_bytes(2, "little", signed=True)


def _read(text: bytes) -> Iterator[_Code]:
    slot = 0
    while slot * SLOT_BYTES < len(text):
        opcode, registers, offset, imm = _SLOT.unpack_from(text, slot * SLOT_BYTES)
        size = 2 if opcode in _WIDE else 1
        content = text[slot * SLOT_BYTES : (slot + size) * SLOT_BYTES]
        yield _Code(slot, content, opcode, registers & 15, registers >> 4, offset, imm)
        slot += size


def _find_alive(codes: list[_Code]) -> dict[int, frozenset[int]]:
    """For each instruction, the registers whose values are read after it."""
    known = {each.slot: each for each in codes}
    preceding: dict[int, list[_Code]] = {each.slot: [] for each in codes}
    for each in codes:
        for slot in _find_next(each):
            if slot in preceding:
                preceding[slot].append(each)
    before = dict.fromkeys(known, frozenset[int]())
    after = dict.fromkeys(known, frozenset[int]())
    waiting = list(codes)
    while waiting:  # what is alive only grows, so each instruction comes back a few times at most
        each = waiting.pop()
        following = frozenset[int]().union(*(before.get(slot, _ALL) for slot in _find_next(each)))
        reads, writes = _find_uses(each)
        needed = (following - writes) | reads
        after[each.slot] = following
        if needed != before[each.slot]:
            before[each.slot] = needed
            waiting += preceding[each.slot]
    return after


def _find_next(each: _Code) -> tuple[int, ...]:
    """Slots of the instructions that can follow."""
    if each.opcode == EXIT:
        return ()
    following = each.slot + len(each.content) // SLOT_BYTES
    if each.opcode == _JUMP_ALWAYS:
        return (each.target,)
    return (following, each.target) if each.is_jump else (following,)


def _find_uses(each: _Code) -> tuple[frozenset[int], frozenset[int]]:
    """Registers that an instruction reads, and those that it writes without reading them."""
    kind = each.opcode & 7
    source = frozenset({each.src})
    both = frozenset({each.dst, each.src})
    written = frozenset({each.dst})
    if each.opcode == CALL:
        return _ARGUMENTS, frozenset({_RESULT})
    if each.opcode == EXIT:
        return frozenset({_RESULT}), frozenset()
    if each.opcode in _WIDE:
        return frozenset(), written
    if kind == 1:  # ldx
        return source, written
    if kind in (2, 3):  # st, stx
        return (written if kind == 2 else both), frozenset()
    by_register = bool(each.opcode & 8) and not each.is_swap
    if each.opcode in _MOVES:
        return (source if by_register else frozenset()), written
    if kind in (4, 5, 6, 7):
        return (both if by_register else written), frozenset()
    return _ALL, frozenset()  # no instruction of BPF's; the load refuses it


def _lower(each: _Code, alive: frozenset[int]) -> bytes:
    dst = each.dst
    free = [register for register in _SCRATCH if register not in alive and register != dst]
    needed = 0 if each.opcode == _TO_LITTLE else {16: 0, 32: 1, 64: 2}[each.imm]
    if len(free) < needed:
        problem = (
            f"byte swap of {each.imm} bits, for which {needed} registers have to be free;"
            " keep fewer values at once, or swap with shifts of your own"
        )
        raise SwapRefused(each.slot, problem)
    return b"".join(_list_instructions(each, free))


def _list_instructions(each: _Code, free: list[int]) -> Iterator[bytes]:
    dst = each.dst
    stays = each.opcode == _TO_LITTLE
    match stays, each.imm:
        case _, 16:
            yield _code(_AND_NUMBER, dst, imm=0xFFFF)
            if not stays:  # two copies side by side, and the middle of them
                yield _code(_MUL_NUMBER, dst, imm=0x10001)
                yield _code(_RSH, dst, imm=8)
                yield _code(_AND_NUMBER, dst, imm=0xFFFF)
        case True, 32:
            yield _code(_MOV32, dst, dst)
        case False, 32:
            yield _code(_MOV32, dst, dst)
            yield from _exchange(
                dst,
                free[0],
                8,
                _code(_AND_NUMBER, free[0], imm=0xFF00FF),
                _code(_AND_NUMBER, dst, imm=0xFF00FF),
            )
            yield from _exchange(dst, free[0], 16)
            yield _code(_MOV32, dst, dst)
        case False, 64:
            other, mask = free[:2]
            for bits, pattern in ((8, 0x00FF00FF00FF00FF), (16, 0x0000FFFF0000FFFF)):
                yield _wide(mask, pattern)
                yield from _exchange(
                    dst, other, bits, _code(_AND, other, mask), _code(_AND, dst, mask)
                )
            yield from _exchange(dst, other, 32)


def _exchange(
    dst: int, other: int, bits: int, mask_other: bytes = b"", mask_dst: bytes = b""
) -> Iterator[bytes]:
    """Let neighbours of so many bits change places."""
    yield _code(_MOV, other, dst)
    yield _code(_RSH, other, imm=bits)
    yield mask_other
    yield mask_dst
    yield _code(_LSH, dst, imm=bits)
    yield _code(_OR, dst, other)


def _code(opcode: int, dst: int, src: int = 0, imm: int = 0) -> bytes:
    return _SLOT.pack(opcode, src << 4 | dst, 0, imm)


def _wide(dst: int, value: int) -> bytes:
    low = value & 0xFFFFFFFF
    return _SLOT.pack(LDDW, dst, 0, low) + _SLOT.pack(0, 0, 0, value >> 32)
