"""What is encoded is what the draft said, in as few bytes as that takes."""

import hashlib
from dataclasses import replace

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.envelopes import COURIER, DRAFT, IDENTITY, REMOVAL, SECTIONS, decode_both, drafts
from support.errors import catch_error

from tinycontainer.errors import EnvelopeError
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.suit.drafts import NewVersion, UpdateDraft, describe, make_envelope
from tinycontainer.suit.envelope.decoder import decode_envelope
from tinycontainer.suit.envelope.encoder import (
    digest_of_wrapped,
    encode_manifest,
    signed_bytes,
    with_signature,
)
from tinycontainer.suit.envelope.labels import Label, ManifestMember
from tinycontainer.suit.envelope.model import Unknown, UpdateCommand
from tinycontainer.suit.envelope.profile import objections
from tinycontainer_tokens import cbor

ESP256 = cbor.encode({1: -9})
PROOF = bytes(range(64))


@given(drafts())
def test_any_draft_becomes_an_envelope_that_says_the_same(draft: UpdateDraft) -> None:
    envelope, manifest = decode_both(make_envelope(draft))
    assert manifest == describe(draft)
    assert list(objections(envelope, manifest)) == []
    assert envelope.digest.is_of(envelope.manifest)


@given(drafts())
def test_what_was_decoded_encodes_to_the_same_manifest(draft: UpdateDraft) -> None:
    envelope, manifest = decode_both(make_envelope(draft))
    assert cbor.encode(encode_manifest(manifest)) == envelope.manifest


@given(drafts(), st.lists(st.binary(min_size=64, max_size=64), min_size=1, max_size=8))
def test_several_sign_one_after_another_without_changing_what_is_signed(
    draft: UpdateDraft, proofs: list[bytes]
) -> None:
    unsigned = make_envelope(draft)
    content = unsigned
    for proof in proofs:
        content = with_signature(content, ESP256, proof)
    envelope = decode_envelope(content)
    assert [signature.proof for signature in envelope.signatures] == proofs
    assert {(each.tag, each.algorithm, each.kid) for each in envelope.signatures} == {
        (18, -9, None)
    }
    plain = decode_envelope(unsigned)
    assert (envelope.manifest, envelope.payloads) == (plain.manifest, plain.payloads)
    assert signed_bytes(envelope, ESP256) == signed_bytes(plain, ESP256)


def test_a_signature_covers_the_encoded_digest_as_cose_has_it() -> None:
    envelope = decode_envelope(make_envelope(DRAFT))
    digest = hashlib.sha256(envelope.manifest).digest()
    covered = cbor2.loads(signed_bytes(envelope, ESP256))
    assert covered == ["Signature1", ESP256, b"", cbor2.dumps([-16, digest])]


def test_a_ninth_signature_is_refused() -> None:
    content = make_envelope(DRAFT)
    for _ in range(8):
        content = with_signature(content, ESP256, PROOF)
    refused = catch_error(EnvelopeError, with_signature, content, ESP256, PROOF)
    assert refused.problem == "9 signatures; at most 8 are allowed"


def test_a_protected_header_with_other_labels_is_refused() -> None:
    header = cbor.encode({1: -9, 2: [4]})
    refused = catch_error(EnvelopeError, with_signature, make_envelope(DRAFT), header, PROOF)
    assert refused.problem == "label 2 is not allowed; only alg (1) and kid (4) are"


def test_what_is_no_envelope_cannot_be_signed() -> None:
    refused = catch_error(EnvelopeError, with_signature, b"\x80", ESP256, PROOF)
    assert "tag 107" in refused.problem


@pytest.mark.parametrize("starts", [False, True])
def test_an_envelope_adds_at_most_470_bytes_to_a_bundle(starts: bool) -> None:
    sections = {section: bytes(3_000) for section in UpdateSection}
    version = NewVersion(b"courier", sections, starts)
    content = make_envelope(UpdateDraft(1 << 32, IDENTITY, (version,)))
    signed = with_signature(content, ESP256, PROOF)
    bundle = Bundle(**dict.fromkeys(("metadata", "data", "code"), sections[UpdateSection.CODE]))
    assert len(signed) - len(bundle.encode()) <= 470


def test_every_component_is_fetched_and_matched_and_the_code_started() -> None:
    _, manifest = decode_both(make_envelope(DRAFT))
    labels = [command.label for command in manifest.sequences[ManifestMember.INSTALL]]
    assert labels == [Label.SET_COMPONENT_INDEX, Label.FETCH, Label.IMAGE_MATCH]
    assert manifest.sequences[ManifestMember.INSTALL][0].argument is True
    assert manifest.sequences[ManifestMember.INVOKE] == (
        UpdateCommand(Label.SET_COMPONENT_INDEX, 2),
        UpdateCommand(Label.INVOKE, 2),
    )


def test_sections_with_an_uri_are_not_in_the_envelope() -> None:
    uris = {UpdateSection.CODE: "coap://files.example/code"}
    envelope = decode_envelope(
        make_envelope(replace(DRAFT, containers=(replace(COURIER, uris=uris),)))
    )
    assert envelope.payloads == {"#0": b"metadata", "#1": b"data"}


def test_severed_members_lie_outside_of_the_manifest() -> None:
    draft = replace(DRAFT, severed_install=True, description="faster")
    envelope, manifest = decode_both(make_envelope(draft))
    assert set(envelope.severed) == {ManifestMember.INSTALL, ManifestMember.TEXT}
    assert manifest.severed[ManifestMember.INSTALL].is_of(envelope.severed[20][0])
    text, _ = envelope.severed[ManifestMember.TEXT]
    assert cbor2.loads(cbor2.loads(text)) == {"en": {2: "faster"}}
    assert manifest.severed[ManifestMember.TEXT] == digest_of_wrapped(cbor2.loads(text))


OUTSIDE = {
    "nothing to do": (UpdateDraft(1, IDENTITY), "neither install nor uninstall is there"),
    "both": (replace(DRAFT, removed=(b"other",)), "the member install cannot be there"),
    "no code": (
        replace(DRAFT, containers=(replace(COURIER, sections={UpdateSection.DATA: b""}),)),
        "meta of courier is missing",
    ),
    "a uid twice": (
        replace(DRAFT, containers=(COURIER, COURIER)),
        "meta of courier is there twice",
    ),
    "a long uid": (replace(REMOVAL, removed=(bytes(64),)), "1 to 63 bytes"),
    "an empty uid": (replace(REMOVAL, removed=(b"",)), "1 to 63 bytes"),
    "a long URI": (
        replace(DRAFT, containers=(replace(COURIER, uris={UpdateSection.CODE: "u" * 256}),)),
        "the parameter uri is not text of 1 to 255 bytes",
    ),
    "a short vendor": (
        replace(DRAFT, identity=replace(IDENTITY, vendor_id=b"me")),
        "the parameter vendor-identifier is not 16 bytes",
    ),
    "a negative number": (replace(DRAFT, sequence_number=-1), "-1 is less than 0"),
    "a number of 64 bits": (
        replace(DRAFT, sequence_number=1 << 63),
        "the member sequence-number is beyond 9223372036854775807",
    ),
    "a vast number": (replace(DRAFT, sequence_number=1 << 64), "tag 2 is not expected here"),
    "17 containers": (
        replace(REMOVAL, removed=tuple(bytes([uid]) for uid in range(17))),
        "17 containers; at most 16 are allowed",
    ),
    "too long": (
        replace(
            DRAFT,
            containers=(
                replace(COURIER, sections={**SECTIONS, UpdateSection.CODE: bytes(1 << 20)}),
            ),
        ),
        "at most 1048576 are allowed",
    ),
}


@pytest.mark.parametrize(("draft", "problem"), OUTSIDE.values(), ids=OUTSIDE.keys())
def test_a_draft_outside_of_the_profile_is_refused(draft: UpdateDraft, problem: str) -> None:
    assert problem in catch_error(EnvelopeError, make_envelope, draft).problem


def test_what_was_not_decoded_cannot_be_encoded() -> None:
    _, manifest = decode_both(make_envelope(DRAFT))
    for argument in (Unknown(b"\xf6"), {25: Unknown(b"\xf6")}):
        with pytest.raises(ValueError, match="was not decoded"):
            encode_manifest(replace(manifest, shared=(UpdateCommand(Label.WRITE, argument),)))
