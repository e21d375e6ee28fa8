"""What strangers send to begin an EDHOC session, judged before the library sees it.

The library is written in Rust. At some messages it panics, and each time prints that.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

_BEFORE_MESSAGE_1: Final = b"\xf5"
_POINT_HEAD: Final = b"\x58\x20"
_POINT_BYTES: Final = 32
_COMPRESSED: Final = b"\x02"
_MIN_CIPHERTEXT_3_BYTES: Final = 8
"""Its tag. At most it has 255 bytes; the library has room for no more."""

# First bytes of CBOR (RFC 8949, section 3).
_SHORT_INTEGERS: Final = frozenset({*range(0x18), *range(0x20, 0x38)})
_INTEGERS_OF_TWO_BYTES: Final = frozenset({0x18, 0x38})
_SHORT_BYTES: Final = range(0x40, 0x58)
_BYTES_WITH_LENGTH: Final = 0x58
_SHORT_ARRAYS: Final = range(0x80, 0x98)


def is_panic(error: BaseException) -> bool:
    """Whether a library in Rust has panicked.

    The class of that is no `Exception`, as if the program had to end, and nothing exports it.
    """
    return type(error).__name__ == "PanicException"


def is_readable_alone(payload: bytes) -> bool:
    """Whether the library can read a message to the resource of exchanges: the first or the third.

    Args:
        payload: of the request (RFC 9528, appendix A.2); untrusted.
    """
    if payload.startswith(_BEFORE_MESSAGE_1):
        return _is_point(_find_point(payload))
    # Our sessions have identifiers of one byte, so the third message of one begins after it.
    begins = bool(payload) and payload[0] in _SHORT_INTEGERS
    return begins and _end_of_message_3(payload, 1) == len(payload)


def is_readable_combined(payload: bytes) -> bool:
    """Whether the library can read the third message before a protected request (RFC 9668)."""
    return _end_of_message_3(payload, 0) is not None


def _find_point(payload: bytes) -> bytes:
    """The third item of message 1, after the method and the suites; empty if it is no point."""
    at = _skip_integer(payload, 1)
    if at < len(payload) and payload[at] in _SHORT_ARRAYS:
        count = payload[at] - _SHORT_ARRAYS.start
        at += 1
        for _ in range(count):
            at = _skip_integer(payload, at)
    else:
        at = _skip_integer(payload, at)
    begin = at + len(_POINT_HEAD)
    return payload[begin : begin + _POINT_BYTES] if payload[at:begin] == _POINT_HEAD else b""


def _skip_integer(payload: bytes, at: int) -> int:
    """Where an integer of at most two bytes ends; the end of all if there is none."""
    first = payload[at] if at < len(payload) else None
    if first in _SHORT_INTEGERS:
        return at + 1
    return at + 2 if first in _INTEGERS_OF_TWO_BYTES else len(payload)


def _is_point(value: bytes) -> bool:
    """Whether a value is the first coordinate of a point of P-256."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _COMPRESSED + value)
    except ValueError:
        return False
    return True


def _end_of_message_3(payload: bytes, begin: int) -> int | None:
    """Where message 3 ends, one byte string; None if the library cannot read it."""
    first, second = (*payload[begin : begin + 2], 0, 0)[:2]
    if first in _SHORT_BYTES:
        size, content = first - _SHORT_BYTES.start, begin + 1
    elif first == _BYTES_WITH_LENGTH and second >= len(_SHORT_BYTES):
        size, content = second, begin + 2
    else:
        return None
    end = content + size
    return end if size >= _MIN_CIPHERTEXT_3_BYTES and end <= len(payload) else None
