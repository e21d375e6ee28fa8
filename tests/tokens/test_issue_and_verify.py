"""Thirteen steps: a sound token passes them all; for each step a token fails exactly there."""

import hashlib
from dataclasses import replace
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.worlds import FOREIGN, KEYS

from tinycontainer_tokens import (
    Accepted,
    Algorithm,
    Claims,
    Expectation,
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Kind,
    MemorySequenceStore,
    Profile,
    Role,
    SequenceStore,
    StepOutcome,
    TokenRefused,
    Verification,
    cbor,
    envelope,
    issue,
    verify,
)
from tinycontainer_tokens.envelope import Envelope

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


def store(profile: Profile = RFC) -> KeyStore:
    """A signing key and an HMAC key for each role."""
    public = [KeyEntry(role, profile, key.public_half()) for role, key in KEYS.items()]
    return KeyStore([*public, *(KeyEntry(role, profile, key) for role, key in HMAC_KEYS.items())])


def saying(kind: Kind, profile: Profile = RFC) -> Claims:
    """Sound claims of a kind."""
    content = Claims(mask=b"\x1f") if kind is Kind.MASK else Claims(sha256=DIGEST)
    if profile is RIOT:
        return content
    return replace(content, uid=b"uid", kind=kind, sequence=5)


def place(kind: Kind = Kind.CODE, profile: Profile = RFC) -> Expectation:
    """The place that such claims are for."""
    return Expectation(kind, profile, b"uid", NOW, None if kind is Kind.MASK else DIGEST, "device")


def code_token(key: KeyMaterial = DEVELOPER, **changes: object) -> bytes:
    claims = replace(saying(Kind.CODE), **changes)  # type: ignore[arg-type]
    return issue(claims, Kind.CODE, key, RFC)


def by_hand(header: cbor.Value, payload: cbor.Value, key: KeyMaterial = DEVELOPER) -> bytes:
    """A signed token of any header and payload, made without the code under test."""
    protected, claims = cbor.encode(header), cbor.encode(payload)
    covered = cbor.encode(["Signature1", protected, b"", claims])
    message: cbor.Value = [protected, {}, claims, signature(key, covered)]
    return bytes.fromhex("d83d d2") + cbor.encode(message)


def signature(key: KeyMaterial, covered: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(key.secret or b"").sign(covered)


def failing(
    number: int,
    token: bytes,
    expected: Expectation,
    keys: KeyStore | None = None,
    sequences: SequenceStore | None = None,
) -> str:
    """Require that a token fails at this step and no other; return the detail."""
    verification = verify(token, expected, store() if keys is None else keys, sequences)
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


def skipped(verification: Verification) -> list[int]:
    return [step.number for step in verification.steps if step.outcome is StepOutcome.SKIPPED]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("keys", [KEYS, HMAC_KEYS], ids=["EdDSA", "HMAC"])
@pytest.mark.clause("TC-TOK-21")
def test_a_sound_token_passes_every_step(
    kind: Kind, profile: Profile, keys: dict[Role, KeyMaterial]
) -> None:
    token = issue(saying(kind, profile), kind, keys[Role.signing(kind)], profile)
    verification = verify(token, place(kind, profile), store(profile), MemorySequenceStore())
    assert verification.valid
    assert verification.require() == saying(kind, profile)
    assert [(step.number, step.check) for step in verification.steps] == list(enumerate(STEPS, 1))
    without_content = [13] if kind is Kind.MASK else []
    of_profile = [10, 11] if profile is RFC else [4, 8, 9, 10, 11, 12]
    assert skipped(verification) == of_profile + without_content


def test_a_token_with_every_claim_skips_nothing() -> None:
    token = code_token(audience="device", not_before_s=NOW, expires_s=NOW + 1, issued_s=NOW - 1)
    verification = verify(token, place(), store(), MemorySequenceStore())
    assert verification.valid
    assert skipped(verification) == []
    assert all(step.detail == "" for step in verification.steps)


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.clause("TC-TOK-07")
def test_a_firmware_token_stands_with_tags_or_without(tagged: bool) -> None:
    token = issue(saying(Kind.CODE, RIOT), Kind.CODE, DEVELOPER, RIOT, tagged=tagged)
    assert verify(token, place(profile=RIOT), store(RIOT)).valid


@pytest.mark.parametrize("kind", Kind)
def test_step_1_a_missing_token(kind: Kind) -> None:
    assert failing(1, b"", place(kind)) == f"the {kind.name.lower()} token is missing"


@pytest.mark.parametrize(
    "token",
    [b"\x00", b"hello", code_token()[:-1], code_token() + b"\0", code_token()[2:], bytes(1025)],
)
def test_step_2_something_that_is_no_token(token: bytes) -> None:
    failing(2, token, place())


def test_step_3_a_token_of_the_other_profile() -> None:
    firmware = issue(saying(Kind.CODE, RIOT), Kind.CODE, DEVELOPER, RIOT, tagged=True)
    said = failing(3, firmware, place())
    assert said == "wrong profile: expected rfc9052, found riot-2024"
    said = failing(3, code_token(), place(profile=RIOT), store(RIOT))
    assert said == "wrong profile: expected riot-2024, found rfc9052"


@pytest.mark.clause("TC-TOK-04")
def test_step_3_a_standard_token_without_its_tags() -> None:
    assert "begins with the tags 61" in failing(3, code_token()[3:], place())


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ({}, "alg is not -8"),
        ({1: -8, 2: [4], 4: b"key"}, "labels that are not allowed: [2]"),
        ({1: -8, 4: "key"}, "kid is not 1 to 64 bytes"),
        ([], "not a map"),
    ],
)
def test_step_4_another_header(header: cbor.Value, problem: str) -> None:
    assert problem in failing(4, by_hand(header, SOUND), place())


OTHER_ROLES = [KeyEntry(role, RFC, key) for role, key in KEYS.items() if role is not Role.DEVELOPER]


@pytest.mark.parametrize(
    "entries",
    [
        [],
        OTHER_ROLES,
        [KeyEntry(Role.DEVELOPER, RIOT, DEVELOPER)],
        [KeyEntry(Role.DEVELOPER, RFC, DEVELOPER, frozenset({b"other"}))],
        [KeyEntry(Role.DEVELOPER, RFC, HMAC_KEYS[Role.DEVELOPER])],
    ],
    ids=["no key", "other roles", "other profile", "other container", "other algorithm"],
)
def test_step_5_no_key(entries: list[KeyEntry]) -> None:
    said = failing(5, code_token(), place(), KeyStore(entries))
    assert said == (
        "no key of the role developer that may sign EdDSA tokens of rfc9052 for this container"
    )


def test_step_5_a_key_with_another_id() -> None:
    named = KeyMaterial.from_private(DEVELOPER.secret or b"", b"one")
    keys = KeyStore([KeyEntry(Role.DEVELOPER, RFC, replace(named, kid=b"two").public_half())])
    assert failing(5, code_token(named), place(), keys).endswith("has the token's key id")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("keys", [KEYS, HMAC_KEYS], ids=["EdDSA", "HMAC"])
def test_step_6_a_key_of_another_role(kind: Kind, keys: dict[Role, KeyMaterial]) -> None:
    for role in set(Role) - {Role.signing(kind)}:
        said = failing(6, issue(saying(kind), kind, keys[role], RFC), place(kind))
        assert said == f"not made with a key of the role {Role.signing(kind)}, or changed since"


@pytest.mark.parametrize("profile", Profile)
def test_step_6_a_key_that_nobody_trusts(profile: Profile) -> None:
    token = issue(saying(Kind.CODE, profile), Kind.CODE, FOREIGN, profile)
    failing(6, token, place(profile=profile), store(profile))


def test_step_6_a_key_id_does_not_help_a_foreign_key() -> None:
    named = replace(DEVELOPER.public_half(), kid=b"key")
    keys = KeyStore([KeyEntry(Role.DEVELOPER, RFC, named)])
    failing(6, code_token(replace(FOREIGN, kid=b"key")), place(), keys)


def test_each_key_of_the_role_is_tried() -> None:
    keys = KeyStore([KeyEntry(Role.DEVELOPER, RFC, key) for key in (FOREIGN, DEVELOPER)])
    assert verify(code_token(), place(), keys).valid


def test_step_6_one_profile_does_not_verify_by_the_other_ones_rule() -> None:
    parsed = envelope.parse(code_token())
    raw = signature(DEVELOPER, parsed.payload)
    failing(6, replace(parsed, proof=raw).encode(), place())
    proof = signature(DEVELOPER, cbor.encode(["Signature1", b"", b"", parsed.payload]))
    firmware = Envelope(False, Algorithm.EDDSA, b"", parsed.payload, proof).encode()
    failing(6, firmware, place(profile=RIOT), store(RIOT))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({-65538: b"key"}, "unknown claim -65538"),
        ({-65536: b"\x1f"}, "code token of rfc9052 cannot carry bitmask"),
        ({-65537: "text"}, "sha256: not a byte string"),
        ({4: -1}, "exp: not an unsigned integer of 64 bits"),
        ({-65541: 9}, "kind: not one of"),
    ],
)
def test_step_7_claims_that_are_not_taken(changes: dict[int, cbor.Value], problem: str) -> None:
    assert failing(7, by_hand({1: -8}, SOUND | changes), place()).startswith(problem)


def test_step_7_a_mask_in_the_place_of_an_endpoint_token() -> None:
    token = issue(saying(Kind.MASK), Kind.MASK, KEYS[Role.OWNER], RFC)
    assert failing(7, token, place(Kind.ENDPOINT)) == "endpoint token lacks sha256"


def test_claims_behind_a_failed_signature_are_not_looked_at() -> None:
    assert verify(by_hand({1: -8}, [], FOREIGN), place(), store()).claims is None
    assert verify(code_token(FOREIGN), place(), store()).accepted is None


@pytest.mark.parametrize("kind", [Kind.DATA, Kind.CODE, Kind.ENDPOINT])
def test_step_8_a_token_of_another_kind_by_the_right_role(kind: Kind) -> None:
    other = Kind.CODE if kind is Kind.DATA else Kind.DATA
    token = issue(saying(other), other, KEYS[Role.signing(kind)], RFC)
    names = other.name.lower(), kind.name.lower()
    said = failing(8, token, place(kind))
    assert said == f"a {names[0]} token is in the place of the {names[1]} token"


@pytest.mark.parametrize("uid", [b"ui", b"uid2", b"UID", b"\x00uid"])
def test_step_9_another_container(uid: bytes) -> None:
    said = failing(9, code_token(), replace(place(), uid=uid))
    assert said == "the token was made for another container"


def test_step_10_another_device() -> None:
    said = failing(10, code_token(audience="Device"), place())
    assert said == "the token was made for another device"


@pytest.mark.clause("TC-TOK-14")
def test_step_10_a_device_without_an_id() -> None:
    said = failing(10, code_token(audience="device"), replace(place(), audience=None))
    assert said == "the token is for one device, and this device has no id"


@pytest.mark.parametrize(
    ("not_before_s", "expires_s", "now_s", "valid"),
    [
        (10, 20, 9, False),
        (10, 20, 10, True),
        (10, 20, 19, True),
        (10, 20, 20, False),
        (10, None, 9, False),
        (10, None, 1 << 64, True),
        (None, 20, 0, True),
        (None, 20, 20, False),
        (20, 10, 15, False),
        (0, 0, 0, False),
    ],
)
@pytest.mark.clause("TC-TOK-13")
def test_step_11_a_token_is_valid_from_nbf_until_before_exp(
    not_before_s: int | None, expires_s: int | None, now_s: int, valid: bool
) -> None:
    token = code_token(not_before_s=not_before_s, expires_s=expires_s)
    expected = replace(place(), now_s=now_s)
    if valid:
        assert verify(token, expected, store()).valid
    else:
        early = not_before_s is not None and now_s < not_before_s
        limit = f"valid from {not_before_s}" if early else f"expired at {expires_s}"
        assert failing(11, token, expected) == f"{limit}; it is {now_s} (Unix seconds)"


@pytest.mark.parametrize(
    ("sequence", "same_bytes", "problem"),
    [
        (6, False, None),
        (5, True, None),
        (5, False, "sequence 5 was accepted before with other bytes"),
        (4, False, "sequence 4 is older than 5, accepted before"),
    ],
)
def test_step_12_an_older_token_does_not_come_back(
    sequence: int, same_bytes: bool, problem: str | None
) -> None:
    accepted = verify(code_token(), place(), store()).accepted
    assert accepted == Accepted(5, hashlib.sha256(code_token()).digest())
    before = MemorySequenceStore()
    before.accept([(place().subject, accepted)])
    token = code_token(sequence=sequence, issued_s=None if same_bytes else 1)
    if problem is None:
        assert verify(token, place(), store(), before).valid
    else:
        assert failing(12, token, place(), sequences=before) == problem
    assert before.newest(place().subject) == accepted  # to verify is not to accept


def test_step_12_is_skipped_by_a_token_that_counts_no_versions() -> None:
    before = MemorySequenceStore()
    verification = verify(code_token(sequence=None), place(), store(), before)
    assert skipped(verification) == [10, 11, 12]
    assert verification.accepted is None


@pytest.mark.clause("TC-TOK-19")
def test_step_12_a_token_that_counts_no_versions_does_not_follow_one_that_does() -> None:
    before = MemorySequenceStore()
    before.accept([(place().subject, Accepted(5, bytes(32)))])
    said = failing(12, code_token(sequence=None), place(), sequences=before)
    assert said == "the token counts no versions, but sequence 5 was accepted before"


def test_step_12_sequences_of_other_subjects_do_not_matter() -> None:
    before = MemorySequenceStore()
    expected = replace(place(Kind.ENDPOINT), endpoint_id=1)
    for other in (replace(expected, uid=b"other"), replace(expected, endpoint_id=2), place()):
        before.accept([(other.subject, Accepted(9, bytes(32)))])
    token = issue(saying(Kind.ENDPOINT), Kind.ENDPOINT, KEYS[Role.OWNER], RFC)
    assert verify(token, expected, store(), before).valid


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.MASK])
@pytest.mark.parametrize("profile", Profile)
def test_step_13_other_content(kind: Kind, profile: Profile) -> None:
    token = issue(saying(kind, profile), kind, KEYS[Role.signing(kind)], profile)
    changed = hashlib.sha256(b"Content").digest()
    expected = replace(place(kind, profile), content_sha256=changed)
    said = failing(13, token, expected, store(profile))
    # What a metadata token vouches for covers signatures, so its hashes differ from key to key.
    hashes_are_told = kind is not Kind.METADATA
    assert (DIGEST.hex() in said) is hashes_are_told
    assert (changed.hex() in said) is hashes_are_told


def test_step_13_is_skipped_where_the_content_is_not_at_hand() -> None:
    verification = verify(code_token(), replace(place(), content_sha256=None), store())
    assert verification.valid
    assert verification.steps[-1].detail == "what the token vouches for was not given"


SIGNERS = [(key, profile) for key in (DEVELOPER, HMAC_KEYS[Role.DEVELOPER]) for profile in Profile]


@pytest.mark.parametrize(("key", "profile"), SIGNERS)
def test_no_bit_of_a_token_can_be_flipped(key: KeyMaterial, profile: Profile) -> None:
    token, keys = issue(saying(Kind.CODE, profile), Kind.CODE, key, profile), store(profile)
    assert verify(token, place(profile=profile), keys).valid
    for bit in range(8 * len(token)):
        flipped = bytearray(token)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not verify(bytes(flipped), place(profile=profile), keys).valid


@pytest.mark.parametrize("count", [300, pytest.param(50_000, marks=pytest.mark.long)])
def test_nothing_but_the_token_itself_verifies_and_nothing_escapes(count: int) -> None:
    rng, keys = Random(4), {profile: store(profile) for profile in Profile}
    sound = [(issue(saying(Kind.CODE, of), Kind.CODE, key, of), of) for key, of in SIGNERS]
    for _ in range(count):
        original, profile = rng.choice(sound)
        start = rng.randrange(len(original))
        end = start + rng.randrange(3)
        candidate = original[:start] + rng.randbytes(rng.randrange(3)) + original[end:]
        if rng.random() < 0.2:
            candidate = rng.randbytes(rng.randrange(200))
        verification = verify(candidate, place(profile=profile), keys[profile])
        assert verification.valid == (candidate == original)
