"""Named defects of containers.

There are three kinds: metadata that is wrong although its signatures are right, bundles that were
changed after signing, and bundles whose own encoding is wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from tinycontainer.metadata import Bundle
from tinycontainer.metadata.model import METADATA_TAG
from tinycontainer_tokens import cbor

Change = Callable[["MetadataParts"], "MetadataParts"]


@dataclass(frozen=True, slots=True)
class MetadataParts:
    """The encoded parts of metadata, and more entries of the outer map."""

    container: bytes
    endpoints: bytes
    security: bytes
    before: bytes = b""
    entries: int = 3
    tag: int = METADATA_TAG

    def encode(self) -> bytes:
        """Encode the metadata, whatever the parts hold."""
        outer = head(5, self.entries) + self.before
        for key, part in ((1, self.container), (2, self.endpoints), (3, self.security)):
            outer += head(0, key) + head(2, len(part)) + part
        return cbor.with_tags((self.tag,), outer)


def head(major: int, number: int) -> bytes:
    """The head of an item: its major type, and a number below 2^16."""
    if number < 24:
        return bytes([major << 5 | number])
    size = 1 if number < 1 << 8 else 2
    return bytes([major << 5 | 23 + size]) + number.to_bytes(size, "big")


def _damage(change: Change) -> Callable[[bytes, int], bytes]:
    """Turn a change of parts into one of the bytes before the metadata token."""

    def damage(prefix: bytes, token_bytes: int) -> bytes:
        whole = prefix + bytes(token_bytes)
        _, outer = cbor.decode_tagged(whole, len(whole))
        values: Any = outer
        damaged = change(MetadataParts(values[1], values[2], values[3])).encode()
        return damaged[: len(damaged) - token_bytes]

    return damage


def _container(key: int, value: object) -> Change:
    return lambda parts: replace(parts, container=_with(parts.container, key, value))


def _without_type(parts: MetadataParts) -> MetadataParts:
    values: Any = cbor.decode(parts.container, len(parts.container))
    del values[2]
    return replace(parts, container=cbor.encode(values))


def _endpoint(key: int, value: object) -> Change:
    def change(parts: MetadataParts) -> MetadataParts:
        values: Any = cbor.decode(parts.endpoints, len(parts.endpoints))
        if value is None:
            del values[0][key]
        else:
            values[0][key] = value
        return replace(parts, endpoints=cbor.encode(values))

    return change


def _with(encoded: bytes, key: int, value: object) -> bytes:
    values: Any = cbor.decode(encoded, len(encoded))
    values[key] = value
    return cbor.encode(values)


def _security_start(encoded: bytes, count: int = 8, skip: int = 1) -> Change:
    """Replace the encoding of the first number, which is 0."""
    return lambda parts: replace(
        parts, security=head(4, count) + encoded + parts.security[1 + skip :]
    )


def _raw_container(encode: Callable[[dict[int, bytes]], bytes]) -> Change:
    """Encode the container map by hand, from its encoded entries."""

    def change(parts: MetadataParts) -> MetadataParts:
        values: Any = cbor.decode(parts.container, len(parts.container))
        entries = {key: head(0, key) + cbor.encode(value) for key, value in values.items()}
        return replace(parts, container=encode(entries))

    return change


def _duplicate(entries: dict[int, bytes]) -> bytes:
    return head(5, len(entries) + 1) + entries[1] + b"".join(entries.values())


def _unordered(entries: dict[int, bytes]) -> bytes:
    return head(5, len(entries)) + b"".join(reversed(entries.values()))


def _indefinite(entries: dict[int, bytes]) -> bytes:
    return b"\xbf" + b"".join(entries.values()) + b"\xff"


def _text_uid(entries: dict[int, bytes]) -> bytes:
    rest = [entry for key, entry in entries.items() if key != 1]
    return head(5, len(entries)) + b"\x01\x61a" + b"".join(rest)


def _tagged_uid(entries: dict[int, bytes]) -> bytes:
    rest = [entry for key, entry in entries.items() if key != 1]
    return head(5, len(entries)) + b"\x01\xc1" + entries[1][1:] + b"".join(rest)


def _duplicate_endpoint_key(parts: MetadataParts) -> MetadataParts:
    entry = parts.endpoints[1:]
    count = entry[0] & 0x1F
    doubled = bytes([0xA0 | count + 1]) + b"\x01\x01" + entry[1:]
    return replace(parts, endpoints=parts.endpoints[:1] + doubled)


def _endpoint_twice(parts: MetadataParts) -> MetadataParts:
    values: Any = cbor.decode(parts.endpoints, len(parts.endpoints))
    return replace(parts, endpoints=cbor.encode([values[0], values[0]]))


DAMAGES_OF_METADATA: Final[Mapping[str, Callable[[bytes, int], bytes]]] = MappingProxyType(
    {
        name: _damage(change)
        for name, change in {
            "wrong-tag": lambda parts: replace(parts, tag=METADATA_TAG + 1),
            "unknown-outer-key": lambda p: replace(p, before=b"\x00\x41\x01", entries=4),
            "unknown-container-key": _container(9, 1),
            "unknown-endpoint-key": _endpoint(9, 1),
            "duplicate-container-key": _raw_container(_duplicate),
            "duplicate-endpoint-key": _duplicate_endpoint_key,
            "unordered-keys": _raw_container(_unordered),
            "indefinite-map": _raw_container(_indefinite),
            "text-uid": _raw_container(_text_uid),
            "tagged-uid": _raw_container(_tagged_uid),
            "trailing-byte": lambda parts: replace(parts, container=parts.container + b"\0"),
            "missing-type": _without_type,
            "unknown-type": _container(2, 8),
            "priority-16": _container(8, 16),
            "uid-empty": _container(1, b""),
            "uid-64": _container(1, b"u" * 64),
            "security-nine": _security_start(b"\x00\x00", count=9),
            "security-seven": _security_start(b"", count=7),
            "long-integer": _security_start(b"\x18\x00"),
            "bool-number": _security_start(b"\xf4"),
            "float-number": _security_start(b"\xf9\x00\x00"),
            "number-33-bits": _security_start(b"\x1b\0\0\0\x01\0\0\0\0"),
            "negative-number": _security_start(b"\x20"),
            "peer-type-3": _endpoint(2, 3),
            "direction-3": _endpoint(5, 3),
            "peer-uid-missing": _endpoint(2, 0),
            "peer-uid-for-driver": _endpoint(3, b"x"),
            "endpoint-without-direction": _endpoint(5, None),
            "endpoint-twice": _endpoint_twice,
        }.items()
    }
)
"""Defects of metadata that the infrastructure's key signs all the same."""


def flip(content: bytes, at: int) -> bytes:
    """Change one bit of a byte."""
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def _change_uid(bundle: Bundle) -> Bundle:
    """Flip a bit of the uid: the metadata still decodes, but none of its tokens fits."""
    at = bundle.metadata.index(b"\x01", 13)
    return replace(bundle, metadata=flip(bundle.metadata, at + 2))


DAMAGES_OF_BUNDLES: Final[Mapping[str, Callable[[Bundle], Bundle]]] = MappingProxyType(
    {
        "code-bit": lambda bundle: replace(bundle, code=flip(bundle.code, -1)),
        "data-bit": lambda bundle: replace(bundle, data=flip(bundle.data, -1)),
        "uid-bit": _change_uid,
        "signature-bit": lambda bundle: replace(bundle, metadata=flip(bundle.metadata, -1)),
        "metadata-followed": lambda bundle: replace(bundle, metadata=bundle.metadata + b"\0"),
        "metadata-cut": lambda bundle: replace(bundle, metadata=bundle.metadata[:-1]),
        "data-added": lambda bundle: replace(bundle, data=b"x"),
    }
)
"""Changes of a bundle after signing."""


def _longer_head(content: bytes) -> bytes:
    """Encode the length of the metadata in four bytes, where two are enough."""
    if content[1] != 0x59:
        raise ValueError("metadata of a bundle of the suite has 256 bytes or more")
    return content[:1] + b"\x5a\0\0" + content[2:]


DAMAGES_OF_ENCODING: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        "bundle-followed": lambda content: content + b"\0",
        "bundle-cut": lambda content: content[:-1],
        "bundle-of-two": lambda content: b"\x82" + content[1:],
        "bundle-of-four": lambda content: b"\x84" + content[1:] + b"\x40",
        "bundle-indefinite": lambda content: b"\x9f" + content[1:] + b"\xff",
        "bundle-long-length": _longer_head,
        "bundle-number": lambda content: b"\x83\x00" + content[content.index(b"\x59", 2) :],
        "bundle-tagged": lambda content: b"\xd9\xd9\xf7" + content,
    }
)
"""Other encodings of a bundle, and other things in its place."""
