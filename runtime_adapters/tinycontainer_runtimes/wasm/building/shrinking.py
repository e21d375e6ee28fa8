"""Writes the numbers of a code section in their shortest form, and knows where bytes went.

A linker that keeps debug information leaves each number that it filled in with all five bytes. That
is a sixth of a small container, and nothing for which a board should pay.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from tinycontainer.errors import InadmissibleCode

from ..body import read_opcode, skip_immediates
from ..opcodes import IMMEDIATES, Immediates
from ..reader import Reader, encode_leb

_INDEXES: Final = {
    Immediates.INDEX: 1,
    Immediates.INDEX_ZERO: 1,
    Immediates.TWO_INDICES: 2,
    Immediates.MEMARG: 2,
}
"""How many unsigned numbers begin what follows an opcode."""
_SIGNED: Final = {Immediates.S32: 5, Immediates.S64: 10}
"""Most bytes of the one signed number that follows an opcode."""
_SIGN: Final = 0x40
_PLAIN: Final = 0x7F


@dataclass(frozen=True, slots=True)
class ShrunkCode:
    """A code section in its shortest form.

    Attributes:
        content: of the section, after its head.
        befores: offsets in the content as it was, ascending.
        afters: where what was there is now; what lies between follows at the same distance.
    """

    content: bytes
    befores: tuple[int, ...]
    afters: tuple[int, ...]

    def find(self, offset: int) -> int:
        """Where a byte of the content as it was is now."""
        place = bisect_right(self.befores, offset) - 1
        return self.afters[place] + offset - self.befores[place]


def shrink_code(content: bytes) -> ShrunkCode:
    """Write a code section in its shortest form.

    Args:
        content: of the section, after its head. Code that no device admits is left as it is.
    """
    try:
        return _Shrinker(content).shrink()
    except InadmissibleCode:
        return ShrunkCode(content, (0,), (0,))


class _Shrinker:
    def __init__(self, content: bytes) -> None:
        self._reader = Reader(content, 0, len(content))
        self._out = bytearray()
        self._copied = 0
        self._befores: list[int] = [0]
        self._afters: list[int] = [0]

    def shrink(self) -> ShrunkCode:
        reader = self._reader
        for _ in range(reader.read_count("bodies")):
            self._copy()
            size = reader.read_u32()
            begin = reader.offset
            body = _Shrinker._of_body(reader.data, begin, begin + size)
            reader.skip(size)
            # The size of a body is known only after it, so it is written in front of it here.
            self._out += encode_leb(len(body._out))
            base = len(self._out)
            self._befores += [begin + each for each in body._befores]
            self._afters += [base + each for each in body._afters]
            self._out += body._out
            self._copied = reader.offset
        self._copy()
        return ShrunkCode(bytes(self._out), tuple(self._befores), tuple(self._afters))

    @classmethod
    def _of_body(cls, data: bytes, begin: int, end: int) -> "_Shrinker":
        shrinker = cls(data[begin:end])
        shrinker._shrink_body()
        return shrinker

    def _shrink_body(self) -> None:
        reader = self._reader
        for _ in range(reader.read_count("groups of locals")):
            reader.read_u32()
            reader.read_byte()
        while reader.remaining:
            opcode = read_opcode(reader)
            kind = IMMEDIATES[opcode]
            begin = reader.offset
            skip_immediates(reader, opcode)
            end = reader.offset
            reader.offset = begin
            for _ in range(_INDEXES.get(kind, 0)):
                self._shrink_unsigned()
            if kind in _SIGNED:
                self._shrink_signed(_SIGNED[kind])
            reader.offset = end
        self._copy()

    def _shrink_unsigned(self) -> None:
        begin = self._reader.offset
        self._replace(begin, encode_leb(self._reader.read_u32()))

    def _shrink_signed(self, most_bytes: int) -> None:
        begin = self._reader.offset
        self._reader.skip_signed(most_bytes)
        number = bytearray(self._reader.data[begin : self._reader.offset])
        # A last byte that only repeats the sign of the one before it says nothing.
        while len(number) > 1 and number[-1] == (_PLAIN if number[-2] & _SIGN else 0):
            number.pop()
            number[-1] &= _PLAIN
        self._replace(begin, bytes(number))

    def _replace(self, begin: int, number: bytes) -> None:
        """Write a number in place of what was read since ``begin``, if it is shorter."""
        end = self._reader.offset
        if len(number) == end - begin:
            return
        self._reader.offset = begin
        self._copy()
        self._out += number
        self._reader.offset = end
        self._copied = end
        self._befores.append(end)
        self._afters.append(len(self._out))

    def _copy(self) -> None:
        """Copy what was read and not written yet."""
        self._out += self._reader.data[self._copied : self._reader.offset]
        self._copied = self._reader.offset
