"""The shape of a SUIT envelope: the meaning of each item by its place.

What lies in byte strings is opened by its place, and not by what it looks like. Sequences that lie
in others are opened as deep as a device decodes them.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final
from uuid import UUID

from tinycontainer.suit.envelope.commands import MAX_NESTING
from tinycontainer.suit.envelope.labels import (
    ENVELOPE_TAG,
    CommonMember,
    EnvelopeMember,
    Label,
    ManifestMember,
    Parameter,
    name_of,
)
from tinycontainer.suit.envelope.model import COMMAND_MEMBERS, SEVERABLE_MEMBERS
from tinycontainer.suit.envelope.reading import MAX_ITEMS
from tinycontainer.text import show
from tinycontainer_tokens import CborError, cbor

from .container_shape import SECTION_SHOWN_BYTES, metadata_shape
from .envelope_components import name_parts
from .signature_shape import digest_shape, signature_shape, wrapping_shape
from .tree import MAX_TREE_BYTES, Shape, fixed_meaning, shape_of_nth

SHOWN_FORM: Final = cbor.Dialect(
    text_keys=True, simple_values=True, any_order=True, array_keys=True, max_items=MAX_ITEMS
)
"""What CBOR may have in an envelope that is shown."""
_METADATA_FORM: Final = cbor.Dialect(any_order=True, max_items=4096)
"""The same of metadata in it; there can be sixteen."""

_SHOWN_NAME_BYTES: Final = 80
_TEXTS: Final = {
    1: "manifest description",
    2: "update description",
    3: "manifest as JSON",
    4: "manifest as YAML",
}
_COMPONENT_TEXTS: Final = {
    1: "vendor name",
    2: "model name",
    3: "vendor domain",
    4: "model information",
    5: "description of the component",
    6: "version of the component",
}
_IDENTIFIERS: Final = (
    Parameter.VENDOR_IDENTIFIER,
    Parameter.CLASS_IDENTIFIER,
    Parameter.DEVICE_IDENTIFIER,
)
_POLICY_BITS: Final = (
    "a record on success",
    "a record on failure",
    "system information on success",
    "system information on failure",
)


@dataclass(frozen=True, slots=True)
class EnvelopeFacts:
    """What is known of an envelope as a whole, for the meaning of its parts.

    Attributes:
        components: the name of each, such as ``courier code``, fit to be shown.
        ours: which of them have identifiers of our profile.
        payloads: by name, the components that fetch this integrated payload.
        metadata_payloads: names of payloads that are metadata.
        severed: what to say of members that lie outside of the manifest, by their label.
        digest: what to say of the digest of the manifest.
    """

    components: tuple[str, ...] = ()
    ours: frozenset[int] = frozenset()
    payloads: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    metadata_payloads: frozenset[str] = frozenset()
    severed: Mapping[int, str] = field(default_factory=dict)
    digest: str = "not compared"

    def component(self, index: object) -> str:
        """A component by its index, in words."""
        if isinstance(index, int) and 0 <= index < len(self.components):
            return f"{index} ({self.components[index]})"
        return f"{index} (there is none)"


def envelope_shape(facts: EnvelopeFacts) -> Shape:
    """The shape of an envelope.

    Args:
        facts: what is known of it as a whole.
    """
    return _Shapes(facts).envelope()


@dataclass(frozen=True, slots=True)
class _Shapes:
    """The shapes of one envelope's parts."""

    facts: EnvelopeFacts

    def envelope(self) -> Shape:
        return Shape(
            fixed_meaning("envelope"),
            tags={ENVELOPE_TAG: "tag of a SUIT envelope"},
            child=self._member,
        )

    def _member(self, key: object) -> Shape:
        if isinstance(key, str):
            return self._payload(key)
        if key == EnvelopeMember.AUTHENTICATION:
            return wrapping_shape("authentication wrapper", self._authentication())
        if key == EnvelopeMember.MANIFEST:
            return wrapping_shape("manifest", _by_number(ManifestMember, self._manifest_member))
        if key in SEVERABLE_MEMBERS and isinstance(key, int):
            return self._manifest_member(ManifestMember(key), severed=True)
        return Shape(fixed_meaning(_unknown(EnvelopeMember, key)))

    def _payload(self, name: str) -> Shape:
        owners = self.facts.payloads.get(name, ())
        whose = ", ".join(self.facts.components[each] for each in owners) or "nobody fetches it"
        words = f"payload {show(name, _SHOWN_NAME_BYTES)} ({whose})"
        is_metadata = name in self.facts.metadata_payloads
        return Shape(
            lambda value: _payload_meaning(words, value),
            inside=(lambda _: metadata_shape()) if is_metadata else None,
            form=_METADATA_FORM,
            shown_bytes=SECTION_SHOWN_BYTES,
        )

    def _authentication(self) -> Shape:
        def part(index: object) -> Shape:
            if index == 0:
                words = f"digest of the manifest, which is signed ({self.facts.digest})"
                return wrapping_shape(words, digest_shape())
            number = index if isinstance(index, int) else "at no place"
            return wrapping_shape(f"signature {number}", signature_shape())

        return Shape(child=part)

    def _manifest_member(self, key: ManifestMember, *, severed: bool = False) -> Shape:
        name = name_of(ManifestMember, key)
        if key == ManifestMember.COMMON:
            return wrapping_shape(name, _by_number(CommonMember, self._common_member))
        if key == ManifestMember.COMPONENT_ID:
            return Shape(fixed_meaning(name))
        inside: Callable[[bytes], Shape] | None = None
        if key in COMMAND_MEMBERS:
            inside = self._sequence
        elif key == ManifestMember.TEXT:
            inside = self._texts
        note = f"; {self.facts.severed[key]}" if severed and key in self.facts.severed else ""
        return Shape(
            lambda value: _member_meaning(name, value) + note,
            child=digest_shape().child,
            inside=inside,
        )

    def _common_member(self, key: CommonMember) -> Shape:
        if key == CommonMember.COMPONENTS:
            return Shape(fixed_meaning("components"), child=self._component)
        name = name_of(CommonMember, key)
        if key == CommonMember.SHARED_SEQUENCE:
            return Shape(fixed_meaning("shared sequence"), inside=self._sequence)
        return Shape(fixed_meaning(name))

    def _component(self, index: object) -> Shape:
        if not isinstance(index, int):
            return Shape(fixed_meaning("unknown key"))
        words = fixed_meaning(f"component {self.facts.component(index)}")
        if index not in self.facts.ours:
            return Shape(words, child=lambda _: Shape(fixed_meaning("part of the identifier")))
        parts = [
            Shape(fixed_meaning(name), inside=lambda _: Shape(_plain_value))
            for name in ("uid", "section")
        ]
        return Shape(words, child=shape_of_nth(parts))

    # Commands.

    def _sequence(self, content: bytes, nesting: int = 0) -> Shape:
        labels = _items_of(content)[::2]

        def part(index: object) -> Shape:
            if not isinstance(index, int) or not 0 <= index // 2 < len(labels):
                return Shape(fixed_meaning("unknown"))
            label = labels[index // 2]
            if index % 2:
                return self._argument(label, nesting)
            return Shape(lambda value: f"command {_name(Label, value)}")

        return Shape(lambda value: _count(value, "command", 2), child=part)

    def _argument(self, label: object, nesting: int) -> Shape:
        if label == Label.SET_COMPONENT_INDEX:
            return Shape(self._index_meaning, child=lambda _: Shape(self._index_meaning))
        if label in (Label.OVERRIDE_PARAMETERS, Label.SET_PARAMETERS):
            return _by_number(Parameter, self._parameter, "parameters")
        if label in (Label.TRY_EACH, Label.RUN_SEQUENCE) and nesting <= MAX_NESTING:
            sequence = Shape(_attempt, inside=lambda each: self._sequence(each, nesting + 1))
            if label == Label.RUN_SEQUENCE:
                return sequence
            return Shape(lambda value: _count(value, "attempt"), child=lambda _: sequence)
        return Shape(_policy)

    def _index_meaning(self, value: object) -> str:
        if value is True:
            return "all components"
        if isinstance(value, int):
            return f"component {self.facts.component(value)}"
        return "components" if isinstance(value, list) else "no index"

    def _parameter(self, key: Parameter) -> Shape:
        name = name_of(Parameter, key)
        if key == Parameter.IMAGE_DIGEST:
            return wrapping_shape(name, digest_shape())
        if key in _IDENTIFIERS:
            return Shape(lambda value: f"{name}: {_identifier(value)}")
        if key == Parameter.IMAGE_SIZE:
            return Shape(lambda value: f"{name}: {_plain(value)} bytes")
        return Shape(lambda value: f"{name}: {_plain(value)}" if _plain(value) else name)

    # Text.

    def _texts(self, _content: bytes) -> Shape:
        def language(key: object) -> Shape:
            words = f"text in the language {show(str(key), _SHOWN_NAME_BYTES)}"
            return Shape(fixed_meaning(words), child=self._text)

        return Shape(fixed_meaning("texts by language"), child=language)

    def _text(self, key: object) -> Shape:
        if not isinstance(key, bytes):
            known = isinstance(key, int) and key in _TEXTS
            return Shape(fixed_meaning(_TEXTS[key] if known and isinstance(key, int) else "text"))
        parts = tuple(each for each in _items_of(key) if isinstance(each, bytes))

        def about(label: object) -> Shape:
            words = _COMPONENT_TEXTS.get(label, "text") if isinstance(label, int) else "text"
            return Shape(fixed_meaning(words))

        return Shape(fixed_meaning(f"about the component {name_parts(parts)}"), child=about)


def _payload_meaning(words: str, value: object) -> str:
    if not isinstance(value, bytes):
        return f"{words}: not a byte string"
    return f"{words}: {len(value)} bytes, sha256 {hashlib.sha256(value).hexdigest()}"


def _by_number(
    kind: type[IntEnum], shape_of: Callable[..., Shape], meaning: str | None = None
) -> Shape:
    """The shape of a map with numbers of a kind as keys."""

    def child(key: object) -> Shape:
        if isinstance(key, int) and key in set(kind):
            return shape_of(kind(key))
        return Shape(fixed_meaning(_unknown(kind, key)))

    return Shape(child=child) if meaning is None else Shape(fixed_meaning(meaning), child=child)


def _unknown(kind: type[IntEnum], key: object) -> str:
    return _name(kind, key) if isinstance(key, int) else "unknown key"


def _name(kind: type[IntEnum], value: object) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        return "unknown"
    name = name_of(kind, value)
    return f"{name}, which is unknown" if name == str(value) else name


def _member_meaning(name: str, value: object) -> str:
    if isinstance(value, bytes):
        return f"{name}: {len(value)} bytes"
    if isinstance(value, list):
        return f"{name}, severed: its digest"
    return f"{name}: {_plain(value)}"


def _items_of(content: bytes) -> list[object]:
    """The items of an array; nothing if it is none."""
    try:
        found = cbor.locate(content, MAX_TREE_BYTES, SHOWN_FORM)
    except CborError:
        return []
    return [child.value for child in found.children] if isinstance(found.value, list) else []


def _count(value: object, name: str, each: int = 1) -> str:
    if not isinstance(value, list):
        return ""
    count = len(value) // each
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _attempt(value: object) -> str:
    return "nothing to do, which succeeds" if value is None else "sequence"


def _policy(value: object) -> str:
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not 0 <= value < 1 << len(_POLICY_BITS)
    ):
        return "argument"
    if value == (1 << len(_POLICY_BITS)) - 1:
        return "reporting policy: records and system information, always"
    wanted = [words for bit, words in enumerate(_POLICY_BITS) if value >> bit & 1]
    return f"reporting policy: {', '.join(wanted) or 'nothing'}"


def _identifier(value: object) -> str:
    if isinstance(value, bytes) and len(value) == len(UUID(int=0).bytes):
        return str(UUID(bytes=value))
    return "not 16 bytes"


def _plain(value: object) -> str:
    if isinstance(value, str):
        return show(value)
    return str(value) if isinstance(value, int) else ""


def _plain_value(value: object) -> str:
    return show(value) if isinstance(value, bytes | str) else ""
