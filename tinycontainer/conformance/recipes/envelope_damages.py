"""Named defects of envelopes.

There are two kinds: manifests that are wrong although digest and signatures are right, and
envelopes that were changed after signing.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from tinycontainer.suit.envelope.labels import (
    ENVELOPE_TAG,
    CommonMember,
    EnvelopeMember,
    Label,
    ManifestMember,
)
from tinycontainer.suit.envelope.reading import FORM
from tinycontainer_tokens import cbor

from .damages import flip, head

Pair = tuple[bytes, bytes]
"""Key and value of a map, as they are encoded."""
Change = Callable[[list[Pair]], list[Pair]]

_ARRAY: Final = 4
_MAP: Final = 5
_ENVELOPE_HEAD: Final = cbor.with_tags((ENVELOPE_TAG,), b"")
_FALSE: Final = b"\xf4"
_TRUE: Final = b"\xf5"
_UNKNOWN: Final = 99
_SIGN_TAG: Final = 98
_INDEX: Final = cbor.encode(Label.SET_COMPONENT_INDEX)
_PARAMETERS: Final = cbor.encode(Label.OVERRIDE_PARAMETERS)
_TRY: Final = cbor.encode(Label.TRY_EACH)
_VENDOR: Final = cbor.encode(Label.VENDOR_IDENTIFIER)
_SELECT_ALL: Final = _INDEX + _TRUE

_MAX_NESTING: Final = 4
_MAX_NAME_BYTES: Final = 128
_FREE_COMMANDS: Final = 1000 - 22
"""How many commands a manifest may have beside those for one container, as the tools make them."""


def _pairs(content: bytes) -> list[Pair]:
    """The members of an encoded map; tags in front of it are passed over."""
    item = cbor.locate(content, len(content), FORM)
    while item.tag is not None:
        (item,) = item.children
    encoded = [content[each.offset : each.end] for each in item.children]
    return list(zip(encoded[::2], encoded[1::2], strict=True))


def _join(pairs: Sequence[Pair]) -> bytes:
    return head(_MAP, len(pairs)) + b"".join(key + value for key, value in pairs)


def _wrap(content: bytes) -> bytes:
    return cbor.encode(content)


def _unwrap(encoded: bytes) -> bytes:
    """What an encoded byte string holds."""
    value = cbor.decode(encoded, len(encoded))
    if not isinstance(value, bytes):
        raise ValueError("not a byte string")
    return value


def _set(label: int, change: Callable[[bytes], bytes]) -> Change:
    """Change the encoded value of one member."""
    key = cbor.encode(label)
    return lambda pairs: [(k, change(v) if k == key else v) for k, v in pairs]


def _value(label: int, encoded: bytes) -> Change:
    return _set(label, lambda _: encoded)


def _inside(label: int, change: Callable[[bytes], bytes]) -> Change:
    """Change what the byte string of one member holds."""
    return _set(label, lambda value: _wrap(change(_unwrap(value))))


def _without(label: int) -> Change:
    key = cbor.encode(label)
    return lambda pairs: [pair for pair in pairs if pair[0] != key]


def _with(key: bytes, value: bytes) -> Change:
    """Add a member where deterministic form has it."""
    return lambda pairs: sorted([*pairs, (key, value)])


def _twice(pairs: list[Pair]) -> list[Pair]:
    return [pairs[0], *pairs]


def _reversed(pairs: list[Pair]) -> list[Pair]:
    return pairs[::-1]


def _manifest(change: Change) -> Callable[[bytes], bytes]:
    return lambda content: _join(change(_pairs(content)))


def _common(change: Change) -> Callable[[bytes], bytes]:
    return _manifest(_inside(ManifestMember.COMMON, lambda each: _join(change(_pairs(each)))))


def _shared(items: Sequence[bytes]) -> Callable[[bytes], bytes]:
    """Put encoded items after those of the shared sequence."""

    def change(encoded: bytes) -> bytes:
        sequence = cbor.locate(encoded, len(encoded), FORM)
        old = encoded[sequence.content : sequence.end]
        return head(_ARRAY, len(sequence.children) + len(items)) + old + b"".join(items)

    return _common(_inside(CommonMember.SHARED_SEQUENCE, change))


def _nested(depth: int) -> bytes:
    """The argument of a try-each that lies in ``depth - 1`` others, and selects all components."""
    argument = head(_ARRAY, 1) + _wrap(head(_ARRAY, 2) + _SELECT_ALL)
    for _ in range(depth - 1):
        argument = head(_ARRAY, 1) + _wrap(head(_ARRAY, 2) + _TRY + argument)
    return argument


def _validate(commands: int) -> Callable[[bytes], bytes]:
    """Put so many selections of all components into the member validate."""
    encoded = _wrap(head(_ARRAY, 2 * commands) + _SELECT_ALL * commands)
    return _manifest(_with(cbor.encode(ManifestMember.VALIDATE), encoded))


DAMAGES_OF_MANIFESTS: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        # Refused for their form.
        "manifest-followed": lambda content: content + b"\0",
        "manifest-array": lambda content: b"\x81" + content,
        "manifest-tagged": lambda content: b"\xc1" + content,
        "manifest-unordered": _manifest(_reversed),
        "manifest-duplicate": _manifest(_twice),
        "manifest-indefinite": lambda content: b"\xbf" + content[1:] + b"\xff",
        "version-long": _manifest(_value(ManifestMember.VERSION, b"\x18\x01")),
        "version-true": _manifest(_value(ManifestMember.VERSION, _TRUE)),
        "version-2": _manifest(_value(ManifestMember.VERSION, b"\x02")),
        "version-missing": _manifest(_without(ManifestMember.VERSION)),
        "number-negative": _manifest(_value(ManifestMember.SEQUENCE_NUMBER, b"\x20")),
        "number-false": _manifest(_value(ManifestMember.SEQUENCE_NUMBER, _FALSE)),
        "common-missing": _manifest(_without(ManifestMember.COMMON)),
        "common-unordered": _common(_reversed),
        "common-duplicate": _common(_twice),
        "install-empty": _manifest(_value(ManifestMember.INSTALL, b"\x40")),
        "odd-command": _shared([_INDEX]),
        "policy-true": _shared([_VENDOR, _TRUE]),
        "index-false": _shared([_INDEX, _FALSE]),
        "index-of-nothing": _shared([_INDEX, b"\x80"]),
        "vendor-text": _shared([_PARAMETERS, b"\xa1\x01\x70" + b"v" * 16]),
        "size-true": _shared([_PARAMETERS, b"\xa1\x0e\xf5"]),
        "uri-bytes": _shared([_PARAMETERS, b"\xa1\x15\x42#0"]),
        "digest-unwrapped": _shared([_PARAMETERS, b"\xa1\x03\x82\x2f\x58\x20" + bytes(32)]),
        "parameters-unordered": _shared([_PARAMETERS, b"\xa2\x15\x62#0\x0e\x00"]),
        "parameters-twice": _shared([_PARAMETERS, b"\xa2\x0e\x00\x0e\x00"]),
        "nothing-to-try": _shared([_TRY, b"\x80"]),
        "null-first": _shared([_TRY, b"\x82\xf6\x41\x80"]),
        "nested-five": _shared([_TRY, _nested(_MAX_NESTING + 1)]),
        "commands-1001": _validate(_FREE_COMMANDS + 1),
        # Refused because the profile does not have it.
        "manifest-unknown": _manifest(_with(cbor.encode(_UNKNOWN), b"\0")),
        "common-dependencies": _common(_with(b"\x01", b"\xa0")),
        "common-unknown": _common(_with(b"\x05", b"\0")),
        "coswid": _manifest(_with(cbor.encode(ManifestMember.COSWID), b"\x40")),
        "component-of-one-part": _common(_value(CommonMember.COMPONENTS, b"\x81\x81\x42\x41a")),
        "component-no-cbor": _common(_value(CommonMember.COMPONENTS, b"\x81\x82\x41a\x45\x64meta")),
        "no-components": _common(_without(CommonMember.COMPONENTS)),
        "policy-16": _shared([_VENDOR, b"\x10"]),
        "only-null": _shared([_TRY, b"\x81\xf6"]),
        "validate-empty": _validate(0),
        "vendor-short": _shared([_PARAMETERS, b"\xa1\x01\x4f" + b"v" * 15]),
        "uri-empty": _shared([_PARAMETERS, b"\xa1\x15\x60"]),
        "uri-of-256": _shared([_PARAMETERS, b"\xa1\x15\x79\x01\x00" + b"u" * 256]),
        "digest-short": _shared([_PARAMETERS, b"\xa1\x03\x58\x23\x82\x2f\x58\x1f" + bytes(31)]),
        # None of them is refused.
        "commands-1000": _validate(_FREE_COMMANDS),
        "nested-four": _shared([_TRY, _nested(_MAX_NESTING)]),
    }
)
"""Manifests that are wrong, but for the last two; a key of the device signs them all the same."""


def _envelope(change: Change) -> Callable[[bytes], bytes]:
    return lambda content: _ENVELOPE_HEAD + _join(change(_pairs(content)))


def _wrapper(change: Callable[[list[Any]], list[Any]]) -> Callable[[bytes], bytes]:
    """Change the digest and the signatures, which are byte strings."""

    def inside(encoded: bytes) -> bytes:
        items: Any = cbor.decode(encoded, len(encoded))
        return cbor.encode(change(items))

    return _envelope(_inside(EnvelopeMember.AUTHENTICATION, inside))


def _first_signature(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return _wrapper(lambda items: [items[0], change(items[1]), *items[2:]])


def _protected(label: int, value: bytes) -> Callable[[bytes], bytes]:
    """Put a label into the protected header."""

    def change(signature: bytes) -> bytes:
        encoded = _unwrap(_signature_part(signature, 0))
        protected = _wrap(_join(sorted([*_pairs(encoded), (cbor.encode(label), value)])))
        return b"\xd2\x84" + protected + signature[2 + len(_signature_part(signature, 0)) :]

    return _first_signature(change)


def _signature_part(signature: bytes, index: int) -> bytes:
    array = cbor.locate(signature, len(signature), FORM).children[0]
    part = array.children[index]
    return signature[part.offset : part.end]


def _attach(signature: bytes) -> bytes:
    """Put a payload of no bytes in the place of null, between the headers and the proof."""
    proof = _signature_part(signature, 3)
    return signature[: -len(proof) - 1] + b"\x40" + proof


def _flip_last(encoded: bytes) -> bytes:
    return flip(encoded, -1)


def _longer_tag(content: bytes) -> bytes:
    return b"\xd9\x00" + content[1:]


def _longer_head(encoded: bytes) -> bytes:
    """Encode the length of a byte string in two bytes more than it needs."""
    if encoded[0] != 0x59:
        raise ValueError("the manifest of an envelope of the suite has 256 bytes or more")
    return b"\x5a\0\0" + encoded[1:]


_OTHER_STRUCTURE: Final = cbor.with_tags((_SIGN_TAG,), b"\x80")

DAMAGES_OF_ENVELOPES: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        # Refused for their form.
        "empty": lambda _: b"",
        "followed": lambda content: content + b"\0",
        "cut": lambda content: content[:-1],
        "untagged": lambda content: content[len(_ENVELOPE_HEAD) :],
        "other-tag": lambda content: b"\xd8\x6c" + content[len(_ENVELOPE_HEAD) :],
        "tagged-twice": lambda content: b"\xd9\xd9\xf7" + content,
        "long-tag": _longer_tag,
        "long-head": _envelope(_set(EnvelopeMember.MANIFEST, _longer_head)),
        "indefinite": lambda content: (
            content[: len(_ENVELOPE_HEAD)] + b"\xbf" + content[len(_ENVELOPE_HEAD) + 1 :] + b"\xff"
        ),
        "unordered": _envelope(_reversed),
        "duplicate": _envelope(_twice),
        "no-wrapper": _envelope(_without(EnvelopeMember.AUTHENTICATION)),
        "no-manifest": _envelope(_without(EnvelopeMember.MANIFEST)),
        "manifest-unwrapped": _envelope(_set(EnvelopeMember.MANIFEST, _unwrap)),
        "payload-text": _envelope(_with(b"\x62#x", b"\x60")),
        "payload-unnamed": _envelope(_with(b"\x60", b"\x40")),
        "payload-name-of-129": _envelope(
            lambda pairs: [*pairs, (b"\x78\x81" + b"#" * (_MAX_NAME_BYTES + 1), b"\x40")]
        ),
        "key-true": _envelope(lambda pairs: [*pairs, (_TRUE, b"\x40")]),
        "no-digest": _wrapper(lambda _: []),
        "algorithm-true": _wrapper(lambda items: [b"\x82" + _TRUE + items[0][2:], *items[1:]]),
        "nine-signatures": _wrapper(lambda items: [items[0], *[items[1]] * 9]),
        "signature-untagged": _first_signature(lambda signature: signature[1:]),
        "payload-attached": _first_signature(_attach),
        "header-crit": _protected(2, b"\x81\x01"),
        # Changed on the way.
        "manifest-bit": _envelope(_inside(EnvelopeMember.MANIFEST, _flip_last)),
        "digest-bit": _wrapper(lambda items: [_flip_last(items[0]), *items[1:]]),
        "digest-by-sha-512": _wrapper(lambda items: [b"\x82\x38\x2b" + items[0][2:], *items[1:]]),
        "proof-bit": _first_signature(_flip_last),
        "header-changed": _protected(4, b"\x41k"),
        "install-bit": _envelope(_inside(ManifestMember.INSTALL, _flip_last)),
        "install-beside": _envelope(_with(cbor.encode(ManifestMember.INSTALL), b"\x41\x80")),
        "member-unknown": _envelope(_with(b"\x01", b"\x40")),
        # None of them is refused.
        "sign-beside": _wrapper(lambda items: [items[0], _OTHER_STRUCTURE, *items[1:]]),
        "payload-name-of-128": _envelope(_with(b"\x78\x80" + b"#" * _MAX_NAME_BYTES, b"\x40")),
    }
)
"""Changes of an envelope after signing."""
