"""The entry point ``wasm`` of ``tinycontainer.analysers``: what a module shows without being run.

It rests on the scan, so it takes apart what that admits and nothing else. A value that ``open`` is
called with is a constant if ``i32.const`` comes immediately before the call: nothing can jump in
between, since only blocks have labels. Every other value is computed, and so are all of them
if a reference to ``open`` is handed on.
"""

from dataclasses import dataclass, field
from typing import Final

from tinycontainer.interfaces.analysis import CodeFacts
from tinycontainer.interfaces.integers import UINT32_MASK
from tinycontainer.interfaces.runtime import (
    MAX_BLOCK_DEPTH,
    MAX_LOCALS,
    MAX_PAGES_AND_ELEMENTS,
    PAGE_BYTES,
    RuntimeLimits,
)

from .body import read_opcode, scan_locals, skip_immediates
from .native_types import HOOKS
from .opcodes import CALL, I32_CONST, MEMORY_GROW, REF_FUNC
from .reader import Reader
from .scan import EXTERNAL_GLOBAL, ScannedModule, scan_module

LIMITS: Final = RuntimeLimits(
    code_bytes=1 << 24,
    memory_pages=MAX_PAGES_AND_ELEMENTS,
    table_elements=MAX_PAGES_AND_ELEMENTS,
    call_depth=1000,
    locals_per_function=MAX_LOCALS,
    stack_values=1 << 20,
    block_depth=MAX_BLOCK_DEPTH,
)
"""The widest that any device can have: what a device takes is not the analyser's to judge."""

_OPEN: Final = "open"


def analyse(code: bytes) -> CodeFacts:
    """Take a module apart; see `tinycontainer.interfaces.analysis`.

    Raises:
        InadmissibleCode: the scan refuses it.
    """
    module = scan_module(code, LIMITS)
    calls = _Calls(len(module.imports))
    opens = {index for index, name in enumerate(module.imports) if name == _OPEN}
    for start, end in module.spans:
        _find_calls(Reader(code, start, end), opens, calls)
    handed_on = {index for index in module.handed_on | calls.references if index < calls.imported}
    return CodeFacts(
        natives=frozenset(module.imports[index] for index in calls.called | handed_on),
        imported=frozenset(module.imports),
        hooks=frozenset(HOOKS) & frozenset(module.exports),
        opened=frozenset(calls.opened),
        opens_computed=calls.opens_computed or bool(opens & handed_on),
        memory_bytes=_memory_bytes(module),
        exported_globals=frozenset(
            name for name, (kind, _) in module.exports.items() if kind == EXTERNAL_GLOBAL
        ),
        grows_memory=calls.grows_memory,
    )


@dataclass(slots=True)
class _Calls:
    """What function bodies do with imported functions.

    Attributes:
        imported: how many functions are imported; their indexes come first.
        called: indexes of imported functions that are called.
        references: indexes of functions of which a reference is taken.
        opened: constants that ``open`` is called with.
        opens_computed: whether it is called with other values.
        grows_memory: whether there is a ``memory.grow``.
    """

    imported: int
    called: set[int] = field(default_factory=set)
    references: set[int] = field(default_factory=set)
    opened: set[int] = field(default_factory=set)
    opens_computed: bool = False
    grows_memory: bool = False

    def note_open(self, constant: int | None) -> None:
        """``open`` is called."""
        if constant is None:
            self.opens_computed = True
        else:
            self.opened.add(constant)


def _find_calls(reader: Reader, opens: set[int], calls: _Calls) -> None:
    """Go through a function body that was scanned before."""
    scan_locals(reader, 0, LIMITS)
    constant: int | None = None
    while reader.remaining:
        opcode = read_opcode(reader)
        start = reader.offset
        calls.grows_memory |= opcode == MEMORY_GROW
        if opcode in (CALL, REF_FUNC):
            index = reader.read_u32()
            if opcode == REF_FUNC:
                calls.references.add(index)
            elif index < calls.imported:
                calls.called.add(index)
                if index in opens:
                    calls.note_open(constant)
            constant = None
            continue
        skip_immediates(reader, opcode)
        constant = (
            _decode_uint32(reader.data[start : reader.offset]) if opcode == I32_CONST else None
        )


def _decode_uint32(encoded: bytes) -> int:
    """A signed LEB128 number, as the unsigned 32 bits that an endpoint id is."""
    value = 0
    for place, byte in enumerate(encoded):
        value |= (byte & 0x7F) << 7 * place
    if encoded[-1] & 0x40:
        value -= 1 << 7 * len(encoded)
    return value & UINT32_MASK


def _memory_bytes(module: ScannedModule) -> int:
    return 0 if module.memory is None else module.memory[0] * PAGE_BYTES
