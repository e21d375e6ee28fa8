"""Features of WebAssembly that are not admitted here, by the names that compilers give them."""

from enum import Enum
from typing import Final


class Feature(Enum):
    """A feature: its name, and the name of LLVM's target feature, if there is one."""

    SIMD = ("SIMD", "simd128")
    RELAXED_SIMD = ("relaxed SIMD", "relaxed-simd")
    TAIL_CALLS = ("tail calls", "tail-call")
    THREADS = ("threads (shared memory, atomics)", "atomics")
    MEMORY64 = ("memory64 (64-bit addresses)", "memory64")
    EXCEPTIONS = ("exception handling", "exception-handling")
    EXTENDED_CONST = ("extended constant expressions", "extended-const")
    MULTI_MEMORY = ("multiple memories", "multimemory")
    WIDE_ARITHMETIC = ("wide arithmetic", "wide-arithmetic")
    TYPED_REFERENCES = ("typed function references", "")
    GARBAGE_COLLECTION = ("garbage collection", "gc")
    STACK_SWITCHING = ("stack switching", "")
    CUSTOM_PAGE_SIZES = ("custom page sizes", "")
    STRINGS = ("reference-typed strings", "")

    def __init__(self, words: str, llvm: str) -> None:
        self.words = words
        self.llvm = llvm


_RELAXED_FROM: Final = 0x100
_WIDE: Final = range(0x13, 0x17)
_BY_OPCODE: Final = {
    **dict.fromkeys((0x06, 0x07, 0x08, 0x09, 0x0A, 0x18, 0x19, 0x1F), Feature.EXCEPTIONS),
    **dict.fromkeys((0x12, 0x13), Feature.TAIL_CALLS),
    **dict.fromkeys((0x14, 0x15, 0xD4, 0xD5, 0xD6), Feature.TYPED_REFERENCES),
    **dict.fromkeys(range(0xE0, 0xE7), Feature.STACK_SWITCHING),
    0xD3: Feature.GARBAGE_COLLECTION,
    0xFB: Feature.GARBAGE_COLLECTION,
    0xFD: Feature.SIMD,
    0xFE: Feature.THREADS,
}
BY_VALUE_TYPE: Final = {
    0x7B: Feature.SIMD,
    **dict.fromkeys((0x69, 0x74), Feature.EXCEPTIONS),
    **dict.fromkeys((0x63, 0x64), Feature.TYPED_REFERENCES),
    **dict.fromkeys((*range(0x6A, 0x6F), *range(0x71, 0x74)), Feature.GARBAGE_COLLECTION),
    **dict.fromkeys((0x68, 0x75), Feature.STACK_SWITCHING),
    0x67: Feature.STRINGS,
}
"""By the first byte of a value type."""
BY_TYPE_FORM: Final = {
    **dict.fromkeys((0x4E, 0x4F, 0x50, 0x5E, 0x5F), Feature.GARBAGE_COLLECTION),
    0x5D: Feature.STACK_SWITCHING,
}
"""By the first byte of a definition in the type section."""
BY_SECTION: Final = {13: Feature.EXCEPTIONS, 14: Feature.STRINGS}
EXTENDED_CONSTANTS: Final = frozenset({0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E})
"""Opcodes by which a constant expression is one of `Feature.EXTENDED_CONST`."""


def find_feature(opcode: int, number: int) -> Feature | None:
    """The feature that an instruction belongs to.

    Args:
        opcode: its first byte.
        number: what follows a prefix; 0 if nothing does.
    """
    if opcode == 0xFC:
        return Feature.WIDE_ARITHMETIC if number in _WIDE else None
    if opcode == 0xFD and number >= _RELAXED_FROM:
        return Feature.RELAXED_SIMD
    return _BY_OPCODE.get(opcode)


def find_limits_feature(flags: int) -> Feature | None:
    """The feature that flags of limits of a memory or table announce."""
    if flags & 0x04:
        return Feature.MEMORY64
    if flags & 0x02:
        return Feature.THREADS
    return Feature.CUSTOM_PAGE_SIZES if flags & 0x08 else None
