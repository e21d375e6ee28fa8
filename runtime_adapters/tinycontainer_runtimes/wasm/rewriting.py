"""Rewrites a scanned module for engines that compile it, so that they keep to our rules.

The start function belongs to the START hook, where it is metered; so its section is left out, and
every function that a hook consists of gets an export by its index instead. Function bodies get
places to stop before every straight line of code.
"""

from collections.abc import Iterable, Sequence

from tinycontainer.interfaces.runtime import RuntimeLimits

from . import opcodes
from .formats import HEADER
from .lines import insert_stops
from .reader import I32, Reader
from .scan import ScannedModule

_TYPE = 1
_EXPORT = 7
_START = 8
_CODE = 10
_FUNCTION_KIND = 0


def rewrite_module(code: bytes, module: ScannedModule, limits: RuntimeLimits) -> bytes:
    """The module without custom sections and start section, with hooks exported by index.

    Args:
        code: a scanned module.
        module: what the scan learned of it.
        limits: those with which it was scanned.
    """
    natives = len(module.imports) if calls_natives_directly(module) else 0
    # Block types are signed numbers, negative where they are no index.
    grow_types = {
        opcode: _encode_leb(len(module.types) + place, end=0x40)
        for place, opcode in enumerate((opcodes.MEMORY_GROW, opcodes.TABLE_GROW))
    }
    indexes = sorted({index for hook in module.hook_functions().values() for index in hook})
    parts = [HEADER]
    for start, end in module.sections:
        if code[start] == _EXPORT:
            parts.append(_add_exports(code, start, end, module, indexes))
        elif code[start] == _CODE:
            bodies = [
                insert_stops(code, span, natives, grow_types, limits) for span in module.spans
            ]
            parts.append(_encode_bodies(bodies))
        elif code[start] == _TYPE:
            parts.append(_add_grow_types(code, start, end, module))
        elif code[start] != _START:
            parts.append(code[start:end])
    return b"".join(parts)


def replace_bodies(code: bytes, module: ScannedModule, bodies: Sequence[bytes]) -> bytes:
    """The module without custom sections, with other function bodies.

    Args:
        code: a scanned module.
        module: what the scan learned of it.
        bodies: one for each of its own functions, without their sizes.
    """
    return HEADER + b"".join(
        _encode_bodies(bodies) if code[start] == _CODE else code[start:end]
        for start, end in module.sections
    )


def export_name(module: ScannedModule, index: int) -> str:
    """Under which name the prepared module exports a function of its hooks."""
    name = f"tinycontainer:{index}"
    while name in module.exports:  # a tenant's own export may be called so
        name += "'"
    return name


def calls_natives_directly(module: ScannedModule) -> bool:
    """Whether no reference to a native function is handed on, so that all its calls are known."""
    return all(index >= len(module.imports) for index in module.references)


def _add_grow_types(code: bytes, start: int, end: int, module: ScannedModule) -> bytes:
    """The type section; after the module's own types, what grows of memory and table take."""
    reader = Reader(code, start + 1, end)
    reader.read_u32()
    reader.read_u32()
    added = bytes([0x60, 1, I32, 1, I32, 0x60, 2, module.table_type, I32, 1, I32])
    number = _encode_leb(len(module.types) + 2)
    return _encode_section(_TYPE, number + code[reader.offset : end] + added)


def _add_exports(
    code: bytes, start: int, end: int, module: ScannedModule, indexes: Iterable[int]
) -> bytes:
    reader = Reader(code, start + 1, end)
    reader.read_u32()
    reader.read_u32()
    added = [
        _encode_leb(len(name)) + name + bytes([_FUNCTION_KIND]) + _encode_leb(index)
        for index in indexes
        for name in (export_name(module, index).encode(),)
    ]
    number = len(module.exports) + len(added)
    return _encode_section(
        _EXPORT, _encode_leb(number) + code[reader.offset : end] + b"".join(added)
    )


def _encode_bodies(bodies: Sequence[bytes]) -> bytes:
    sized = [_encode_leb(len(body)) + body for body in bodies]
    return _encode_section(_CODE, _encode_leb(len(sized)) + b"".join(sized))


def _encode_section(section: int, payload: bytes) -> bytes:
    return bytes([section]) + _encode_leb(len(payload)) + payload


def _encode_leb(value: int, end: int = 0x80) -> bytes:
    parts = bytearray()
    while value >= end:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
