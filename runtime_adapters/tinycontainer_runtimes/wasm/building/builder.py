"""The builder of WebAssembly: strips a linked module, and keeps what it says of its source."""

from collections.abc import Iterator, Sequence
from typing import Final

from tinycontainer.errors import BuildRefused, InadmissibleCode
from tinycontainer.interfaces.building import BuiltCode
from tinycontainer.interfaces.debug_info import Chain, DebugInfo, SourcePlace

from ...dwarf.naming import NamedRange, name_functions
from ...dwarf.reading import read_dwarf
from ..formats import HEADER, refuse_format
from ..reader import Reader, encode_leb
from .sections import (
    CODE,
    CUSTOM,
    IMPORT,
    ModuleSection,
    read_custom_sections,
    read_exports,
    read_function_names,
    read_sections,
)
from .shrinking import shrink_code
from .source_map import read_source_map

MAX_MODULE_BYTES: Final = 1 << 26
"""Longest module with all its debug information."""
_ADDRESS_BYTES: Final = 4
_FIRST_ADDRESS: Final = 1
"""Addresses count from the content of the code section, which begins with a number. Linkers give
what they have left out the address 0."""


def create_builder() -> "WasmBuilder":
    """The entry point ``wasm`` of ``tinycontainer.builders``."""
    return WasmBuilder()


class WasmBuilder:
    """See `tinycontainer.interfaces.building.Builder`."""

    def build(self, source: bytes, source_map: bytes = b"") -> BuiltCode:
        """Take all custom sections out of a linked module. A device judges the rest.

        Raises:
            BuildRefused: it is no module, or a damaged one.
        """
        if len(source) > MAX_MODULE_BYTES:
            raise BuildRefused("", f"has more than {MAX_MODULE_BYTES} bytes")
        try:
            if not source.startswith(HEADER):
                raise refuse_format(source)
            sections = list(read_sections(source))
            kept = [each for each in sections if each.number != CUSTOM]
            return _write_module(source, kept, source_map)
        except InadmissibleCode as error:
            raise BuildRefused("", str(error)) from None


def _write_module(source: bytes, kept: Sequence[ModuleSection], source_map: bytes) -> BuiltCode:
    """Write the sections that are kept, the code in its shortest form."""
    code = bytearray(HEADER)
    debug = DebugInfo()
    for section in kept:
        if section.number != CODE:
            code += source[section.begin : section.end]
            continue
        shrunk = shrink_code(source[section.content : section.end])
        code += bytes([CODE]) + encode_leb(len(shrunk.content))
        begin = len(code)
        code += shrunk.content
        rows = _read_debug_info(source, kept, section, source_map).rows
        debug = DebugInfo(
            tuple((begin + shrunk.find(at - section.content), chain) for at, chain in rows)
        )
    return BuiltCode(bytes(code), debug, read_exports(source, kept))


def _read_debug_info(
    source: bytes, kept: Sequence[ModuleSection], section: ModuleSection, source_map: bytes
) -> DebugInfo:
    """What is where in the code section, by offset in the module as the compiler wrote it."""
    try:
        functions = list(_find_functions(source, section, _count_imports(source, kept)))
    except InadmissibleCode:
        return DebugInfo()  # damaged: the device's scan says where
    return name_functions(functions, _read_places(source, section, source_map))


def _read_places(source: bytes, section: ModuleSection, source_map: bytes) -> DebugInfo:
    """What DWARF says, or else the source map, by offset in the module as the compiler wrote it."""
    custom = {
        each.name: source[each.content.offset : each.content.end]
        for each in read_custom_sections(source)
        if each.name.startswith(".debug_")
    }
    dwarf = read_dwarf(custom, _ADDRESS_BYTES, _FIRST_ADDRESS)
    if dwarf.rows:
        return DebugInfo(tuple((address + section.content, chain) for address, chain in dwarf.rows))
    mapped = read_source_map(source_map) if source_map else []
    rows = dict[int, Chain]()
    for offset, file, line in mapped:
        rows[offset] = (SourcePlace("", file, line),)
    return DebugInfo(tuple(rows.items()))


def _find_functions(source: bytes, section: ModuleSection, first: int) -> Iterator[NamedRange]:
    names = read_function_names(source)
    reader = Reader(source, section.content, section.end)
    for number in range(reader.read_count("bodies")):
        size = reader.read_u32()
        begin = reader.offset
        reader.skip(size)
        yield NamedRange(begin, reader.offset, names.get(first + number, ""))


def _count_imports(source: bytes, kept: Sequence[ModuleSection]) -> int:
    """How many functions are imported. They come first in the count of functions.

    All imports that a device admits are functions, so no other kind is counted apart.
    """
    section = next((each for each in kept if each.number == IMPORT), None)
    if section is None:
        return 0
    return Reader(source, section.content, section.end).read_count("imports")
