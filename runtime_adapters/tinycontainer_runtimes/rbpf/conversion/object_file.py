"""Reads an untrusted ELF object with pyelftools, and keeps only what a conversion needs."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from elftools.elf.elffile import ELFFile

from tinycontainer.errors import BuildRefused
from tinycontainer.text import show

from ...dwarf.sections import PYELFTOOLS_ERRORS, SECTION_NAMES

MAX_OBJECT_BYTES: Final = 1 << 20
MAX_SECTIONS: Final = 512
MAX_SYMBOLS: Final = 4096
MAX_RELOCATIONS: Final = 1 << 16
"""Of all sections together."""
MAX_SECTION_BYTES: Final = 1 << 21
"""Of all sections that are kept together."""
MAX_RUN_BYTES: Final = 1 << 16
"""Bytes without a zero in between: pyelftools looks for the end of a name as far as it takes."""
MAX_ALIGNMENT: Final = 4096

_PASSED_OVER: Final = frozenset({".eh_frame"})
"""Sections that compilers for other machines add, and that no program reads."""
MACHINE_BPF: Final = "EM_BPF"
_ALLOCATED = 0x2
_WRITABLE = 0x1
_EXECUTABLE = 0x4
_COMPRESSED = 0x800


@dataclass(frozen=True, slots=True)
class ObjectSection:
    """A section that is kept.

    Attributes:
        index: its number in the object.
        name: its name, untrusted.
        content: its bytes; zeros for one that has none in the file.
        alignment: of its first byte.
        executable: whether it holds instructions.
        writable: whether it holds data that can be written.
        allocated: whether it occupies memory at all.
    """

    index: int
    name: str
    content: bytes
    alignment: int
    executable: bool
    writable: bool
    allocated: bool


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol.

    Attributes:
        name: untrusted.
        section: number of its section; None if it is defined elsewhere.
        value: its place in the section.
        size_bytes: how much of it; 0 if that is not said.
        is_function: whether it is a function.
        is_variable: whether it is a variable.
        common: whether its place was left to the linker.
    """

    name: str
    section: int | None
    value: int
    size_bytes: int
    is_function: bool
    is_variable: bool
    common: bool


@dataclass(frozen=True, slots=True)
class Relocation:
    """A place that refers to a symbol.

    Attributes:
        section: number of the section in which the place is.
        offset: the place.
        kind: type of the relocation.
        symbol: what it refers to.
    """

    section: int
    offset: int
    kind: int
    symbol: Symbol


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """What was read.

    Attributes:
        sections: those that occupy memory or hold debug information, by number.
        functions: the named functions.
        variables: the named variables.
        relocations: in these sections.
    """

    sections: dict[int, ObjectSection]
    functions: tuple[Symbol, ...]
    variables: tuple[Symbol, ...]
    relocations: tuple[Relocation, ...]


def read_object(content: bytes) -> ObjectFile:
    """Read an object.

    Raises:
        BuildRefused: it is damaged, too large, or not made for BPF.
    """
    if len(content) > MAX_OBJECT_BYTES:
        raise BuildRefused("", f"has more than {MAX_OBJECT_BYTES} bytes")
    return _guarded(lambda: _read(content))


def _guarded(read: Callable[[], ObjectFile]) -> ObjectFile:
    try:
        return read()
    except BuildRefused:
        raise
    except PYELFTOOLS_ERRORS as error:
        detail = show(f"{type(error).__name__}: {error}"[:120])
        raise BuildRefused("", f"is no ELF object, or a damaged one ({detail})") from None


def _read(content: bytes) -> ObjectFile:
    if re.search(rb"[^\0]{%d}" % (MAX_RUN_BYTES + 1), content):
        raise BuildRefused("", f"has more than {MAX_RUN_BYTES} bytes without a zero")
    elf = ELFFile(io.BytesIO(content))
    if not elf.little_endian or elf.elfclass != 64 or elf["e_machine"] != MACHINE_BPF:
        raise BuildRefused("", "is not made for little-endian BPF; use clang --target=bpfel")
    if elf["e_type"] != "ET_REL":
        raise BuildRefused("", "is no object; compile with -c")
    if elf.num_sections() > MAX_SECTIONS:
        raise BuildRefused("", f"has more than {MAX_SECTIONS} sections")
    raw = [elf.get_section(number) for number in range(elf.num_sections())]
    symbols = _read_symbols(raw)
    kept = {number: each for number, each in enumerate(raw) if _is_kept(each)}
    if sum(each["sh_size"] for each in kept.values()) > MAX_SECTION_BYTES:
        raise BuildRefused("", f"its sections have more than {MAX_SECTION_BYTES} bytes")
    sections = {number: _read_section(number, each) for number, each in kept.items()}
    return ObjectFile(
        sections=sections,
        functions=tuple(each for each in symbols if each.is_function and each.name),
        variables=tuple(each for each in symbols if each.is_variable and each.name),
        relocations=tuple(_read_relocations(raw, sections, symbols)),
    )


def _is_kept(section: Any) -> bool:
    if section.name in _PASSED_OVER:
        return False
    return section["sh_type"] in ("SHT_PROGBITS", "SHT_NOBITS") and (
        bool(section["sh_flags"] & _ALLOCATED) or section.name in SECTION_NAMES
    )


def _read_section(number: int, section: Any) -> ObjectSection:
    flags = section["sh_flags"]
    size = section["sh_size"]
    alignment = section["sh_addralign"]
    name = section.name
    if flags & _COMPRESSED:
        raise BuildRefused(show(name), "is compressed; compile without -gz")
    if alignment > MAX_ALIGNMENT or alignment & alignment - 1:
        raise BuildRefused(show(name), f"asks for an alignment of {alignment}")
    content = bytes(section.data())
    if len(content) != size:
        raise BuildRefused(show(name), "reaches beyond the end of the file")
    return ObjectSection(
        index=number,
        name=name,
        content=content,
        alignment=max(1, alignment),
        executable=bool(flags & _EXECUTABLE),
        writable=bool(flags & _WRITABLE),
        allocated=bool(flags & _ALLOCATED),
    )


def _read_symbols(raw: list[Any]) -> list[Symbol]:
    table = next((each for each in raw if each["sh_type"] == "SHT_SYMTAB"), None)
    if table is None:
        raise BuildRefused("", "has no symbols; do not strip it")
    if table.num_symbols() > MAX_SYMBOLS:
        raise BuildRefused("", f"has more than {MAX_SYMBOLS} symbols")
    return [_read_symbol(table.get_symbol(number), raw) for number in range(table.num_symbols())]


def _read_symbol(symbol: Any, raw: list[Any]) -> Symbol:
    place = symbol["st_shndx"]
    kind = symbol["st_info"]["type"]
    return Symbol(
        name=symbol.name,
        section=place if isinstance(place, int) and place < len(raw) else None,
        value=symbol["st_value"],
        size_bytes=symbol["st_size"],
        is_function=kind == "STT_FUNC",
        is_variable=kind == "STT_OBJECT",
        common=place == "SHN_COMMON",
    )


def _read_relocations(
    raw: list[Any], sections: dict[int, ObjectSection], symbols: list[Symbol]
) -> Iterator[Relocation]:
    total = 0
    for section in raw:
        target = section["sh_info"]
        if section["sh_type"] not in ("SHT_REL", "SHT_RELA") or target not in sections:
            continue
        if section["sh_type"] == "SHT_RELA":
            raise BuildRefused(show(section.name), "relocations with addends are not BPF's")
        total += section.num_relocations()
        if total > MAX_RELOCATIONS:
            raise BuildRefused("", f"has more than {MAX_RELOCATIONS} relocations")
        for number in range(section.num_relocations()):
            each = section.get_relocation(number)
            yield Relocation(
                section=target,
                offset=each["r_offset"],
                kind=each["r_info_type"],
                symbol=symbols[each["r_info_sym"]],
            )
