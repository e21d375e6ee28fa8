"""How a file may have looked when it was signed: after a usual accident, or in part."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from tinycontainer.device.containers.riot_2024 import RIOT_METADATA_TOKEN_BYTES
from tinycontainer.metadata import Metadata, Security, encode
from tinycontainer_tokens import cbor

from ...artefact.disguises import without_crlf, without_line_feed

_BOM: Final = b"\xef\xbb\xbf"
_ALIGNMENT_BYTES: Final = 4
_TAG_BYTES: Final = 9
"""Length of the tag TinyPART: its head, and a number of 64 bits."""


@dataclass(frozen=True, slots=True)
class FileVariant:
    """A file as it could have looked before.

    Attributes:
        words: how it differs, such as ``without its last line break``.
        content: its bytes.
    """

    words: str
    content: bytes


def list_accidents(content: bytes) -> Iterator[FileVariant]:
    """A file with its line breaks and its end changed as tools change them; never as it is.

    Args:
        content: the file.
    """
    yield FileVariant("with nothing in it", b"")
    for line_words, convert in _LINE_BREAKS:
        converted = convert(content)
        if line_words and converted == content:
            continue
        for end_words, change in _ENDS:
            changed = change(converted)
            words = " and ".join(part for part in (line_words, end_words) if part)
            # A change of the end that changes nothing is the variant without it.
            if words and changed not in (content, converted if end_words else content):
                yield FileVariant(words, changed)


def find_accident(sha256: bytes, content: bytes) -> FileVariant | None:
    """The accident after which a file has this hash; None if there is none."""
    for variant in list_accidents(content):
        if hashlib.sha256(variant.content).digest() == sha256:
            return variant
    return None


def find_truncation(sha256: bytes, metadata: Metadata) -> str | None:
    """The part of a metadata file that a hash was taken of, in words; None if there is none.

    Every prefix is tried, from the file's beginning, from the end of its tag, and of each nested
    map.
    """
    raw = metadata.raw
    for start, whole, words in _origins(metadata):
        length = _prefix_length(sha256, raw[start : start + whole])
        if length is not None:
            left = whole - length
            return words if left == 0 else f"{words} but its last {_cut(metadata, left)}"
    return None


def _origins(metadata: Metadata) -> Iterator[tuple[int, int, str]]:
    """Where a hash could begin: offset, bytes from there, and their name."""
    raw = metadata.raw
    yield 0, len(raw), "the whole file"
    yield _TAG_BYTES, len(raw) - _TAG_BYTES, "the file without its tag"
    outer = cbor.decode(raw[_TAG_BYTES:], len(raw))
    for key, name in ((1, "container map"), (2, "endpoints array"), (3, "security array")):
        nested = outer.get(key) if isinstance(outer, dict) else None
        if isinstance(nested, bytes) and nested:
            yield raw.rindex(nested), len(nested), f"the nested {name} alone"


def _prefix_length(sha256: bytes, content: bytes) -> int | None:
    running = hashlib.sha256()
    for index in range(len(content)):
        running.update(content[index : index + 1])
        if running.digest() == sha256:
            return index + 1
    return None


def _cut(metadata: Metadata, left: int) -> str:
    """The last bytes, which a hash leaves out, in words."""
    token = metadata.security.metadata_token if metadata.security else b""
    notes = {
        RIOT_METADATA_TOKEN_BYTES: "what the firmware leaves out",
        len(cbor.encode(token)): "the token with its length before it",
        len(token): "the token",
    }
    note = notes.get(left)
    return f"{left} bytes" + (f" ({note})" if note else "")


def find_draft(sha256: bytes, metadata: Metadata) -> str | None:
    """The draft of a metadata file that a hash was taken of, in words; None if there is none.

    A draft is the file before it had its token.
    """
    security = metadata.security or Security()
    parts = (metadata.container, metadata.endpoints)
    zeroed = metadata.signed_prefix + bytes(len(security.metadata_token))
    drafts = {
        "nothing at all": b"",
        "the file encoded with an empty metadata token": encode(
            *parts, replace(security, metadata_token=b"")
        ),
        "the file encoded without the security array": encode(*parts, None),
    }
    for words, content in drafts.items():
        if hashlib.sha256(content).digest() == sha256:
            return words
    length = _prefix_length(sha256, zeroed)
    if length is None:
        return None
    words = "the file with zero bytes in place of its metadata token"
    left = len(zeroed) - length
    return words if left == 0 else f"{words}, but the last {_cut(metadata, left)}"


def _same(content: bytes) -> bytes:
    return content


def with_line_feeds(content: bytes) -> bytes:
    """Content with LF in place of every CR LF."""
    return content.replace(b"\r\n", b"\n")


def _carriage_returns(content: bytes) -> bytes:
    return with_line_feeds(content).replace(b"\n", b"\r\n")


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % _ALIGNMENT_BYTES)


_LINE_BREAKS: Final[tuple[tuple[str, Callable[[bytes], bytes]], ...]] = (
    ("", _same),
    ("with LF in place of CR LF", with_line_feeds),
    ("with CR LF in place of LF", _carriage_returns),
)
_ENDS: Final[tuple[tuple[str, Callable[[bytes], bytes]], ...]] = (
    ("", _same),
    ("without its last line break", without_line_feed),
    ("without its last line break", without_crlf),
    ("with a line break (LF) added at its end", lambda content: content + b"\n"),
    ("with a line break (CR LF) added at its end", lambda content: content + b"\r\n"),
    ("with a zero byte added at its end", lambda content: content + b"\0"),
    ("without its last zero byte", lambda content: content.removesuffix(b"\0")),
    ("without the zero bytes at its end", lambda content: content.rstrip(b"\0")),
    ("filled up with zero bytes to a multiple of 4", _padded),
    ("with a byte order mark before it", lambda content: _BOM + content),
    ("without the byte order mark before it", lambda content: content.removeprefix(_BOM)),
)
