"""One table of what is where in the code, from line tables and the functions around them.

The result is what `llvm-symbolizer` prints for an address: the innermost function with the line of
the line table, then, for each function that is inlined, the one around it with the call's line.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from posixpath import isabs, normpath
from typing import Final

from tinycontainer.interfaces.debug_info import (
    MAX_CHAIN,
    MAX_NAME_BYTES,
    MAX_ROWS,
    Chain,
    DebugInfo,
    SourcePlace,
)

from .lines import NO_FILE, LineRow, LineTable, read_line_table
from .scopes import FunctionScope, Unit, read_units
from .sections import PYELFTOOLS_ERRORS, open_dwarf

_PARTS_OF_FOREIGN_PATHS: Final = 2
MAX_PLACES: Final = 1 << 19
"""Functions and lines of all rows together; more are more than anyone reads."""


def read_dwarf(
    sections: Mapping[str, bytes], address_bytes: int, lowest_address: int = 0
) -> DebugInfo:
    """Read debug information; nothing, or the part before it, where it is damaged.

    Args:
        sections: untrusted contents by name, relocated.
        address_bytes: length of an address, 4 or 8.
        lowest_address: linkers give what they have left out lower ones.

    Returns:
        Rows by address. Paths are relative to the directory that the compiler ran in; of a file
        outside of it only the last two parts are kept.
    """
    strings = sections.get(".debug_str", b"")
    line_strings = sections.get(".debug_line_str", b"")
    table = read_line_table(sections.get(".debug_line", b""), line_strings, strings)
    units: list[Unit] = []
    with suppress(*PYELFTOOLS_ERRORS):
        dwarf = open_dwarf(sections, address_bytes)
        for unit in read_units(dwarf) if dwarf is not None else ():
            units.append(unit)
    painter = _Painter(table, units, lowest_address)
    return DebugInfo(tuple(painter.paint()))


class _Painter:
    """Cuts the addresses where anything changes, and says what is in each piece."""

    def __init__(self, table: LineTable, units: Iterable[Unit], lowest: int) -> None:
        units = list(units)
        self._directories: Mapping[int | None, str] = {
            unit.lines: unit.directory for unit in units if unit.lines is not None
        }
        self._files = table.files
        self._cleaned: dict[tuple[int | None, int], str] = {}
        self._chains: dict[Chain, Chain] = {}
        sequences = [each for each in table.sequences if each[0].address >= lowest]
        self._rows = _find_last_rows(row for sequence in sequences for row in sequence)
        self._begins = [row.address for row in self._rows]
        self._scopes = sorted(
            (
                (scope, unit.lines)
                for unit in units
                for scope in unit.scopes
                if lowest <= scope.begin < scope.end
            ),
            key=lambda found: (found[0].begin, found[0].depth),
        )

    def paint(self) -> Iterator[tuple[int, Chain]]:
        cuts = {row.address for row in self._rows}
        cuts |= {at for scope, _ in self._scopes for at in (scope.begin, scope.end)}
        active: list[tuple[FunctionScope, int | None]] = []
        following = 0
        before: Chain = ()
        places = 0
        for number, at in enumerate(sorted(cuts)):
            if number >= MAX_ROWS or places > MAX_PLACES:
                return
            active = [found for found in active if found[0].end > at]
            while following < len(self._scopes) and self._scopes[following][0].begin <= at:
                active.append(self._scopes[following])
                following += 1
            # Overlapping functions are damage; the bound keeps them from costing more than others.
            active = sorted(active, key=lambda found: found[0].depth)[:MAX_CHAIN]
            places += 1 + len(active)
            made = tuple(self._make_chain(at, active))
            chain = self._chains.setdefault(made, made)  # many rows have the same
            if chain != before:
                yield at, chain
            before = chain

    def _make_chain(
        self, at: int, active: list[tuple[FunctionScope, int | None]]
    ) -> Iterator[SourcePlace]:
        found = bisect_right(self._begins, at)
        row = self._rows[found - 1] if found else LineRow(0, 0, NO_FILE, 0)
        file = self._find_file(row.unit, row.file)
        line = row.line
        for scope, unit in reversed(active):
            yield SourcePlace(scope.name, file, line)
            file = self._find_file(unit, scope.call_file)
            line = scope.call_line
        if not active and line:
            yield SourcePlace("", file, line)

    def _find_file(self, unit: int | None, index: int) -> str:
        found = self._cleaned.get((unit, index))
        if found is None:
            files = self._files.get(-1 if unit is None else unit, [])
            path = files[index] if 0 <= index < len(files) else ""
            found = _clean_path(path, self._directories.get(unit, ""))[:MAX_NAME_BYTES]
            self._cleaned[unit, index] = found
        return found


def _find_last_rows(rows: Iterable[LineRow]) -> list[LineRow]:
    """Of rows with one address the last counts; an end only if nothing begins there."""
    by_address: dict[int, LineRow] = {}
    for row in rows:
        if row.file != NO_FILE or row.address not in by_address:
            by_address[row.address] = row
    return [by_address[address] for address in sorted(by_address)]


def _clean_path(path: str, directory: str) -> str:
    """A path that says nothing about the author's machine."""
    path = normpath(path) if path else ""
    root = normpath(directory) if directory else ""
    if isabs(root) and path.startswith(f"{root}/"):
        path = path[len(root) + 1 :]
    if isabs(path) or path.startswith(".."):
        path = "/".join(path.split("/")[-_PARTS_OF_FOREIGN_PATHS:])
    return path
