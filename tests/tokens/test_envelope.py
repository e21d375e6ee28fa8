"""The outer form of a token: one COSE message, its header, and what its proof covers; exactly."""

import hashlib
import hmac
from dataclasses import FrozenInstanceError
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from support.errors import catch_error

from tinycontainer_tokens import (
    Algorithm,
    Claims,
    KeyMaterial,
    Kind,
    Profile,
    TokenError,
    cbor,
    envelope,
    issue,
)
from tinycontainer_tokens.envelope import Envelope
from tinycontainer_tokens.issue import prove

SIGNATURE, MAC = bytes(range(64)), bytes(range(32))
PROOFS = {Algorithm.EDDSA: SIGNATURE, Algorithm.ED25519: SIGNATURE, Algorithm.HMAC_256: MAC}
TAGS = {
    Algorithm.EDDSA: "d83d d2",
    Algorithm.ED25519: "d83d d2",
    Algorithm.HMAC_256: "d83d d1",
}
ALG = {Algorithm.EDDSA: -8, Algorithm.ED25519: -19, Algorithm.HMAC_256: 5}
ONE_FOR_EACH_TAG = (Algorithm.EDDSA, Algorithm.HMAC_256)
SECRET = bytes(range(32, 64))
CLAIMS = Claims(sha256=MAC, uid=b"uid", kind=Kind.CODE)
FIRMWARE_CLAIMS = Claims(sha256=MAC)


def message(*parts: cbor.Value, tags: str = "d83d d2") -> bytes:
    """Tags as written, and an array of parts."""
    return bytes.fromhex(tags) + cbor.encode(list(parts))


def with_header(protected: bytes, algorithm: Algorithm = Algorithm.EDDSA) -> Envelope:
    """A token with this protected header."""
    return Envelope(True, algorithm, protected, b"claims", PROOFS[algorithm])


def envelope_error(token: bytes) -> str:
    """What the parser says to a token."""
    return str(catch_error(TokenError, envelope.parse, token))


@given(
    st.sampled_from(ONE_FOR_EACH_TAG),
    st.binary(max_size=80),
    st.binary(max_size=300),
    st.booleans(),
)
def test_a_token_is_taken_apart_and_put_together_again(
    algorithm: Algorithm, protected: bytes, payload: bytes, tagged: bool
) -> None:
    tagged = tagged or algorithm is Algorithm.HMAC_256
    made = Envelope(tagged, algorithm, protected, payload, PROOFS[algorithm])
    assert envelope.parse(made.encode()) == made


@pytest.mark.parametrize("algorithm", ONE_FOR_EACH_TAG)
def test_the_tags_name_a_web_token_and_its_kind_of_proof(algorithm: Algorithm) -> None:
    token = Envelope(True, algorithm, b"\xa0", b"claims", PROOFS[algorithm]).encode()
    assert token == message(b"\xa0", {}, b"claims", PROOFS[algorithm], tags=TAGS[algorithm])


def test_a_token_without_tags_is_a_signed_one() -> None:
    parsed = envelope.parse(message(b"", {}, b"claims", SIGNATURE, tags=""))
    assert (parsed.tagged, parsed.algorithm) == (False, Algorithm.EDDSA)
    assert parsed.profile is Profile.RIOT_2024


@pytest.mark.clause("TC-TOK-07")
def test_only_an_empty_protected_header_is_that_of_the_firmware() -> None:
    assert with_header(b"").profile is Profile.RIOT_2024
    assert with_header(b"\xa0").profile is Profile.RFC9052


def test_a_token_taken_apart_cannot_be_changed() -> None:
    parsed = with_header(b"")
    with pytest.raises(FrozenInstanceError):
        parsed.payload = b"other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "tags",
    ["d2", "d1", "d83d", "d2 d83d", "d83d d0", "d83d d862", "d83d d83d", "d83c d2", "d9d9f7 d2"],
)
@pytest.mark.clause("TC-TOK-07")
def test_other_tags_are_refused_by_number(tags: str) -> None:
    said = envelope_error(message(b"", {}, b"claims", SIGNATURE, tags=tags))
    numbers, _ = cbor.split_tags(bytes.fromhex(tags) + b"\x80")
    assert said == f"tags {list(numbers)} are not [61, 18] (signed) or [61, 17] (MAC)"


def test_a_third_tag_is_refused() -> None:
    assert "more than 2 tags" in envelope_error(
        message(b"", {}, b"claims", SIGNATURE, tags="d9d9f7 d83d d2")
    )


@pytest.mark.parametrize(
    "parts",
    [
        (b"", {}, b"claims"),
        (b"", {}, b"claims", SIGNATURE, b""),
        (),
    ],
)
def test_other_than_four_parts_are_refused(parts: tuple[cbor.Value, ...]) -> None:
    assert envelope_error(message(*parts)) == (
        "not an array of protected, unprotected, payload and signature"
    )


@pytest.mark.parametrize("value", [{}, {1: 2}, b"", "", 7])
def test_something_that_is_no_array_is_refused(value: cbor.Value) -> None:
    assert envelope_error(cbor.encode(value)).startswith("not an array of protected")


@pytest.mark.parametrize(
    ("protected", "payload"), [({}, b"claims"), ({1: -8}, b"claims"), ("", b"claims"), (b"", "a")]
)
def test_headers_and_payload_of_another_type_are_refused(
    protected: cbor.Value, payload: cbor.Value
) -> None:
    said = envelope_error(message(protected, {}, payload, SIGNATURE))
    assert said == "protected header and payload are not both byte strings"


@pytest.mark.parametrize("unprotected", [{1: -8}, {4: b"key"}, {2: [1]}, [], b"", 0])
@pytest.mark.clause("TC-TOK-05")
def test_anything_in_the_unprotected_header_is_refused(unprotected: cbor.Value) -> None:
    said = envelope_error(message(b"", unprotected, b"claims", SIGNATURE))
    assert said == "the unprotected header is not the empty map"


@pytest.mark.parametrize(
    ("algorithm", "proof"),
    [
        (Algorithm.EDDSA, SIGNATURE[:-1]),
        (Algorithm.EDDSA, SIGNATURE + b"\x00"),
        (Algorithm.EDDSA, b""),
        (Algorithm.EDDSA, "s" * 64),
        (Algorithm.EDDSA, MAC),
        (Algorithm.HMAC_256, MAC[:8]),
        (Algorithm.HMAC_256, MAC[:31]),
        (Algorithm.HMAC_256, SIGNATURE),
    ],
)
def test_a_proof_of_another_length_is_refused(algorithm: Algorithm, proof: cbor.Value) -> None:
    said = envelope_error(message(b"", {}, b"claims", proof, tags=TAGS[algorithm]))
    assert said == f"the proof of {algorithm} is not {len(PROOFS[algorithm])} bytes"


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        (b"", "ends where an item should begin"),
        (message(b"", {}, b"claims", SIGNATURE) + b"\x00", "bytes follow the value"),
        (message(b"", {}, b"claims", SIGNATURE)[:-1], "is cut short"),
        (message(b"", {}, b"claims", SIGNATURE, tags="d9003d d2"), "shortest form"),
        (bytes.fromhex("d83dd2 9f 40 a0 40 40 ff"), "indefinite length"),
        (bytes.fromhex("d83dd2 84 40 a0 f6 5840") + SIGNATURE, "float or simple value"),
        (bytes.fromhex("d83dd2 84 40 a0 5800 5840") + SIGNATURE, "shortest form"),
        (bytes.fromhex("d83dd2 84 40 a2 04 00 04 00 40 5840") + SIGNATURE, "deterministic form"),
    ],
)
@pytest.mark.clause("TC-TOK-25")
def test_cbor_that_is_not_strict_is_refused(token: bytes, problem: str) -> None:
    assert problem in envelope_error(token)


def test_an_offset_counts_from_the_first_byte_of_the_token() -> None:
    token = message(b"", {}, b"claims", SIGNATURE)
    assert envelope_error(token + b"\x00") == f"byte {len(token)}: bytes follow the value"


@pytest.mark.clause("TC-TOK-25")
def test_a_token_up_to_its_limit_is_taken_apart_and_no_longer_one() -> None:
    overhead = len(message(b"", {}, bytes(900), SIGNATURE)) - 900
    fits = envelope.MAX_TOKEN_BYTES - overhead
    assert len(envelope.parse(message(b"", {}, bytes(fits), SIGNATURE)).payload) == fits
    said = envelope_error(message(b"", {}, bytes(fits + 1), SIGNATURE))
    assert said == "1025 bytes where at most 1024 are allowed"


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("kid", [None, b"k", bytes(64)])
def test_the_protected_header_names_algorithm_and_key(
    algorithm: Algorithm, kid: bytes | None
) -> None:
    protected = envelope.protected_header(algorithm, kid)
    expected: dict[int, cbor.Value] = {1: ALG[algorithm]}
    if kid is not None:
        expected[4] = kid
    assert cbor.decode(protected, 100) == expected
    assert envelope.read_protected(with_header(protected, algorithm)) == kid


HEADERS: list[tuple[cbor.Value, str]] = [
    ([], "the protected header is not a map"),
    (-8, "the protected header is not a map"),
    ({}, "alg is not -8 (EdDSA) or -19 (Ed25519), as the tag demands"),
    ({4: b"key"}, "alg is not -8 (EdDSA) or -19 (Ed25519), as the tag demands"),
    ({1: 5}, "alg is not -8 (EdDSA) or -19 (Ed25519), as the tag demands"),
    ({1: -7}, "alg is not -8 (EdDSA) or -19 (Ed25519), as the tag demands"),
    ({1: "EdDSA"}, "alg is not -8 (EdDSA) or -19 (Ed25519), as the tag demands"),
    ({1: -8, 2: [1]}, "the protected header has labels that are not allowed: [2]"),
    ({1: -8, 2: [-70000], -70000: 1}, "the protected header has labels that are not allowed"),
    ({1: -8, 3: 0}, "the protected header has labels that are not allowed: [3]"),
    ({1: -8, 5: b"iv"}, "the protected header has labels that are not allowed: [5]"),
    ({1: -8, 0: 0}, "the protected header has labels that are not allowed: [0]"),
    ({1: -8, -1: 0}, "the protected header has labels that are not allowed: [-1]"),
    ({1: -8, 4: b""}, "kid is not 1 to 64 bytes"),
    ({1: -8, 4: bytes(65)}, "kid is not 1 to 64 bytes"),
    ({1: -8, 4: "key"}, "kid is not 1 to 64 bytes"),
    ({1: -8, 4: 1}, "kid is not 1 to 64 bytes"),
]


@pytest.mark.parametrize(("header", "problem"), HEADERS)
@pytest.mark.clause("TC-TOK-05")
def test_any_other_protected_header_is_refused(header: cbor.Value, problem: str) -> None:
    with pytest.raises(TokenError) as refused:
        envelope.read_protected(with_header(cbor.encode(header)))
    assert str(refused.value).startswith(problem)


@pytest.mark.clause("TC-TOK-05")
def test_the_algorithm_is_the_one_of_the_tag() -> None:
    header = envelope.protected_header(Algorithm.EDDSA, None)
    with pytest.raises(TokenError, match="alg is not 5"):
        envelope.read_protected(with_header(header, Algorithm.HMAC_256))


@pytest.mark.parametrize(
    "header", ["a1 01 27 00", "a2 01 27 01 27", "a2 04 41 6b 01 27", "a1 01 38 07", "bf 01 27 ff"]
)
@pytest.mark.clause("TC-TOK-25")
def test_a_protected_header_that_is_not_strict_is_refused(header: str) -> None:
    with pytest.raises(TokenError, match=r"^protected header: byte \d+: "):
        envelope.read_protected(with_header(bytes.fromhex(header)))


def key(algorithm: Algorithm, kid: bytes | None = None) -> KeyMaterial:
    if algorithm is not Algorithm.HMAC_256:
        return KeyMaterial.from_private(SECRET, kid).restrict_to(algorithm)
    return KeyMaterial(algorithm, b"", SECRET, kid)


def proof_of(algorithm: Algorithm, covered: bytes) -> bytes:
    """A proof made with the primitives alone."""
    if algorithm is not Algorithm.HMAC_256:
        return Ed25519PrivateKey.from_private_bytes(SECRET).sign(covered)
    return hmac.new(SECRET, covered, hashlib.sha256).digest()


@pytest.mark.parametrize(
    ("algorithm", "context"),
    [
        (Algorithm.EDDSA, "Signature1"),
        (Algorithm.ED25519, "Signature1"),
        (Algorithm.HMAC_256, "MAC0"),
    ],
)
@pytest.mark.parametrize("kid", [None, b"key"])
@pytest.mark.clause("TC-TOK-04")
def test_a_proof_covers_the_structure_of_the_standard(
    algorithm: Algorithm, context: str, kid: bytes | None
) -> None:
    protected = envelope.protected_header(algorithm, kid)
    payload = cbor.encode({-65537: MAC, -65539: b"uid", -65541: 4})
    proof = proof_of(algorithm, cbor.encode([context, protected, b"", payload]))
    token = issue(CLAIMS, Kind.CODE, key(algorithm, kid), Profile.RFC9052)
    assert token == message(protected, {}, payload, proof, tags=TAGS[algorithm])


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.clause("TC-TOK-07")
def test_a_firmware_proof_covers_the_payload_alone(algorithm: Algorithm) -> None:
    payload = cbor.encode({-65537: MAC})
    proof = proof_of(algorithm, payload)
    token = issue(FIRMWARE_CLAIMS, Kind.CODE, key(algorithm, b"key"), Profile.RIOT_2024)
    tags = TAGS[algorithm] if algorithm is Algorithm.HMAC_256 else ""
    assert token == message(b"", {}, payload, proof, tags=tags)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_proof_holds_for_a_key_of_its_algorithm_alone(
    algorithm: Algorithm, profile: Profile
) -> None:
    proof = prove(b"payload", key(algorithm), profile)
    names_alg = profile is Profile.RFC9052
    for other in Algorithm:
        same_tag = (other is Algorithm.HMAC_256) is (algorithm is Algorithm.HMAC_256)
        fits = other is algorithm if names_alg else same_tag
        assert envelope.proof_holds(proof, key(other)) is fits


def test_a_firmware_token_is_issued_with_tags_if_wished() -> None:
    signer = key(Algorithm.EDDSA)
    bare = issue(FIRMWARE_CLAIMS, Kind.CODE, signer, Profile.RIOT_2024)
    tagged = issue(FIRMWARE_CLAIMS, Kind.CODE, signer, Profile.RIOT_2024, tagged=True)
    assert len(bare) == 111
    assert tagged == bytes.fromhex("d83d d2") + bare


@pytest.mark.parametrize(
    ("algorithm", "profile"),
    [
        (Algorithm.EDDSA, Profile.RFC9052),
        (Algorithm.HMAC_256, Profile.RFC9052),
        (Algorithm.HMAC_256, Profile.RIOT_2024),
    ],
)
@pytest.mark.clause("TC-TOK-23")
def test_an_untagged_form_that_does_not_exist_is_not_issued(
    algorithm: Algorithm, profile: Profile
) -> None:
    said = CLAIMS if profile is Profile.RFC9052 else FIRMWARE_CLAIMS
    with pytest.raises(ValueError, match=r"only an Ed25519 token of riot-2024"):
        issue(said, Kind.CODE, key(algorithm), profile, tagged=False)


@pytest.mark.parametrize("count", [300, pytest.param(50_000, marks=pytest.mark.long)])
def test_of_any_bytes_only_whole_tokens_are_taken_apart(count: int) -> None:
    rng = Random(2)
    originals = [
        message(envelope.protected_header(Algorithm.EDDSA, b"key"), {}, b"claims", SIGNATURE),
        message(b"", {}, b"claims", SIGNATURE, tags=""),
        message(b"", {}, b"claims", MAC, tags=TAGS[Algorithm.HMAC_256]),
    ]
    accepted = 0
    for _ in range(count):
        original = rng.choice(originals)
        start = rng.randrange(len(original))
        end = start + rng.randrange(3)
        mutated = original[:start] + rng.randbytes(rng.randrange(3)) + original[end:]
        candidate = mutated if rng.random() < 0.8 else rng.randbytes(rng.randrange(200))
        try:
            parsed = envelope.parse(candidate)
        except TokenError:
            continue
        accepted += 1
        assert parsed.encode() == candidate
    assert 0 < accepted < count


def test_what_cannot_be_taken_apart_is_none_where_that_is_asked_for() -> None:
    token = issue(CLAIMS, Kind.CODE, key(Algorithm.EDDSA), Profile.RFC9052)
    assert envelope.parse_if_possible(token) == envelope.parse(token)
    assert envelope.parse_if_possible(token[:-1]) is None
