"""Our envelopes as others read them: structure by plain CBOR, signatures by other libraries."""

import hashlib
from collections.abc import Iterator
from typing import Any

import cbor2
import cwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cwt.const import COSE_ALGORITHMS_SIGNATURE
from support.updates import CLASS, draft, plan_version, sign
from support.worlds import blueprint

from tinycontainer.suit.drafts import NewVersion, make_envelope
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey

pytestmark = pytest.mark.clause("TC-UPD-06")

SECRET = b"\x29" * 32
TWO = (plan_version(blueprint("a")), plan_version(blueprint("b"), starts=True))
VENDOR, CLASS_ID, DIGEST, SIZE, URI = 1, 2, 3, 14, 21
SET_INDEX, OVERRIDE, FETCH, MATCH, INVOKE = 12, 20, 21, 3, 23

each_algorithm = pytest.mark.parametrize("algorithm", UpdateAlgorithm)


def envelope(algorithm: UpdateAlgorithm) -> tuple[bytes, UpdateKey]:
    key = UpdateKey.from_private(algorithm, SECRET)
    return sign(make_envelope(draft(*TWO, number=5)), key), key.public_half()


def members(content: bytes) -> dict[Any, Any]:
    """The members of an envelope."""
    assert content[:2] == b"\xd8\x6b"
    tagged = cbor2.loads(content)
    assert tagged.tag == 107
    found: dict[Any, Any] = tagged.value
    return found


def wrapper(content: bytes) -> tuple[bytes, bytes]:
    """The encoded digest and the only signature."""
    digest, signature = cbor2.loads(members(content)[2])
    return digest, signature


def check_plainly(key: UpdateKey, covered: bytes, proof: bytes) -> None:
    """Verify with the numbers of the key alone."""
    if key.algorithm in (UpdateAlgorithm.EDDSA, UpdateAlgorithm.ED25519):
        ed25519.Ed25519PublicKey.from_public_bytes(key.public).verify(proof, covered)
        return
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public)
    r, s = int.from_bytes(proof[:32], "big"), int.from_bytes(proof[32:], "big")
    point.verify(encode_dss_signature(r, s), covered, ec.ECDSA(hashes.SHA256()))


@each_algorithm
def test_the_signature_holds_by_cryptography_alone(algorithm: UpdateAlgorithm) -> None:
    content, key = envelope(algorithm)
    digest, signature = wrapper(content)
    tagged = cbor2.loads(signature)
    protected, unprotected, payload, proof = tagged.value
    assert (tagged.tag, unprotected, payload, len(proof)) == (18, {}, None, 64)
    assert cbor2.loads(protected) == {1: algorithm.cose_number}
    covered = cbor2.dumps(["Signature1", protected, b"", digest])
    check_plainly(key, covered, proof)
    with pytest.raises(InvalidSignature):
        check_plainly(key, covered + b"\x00", proof)


@each_algorithm
def test_the_signature_holds_by_another_cose_library(algorithm: UpdateAlgorithm) -> None:
    if algorithm.cose_number not in COSE_ALGORITHMS_SIGNATURE.values():
        pytest.skip(f"this version of cwt does not know {algorithm}")
    content, key = envelope(algorithm)
    digest, signature = wrapper(content)
    foreign = cwt.COSEKey.new(foreign_form(key))
    found = cwt.COSE.new().decode(signature, foreign, detached_payload=digest)
    assert found == digest
    with pytest.raises(cwt.VerifyError):
        cwt.COSE.new().decode(signature, foreign, detached_payload=digest[:-1] + b"\x00")


def foreign_form(key: UpdateKey) -> dict[int, Any]:
    """A COSE_Key."""
    if key.algorithm in (UpdateAlgorithm.EDDSA, UpdateAlgorithm.ED25519):
        return {1: 1, -1: 6, -2: key.public, 3: key.algorithm.cose_number}
    x, y = key.public[1:33], key.public[33:]
    return {1: 2, -1: 1, -2: x, -3: y, 3: key.algorithm.cose_number}


def test_the_digest_is_that_of_the_manifest_with_its_head() -> None:
    content, _ = envelope(UpdateAlgorithm.ESP256)
    digest, _ = wrapper(content)
    algorithm, value = cbor2.loads(digest)
    wrapped = cbor2.dumps(members(content)[3])
    assert algorithm == -16
    assert value == hashlib.sha256(wrapped).digest()
    assert wrapped in content


@pytest.mark.clause("TC-UPD-03")
def test_the_components_are_the_sections_of_both_containers() -> None:
    common = cbor2.loads(manifest_of(envelope(UpdateAlgorithm.ESP256)[0])[3])
    found = [tuple(cbor2.loads(part) for part in each) for each in common[2]]
    assert found == [(uid, section) for uid in (b"a", b"b") for section in ("meta", "data", "code")]


@pytest.mark.clause("TC-UPD-12")
def test_the_manifest_does_what_it_should_as_a_plain_reader_carries_it_out() -> None:
    """Every image-match is made by hashlib, on the payload that the component has fetched."""
    content, _ = envelope(UpdateAlgorithm.ESP256)
    manifest = manifest_of(content)
    assert (manifest[1], manifest[2]) == (1, 5)
    parameters, matched = carry_out(members(content), cbor2.loads(cbor2.loads(manifest[3])[4]))
    assert matched == {}
    assert all(each[VENDOR] == CLASS.vendor_id for each in parameters)
    assert all(each[CLASS_ID] == CLASS.class_id for each in parameters)
    _, matched = carry_out(members(content), cbor2.loads(manifest[20]), parameters)
    assert list(matched.values()) == list(images(TWO))
    assert cbor2.loads(manifest[9]) == [SET_INDEX, 5, INVOKE, 2]


def images(versions: tuple[NewVersion, ...]) -> Iterator[bytes]:
    """The sections of containers in the order of the components."""
    for version in versions:
        yield from version.sections.values()


def manifest_of(content: bytes) -> dict[int, Any]:
    found: dict[int, Any] = cbor2.loads(members(content)[3])
    return found


def carry_out(
    envelope_members: dict[Any, Any],
    commands: list[Any],
    parameters: list[dict[int, Any]] | None = None,
) -> tuple[list[dict[int, Any]], dict[int, bytes]]:
    """Carry out a sequence; returns the parameters of each component, and what matched."""
    parameters = parameters or [{} for _ in range(6)]
    selected: range = range(1)
    fetched: dict[int, bytes] = {}
    matched: dict[int, bytes] = {}
    for label, argument in zip(commands[::2], commands[1::2], strict=True):
        if label == SET_INDEX:
            selected = range(6) if argument is True else range(argument, argument + 1)
        for index in selected:
            if label == OVERRIDE:
                parameters[index] |= argument
            elif label == FETCH:
                fetched[index] = envelope_members[parameters[index][URI]]
            elif label == MATCH:
                algorithm, value = cbor2.loads(parameters[index][DIGEST])
                assert algorithm == -16
                assert value == hashlib.sha256(fetched[index]).digest()
                assert parameters[index][SIZE] == len(fetched[index])
                matched[index] = fetched[index]
    return parameters, matched
