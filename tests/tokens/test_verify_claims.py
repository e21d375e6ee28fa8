"""Verification, steps 7 to 13: what a token claims must fit the place where it is."""

import hashlib
from dataclasses import replace

import pytest
from support.tokens.verifying import (
    DIGEST,
    RFC,
    SOUND,
    expectation,
    failure_at,
    key_store,
    sign_by_hand,
    sign_code,
    skipped_steps,
    sound_claims,
)
from support.worlds import FOREIGN, KEYS

from tinycontainer_tokens import (
    Accepted,
    Kind,
    MemorySequenceStore,
    Profile,
    Role,
    cbor,
    issue,
    verify,
)
from tinycontainer_tokens.kinds import SIGNING_ROLE


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
    assert failure_at(7, sign_by_hand({1: -8}, SOUND | changes), expectation()).startswith(problem)


def test_step_7_a_mask_in_the_place_of_an_endpoint_token() -> None:
    token = issue(sound_claims(Kind.MASK), Kind.MASK, KEYS[Role.OWNER], RFC)
    assert failure_at(7, token, expectation(Kind.ENDPOINT)) == "endpoint token lacks sha256"


def test_claims_behind_a_failed_signature_are_not_looked_at() -> None:
    assert verify(sign_by_hand({1: -8}, [], FOREIGN), expectation(), key_store()).claims is None
    assert verify(sign_code(FOREIGN), expectation(), key_store()).accepted is None


@pytest.mark.parametrize("kind", [Kind.DATA, Kind.CODE, Kind.ENDPOINT])
def test_step_8_a_token_of_another_kind_by_the_right_role(kind: Kind) -> None:
    other = Kind.CODE if kind is Kind.DATA else Kind.DATA
    token = issue(sound_claims(other), other, KEYS[SIGNING_ROLE[kind]], RFC)
    names = other.name.lower(), kind.name.lower()
    said = failure_at(8, token, expectation(kind))
    assert said == f"a {names[0]} token is in the place of the {names[1]} token"


@pytest.mark.parametrize("uid", [b"ui", b"uid2", b"UID", b"\x00uid"])
def test_step_9_another_container(uid: bytes) -> None:
    said = failure_at(9, sign_code(), replace(expectation(), uid=uid))
    assert said == "the token was made for another container"


def test_step_10_another_device() -> None:
    said = failure_at(10, sign_code(audience="Device"), expectation())
    assert said == "the token was made for another device"


@pytest.mark.clause("TC-TOK-14")
def test_step_10_a_device_without_an_id() -> None:
    said = failure_at(10, sign_code(audience="device"), replace(expectation(), audience=None))
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
    token = sign_code(not_before_s=not_before_s, expires_s=expires_s)
    expected = replace(expectation(), now_s=now_s)
    if valid:
        assert verify(token, expected, key_store()).valid
    else:
        early = not_before_s is not None and now_s < not_before_s
        limit = f"valid from {not_before_s}" if early else f"expired at {expires_s}"
        assert failure_at(11, token, expected) == f"{limit}; it is {now_s} (Unix seconds)"


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
    accepted = verify(sign_code(), expectation(), key_store()).accepted
    assert accepted == Accepted(5, hashlib.sha256(sign_code()).digest())
    before = MemorySequenceStore()
    before.accept([(expectation().subject, accepted)])
    token = sign_code(sequence=sequence, issued_s=None if same_bytes else 1)
    if problem is None:
        assert verify(token, expectation(), key_store(), before).valid
    else:
        assert failure_at(12, token, expectation(), sequences=before) == problem
    assert before.newest(expectation().subject) == accepted  # to verify is not to accept


def test_step_12_is_skipped_by_a_token_that_counts_no_versions() -> None:
    before = MemorySequenceStore()
    verification = verify(sign_code(sequence=None), expectation(), key_store(), before)
    assert skipped_steps(verification) == [10, 11, 12]
    assert verification.accepted is None


@pytest.mark.clause("TC-TOK-19")
def test_step_12_a_token_that_counts_no_versions_does_not_follow_one_that_does() -> None:
    before = MemorySequenceStore()
    before.accept([(expectation().subject, Accepted(5, bytes(32)))])
    said = failure_at(12, sign_code(sequence=None), expectation(), sequences=before)
    assert said == "the token counts no versions, but sequence 5 was accepted before"


def test_step_12_sequences_of_other_subjects_do_not_matter() -> None:
    before = MemorySequenceStore()
    expected = replace(expectation(Kind.ENDPOINT), endpoint_id=1)
    for other in (replace(expected, uid=b"other"), replace(expected, endpoint_id=2), expectation()):
        before.accept([(other.subject, Accepted(9, bytes(32)))])
    token = issue(sound_claims(Kind.ENDPOINT), Kind.ENDPOINT, KEYS[Role.OWNER], RFC)
    assert verify(token, expected, key_store(), before).valid


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.MASK])
@pytest.mark.parametrize("profile", Profile)
def test_step_13_other_content(kind: Kind, profile: Profile) -> None:
    token = issue(sound_claims(kind, profile), kind, KEYS[SIGNING_ROLE[kind]], profile)
    changed = hashlib.sha256(b"Content").digest()
    expected = replace(expectation(kind, profile), content_sha256=changed)
    said = failure_at(13, token, expected, key_store(profile))
    # What a metadata token vouches for covers signatures, so its hashes differ from key to key.
    hashes_are_told = kind is not Kind.METADATA
    assert (DIGEST.hex() in said) is hashes_are_told
    assert (changed.hex() in said) is hashes_are_told


def test_step_13_is_skipped_where_the_content_is_not_at_hand() -> None:
    verification = verify(sign_code(), replace(expectation(), content_sha256=None), key_store())
    assert verification.valid
    assert verification.steps[-1].detail == "what the token vouches for was not given"
