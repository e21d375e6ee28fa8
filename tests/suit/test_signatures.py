"""Signatures of updates, as COSE has them: what holds, and nothing else does."""

import hashlib
from collections.abc import Callable

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cwt import COSE, COSEAlgs, COSEKey
from hypothesis import given
from hypothesis import strategies as st

from tinycontainer.suit.keys import p256
from tinycontainer.suit.keys.key_files import to_private_pem
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey
from tinycontainer_tokens import (
    cbor,
)

ES256, ESP256 = UpdateAlgorithm.ES256, UpdateAlgorithm.ESP256
EDDSA, ED25519 = UpdateAlgorithm.EDDSA, UpdateAlgorithm.ED25519
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SECRET = b"correct horse battery staple 123"
COVERED = b"what is covered"

# RFC 6979, appendix A.2.5: a private number, its public half, and signatures with SHA-256.
NUMBER = bytes.fromhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
POINT_X = bytes.fromhex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6")
POINT_Y = bytes.fromhex("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299")
SIGNATURES = {
    b"sample": "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    b"test": "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
    "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
}
# RFC 8032, section 7.1, test 3.
ED_SECRET = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
ED_SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)

p256_numbers = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


def key_of(algorithm: UpdateAlgorithm, secret: bytes = SECRET) -> UpdateKey:
    return UpdateKey.from_private(algorithm, secret)


def halves(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


def joined(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.mark.parametrize("covered", SIGNATURES)
@pytest.mark.parametrize("algorithm", [ES256, ESP256])
def test_published_signatures_of_p256_hold(algorithm: UpdateAlgorithm, covered: bytes) -> None:
    key = UpdateKey(algorithm, p256.point_of(POINT_X, POINT_Y))
    signature = bytes.fromhex(SIGNATURES[covered])
    assert key.has_signed(covered, signature)
    assert not key.has_signed(covered + b"!", signature)


@pytest.mark.parametrize("covered", SIGNATURES)
def test_signing_on_p256_gives_the_published_signatures(covered: bytes) -> None:
    try:
        ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:
        pytest.skip("this OpenSSL signs with random numbers")
    key = key_of(ES256, NUMBER)
    assert key.public == p256.point_of(POINT_X, POINT_Y)
    assert key.sign(covered).hex() == SIGNATURES[covered]


def test_a_library_that_cannot_sign_deterministically_signs_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(algorithm: hashes.HashAlgorithm, **options: bool) -> ec.ECDSA:
        if options:
            raise UnsupportedAlgorithm("no")
        return original(algorithm)

    original = ec.ECDSA
    monkeypatch.setattr(ec, "ECDSA", refuse)
    key = key_of(ES256)
    first, second = key.sign(COVERED), key.sign(COVERED)
    assert first != second
    assert key.has_signed(COVERED, first)
    assert key.has_signed(COVERED, second)


def test_the_published_signature_of_ed25519_is_made_and_holds() -> None:
    for algorithm in (EDDSA, ED25519):
        key = key_of(algorithm, ED_SECRET)
        assert key.sign(b"\xaf\x82") == ED_SIGNATURE
        assert key.public_half().has_signed(b"\xaf\x82", ED_SIGNATURE)


@given(p256_numbers, st.sampled_from(UpdateAlgorithm), st.binary(max_size=200))
def test_what_a_key_signs_holds_for_its_public_half_alone(
    secret: bytes, algorithm: UpdateAlgorithm, covered: bytes
) -> None:
    key = key_of(algorithm, secret)
    signature = key.sign(covered)
    assert len(signature) == 64
    assert key.public_half().has_signed(covered, signature)
    assert not key.has_signed(covered + b"\0", signature)
    for other in {ES256, EDDSA}:
        assert not key_of(other).has_signed(covered, signature)


@pytest.mark.parametrize(
    ("algorithm", "named"),
    [
        (ES256, COSEAlgs.ES256),
        (EDDSA, COSEAlgs.EDDSA),
    ],
)
def test_a_second_library_takes_our_signatures_and_we_take_its(
    algorithm: UpdateAlgorithm, named: COSEAlgs
) -> None:
    key = key_of(algorithm)
    protected = cbor.encode({1: algorithm.cose_number})
    signed = cbor.encode(["Signature1", protected, b"", COVERED])
    encoded = b"\xd2" + cbor.encode([protected, {}, COVERED, key.sign(signed)])
    theirs = COSEKey.from_pem(to_private_pem(key).decode(), alg=named, kid=b"k")
    assert COSE.new().decode(encoded, theirs) == COVERED
    made = COSE.new().encode_and_sign(COVERED, theirs, protected={1: named}, unprotected={})
    value = cbor.decode(made.removeprefix(b"\xd2"), 1024)
    assert isinstance(value, list)
    assert isinstance(value[3], bytes)
    assert key.has_signed(signed, value[3])


@pytest.mark.parametrize("algorithm", [ES256, EDDSA])
def test_bytes_of_any_other_length_or_content_do_not_hold(algorithm: UpdateAlgorithm) -> None:
    key = key_of(algorithm)
    signature = key.sign(COVERED)
    assert key.has_signed(COVERED, signature)
    for wrong in (b"", signature[:63], signature + b"\0", signature[32:], bytes(64), b"\xff" * 64):
        assert not key.has_signed(COVERED, wrong)
    for bit in range(512):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not key.has_signed(COVERED, bytes(changed))


@given(st.sampled_from([ES256, EDDSA]), st.binary(max_size=70), st.binary(max_size=70))
def test_no_bytes_make_it_raise(algorithm: UpdateAlgorithm, covered: bytes, proof: bytes) -> None:
    assert not key_of(algorithm).has_signed(covered, proof)


def test_der_is_no_signature_of_cose() -> None:
    key = key_of(ES256)
    assert not key.has_signed(COVERED, utils.encode_dss_signature(*halves(key.sign(COVERED))))


@pytest.mark.parametrize(
    "change",
    [
        lambda r, s: (0, s),
        lambda r, s: (r, 0),
        lambda r, s: (ORDER, s),
        lambda r, s: (r, ORDER),
        lambda r, s: (ORDER - r, s),
        lambda r, s: (s, r),
        lambda r, s: ((1 << 256) - 1, s),
    ],
    ids=["r 0", "s 0", "r order", "s order", "r negative", "exchanged", "r too large"],
)
def test_a_changed_signature_of_p256_does_not_hold(
    change: Callable[[int, int], tuple[int, int]],
) -> None:
    key = key_of(ES256)
    r, s = halves(key.sign(COVERED))
    assert not key.has_signed(COVERED, joined(*change(r, s)))


def test_numbers_are_not_taken_modulo_the_order() -> None:
    # The private number is chosen for the signature, so that s is small and s + order has 32 bytes.
    nonce, s = 12345, 5
    point = ec.derive_private_key(nonce, ec.SECP256R1()).public_key().public_numbers()
    r = point.x % ORDER
    covered = int.from_bytes(hashlib.sha256(COVERED).digest(), "big")
    number = (s * nonce - covered) * pow(r, -1, ORDER) % ORDER
    key = key_of(ES256, number.to_bytes(32, "big"))
    assert key.has_signed(COVERED, joined(r, s))
    assert not key.has_signed(COVERED, joined(r, s + ORDER))


def test_the_mirrored_signature_holds_as_cose_allows() -> None:
    key = key_of(ES256)
    r, s = halves(key.sign(COVERED))
    mirrored = joined(r, ORDER - s)
    assert key.has_signed(COVERED, mirrored)
    assert not key.has_signed(COVERED + b"!", mirrored)


@pytest.mark.parametrize("algorithm", [ES256, EDDSA])
def test_signatures_that_held_are_remembered_within_a_bound(algorithm: UpdateAlgorithm) -> None:
    key = key_of(algorithm)
    signatures = {bytes([number]): key.sign(bytes([number])) for number in range(4)}
    for _ in range(3):
        assert all(key.has_signed(covered, proof) for covered, proof in signatures.items())
        assert not key.has_signed(b"\0", signatures[b"\1"])
    assert len(key.verifier._known) == len(signatures) < key.verifier.MAX_KNOWN
