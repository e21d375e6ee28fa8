"""Our own scan of an untrusted module, before any engine sees it.

It bounds everything whose cost an engine does not bound: lengths, counts, nesting, locals, limits
of memory and table. It does not check types; that is the validator's part.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import MAX_PAGES_AND_ELEMENTS, Hook, RuntimeLimits
from tinycontainer.text import show

from .body import scan_body, scan_constant
from .features import BY_SECTION, BY_TYPE_FORM, BY_VALUE_TYPE, Feature, find_limits_feature
from .formats import HEADER, refuse_format
from .native_types import HOOKS, MEMORY_EXPORT, MODULE, NATIVES
from .reader import FunctionType, Reader
from .refusal import ScanRefusal, Topic
from .remedies import complete_refusal

MAX_SECTIONS: Final = 32
MAX_PARAMETERS = 64
MAX_RESULTS = 16
MAX_SEGMENTS: Final = 1024
"""Of data, and as many of elements: each costs an instance time, also if it is empty (TC-RT-20)."""
MAX_GLOBALS: Final = 4096
"""Of the module's own; each costs an instance time too."""
_CUSTOM, _TYPE, _IMPORT, _FUNCTION, _TABLE, _MEMORY, _GLOBAL = range(7)
_EXPORT, _START, _ELEMENT, _CODE, _DATA, _DATA_COUNT = range(7, 13)
# fmt: off
_ORDER: Final = (
    _TYPE, _IMPORT, _FUNCTION, _TABLE, _MEMORY, _GLOBAL, _EXPORT, _START, _ELEMENT, _DATA_COUNT,
    _CODE, _DATA,
)
# fmt: on
_VALUE_TYPES: Final = frozenset({0x7F, 0x7E, 0x7D, 0x7C, 0x70, 0x6F})
_FUNCREF = 0x70
_REFERENCE_TYPES: Final = frozenset({0x70, 0x6F})
_TOPICS_OF_IMPORTS: Final = {
    "abort": Topic.ABORT,
    "memory": Topic.IMPORTED_MEMORY,
    "__linear_memory": Topic.UNLINKED,
    # What compilers call for loops over memory, also where a program names no library.
    **dict.fromkeys(("memset", "memcpy", "memmove"), Topic.MEMORY_FUNCTIONS),
}
_EXTERNAL_FUNCTION = 0
_EXTERNAL_MEMORY = 2
EXTERNAL_GLOBAL = 3


@dataclass(slots=True)
class ScannedModule:
    """What the scan learned of a module. It is shared: nobody changes it after the scan.

    Attributes:
        types: function types.
        imports: names of imported native functions, in order.
        functions: type index of each function, imported ones first.
        exports: kind and index of each export.
        start: index of the start function; None if there is none.
        memory: minimum and maximum pages; the maximum is None if not given.
        tables: how many tables there are.
        table_type: what the table holds, as a byte of the format.
        table_maximum: maximum of the table's elements; None if not given.
        elements: how many elements there are in all segments together.
        globals: how many globals there are.
        references: functions that element segments and globals refer to.
        spans: offset and end of each function body, its size not included.
        sections: offset and end of each section that is not custom, headers included.
    """

    types: list[FunctionType] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    exports: dict[str, tuple[int, int]] = field(default_factory=dict)
    start: int | None = None
    memory: tuple[int, int | None] | None = None
    tables: int = 0
    table_type: int = _FUNCREF
    table_maximum: int | None = None
    elements: int = 0
    globals: int = 0
    references: set[int] = field(default_factory=set)
    spans: list[tuple[int, int]] = field(default_factory=list)
    sections: list[tuple[int, int]] = field(default_factory=list)

    @property
    def memory_maximum(self) -> int | None:
        """Maximum pages of memory; None if not given."""
        return None if self.memory is None else self.memory[1]

    @property
    def handed_on(self) -> set[int]:
        """Functions that element segments, globals and exports refer to."""
        exported = (index for kind, index in self.exports.values() if kind == _EXTERNAL_FUNCTION)
        return self.references.union(exported)

    @property
    def bodies(self) -> int:
        """How many function bodies there are."""
        return len(self.spans)

    @property
    def body_bytes(self) -> int:
        """Bytes of all function bodies, in the module that was scanned."""
        return sum(end - start for start, end in self.spans)

    def function_type(self, index: int) -> FunctionType | None:
        """The type of a function, if there is one with this index."""
        if index >= len(self.functions) or self.functions[index] >= len(self.types):
            return None
        return self.types[self.functions[index]]

    def hook_functions(self) -> dict[Hook, tuple[int, ...]]:
        """Indexes of the functions of each hook, in order; START includes the start function."""
        hooks: dict[Hook, tuple[int, ...]] = {}
        for hook in Hook:
            exported = self.exports.get(hook.value)
            hooks[hook] = () if exported is None else (exported[1],)
        if self.start is not None:
            hooks[Hook.START] = (self.start, *hooks[Hook.START])
        return hooks


def scan_module(code: bytes, limits: RuntimeLimits) -> ScannedModule:
    """Scan a module.

    Raises:
        InadmissibleCode: with the offset and the reason.
    """
    if len(code) > limits.code_bytes:
        raise InadmissibleCode(f"{len(code)} bytes where at most {limits.code_bytes} are allowed")
    if not code.startswith(HEADER):
        raise refuse_format(code)
    try:
        module = _Scan(code, limits).run()
        _require_exports(module, code)
    except ScanRefusal as refusal:
        raise complete_refusal(refusal, code) from None
    return module


class _Scan:
    def __init__(self, code: bytes, limits: RuntimeLimits) -> None:
        self._reader = Reader(code, len(HEADER), len(code))
        self._limits = limits
        self._module = ScannedModule()
        self._handlers: dict[int, Callable[[Reader], object]] = {
            _TYPE: self._scan_types,
            _IMPORT: self._scan_imports,
            _FUNCTION: self._scan_functions,
            _TABLE: self._scan_tables,
            _MEMORY: self._scan_memories,
            _GLOBAL: self._scan_globals,
            _EXPORT: self._scan_exports,
            _START: self._scan_start,
            _ELEMENT: self._scan_elements,
            _DATA_COUNT: Reader.read_u32,
            _CODE: self._scan_code,
            _DATA: self._scan_data,
        }

    def run(self) -> ScannedModule:
        reader = self._reader
        place = -1
        sections = 0
        while reader.remaining:
            start = reader.offset
            sections += 1
            if sections > MAX_SECTIONS:
                raise reader.fail(f"more than {MAX_SECTIONS} sections")
            section = reader.read_byte()
            size = reader.read_u32()
            if size > reader.remaining:
                raise reader.fail(f"section {section} ends after the module", start)
            body = Reader(reader.data, reader.offset, reader.offset + size)
            reader.skip(size)
            if section == _CUSTOM:
                body.read_name()
                continue
            if section in BY_SECTION:
                raise reader.fail_feature(BY_SECTION[section], start)
            if section not in self._handlers:
                raise reader.fail(f"unknown section {section}", start)
            if _ORDER.index(section) <= place:
                raise reader.fail(f"section {section} is out of order", start)
            place = _ORDER.index(section)
            self._handlers[section](body)
            if body.remaining:
                raise body.fail(f"section {section} holds more than it announces")
            self._module.sections.append((start, reader.offset))
        return self._module

    def _scan_types(self, reader: Reader) -> None:
        for _ in range(reader.read_count("types")):
            form = reader.read_byte()
            if form in BY_TYPE_FORM:
                raise reader.fail_feature(BY_TYPE_FORM[form], reader.offset - 1)
            if form != 0x60:
                raise reader.fail("not a function type", reader.offset - 1)
            parameters = self._scan_value_types(reader, MAX_PARAMETERS, "parameters")
            results = self._scan_value_types(reader, MAX_RESULTS, "results")
            self._module.types.append(FunctionType(parameters, results))

    def _scan_value_types(self, reader: Reader, maximum: int, what: str) -> tuple[int, ...]:
        number = reader.read_count(what, maximum)
        return tuple(self._read_one_of(reader, _VALUE_TYPES, "value type") for _ in range(number))

    def _read_one_of(self, reader: Reader, allowed: frozenset[int], what: str) -> int:
        value = reader.read_byte()
        if value not in allowed and value in BY_VALUE_TYPE:
            raise reader.fail_feature(BY_VALUE_TYPE[value], reader.offset - 1)
        if value not in allowed:
            raise reader.fail(f"{value:#x} is no {what} that is allowed", reader.offset - 1)
        return value

    def _scan_imports(self, reader: Reader) -> None:
        for _ in range(reader.read_count("imports")):
            start = reader.offset
            origin = reader.read_name()
            name = reader.read_name()
            kind = reader.read_byte()
            if problem := self._scan_import(reader, kind, origin, name):
                shown = f"import {show(origin, 40)}.{show(name, 40)}"
                topic = _find_import_topic(kind, origin, name)
                raise reader.fail(f"{shown} {problem}", start, topic)

    def _scan_import(self, reader: Reader, kind: int, origin: str, name: str) -> str | None:
        """Note an import; return why it is refused, or None."""
        if kind != _EXTERNAL_FUNCTION:
            return "is not a function"
        index = reader.read_u32()
        if origin != MODULE or name not in NATIVES:
            return "is not offered by this device"
        found = self._module.types[index] if index < len(self._module.types) else None
        if found != NATIVES[name]:
            return f"has type {found}, not {NATIVES[name]}"
        self._module.imports.append(name)
        self._module.functions.append(index)
        return None

    def _scan_functions(self, reader: Reader) -> None:
        for _ in range(reader.read_count("functions")):
            self._module.functions.append(reader.read_u32())

    def _scan_tables(self, reader: Reader) -> None:
        for _ in range(reader.read_count("tables")):
            self._module.tables += 1
            if self._module.tables > 1:
                raise reader.fail("more than one table")
            self._module.table_type = self._read_one_of(reader, _REFERENCE_TYPES, "reference type")
            _, self._module.table_maximum = self._scan_size_limits(
                reader, self._limits.table_elements, Topic.TABLE_ELEMENTS
            )

    def _scan_memories(self, reader: Reader) -> None:
        for _ in range(reader.read_count("memories")):
            if self._module.memory is not None:
                raise reader.fail("more than one memory", topic=Feature.MULTI_MEMORY)
            self._module.memory = self._scan_size_limits(
                reader, self._limits.memory_pages, Topic.MEMORY_PAGES
            )

    def _scan_size_limits(
        self, reader: Reader, allowed: int, topic: Topic
    ) -> tuple[int, int | None]:
        start = reader.offset
        flags = reader.read_byte()
        if flags not in (0, 1):
            feature = find_limits_feature(flags)
            if feature is not None:
                raise reader.fail_feature(feature, start)
            raise reader.fail(f"limits of kind {flags} are not allowed", start)
        minimum = reader.read_u32()
        maximum = reader.read_u32() if flags else None
        # A maximum is the module's own promise: growth ends at the device's limit all the same.
        if minimum > allowed:
            what = f"minimum of {minimum} {topic.value.replace('_', ' ')}; {allowed} are allowed"
            allow = minimum if minimum <= MAX_PAGES_AND_ELEMENTS else None
            raise reader.fail(what, start, topic, allow)
        return minimum, maximum

    def _scan_globals(self, reader: Reader) -> None:
        for _ in range(reader.read_count("globals", MAX_GLOBALS)):
            self._read_one_of(reader, _VALUE_TYPES, "value type")
            self._read_one_of(reader, frozenset({0, 1}), "mutability")
            self._note_reference(scan_constant(reader, self._limits))
            self._module.globals += 1

    def _scan_exports(self, reader: Reader) -> None:
        for _ in range(reader.read_count("exports")):
            start = reader.offset
            name = reader.read_name()
            if name in self._module.exports:
                raise reader.fail(f"export {show(name, 40)} occurs twice", start)
            self._module.exports[name] = reader.read_byte(), reader.read_u32()

    def _scan_start(self, reader: Reader) -> None:
        self._module.start = reader.read_u32()

    def _scan_elements(self, reader: Reader) -> None:
        for _ in range(reader.read_count("element segments", MAX_SEGMENTS)):
            kind = reader.read_u32()
            if kind > 7:
                raise reader.fail(f"element segment of kind {kind}")
            passive = kind & 1
            explicit = kind & 2
            expressions = kind & 4
            if explicit and not passive:
                reader.read_u32()
            if not passive:
                scan_constant(reader, self._limits)
            if passive or explicit:
                reader.read_byte()
            self._scan_element_items(reader, bool(expressions))

    def _scan_element_items(self, reader: Reader, expressions: bool) -> None:
        number = reader.read_count("elements")
        self._module.elements += number
        allowed = 4 * self._limits.table_elements
        if self._module.elements > allowed:
            needed = -(-self._module.elements // 4)
            raise reader.fail(
                f"more than {allowed} elements in all segments",
                topic=Topic.TABLE_ELEMENTS,
                allow=needed if needed <= MAX_PAGES_AND_ELEMENTS else None,
            )
        for _ in range(number):
            self._note_reference(
                scan_constant(reader, self._limits) if expressions else reader.read_u32()
            )

    def _note_reference(self, function: int | None) -> None:
        if function is not None:
            self._module.references.add(function)

    def _scan_code(self, reader: Reader) -> None:
        for _ in range(reader.read_count("function bodies")):
            size = reader.read_u32()
            if size > reader.remaining:
                raise reader.fail("a function body ends after its section")
            body = Reader(reader.data, reader.offset, reader.offset + size)
            reader.skip(size)
            index = len(self._module.imports) + self._module.bodies
            kind = self._module.function_type(index)
            parameters = len(kind.parameters) if kind else 0
            self._module.spans.append((body.offset, body.end))
            try:
                scan_body(body, parameters, self._limits)
            except ScanRefusal as refusal:
                refusal.function = index
                raise

    def _scan_data(self, reader: Reader) -> None:
        for _ in range(reader.read_count("data segments", MAX_SEGMENTS)):
            kind = reader.read_u32()
            if kind > 2:
                raise reader.fail(f"data segment of kind {kind}")
            if kind == 2:
                reader.read_u32()
            if kind != 1:
                scan_constant(reader, self._limits)
            reader.skip(reader.read_u32())


def _find_import_topic(kind: int, origin: str, name: str) -> Topic | None:
    """What an import that is refused shows about how the module was built."""
    if origin.startswith("wasi"):
        return Topic.WASI
    if origin.startswith(("__wbindgen", "./")) or name.startswith("__wbindgen"):
        return Topic.JAVASCRIPT
    if name in _TOPICS_OF_IMPORTS:
        return _TOPICS_OF_IMPORTS[name]
    if kind != _EXTERNAL_FUNCTION or origin != MODULE or name in NATIVES:
        return None
    # No function of C has a point in its name. AssemblyScript imports `console.log` as it is.
    return Topic.BROWSER if "." in name else Topic.UNDEFINED


def _require_exports(module: ScannedModule, code: bytes) -> None:
    if module.bodies != len(module.functions) - len(module.imports):
        raise InadmissibleCode("functions and function bodies differ in number")
    if module.memory is None or module.exports.get(MEMORY_EXPORT) != (_EXTERNAL_MEMORY, 0):
        what = f"the export {MEMORY_EXPORT}, a memory of its own, is missing"
        raise ScanRefusal(len(code), what, Topic.MEMORY)
    if "loop" not in module.exports:
        raise ScanRefusal(len(code), "the export loop: () -> (i32) is missing", Topic.LOOP)
    if module.start is not None and module.function_type(module.start) != HOOKS["start"]:
        raise InadmissibleCode(
            f"the start function {module.start} does not exist, or has parameters or results"
        )
    for name, expected in HOOKS.items():
        if name not in module.exports:
            continue
        kind, index = module.exports[name]
        found = module.function_type(index) if kind == _EXTERNAL_FUNCTION else None
        if found != expected:
            raise InadmissibleCode(f"the export {name} has type {found}, not {expected}")
        if index < len(module.imports):
            raise InadmissibleCode(f"the export {name} is an imported function")
