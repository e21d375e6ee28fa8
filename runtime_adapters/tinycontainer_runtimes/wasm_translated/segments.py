"""What instances of a validated module begin with: globals, table, and segments."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from ..wasm import opcodes as op
from ..wasm.body import read_opcode
from ..wasm.formats import HEADER
from ..wasm.reader import Reader
from ..wasm.validation.numbers import read_signed
from .instructions.floats import f32_of, f64_of

_TABLE, _GLOBAL, _ELEMENT, _DATA = 4, 6, 9, 11

Value = int | float | None
"""Of a global: an unsigned number, a float, or a reference: the index of a function, or None."""

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Segment(Generic[Content]):
    """A segment of elements or of data.

    Attributes:
        content: references, or bytes.
        offset: where an active one is put; None if it is passive.
        is_declared: whether it only declares references, and is dropped at once.
    """

    content: Content
    offset: int | None = None
    is_declared: bool = False


@dataclass(slots=True)
class InitialState:
    """What an instance begins with. It is shared: nobody changes it after it was read.

    Attributes:
        globals: their values.
        table_elements: how many elements the table has.
        elements: segments of elements.
        data: segments of data.
    """

    globals: list[Value] = field(default_factory=list)
    table_elements: int = 0
    elements: list[Segment[tuple[Value, ...]]] = field(default_factory=list)
    data: list[Segment[bytes]] = field(default_factory=list)


def read_initial_state(code: bytes) -> InitialState:
    """Read what instances of a module begin with.

    Args:
        code: a module that was scanned and validated.
    """
    state = InitialState()
    readers: dict[int, Callable[[Reader, InitialState], None]] = {
        _TABLE: _read_tables,
        _GLOBAL: _read_globals,
        _ELEMENT: _read_elements,
        _DATA: _read_data,
    }
    reader = Reader(code, len(HEADER), len(code))
    while reader.remaining:
        section = reader.read_byte()
        size = reader.read_u32()
        if section in readers:
            readers[section](Reader(code, reader.offset, reader.offset + size), state)
        reader.skip(size)
    return state


def _read_tables(reader: Reader, state: InitialState) -> None:
    for _ in range(reader.read_u32()):
        reader.read_byte()
        has_maximum = reader.read_byte()
        state.table_elements = reader.read_u32()
        if has_maximum:
            reader.read_u32()


def _read_globals(reader: Reader, state: InitialState) -> None:
    for _ in range(reader.read_u32()):
        reader.skip(2)
        state.globals.append(_read_constant(reader, state))


def _read_elements(reader: Reader, state: InitialState) -> None:
    for _ in range(reader.read_u32()):
        kind = reader.read_u32()
        if kind & 3 == 2:
            reader.read_u32()
        offset = _read_offset(reader, state) if not kind & 1 else None
        if kind & 3:
            reader.read_byte()
        content = tuple(
            _read_constant(reader, state) if kind & 4 else reader.read_u32()
            for _ in range(reader.read_u32())
        )
        state.elements.append(Segment(content, offset, is_declared=kind & 3 == 3))


def _read_data(reader: Reader, state: InitialState) -> None:
    for _ in range(reader.read_u32()):
        kind = reader.read_u32()
        if kind == 2:
            reader.read_u32()
        offset = _read_offset(reader, state) if kind != 1 else None
        size = reader.read_u32()
        content = reader.data[reader.offset : reader.offset + size]
        reader.skip(size)
        state.data.append(Segment(content, offset))


def _read_offset(reader: Reader, state: InitialState) -> int:
    return int(_read_constant(reader, state) or 0)


def _read_constant(reader: Reader, state: InitialState) -> Value:
    opcode = read_opcode(reader)
    value = _CONSTANTS[opcode](reader, state)
    reader.read_byte()  # the end
    return value


def _read_bits(reader: Reader, size: int) -> int:
    start = reader.offset
    reader.skip(size)
    return int.from_bytes(reader.data[start : reader.offset], "little")


def _read_null(reader: Reader, _state: InitialState) -> None:
    reader.read_byte()


_CONSTANTS: Final[dict[int, Callable[[Reader, InitialState], Value]]] = {
    op.I32_CONST: lambda reader, _: read_signed(reader, 32) & 0xFFFF_FFFF,
    op.I64_CONST: lambda reader, _: read_signed(reader, 64) & 0xFFFF_FFFF_FFFF_FFFF,
    op.F32_CONST: lambda reader, _: f32_of(_read_bits(reader, 4)),
    op.F64_CONST: lambda reader, _: f64_of(_read_bits(reader, 8)),
    op.REF_FUNC: lambda reader, _: reader.read_u32(),
    op.REF_NULL: _read_null,
    op.GLOBAL_GET: lambda reader, state: state.globals[reader.read_u32()],
}
