"""Validates a whole module: sections in one pass, each against what was declared before it."""

from collections.abc import Callable
from typing import Final

from tinycontainer.text import show

from .. import opcodes as op
from ..body import read_opcode, skip_immediates
from ..formats import HEADER
from ..reader import FunctionType, Reader
from .body import validate_body
from .context import GlobalType, ModuleContext
from .numbers import read_signed
from .value_types import F32, F64, FUNCREF, I32, I64, REFERENCES, VALUE_TYPES, name_type

MAX_PAGES: Final = 65_536
_MAX_SECTIONS: Final = 1 << 16
_CUSTOM: Final = 0
_FUNCTION, _TABLE, _MEMORY, _GLOBAL = range(4)
"""Kinds of imports and exports."""
_FUNCTION_FORM: Final = 0x60
_CONSTANTS: Final = {
    op.I32_CONST: I32,
    op.I64_CONST: I64,
    op.F32_CONST: F32,
    op.F64_CONST: F64,
}


def validate_module(code: bytes) -> None:
    """Validate a module by WebAssembly 2.0 without SIMD.

    Time and memory are linear in its length times the most results of a type; the scan, which comes
    first, bounds those.

    Args:
        code: untrusted bytes.

    Raises:
        InadmissibleCode: it is malformed or not valid; with the offset and the reason.
    """
    _Module(code).run()


class _Module:
    def __init__(self, code: bytes) -> None:
        self._reader = Reader(code, 0, len(code))
        self._context = ModuleContext()
        self._bodies = 0
        self._data_segments = 0
        self._imported_functions = 0
        self._sections: dict[int, Callable[[Reader], None]] = {
            1: self._read_types,
            2: self._read_imports,
            3: self._read_functions,
            4: self._read_tables,
            5: self._read_memories,
            6: self._read_globals,
            7: self._read_exports,
            8: self._read_start,
            9: self._read_elements,
            12: self._read_data_count,
            10: self._read_code,
            11: self._read_data,
        }
        """In the order in which they must come."""

    def run(self) -> None:
        reader = self._reader
        if reader.data[: len(HEADER)] != HEADER:
            raise reader.fail("no module of version 1 begins like this")
        reader.skip(len(HEADER))
        order = {section: place for place, section in enumerate(self._sections)}
        place = -1
        while reader.remaining:
            start = reader.offset
            section = reader.read_byte()
            size = reader.read_u32()
            if size > reader.remaining:
                raise reader.fail(f"section {section} ends after the module", start)
            content = Reader(reader.data, reader.offset, reader.offset + size)
            reader.skip(size)
            if section == _CUSTOM:
                content.read_name()
                continue
            if order.get(section, -1) <= place:
                raise reader.fail(f"section {section} is unknown, or does not come here", start)
            place = order[section]
            self._sections[section](content)
            if content.remaining:
                raise content.fail(f"section {section} holds more than it announces")
        self._require_complete()

    def _require_complete(self) -> None:
        context, reader = self._context, self._reader
        if self._bodies != len(context.functions) - self._imported_functions:
            raise reader.fail("functions and their bodies differ in number")
        if context.data_count not in (None, self._data_segments):
            raise reader.fail("there are not as many segments of data as announced")

    # Types and imports

    def _read_types(self, reader: Reader) -> None:
        for _ in range(reader.read_count("types")):
            if reader.read_byte() != _FUNCTION_FORM:
                raise reader.fail("not a type of functions", reader.offset - 1)
            parameters = self._read_value_types(reader, "parameters")
            results = self._read_value_types(reader, "results")
            self._context.types.append(FunctionType(parameters, results))

    def _read_value_types(self, reader: Reader, what: str) -> tuple[int, ...]:
        number = reader.read_count(what)
        return tuple(_read_among(reader, VALUE_TYPES, "value type") for _ in range(number))

    def _read_imports(self, reader: Reader) -> None:
        context = self._context
        for _ in range(reader.read_count("imports")):
            reader.read_name()
            reader.read_name()
            kind = reader.read_byte()
            if kind == _FUNCTION:
                context.functions.append(self._read_type_index(reader))
                self._imported_functions += 1
            elif kind == _TABLE:
                self._read_table_type(reader)
            elif kind == _MEMORY:
                self._read_memory_type(reader)
            elif kind == _GLOBAL:
                context.globals.append(self._read_global_type(reader))
                context.imported_globals += 1
            else:
                raise reader.fail(f"imports of kind {kind} do not exist", reader.offset - 1)

    def _read_type_index(self, reader: Reader) -> int:
        index = reader.read_u32()
        if index >= len(self._context.types):
            raise reader.fail(f"there is no type {index}")
        return index

    # Declarations

    def _read_functions(self, reader: Reader) -> None:
        for _ in range(reader.read_count("functions")):
            self._context.functions.append(self._read_type_index(reader))

    def _read_tables(self, reader: Reader) -> None:
        for _ in range(reader.read_count("tables")):
            self._read_table_type(reader)

    def _read_table_type(self, reader: Reader) -> None:
        self._context.tables.append(_read_among(reader, REFERENCES, "reference type"))
        _read_limits(reader, (1 << 32) - 1)

    def _read_memories(self, reader: Reader) -> None:
        for _ in range(reader.read_count("memories")):
            self._read_memory_type(reader)

    def _read_memory_type(self, reader: Reader) -> None:
        if self._context.memories:
            raise reader.fail("more than one memory")
        self._context.memories = 1
        _read_limits(reader, MAX_PAGES)

    def _read_globals(self, reader: Reader) -> None:
        for _ in range(reader.read_count("globals")):
            declared = self._read_global_type(reader)
            self._read_constant(reader, declared.value_type)
            self._context.globals.append(declared)

    def _read_global_type(self, reader: Reader) -> GlobalType:
        value_type = _read_among(reader, VALUE_TYPES, "value type")
        return GlobalType(value_type, bool(_read_among(reader, {0, 1}, "mutability")))

    def _read_exports(self, reader: Reader) -> None:
        context = self._context
        names = set()
        for _ in range(reader.read_count("exports")):
            start = reader.offset
            name = reader.read_name()
            if name in names:
                raise reader.fail(f"export {show(name, 40)} occurs twice", start)
            names.add(name)
            kind, index = reader.read_byte(), reader.read_u32()
            numbers = {
                _FUNCTION: len(context.functions),
                _TABLE: len(context.tables),
                _MEMORY: context.memories,
                _GLOBAL: len(context.globals),
            }
            if index >= numbers.get(kind, 0):
                raise reader.fail(f"export {show(name, 40)} is of nothing that is there", start)
            if kind == _FUNCTION:
                context.references.add(index)

    def _read_start(self, reader: Reader) -> None:
        index = reader.read_u32()
        if index >= len(self._context.functions):
            raise reader.fail(f"there is no function {index}")
        if self._context.function_type(index) != FunctionType():
            raise reader.fail("the start function takes or gives something")

    # Segments and bodies

    def _read_elements(self, reader: Reader) -> None:
        for _ in range(reader.read_count("segments of elements")):
            start = reader.offset
            kind = reader.read_u32()
            if kind > 7:
                raise reader.fail(f"segments of elements of kind {kind} do not exist", start)
            is_active, has_expressions = not kind & 1, bool(kind & 4)
            names_more = bool(kind & 3)
            table = reader.read_u32() if kind & 3 == 2 else 0
            if is_active:
                self._read_constant(reader, I32)
            held = FUNCREF
            if names_more and has_expressions:
                held = _read_among(reader, REFERENCES, "reference type")
            elif names_more:
                _read_among(reader, {0}, "kind of elements")
            if is_active and self._find_table(reader, table, start) != held:
                raise reader.fail("the segment holds another type than its table", start)
            for _ in range(reader.read_count("elements")):
                if has_expressions:
                    self._read_constant(reader, held)
                else:
                    self._refer(reader, reader.read_u32())
            self._context.elements.append(held)

    def _find_table(self, reader: Reader, index: int, start: int) -> int:
        if index >= len(self._context.tables):
            raise reader.fail(f"there is no table {index}", start)
        return self._context.tables[index]

    def _refer(self, reader: Reader, function: int) -> None:
        if function >= len(self._context.functions):
            raise reader.fail(f"there is no function {function}")
        self._context.references.add(function)

    def _read_data_count(self, reader: Reader) -> None:
        self._context.data_count = reader.read_u32()

    def _read_code(self, reader: Reader) -> None:
        context = self._context
        bodies = reader.read_count("bodies")
        if bodies != len(context.functions) - self._imported_functions:
            raise reader.fail("functions and their bodies differ in number")
        for index in range(self._imported_functions, len(context.functions)):
            size = reader.read_u32()
            if size > reader.remaining:
                raise reader.fail("a body ends after its section")
            body = Reader(reader.data, reader.offset, reader.offset + size)
            reader.skip(size)
            validate_body(context, context.function_type(index), body)
        self._bodies = bodies

    def _read_data(self, reader: Reader) -> None:
        self._data_segments = reader.read_count("segments of data")
        for _ in range(self._data_segments):
            start = reader.offset
            kind = reader.read_u32()
            if kind > 2:
                raise reader.fail(f"segments of data of kind {kind} do not exist", start)
            memory = reader.read_u32() if kind == 2 else 0
            if kind != 1:
                if memory >= self._context.memories:
                    raise reader.fail(f"there is no memory {memory}", start)
                self._read_constant(reader, I32)
            reader.skip(reader.read_u32())

    # Constant expressions

    def _read_constant(self, reader: Reader, wanted: int) -> None:
        start = reader.offset
        found = self._read_constant_type(reader, start)
        if found != wanted:
            text = f"{name_type(wanted)} is wanted, and {name_type(found)} is there"
            raise reader.fail(text, start)
        if read_opcode(reader) != op.END:
            raise reader.fail("a constant expression is one instruction", start)

    def _read_constant_type(self, reader: Reader, start: int) -> int:
        opcode = read_opcode(reader)
        if opcode == op.GLOBAL_GET:
            index = reader.read_u32()
            # Only imported ones, as the standard says; others would have to be there in time.
            if index >= self._context.imported_globals or self._context.globals[index].is_mutable:
                raise reader.fail(f"global {index} is no imported constant", start)
            return self._context.globals[index].value_type
        if opcode == op.REF_FUNC:
            self._refer(reader, reader.read_u32())
            return FUNCREF
        if opcode == op.REF_NULL:
            return _read_among(reader, REFERENCES, "reference type")
        if opcode not in _CONSTANTS:
            raise reader.fail("this is no constant expression", start)
        if opcode in (op.I32_CONST, op.I64_CONST):
            read_signed(reader, 32 if opcode == op.I32_CONST else 64)
        else:
            skip_immediates(reader, opcode)
        return _CONSTANTS[opcode]


def _read_among(reader: Reader, allowed: frozenset[int] | set[int], what: str) -> int:
    value = reader.read_byte()
    if value not in allowed:
        raise reader.fail(f"{value:#x} is no {what}", reader.offset - 1)
    return value


def _read_limits(reader: Reader, most: int) -> None:
    start = reader.offset
    has_maximum = _read_among(reader, {0, 1}, "kind of limits")
    minimum = reader.read_u32()
    maximum = reader.read_u32() if has_maximum else most
    if not minimum <= maximum <= most:
        raise reader.fail(f"limits of {minimum} to {maximum} are not allowed", start)
