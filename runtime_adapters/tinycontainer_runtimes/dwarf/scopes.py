"""Functions, and what is inlined into them, from DWARF's tree of debug information."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tinycontainer.interfaces.debug_info import MAX_CHAIN, MAX_ROWS

MAX_ATTRIBUTES: Final = 1 << 20
"""Of all entries of the tree that are looked at."""
MAX_UNITS: Final = 1 << 12
"""The library keeps what it has read for each."""

_FUNCTION: Final = "DW_TAG_subprogram"
_INLINED: Final = "DW_TAG_inlined_subroutine"
_NESTS: Final = frozenset(
    {
        _FUNCTION,
        _INLINED,
        "DW_TAG_compile_unit",
        "DW_TAG_lexical_block",
        "DW_TAG_namespace",
        "DW_TAG_module",
        "DW_TAG_structure_type",
        "DW_TAG_class_type",
    }
)
"""Entries among whose children there can be functions."""
_CONSTANTS: Final = frozenset(
    {"DW_FORM_data1", "DW_FORM_data2", "DW_FORM_data4", "DW_FORM_data8", "DW_FORM_udata"}
)
_LONGEST_WAY: Final = 4
"""From an inlined call to the declaration that has its name."""
_ORIGINS: Final = ("DW_AT_abstract_origin", "DW_AT_specification")


@dataclass(frozen=True, slots=True)
class FunctionScope:
    """A function, or one that is inlined into another, at a range of addresses.

    Attributes:
        begin: first address.
        end: address after the last.
        depth: 0 for a function, more for what is inlined into it.
        name: untrusted.
        call_file: index of the file in which it was inlined, in the unit's list of files.
        call_line: the line where it was inlined; 0 for a function.
    """

    begin: int
    end: int
    depth: int
    name: str
    call_file: int = 0
    call_line: int = 0


@dataclass(slots=True)
class Unit:
    """What one source file was compiled to.

    Attributes:
        lines: offset of its line table; None if it has none.
        directory: where the compiler ran, untrusted.
        scopes: its functions.
    """

    lines: int | None
    directory: str
    scopes: list[FunctionScope] = field(default_factory=list)


def read_units(dwarf: Any) -> Iterator[Unit]:
    """Read the functions of all units.

    Args:
        dwarf: what `open_dwarf` made.

    Raises:
        Exception: one of `PYELFTOOLS_ERRORS`, for damage or more than the bounds allow.
    """
    reader = _TreeReader(dwarf)
    for number, unit in enumerate(dwarf.iter_CUs()):
        if number >= MAX_UNITS:
            raise ValueError("more units than anyone links")
        top = unit.get_top_DIE()
        lines = top.attributes.get("DW_AT_stmt_list")
        found = Unit(None if lines is None else int(lines.value), _text(top, "DW_AT_comp_dir"))
        yield found
        reader.read(unit, top, found.scopes)


class _TreeReader:
    def __init__(self, dwarf: Any) -> None:
        self._ranges = dwarf.range_lists()
        self._attributes = 0
        self._scopes = 0

    def read(self, unit: Any, top: Any, scopes: list[FunctionScope]) -> None:
        """Walk the tree without recursion: entries may be nested deeper than a stack bears."""
        base = _number(top, "DW_AT_low_pc")
        waiting: list[tuple[Iterator[Any], int]] = [(top.iter_children(), 0)]
        while waiting:
            children, depth = waiting[-1]
            entry = next(children, None)
            if entry is None:
                waiting.pop()
                continue
            self._count(entry)
            is_scope = entry.tag in (_FUNCTION, _INLINED)
            if is_scope and depth <= MAX_CHAIN:
                scopes += self._make_scopes(unit, entry, depth, base)
            if entry.has_children and entry.tag in _NESTS:
                waiting.append((entry.iter_children(), depth + is_scope))

    def _count(self, entry: Any) -> None:
        # An entry without a byte for its attributes still costs time for each of them.
        self._attributes += 1 + len(entry.attributes)
        if self._attributes > MAX_ATTRIBUTES:
            raise ValueError("more entries than anyone reads")

    def _make_scopes(self, unit: Any, entry: Any, depth: int, base: int) -> Iterator[FunctionScope]:
        name = None
        for begin, end in self._find_ranges(unit, entry, base):
            self._scopes += 1
            if self._scopes > MAX_ROWS:
                raise ValueError("more ranges than anyone writes")
            name = _find_name(entry) if name is None else name
            call_file = _number(entry, "DW_AT_call_file")
            call_line = _number(entry, "DW_AT_call_line")
            yield FunctionScope(begin, end, depth, name, call_file, call_line)

    def _find_ranges(self, unit: Any, entry: Any, base: int) -> Iterator[tuple[int, int]]:
        low = entry.attributes.get("DW_AT_low_pc")
        high = entry.attributes.get("DW_AT_high_pc")
        if low is not None and high is not None:
            if type(low.value) is not int:
                raise ValueError("an address that is no number")
            is_length = high.form in _CONSTANTS
            yield low.value, high.value + (low.value if is_length else 0)
        elif "DW_AT_ranges" in entry.attributes and self._ranges is not None:
            offset = entry.attributes["DW_AT_ranges"].value
            for each in self._ranges.get_range_list_at_offset(offset, cu=unit):
                if hasattr(each, "base_address"):
                    base = each.base_address
                    continue
                shift = 0 if each.is_absolute else base
                yield each.begin_offset + shift, each.end_offset + shift


def _find_name(entry: Any) -> str:
    """The name of an entry, or of the one that it refers to."""
    for _ in range(_LONGEST_WAY):
        name = _text(entry, "DW_AT_name")
        if name:
            return _drop_arguments(name)
        origin = next((each for each in _ORIGINS if each in entry.attributes), None)
        if origin is None:
            break
        entry = entry.get_DIE_from_attribute(origin)
    return ""


def _drop_arguments(name: str) -> str:
    """A name without the types that a generic function was made for, which can be very long."""
    return name if name.startswith(("<", "operator")) else name.partition("<")[0]


def _text(entry: Any, attribute: str) -> str:
    found = entry.attributes.get(attribute)
    value = b"" if found is None else found.value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _number(entry: Any, attribute: str) -> int:
    found = entry.attributes.get(attribute)
    return found.value if found is not None and type(found.value) is int else 0
