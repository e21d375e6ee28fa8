"""Envelopes for tests: drafts of our profile, and envelopes put together by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st

from tinycontainer.interfaces.updating import UpdateIdentity, UpdateSection
from tinycontainer.suit.drafts import NewVersion, UpdateDraft, make_envelope
from tinycontainer.suit.envelope.decoder import decode_envelope, decode_manifest
from tinycontainer.suit.envelope.encoder import with_signature
from tinycontainer.suit.envelope.labels import EnvelopeMember, ManifestMember
from tinycontainer.suit.envelope.model import UpdateEnvelope, UpdateManifest
from tinycontainer_tokens import cbor
from tinycontainer_tokens.cbor import Encodable

IDENTITY: Final = UpdateIdentity(b"vendor".ljust(16, b"."), b"class".ljust(16, b"."))
SECTIONS: Final = {
    UpdateSection.METADATA: b"metadata",
    UpdateSection.DATA: b"data",
    UpdateSection.CODE: b"code",
}
COURIER: Final = NewVersion(b"courier", SECTIONS, starts=True)
DRAFT: Final = UpdateDraft(7, IDENTITY, (COURIER,))
REMOVAL: Final = UpdateDraft(8, IDENTITY, removed=(b"courier",))

SMALL: Final = with_signature(make_envelope(DRAFT), cbor.encode({1: -9, 4: b"kid"}), bytes(64))
"""A signed envelope of few bytes."""

SEVERED: Final = make_envelope(replace(DRAFT, severed_install=True, description="faster"))
"""An envelope with two severed members."""

Members = Mapping[int, Encodable]


def components(*uids: bytes) -> list[Encodable]:
    """The components of whole containers, as they are encoded."""
    sections = ("meta", "data", "code")
    return [[cbor.encode(uid), cbor.encode(section)] for uid in uids for section in sections]


def sequence(*commands: Encodable) -> bytes:
    """A command sequence of labels and arguments in turn."""
    return cbor.encode(commands)


def manifest_members(
    install: bytes | None = None, shared: bytes | None = None, uids: Sequence[bytes] = (b"courier",)
) -> dict[int, Encodable]:
    """The members of a manifest; they can be changed before they are encoded."""
    common: dict[int, Encodable] = {2: components(*uids)}
    if shared is not None:
        common[4] = shared
    members: dict[int, Encodable] = {1: 1, 2: 7, 3: cbor.encode(common)}
    if install is not None:
        members[ManifestMember.INSTALL] = install
    return members


def envelope_members(
    manifest: bytes, signatures: Sequence[bytes] = ()
) -> dict[int | str, Encodable]:
    """The members of an envelope around an encoded manifest."""
    digest = cbor.encode([-16, bytes(32)])
    return {
        EnvelopeMember.AUTHENTICATION: cbor.encode([digest, *signatures]),
        EnvelopeMember.MANIFEST: manifest,
    }


def tagged(members: Mapping[int | str, Encodable], tag: int = 107) -> bytes:
    """An envelope of these members."""
    return cbor.with_tags((tag,), cbor.encode(members))


def around(members: Members) -> bytes:
    """An envelope around a manifest of these members."""
    return tagged(envelope_members(cbor.encode(members)))


def installing(*commands: Encodable, shared: bytes | None = None) -> bytes:
    """An envelope whose install sequence has these labels and arguments in turn."""
    return around(manifest_members(sequence(*commands), shared))


def decode_both(content: bytes) -> tuple[UpdateEnvelope, UpdateManifest]:
    """An envelope and its manifest, decoded."""
    envelope = decode_envelope(content)
    return envelope, decode_manifest(envelope)


_IDENTIFIERS: Final = st.binary(min_size=16, max_size=16)
_URIS: Final = st.text(min_size=1, max_size=60)


@st.composite
def _versions(draw: st.DrawFn, uid: bytes) -> NewVersion:
    sections = {section: draw(st.binary(max_size=40)) for section in UpdateSection}
    uris = draw(st.dictionaries(st.sampled_from(list(UpdateSection)), _URIS))
    return NewVersion(uid, sections, draw(st.booleans()), uris)


@st.composite
def drafts(draw: st.DrawFn) -> UpdateDraft:
    """Any update of our profile."""
    uids = draw(st.lists(st.binary(min_size=1, max_size=63), min_size=1, max_size=4, unique=True))
    removes = draw(st.booleans())
    return UpdateDraft(
        sequence_number=draw(st.integers(0, (1 << 63) - 1)),
        identity=UpdateIdentity(
            draw(_IDENTIFIERS), draw(_IDENTIFIERS), draw(st.none() | _IDENTIFIERS)
        ),
        containers=() if removes else tuple(draw(_versions(uid)) for uid in uids),
        removed=tuple(uids) if removes else (),
        severed_install=draw(st.booleans()),
        description=draw(st.none() | st.text(max_size=30)),
        reference_uri=draw(st.none() | st.text(max_size=30)),
    )
