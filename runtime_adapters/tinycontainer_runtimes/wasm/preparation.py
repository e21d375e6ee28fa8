"""Rewrites an admitted module for engines that would run its start function when instantiating.

The start function belongs to the START hook, where it is metered; so its section is left out, and
every function that a hook consists of gets an export by its index instead.
"""

from collections.abc import Iterable

from .hooks import hook_functions
from .reader import Reader
from .scan import HEADER, Module

_EXPORT, _START = 7, 8
_FUNCTION_KIND = 0


def prepare(code: bytes, module: Module) -> bytes:
    """The module without custom sections and start section, with hooks exported by index.

    Args:
        code: an admitted module.
        module: what the scan learned of it.
    """
    indexes = sorted({index for hook in hook_functions(module).values() for index in hook})
    parts = [HEADER]
    for start, end in module.sections:
        if code[start] == _EXPORT:
            parts.append(_with_exports(code, start, end, module, indexes))
        elif code[start] != _START:
            parts.append(code[start:end])
    return b"".join(parts)


def export_name(module: Module, index: int) -> str:
    """Under which name the prepared module exports a function of its hooks."""
    name = f"tinycontainer:{index}"
    while name in module.exports:  # a tenant's own export may be called so
        name += "'"
    return name


def _with_exports(
    code: bytes, start: int, end: int, module: Module, indexes: Iterable[int]
) -> bytes:
    reader = Reader(code, start + 1, end)
    reader.u32()
    reader.u32()
    added = [
        _leb(len(name)) + name + bytes([_FUNCTION_KIND]) + _leb(index)
        for index in indexes
        for name in (export_name(module, index).encode(),)
    ]
    number = len(module.exports) + len(added)
    payload = _leb(number) + code[reader.offset : end] + b"".join(added)
    return bytes([_EXPORT]) + _leb(len(payload)) + payload


def _leb(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
