"""Signs tokens with any fault, and checks at which of the thirteen steps one fails."""

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.worlds import KEYS
from tinycontainer_tokens import (
    Algorithm,
    Claims,
    Expectation,
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Kind,
    Profile,
    Role,
    SequenceStore,
    StepOutcome,
    TokenRefused,
    Verification,
    cbor,
    issue,
    verify,
)

RFC, RIOT = Profile.RFC9052, Profile.RIOT_2024
OF_THE_FORM = ["present", "structure", "profile", "header", "key", "signature"]
OF_THE_CLAIMS = ["claims", "kind", "uid", "audience", "time", "sequence", "content"]
STEPS = OF_THE_FORM + OF_THE_CLAIMS
DIGEST = hashlib.sha256(b"content").digest()
NOW = 1000
HMAC_KEYS = {
    role: KeyMaterial(Algorithm.HMAC_256, b"", bytes([number]) * 32)
    for number, role in enumerate(Role, 11)
}
DEVELOPER = KEYS[Role.DEVELOPER]
SOUND: dict[int, cbor.Value] = {-65537: DIGEST, -65539: b"uid", -65540: 5, -65541: 4}


def key_store(profile: Profile = RFC) -> KeyStore:
    """A signing key and an HMAC key for each role."""
    public = [KeyEntry(role, profile, key.public_half()) for role, key in KEYS.items()]
    return KeyStore([*public, *(KeyEntry(role, profile, key) for role, key in HMAC_KEYS.items())])


def sound_claims(kind: Kind, profile: Profile = RFC) -> Claims:
    """Sound claims of a kind."""
    content = Claims(mask=b"\x1f") if kind is Kind.MASK else Claims(sha256=DIGEST)
    if profile is RIOT:
        return content
    return replace(content, uid=b"uid", kind=kind, sequence=5)


def expectation(kind: Kind = Kind.CODE, profile: Profile = RFC) -> Expectation:
    """The place that such claims are for."""
    return Expectation(kind, profile, b"uid", NOW, None if kind is Kind.MASK else DIGEST, "device")


def sign_code(key: KeyMaterial = DEVELOPER, **changes: object) -> bytes:
    claims = replace(sound_claims(Kind.CODE), **changes)  # type: ignore[arg-type]
    return issue(claims, Kind.CODE, key, RFC)


def sign_by_hand(header: cbor.Value, payload: cbor.Value, key: KeyMaterial = DEVELOPER) -> bytes:
    """A signed token of any header and payload, made without the code under test."""
    protected, claims = cbor.encode(header), cbor.encode(payload)
    covered = cbor.encode(["Signature1", protected, b"", claims])
    message: cbor.Value = [protected, {}, claims, sign_bytes(key, covered)]
    return bytes.fromhex("d83d d2") + cbor.encode(message)


def sign_bytes(key: KeyMaterial, covered: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(key.secret or b"").sign(covered)


def failure_at(
    number: int,
    token: bytes,
    expected: Expectation,
    keys: KeyStore | None = None,
    sequences: SequenceStore | None = None,
) -> str:
    """Require that a token fails at this step and no other; return the detail."""
    verification = verify(token, expected, key_store() if keys is None else keys, sequences)
    *before, last = verification.steps
    assert (last.number, last.check) == (number, STEPS[number - 1])
    assert last.outcome is StepOutcome.FAILED
    assert [step.number for step in before] == list(range(1, number))
    assert all(step.outcome is not StepOutcome.FAILED for step in before)
    assert not verification.valid
    assert verification.failure is last
    with pytest.raises(TokenRefused) as refused:
        verification.require()
    assert (refused.value.number, refused.value.check) == (number, last.check)
    assert str(refused.value) == f"step {number} ({last.check}): {last.detail}"
    return last.detail


def skipped_steps(verification: Verification) -> list[int]:
    return [step.number for step in verification.steps if step.outcome is StepOutcome.SKIPPED]
