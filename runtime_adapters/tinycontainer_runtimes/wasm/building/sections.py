"""Sections of an untrusted module, and what custom sections say about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ..formats import HEADER
from ..reader import Reader

CUSTOM: Final = 0
IMPORT: Final = 2
EXPORT: Final = 7
CODE: Final = 10
_FUNCTION_KIND: Final = 0
_FUNCTION_NAMES: Final = 1
_MAX_CUSTOM_SECTIONS: Final = 64
_MAX_NAMES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class ModuleSection:
    """A section of a module.

    Attributes:
        number: of its kind.
        begin: offset of its head.
        content: offset of what follows the head.
        end: offset after it.
    """

    number: int
    begin: int
    content: int
    end: int


@dataclass(frozen=True, slots=True)
class CustomSection:
    """A custom section.

    Attributes:
        name: untrusted.
        content: what follows the name.
    """

    name: str
    content: Reader


def read_sections(code: bytes) -> Iterator[ModuleSection]:
    """Find all sections.

    Args:
        code: a module that begins with `HEADER`.

    Raises:
        InadmissibleCode: it is cut short.
    """
    reader = Reader(code, len(HEADER), len(code))
    while reader.remaining:
        begin = reader.offset
        number = reader.read_byte()
        size = reader.read_u32()
        content = reader.offset
        reader.skip(size)
        yield ModuleSection(number, begin, content, reader.offset)


def read_exports(code: bytes, sections: Iterable[ModuleSection]) -> frozenset[str]:
    """Names of the functions that a module exports.

    Raises:
        InadmissibleCode: the section of exports is damaged.
    """
    names = set()
    for section in sections:
        if section.number == EXPORT:
            reader = Reader(code, section.content, section.end)
            for _ in range(reader.read_count("exports")):
                name = reader.read_name()
                kind = reader.read_byte()
                reader.read_u32()
                names |= {name} if kind == _FUNCTION_KIND else set()
    return frozenset(names)


def read_custom_sections(code: bytes) -> Iterator[CustomSection]:
    """Find the first custom sections.

    Raises:
        InadmissibleCode: the module is cut short, or a name is damaged.
    """
    found = (each for each in read_sections(code) if each.number == CUSTOM)
    for _, section in zip(range(_MAX_CUSTOM_SECTIONS), found, strict=False):
        reader = Reader(code, section.content, section.end)
        yield CustomSection(reader.read_name(), reader)


def read_function_names(code: bytes) -> dict[int, str]:
    """Names of functions by index, as the section ``name`` gives them.

    Raises:
        InadmissibleCode: the module or its names are damaged.
    """
    names: dict[int, str] = {}
    for section in read_custom_sections(code):
        if section.name == "name":
            names |= _read_names(section.content)
    return names


def _read_names(reader: Reader) -> dict[int, str]:
    while reader.remaining:
        kind = reader.read_byte()
        size = reader.read_u32()
        if kind == _FUNCTION_NAMES:
            count = min(reader.read_count("names"), _MAX_NAMES)
            return {reader.read_u32(): reader.read_name() for _ in range(count)}
        reader.skip(size)
    return {}
