"""Source lines of instructions, from DWARF's line table (versions 2 to 5).

Whatever is damaged or unknown gives no lines and no error; what was read before is kept. Every loop
consumes bytes, so the time that it takes is proportional to the section. pyelftools, which reads
the rest of DWARF here, has no such bound for line tables.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from posixpath import join
from typing import Final, NamedTuple

from tinycontainer.interfaces.debug_info import MAX_ROWS

_STRING = 0x08
_STRP = 0x0E
_LINE_STRP = 0x1F
_UDATA = 0x0F
_BLOCK = 0x09
_FIXED: Final = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16}
_PATH: Final = 1
_DIRECTORY: Final = 2
_MAX_NAME_BYTES: Final = 1 << 10
NO_FILE: Final = -1
_COPY = 1
_ADVANCE_PC = 2
_ADVANCE_LINE = 3
_SET_FILE = 4
_CONST_ADD_PC = 8
_FIXED_ADVANCE = 9
_END_SEQUENCE = 1
_SET_ADDRESS = 2


class LineRow(NamedTuple):
    """Where a line begins.

    Attributes:
        address: of its first instruction.
        unit: offset of its unit in the table.
        file: index in the unit's list of files; `NO_FILE` where a sequence ends.
        line: from 1; 0 for code that belongs to no line.
    """

    address: int
    unit: int
    file: int
    line: int


@dataclass(slots=True)
class LineTable:
    """What a line table says.

    Attributes:
        sequences: rows of instructions that follow each other, in the order of the table; the last
            row of each has the address after it.
        files: paths of each unit, by its offset; as the compiler wrote them, untrusted.
    """

    sequences: list[list[LineRow]] = field(default_factory=list)
    files: dict[int, list[str]] = field(default_factory=dict)


def read_line_table(table: bytes, line_strings: bytes, strings: bytes) -> LineTable:
    """Read an untrusted line table.

    Args:
        table: the section ``.debug_line``, relocated.
        line_strings: the section ``.debug_line_str``.
        strings: the section ``.debug_str``.
    """
    lines = LineTable()
    with suppress(LookupError, ValueError, ArithmeticError):
        _Reader(table, {_LINE_STRP: line_strings, _STRP: strings}, lines).read_units()
    return lines


@dataclass(slots=True)
class _Registers:
    """Registers of the line program."""

    address: int = 0
    file: int = 1
    line: int = 1


@dataclass(slots=True)
class _Program:
    """A unit's line program: its numbers, and the sequence that it is in."""

    unit: int
    step_bytes: int
    base: int
    span: int
    operands: list[int]
    sequence: list[LineRow] = field(default_factory=list)


class _Reader:
    """Reads one line table."""

    def __init__(self, table: bytes, strings: dict[int, bytes], lines: LineTable) -> None:
        self._table = table
        self._strings = strings
        self._lines = lines
        self._at = 0
        self._end = len(table)
        self._rows = 0
        self._names: dict[tuple[int, int], str] = {}

    def read_units(self) -> None:
        while self._at < len(self._table):
            unit = self._at
            length = self._fixed(4)
            end = self._at + length
            if length >= 0xFFFFFFF0 or end > len(self._table):
                return
            self._end = end  # a unit that looks beyond its end could make the whole quadratic
            self._read_unit(unit, end)
            self._at = end
            self._end = len(self._table)

    def _read_unit(self, unit: int, end: int) -> None:
        version = self._fixed(2)
        if version >= 5:
            self._at += 2  # sizes of addresses and segment selectors
        header = self._fixed(4)
        begin = self._at + header
        step_bytes = self._fixed(1)
        self._at += 1 if version < 4 else 2  # (operations per instruction,) default_is_stmt
        base = self._fixed(1)
        span = self._fixed(1)
        first = self._fixed(1)
        base -= 256 if base > 127 else 0
        operands = [0, *(self._fixed(1) for _ in range(first - 1))]
        self._lines.files[unit] = self._read_files_of_5() if version >= 5 else self._read_files()
        self._at = begin
        self._run(end, _Program(unit, step_bytes, base, span, operands))

    def _read_files(self) -> list[str]:
        directories = [""]
        while name := self._text():
            directories.append(name)
        files = [""]
        while name := self._text():
            directory = self._leb()
            files.append(_join_path(directories, directory, name))
            self._leb()
            self._leb()
        return files

    def _read_files_of_5(self) -> list[str]:
        directories = [name for name, _ in self._read_entries()]
        # Directory 0 is the one that the compiler ran in; a path without it is relative to it.
        directories[:1] = [""]
        return [_join_path(directories, where, name) for name, where in self._read_entries()]

    def _read_entries(self) -> list[tuple[str, int]]:
        """Names, each with the number of its directory."""
        forms = [(self._leb(), self._leb()) for _ in range(self._fixed(1))]
        count = self._leb()
        if count and not forms:
            raise ValueError("entries of no bytes")
        return [self._read_entry(forms) for _ in range(count)]

    def _read_entry(self, forms: list[tuple[int, int]]) -> tuple[str, int]:
        name = ""
        directory = 0
        for kind, form in forms:
            value = self._form(form)
            if kind == _PATH and isinstance(value, str):
                name = value
            elif kind == _DIRECTORY and isinstance(value, int):
                directory = value
        return name, directory

    def _form(self, form: int) -> str | int:
        if form == _STRING:
            return self._text()
        if form in self._strings:
            return self._name_at(form, self._fixed(4))
        if form == _UDATA:
            return self._leb()
        if form == _BLOCK:
            self._at += self._leb()
            return 0
        if form not in _FIXED:
            raise ValueError("a form of unknown length")
        return self._fixed(_FIXED[form])

    def _name_at(self, form: int, start: int) -> str:
        """A name of a section of strings; each is kept once, however often it is mentioned."""
        if (form, start) not in self._names:
            raw = self._strings[form][start : start + _MAX_NAME_BYTES].split(b"\0")[0]
            self._names[form, start] = raw.decode("utf-8", "replace")
        return self._names[form, start]

    def _run(self, end: int, program: _Program) -> None:
        """Run the program of a unit; every opcode is at least a byte."""
        first = len(program.operands)
        now = _Registers()
        while self._at < end:
            opcode = self._fixed(1)
            if opcode >= first:
                now.address += (opcode - first) // program.span * program.step_bytes
                now.line += program.base + (opcode - first) % program.span
                self._note(now, program)
            elif opcode == 0:
                now = self._run_extended(now, program)
            elif opcode == _COPY:
                self._note(now, program)
            elif opcode == _ADVANCE_PC:
                now.address += self._leb() * program.step_bytes
            elif opcode == _ADVANCE_LINE:
                now.line += self._signed_leb()
            elif opcode == _SET_FILE:
                now.file = self._leb()
            elif opcode == _CONST_ADD_PC:
                now.address += (255 - first) // program.span * program.step_bytes
            elif opcode == _FIXED_ADVANCE:
                now.address += self._fixed(2)
            else:
                for _ in range(program.operands[opcode]):
                    self._leb()

    def _run_extended(self, now: _Registers, program: _Program) -> _Registers:
        length = self._leb()
        after = self._at + length
        kind = self._fixed(1)
        if kind == _SET_ADDRESS:
            now.address = self._fixed(min(8, length - 1))
        elif kind == _END_SEQUENCE:
            now.file, now.line = NO_FILE, 0
            self._note(now, program)
            self._lines.sequences.append(program.sequence)
            program.sequence = []
            now = _Registers()
        self._at = max(after, self._at)
        return now

    def _note(self, now: _Registers, program: _Program) -> None:
        """Note where a line begins."""
        self._rows += 1
        if self._rows > MAX_ROWS:
            raise ValueError("more lines than anyone writes")
        row = LineRow(now.address, program.unit, now.file, max(0, now.line))
        program.sequence.append(row)

    def _fixed(self, size: int) -> int:
        content = self._table[self._at : self._at + size]
        if size < 1 or self._at + size > self._end:
            raise ValueError("the table ends early")
        self._at += size
        return int.from_bytes(content, "little")

    def _text(self) -> str:
        end = self._table.index(b"\0", self._at, self._end)
        text = self._table[self._at : end].decode("utf-8", "replace")
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


def _join_path(directories: list[str], directory: int, name: str) -> str:
    return join(directories[directory], name) if directory < len(directories) else name
