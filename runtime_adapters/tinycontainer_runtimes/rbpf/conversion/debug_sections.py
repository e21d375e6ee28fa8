"""Where the text of an object comes from: its debug information, relocated to the joined text."""

from collections.abc import Mapping
from typing import Final

from tinycontainer.interfaces.debug_info import DebugInfo

from ...dwarf.naming import NamedRange, name_functions
from ...dwarf.reading import read_dwarf
from .object_file import ObjectFile, ObjectSection
from .relocation_types import R_BPF_64_ABS32, R_BPF_64_ABS64, R_BPF_64_NODYLD32

_ADDRESS_BYTES: Final = 8
_BYTES: Final = {R_BPF_64_ABS64: 8, R_BPF_64_ABS32: 4, R_BPF_64_NODYLD32: 4}


def read_text_places(source: ObjectFile, places: Mapping[int, int]) -> DebugInfo:
    """Read debug information; damage costs debug information and nothing else.

    Args:
        source: the object.
        places: where each section with instructions begins in the joined text, by number.

    Returns:
        Rows by byte of the joined text.
    """
    sections = {
        each.name: _relocate(source, each, places)
        for each in source.sections.values()
        if not each.allocated
    }
    return name_functions(_find_functions(source, places), read_dwarf(sections, _ADDRESS_BYTES))


def _find_functions(source: ObjectFile, places: Mapping[int, int]) -> list[NamedRange]:
    """The functions of the joined text, without those that reach into the next."""
    found = sorted(
        (places[each.section] + each.value, each.size_bytes, each.name)
        for each in source.functions
        if each.section is not None and each.section in places
    )
    begins = [begin for begin, _, _ in found]
    return [
        NamedRange(begin, min([begin + size, *begins[number + 1 : number + 2]]), name)
        for number, (begin, size, name) in enumerate(found)
    ]


def _relocate(source: ObjectFile, section: ObjectSection, places: Mapping[int, int]) -> bytes:
    content = bytearray(section.content)
    for each in source.relocations:
        size = _BYTES.get(each.kind)
        if each.section != section.index or size is None or each.offset + size > len(content):
            continue
        place = slice(each.offset, each.offset + size)
        number = each.symbol.section
        base = 0 if number is None else places.get(number, 0)
        value = int.from_bytes(content[place], "little") + each.symbol.value + base
        content[place] = (value % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(content)
