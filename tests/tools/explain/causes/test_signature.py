"""Signatures of somebody else, and missing keys: the real mistake is found."""

from dataclasses import replace

import pytest
from support.tokens.refusals import (
    CODE,
    DEVELOPER,
    HMAC,
    RFC,
    RIOT,
    cause,
    code_token,
    explained,
    packed,
    payload_of,
    trust_with,
    with_code_token,
)
from support.worlds import FOREIGN, KEYS

from tinycontainer.device.containers.verification import Trust
from tinycontainer.metadata import decode
from tinycontainer.tools.packing.packing import Signer, TokenOptions
from tinycontainer_tokens import (
    Algorithm,
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Kind,
    Role,
    cbor,
    envelope,
)
from tinycontainer_tokens.envelope import Envelope, protected_header
from tinycontainer_tokens.issue import prove

# Who signed, and what.


def test_a_signature_of_another_role_names_it() -> None:
    bundle = with_code_token(code_token(key=KEYS[Role.OWNER]))
    assert cause(bundle, Kind.CODE, "signature") == (
        "signed with the key of the role owner; the role developer has to sign"
    )


def test_exchanged_public_keys_are_recognised() -> None:
    swapped = {Role.DEVELOPER: Role.PROVIDER, Role.PROVIDER: Role.DEVELOPER}
    keys = KeyStore(
        KeyEntry(role, RFC, KEYS[swapped.get(role, role)].public_half()) for role in Role
    )
    for kind in (Kind.CODE, Kind.DATA):
        found = cause(packed(), kind, "signature", Trust(keys=keys))
        assert found.startswith("the public keys of the roles ")
        assert "are exchanged" in found


def test_the_token_of_another_place_is_recognised() -> None:
    bundle = packed()
    metadata = decode(bundle.metadata)
    assert metadata.security is not None
    copied = with_code_token(metadata.security.data_token)
    copied = replace(copied, code=CODE)
    assert "the very bytes of the data token are here too" in cause(copied, Kind.CODE, "signature")
    other = Signer(KEYS[Role.PROVIDER], b"box", RFC, TokenOptions()).sign_content(Kind.DATA, b"x")
    assert cause(with_code_token(other), Kind.CODE, "signature") == (
        "this is a data token of the role provider; it is in the place of the code token"
    )


def test_a_signature_of_nobody_known_says_so() -> None:
    bundle = with_code_token(code_token(key=FOREIGN))
    found = explained(bundle, Kind.CODE, "signature")
    assert found.cause is not None
    assert "no key that is known fits in any role" in found.cause
    assert "role developer" in found.expected


def raw_signed(key: KeyMaterial, content: bytes) -> bytes:
    return prove(content, key, RIOT).proof


def test_a_payload_only_signature_under_rfc9052_headers_is_recognised() -> None:
    token, header = code_token(), protected_header(Algorithm.EDDSA, None)
    payload = payload_of(token)
    signature = raw_signed(KEYS[Role.DEVELOPER], payload)
    forged = Envelope(True, Algorithm.EDDSA, header, payload, signature).encode()
    assert "made over the payload alone, as riot-2024 does" in cause(
        with_code_token(forged), Kind.CODE, "signature"
    )


def test_a_signature_over_a_structure_without_the_header_is_recognised() -> None:
    payload = payload_of(code_token())
    covered = cbor.encode(["Signature1", b"", b"", payload])
    signature = raw_signed(KEYS[Role.DEVELOPER], covered)
    header = protected_header(Algorithm.EDDSA, None)
    forged = Envelope(True, Algorithm.EDDSA, header, payload, signature).encode()
    assert "a Sig_structure with an empty protected header" in cause(
        with_code_token(forged), Kind.CODE, "signature"
    )


def test_a_cose_signature_under_riot_2024_is_recognised() -> None:
    payload = payload_of(code_token(RIOT))
    covered = cbor.encode(["Signature1", b"", b"", payload])
    signature = raw_signed(KEYS[Role.DEVELOPER], covered)
    forged = Envelope(False, Algorithm.EDDSA, b"", payload, signature).encode()
    found = cause(with_code_token(forged, RIOT), Kind.CODE, "signature", profile=RIOT)
    assert "over COSE's Sig_structure; riot-2024 covers the payload alone" in found


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.OWNER])
def test_a_signature_over_the_content_itself_is_recognised(role: Role) -> None:
    token = envelope.parse(code_token())
    forged = replace(token, proof=raw_signed(KEYS[role], CODE)).encode()
    found = cause(with_code_token(forged), Kind.CODE, "signature")
    assert "over the code itself, not over the claims" in found
    assert ("by the role owner" in found) == (role is Role.OWNER)


# Which keys there are.


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (None, "no key of the role developer was given"),
        (KeyEntry(Role.DEVELOPER, RIOT, DEVELOPER), "are for riot-2024, not for rfc9052"),
        (
            KeyEntry(Role.DEVELOPER, RFC, HMAC),
            "the token is made with EdDSA, the keys of the role developer are for HMAC-256",
        ),
        (
            KeyEntry(Role.DEVELOPER, RFC, DEVELOPER, frozenset({b"other"})),
            "may not sign for box",
        ),
    ],
)
def test_a_missing_key_says_what_the_role_has_instead(entry: KeyEntry | None, words: str) -> None:
    assert words in cause(packed(), Kind.CODE, "key", trust_with(entry))


def test_a_mac_where_a_signature_key_is_known_is_recognised() -> None:
    bundle = with_code_token(code_token(key=HMAC))
    assert "is made with HMAC-256, the keys of the role developer are for EdDSA" in cause(
        bundle, Kind.CODE, "key"
    )


def test_key_ids_that_differ_are_both_named() -> None:
    signing = replace(KEYS[Role.DEVELOPER], kid=b"new\x1b")
    entry = KeyEntry(Role.DEVELOPER, RFC, replace(DEVELOPER, kid=b"old"))
    found = explained(with_code_token(code_token(key=signing)), Kind.CODE, "key", trust_with(entry))
    assert found.cause == (
        "the token names the key id new\\x1b, the keys of the role developer are old"
    )
    assert found.expected.endswith("with the key id new\\x1b")


def test_a_missing_key_whose_owner_is_known_in_another_role_is_named() -> None:
    stranger = KeyEntry(Role.DEVELOPER, RFC, HMAC)
    bundle = with_code_token(code_token(key=KEYS[Role.OWNER]))
    found = cause(bundle, Kind.CODE, "key", trust_with(stranger))
    assert found.endswith("its signature is made with the key of the role owner")
