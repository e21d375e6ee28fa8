"""Puts the sections of an object together and resolves what they say of each other.

Sections with instructions become the text, those that can be written (``.bss`` included) data, the
others rodata. A place that refers to data becomes LDDWD or LDDWR, a call of an ``extern`` function
the helper of that name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tinycontainer.errors import BuildRefused
from tinycontainer.interfaces.debug_info import DebugInfo
from tinycontainer.interfaces.runtime import Hook
from tinycontainer.text import show

from ..codes import CodeRefused
from ..decoding import MAX_SLOTS, SLOT_BYTES, decode_text, parse_instructions
from ..helpers import HELPERS, helper_numbers
from ..image import Image
from ..memory import Region
from ..opcodes import CALL, EXIT, LDDW, LDDWD, LDDWR
from .byte_swaps import LoweredText, SwapRefused, lower_byte_swaps
from .debug_sections import read_text_places
from .object_file import ObjectFile, ObjectSection, Relocation, Symbol
from .relocation_types import R_BPF_64_32, R_BPF_64_64, R_BPF_64_ABS32, R_BPF_64_ABS64

_POINTER_BYTES: Final = {R_BPF_64_64: 8, R_BPF_64_ABS64: 8, R_BPF_64_ABS32: 4}
_LOCAL: Final = 0x10
"""Source register 1 in an instruction's second byte: clang's mark of a call by relocation."""
_EXIT: Final = bytes([EXIT, 0, 0, 0, 0, 0, 0, 0])


@dataclass(frozen=True, slots=True)
class LinkedImage:
    """What an object was linked to.

    Attributes:
        image: the program.
        debug: where its text comes from; offsets in bytes of the text.
    """

    image: Image
    debug: DebugInfo


def link_object(source: ObjectFile) -> LinkedImage:
    """Make an image of an object.

    Raises:
        BuildRefused: it needs what rBPF does not have; with the place in its C source if the object
            has debug information.
    """
    linker = _Linker(source)
    image = linker.make_image()
    return LinkedImage(image, linker.find_places())


@dataclass(frozen=True, slots=True)
class _Part:
    """A run of sections in one part of the image.

    Attributes:
        content: their bytes.
        places: where each section begins, by number.
        base: address of the first byte; 0 for the text, which has none.
    """

    content: bytearray
    places: dict[int, int]
    base: int = 0


class _Linker:
    def __init__(self, source: ObjectFile) -> None:
        self._source = source
        self._written: DebugInfo | None = None
        sections = [each for each in source.sections.values() if each.allocated]
        self._text = _joined(each for each in sections if each.executable)
        data = [each for each in sections if not each.executable]
        self._data = _joined((each for each in data if each.writable), Region.DATA.base)
        self._rodata = _joined((each for each in data if not each.writable), Region.RODATA.base)
        self._lowered = LoweredText(b"", (), ())

    def make_image(self) -> Image:
        if not self._text.content:
            raise BuildRefused("", "has no instructions")
        if len(self._text.content) % SLOT_BYTES or len(self._text.content) > _longest_text():
            raise BuildRefused("", f"{len(self._text.content)} bytes of text cannot be converted")
        text = bytearray(self._text.content)
        for each in self._source.relocations:
            self._resolve(text, each)
        self._check_calls(text)
        try:
            self._lowered = lower_byte_swaps(bytes(text))
        except SwapRefused as refused:
            raise self._refused(refused.slot * SLOT_BYTES, refused.problem) from None
        lowered = self._lowered.content
        if self._last_opcode(lowered) != EXIT:
            # clang may put a block that jumps back after the one that returns.
            lowered += _EXIT
        self._judge(lowered)
        data = bytes(self._data.content)
        return Image(data, bytes(self._rodata.content), lowered, self._functions())

    def find_places(self) -> DebugInfo:
        """Where the text of the image comes from, now that byte swaps are written as shifts."""
        slots = self._lowered.slots
        rows = {
            slots[address // SLOT_BYTES] * SLOT_BYTES: chain
            for address, chain in self._read_debug_info().rows
            if address // SLOT_BYTES < len(slots)
        }
        return DebugInfo(tuple(sorted(rows.items())))

    def _read_debug_info(self) -> DebugInfo:
        """Where the text comes from as it was written; offsets in bytes of that text."""
        if self._written is None:
            self._written = read_text_places(self._source, self._text.places)
        return self._written

    def _last_opcode(self, text: bytes) -> int:
        try:
            *_, last = parse_instructions(text)
        except CodeRefused as refused:
            raise self._refused_code(refused) from None
        return last.operation.opcode

    def _judge(self, text: bytes) -> None:
        try:
            decode_text(text, HELPERS)
        except CodeRefused as refused:
            raise self._refused_code(refused) from None

    def _refused_code(self, refused: CodeRefused) -> BuildRefused:
        """A refusal of an instruction of the text as it was written."""
        slot = refused.slot or 0
        places = self._lowered.places
        return self._refused(
            (places[slot] if slot < len(places) else 0) * SLOT_BYTES, refused.problem
        )

    def _functions(self) -> dict[str, int]:
        """Where the hooks begin; a single function of another name is the loop.

        If that is where the text begins, there is no table, as in the firmware's own files.
        """
        found = {
            each.name: each for each in self._source.functions if each.section in self._text.places
        }
        if Hook.LOOP in found:
            hooks = {name: each for name, each in found.items() if name in set(Hook)}
            return {name: self._find_begin(each) for name, each in hooks.items()}
        if len(found) > 1 or set(found) & set(Hook):
            names = " and ".join(map(show, sorted(found)))
            raise BuildRefused("", f"has {names}, but no function loop")
        begin = max(map(self._find_begin, found.values()), default=0)
        return {Hook.LOOP: begin} if begin else {}

    def _find_begin(self, function: Symbol) -> int:
        """Where a function begins, now that byte swaps are written as shifts."""
        number = -1 if function.section is None else function.section
        value = function.value
        if value % SLOT_BYTES or value >= len(self._source.sections[number].content):
            problem = f"begins at byte {value} of its section, where no instruction does"
            raise BuildRefused(_called(function), problem)
        slot = (self._text.places[number] + value) // SLOT_BYTES
        return self._lowered.slots[slot] * SLOT_BYTES

    def _resolve(self, text: bytearray, each: Relocation) -> None:
        section = self._source.sections[each.section]
        if each.section not in self._text.places:
            if section.allocated:
                self._resolve_pointer(section, each)
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
                low = slice(place + 4, place + 8)
                high = slice(place + 12, place + 16)
                addend = int.from_bytes(text[low] + text[high], "little")
                value = (part.places[symbol.section] + symbol.value + addend) % (1 << 64)
                encoded = value.to_bytes(8, "little")
                text[place] = opcode
                text[low] = encoded[:4]
                text[high] = encoded[4:]
                return
        if symbol.common:
            problem = f"{_called(symbol)} has no section; compile with -fno-common"
        elif symbol.section in self._text.places:
            problem = f"the program uses the address of function {_called(symbol)}"
        else:
            problem = f"the variable {_called(symbol)} is defined nowhere"
        raise self._refused(place, problem)

    def _resolve_pointer(self, section: ObjectSection, each: Relocation) -> None:
        """Put an address into initialised data: a table of strings, say."""
        own = self._data if section.index in self._data.places else self._rodata
        size = _POINTER_BYTES.get(each.kind)
        if size is None or each.offset + size > len(section.content):
            raise BuildRefused(show(section.name), f"a relocation of type {each.kind} in data")
        begin = own.places[section.index] + each.offset
        place = slice(begin, begin + size)
        addend = int.from_bytes(own.content[place], "little", signed=True)
        for part in (self._data, self._rodata):
            if each.symbol.section in part.places:
                address = part.base + part.places[each.symbol.section] + each.symbol.value + addend
                # In data, 32 bits can only be a distance: C has no pointers that short. LLVM's
                # tables of distances are marked with the type of an absolute address.
                value = address - (own.base + begin) if size == 4 else address
                own.content[place] = (value % (1 << 8 * size)).to_bytes(size, "little")
                return
        raise self._refuse_pointer(section, each, addend)

    def _refuse_pointer(
        self, section: ObjectSection, each: Relocation, addend: int
    ) -> BuildRefused:
        """Refuse a pointer to what has no address, with the line of code that uses the table."""
        symbol = each.symbol
        target = symbol.value + addend
        named = [
            function
            for function in self._source.functions
            if function.section == symbol.section and function.value == target
        ]
        variable = _find_variable(self._source.variables, section.index, each.offset)
        table = "initialised data" if variable is None else _called(variable)
        if symbol.section in self._text.places:
            name = _called(named[0] if named else symbol)
            problem = f"{table} has a pointer to function {name}; rBPF has no indirect calls"
        else:
            problem = f"{table} has a pointer to {_called(symbol)}, which is defined nowhere"
        place = None if variable is None else self._find_use(variable)
        return (
            BuildRefused(show(section.name), problem)
            if place is None
            else self._refused(place, problem)
        )

    def _find_use(self, variable: Symbol) -> int | None:
        """The first place in the text that refers to a variable."""
        for each in self._source.relocations:
            begin = self._text.places.get(each.section)
            if begin is None or each.symbol.section != variable.section:
                continue
            place = begin + each.offset
            addend = int.from_bytes(
                self._text.content[place + 4 : place + 8], "little", signed=True
            )
            at = each.symbol.value + addend
            if variable.value <= at < variable.value + max(variable.size_bytes, 1):
                return place
        return None

    def _resolve_call(self, text: bytearray, place: int, each: Relocation) -> None:
        symbol = each.symbol
        if symbol.section is not None:
            return  # of its own, which `_check_calls` names
        # The header's own names are left where it was compiled for another machine. Its `tc_log` is
        # the only one that differs by more than the prefix; a plain `log` is C's logarithm.
        name = "logger" if symbol.name == "tc_log" else symbol.name.removeprefix("tc_")
        number = helper_numbers().get(name)
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
        written = self._read_debug_info().find(place)[:1]
        where = [show(f"{each.file}:{each.line}") for each in written if each.line]
        function = max(
            (
                each
                for each in self._source.functions
                if each.section == section and each.value <= offset
            ),
            key=lambda each: each.value,
            default=None,
        )
        where += [] if function is None else [f"in {show(function.name)}"]
        return BuildRefused(" ".join(where) or f"instruction {place // SLOT_BYTES}", problem)


def _find_variable(variables: Iterable[Symbol], section: int, offset: int) -> Symbol | None:
    """The variable that has a byte of a section."""
    for each in variables:
        if each.section == section and each.value <= offset < each.value + each.size_bytes:
            return each
    return None


def _joined(sections: Iterable[ObjectSection], base: int = 0) -> _Part:
    content = bytearray()
    places = dict[int, int]()
    for each in sections:
        content += bytes(-len(content) % each.alignment)
        places[each.index] = len(content)
        content += each.content
    return _Part(content, places, base)


def _called(symbol: Symbol) -> str:
    return show(symbol.name[:64]) or "something"


def _longest_text() -> int:
    return (MAX_SLOTS - 1) * SLOT_BYTES
