"""Requests and answers as values: what CoAP carries, without a network."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

MAX_URI_PARTS: Final = 8
"""Segments of a path, and parts of a query, that a request may have."""
BLOCK_BYTES: Final = 1024
"""The longest block there is (RFC 7959, 2.2), and the one that both sides use."""


class Method(IntEnum):
    """What is asked (RFC 7252, section 12.1.1)."""

    GET = 1
    POST = 2
    PUT = 3
    DELETE = 4


class Code(IntEnum):
    """What is answered: class times 32 plus detail (RFC 7252, 7959, 8132 and 8516)."""

    CREATED = 65
    DELETED = 66
    VALID = 67
    CHANGED = 68
    CONTENT = 69
    CONTINUE = 95
    BAD_REQUEST = 128
    UNAUTHORIZED = 129
    BAD_OPTION = 130
    FORBIDDEN = 131
    NOT_FOUND = 132
    METHOD_NOT_ALLOWED = 133
    NOT_ACCEPTABLE = 134
    INCOMPLETE = 136
    CONFLICT = 137
    PRECONDITION_FAILED = 140
    TOO_LARGE = 141
    UNSUPPORTED_FORMAT = 143
    UNPROCESSABLE = 150
    TOO_MANY_REQUESTS = 157
    INTERNAL_ERROR = 160
    NOT_IMPLEMENTED = 161
    BAD_GATEWAY = 162
    UNAVAILABLE = 163
    GATEWAY_TIMEOUT = 164
    PROXYING_NOT_SUPPORTED = 165

    @property
    def dotted(self) -> str:
        """As people write it, such as 4.04."""
        return f"{self >> 5}.{self & 31:02}"


class Option(IntEnum):
    """Numbers of options that the agent or the gateway knows."""

    IF_MATCH = 1
    URI_HOST = 3
    ETAG = 4
    IF_NONE_MATCH = 5
    OBSERVE = 6
    URI_PORT = 7
    LOCATION_PATH = 8
    OSCORE = 9
    URI_PATH = 11
    CONTENT_FORMAT = 12
    MAX_AGE = 14
    URI_QUERY = 15
    ACCEPT = 17
    BLOCK2 = 23
    BLOCK1 = 27
    SIZE2 = 28
    SIZE1 = 60
    REQUEST_TAG = 292
    ACTION = 65001
    METADATA = 65002
    DATA = 65003
    CODE = 65004
    UID = 65005
    STATUS = 65006


class Format(IntEnum):
    """Numbers of content formats."""

    TEXT = 0
    COSE_SIGN1 = 18
    LINKS = 40
    OCTETS = 42
    CBOR = 60
    PROBLEM = 257


@dataclass(frozen=True, slots=True)
class Block:
    """Which block of a payload this is (RFC 7959, 2.2).

    Attributes:
        number: from 0.
        more: whether others follow.
        size_bytes: of all blocks but the last: 16 to `BLOCK_BYTES`, a power of two.
    """

    number: int
    more: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class CoapRequest:
    """What a peer asks. All of it is untrusted but ``peer``.

    Attributes:
        peer: who asks: an identity that was proved, or an address; 1 to 64 bytes.
        method: what is asked.
        path: its segments; a slash at the end is an empty one.
        query: its parts.
        options: all others, as number and bytes, in their order.
        payload: the bytes that came with it.
    """

    peer: bytes
    method: Method
    path: tuple[str, ...]
    query: tuple[str, ...] = ()
    options: tuple[tuple[int, bytes], ...] = ()
    payload: bytes = b""

    def option(self, number: int) -> bytes | None:
        """The first option of a number; None if there is none."""
        return next((value for each, value in self.options if each == number), None)


@dataclass(frozen=True, slots=True)
class CoapAnswer:
    """What a peer is answered.

    Attributes:
        code: what has become of it.
        payload: content, or a problem.
        format: of the payload; None if there is none.
        options: others, as number and bytes.
    """

    code: Code
    payload: bytes = b""
    format: Format | None = None
    options: tuple[tuple[int, bytes], ...] = field(default=())


def to_uint(value: int) -> bytes:
    """A number as CoAP writes it: as few bytes as it needs, none for 0 (RFC 7252, 3.2)."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def from_uint(value: bytes) -> int:
    """A number that CoAP wrote."""
    return int.from_bytes(value, "big")
