"""Envelopes and manifests: what is decoded, and what is refused with its place and offset."""

import pytest
from support.envelopes import (
    SEVERED,
    SMALL,
    around,
    components,
    decode_both,
    envelope_members,
    installing,
    manifest_members,
    sequence,
    tagged,
)
from support.errors import catch_error

from tinycontainer.errors import EnvelopeError, SeveredMismatch
from tinycontainer.suit.envelope.decoder import MAX_ENVELOPE_BYTES, decode_envelope
from tinycontainer.suit.envelope.encoder import digest_of_wrapped
from tinycontainer.suit.envelope.labels import ManifestMember
from tinycontainer.suit.envelope.model import UnknownMember
from tinycontainer_tokens import cbor
from tinycontainer_tokens.cbor import Encodable


def refused(content: bytes) -> EnvelopeError:
    """Why an envelope, or its manifest, cannot be decoded."""
    return catch_error(EnvelopeError, decode_both, content)


def digest_member(content: bytes) -> Encodable:
    digest = digest_of_wrapped(content)
    return [digest.algorithm, digest.value]


def test_an_error_names_place_and_offset_in_one_line() -> None:
    error = refused(around(manifest_members() | {2: b"7"}))
    assert str(error) == f"sequence-number (byte {error.offset}): not an integer"


# Envelopes


def test_the_parts_of_an_envelope_are_kept_as_they_are_encoded() -> None:
    envelope = decode_envelope(SEVERED)
    start = envelope.manifest_offset
    content = SEVERED[start:]
    assert SEVERED[start - 3 : start] + content[: len(envelope.manifest) - 3] == envelope.manifest
    assert SEVERED[envelope.digest_offset :].startswith(envelope.signed_digest)
    for encoded, offset in envelope.severed.values():
        assert SEVERED[offset:].startswith(cbor.decode(encoded, len(encoded)))  # type: ignore[arg-type]
    assert envelope.payloads == {"#0": b"metadata", "#1": b"data", "#2": b"code"}


def test_unknown_members_of_an_envelope_are_kept_with_their_offset() -> None:
    members = envelope_members(b"") | {1: [None, True, {"a": -1}], 9: b""}
    content = tagged(members)
    unknown = decode_envelope(content).unknown
    assert unknown == (
        UnknownMember(1, "envelope", 3),
        UnknownMember(9, "envelope", len(content) - 2),
    )


MEMBERS = envelope_members(cbor.encode(manifest_members()))
ENVELOPES = {
    "nothing": (b"", "ends where an item should begin"),
    "another tag": (tagged(MEMBERS, 108), "does not begin with the tag 107 alone"),
    "two tags": (b"\xd8\x6b" + tagged(MEMBERS), "does not begin with the tag 107 alone"),
    "an array": (b"\xd8\x6b\x80", "not a map"),
    "bytes after it": (tagged(MEMBERS) + b"\0", "bytes follow the value"),
    "no manifest": (tagged({2: MEMBERS[2]}), "the manifest is missing"),
    "no wrapper": (tagged({3: MEMBERS[3]}), "the authentication wrapper is missing"),
    "a bare manifest": (tagged(MEMBERS | {3: {1: 1}}), "not a byte string"),
    "a bare wrapper": (tagged(MEMBERS | {2: []}), "not a byte string"),
    "an empty wrapper": (tagged(MEMBERS | {2: cbor.encode([])}), "no digest"),
    "a bare digest": (tagged(MEMBERS | {2: cbor.encode([[-16, b""]])}), "not a byte string"),
    "a digest of three": (
        tagged(MEMBERS | {2: cbor.encode([cbor.encode([-16, b"", b""])])}),
        "not an array of an algorithm and a byte string",
    ),
    "a digest by true": (
        tagged(MEMBERS | {2: cbor.encode([cbor.encode([True, b""])])}),
        "not an integer",
    ),
    "a payload that is text": (tagged(MEMBERS | {"#0": "code"}), "not a byte string"),
    "a payload without a name": (tagged(MEMBERS | {"": b""}), "a payload's name of 0 bytes"),
    "a long name": (tagged(MEMBERS | {"#" * 129: b""}), "a payload's name of 129 bytes"),
    "a severed digest": (tagged(MEMBERS | {20: [-16, b""]}), "not a byte string"),
    "a payload twice": (
        tagged(MEMBERS | {"#0": b"", "#1": b""}).replace(b"#1", b"#0"),
        "deterministic form",
    ),
    "payloads out of order": (
        tagged(MEMBERS | {"#0": b"", "#1": b""}).replace(b"#0", b"#2"),
        "deterministic form",
    ),
    "a byte string as a key": (b"\xd8\x6b\xa1\x40\x00", "a map key is not an integer or text"),
    "a long head": (b"\xd8\x6b\xb8\x00", "shortest form"),
    "indefinite": (b"\xd8\x6b\xbf\xff", "indefinite length"),
    "a float": (b"\xd8\x6b\xa1\x00\xf9\x00\x00", "float or simple value"),
    "undefined": (b"\xd8\x6b\xa1\x00\xf7", "float or simple value"),
    "long false": (b"\xd8\x6b\xa1\x00\xf8\x14", "float or simple value"),
}


@pytest.mark.parametrize(("content", "problem"), ENVELOPES.values(), ids=ENVELOPES.keys())
def test_what_is_no_envelope_is_refused(content: bytes, problem: str) -> None:
    error = catch_error(EnvelopeError, decode_envelope, content)
    assert problem in error.problem
    assert 0 <= error.offset <= len(content)


def test_a_name_of_128_bytes_is_accepted() -> None:
    name = "#" * 128
    assert decode_envelope(tagged(MEMBERS | {name: b"x"})).payloads == {name: b"x"}


def test_an_envelope_above_the_limit_is_not_looked_at() -> None:
    assert decode_envelope(SMALL, len(SMALL)).signatures
    error = catch_error(EnvelopeError, decode_envelope, SMALL, len(SMALL) - 1)
    assert error.problem == f"{len(SMALL)} bytes; at most {len(SMALL) - 1} are allowed"
    longer = bytes(MAX_ENVELOPE_BYTES + 1)
    assert "at most 1048576" in catch_error(EnvelopeError, decode_envelope, longer).problem


# Manifests


MANIFESTS = {
    "no version": ({2: 0, 3: b"\xa0"}, "manifest", "the version is missing"),
    "version 2": (manifest_members() | {1: 2}, "version", "version 2 is not 1"),
    "version true": (manifest_members() | {1: True}, "version", "not an integer"),
    "no number": ({1: 1, 3: b"\xa0"}, "manifest", "the sequence number is missing"),
    "a number below 0": (manifest_members() | {2: -1}, "sequence-number", "-1 is less than 0"),
    "number false": (manifest_members() | {2: False}, "sequence-number", "not an integer"),
    "number null": (manifest_members() | {2: None}, "sequence-number", "not an integer"),
    "no common": ({1: 1, 2: 0}, "manifest", "the common map is missing"),
    "bare common": (manifest_members() | {3: {}}, "common", "not a byte string"),
    "common array": (manifest_members() | {3: b"\x80"}, "common", "not a map"),
    "bare component": (
        manifest_members() | {3: cbor.encode({2: [b""]})},
        "common.components[0]",
        "not an array",
    ),
    "component of text": (
        manifest_members() | {3: cbor.encode({2: [[b""], [b"", "meta"]]})},
        "common.components[1][1]",
        "not a byte string",
    ),
    "bytes as reference": (manifest_members() | {4: b""}, "reference-uri", "not text"),
    "bare install": (manifest_members() | {20: None}, "install", "not a byte string"),
    "severed invoke": (manifest_members() | {9: [-16, bytes(32)]}, "invoke", "not a byte string"),
    "install map": (manifest_members(b"\xa0"), "install", "not an array"),
    "tagged install": (manifest_members(b"\xc1\x80"), "install", "not an array"),
    "tagged common": (manifest_members() | {3: b"\xc1\xa0"}, "common", "not a map"),
    "odd install": (manifest_members(sequence(3)), "install", "the last command has no argument"),
    "text install": (manifest_members(sequence("3", 15)), "install[0]", "not an integer"),
}


@pytest.mark.parametrize(("members", "place", "problem"), MANIFESTS.values(), ids=MANIFESTS.keys())
def test_what_is_no_manifest_is_refused(
    members: dict[int, Encodable], place: str, problem: str
) -> None:
    error = refused(around(members))
    assert (error.place, error.problem) == (place, problem)


def test_a_text_key_of_a_manifest_is_refused() -> None:
    manifest = cbor.encode({1: 1, "x": 0})
    assert refused(tagged(envelope_members(manifest))).problem == "not an integer"


def test_offsets_of_a_manifest_count_from_the_beginning_of_the_envelope() -> None:
    content = installing(12, 0, 3, True)
    assert refused(content).offset == len(content) - 1


def test_unknown_members_of_a_manifest_are_kept() -> None:
    common = cbor.encode({1: {0: {}}, 2: components(b"courier")})
    members = manifest_members() | {3: common, 5: [b""], 14: b"", 23: b"", 99: "new"}
    _, manifest = decode_both(around(members))
    found = {(each.place, each.label) for each in manifest.unknown}
    assert found == {("common", 1), ("manifest", 5), ("manifest", 14), ("manifest", 99)}


def test_components_and_shared_sequence_may_be_absent() -> None:
    _, manifest = decode_both(around({1: 1, 2: 0, 3: b"\xa0"}))
    assert (manifest.components, manifest.shared, manifest.sequences) == ((), (), {})


# Severed members


def test_a_severed_member_is_put_back() -> None:
    _, manifest = decode_both(SEVERED)
    assert len(manifest.sequences[ManifestMember.INSTALL]) == 3
    assert manifest.missing == frozenset()
    command = manifest.sequences[ManifestMember.INSTALL][0]
    assert SEVERED[command.offset : command.offset + 2] == b"\x0c\xf5"


def test_a_severed_member_that_is_not_carried_is_missing() -> None:
    install = sequence(12, 0)
    members = manifest_members() | {20: digest_member(install)}
    _, manifest = decode_both(around(members))
    assert manifest.missing == {ManifestMember.INSTALL}
    assert ManifestMember.INSTALL not in manifest.sequences
    carried = tagged(envelope_members(cbor.encode(members)) | {20: install})
    assert decode_both(carried)[1].missing == frozenset()


@pytest.mark.parametrize("label", [20, 23])
def test_a_severed_member_with_another_digest_is_an_error_of_its_own(label: int) -> None:
    members = manifest_members() | {label: digest_member(b"\x80")}
    content = tagged(envelope_members(cbor.encode(members)) | {label: b"\x81\x00"})
    error = catch_error(SeveredMismatch, decode_both, content)
    assert error.offset == len(content) - 2


def test_another_algorithm_does_not_hold() -> None:
    members = manifest_members() | {20: [-44, bytes(64)]}
    content = tagged(envelope_members(cbor.encode(members)) | {20: b"\x80"})
    catch_error(SeveredMismatch, decode_both, content)


@pytest.mark.parametrize("members", [{}, {20: b"\x80"}])
def test_a_carried_member_that_nothing_covers_is_refused(members: dict[int, Encodable]) -> None:
    manifest = cbor.encode(manifest_members() | members)
    error = refused(tagged(envelope_members(manifest) | {20: b"\x80"}))
    assert error.place == "install"
    assert error.problem == "the envelope carries it, and the manifest names no digest for it"
