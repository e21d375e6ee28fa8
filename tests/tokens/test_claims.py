"""Claims: each kind of token carries exactly its own, and every deviation is named."""

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.errors import catch_error

from tinycontainer_tokens import Claims, ClaimsError, Kind, Profile, TokenError, cbor, claims

AUD, EXP, NBF, IAT = 3, 4, 5, 6
MASK, SHA256, KEY_ID, UID, SEQUENCE, KIND = -65536, -65537, -65538, -65539, -65540, -65541
DIGEST = bytes(range(32))
NEEDS_SEQUENCE = (Kind.MASK, Kind.METADATA)
TIMES = st.none() | st.integers(0, (1 << 64) - 1)


def content_label(kind: Kind) -> int:
    return MASK if kind is Kind.MASK else SHA256


def minimal(kind: Kind) -> dict[int, cbor.Value]:
    """The least that a token of this kind carries in rfc9052."""
    content: bytes = b"\x1f" if kind is Kind.MASK else DIGEST
    labels: dict[int, cbor.Value] = {content_label(kind): content, UID: b"uid", KIND: int(kind)}
    return labels | ({SEQUENCE: 1} if kind in NEEDS_SEQUENCE else {})


def claims_error(
    labels: dict[int, cbor.Value], kind: Kind, profile: Profile = Profile.RFC9052
) -> str:
    """What the decoder says to these labels."""
    return str(catch_error(ClaimsError, claims.decode, cbor.encode(labels), kind, profile))


@st.composite
def fitting(draw: st.DrawFn) -> tuple[Claims, Kind]:
    """Any claims that fit a kind of token in rfc9052."""
    kind = draw(st.sampled_from(Kind))
    uint = st.integers(0, (1 << 64) - 1)
    mask = draw(st.binary(min_size=1, max_size=4)) if kind is Kind.MASK else None
    digest = None if kind is Kind.MASK else draw(st.binary(min_size=32, max_size=32))
    audience = st.text(min_size=1, max_size=16)  # at most 4 bytes each
    return (
        Claims(
            mask=mask,
            sha256=digest,
            uid=draw(st.binary(min_size=1, max_size=63)),
            sequence=draw(uint if kind in NEEDS_SEQUENCE else TIMES),
            kind=kind,
            audience=draw(st.none() | audience),
            expires_s=draw(TIMES),
            not_before_s=draw(TIMES),
            issued_s=draw(TIMES),
        ),
        kind,
    )


@given(fitting())
def test_claims_survive_the_round_trip(example: tuple[Claims, Kind]) -> None:
    said, kind = example
    payload = claims.encode(said, kind, Profile.RFC9052)
    assert claims.decode(payload, kind, Profile.RFC9052) == said


LABELS = st.sampled_from([AUD, EXP, NBF, IAT, MASK, SHA256, UID, SEQUENCE, KIND, KEY_ID, 1])
VALUES: st.SearchStrategy[cbor.Value] = st.one_of(
    st.integers(-1, 6), st.just(DIGEST), st.binary(max_size=4), st.text(max_size=4)
)


@given(st.sampled_from(Kind), st.sampled_from(Profile), st.dictionaries(LABELS, VALUES, max_size=4))
def test_whatever_is_accepted_encodes_to_the_same_bytes(
    kind: Kind, profile: Profile, changes: dict[int, cbor.Value]
) -> None:
    start = minimal(kind) if profile is Profile.RFC9052 else {}
    payload = cbor.encode(start | changes)
    try:
        decoded = claims.decode(payload, kind, profile)
    except ClaimsError:
        assert changes or not start  # without a change only the empty map is refused
    else:
        assert claims.encode(decoded, kind, profile) == payload


@given(fitting(), st.sampled_from(Kind))
def test_claims_of_one_kind_are_not_taken_for_another_content(
    example: tuple[Claims, Kind], place: Kind
) -> None:
    said, kind = example
    payload = claims.encode(said, kind, Profile.RFC9052)
    if content_label(kind) != content_label(place):
        with pytest.raises(ClaimsError, match=r"lacks|cannot carry"):
            claims.decode(payload, place, Profile.RFC9052)
    elif place in NEEDS_SEQUENCE and said.sequence is None:
        with pytest.raises(ClaimsError, match="metadata token lacks sequence"):
            claims.decode(payload, place, Profile.RFC9052)
    else:
        assert claims.decode(payload, place, Profile.RFC9052).kind is kind


@pytest.mark.clause("TC-TOK-10")
def test_each_claim_has_its_number() -> None:
    said = Claims(
        sha256=DIGEST,
        uid=b"uid",
        sequence=7,
        kind=Kind.CODE,
        audience="device",
        expires_s=30,
        not_before_s=10,
        issued_s=5,
    )
    assert cbor.decode(claims.encode(said, Kind.CODE, Profile.RFC9052), 512) == {
        AUD: "device",
        EXP: 30,
        NBF: 10,
        IAT: 5,
        SHA256: DIGEST,
        UID: b"uid",
        SEQUENCE: 7,
        KIND: 4,
    }


@pytest.mark.clause("TC-TOK-11")
def test_kinds_have_the_numbers_of_their_claim() -> None:
    numbers = {kind.name: int(kind) for kind in Kind}
    assert numbers == {"MASK": 1, "ENDPOINT": 2, "DATA": 3, "CODE": 4, "METADATA": 5}


def test_a_firmware_mask_token_says_its_mask_alone() -> None:
    payload = claims.encode(Claims(mask=b"\x1f"), Kind.MASK, Profile.RIOT_2024)
    assert payload == bytes.fromhex("a1 39ffff 41 1f")


def test_a_firmware_hash_token_says_its_hash_alone() -> None:
    payload = claims.encode(Claims(sha256=DIGEST), Kind.DATA, Profile.RIOT_2024)
    assert payload == bytes.fromhex("a1 3a00010000 5820") + DIGEST


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.clause("TC-TOK-12")
def test_a_minimal_token_of_each_kind_is_taken(kind: Kind) -> None:
    decoded = claims.decode(cbor.encode(minimal(kind)), kind, Profile.RFC9052)
    assert (decoded.kind, decoded.uid) == (kind, b"uid")
    assert (decoded.sequence is None) == (kind not in NEEDS_SEQUENCE)


@pytest.mark.parametrize(
    ("kind", "label"), [(kind, label) for kind in Kind for label in minimal(kind)]
)
@pytest.mark.clause("TC-TOK-12")
def test_a_missing_claim_is_named(kind: Kind, label: int) -> None:
    labels = minimal(kind)
    del labels[label]
    names = {MASK: "bitmask", SHA256: "sha256", UID: "uid", SEQUENCE: "sequence", KIND: "kind"}
    assert claims_error(labels, kind) == f"{kind.name.lower()} token lacks {names[label]}"


def test_all_missing_claims_are_named_at_once() -> None:
    assert claims_error({}, Kind.MASK) == "mask token lacks bitmask, kind, sequence, uid"


@pytest.mark.parametrize("label", [0, 1, 2, 7, 8, -1, KEY_ID, -65535, -65542, (1 << 64) - 1])
@pytest.mark.clause("TC-TOK-12")
def test_an_unknown_claim_is_named(label: int) -> None:
    assert claims_error(minimal(Kind.CODE) | {label: 1}, Kind.CODE) == f"unknown claim {label}"


@pytest.mark.clause("TC-TOK-10")
def test_the_reserved_claim_of_the_firmware_is_unknown_in_its_profile_too() -> None:
    labels: dict[int, cbor.Value] = {SHA256: DIGEST, KEY_ID: b"key"}
    assert claims_error(labels, Kind.CODE, Profile.RIOT_2024) == "unknown claim -65538"


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.clause("TC-TOK-10")
def test_mask_and_hash_exclude_each_other(kind: Kind) -> None:
    both = minimal(kind) | {MASK: b"\x01", SHA256: DIGEST}
    surplus = "sha256" if kind is Kind.MASK else "bitmask"
    name = kind.name.lower()
    assert claims_error(both, kind) == f"{name} token of rfc9052 cannot carry {surplus}"


@pytest.mark.parametrize("label", [AUD, EXP, NBF, IAT, UID, SEQUENCE, KIND])
@pytest.mark.clause("TC-TOK-07")
def test_a_firmware_token_carries_no_second_claim(label: int) -> None:
    further: dict[int, cbor.Value] = {AUD: "device", UID: b"uid"}
    labels: dict[int, cbor.Value] = {SHA256: DIGEST, label: further.get(label, 1)}
    said = claims_error(labels, Kind.CODE, Profile.RIOT_2024)
    assert said.startswith("code token of riot-2024 cannot carry ")


@pytest.mark.parametrize(
    ("label", "value"),
    [
        (AUD, "d"),
        (AUD, "d" * 64),
        (AUD, "é" * 32),
        *((label, edge) for label in (EXP, NBF, IAT, SEQUENCE) for edge in (0, (1 << 64) - 1)),
        (UID, b"u"),
        (UID, bytes(63)),
        (KIND, 1),
        (KIND, 5),
    ],
)
def test_a_claim_at_the_edge_of_its_range_is_taken(label: int, value: cbor.Value) -> None:
    payload = cbor.encode(minimal(Kind.CODE) | {label: value})
    decoded = claims.decode(payload, Kind.CODE, Profile.RFC9052)
    assert claims.encode(decoded, Kind.CODE, Profile.RFC9052) == payload


@pytest.mark.parametrize("mask", [b"\x00", bytes(4)])
def test_a_mask_of_1_to_4_bytes_is_taken(mask: bytes) -> None:
    payload = cbor.encode({MASK: mask})
    assert claims.decode(payload, Kind.MASK, Profile.RIOT_2024) == Claims(mask=mask)


MALFORMED: list[tuple[int, cbor.Value, str]] = [
    (AUD, b"device", "aud: not a text of 1 to 64 bytes"),
    (AUD, "", "aud: not a text of 1 to 64 bytes"),
    (AUD, "d" * 65, "aud: not a text of 1 to 64 bytes"),
    (AUD, "é" * 33, "aud: not a text of 1 to 64 bytes"),
    (AUD, ["device"], "aud: not a text of 1 to 64 bytes"),
    (EXP, -1, "exp: not an unsigned integer of 64 bits"),
    (EXP, "1", "exp: not an unsigned integer of 64 bits"),
    (NBF, b"\x01", "nbf: not an unsigned integer of 64 bits"),
    (NBF, -(1 << 64), "nbf: not an unsigned integer of 64 bits"),
    (IAT, [1], "iat: not an unsigned integer of 64 bits"),
    (SHA256, bytes(31), "sha256: 31 bytes where 32 are allowed"),
    (SHA256, bytes(33), "sha256: 33 bytes where 32 are allowed"),
    (SHA256, "x" * 32, "sha256: not a byte string"),
    (SHA256, 5, "sha256: not a byte string"),
    (UID, b"", "uid: 0 bytes where 1 to 63 are allowed"),
    (UID, bytes(64), "uid: 64 bytes where 1 to 63 are allowed"),
    (UID, "uid", "uid: not a byte string"),
    (SEQUENCE, -1, "sequence: not an unsigned integer of 64 bits"),
    (SEQUENCE, b"\x01", "sequence: not an unsigned integer of 64 bits"),
    (KIND, 0, "kind: not one of 1 (mask), 2 (endpoint), 3 (data), 4 (code), 5 (metadata)"),
    (KIND, 6, "kind: not one of 1 (mask)"),
    (KIND, -4, "kind: not one of 1 (mask)"),
    (KIND, "code", "kind: not one of 1 (mask)"),
    (KIND, b"\x04", "kind: not one of 1 (mask)"),
]


@pytest.mark.parametrize(("label", "value", "problem"), MALFORMED)
def test_a_malformed_claim_is_named(label: int, value: cbor.Value, problem: str) -> None:
    assert claims_error(minimal(Kind.CODE) | {label: value}, Kind.CODE).startswith(problem)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (b"", "bitmask: 0 bytes where 1 to 4 are allowed"),
        (bytes(5), "bitmask: 5 bytes where 1 to 4 are allowed"),
        (255, "bitmask: not a byte string"),
    ],
)
@pytest.mark.parametrize("profile", Profile)
def test_a_malformed_mask_is_named(value: cbor.Value, problem: str, profile: Profile) -> None:
    labels: dict[int, cbor.Value] = {} if profile is Profile.RIOT_2024 else minimal(Kind.MASK)
    assert claims_error(labels | {MASK: value}, Kind.MASK, profile) == problem


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ("", "payload byte 0: ends where an item should begin"),
        ("80", "payload is not a map of claims"),
        ("00", "payload is not a map of claims"),
        ("40", "payload is not a map of claims"),
        ("a1 04 f5", "payload byte 2: a float or simple value"),
        ("a1 04 fb 41d954fc40000000", "payload byte 2: a float or simple value"),
        ("a1 04 c1 1a 65000000", "payload byte 2: tag 1 is not expected"),
        ("a1 f5 01", "payload byte 1: a map key is not an integer"),
        ("a1 63 657870 01", "payload byte 1: a map key is not an integer"),
        ("a2 04 01 04 02", "payload byte 3: not in deterministic form"),
        ("a2 05 01 04 02", "payload byte 3: not in deterministic form"),
        ("a1 04 18 01", "payload byte 2: argument is not in its shortest form"),
        ("bf 04 01 ff", "payload byte 0: indefinite length"),
        ("a1 04 01 00", "payload byte 3: bytes follow the value"),
    ],
)
@pytest.mark.clause("TC-TOK-25")
def test_a_payload_that_is_not_strict_is_refused(payload: str, problem: str) -> None:
    with pytest.raises(ClaimsError) as refused:
        claims.decode(bytes.fromhex(payload), Kind.CODE, Profile.RFC9052)
    assert str(refused.value).startswith(problem)


@pytest.mark.clause("TC-TOK-25")
def test_a_payload_up_to_its_limit_is_looked_at_and_no_longer_one() -> None:
    fits = claims.MAX_CLAIMS_BYTES - len(cbor.encode({SHA256: bytes(400)})) + 400
    said = claims_error({SHA256: bytes(fits)}, Kind.CODE)
    assert said == f"sha256: {fits} bytes where 32 are allowed"
    said = claims_error({SHA256: bytes(fits + 1)}, Kind.CODE)
    assert said == "payload byte 512: 513 bytes where at most 512 are allowed"


def test_claims_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        FITTING.uid = b"other"  # type: ignore[misc]


FITTING = Claims(sha256=DIGEST, uid=b"uid", kind=Kind.CODE)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (replace(FITTING, sha256=bytes(31)), "sha256: 31 bytes"),
        (replace(FITTING, sha256=None), "code token lacks sha256"),
        (replace(FITTING, uid=b""), "uid: 0 bytes"),
        (replace(FITTING, uid=bytes(64)), "uid: 64 bytes"),
        (replace(FITTING, uid=None), "code token lacks uid"),
        (replace(FITTING, kind=None), "code token lacks kind"),
        (replace(FITTING, mask=b"\x01"), "code token of rfc9052 cannot carry bitmask"),
        (replace(FITTING, sequence=-1), "sequence: not an unsigned integer"),
        (replace(FITTING, sequence=1 << 64), "sequence: not an unsigned integer"),
        (replace(FITTING, sequence=True), "sequence: not an unsigned integer"),
        (replace(FITTING, expires_s=-1), "exp: not an unsigned integer"),
        (replace(FITTING, audience=""), "aud: not a text"),
        (replace(FITTING, audience="d" * 65), "aud: not a text"),
    ],
)
def test_claims_that_do_not_fit_are_not_encoded(said: Claims, problem: str) -> None:
    with pytest.raises(ClaimsError) as refused:
        claims.encode(said, Kind.CODE, Profile.RFC9052)
    assert str(refused.value).startswith(problem)


def test_an_audience_that_has_no_utf8_form_is_not_encoded() -> None:
    with pytest.raises(ClaimsError, match="aud"):
        claims.encode(replace(FITTING, audience="\ud800"), Kind.CODE, Profile.RFC9052)


def test_a_refusal_belongs_to_both_families_of_errors() -> None:
    assert issubclass(ClaimsError, TokenError)
    assert issubclass(ClaimsError, ValueError)
