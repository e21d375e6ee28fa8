"""Every number of the TinyML protocol, version 1 (specs/tinyml.md has the same tables)."""

from enum import IntEnum, IntFlag
from typing import Final

from tinycontainer.errors import DriverError

PROTOCOL_VERSION: Final = 1
FRAME_BYTES: Final = 255
"""Longest frame."""
HASH_BYTES: Final = 32
ENCODING_TFLITE: Final = 4
ANY: Final = 255
"""In an INPUT frame: the type that the model has."""


class Op(IntEnum):
    """First byte of a frame."""

    LOAD = 0x10
    MDATA = 0x11
    LOADH = 0x12
    INPUT = 0x20
    IDATA = 0x21
    COMPUTE = 0x30
    SELECT = 0x40
    RESET = 0x7F


class LoadFlag(IntFlag):
    """Flags of a LOAD frame."""

    HASH = 1
    """The frame carries the model's SHA-256."""
    KEEP = 2
    """The model stays in the container's cache when the descriptor closes."""


class What(IntEnum):
    """What SELECT chooses."""

    OUTPUT = 0
    INPUT_INFO = 1
    OUTPUT_INFO = 2
    STATUS = 3
    LAST_ERROR = 4


class Scope(IntEnum):
    """What RESET resets."""

    INPUTS = 0
    MODEL = 1


class ErrorCode(IntEnum):
    """Errors; the container sees them negated. 1 to 8 are those of wasi-nn."""

    INVALID_ARGUMENT = 1
    INVALID_ENCODING = 2
    MISSING_MEMORY = 3
    BUSY = 4
    RUNTIME_ERROR = 5
    UNSUPPORTED_OPERATION = 6
    TOO_LARGE = 7
    NOT_FOUND = 8
    TIMEOUT = 9
    SECURITY = 10
    UNKNOWN = 11
    INVALID_STATE = 12
    QUOTA = 13


class ElementType(IntEnum):
    """Types of tensor elements as containers see them: 0 to 5 as in wasi-nn, the others ours."""

    F16 = 0
    F32 = 1
    F64 = 2
    U8 = 3
    I32 = 4
    I64 = 5
    I8 = 0x10
    I16 = 0x11
    BOOL = 0x12


def make_refusal(code: ErrorCode, problem: str) -> DriverError:
    """Make a refusal with a code of the protocol, to be raised.

    Args:
        code: what the container sees, negated.
        problem: a sentence for the owner, in our own words: nothing that a tenant wrote.
    """
    return DriverError(int(code), problem)


def require(condition: bool, code: ErrorCode, problem: str) -> None:
    """Refuse unless a condition holds.

    Raises:
        DriverError: it does not.
    """
    if not condition:
        raise make_refusal(code, problem)
