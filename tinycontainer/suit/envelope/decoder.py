"""Envelopes and manifests from bytes, strictly.

An envelope is CBOR in CBOR: each byte string that wraps a part is a piece of its own, judged when
it is opened. Every piece is in deterministic form, so what is decoded encodes to the same bytes
again. What is unknown is kept and not refused: `profile` refuses it by its name.

Nothing here is trusted yet. Whether the digest is the manifest's, and who has signed it, is not
asked here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tinycontainer.errors import EnvelopeError, SeveredMismatch

from .commands import CommandReader
from .labels import (
    ENVELOPE_TAG,
    MANIFEST_VERSION,
    CommonMember,
    EnvelopeMember,
    ManifestMember,
    name_of,
)
from .model import (
    COMMAND_MEMBERS,
    SEVERABLE_MEMBERS,
    CommandSequence,
    ComponentId,
    SuitDigest,
    UnknownMember,
    UpdateEnvelope,
    UpdateManifest,
)
from .reading import ItemAllowance, Part
from .signatures import read_digest, read_wrapper

MAX_ENVELOPE_BYTES: Final = 1 << 20
MAX_PAYLOAD_NAME_BYTES: Final = 128

SHARED_SEQUENCE: Final = "shared-sequence"
"""The place of the shared sequence."""

_READ_MEMBERS: Final = frozenset(
    {
        ManifestMember.VERSION,
        ManifestMember.SEQUENCE_NUMBER,
        ManifestMember.COMMON,
        ManifestMember.REFERENCE_URI,
        ManifestMember.TEXT,
        *COMMAND_MEMBERS,
    }
)
"""The members of a manifest that are decoded or, the text, passed over."""


def decode_envelope(content: bytes, limit_bytes: int = MAX_ENVELOPE_BYTES) -> UpdateEnvelope:
    """Take an envelope apart; its manifest is not looked into.

    Args:
        content: untrusted bytes.
        limit_bytes: longest ``content`` that is looked at.

    Raises:
        EnvelopeError: not an envelope in deterministic CBOR, or longer than the limit.
    """
    if len(content) > limit_bytes:
        problem = f"{len(content)} bytes; at most {limit_bytes} are allowed"
        raise EnvelopeError("envelope", limit_bytes, problem)
    whole = Part.read("envelope", content, 0, ItemAllowance())
    inner = whole.item.children
    # Within other protocols, as in TEEP, an envelope has no tag. Our profile demands it.
    if whole.item.tag is None and isinstance(whole.item.value, dict):
        return _EnvelopeReader().read(whole, is_tagged=False)
    if whole.item.tag != ENVELOPE_TAG or inner[0].tag is not None:
        raise whole.refusal(f"does not begin with the tag {ENVELOPE_TAG} alone")
    return _EnvelopeReader().read(whole.at(inner[0], whole.place), is_tagged=True)


def decode_manifest(envelope: UpdateEnvelope) -> UpdateManifest:
    """Decode the manifest of an envelope, with its severed members put back.

    Raises:
        EnvelopeError: not a manifest in deterministic CBOR; or the envelope carries a member that
            is not severed from the manifest.
        SeveredMismatch: a severed member has another digest than the manifest names.
    """
    allowance = ItemAllowance()
    wrapped = _opened("manifest", envelope.manifest, envelope.manifest_offset, allowance)
    return _ManifestReader(envelope).read(wrapped)


def _opened(place: str, encoded: bytes, content_offset: int, allowance: ItemAllowance) -> Part:
    """What an encoded byte string wraps, whose content begins at an offset of the envelope."""
    part = Part.read(place, encoded, 0, allowance)
    return part._replace(base=content_offset - part.item.content).inside()


def _required(members: Mapping[int, Part], key: int, name: str, whole: Part) -> Part:
    if key not in members:
        raise whole.refusal(f"{name} is missing")
    return members[key]


@dataclass(slots=True)
class _EnvelopeReader:
    """The members of one envelope, as they are read."""

    known: dict[int, Part] = field(default_factory=dict)
    severed: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    payloads: dict[str, bytes] = field(default_factory=dict)
    unknown: list[UnknownMember] = field(default_factory=list)

    def read(self, whole: Part, *, is_tagged: bool) -> UpdateEnvelope:
        for key, value in whole.members():
            self._member(key, value)
        wrapper = _required(
            self.known, EnvelopeMember.AUTHENTICATION, "the authentication wrapper", whole
        )
        manifest = _required(self.known, EnvelopeMember.MANIFEST, "the manifest", whole)
        manifest.byte_string()
        authentication = read_wrapper(wrapper.inside("authentication-wrapper"))
        return UpdateEnvelope(
            digest=authentication.digest,
            signed_digest=authentication.signed_digest,
            signatures=authentication.signatures,
            manifest=manifest.encoded,
            manifest_offset=manifest.content_offset,
            severed=self.severed,
            payloads=self.payloads,
            unknown=tuple(self.unknown),
            digest_offset=authentication.digest_offset,
            is_tagged=is_tagged,
        )

    def _member(self, key: Part, value: Part) -> None:
        if isinstance(key.item.value, str):
            self._payload(key, key.item.value, value)
            return
        label = key.integer()
        if label in (EnvelopeMember.AUTHENTICATION, EnvelopeMember.MANIFEST):
            self.known[label] = value
        elif label in SEVERABLE_MEMBERS:
            value.byte_string()
            self.severed[label] = value.encoded, value.content_offset
        else:
            self.unknown.append(UnknownMember(label, "envelope", key.offset))

    def _payload(self, key: Part, name: str, value: Part) -> None:
        length = len(name.encode())
        if not 1 <= length <= MAX_PAYLOAD_NAME_BYTES:
            problem = f"a payload's name of {length} bytes; it has 1 to {MAX_PAYLOAD_NAME_BYTES}"
            raise key.refusal(problem)
        self.payloads[name] = value.byte_string()


class _ManifestReader:
    """The members of one manifest, as they are read."""

    def __init__(self, envelope: UpdateEnvelope) -> None:
        self._envelope = envelope
        self._commands = CommandReader()
        self._known: dict[int, Part] = {}
        self._unknown: list[UnknownMember] = []
        self._sequences: dict[ManifestMember, CommandSequence] = {}
        self._severed: dict[ManifestMember, SuitDigest] = {}
        self._missing: set[ManifestMember] = set()
        self._offsets: dict[str, int] = {}

    def read(self, whole: Part) -> UpdateManifest:
        for label, key, value in whole.numbered():
            name = name_of(ManifestMember, label)
            self._offsets[name] = whole.base + key.offset
            self._member(label, whole.at(value, name))
        self._refuse_surplus()
        version = _required(self._known, ManifestMember.VERSION, "the version", whole)
        if version.unsigned() != MANIFEST_VERSION:
            raise version.refusal(f"version {version.unsigned()} is not {MANIFEST_VERSION}")
        number = _required(
            self._known, ManifestMember.SEQUENCE_NUMBER, "the sequence number", whole
        )
        common = _required(self._known, ManifestMember.COMMON, "the common map", whole)
        components, shared = self._common(common.inside("common"))
        reference = self._known.get(ManifestMember.REFERENCE_URI)
        return UpdateManifest(
            version=MANIFEST_VERSION,
            sequence_number=number.unsigned(),
            components=components,
            shared=shared,
            sequences=self._sequences,
            reference_uri=None if reference is None else reference.text(),
            severed=self._severed,
            missing=frozenset(self._missing),
            unknown=tuple(self._unknown),
            offsets=self._offsets,
        )

    def _member(self, label: int, value: Part) -> None:
        if label not in _READ_MEMBERS:
            offset = self._offsets[value.place]
            self._unknown.append(UnknownMember(label, "manifest", offset))
        if label in SEVERABLE_MEMBERS and value.is_array():
            self._severed_member(ManifestMember(label), value)
        elif label in COMMAND_MEMBERS:
            self._sequences[ManifestMember(label)] = self._commands.sequence(value.inside())
        elif label in SEVERABLE_MEMBERS:
            value.byte_string()
        else:
            self._known[label] = value

    def _severed_member(self, member: ManifestMember, value: Part) -> None:
        digest = read_digest(value)
        self._severed[member] = digest
        if member not in self._envelope.severed:
            self._missing.add(member)
            return
        encoded, offset = self._envelope.severed[member]
        if not digest.is_of(encoded):
            problem = "what the envelope carries has not the SHA-256 that the manifest names"
            raise SeveredMismatch(value.place, offset, problem)
        if member in COMMAND_MEMBERS:
            carried = _opened(value.place, encoded, offset, value.allowance)
            self._sequences[member] = self._commands.sequence(carried)

    def _refuse_surplus(self) -> None:
        """Nothing covers a member that the envelope carries and the manifest does not sever."""
        for label, (_, offset) in self._envelope.severed.items():
            if label not in self._severed:
                name = name_of(ManifestMember, label)
                problem = "the envelope carries it, and the manifest names no digest for it"
                raise EnvelopeError(name, offset, problem)

    def _common(self, whole: Part) -> tuple[tuple[ComponentId, ...], CommandSequence]:
        components: tuple[ComponentId, ...] = ()
        shared: CommandSequence = ()
        for label, key, value in whole.numbered():
            offset = whole.base + key.offset
            if label == CommonMember.COMPONENTS:
                components = self._components(whole.at(value, "common.components"))
            elif label == CommonMember.SHARED_SEQUENCE:
                self._offsets[SHARED_SEQUENCE] = offset
                shared = self._commands.sequence(whole.at(value, SHARED_SEQUENCE).inside())
            else:
                self._unknown.append(UnknownMember(label, "common", offset))
        return components, shared

    def _components(self, whole: Part) -> tuple[ComponentId, ...]:
        identifiers = []
        self._offsets[whole.place] = whole.offset
        for part in whole.array():
            self._offsets[part.place] = part.offset
            identifiers.append(tuple(item.byte_string() for item in part.array()))
        return tuple(identifiers)
