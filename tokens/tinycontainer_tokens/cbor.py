"""Strict CBOR: everything untrusted in CBOR enters the project here.

Plain cbor2 lets duplicate keys collapse, drops trailing bytes and executes tags. So a scan of our
own comes first. Bytes that pass it are in deterministic form: the decoded value encodes to the same
bytes again. Clause TC-TOK-25.

Accepted are: integers, byte strings, UTF-8 text, arrays, and maps whose keys are integers; all
of definite length, in deterministic form (RFC 8949, section 4.2), at most five levels deep, without
tags, floats or simple values. Formats of others need a little more: a `Dialect` says what, for
`locate` alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import cbor2

from .errors import CborError

Value: TypeAlias = "int | bytes | str | list[Value] | dict[int, Value]"
Encodable: TypeAlias = (
    "int | bytes | str | Sequence[Encodable] | Mapping[int, Encodable]"
    " | Mapping[str, Encodable] | Mapping[int | str, Encodable] | None"
)
"""What can be encoded: every `Value`, and what a `Dialect` adds to them."""

MAX_DEPTH = 5
"""Levels of arrays and maps that a value may be nested in."""

# Major types (RFC 8949, section 3).
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_MAX_TAGS = 2
_FALSE, _TRUE, _NULL = 20, 21, 22
_SIMPLE_VALUES: Final = {_FALSE: False, _TRUE: True, _NULL: None}
# A key's rank: its head and, of text, its bytes. Ranks are in the order of the keys' encoded bytes.
_KeyRank: TypeAlias = tuple[int, int] | tuple[int, int, bytes]
_BEFORE_ALL_KEYS: _KeyRank = (-1, 0)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is accepted beyond the form of tokens and metadata; nothing of it by default.

    Tags inside a value, floats, other simple values and indefinite lengths never are.

    Attributes:
        text_keys: keys of maps may be text.
        simple_values: false, true and null are values; they are never keys.
        any_order: keys of maps may come in any order, and twice: for showing bytes, not for
            judging them.
        array_keys: with ``any_order`` alone: keys of maps may be arrays.
        max_items: the most items that a value may have, itself and keys included; None for no
            other bound than its bytes.
    """

    text_keys: bool = False
    simple_values: bool = False
    any_order: bool = False
    array_keys: bool = False
    max_items: int | None = None


_STRICT: Final = Dialect()
SHOWN: Final = Dialect(any_order=True)
"""The form of tokens and metadata, with its keys in any order."""


class Item(NamedTuple):
    """One item of encoded CBOR, and its place.

    Attributes:
        offset: of its head, in bytes.
        content: offset after its head.
        end: offset after the whole item.
        value: its decoded value; that of a tag is the value of the item after it. That of a map
            has its integer keys only: the others are among the children. It is None where a
            `Dialect` accepts null, which no `Value` is.
        tag: a tag's number; None if it is no tag.
        children: items of an array, keys and values of a map in turn, the item after a tag.
    """

    offset: int
    content: int
    end: int
    value: Value
    tag: int | None = None
    children: tuple["Item", ...] = ()


def decode(data: bytes, limit_bytes: int) -> Value:
    """Decode one value that fills ``data`` exactly.

    Args:
        data: untrusted bytes.
        limit_bytes: longest ``data`` that is looked at, in bytes.

    Raises:
        CborError: with the offset of the first byte that is not acceptable.
    """
    _require_length(data, limit_bytes)
    _scan(data)
    value: Value = cbor2.loads(data)
    return value


def decode_tagged(data: bytes, limit_bytes: int) -> tuple[tuple[int, ...], Value]:
    """Decode one value with the tags in front of it.

    Returns:
        The tag numbers, outermost first (at most two), and the value.

    Raises:
        CborError: as `decode`; or a tag's head is cut short, is not in shortest form, or a third
            tag follows.
    """
    _require_length(data, limit_bytes)
    tags, start = split_tags(data)
    try:
        return tags, decode(data[start:], limit_bytes)
    except CborError as error:
        raise CborError(start + error.offset, error.problem) from None


def locate(data: bytes, limit_bytes: int, dialect: Dialect = SHOWN) -> Item:
    """Find every item of one value, and of the tags in front of it.

    By default this is for showing bytes, not for judging them: unlike `decode` it accepts a map's
    keys in any order, and a key twice.

    Args:
        data: untrusted bytes.
        limit_bytes: longest ``data`` that is looked at, in bytes.
        dialect: what is accepted.

    Raises:
        CborError: as `decode_tagged`, but for what the dialect accepts; or there are more items
            than it allows.
    """
    _require_length(data, limit_bytes)
    _, start = split_tags(data)
    _scan(data, start, dialect)
    return _item_at(data, 0)


def encode(value: Encodable) -> bytes:
    """Encode a value in deterministic form (RFC 8949, section 4.2.1)."""
    return bytes(cbor2.dumps(_ordered(value)))


def _ordered(value: Encodable) -> Encodable:
    """The same value with its maps in the order of their keys' bytes.

    cbor2's own canonical form puts shorter keys first, as RFC 7049 had it.
    """
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    if isinstance(value, Mapping):
        pairs: list[tuple[int | str, Encodable]] = sorted(
            value.items(), key=lambda pair: _rank(pair[0])
        )
        return {key: _ordered(item) for key, item in pairs}
    return value


def _rank(key: int | str) -> _KeyRank:
    """The rank of a key: in the order of shortest heads, negative numbers after the others."""
    if isinstance(key, str):
        raw = key.encode()
        return _TEXT, len(raw), raw
    return (_NEGATIVE, ~key) if key < 0 else (_UNSIGNED, key)


def split_tags(data: bytes) -> tuple[tuple[int, ...], int]:
    """Read the tags in front of a value.

    Returns:
        The tag numbers, outermost first (at most two), and where the value begins.

    Raises:
        CborError: a head is cut short, is not in shortest form, or a third tag follows.
    """
    tags: list[int] = []
    offset = 0
    while offset < len(data) and data[offset] >> 5 == _TAG:
        if len(tags) == _MAX_TAGS:
            raise CborError(offset, f"more than {_MAX_TAGS} tags")
        _, number, offset = _head(data, offset)
        tags.append(number)
    return tuple(tags), offset


def with_tags(tags: tuple[int, ...], encoded: bytes) -> bytes:
    """Put tags, outermost first, in front of an encoded value."""
    for number in reversed(tags):
        encoded = _tag_head(number) + encoded
    return encoded


def _require_length(data: bytes, limit_bytes: int) -> None:
    if len(data) > limit_bytes:
        raise CborError(limit_bytes, f"{len(data)} bytes where at most {limit_bytes} are allowed")


def _item_at(data: bytes, offset: int) -> Item:
    """The item at an offset of scanned bytes; the scan has bounded how deep this goes."""
    head = data[offset]
    if head & 0x1F < 24:  # nearly all are so short
        major, argument, content = head >> 5, head & 0x1F, offset + 1
    else:
        major, argument, content = _head(data, offset)
    if major == _UNSIGNED:
        return Item(offset, content, content, argument)
    if major == _NEGATIVE:
        return Item(offset, content, content, -1 - argument)
    if major in (_BYTES, _TEXT):
        end = content + argument
        raw = data[content:end]
        return Item(offset, content, end, raw if major == _BYTES else raw.decode("utf-8"))
    if major == _SIMPLE:
        simple: Any = _SIMPLE_VALUES[argument]
        return Item(offset, content, content, simple)
    return _collection_at(data, offset, content, major, argument)


def _collection_at(data: bytes, offset: int, content: int, major: int, argument: int) -> Item:
    """An array, a map, or a tag with the item after it; its head has been read."""
    count = 1 if major == _TAG else argument * (2 if major == _MAP else 1)
    children: list[Item] = []
    end = content
    for _ in range(count):
        child = _item_at(data, end)
        children.append(child)
        end = child.end
    if major == _TAG:
        return Item(offset, content, end, children[0].value, argument, tuple(children))
    values = [child.value for child in children]
    value: Value = values
    if major == _MAP:
        pairs = zip(values[::2], values[1::2], strict=True)
        value = {key: item for key, item in pairs if isinstance(key, int)}
    return Item(offset, content, end, value, None, tuple(children))


def _tag_head(number: int) -> bytes:
    # A tag's head is that of an unsigned integer with another major type.
    head = encode(number)
    return bytes([head[0] | _TAG << 5]) + head[1:]


def _head(data: bytes, offset: int) -> tuple[int, int, int]:
    """Read an item's head: major type, argument, offset after the head."""
    if offset >= len(data):
        raise CborError(offset, "ends where an item should begin")
    major = data[offset] >> 5
    info = data[offset] & 0x1F
    if info < 24:
        return major, info, offset + 1
    width = _WIDTHS.get(info)
    if width is None:
        raise CborError(offset, "indefinite length or reserved head")
    end = offset + 1 + width
    if end > len(data):
        raise CborError(offset, "head is cut short")
    argument = int.from_bytes(data[offset + 1 : end], "big")
    shortest = 24 if width == 1 else 1 << (4 * width)
    if major != _SIMPLE and argument < shortest:
        raise CborError(offset, "argument is not in its shortest form")
    return major, argument, end


def _scan(data: bytes, offset: int = 0, dialect: Dialect = _STRICT) -> None:
    """Check structure and form in one pass, without recursion and without building anything."""
    # Items still to come, and the rank of the key before them if they are a map's.
    open_levels: list[tuple[int, _KeyRank | None]] = []
    missing = 1
    last_key: _KeyRank | None = None
    total = 1
    size = len(data)
    while True:
        while missing == 0:
            if not open_levels:
                if offset != size:
                    raise CborError(offset, "bytes follow the value")
                return
            missing, last_key = open_levels.pop()
        start = offset
        if start < size and (argument := data[start] & 0x1F) < 24:  # nearly all are so short
            major, offset = data[start] >> 5, start + 1
        else:
            major, argument, offset = _head(data, start)
        if last_key is not None and missing % 2 == 0:
            key = _key_rank(data, start, offset, major, argument, dialect)
            if key <= last_key and not dialect.any_order:
                raise CborError(start, "not in deterministic form (key order, duplicate keys)")
            last_key = key
        missing -= 1
        if major in (_BYTES, _TEXT):
            offset = _scan_string(data, start, major, argument, offset)
        elif major in (_ARRAY, _MAP):
            items = argument * (2 if major == _MAP else 1)
            if items > size - offset:
                raise CborError(start, "more items announced than bytes remain")
            if len(open_levels) == MAX_DEPTH:
                raise CborError(start, f"nested deeper than {MAX_DEPTH}")
            total += items
            if dialect.max_items is not None and total > dialect.max_items:
                raise CborError(start, "more items than are allowed")
            open_levels.append((missing, last_key))
            missing, last_key = items, _BEFORE_ALL_KEYS if major == _MAP else None
        elif major == _TAG:
            raise CborError(start, f"tag {argument} is not expected here")
        elif major == _SIMPLE and not _is_simple_value(start, argument, offset, dialect):
            raise CborError(start, "a float or simple value is not expected here")


def _key_rank(
    data: bytes, start: int, content: int, major: int, argument: int, dialect: Dialect
) -> _KeyRank:
    """The rank of a map's key; its head has been read."""
    if major in (_UNSIGNED, _NEGATIVE):
        return major, argument
    if major == _TEXT and dialect.text_keys:
        return major, argument, data[content : content + argument]
    if major == _ARRAY and dialect.array_keys and dialect.any_order:
        return major, argument
    kinds = "an integer or text" if dialect.text_keys else "an integer"
    raise CborError(start, f"a map key is not {kinds}")


def _is_simple_value(start: int, argument: int, content: int, dialect: Dialect) -> bool:
    """Whether it is false, true or null, in shortest form, where the dialect has them."""
    return dialect.simple_values and argument in _SIMPLE_VALUES and content == start + 1


def _scan_string(data: bytes, start: int, major: int, length: int, offset: int) -> int:
    end = offset + length
    if end > len(data):
        raise CborError(start, f"string of {length} bytes is cut short")
    if major == _TEXT:
        try:
            data[offset:end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise CborError(offset + error.start, "text is not UTF-8") from None
    return end
