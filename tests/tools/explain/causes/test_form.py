"""Tokens of a wrong form, for another subject or time: the real mistake is found."""

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest
from support.tokens.forging import Forger
from support.tokens.refusals import (
    CODE,
    DATA,
    DAY_S,
    PLAN,
    RFC,
    RIOT,
    cause,
    code_token,
    explained,
    packed,
    payload_of,
    with_code_token,
)
from support.worlds import FOREIGN, KEYS, Ledger, newer, trusted

from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.setup import DEFAULT_EPOCH_S
from tinycontainer.metadata import Bundle, decode, encode
from tinycontainer.tools.packing.packing import TokenOptions, pack_unsigned
from tinycontainer_tokens import (
    Accepted,
    Algorithm,
    Claims,
    KeyStore,
    Kind,
    Profile,
    Role,
    SequenceSubject,
    cbor,
    issue,
)
from tinycontainer_tokens import claims as claims_codec
from tinycontainer_tokens.envelope import Envelope, protected_header
from tinycontainer_tokens.issue import prove

# The form.


def spoiled(change: Callable[[bytes], bytes]) -> Bundle:
    return with_code_token(change(code_token()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda token: token + b"\n", "a line break was added at the token's end"),
        (lambda token: token + b"\r\n", "a line break was added at the token's end"),
        (lambda token: token.hex().encode(), "hexadecimal text"),
        (base64.encodebytes, "base64 text"),
        (lambda token: token[2:], "the tag 61 (CWT) before it is missing"),
        (cbor.encode, "wrapped in a byte string once too often"),
        (lambda token: token[:-1], "cut short: its last byte is missing"),
        (lambda token: token[:-20], "cut short: its last 20 bytes are missing"),
        (lambda token: token + b"xy", "followed by 2 bytes of something else"),
        (lambda token: pack_unsigned(PLAN, b"", b"").metadata, "this is metadata, not a token"),
        (lambda token: cbor.with_tags((61, 16), token[3:]), "COSE_Encrypt0"),
    ],
)
def test_bytes_that_are_no_token_say_what_became_of_it(
    change: Callable[[bytes], bytes], words: str
) -> None:
    found = explained(spoiled(change), Kind.CODE, "structure")
    assert found.cause is not None
    assert words in found.cause
    assert found.expected == "one COSE_Sign1 or COSE_Mac0 in strict CBOR"


@pytest.mark.parametrize("missing", range(1, 134))
def test_a_token_that_was_cut_short_is_named_wherever_it_was_cut(missing: int) -> None:
    found = explained(spoiled(lambda token: token[:-missing]), Kind.CODE, "structure").cause
    exactly = "its last byte is" if missing == 1 else f"its last {missing} bytes are"
    assert f"cut short: {exactly if missing <= 64 else 'at least its last'}" in str(found)


def test_bytes_that_are_nothing_known_have_no_cause() -> None:
    assert explained(spoiled(lambda _t: b"\xff" * 40), Kind.CODE, "structure").cause is None


def test_an_absent_token_says_who_has_not_signed() -> None:
    bundle = with_code_token(b"")
    found = explained(bundle, Kind.CODE, "present")
    assert found.cause is not None
    assert found.cause.startswith("the role developer has not signed")
    assert (found.expected, found.found) == ("a code token of the developer", "none")


def test_an_unsigned_container_is_recognised_as_such() -> None:
    bundle = pack_unsigned(PLAN, CODE, DATA)
    assert "packed without signing" in cause(bundle, Kind.CODE, "present")
    metadata = decode(bundle.metadata)
    bare = replace(bundle, metadata=encode(metadata.container, None, None))
    assert "no security array (key 3)" in cause(bare, Kind.CODE, "present")


@pytest.mark.parametrize(("made", "judged"), [(RFC, RIOT), (RIOT, RFC)])
def test_a_token_that_is_right_under_the_other_profile_says_so(
    made: Profile, judged: Profile
) -> None:
    plan = replace(PLAN, profile=made)
    found = explained(packed(plan), Kind.CODE, "profile", profile=judged)
    assert found.cause is not None
    assert f"the token verifies under {made}: verify with --profile {made}" in found.cause
    assert (found.expected, found.found) == (judged, made)
    changed = replace(packed(plan), code=b"changed")
    assert "its signature holds, but step 13 (content) fails" in cause(
        changed, Kind.CODE, "profile", profile=judged
    )
    stranger = with_code_token(code_token(made, FOREIGN))
    assert "there step 6 (signature) fails" in cause(stranger, Kind.CODE, "profile", profile=judged)
    nobody = Trust(keys=KeyStore())
    assert "no key was given" in cause(packed(plan), Kind.CODE, "profile", nobody, profile=judged)


def test_tags_that_were_cut_off_are_recognised() -> None:
    found = explained(spoiled(lambda token: token[3:]), Kind.CODE, "profile")
    assert found.cause == "the token verifies with the tags 61 and 18 before it: they were cut off"
    assert found.found == "no tags"


def test_a_header_of_the_other_algorithm_is_recognised() -> None:
    header = protected_header(Algorithm.EDDSA, None)
    payload = payload_of(code_token())
    mixed = Envelope(True, Algorithm.HMAC_256, header, payload, bytes(32)).encode()
    assert cause(with_code_token(mixed), Kind.CODE, "header") == (
        "the header is that of EdDSA, the tag that of HMAC-256"
    )
    crit = Envelope(True, Algorithm.EDDSA, cbor.encode({1: -8, 2: [9]}), payload, bytes(64))
    assert cause(with_code_token(crit.encode()), Kind.CODE, "header").startswith(
        "the protected header holds crit (2)"
    )


def test_claims_of_another_place_or_profile_are_recognised() -> None:
    key = KEYS[Role.DEVELOPER]
    mask = Claims(mask=b"\1", uid=b"box", kind=Kind.MASK, sequence=1)
    token = issue(mask, Kind.MASK, key, RFC)
    assert cause(with_code_token(token), Kind.CODE, "claims") == (
        "these are the claims of a token for mask: it is in the wrong place"
    )
    payload = claims_codec.encode(Claims(sha256=bytes(32)), Kind.CODE, RIOT)
    assert cause(with_code_token(prove(payload, key, RFC).encode()), Kind.CODE, "claims") == (
        "these are the claims of a code token of riot-2024, in an envelope of rfc9052"
    )
    odd = prove(cbor.encode({1: 2}), key, RFC).encode()
    assert cause(with_code_token(odd), Kind.CODE, "claims").startswith("iss: not accepted")


# For whom, where and when.


def test_a_token_of_another_kind_is_recognised() -> None:
    right = Forger(Kind.CODE, kind=Kind.DATA).pack(PLAN, DATA)
    found = explained(right, Kind.CODE, "kind")
    assert found.cause == (
        "the role developer signed it as a data token, though its hash is that of the code"
    )
    assert (found.expected, found.found) == ("kind 4 (code)", "kind 3 (data)")


@pytest.mark.parametrize(
    ("uid", "words"),
    [
        (b"other", "a token of the container other was used again here"),
        (b"other", "the code itself is the same"),
        (b"box\n", "differ in spaces or a line break"),
        (b"BOX", "upper and lower case"),
    ],
)
def test_a_token_of_another_container_is_recognised(uid: bytes, words: str) -> None:
    assert words in cause(Forger(Kind.CODE, uid=uid).pack(PLAN, DATA), Kind.CODE, "uid")


@pytest.mark.parametrize(
    ("audience", "device", "words"),
    [
        ("desk-1", None, "the device has no id"),
        ("desk-1", "desk-2", "made for the device desk-1"),
        ("Desk-1 ", "desk-1", "spaces or in upper and lower case"),
    ],
)
def test_a_token_for_another_device_is_recognised(
    audience: str, device: str | None, words: str
) -> None:
    bundle = packed(replace(PLAN, options=TokenOptions(audience=audience)))
    found = cause(bundle, Kind.CODE, "audience", Trust(keys=trusted(), device_id=device))
    assert words in found


NOW_S = DEFAULT_EPOCH_S + DAY_S


@pytest.mark.parametrize(
    ("options", "now_s", "expected", "found", "words"),
    [
        (
            TokenOptions(expires_s=DEFAULT_EPOCH_S),
            NOW_S + 7200,
            "a time before 2026-01-01T00:00:00Z",
            "2026-01-02T02:00:00Z, which is 1 day 2 h later",
            "too late",
        ),
        (
            TokenOptions(not_before_s=NOW_S),
            DEFAULT_EPOCH_S,
            "a time from 2026-01-02T00:00:00Z on",
            "2026-01-01T00:00:00Z, which is 1 day too early",
            "the clock is at its default",
        ),
        (
            TokenOptions(not_before_s=NOW_S + 90),
            NOW_S,
            "a time from 2026-01-02T00:01:30Z on",
            "2026-01-02T00:00:00Z, which is 1 min 30 s too early",
            "too early",
        ),
        (
            TokenOptions(not_before_s=NOW_S * 1000),
            NOW_S,
            f"a time from Unix second {NOW_S * 1000} on",
            None,
            "nbf is in milliseconds, not seconds: as such it is 2026-01-02T00:00:00Z",
        ),
        (
            TokenOptions(not_before_s=NOW_S, expires_s=NOW_S - 5),
            NOW_S,
            None,
            "2026-01-02T00:00:00Z, which is 5 s later",
            "never valid",
        ),
        (
            TokenOptions(issued_s=NOW_S, expires_s=3600),
            NOW_S,
            "a time before 1970-01-01T01:00:00Z",
            None,
            "exp may be a duration",
        ),
    ],
)
def test_a_token_out_of_its_time_tells_dates_and_the_difference(
    options: TokenOptions, now_s: int, expected: str | None, found: str | None, words: str
) -> None:
    bundle = packed(replace(PLAN, options=options))
    told = explained(bundle, Kind.CODE, "time", now_s=now_s)
    assert expected in (None, told.expected)
    assert found in (None, told.found)
    assert told.cause is not None
    assert words in told.cause


def test_an_older_or_a_changed_version_is_recognised() -> None:
    bundle = packed(newer(PLAN))
    subject = SequenceSubject(b"box", Kind.CODE)
    store = Ledger({subject: Accepted(5, bytes(32))})
    found = cause(bundle, Kind.CODE, "sequence", sequences=store)
    assert found == "an older version: 3 before the newest that was accepted, 5"
    store = Ledger({subject: Accepted(2, bytes(32))})
    assert "signed again under a sequence that was used" in cause(
        bundle, Kind.CODE, "sequence", sequences=store
    )
