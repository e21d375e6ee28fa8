"""The scan of function bodies and constant expressions, in one flat pass without recursion."""

from tinycontainer.runtime import RuntimeLimits

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

FREE_FACTOR, FREE_SLACK = 4, 256
"""Free instructions may exceed the others of a function so many times, plus so many."""
MAX_FREE_RUN = 256
"""So many instructions in a row may cost nothing: what is between two that cost something is not
metered, and nobody else runs meanwhile. Branches cost, so a run is as long as it is in the code."""

_S33_BYTES, _S32_BYTES, _S64_BYTES = 5, 5, 10


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
    start, depth, free, charged, free_run = reader.offset, 1, 0, 0, 0
    while depth:
        opcode = _read_allowed(reader, limits)
        if opcode in FREE:
            free, free_run = free + 1, free_run + 1
        else:
            charged, free_run = charged + 1, 0
        if free_run > MAX_FREE_RUN:
            raise reader.fail(f"more than {MAX_FREE_RUN} instructions in a row cost nothing")
        if opcode in (BLOCK, LOOP, IF):
            depth += 1
            if depth - 1 > limits.block_depth:
                raise reader.fail(f"blocks nested deeper than {limits.block_depth}")
        elif opcode == END:
            depth -= 1
        skip_immediates(reader, IMMEDIATES[opcode])
    if reader.remaining:
        raise reader.fail("bytes follow the end of a function")
    if free > FREE_FACTOR * charged + FREE_SLACK:
        raise reader.fail(
            f"{free} instructions of this function cost nothing, {charged} do;"
            f" at most {FREE_FACTOR} times as many and {FREE_SLACK} more are taken",
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
    opcode = _read_allowed(reader, limits)
    if opcode not in CONSTANT:
        raise reader.fail("not a constant expression", reader.offset - 1)
    function = reader.u32() if opcode == REF_FUNC else None
    if function is None:
        skip_immediates(reader, IMMEDIATES[opcode])
    if reader.byte() != END:
        raise reader.fail("a constant expression is one instruction", reader.offset - 1)
    return function


def read_opcode(reader: Reader) -> int:
    """Read an admitted opcode; behind the prefix 0xfc it is 0xfc00 + its number.

    Raises:
        InadmissibleCode: an opcode that is not admitted.
    """
    start = reader.offset
    opcode = reader.byte()
    if opcode == PREFIX:
        number = reader.u32()
        opcode = PREFIX << 8 | number if number < 0x100 else -1
    if opcode not in IMMEDIATES:
        raise reader.fail(f"opcode {reader.data[start]:#04x} is not admitted here", start)
    return opcode


def _read_allowed(reader: Reader, limits: RuntimeLimits) -> int:
    start = reader.offset
    opcode = read_opcode(reader)
    if opcode in FLOATS and not limits.floats:
        raise reader.fail("this device takes no floating point", start)
    return opcode


def skip_immediates(reader: Reader, kind: Immediates) -> None:
    """Pass over what follows an opcode.

    Raises:
        InadmissibleCode: it is cut short, too long, or not zero where it must be.
    """
    match kind:
        case Immediates.NONE:
            return
        case Immediates.INDEX:
            reader.u32()
        case Immediates.TWO_INDICES | Immediates.MEMARG:
            reader.u32()
            reader.u32()
        case Immediates.S32:
            reader.skip_signed(_S32_BYTES)
        case Immediates.BLOCK_TYPE:
            reader.skip_signed(_S33_BYTES)
        case Immediates.S64:
            reader.skip_signed(_S64_BYTES)
        case Immediates.F32:
            reader.skip(4)
        case Immediates.F64:
            reader.skip(8)
        case Immediates.REF_TYPE:
            reader.skip(1)
        case Immediates.ZERO:
            _zeros(reader, 1)
        case Immediates.TWO_ZEROS:
            _zeros(reader, 2)
        case Immediates.INDEX_ZERO:
            reader.u32()
            _zeros(reader, 1)
        case Immediates.TYPES:
            reader.skip(reader.count("types"))
        case Immediates.BR_TABLE:
            for _ in range(reader.count("labels") + 1):
                reader.u32()


def _zeros(reader: Reader, number: int) -> None:
    for _ in range(number):
        if reader.byte():
            raise reader.fail("not the zero byte that stands here", reader.offset - 1)


def scan_locals(reader: Reader, parameters: int, limits: RuntimeLimits) -> None:
    """Scan the local variables in front of a function's instructions.

    Raises:
        InadmissibleCode: there are too many, parameters included.
    """
    total = parameters
    for _ in range(reader.count("groups of locals")):
        start = reader.offset
        total += reader.u32()
        if total > limits.locals_per_function:
            raise reader.fail(
                f"more than {limits.locals_per_function} parameters and locals", start
            )
        reader.byte()
