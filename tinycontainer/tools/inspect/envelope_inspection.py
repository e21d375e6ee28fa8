"""SUIT envelopes as plain values, for people and programs; nothing is verified."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from tinycontainer.errors import EnvelopeError
from tinycontainer.interfaces.updating import IDENTIFIER_BYTES, UpdateSection
from tinycontainer.suit.envelope.components import parse_component
from tinycontainer.suit.envelope.decoder import decode_envelope, decode_manifest
from tinycontainer.suit.envelope.labels import (
    DRAFT,
    ManifestMember,
    Parameter,
    name_of,
)
from tinycontainer.suit.envelope.model import Signature, UpdateEnvelope, UpdateManifest
from tinycontainer.suit.envelope.profile import MAX_CONTAINERS, Objection, objections
from tinycontainer.suit.envelope.signatures import SIGN1_TAG
from tinycontainer.text import show

from .diagnostic import CborItem
from .envelope_components import fetched_components, name_component, values_of
from .envelope_shape import SHOWN_FORM, EnvelopeFacts, envelope_shape
from .signature_shape import algorithm_name
from .tree import build_tree

_IDENTIFIERS = {
    "vendor_ids": Parameter.VENDOR_IDENTIFIER,
    "class_ids": Parameter.CLASS_IDENTIFIER,
    "device_ids": Parameter.DEVICE_IDENTIFIER,
}


class EnvelopeInspection:
    """An envelope taken apart as far as it can be decoded.

    Args:
        content: untrusted bytes, of the length of an envelope at most.

    Attributes:
        problem: why it cannot be decoded; None if it can.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._envelope: UpdateEnvelope | None = None
        self._manifest: UpdateManifest | None = None
        self.problem: EnvelopeError | None = None
        try:
            self._envelope = decode_envelope(content)
            self._manifest = decode_manifest(self._envelope)
        except EnvelopeError as error:
            self.problem = error

    def values(self) -> dict[str, Any]:
        """All that it says, as plain values."""
        envelope, manifest = self._envelope, self._manifest
        return {
            "kind": "envelope",
            "bytes": len(self._content),
            "draft": DRAFT,
            "problem": None if self.problem is None else str(self.problem),
            "digest": None if envelope is None else _digest(envelope),
            "signatures": []
            if envelope is None
            else [_signature(each) for each in envelope.signatures],
            "manifest": None
            if envelope is None or manifest is None
            else _manifest(envelope, manifest),
            "payloads": [] if envelope is None else list(self._payloads(envelope)),
            "outside_profile": [
                {"place": each.place, "offset": each.offset, "problem": each.problem}
                for each in self._objections()
            ],
        }

    def tree(self) -> CborItem:
        """Every byte with its meaning, and what our devices refuse.

        Raises:
            CborError: it is not CBOR of the kind that this project reads.
        """
        shape = envelope_shape(self._facts())
        tree = build_tree(self._content, shape, len(self._content), SHOWN_FORM)
        return _annotate(tree, self._remarks())

    def _remarks(self) -> dict[int, str]:
        """What to say at an offset of the file."""
        if self.problem is not None:
            return {self.problem.offset: f"refused: {self.problem.problem}"}
        found: dict[int, str] = {}
        for each in self._objections():
            found.setdefault(each.offset, f"outside our profile: {each.problem}")
        return found

    def _objections(self) -> Iterator[Objection]:
        if self._envelope is not None and self._manifest is not None:
            yield from objections(self._envelope, self._manifest)

    def _facts(self) -> EnvelopeFacts:
        envelope, manifest = self._envelope, self._manifest
        if envelope is None or manifest is None:
            return EnvelopeFacts()
        fetched = fetched_components(manifest)
        sections = [_section_of(each) for each in manifest.components]
        of_metadata = [
            name
            for name, owners in fetched.items()
            if any(sections[each] is UpdateSection.METADATA for each in owners)
        ]
        return EnvelopeFacts(
            tuple(map(name_component, manifest.components)),
            frozenset(index for index, section in enumerate(sections) if section is not None),
            {name: fetched.get(name, ()) for name in envelope.payloads},
            frozenset(of_metadata[:MAX_CONTAINERS]),  # more is no update, and would take long
            dict.fromkeys(envelope.severed, "its digest is in the manifest"),
            "it matches" if envelope.digest.is_of(envelope.manifest) else "it is of another one",
        )

    def _payloads(self, envelope: UpdateEnvelope) -> Iterator[dict[str, Any]]:
        manifest = self._manifest
        fetched = {} if manifest is None else fetched_components(manifest)
        for name, content in envelope.payloads.items():
            owners = fetched.get(name, ())
            yield {
                "name": show(name),
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "components": []
                if manifest is None
                else [name_component(manifest.components[each]) for each in owners],
            }


def _section_of(identifier: tuple[bytes, ...]) -> UpdateSection | None:
    try:
        return parse_component(identifier)[1]
    except ValueError:
        return None


def _digest(envelope: UpdateEnvelope) -> dict[str, Any]:
    return {
        "algorithm": envelope.digest.algorithm,
        "value": envelope.digest.value.hex(),
        "matches": envelope.digest.is_of(envelope.manifest),
    }


def _signature(signature: Signature) -> dict[str, Any]:
    return {
        "verifiable": signature.tag == SIGN1_TAG,
        "algorithm": algorithm_name(signature.algorithm),
        "kid": None if signature.kid is None else show(signature.kid),
    }


def _manifest(envelope: UpdateEnvelope, manifest: UpdateManifest) -> dict[str, Any]:
    uris = [uri for uri in fetched_components(manifest) if uri not in envelope.payloads]
    return {
        "version": manifest.version,
        "sequence_number": manifest.sequence_number,
        "bytes": len(envelope.manifest),
        "reference_uri": None if manifest.reference_uri is None else show(manifest.reference_uri),
        **{key: list(_identifiers(manifest, each)) for key, each in _IDENTIFIERS.items()},
        "components": [_component(each) for each in manifest.components],
        "members": [
            {"name": name_of(ManifestMember, each), "severed": False, "carried": True}
            for each in manifest.sequences
            if each not in manifest.severed
        ]
        + [
            {
                "name": name_of(ManifestMember, each),
                "severed": True,
                "carried": each not in manifest.missing,
            }
            for each in manifest.severed
        ],
        "fetches": [show(uri) for uri in uris],
    }


def _component(identifier: tuple[bytes, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {"name": name_component(identifier)}
    values |= {"uid": None, "uid_hex": None, "section": None}
    try:
        uid, section = parse_component(identifier)
    except ValueError:
        return values
    return values | {"uid": show(uid), "uid_hex": uid.hex(), "section": str(section)}


def _identifiers(manifest: UpdateManifest, parameter: Parameter) -> Iterator[str]:
    seen = set()
    for value in values_of(manifest, parameter):
        if isinstance(value, bytes) and value not in seen:
            seen.add(value)
            is_uuid = len(value) == IDENTIFIER_BYTES
            yield str(UUID(bytes=value)) if is_uuid else value.hex()


def _annotate(node: CborItem, remarks: dict[int, str]) -> CborItem:
    """Put each remark to the innermost node at its offset."""
    for offset, remark in remarks.items():
        node = _remark(node, offset, remark)
    return node


def _remark(node: CborItem, offset: int, remark: str) -> CborItem:
    for place, child in enumerate(node.children):
        if child.offset <= offset < child.offset + child.length:
            changed = _remark(child, offset, remark)
            children = (*node.children[:place], changed, *node.children[place + 1 :])
            return replace(node, children=children)
    return replace(node, meaning="; ".join(filter(None, (node.meaning, remark))))
