"""What becomes of a file on its way: line breaks at its end, written as text, wrapped once more."""

import base64
import binascii
from collections.abc import Callable
from typing import Final

from tinycontainer_tokens import CborError, cbor
from tinycontainer_tokens.envelope import CWT_TAG, MAX_TOKEN_BYTES

_LF: Final = b"\n"
_CR_LF: Final = b"\r\n"
_MAX_TEXT_BYTES: Final = 4 * MAX_TOKEN_BYTES
"""Longest file that is tried as the text of a token."""

_COSE_TAGS: Final = frozenset({CWT_TAG, 16, 17, 18, 96, 97, 98})
"""CWT, and the six messages of COSE (RFC 9052, table 1)."""
_ARGUMENT_BYTES: Final = {
    bytes([major << 5 | 24 + exponent]): 1 << exponent
    for major in range(7)
    for exponent in range(4)
}
"""How many bytes of a number follow the first byte of a head (RFC 8949, section 3)."""
_BEGIN_OF_MESSAGE: Final = b"\x84"
"""The head of an array of four: a token without tags."""


def without_line_feed(content: bytes) -> bytes:
    """Content without the LF at its end. A CR before it stays: it can be the content's own."""
    return content.removesuffix(_LF)


def without_crlf(content: bytes) -> bytes:
    """Content without the CR LF at its end."""
    return content.removesuffix(_CR_LF)


def from_text(decode: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """A change of content that was written as text, such as hexadecimal digits, into its bytes.

    Args:
        decode: raises ValueError for other text. The change then yields nothing.
    """

    def change(content: bytes) -> bytes:
        try:
            return decode(b"".join(content.split()))
        except ValueError:
            return b""

    return change


def decode_base64(text: bytes) -> bytes:
    """Read base64, with the alphabet of URLs too, with or without padding.

    Raises:
        ValueError: it is other text.
    """
    standard = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)


def unwrap(content: bytes) -> bytes:
    """The bytes in the byte string that content is; nothing if it is no such string."""
    try:
        inner = cbor.decode(content, MAX_TOKEN_BYTES)
    except CborError:
        return b""
    return inner if isinstance(inner, bytes) else b""


WRITTEN_AS_TEXT: Final[tuple[tuple[str, Callable[[bytes], bytes]], ...]] = (
    ("hexadecimal text", from_text(binascii.unhexlify)),
    ("base64 text", from_text(decode_base64)),
)
"""How bytes are written as text: the name of the form, and its way back."""


def begins_like_token(content: bytes) -> bool:
    """Whether bytes begin like a COSE message: with one of its tags, or as an array of four."""
    if content.startswith(_BEGIN_OF_MESSAGE):
        return True
    try:
        tags, _ = cbor.split_tags(content)
    except CborError:
        return False
    return tags[:1] != () and tags[0] in _COSE_TAGS


def is_json_web_token(content: bytes) -> bool:
    """Whether bytes are a token of JSON's kind, which nothing here accepts."""
    return content.startswith(b"eyJ") and content.count(b".") == 2


def is_like_token(content: bytes) -> bool:
    """Whether a file is a token, however malformed, of JSON, as text or in a byte string."""
    if begins_like_token(content) or is_json_web_token(content):
        return True
    if not content or len(content) > _MAX_TEXT_BYTES:
        return False
    changes = [change for _, change in WRITTEN_AS_TEXT]
    return any(begins_like_token(change(content)) for change in (*changes, unwrap))


def find_end(content: bytes, dialect: cbor.Dialect | None = None) -> int:
    """Offset after the first CBOR value of bytes, or of the first byte that is not acceptable.

    Args:
        content: the bytes.
        dialect: what is acceptable; by default what is in tokens and metadata.
    """
    try:
        if dialect is None:
            cbor.decode_tagged(content, len(content))
        else:
            cbor.locate(content, len(content), dialect)
    except CborError as error:
        return error.offset
    return len(content)


def count_missing(content: bytes, longest: int, dialect: cbor.Dialect | None = None) -> int:
    """How many bytes are missing, at least, at the end of a CBOR value that was cut short.

    Args:
        content: what is left of it.
        longest: how many are tried at most.
        dialect: what is acceptable; by default what is in tokens and metadata.

    Returns:
        0 if it was not cut short, but is something else.
    """
    begin = find_end(content, dialect)
    if len(content) - begin in range(1, 1 + _ARGUMENT_BYTES.get(content[begin:][:1], 0)):
        return 1  # a head without all bytes of its number
    end = find_end(content + bytes(longest), dialect)
    missing = end - len(content)
    return missing if missing > 0 and find_end(content + bytes(missing), dialect) == end else 0
