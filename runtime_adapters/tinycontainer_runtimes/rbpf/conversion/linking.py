"""Puts the sections of an object together and resolves what they say of each other.

Sections with instructions become the text, those that can be written (``.bss`` included) data, the
others rodata. A place that speaks of data becomes LDDWD or LDDWR, a call of an ``extern`` function
the helper of that name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tinycontainer.errors import BuildRefused
from tinycontainer.interfaces.runtime import Hook
from tinycontainer.text import show

from ..codes import CodeRefused
from ..decoding import MAX_SLOTS, SLOT_BYTES, decode, parse
from ..helpers import HELPERS, helper_numbers
from ..image import Image
from ..opcodes import CALL, EXIT, LDDW, LDDWD, LDDWR
from .object_file import ObjectFile, ObjectSection, Relocation, Symbol
from .source_lines import SourceLines, read_lines

R_BPF_64_64: Final = 1
R_BPF_64_32: Final = 10
_LOCAL: Final = 0x10
"""Source register 1 in an instruction's second byte: clang's mark of a call by relocation."""
_EXIT: Final = bytes([EXIT, 0, 0, 0, 0, 0, 0, 0])


def link(source: ObjectFile) -> Image:
    """Make an image of an object.

    Raises:
        BuildRefused: it needs what rBPF does not have; with the place in its C source if the object
            tells it.
    """
    return _Linker(source).image()


@dataclass(frozen=True, slots=True)
class _Part:
    """A run of sections in one part of the image.

    Attributes:
        content: their bytes.
        places: where each section begins, by number.
    """

    content: bytes
    places: dict[int, int]


class _Linker:
    def __init__(self, source: ObjectFile) -> None:
        self._source = source
        self._lines: SourceLines | None = None
        sections = [each for each in source.sections.values() if each.allocated]
        self._text = _joined(each for each in sections if each.executable)
        self._data = _joined(each for each in sections if each.writable and not each.executable)
        self._rodata = _joined(
            each for each in sections if not each.writable and not each.executable
        )

    def image(self) -> Image:
        if not self._text.content:
            raise BuildRefused("", "has no instructions")
        if len(self._text.content) % SLOT_BYTES or len(self._text.content) > _longest_text():
            raise BuildRefused("", f"{len(self._text.content)} bytes of text cannot be converted")
        text = bytearray(self._text.content)
        for each in self._source.relocations:
            self._resolve(text, each)
        self._check_calls(text)
        if self._last_opcode(bytes(text)) != EXIT:
            # clang may put a block that jumps back behind the one that returns.
            text += _EXIT
        self._judge(bytes(text))
        return Image(self._data.content, self._rodata.content, bytes(text), self._functions())

    def _last_opcode(self, text: bytes) -> int:
        try:
            *_, last = parse(text)
        except CodeRefused as refused:
            raise self._refused((refused.slot or 0) * SLOT_BYTES, refused.problem) from None
        return last.operation.opcode

    def _judge(self, text: bytes) -> None:
        try:
            decode(text, HELPERS)
        except CodeRefused as refused:
            raise self._refused((refused.slot or 0) * SLOT_BYTES, refused.problem) from None

    def _functions(self) -> dict[str, int]:
        found = {
            each.name: self._text.places[each.section] + each.value
            for each in self._source.functions
            if each.section in self._text.places and each.name in set(Hook)
        }
        if found and Hook.LOOP not in found:
            raise BuildRefused("", f"has {' and '.join(sorted(found))}, but no function loop")
        return found

    def _resolve(self, text: bytearray, each: Relocation) -> None:
        section = self._source.sections[each.section]
        if each.section not in self._text.places:
            if section.allocated:
                problem = f"a pointer to {_called(each.symbol)} in initialised data"
                raise BuildRefused(show(section.name), f"{problem}; set it while running")
            return
        place = self._text.places[each.section] + each.offset
        if each.offset % SLOT_BYTES or each.offset + SLOT_BYTES > len(section.content):
            raise BuildRefused(show(section.name), "a relocation lies beside the instructions")
        if each.kind == R_BPF_64_64 and text[place] == LDDW:
            self._resolve_data(text, place, each)
        elif each.kind == R_BPF_64_32 and text[place] == CALL:
            self._resolve_call(text, place, each)
        else:
            problem = f"a relocation of type {each.kind} to {_called(each.symbol)}"
            raise self._refused(place, problem)

    def _resolve_data(self, text: bytearray, place: int, each: Relocation) -> None:
        symbol = each.symbol
        for part, opcode in ((self._data, LDDWD), (self._rodata, LDDWR)):
            if symbol.section in part.places and place + 2 * SLOT_BYTES <= len(text):
                low, high = slice(place + 4, place + 8), slice(place + 12, place + 16)
                addend = int.from_bytes(text[low] + text[high], "little")
                value = (part.places[symbol.section] + symbol.value + addend) % (1 << 64)
                encoded = value.to_bytes(8, "little")
                text[place] = opcode
                text[low], text[high] = encoded[:4], encoded[4:]
                return
        if symbol.common:
            problem = f"{_called(symbol)} has no section; compile with -fno-common"
        elif symbol.section in self._text.places:
            problem = f"the address of function {_called(symbol)} is taken"
        else:
            problem = f"the variable {_called(symbol)} is defined nowhere"
        raise self._refused(place, problem)

    def _resolve_call(self, text: bytearray, place: int, each: Relocation) -> None:
        symbol = each.symbol
        if symbol.section is not None:
            return  # of its own, which `_check_calls` names
        number = helper_numbers().get(symbol.name)
        if number is None:
            known = ", ".join(helper_numbers())
            problem = f"calls {_called(symbol)}, which is no helper; there are: {known}"
            raise self._refused(place, problem)
        text[place + 1] = 0
        text[place + 4 : place + 8] = number.to_bytes(4, "little")

    def _check_calls(self, text: bytearray) -> None:
        """Name the functions of its own that it calls, which `parse` could not."""
        place = 0
        while place < len(text):
            if text[place] == CALL and text[place + 1] == _LOCAL:
                raise self._refused(
                    place,
                    f"calls {self._callee(text, place)}; functions are to"
                    " be static inline with __attribute__((always_inline))",
                )
            place += (2 if text[place] == LDDW or text[place] in (LDDWD, LDDWR) else 1) * SLOT_BYTES

    def _callee(self, text: bytearray, place: int) -> str:
        for each in self._source.relocations:
            begins = self._text.places.get(each.section)
            if begins is not None and begins + each.offset == place and each.symbol.is_function:
                return f"{_called(each.symbol)}, a function of its own"
        distance = int.from_bytes(text[place + 4 : place + 8], "little", signed=True) + 1
        target = place + distance * SLOT_BYTES
        for function in self._source.functions:
            begins = self._text.places.get(function.section if function.section else -1)
            if begins is not None and begins + function.value == target:
                return f"{_called(function)}, a function of its own"
        return "a function of its own"

    def _refused(self, place: int, problem: str) -> BuildRefused:
        """A refusal with the C source line of a place in the text, or its function."""
        section, offset = max(
            (
                (number, place - begins)
                for number, begins in self._text.places.items()
                if begins <= place
            ),
            key=lambda found: -found[1],
        )
        if self._lines is None:
            self._lines = read_lines(self._source)
        line = self._lines.at(section, offset)
        function = max(
            (
                each
                for each in self._source.functions
                if each.section == section and each.value <= offset
            ),
            key=lambda each: each.value,
            default=None,
        )
        where = [] if line is None else [show(line)]
        where += [] if function is None else [f"in {show(function.name)}"]
        return BuildRefused(" ".join(where) or f"instruction {place // SLOT_BYTES}", problem)


def _joined(sections: Iterable[ObjectSection]) -> _Part:
    content, places = bytearray(), dict[int, int]()
    for each in sections:
        content += bytes(-len(content) % each.alignment)
        places[each.index] = len(content)
        content += each.content
    return _Part(bytes(content), places)


def _called(symbol: Symbol) -> str:
    return show(symbol.name[:64]) or "something"


def _longest_text() -> int:
    return (MAX_SLOTS - 1) * SLOT_BYTES
