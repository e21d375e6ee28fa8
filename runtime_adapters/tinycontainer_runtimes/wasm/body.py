"""The scan of function bodies and constant expressions, in one flat pass without recursion."""

from collections.abc import Callable, Mapping
from typing import Final

from tinycontainer.interfaces.runtime import RuntimeLimits

from .opcodes import (
    BLOCK,
    CONSTANT,
    END,
    FLOATS,
    FREE,
    IF,
    IMMEDIATES,
    LOOP,
    PREFIX,
    REF_FUNC,
    Immediates,
)
from .reader import Reader

FREE_FACTOR = 4
FREE_SLACK = 256
"""Free instructions may exceed the others of a function so many times, plus so many."""
MAX_FREE_RUN = 256
"""So many instructions in a row may cost nothing: what is between two that cost something is not
metered, and nobody else runs meanwhile. Branches cost, so a run is as long as it is in the code."""

_NO_FLOATS = "this device allows no floating point"

_ONE_BYTE: Final = frozenset(opcode for opcode in IMMEDIATES if opcode < PREFIX)
_OPENS_BLOCK: Final = frozenset({BLOCK, LOOP, IF})
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
    free = 0
    charged = 0
    free_run = 0
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
            raise reader.fail(_NO_FLOATS, place)
        if opcode in FREE:
            free += 1
            free_run += 1
            if free_run > MAX_FREE_RUN:
                raise reader.fail(f"more than {MAX_FREE_RUN} instructions in a row cost nothing")
        else:
            charged += 1
            free_run = 0
        if opcode == END:
            depth -= 1
        elif opcode in _OPENS_BLOCK:
            depth += 1
            if depth - 1 > limits.block_depth:
                raise reader.fail(f"blocks nested deeper than {limits.block_depth}")
        if (skip := _SKIP[opcode]) is not None:
            skip(reader)
    if reader.remaining:
        raise reader.fail("bytes follow the end of a function")
    _check_free_share(reader, start, free, charged)


def _check_free_share(reader: Reader, start: int, free: int, charged: int) -> None:
    """Refuse a function of which too much costs nothing (ADR 10)."""
    if free > FREE_FACTOR * charged + FREE_SLACK:
        raise reader.fail(
            f"{free} instructions of this function cost nothing, {charged} do;"
            f" at most {FREE_FACTOR} times as many and {FREE_SLACK} more are allowed",
            start,
        )


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
        raise reader.fail(_NO_FLOATS, place)
    if opcode not in CONSTANT:
        raise reader.fail("not a constant expression", reader.offset - 1)
    function = reader.read_u32() if opcode == REF_FUNC else None
    if function is None:
        skip_immediates(reader, opcode)
    if reader.read_byte() != END:
        raise reader.fail("a constant expression is one instruction", reader.offset - 1)
    return function


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
        raise reader.fail(f"opcode {reader.data[start]:#04x} is not admitted here", start)
    return opcode


def skip_immediates(reader: Reader, opcode: int) -> None:
    """Pass over what follows an admitted opcode.

    Raises:
        InadmissibleCode: it is cut short, too long, or not zero where it must be.
    """
    skip = _SKIP[opcode]
    if skip is not None:
        skip(reader)


def _read_zeros(reader: Reader, number: int) -> None:
    for _ in range(number):
        if reader.read_byte():
            raise reader.fail("not the zero byte that belongs here", reader.offset - 1)


def scan_locals(reader: Reader, parameters: int, limits: RuntimeLimits) -> None:
    """Scan the local variables, which come before a function's instructions.

    Raises:
        InadmissibleCode: there are too many, parameters included.
    """
    total = parameters
    for _ in range(reader.read_count("groups of locals")):
        start = reader.offset
        total += reader.read_u32()
        if total > limits.locals_per_function:
            raise reader.fail(
                f"more than {limits.locals_per_function} parameters and locals", start
            )
        reader.read_byte()


def _skip_two_numbers(reader: Reader) -> None:
    reader.read_u32()
    reader.read_u32()


def _skip_number_and_zero(reader: Reader) -> None:
    reader.read_u32()
    _read_zeros(reader, 1)


def _skip_labels(reader: Reader) -> None:
    for _ in range(reader.read_count("labels") + 1):
        reader.read_u32()


_SKIPPERS: Final[Mapping[Immediates, Callable[[Reader], object] | None]] = {
    Immediates.NONE: None,
    Immediates.INDEX: Reader.read_u32,
    Immediates.TWO_INDICES: _skip_two_numbers,
    Immediates.MEMARG: _skip_two_numbers,
    Immediates.S32: Reader.skip_s32,
    Immediates.BLOCK_TYPE: lambda reader: reader.skip_signed(_S33_BYTES),
    Immediates.S64: lambda reader: reader.skip_signed(_S64_BYTES),
    Immediates.F32: lambda reader: reader.skip(4),
    Immediates.F64: lambda reader: reader.skip(8),
    Immediates.REF_TYPE: lambda reader: reader.skip(1),
    Immediates.ZERO: lambda reader: _read_zeros(reader, 1),
    Immediates.TWO_ZEROS: lambda reader: _read_zeros(reader, 2),
    Immediates.INDEX_ZERO: _skip_number_and_zero,
    Immediates.TYPES: lambda reader: reader.skip(reader.read_count("types")),
    Immediates.BR_TABLE: _skip_labels,
}
_SKIP: Final = {opcode: _SKIPPERS[kind] for opcode, kind in IMMEDIATES.items()}
