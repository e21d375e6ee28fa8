"""C source lines of instructions, from DWARF's line table (versions 2 to 5).

It only serves messages: whatever is damaged or unknown gives no lines and no error. Every loop
consumes bytes, so what it takes is proportional to the section.
"""

from bisect import bisect_right
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from .object_file import ObjectFile

_STRING = 0x08
_LINE_STRP = 0x1F
_UDATA = 0x0F
_BLOCK = 0x09
_FIXED: Final = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16, 0x0E: 4}
_PATH: Final = 1
_MAX_ROWS: Final = 1 << 16
_MAX_NAME_BYTES: Final = 200
_COPY = 1
_ADVANCE_PC = 2
_ADVANCE_LINE = 3
_SET_FILE = 4
_CONST_ADD_PC = 8
_FIXED_ADVANCE = 9
_END_SEQUENCE = 1
_SET_ADDRESS = 2


@dataclass(slots=True)
class SourceLines:
    """Where instructions come from.

    Attributes:
        rows: for each section the places at which a line begins, in order, each with its file and
            line, or None where nothing is known from there on.
    """

    rows: dict[int, list[tuple[int, str | None]]] = field(default_factory=dict)

    def at(self, section: int, offset: int) -> str | None:
        """``file:line`` of a place, untrusted; None if it is not known."""
        rows = self.rows.get(section, [])
        found = bisect_right(rows, offset, key=lambda row: row[0])
        return rows[found - 1][1] if found else None


def read_lines(source: ObjectFile) -> SourceLines:
    """Read where an object's code comes from; nothing if it does not say so."""
    table = source.find_section(".debug_line")
    if table is None:
        return SourceLines()
    names = source.find_section(".debug_line_str")
    targets = {
        each.offset: (each.symbol.section, each.symbol.value)
        for each in source.relocations
        if each.section == table.index and each.symbol.section is not None
    }
    lines = SourceLines()
    with suppress(LookupError, ValueError, ArithmeticError):
        # What was read before the table turned out to be damaged is as good as ever.
        _Reader(table.content, names.content if names else b"", targets, lines).units()
    for rows in lines.rows.values():
        rows.sort(key=lambda row: row[0])
    return lines


@dataclass(slots=True)
class _Row:
    """Registers of the line program."""

    section: int | None = None
    address: int = 0
    file: int = 1
    line: int = 1


class _Reader:
    """Reads one line table."""

    def __init__(
        self,
        table: bytes,
        names: bytes,
        targets: Mapping[int, tuple[int | None, int]],
        lines: SourceLines,
    ) -> None:
        self._table = table
        self._names = names
        self._targets = targets
        self._lines = lines
        self._at = 0
        self._end = len(table)
        self._rows = 0

    def units(self) -> None:
        while self._at < len(self._table):
            length = self._fixed(4)
            end = self._at + length
            if length >= 0xFFFFFFF0 or end > len(self._table):
                return
            self._end = end  # a unit that looks beyond its end could make the whole quadratic
            self._unit(end)
            self._at = end
            self._end = len(self._table)

    def _unit(self, end: int) -> None:
        version = self._fixed(2)
        if version >= 5:
            self._at += 2  # sizes of addresses and segment selectors
        header = self._fixed(4)
        program = self._at + header
        step_bytes = self._fixed(1)
        self._at += 1 if version < 4 else 2  # (operations per instruction,) default_is_stmt
        base = self._fixed(1)
        span = self._fixed(1)
        first = self._fixed(1)
        base -= 256 if base > 127 else 0
        operands = [0, *(self._fixed(1) for _ in range(first - 1))]
        files = self._files_of_5() if version >= 5 else self._files()
        self._at = program
        self._run(end, step_bytes, (base, span, first), operands, files)

    def _files(self) -> list[str]:
        while self._text():
            pass  # directories
        files = [""]
        while name := self._text():
            files.append(name)
            for _ in range(3):
                self._leb()
        return files

    def _files_of_5(self) -> list[str]:
        self._entries()  # directories
        return self._entries()

    def _entries(self) -> list[str]:
        forms = [(self._leb(), self._leb()) for _ in range(self._fixed(1))]
        count = self._leb()
        if count and not forms:
            raise ValueError("entries of no bytes")
        found = []
        for _ in range(count):
            name = ""
            for kind, form in forms:
                value = self._form(form)
                name = value if kind == _PATH and isinstance(value, str) else name
            found.append(name)
        return found

    def _form(self, form: int) -> str | int:
        if form == _STRING:
            return self._text()
        if form == _LINE_STRP:
            start = self._fixed(4)
            name = self._names[start : start + _MAX_NAME_BYTES].split(b"\0")[0]
            return name.decode("latin-1")
        if form == _UDATA:
            return self._leb()
        if form == _BLOCK:
            self._at += self._leb()
            return 0
        if form not in _FIXED:
            raise ValueError("a form of unknown length")
        return self._fixed(_FIXED[form])

    def _run(
        self,
        end: int,
        step_bytes: int,
        special: tuple[int, int, int],
        operands: list[int],
        files: list[str],
    ) -> None:
        """Run the program of a unit; every opcode is at least a byte."""
        base, span, first = special
        now = _Row()
        while self._at < end:
            opcode = self._fixed(1)
            if opcode >= first:
                now.address += (opcode - first) // span * step_bytes
                now.line += base + (opcode - first) % span
                self._note(now, files)
            elif opcode == 0:
                now = self._extended(now)
            elif opcode == _COPY:
                self._note(now, files)
            elif opcode == _ADVANCE_PC:
                now.address += self._leb() * step_bytes
            elif opcode == _ADVANCE_LINE:
                now.line += self._signed_leb()
            elif opcode == _SET_FILE:
                now.file = self._leb()
            elif opcode == _CONST_ADD_PC:
                now.address += (255 - first) // span * step_bytes
            elif opcode == _FIXED_ADVANCE:
                now.address += self._fixed(2)
            else:
                for _ in range(operands[opcode]):
                    self._leb()

    def _extended(self, now: _Row) -> _Row:
        length = self._leb()
        after = self._at + length
        kind = self._fixed(1)
        if kind == _SET_ADDRESS:
            now.section, value = self._targets.get(self._at, (None, 0))
            now.address = value + self._fixed(min(8, length - 1))
        elif kind == _END_SEQUENCE:
            self._note(now, [])
            now = _Row()
        self._at = max(after, self._at)
        return now

    def _note(self, now: _Row, files: list[str]) -> None:
        """Note where a line begins; without files, that nothing is known from there on."""
        if now.section is None:
            return
        self._rows += 1
        if self._rows > _MAX_ROWS:
            raise ValueError("more lines than anyone writes")
        known = 0 <= now.file < len(files) and files[now.file] and now.line > 0
        text = f"{files[now.file][:_MAX_NAME_BYTES]}:{now.line}" if known else None
        self._lines.rows.setdefault(now.section, []).append((now.address, text))

    def _fixed(self, size: int) -> int:
        content = self._table[self._at : self._at + size]
        if size < 1 or self._at + size > self._end:
            raise ValueError("the table ends early")
        self._at += size
        return int.from_bytes(content, "little")

    def _text(self) -> str:
        end = self._table.index(b"\0", self._at, self._end)
        text = self._table[self._at : end].decode("latin-1")
        self._at = end + 1
        return text

    def _leb(self) -> int:
        return self._leb_with_length()[0]

    def _signed_leb(self) -> int:
        value, bits = self._leb_with_length()
        return value - (1 << bits) if value >> (bits - 1) else value

    def _leb_with_length(self) -> tuple[int, int]:
        value = bits = 0
        while True:
            byte = self._fixed(1)
            value |= (byte & 0x7F) << bits
            bits += 7
            if not byte & 0x80:
                return value, bits
            if bits > 70:
                raise ValueError("a number of more than 70 bits")
