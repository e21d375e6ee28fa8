"""Authentication wrappers: COSE_Sign1 in one form, other structures by their tag alone."""

import pytest
from support.envelopes import envelope_members, tagged
from support.errors import catch_error

from tinycontainer.errors import EnvelopeError
from tinycontainer.suit.envelope.decoder import decode_envelope
from tinycontainer.suit.envelope.model import Signature
from tinycontainer_tokens import cbor
from tinycontainer_tokens.cbor import Encodable

PROOF = bytes(range(64))
ES256 = cbor.encode({1: -7})


def sign1(
    protected: Encodable = ES256,
    unprotected: Encodable = None,
    payload: Encodable = None,
    proof: Encodable = PROOF,
) -> bytes:
    """A COSE_Sign1 with its tag."""
    headers = {} if unprotected is None else unprotected
    return cbor.with_tags((18,), cbor.encode([protected, headers, payload, proof]))


def carrying(*signatures: bytes) -> bytes:
    """An envelope with these structures."""
    return tagged(envelope_members(b"", signatures))


def signature_of(structure: bytes) -> Signature:
    (signature,) = decode_envelope(carrying(structure)).signatures
    return signature


def test_algorithm_key_id_and_proof_are_read() -> None:
    protected = cbor.encode({1: -19, 4: b"key"})
    assert signature_of(sign1(protected)) == Signature(18, -19, b"key", protected, PROOF)


def test_the_key_id_may_be_in_the_unprotected_header() -> None:
    found = signature_of(sign1(unprotected={4: b"key"}))
    assert found == Signature(18, -7, b"key", ES256, PROOF)


@pytest.mark.parametrize("protected", [b"", b"\xa0"])
def test_a_header_without_algorithm_is_kept(protected: bytes) -> None:
    assert signature_of(sign1(protected)) == Signature(18, None, None, protected, PROOF)


@pytest.mark.parametrize("tag", [17, 96, 97, 98])
def test_of_other_structures_the_tag_is_kept(tag: int) -> None:
    assert signature_of(cbor.with_tags((tag,), b"\x80")) == Signature(tag)


def test_eight_structures_are_accepted_and_no_more() -> None:
    assert len(decode_envelope(carrying(*[sign1()] * 8)).signatures) == 8
    error = catch_error(EnvelopeError, decode_envelope, carrying(*[sign1()] * 9))
    assert error.problem == "9 signatures; at most 8 are allowed"


MALFORMED = {
    "no tag": (sign1()[1:], "not one COSE structure with its tag"),
    "nothing": (b"", "not one COSE structure with its tag"),
    "another tag": (b"\xd8\x3d\x80", "not one COSE structure with its tag"),
    "two tags": (b"\xd8\x3d" + sign1(), "not one COSE structure with its tag"),
    "a long tag": (b"\xd8\x12\x80", "shortest form"),
    "a cut": (sign1()[:-1], "is cut short"),
    "bytes after it": (sign1() + b"\0", "bytes follow the value"),
    "three parts": (cbor.with_tags((18,), cbor.encode([b"", {}, None])), "not an array of two"),
    "a map": (cbor.with_tags((18,), b"\xa0"), "not an array"),
    "bare protected": (sign1({1: -7}), "not a byte string"),
    "a protected array": (sign1(b"\x80"), "not a map"),
    "alg as text": (sign1(cbor.encode({1: "ES256"})), "not an integer"),
    "alg true": (sign1(cbor.encode({1: True})), "not an integer"),
    "alg twice": (sign1(b"\xa2\x01\x26\x01\x26"), "deterministic form"),
    "critical": (sign1(cbor.encode({1: -7, 2: [99], 99: 0})), "label 2 is not allowed"),
    "a content type": (sign1(cbor.encode({1: -7, 3: 0})), "label 3 is not allowed"),
    "a text label": (sign1(cbor.encode({1: -7, "x": 0})), "not an integer"),
    "kid as text": (sign1(cbor.encode({1: -7, 4: "key"})), "not a byte string"),
    "an empty kid": (sign1(cbor.encode({1: -7, 4: b""})), "a key id of 0 bytes"),
    "a long kid": (sign1(unprotected={4: bytes(65)}), "a key id of 65 bytes"),
    "two kids": (sign1(cbor.encode({1: -7, 4: b"a"}), {4: b"a"}), "a key id is in both headers"),
    "unprotected alg": (sign1(unprotected={1: -7}), "label 1 is not allowed; only kid (4) is"),
    "unprotected array": (sign1(unprotected=[]), "not a map"),
    "a payload": (sign1(payload=b""), "not detached (null)"),
    "payload false": (sign1(payload=False), "not detached (null)"),
    "proof null": (sign1(proof=None), "not a byte string"),
}


@pytest.mark.parametrize(("structure", "problem"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_signature_is_refused(structure: bytes, problem: str) -> None:
    error = catch_error(EnvelopeError, decode_envelope, carrying(structure))
    assert problem in error.problem
    assert error.place.startswith("authentication-wrapper[1]")


def test_a_bare_structure_is_refused() -> None:
    digest = cbor.encode([-16, bytes(32)])
    content = tagged({2: cbor.encode([digest, [b""]]), 3: b""})
    assert catch_error(EnvelopeError, decode_envelope, content).problem == "not a byte string"
