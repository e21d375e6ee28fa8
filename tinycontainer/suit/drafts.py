"""What an update is to do, and the envelope that says it within our profile.

The shared sequence says who the update is for, and of every component digest, size and where it
comes from. The install sequence fetches all components and matches their images, since nothing else
covers an integrated payload. It is as short as that allows: for one container a signed envelope
adds less than 450 bytes to the bundle.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tinycontainer.errors import EnvelopeError
from tinycontainer.interfaces.updating import UpdateIdentity, UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.metadata import decode as decode_metadata
from tinycontainer_tokens import cbor

from .envelope.components import component_id
from .envelope.decoder import decode_envelope, decode_manifest
from .envelope.encoder import (
    build_envelope,
    digest_of,
    digest_of_wrapped,
    encode_manifest,
    encode_sequence,
)
from .envelope.labels import MANIFEST_VERSION, Label, ManifestMember, Parameter, TextMember
from .envelope.model import (
    CommandSequence,
    ComponentId,
    ParameterValue,
    SuitDigest,
    UpdateCommand,
    UpdateManifest,
)
from .envelope.profile import objections

_CHECK: Final = 15
"""The reporting policy of conditions: success and failure, in record and information."""

_ACT: Final = 2
"""The reporting policy of directives: a record on failure."""

_LANGUAGE: Final = "en"


@dataclass(frozen=True, slots=True)
class NewVersion:
    """The next version of one container.

    Attributes:
        uid: 1 to 63 bytes.
        sections: all three sections of its bundle.
        starts: whether the device is to start it.
        uris: where a device fetches a section that the envelope does not carry, 1 to 255 bytes;
            sections without one are integrated.
    """

    uid: bytes
    sections: Mapping[UpdateSection, bytes]
    starts: bool = False
    uris: Mapping[UpdateSection, str] = field(default_factory=dict)

    @classmethod
    def of(cls, bundle: Bundle, *, starts: bool = False) -> "NewVersion":
        """The version that a bundle holds.

        Args:
            bundle: the container.
            starts: whether the device is to start it.

        Raises:
            MetadataError: its metadata cannot be decoded.
        """
        uid = decode_metadata(bundle.metadata, max(len(bundle.metadata), 1)).uid
        content = {
            UpdateSection.METADATA: bundle.metadata,
            UpdateSection.DATA: bundle.data,
            UpdateSection.CODE: bundle.code,
        }
        return cls(uid, content, starts)


@dataclass(frozen=True, slots=True)
class UpdateDraft:
    """What one envelope is to do: install and replace containers, or delete them.

    Attributes:
        sequence_number: 0 to 2^63 - 1; higher than that of each container's last update.
        identity: which devices it is for; without a device id, all of the class.
        containers: those that it brings, at most 16; empty if it deletes.
        removed: uids of those that it deletes, at most 16; empty if it brings any.
        severed_install: whether the install sequence lies outside of the manifest, so that who
            passes the envelope on can leave it out.
        description: what the update does, for people; always severed.
        reference_uri: where the whole manifest can be found; for people.
    """

    sequence_number: int
    identity: UpdateIdentity
    containers: tuple[NewVersion, ...] = ()
    removed: tuple[bytes, ...] = ()
    severed_install: bool = False
    description: str | None = None
    reference_uri: str | None = None


@dataclass(frozen=True, slots=True)
class _Image:
    """One component of the draft: its image is None where it is deleted."""

    uid: bytes
    section: UpdateSection
    content: bytes | None
    uri: str | None
    starts: bool

    @property
    def identifier(self) -> ComponentId:
        return component_id(self.uid, self.section)


def make_envelope(draft: UpdateDraft) -> bytes:
    """The envelope of a draft, which nobody has signed yet.

    Raises:
        EnvelopeError: the draft does not belong to our profile (a section is missing, a uid is too
            long or there twice, both containers and removed ones), or the envelope would be longer
            than 1 MiB.
    """
    severed = _severed(draft)
    content = build_envelope(encode_manifest(describe(draft)), _payloads(draft), severed)
    envelope = decode_envelope(content)
    for objection in objections(envelope, decode_manifest(envelope)):
        raise EnvelopeError(objection.place, objection.offset, objection.problem)
    return content


def describe(draft: UpdateDraft) -> UpdateManifest:
    """The manifest of a draft, which nobody has judged."""
    images = tuple(_images(draft))
    return UpdateManifest(
        version=MANIFEST_VERSION,
        sequence_number=draft.sequence_number,
        components=tuple(image.identifier for image in images),
        shared=_shared(draft.identity, images),
        sequences=_sequences(draft),
        reference_uri=draft.reference_uri,
        severed=_severed_digests(draft),
    )


def _images(draft: UpdateDraft) -> Iterator[_Image]:
    """The components in the order of their indices."""
    for version in draft.containers:
        for section in UpdateSection:
            if section in version.sections:
                content = version.sections[section]
                starts = version.starts and section is UpdateSection.CODE
                yield _Image(version.uid, section, content, version.uris.get(section), starts)
    for uid in draft.removed:
        for section in UpdateSection:
            yield _Image(uid, section, None, None, starts=False)


def _name(index: int) -> str:
    """The name of a component's integrated payload."""
    return f"#{index}"


def _payloads(draft: UpdateDraft) -> dict[str, bytes]:
    return {
        _name(index): image.content
        for index, image in enumerate(_images(draft))
        if image.content is not None and image.uri is None
    }


def _shared(identity: UpdateIdentity, images: tuple[_Image, ...]) -> CommandSequence:
    commands = [_EVERYTHING, *_conditions(identity)]
    for index, image in enumerate(images):
        if image.content is not None:
            parameters: dict[int, ParameterValue] = {
                Parameter.IMAGE_DIGEST: digest_of(image.content),
                Parameter.IMAGE_SIZE: len(image.content),
                Parameter.URI: _name(index) if image.uri is None else image.uri,
            }
            commands.append(UpdateCommand(Label.SET_COMPONENT_INDEX, index))
            commands.append(UpdateCommand(Label.OVERRIDE_PARAMETERS, parameters))
    return tuple(commands)


def _conditions(identity: UpdateIdentity) -> Iterator[UpdateCommand]:
    """Which device the update is for, checked for all components."""
    identifiers: dict[int, ParameterValue] = {
        Parameter.VENDOR_IDENTIFIER: identity.vendor_id,
        Parameter.CLASS_IDENTIFIER: identity.class_id,
    }
    if identity.device_id is not None:
        identifiers[Parameter.DEVICE_IDENTIFIER] = identity.device_id
    yield UpdateCommand(Label.OVERRIDE_PARAMETERS, identifiers)
    # Each condition has the number of the parameter that it compares.
    for number in identifiers:
        yield UpdateCommand(number, _CHECK)


def _sequences(draft: UpdateDraft) -> dict[ManifestMember, CommandSequence]:
    sequences: dict[ManifestMember, CommandSequence] = {}
    images = tuple(_images(draft))
    if starting := tuple(_invoke(images)):
        sequences[ManifestMember.INVOKE] = starting
    if draft.containers:
        sequences[ManifestMember.INSTALL] = _INSTALL
    if draft.removed:
        sequences[ManifestMember.UNINSTALL] = _EVERYTHING, UpdateCommand(Label.UNLINK, _ACT)
    return sequences


_EVERYTHING: Final = UpdateCommand(Label.SET_COMPONENT_INDEX, argument=True)
_INSTALL: Final = (
    _EVERYTHING,
    UpdateCommand(Label.FETCH, _ACT),
    UpdateCommand(Label.IMAGE_MATCH, _CHECK),
)
"""Fetches every component and matches its image; what and where from, the shared sequence says."""


def _invoke(images: tuple[_Image, ...]) -> Iterator[UpdateCommand]:
    for index, image in enumerate(images):
        if image.starts:
            yield UpdateCommand(Label.SET_COMPONENT_INDEX, index)
            yield UpdateCommand(Label.INVOKE, _ACT)


def _severed(draft: UpdateDraft) -> dict[int, bytes]:
    """The encoded members that lie outside of the manifest."""
    severed: dict[int, bytes] = {}
    if draft.severed_install and draft.containers:
        severed[ManifestMember.INSTALL] = encode_sequence(_INSTALL)
    if draft.description is not None:
        text = {_LANGUAGE: {int(TextMember.UPDATE_DESCRIPTION): draft.description}}
        severed[ManifestMember.TEXT] = cbor.encode(text)
    return severed


def _severed_digests(draft: UpdateDraft) -> dict[ManifestMember, SuitDigest]:
    return {
        ManifestMember(label): digest_of_wrapped(content)
        for label, content in _severed(draft).items()
    }
