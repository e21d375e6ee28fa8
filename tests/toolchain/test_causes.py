"""Every likely cause is found from the real mistake, and no other is told."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from support.forging import Forger
from support.worlds import FOREIGN, KEYS, Ledger, blueprint, local, newer, trusted

from tinycontainer.device import DEFAULT_EPOCH_S
from tinycontainer.metadata import (
    Bundle,
    Direction,
    Metadata,
    PeerType,
    decode,
    encode,
    encode_endpoint,
)
from tinycontainer.packing import Blueprint, Signer, TokenOptions, pack, pack_unsigned
from tinycontainer.toolchain.artefact import Artefact
from tinycontainer.toolchain.causes import explain_token
from tinycontainer.toolchain.explanation import Explanation, contrast
from tinycontainer.verification import TokenReport, Trust, examine
from tinycontainer_tokens import (
    Accepted,
    Algorithm,
    Claims,
    KeyEntry,
    KeyMaterial,
    KeyStore,
    Kind,
    Profile,
    Role,
    SequenceStore,
    Subject,
    cbor,
    envelope,
    issue,
)
from tinycontainer_tokens import claims as claims_codec
from tinycontainer_tokens.envelope import Envelope, protected_header
from tinycontainer_tokens.proofs import prove

RFC, RIOT = Profile.RFC9052, Profile.RIOT_2024
CODE, DATA = b"box", b"some data"
PLAN = blueprint("box", endpoints=(local(1, direction=Direction.OUT), local(2)))
DAY_S = 86_400
HMAC = KeyMaterial(Algorithm.HMAC_256, b"", b"\x55" * 32)


def examined(
    artefact: Artefact,
    trust: Trust | None = None,
    now_s: int = 0,
    sequences: SequenceStore | None = None,
    profile: Profile = RFC,
) -> tuple[TokenReport, ...]:
    trust = trust or Trust(keys=trusted(profile))
    return examine(
        artefact.metadata, artefact.code, artefact.data, trust, now_s, sequences, profile
    )


def explained(
    bundle: Bundle,
    place: Kind,
    check: str,
    trust: Trust | None = None,
    now_s: int = 0,
    sequences: SequenceStore | None = None,
    profile: Profile = RFC,
) -> Explanation:
    """Why the token of a place fails at a check."""
    artefact = Artefact("box", decode(bundle.metadata), bundle.code, bundle.data)
    trust = trust or Trust(keys=trusted(profile))
    reports = examined(artefact, trust, now_s, sequences, profile)
    report = next(each for each in reports if each.expected.kind is place)
    assert report.verification is not None
    assert report.verification.failure is not None
    assert report.verification.failure.check == check
    found = explain_token(report, artefact, reports, trust.keys, sequences)
    assert found is not None
    return found


def cause(*arguments: object, **options: object) -> str:
    found = explained(*arguments, **options).cause  # type: ignore[arg-type]
    assert found is not None
    return found


def packed(plan: Blueprint = PLAN, code: bytes = CODE, data: bytes = DATA) -> Bundle:
    return pack(plan, code, data, KEYS)


def with_code_token(token: bytes, profile: Profile = RFC) -> Bundle:
    """A container sealed around some bytes in the code token's place."""
    return Forger(Kind.CODE, change=lambda _token: token).pack(replace(PLAN, profile=profile), DATA)


def code_token(profile: Profile = RFC, key: KeyMaterial | None = None) -> bytes:
    signer = Signer(key or KEYS[Role.DEVELOPER], b"box", profile, TokenOptions())
    return signer.content(Kind.CODE, CODE)


# What is wrong with a hash of code or data.


@pytest.mark.parametrize(
    ("signed", "there", "words"),
    [
        (b"a\nb", b"a\nb\n", "without its last line break"),
        (b"a\nb", b"a\nb\r\n", "without its last line break"),
        (b"a\nb\n", b"a\nb", "with a line break (LF) added at its end"),
        (b"a\nb\r\n", b"a\nb", "with a line break (CR LF) added at its end"),
        (b"a\nb\n", b"a\r\nb\r\n", "with LF in place of CR LF"),
        (b"a\r\nb\r\n", b"a\nb\n", "with CR LF in place of LF"),
        (b"a\r\nb", b"a\nb\n", "with CR LF in place of LF and without its last line break"),
        (b"text\0", b"text", "with a zero byte added at its end"),
        (b"text", b"text\0", "without its last zero byte"),
        (b"text", b"text\0\0\0", "without the zero bytes at its end"),
        (b"hello\0\0\0", b"hello", "filled up with zero bytes to a multiple of 4"),
        (b"\xef\xbb\xbftext", b"text", "with a byte order mark in front"),
        (b"text", b"\xef\xbb\xbftext", "without the byte order mark in front"),
        (b"", b"text", "with nothing in it"),
    ],
)
@pytest.mark.parametrize("kind", [Kind.CODE, Kind.DATA])
def test_a_hash_of_the_file_as_tools_change_it_is_recognised(
    kind: Kind, signed: bytes, there: bytes, words: str
) -> None:
    name = kind.name.lower()
    sections = {"code": CODE, "data": DATA, name: signed}
    bundle = replace(packed(PLAN, **sections), **{name: there})
    found = explained(bundle, kind, "content")
    assert found.cause == f"the hash is that of this {name} {words}"
    assert found.expected == f"sha256 {hashlib.sha256(there).hexdigest()}, that of the {name}"
    assert found.found == f"sha256 {hashlib.sha256(signed).hexdigest()} in the token"


def test_a_hash_of_something_else_is_stale() -> None:
    assert "stale, the code was changed after it was signed" in cause(
        replace(packed(), code=b"built again"), Kind.CODE, "content"
    )


def test_exchanged_sections_are_recognised_from_either_side() -> None:
    bundle = packed()
    bundle = replace(bundle, code=bundle.data, data=bundle.code)
    assert cause(bundle, Kind.CODE, "content").startswith("code and data are exchanged")
    assert cause(bundle, Kind.DATA, "content").startswith("data and code are exchanged")


def test_a_token_for_the_other_section_is_recognised() -> None:
    bundle = replace(packed(data=CODE), data=b"the right data")
    assert cause(bundle, Kind.DATA, "content") == "the hash is that of the code"


# What is wrong with a hash of metadata.


def sealed(
    hashed: Callable[[Metadata, int], bytes], profile: Profile = RFC, plan: Blueprint = PLAN
) -> Bundle:
    """A container whose metadata token vouches for other bytes.

    `hashed` gets the metadata as it will be, but for the token's bytes, and the token's length.
    """
    bundle = packed(replace(plan, profile=profile))
    metadata = decode(bundle.metadata)
    assert metadata.security is not None
    size = len(metadata.security.metadata_token)
    signer = Signer(KEYS[Role.INFRASTRUCTURE], b"box", profile, TokenOptions())
    token = signer.content(Kind.METADATA, hashed(metadata, size))
    assert len(token) == size
    return replace(bundle, metadata=metadata.signed_prefix + token)


def nested(metadata: Metadata, key: int) -> bytes:
    outer = cbor.decode(metadata.raw[9:], 4096)
    assert isinstance(outer, dict)
    part = outer[key]
    assert isinstance(part, bytes)
    return part


def without_token(metadata: Metadata) -> bytes:
    assert metadata.security is not None
    security = replace(metadata.security, metadata_token=b"")
    return encode(metadata.container, metadata.endpoints, security)


@pytest.mark.parametrize(
    ("hashed", "words"),
    [
        (lambda m, size: m.raw[: -size - 2], "the token with its length in front"),
        (lambda m, size: m.raw[9:-size], "the file without its tag but its last"),
        (lambda m, _size: m.raw[:50], "the whole file but its last"),
        (lambda m, _size: nested(m, 1), "the nested container map alone"),
        (lambda m, _size: nested(m, 2), "the nested endpoints array alone"),
        (lambda m, size: nested(m, 3)[:-size], "the nested security array alone but its last"),
    ],
)
def test_a_metadata_hash_of_a_part_of_the_file_is_recognised(
    hashed: Callable[[Metadata, int], bytes], words: str
) -> None:
    found = cause(sealed(hashed), Kind.METADATA, "content")
    assert found.startswith("the hash is that of ")
    assert words in found


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize(
    ("hashed", "words"),
    [
        (lambda m, size: m.signed_prefix + bytes(size), "with zero bytes in place of its"),
        (lambda m, size: m.signed_prefix + bytes(size - 5), "token, but the last 5 bytes"),
        (lambda m, _size: without_token(m), "encoded with an empty metadata token"),
        (lambda m, _size: encode(m.container, m.endpoints, None), "without the security array"),
        (lambda m, _size: b"", "nothing at all"),
        (lambda m, _size: CODE, "the hash is that of the code"),
        (lambda m, _size: b"another version", "stale, the metadata was changed after"),
    ],
)
def test_a_metadata_hash_of_no_part_of_the_file_says_that_it_fits_no_truncation(
    hashed: Callable[[Metadata, int], bytes], words: str, profile: Profile
) -> None:
    found = cause(sealed(hashed, profile), Kind.METADATA, "content", profile=profile)
    assert found.startswith("fits no truncation of this file: ")
    assert words in found


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
    assert "the very bytes of the data token stand here too" in cause(
        copied, Kind.CODE, "signature"
    )
    other = Signer(KEYS[Role.PROVIDER], b"box", RFC, TokenOptions()).content(Kind.DATA, b"x")
    assert cause(with_code_token(other), Kind.CODE, "signature") == (
        "this is a data token of the role provider; it stands in the place of the code token"
    )


def test_a_signature_of_nobody_known_says_so() -> None:
    bundle = with_code_token(code_token(key=FOREIGN))
    found = explained(bundle, Kind.CODE, "signature")
    assert found.cause is not None
    assert "no key that is known fits in any role" in found.cause
    assert "role developer" in found.expected


def payload_of(token: bytes) -> bytes:
    return envelope.parse(token).payload


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


def trust_with(entry: KeyEntry | None) -> Trust:
    entries = [each for each in trusted() if each.role is not Role.DEVELOPER]
    return Trust(keys=KeyStore([*entries, *([entry] if entry else [])]))


DEVELOPER = KEYS[Role.DEVELOPER].public_half()


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
        (lambda token: token[2:], "the tag 61 (CWT) in front is missing"),
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
    assert found.cause == "the token verifies with the tags 61 and 18 in front: they were cut off"
    assert found.found == "no tags"


def test_a_header_of_the_other_algorithm_is_recognised() -> None:
    header = protected_header(Algorithm.EDDSA, None)
    payload = payload_of(code_token())
    mixed = Envelope(True, Algorithm.HMAC_256, header, payload, bytes(32)).encode()
    assert cause(with_code_token(mixed), Kind.CODE, "header") == (
        "the header is that of EdDSA, the tag that of HMAC-256"
    )
    crit = Envelope(True, Algorithm.EDDSA, cbor.encode({1: -8, 2: [9]}), payload, bytes(64))
    assert explained(with_code_token(crit.encode()), Kind.CODE, "header").cause is None


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
    assert explained(with_code_token(odd), Kind.CODE, "claims").cause is None


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
            "the clock stands at its default",
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
    subject = Subject(b"box", Kind.CODE)
    store = Ledger({subject: Accepted(5, bytes(32))})
    found = cause(bundle, Kind.CODE, "sequence", sequences=store)
    assert found == "an older version: 3 before the newest that was accepted, 5"
    store = Ledger({subject: Accepted(2, bytes(32))})
    assert "signed anew under a sequence that was used" in cause(
        bundle, Kind.CODE, "sequence", sequences=store
    )


# Endpoint tokens.


def signed_entry(**changes: object) -> Bundle:
    """A container whose first entry was changed after the owner had signed it."""
    owner = Signer(KEYS[Role.OWNER], b"box", RFC, TokenOptions())
    first, second = PLAN.endpoints
    signed = replace(first, **changes)  # type: ignore[arg-type]
    entries = (replace(first, token=owner.endpoint(signed)), second)
    return packed(replace(PLAN, endpoints=entries))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"direction": Direction.IN}, "signed the direction in, the entry says out"),
        ({"peer_type": PeerType.REMOTE}, "signed a remote peer, the entry says local"),
        (
            {"endpoint_id": 2, "direction": Direction.BOTH},
            "that of the entry of endpoint 2",
        ),
        ({"peer_endpoint_id": 99}, "changed after the owner signed it"),
    ],
)
def test_an_entry_that_was_changed_after_it_was_signed_says_what(
    changes: dict[str, object], words: str
) -> None:
    assert words in cause(signed_entry(**changes), Kind.ENDPOINT, "content")


def test_a_hash_of_an_entry_with_an_empty_token_is_recognised() -> None:
    owner = Signer(KEYS[Role.OWNER], b"box", RFC, TokenOptions())
    first, second = PLAN.endpoints
    unfilled = encode_endpoint(replace(first, token=b""), with_token=True)
    signed = replace(first, token=owner.content(Kind.ENDPOINT, unfilled))
    bundle = packed(replace(PLAN, endpoints=(signed, second)))
    assert cause(bundle, Kind.ENDPOINT, "content").startswith("the hash covers an empty key 6")


# What holds for all.


def test_a_token_that_did_not_fail_has_no_explanation() -> None:
    bundle = packed()
    artefact = Artefact("box", decode(bundle.metadata), CODE, DATA)
    reports = examined(artefact)
    assert [explain_token(each, artefact, reports, trusted()) for each in reports] == [None] * 4
    with pytest.raises(ValueError, match="needs no explanation"):
        contrast(reports[0])


def test_no_explanation_holds_key_or_payload_bytes() -> None:
    told = [
        explained(with_code_token(code_token(key=FOREIGN)), Kind.CODE, "signature"),
        explained(replace(packed(), data=b"a secret"), Kind.DATA, "content"),
        explained(packed(), Kind.CODE, "key", trust_with(KeyEntry(Role.DEVELOPER, RFC, HMAC))),
    ]
    text = " ".join(str(each) for each in told)
    for key in (*KEYS.values(), FOREIGN, HMAC):
        for identity in key.identities():
            assert identity.hex()[:16] not in text
    assert "secret" not in text
    assert payload_of(code_token()).hex() not in text
