"""Verification, steps 1 to 6: a token must be one, and be signed by a key of its role."""

from dataclasses import replace
from random import Random

import pytest
from support.tokens.verifying import (
    DEVELOPER,
    HMAC_KEYS,
    NOW,
    RFC,
    RIOT,
    SOUND,
    STEPS,
    expectation,
    failure_at,
    key_store,
    sign_by_hand,
    sign_bytes,
    sign_code,
    skipped_steps,
    sound_claims,
)
from support.worlds import FOREIGN, KEYS

from tinycontainer_tokens import (
    Algorithm,
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Kind,
    MemorySequenceStore,
    Profile,
    Role,
    cbor,
    envelope,
    issue,
    verify,
)
from tinycontainer_tokens.envelope import Envelope
from tinycontainer_tokens.kinds import SIGNING_ROLE


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("keys", [KEYS, HMAC_KEYS], ids=["EdDSA", "HMAC"])
@pytest.mark.clause("TC-TOK-21")
def test_a_sound_token_passes_every_step(
    kind: Kind, profile: Profile, keys: dict[Role, KeyMaterial]
) -> None:
    token = issue(sound_claims(kind, profile), kind, keys[SIGNING_ROLE[kind]], profile)
    verification = verify(
        token, expectation(kind, profile), key_store(profile), MemorySequenceStore()
    )
    assert verification.valid
    assert verification.require() == sound_claims(kind, profile)
    assert [(step.number, step.check) for step in verification.steps] == list(enumerate(STEPS, 1))
    without_content = [13] if kind is Kind.MASK else []
    of_profile = [10, 11] if profile is RFC else [4, 8, 9, 10, 11, 12]
    assert skipped_steps(verification) == of_profile + without_content


def test_a_token_with_every_claim_skips_nothing() -> None:
    token = sign_code(audience="device", not_before_s=NOW, expires_s=NOW + 1, issued_s=NOW - 1)
    verification = verify(token, expectation(), key_store(), MemorySequenceStore())
    assert verification.valid
    assert skipped_steps(verification) == []
    assert all(step.detail == "" for step in verification.steps)


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.clause("TC-TOK-07")
def test_a_firmware_token_stands_with_tags_or_without(tagged: bool) -> None:
    token = issue(sound_claims(Kind.CODE, RIOT), Kind.CODE, DEVELOPER, RIOT, tagged=tagged)
    assert verify(token, expectation(profile=RIOT), key_store(RIOT)).valid


@pytest.mark.parametrize("kind", Kind)
def test_step_1_a_missing_token(kind: Kind) -> None:
    assert failure_at(1, b"", expectation(kind)) == f"the {kind.name.lower()} token is missing"


@pytest.mark.parametrize(
    "token",
    [b"\x00", b"hello", sign_code()[:-1], sign_code() + b"\0", sign_code()[2:], bytes(1025)],
)
def test_step_2_something_that_is_no_token(token: bytes) -> None:
    failure_at(2, token, expectation())


def test_step_3_a_token_of_the_other_profile() -> None:
    firmware = issue(sound_claims(Kind.CODE, RIOT), Kind.CODE, DEVELOPER, RIOT, tagged=True)
    said = failure_at(3, firmware, expectation())
    assert said == "wrong profile: expected rfc9052, found riot-2024"
    said = failure_at(3, sign_code(), expectation(profile=RIOT), key_store(RIOT))
    assert said == "wrong profile: expected riot-2024, found rfc9052"


@pytest.mark.clause("TC-TOK-04")
def test_step_3_a_standard_token_without_its_tags() -> None:
    assert "begins with the tags 61" in failure_at(3, sign_code()[3:], expectation())


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
    assert problem in failure_at(4, sign_by_hand(header, SOUND), expectation())


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
    said = failure_at(5, sign_code(), expectation(), KeyStore(entries))
    assert said == (
        "no key of the role developer that may sign EdDSA tokens of rfc9052 for this container"
    )


def test_step_5_a_key_with_another_id() -> None:
    named = KeyMaterial.from_private(DEVELOPER.secret or b"", b"one")
    keys = KeyStore([KeyEntry(Role.DEVELOPER, RFC, replace(named, kid=b"two").public_half())])
    assert failure_at(5, sign_code(named), expectation(), keys).endswith("has the token's key id")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("keys", [KEYS, HMAC_KEYS], ids=["EdDSA", "HMAC"])
def test_step_6_a_key_of_another_role(kind: Kind, keys: dict[Role, KeyMaterial]) -> None:
    for role in set(Role) - {SIGNING_ROLE[kind]}:
        said = failure_at(6, issue(sound_claims(kind), kind, keys[role], RFC), expectation(kind))
        assert said == f"not made with a key of the role {SIGNING_ROLE[kind]}, or changed since"


@pytest.mark.parametrize("profile", Profile)
def test_step_6_a_key_that_nobody_trusts(profile: Profile) -> None:
    token = issue(sound_claims(Kind.CODE, profile), Kind.CODE, FOREIGN, profile)
    failure_at(6, token, expectation(profile=profile), key_store(profile))


def test_step_6_a_key_id_does_not_help_a_foreign_key() -> None:
    named = replace(DEVELOPER.public_half(), kid=b"key")
    keys = KeyStore([KeyEntry(Role.DEVELOPER, RFC, named)])
    failure_at(6, sign_code(replace(FOREIGN, kid=b"key")), expectation(), keys)


def test_each_key_of_the_role_is_tried() -> None:
    keys = KeyStore([KeyEntry(Role.DEVELOPER, RFC, key) for key in (FOREIGN, DEVELOPER)])
    assert verify(sign_code(), expectation(), keys).valid


def test_step_6_one_profile_does_not_verify_by_the_other_ones_rule() -> None:
    parsed = envelope.parse(sign_code())
    raw = sign_bytes(DEVELOPER, parsed.payload)
    failure_at(6, replace(parsed, proof=raw).encode(), expectation())
    proof = sign_bytes(DEVELOPER, cbor.encode(["Signature1", b"", b"", parsed.payload]))
    firmware = Envelope(False, Algorithm.EDDSA, b"", parsed.payload, proof).encode()
    failure_at(6, firmware, expectation(profile=RIOT), key_store(RIOT))


SIGNERS = [(key, profile) for key in (DEVELOPER, HMAC_KEYS[Role.DEVELOPER]) for profile in Profile]


@pytest.mark.parametrize(("key", "profile"), SIGNERS)
def test_no_bit_of_a_token_can_be_flipped(key: KeyMaterial, profile: Profile) -> None:
    token, keys = (
        issue(sound_claims(Kind.CODE, profile), Kind.CODE, key, profile),
        key_store(profile),
    )
    assert verify(token, expectation(profile=profile), keys).valid
    for bit in range(8 * len(token)):
        flipped = bytearray(token)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not verify(bytes(flipped), expectation(profile=profile), keys).valid


@pytest.mark.parametrize("count", [300, pytest.param(50_000, marks=pytest.mark.long)])
def test_nothing_but_the_token_itself_verifies_and_nothing_escapes(count: int) -> None:
    rng, keys = Random(4), {profile: key_store(profile) for profile in Profile}
    sound = [(issue(sound_claims(Kind.CODE, of), Kind.CODE, key, of), of) for key, of in SIGNERS]
    for _ in range(count):
        original, profile = rng.choice(sound)
        start = rng.randrange(len(original))
        end = start + rng.randrange(3)
        candidate = original[:start] + rng.randbytes(rng.randrange(3)) + original[end:]
        if rng.random() < 0.2:
            candidate = rng.randbytes(rng.randrange(200))
        verification = verify(candidate, expectation(profile=profile), keys[profile])
        assert verification.valid == (candidate == original)
