"""The scan of function bodies and constant expressions, in one flat pass without recursion."""

from collections.abc import Callable, Mapping
from typing import Final

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import MAX_BLOCK_DEPTH, MAX_LOCALS, RuntimeLimits

from .features import BY_VALUE_TYPE, EXTENDED_CONSTANTS, Feature, find_feature
from .opcodes import (
    BLOCKS,
    CONSTANT,
    END,
    FLOATS,
    IMMEDIATES,
    PREFIX,
    REF_FUNC,
    Immediates,
)
from .reader import Reader
from .refusal import Topic

_PREFIXES: Final = frozenset({0xFB, 0xFC, 0xFD, 0xFE})
_NO_FLOATS = "this device allows no floating point"

_ONE_BYTE: Final = frozenset(opcode for opcode in IMMEDIATES if opcode < PREFIX)
_MEMORY_FOLLOWS = 0x40
"""A bit of an alignment: the number of a memory comes before the offset."""
_S33_BYTES = 5
_S64_BYTES = 10


def scan_body(reader: Reader, parameters: int, limits: RuntimeLimits) -> None:
    """Scan one function body.

    Args:
        reader: over exactly the body.
        parameters: of the function; they count as locals.
        limits: what is allowed.

    Raises:
        InadmissibleCode: with the offset and the reason.
    """
    scan_locals(reader, parameters, limits)
    start = reader.offset
    depth = 1
    deepest = 1
    data = reader.data
    end = reader.end
    refused = frozenset[int]() if limits.floats else FLOATS
    while depth:
        place = reader.offset
        # Most opcodes have one byte. To read them here spares a call for each of 65,536 of them.
        opcode = data[place] if place < end else PREFIX
        if opcode in _ONE_BYTE:
            reader.offset = place + 1
        else:
            opcode = read_opcode(reader)
        if opcode in refused:
            raise reader.fail(_NO_FLOATS, place, Topic.FLOATS)
        if opcode == END:
            depth -= 1
        elif opcode in BLOCKS:
            depth += 1
            deepest = max(deepest, depth)
        if (skip := _SKIP[opcode]) is not None:
            skip(reader)
    if reader.remaining:
        raise reader.fail("bytes follow the end of a function")
    _check_depth(reader, start, deepest - 1, limits)


def _check_depth(reader: Reader, start: int, depth: int, limits: RuntimeLimits) -> None:
    allowed = limits.block_depth
    if depth > allowed:
        allow = depth if depth <= MAX_BLOCK_DEPTH else None
        what = f"blocks nested {depth} deep; {allowed} are allowed"
        raise reader.fail(what, start, Topic.BLOCK_DEPTH, allow)


def scan_constant(reader: Reader, limits: RuntimeLimits) -> int | None:
    """Scan a constant expression: one constant instruction and the end.

    Args:
        reader: where it begins.
        limits: what is allowed.

    Returns:
        The function that it is a reference to, if it is one.

    Raises:
        InadmissibleCode: anything else.
    """
    place = reader.offset
    opcode = read_opcode(reader)
    if opcode in FLOATS and not limits.floats:
        raise reader.fail(_NO_FLOATS, place, Topic.FLOATS)
    if opcode not in CONSTANT:
        raise reader.fail("not a constant expression", place)
    function = reader.read_u32() if opcode == REF_FUNC else None
    if function is None:
        skip_immediates(reader, opcode)
    if reader.read_byte() != END:
        raise _refuse_constant(reader)
    return function


def _refuse_constant(reader: Reader) -> InadmissibleCode:
    """The error for a constant expression that goes on after its first instruction."""
    start = reader.offset - 1
    reader.offset = start
    # Operands first, then the operator that shows whether it is an extended one.
    while reader.data[start] not in EXTENDED_CONSTANTS and reader.remaining:
        start = reader.offset
        opcode = read_opcode(reader)
        if opcode not in CONSTANT and opcode not in EXTENDED_CONSTANTS:
            break
        skip_immediates(reader, opcode)
    feature = Feature.EXTENDED_CONST if reader.data[start] in EXTENDED_CONSTANTS else None
    named = f" ({feature.words} are not admitted here)" if feature else ""
    return reader.fail(f"a constant expression is one instruction{named}", start, feature)


def read_opcode(reader: Reader) -> int:
    """Read an admitted opcode; after the prefix 0xfc it is 0xfc00 + its number.

    Raises:
        InadmissibleCode: an opcode that is not admitted.
    """
    start = reader.offset
    opcode = reader.data[start] if start < reader.end else reader.read_byte()
    reader.offset = start + 1
    if opcode == PREFIX:
        number = reader.read_u32()
        opcode = PREFIX << 8 | number if number < 0x100 else -1
    if opcode not in IMMEDIATES:
        raise _refuse_opcode(reader, start)
    return opcode


def _refuse_opcode(reader: Reader, start: int) -> InadmissibleCode:
    """The error for an opcode that is not admitted, by the feature that it belongs to."""
    first = reader.data[start]
    reader.offset = start + 1
    number = reader.read_u32() if first in _PREFIXES and reader.remaining else 0
    shown = f"opcode {first:#04x} {number:#x}" if first in _PREFIXES else f"opcode {first:#04x}"
    feature = find_feature(first, number)
    if feature is None:
        return reader.fail(f"{shown} is not admitted here", start)
    return reader.fail(
        f"a module with {feature.words} is not admitted here ({shown})", start, feature
    )


def skip_immediates(reader: Reader, opcode: int) -> None:
    """Pass over what follows an admitted opcode.

    Raises:
        InadmissibleCode: it is cut short, too long, or not zero where it must be.
    """
    skip = _SKIP[opcode]
    if skip is not None:
        skip(reader)


def scan_locals(reader: Reader, parameters: int, limits: RuntimeLimits) -> None:
    """Scan the local variables, which come before a function's instructions.

    Raises:
        InadmissibleCode: there are too many, parameters included.
    """
    start = reader.offset
    total = parameters
    for _ in range(reader.read_count("groups of locals")):
        total += reader.read_u32()
        skip_value_type(reader)
    allowed = limits.locals_per_function
    if total > allowed:
        raise reader.fail(
            f"{total} parameters and locals; {allowed} are allowed",
            start,
            Topic.LOCALS,
            total if total <= MAX_LOCALS else None,
        )


def skip_value_type(reader: Reader) -> None:
    """Pass over a value type; whether it is one is left to validation.

    Raises:
        InadmissibleCode: it is of a feature that is not admitted.
    """
    feature = BY_VALUE_TYPE.get(reader.read_byte())
    if feature is not None:
        raise reader.fail_feature(feature, reader.offset - 1)


def _skip_block_type(reader: Reader) -> None:
    start = reader.offset
    if start < reader.end and (feature := BY_VALUE_TYPE.get(reader.data[start])) is not None:
        raise reader.fail_feature(feature, start)
    reader.skip_signed(_S33_BYTES)


def _skip_types(reader: Reader) -> None:
    for _ in range(reader.read_count("types")):
        skip_value_type(reader)


def _skip_memories(reader: Reader, number: int) -> None:
    for _ in range(number):
        if reader.read_byte():
            what = "not the zero byte that belongs here; multiple memories are not admitted"
            raise reader.fail(what, reader.offset - 1, Feature.MULTI_MEMORY)


def _skip_two_numbers(reader: Reader) -> None:
    reader.read_u32()
    reader.read_u32()


def _skip_memarg(reader: Reader) -> None:
    start = reader.offset
    if reader.read_u32() & _MEMORY_FOLLOWS:
        raise reader.fail_feature(Feature.MULTI_MEMORY, start)
    reader.read_u32()


def _skip_number_and_zero(reader: Reader) -> None:
    reader.read_u32()
    _skip_memories(reader, 1)


def _skip_labels(reader: Reader) -> None:
    for _ in range(reader.read_count("labels") + 1):
        reader.read_u32()


_SKIPPERS: Final[Mapping[Immediates, Callable[[Reader], object] | None]] = {
    Immediates.NONE: None,
    Immediates.INDEX: Reader.read_u32,
    Immediates.TWO_INDICES: _skip_two_numbers,
    Immediates.MEMARG: _skip_memarg,
    Immediates.S32: Reader.skip_s32,
    Immediates.BLOCK_TYPE: _skip_block_type,
    Immediates.S64: lambda reader: reader.skip_signed(_S64_BYTES),
    Immediates.F32: lambda reader: reader.skip(4),
    Immediates.F64: lambda reader: reader.skip(8),
    Immediates.REF_TYPE: skip_value_type,
    Immediates.ZERO: lambda reader: _skip_memories(reader, 1),
    Immediates.TWO_ZEROS: lambda reader: _skip_memories(reader, 2),
    Immediates.INDEX_ZERO: _skip_number_and_zero,
    Immediates.TYPES: _skip_types,
    Immediates.BR_TABLE: _skip_labels,
}
_SKIP: Final = {opcode: _SKIPPERS[kind] for opcode, kind in IMMEDIATES.items()}
