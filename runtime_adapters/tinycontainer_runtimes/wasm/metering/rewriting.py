"""Rewrites a scanned module for engines that compile it, so that they keep to our rules.

The start function belongs to the START hook, where it is metered; so its section is left out, and
every function that a hook consists of gets an export by its index instead. Function bodies get
places to stop before every straight line of code. Where calls may nest too deep, they are counted
in a global, which is exported.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tinycontainer.interfaces.runtime import RuntimeLimits

from .. import opcodes
from ..formats import HEADER
from ..reader import I32, Reader, encode_leb
from ..scan import ScannedModule
from .lines import Body, find_stops, insert, read_body
from .nesting import COUNTER_KIND, NOTHING, CountingCode, find_counting_code
from .places import OriginalPlaces

_TYPE = 1
_GLOBAL = 6
_EXPORT = 7
_START = 8
_CODE = 10
_FUNCTION_KIND = 0
_GLOBAL_KIND = 3


class RewrittenModule(NamedTuple):
    """A module as it is compiled, and where its code was before."""

    code: bytes
    places: OriginalPlaces


def rewrite_module(code: bytes, module: ScannedModule, limits: RuntimeLimits) -> RewrittenModule:
    """The module without custom sections and start section, with hooks exported by index.

    Args:
        code: a scanned module.
        module: what the scan learned of it.
        limits: those with which it was scanned.
    """
    bodies = [read_body(code, span, limits) for span in module.spans]
    counting = find_counting_code(code, module, bodies, limits.call_depth)
    counts = any(each is not NOTHING for each in counting)
    places = OriginalPlaces(len(module.imports))
    parts = [HEADER]
    for start, end in module.sections:
        if code[start] == _EXPORT:
            if counts:
                parts.append(_add_counter(code, module))
            parts.append(_add_exports(code, start, end, module, counts=counts))
        elif code[start] == _CODE:
            parts.append(_encode_bodies(_rewrite_bodies(code, module, bodies, counting, places)))
        elif code[start] == _TYPE:
            parts.append(_add_grow_types(code, start, end, module))
        elif not (code[start] == _START or (code[start] == _GLOBAL and counts)):
            parts.append(code[start:end])
    return RewrittenModule(b"".join(parts), places)


def _rewrite_bodies(
    code: bytes,
    module: ScannedModule,
    bodies: Sequence[Body],
    counting: Sequence[CountingCode],
    places: OriginalPlaces,
) -> list[bytes]:
    """The function bodies with places to stop; what is put in is noted."""
    natives = len(module.imports) if calls_natives_directly(module) else 0
    # Block types are signed numbers, negative where they are no index.
    grow_types = {
        opcode: encode_leb(len(module.types) + place, end=0x40)
        for place, opcode in enumerate((opcodes.MEMORY_GROW, opcodes.TABLE_GROW))
    }
    rewritten = []
    for span, body, added in zip(module.spans, bodies, counting, strict=True):
        insertions = list(find_stops(code, body, natives, grow_types, *added))
        places.add(span[0], body.offsets[0], insertions)
        rewritten.append(insert(code, span, insertions))
    return rewritten


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
    return _find_free_name(module, f"tinycontainer:{index}")


def counter_name(module: ScannedModule) -> str:
    """Under which name the prepared module exports the counter of its calls, if it has one."""
    return _find_free_name(module, "tinycontainer:calls")


def _find_free_name(module: ScannedModule, name: str) -> str:
    while name in module.exports:  # a tenant's own export may be called so
        name += "'"
    return name


def calls_natives_directly(module: ScannedModule) -> bool:
    """Whether no reference to a native function is handed on, so that all its calls are known."""
    return all(index >= len(module.imports) for index in module.handed_on)


def _add_grow_types(code: bytes, start: int, end: int, module: ScannedModule) -> bytes:
    """The type section; after the module's own types, what grows of memory and table take."""
    reader = Reader(code, start + 1, end)
    reader.read_u32()
    reader.read_u32()
    added = bytes([0x60, 1, I32, 1, I32, 0x60, 2, module.table_type, I32, 1, I32])
    number = encode_leb(len(module.types) + 2)
    return _encode_section(_TYPE, number + code[reader.offset : end] + added)


def _add_counter(code: bytes, module: ScannedModule) -> bytes:
    """The section of globals, with the counter of calls after the module's own."""
    own = b""
    for start, end in module.sections:
        if code[start] == _GLOBAL:
            reader = Reader(code, start + 1, end)
            reader.read_u32()
            reader.read_u32()
            own = code[reader.offset : end]
    counter = COUNTER_KIND + bytes([opcodes.I64_CONST, 0, opcodes.END])
    return _encode_section(_GLOBAL, encode_leb(module.globals + 1) + own + counter)


def _add_exports(
    code: bytes, start: int, end: int, module: ScannedModule, *, counts: bool
) -> bytes:
    reader = Reader(code, start + 1, end)
    reader.read_u32()
    reader.read_u32()
    indexes = sorted({index for hook in module.hook_functions().values() for index in hook})
    added = [(export_name(module, index), _FUNCTION_KIND, index) for index in indexes]
    if counts:
        added.append((counter_name(module), _GLOBAL_KIND, module.globals))
    encoded = [
        encode_leb(len(name)) + name.encode() + bytes([kind]) + encode_leb(index)
        for name, kind, index in added
    ]
    number = len(module.exports) + len(added)
    return _encode_section(
        _EXPORT, encode_leb(number) + code[reader.offset : end] + b"".join(encoded)
    )


def _encode_bodies(bodies: Sequence[bytes]) -> bytes:
    sized = [encode_leb(len(body)) + body for body in bodies]
    return _encode_section(_CODE, encode_leb(len(sized)) + b"".join(sized))


def _encode_section(section: int, payload: bytes) -> bytes:
    return bytes([section]) + encode_leb(len(payload)) + payload
