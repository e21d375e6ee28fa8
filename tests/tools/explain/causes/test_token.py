"""Hashes of something else: every likely cause is found from the real mistake."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from support.tokens.refusals import (
    CODE,
    DATA,
    HMAC,
    PLAN,
    RFC,
    cause,
    code_token,
    examined,
    explained,
    packed,
    payload_of,
    trust_with,
    with_code_token,
)
from support.worlds import FOREIGN, KEYS, trusted

from tinycontainer.metadata import (
    Bundle,
    Direction,
    Metadata,
    PeerType,
    decode,
    encode,
    encode_endpoint,
)
from tinycontainer.tools.artefact.artefact import Artefact
from tinycontainer.tools.explain.causes.token import explain_token
from tinycontainer.tools.explain.explanation import contrast_failure
from tinycontainer.tools.packing.packing import Blueprint, Signer, TokenOptions
from tinycontainer_tokens import KeyEntry, Kind, Profile, Role, cbor

# What is wrong with a hash of code or data.


@pytest.mark.parametrize(
    ("signed", "there", "words"),
    [
        (b"a\nb", b"a\nb\n", "without its last line break"),
        (b"a\nb", b"a\nb\r\n", "without its last line break"),
        (b"a\nb\n", b"a\nb", "with a line break (LF) added at its end"),
        (b"a\nb\r\n", b"a\nb", "with a line break (CR LF) added at its end"),
        (b"a\nb\n", b"a\r\nb\r\n", "with LF in place of CR LF"),
        (b"a\r\nb\r\n", b"a\nb\n", "with CR LF in place of LF"),
        (b"a\r\nb", b"a\nb\n", "with CR LF in place of LF and without its last line break"),
        (b"text\0", b"text", "with a zero byte added at its end"),
        (b"text", b"text\0", "without its last zero byte"),
        (b"text", b"text\0\0\0", "without the zero bytes at its end"),
        (b"hello\0\0\0", b"hello", "filled up with zero bytes to a multiple of 4"),
        (b"\xef\xbb\xbftext", b"text", "with a byte order mark before it"),
        (b"text", b"\xef\xbb\xbftext", "without the byte order mark before it"),
        (b"", b"text", "with nothing in it"),
    ],
)
@pytest.mark.parametrize("kind", [Kind.CODE, Kind.DATA])
def test_a_hash_of_the_file_as_tools_change_it_is_recognised(
    kind: Kind, signed: bytes, there: bytes, words: str
) -> None:
    name = kind.name.lower()
    sections = {"code": CODE, "data": DATA, name: signed}
    bundle = replace(packed(PLAN, **sections), **{name: there})
    found = explained(bundle, kind, "content")
    assert found.cause == f"the hash is that of this {name} {words}"
    assert found.expected == f"sha256 {hashlib.sha256(there).hexdigest()}, that of the {name}"
    assert found.found == f"sha256 {hashlib.sha256(signed).hexdigest()} in the token"


def test_a_hash_of_something_else_is_stale() -> None:
    assert "stale, the code was changed after it was signed" in cause(
        replace(packed(), code=b"built again"), Kind.CODE, "content"
    )


def test_exchanged_sections_are_recognised_from_either_side() -> None:
    bundle = packed()
    bundle = replace(bundle, code=bundle.data, data=bundle.code)
    assert cause(bundle, Kind.CODE, "content").startswith("code and data are exchanged")
    assert cause(bundle, Kind.DATA, "content").startswith("data and code are exchanged")


def test_a_token_for_the_other_section_is_recognised() -> None:
    bundle = replace(packed(data=CODE), data=b"the right data")
    assert cause(bundle, Kind.DATA, "content") == "the hash is that of the code"


# What is wrong with a hash of metadata.


def sealed(
    hashed: Callable[[Metadata, int], bytes], profile: Profile = RFC, plan: Blueprint = PLAN
) -> Bundle:
    """A container whose metadata token vouches for other bytes.

    `hashed` gets the metadata as it will be, but for the token's bytes, and the token's length.
    """
    bundle = packed(replace(plan, profile=profile))
    metadata = decode(bundle.metadata)
    assert metadata.security is not None
    size = len(metadata.security.metadata_token)
    signer = Signer(KEYS[Role.INFRASTRUCTURE], b"box", profile, TokenOptions())
    token = signer.sign_content(Kind.METADATA, hashed(metadata, size))
    assert len(token) == size
    return replace(bundle, metadata=metadata.signed_prefix + token)


def nested(metadata: Metadata, key: int) -> bytes:
    outer = cbor.decode(metadata.raw[9:], 4096)
    assert isinstance(outer, dict)
    part = outer[key]
    assert isinstance(part, bytes)
    return part


def without_token(metadata: Metadata) -> bytes:
    assert metadata.security is not None
    security = replace(metadata.security, metadata_token=b"")
    return encode(metadata.container, metadata.endpoints, security)


@pytest.mark.parametrize(
    ("hashed", "words"),
    [
        (lambda m, size: m.raw[: -size - 2], "the token with its length before it"),
        (lambda m, size: m.raw[9:-size], "the file without its tag but its last"),
        (lambda m, _size: m.raw[:50], "the whole file but its last"),
        (lambda m, _size: nested(m, 1), "the nested container map alone"),
        (lambda m, _size: nested(m, 2), "the nested endpoints array alone"),
        (lambda m, size: nested(m, 3)[:-size], "the nested security array alone but its last"),
    ],
)
def test_a_metadata_hash_of_a_part_of_the_file_is_recognised(
    hashed: Callable[[Metadata, int], bytes], words: str
) -> None:
    found = cause(sealed(hashed), Kind.METADATA, "content")
    assert found.startswith("the hash is that of ")
    assert words in found


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize(
    ("hashed", "words"),
    [
        (lambda m, size: m.signed_prefix + bytes(size), "with zero bytes in place of its"),
        (lambda m, size: m.signed_prefix + bytes(size - 5), "token, but the last 5 bytes"),
        (lambda m, _size: without_token(m), "encoded with an empty metadata token"),
        (lambda m, _size: encode(m.container, m.endpoints, None), "without the security array"),
        (lambda m, _size: b"", "nothing at all"),
        (lambda m, _size: CODE, "the hash is that of the code"),
        (lambda m, _size: b"another version", "stale, the metadata was changed after"),
    ],
)
def test_a_metadata_hash_of_no_part_of_the_file_says_that_it_fits_no_truncation(
    hashed: Callable[[Metadata, int], bytes], words: str, profile: Profile
) -> None:
    found = cause(sealed(hashed, profile), Kind.METADATA, "content", profile=profile)
    assert found.startswith("fits no truncation of this file: ")
    assert words in found


# Endpoint tokens.


def signed_entry(**changes: object) -> Bundle:
    """A container whose first entry was changed after the owner had signed it."""
    owner = Signer(KEYS[Role.OWNER], b"box", RFC, TokenOptions())
    first, second = PLAN.endpoints
    signed = replace(first, **changes)  # type: ignore[arg-type]
    entries = (replace(first, token=owner.sign_endpoint(signed)), second)
    return packed(replace(PLAN, endpoints=entries))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"direction": Direction.IN}, "signed the direction in, the entry says out"),
        ({"peer_type": PeerType.REMOTE}, "signed a remote peer, the entry says local"),
        (
            {"endpoint_id": 2, "direction": Direction.BOTH},
            "that of the entry of endpoint 2",
        ),
        ({"peer_endpoint_id": 99}, "changed after the owner signed it"),
    ],
)
def test_an_entry_that_was_changed_after_it_was_signed_says_what(
    changes: dict[str, object], words: str
) -> None:
    assert words in cause(signed_entry(**changes), Kind.ENDPOINT, "content")


def test_a_hash_of_an_entry_with_an_empty_token_is_recognised() -> None:
    owner = Signer(KEYS[Role.OWNER], b"box", RFC, TokenOptions())
    first, second = PLAN.endpoints
    unfilled = encode_endpoint(replace(first, token=b""), with_token=True)
    signed = replace(first, token=owner.sign_content(Kind.ENDPOINT, unfilled))
    bundle = packed(replace(PLAN, endpoints=(signed, second)))
    assert cause(bundle, Kind.ENDPOINT, "content").startswith("the hash covers an empty key 6")


# What holds for all.


def test_a_token_that_did_not_fail_has_no_explanation() -> None:
    bundle = packed()
    artefact = Artefact("box", decode(bundle.metadata), CODE, DATA)
    reports = examined(artefact)
    assert [explain_token(each, artefact, reports, trusted()) for each in reports] == [None] * 4
    with pytest.raises(ValueError, match="needs no explanation"):
        contrast_failure(reports[0])


def test_no_explanation_holds_key_or_payload_bytes() -> None:
    told = [
        explained(with_code_token(code_token(key=FOREIGN)), Kind.CODE, "signature"),
        explained(replace(packed(), data=b"a secret"), Kind.DATA, "content"),
        explained(packed(), Kind.CODE, "key", trust_with(KeyEntry(Role.DEVELOPER, RFC, HMAC))),
    ]
    text = " ".join(str(each) for each in told)
    for key in (*KEYS.values(), FOREIGN, HMAC):
        for identity in key.identities():
            assert identity.hex()[:16] not in text
    assert "secret" not in text
    assert payload_of(code_token()).hex() not in text
