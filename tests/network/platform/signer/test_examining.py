"""Everything that must hold before anything is shown: each lie of a platform is refused."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from support.signing_platforms import (
    NOW_S,
    PARTS,
    UID,
    header_for,
    key_of,
    order_of,
    ready_release,
    request_of,
    sign_part,
    small_release,
)
from support.worlds import KEYS, local

from tinycontainer.metadata import Direction, Endpoint, PeerType, encode_endpoint
from tinycontainer.network.platform.releases.parts import CODE, DATA, MASK, METADATA, ReleasePart
from tinycontainer.network.platform.releases.release import Plan, Release
from tinycontainer.network.platform.signer.examining import ExaminedRequest, Order, examine
from tinycontainer.network.platform.signer.refusal import RefusalReason, SigningRefused
from tinycontainer.network.platform.signer.request import SigningRequest
from tinycontainer.network.platform.signer.signed import Signed
from tinycontainer.network.platform.signer.tokens import (
    header_of,
    key_sha256,
    make_token,
    require_signing_key,
)
from tinycontainer_tokens import Algorithm, Claims, KeyMaterial, Kind, Profile, Role, cbor
from tinycontainer_tokens.claims import decode, encode

ENDPOINT = ReleasePart(Kind.ENDPOINT, 1)


def refused(
    request: SigningRequest, order: Order, last: Signed | None = None, header: bytes | None = None
) -> tuple[RefusalReason, str]:
    own = header_for(order.part, order.profile) if header is None else header
    with pytest.raises(SigningRefused) as caught:
        examine(request, order, own, last)
    assert caught.value.text.isascii()
    assert caught.value.text.isprintable()
    return caught.value.reason, caught.value.text


def lie(part: ReleasePart, /, **changes: Any) -> tuple[RefusalReason, str]:
    """How an answer is refused of which fields were replaced."""
    release = ready_release(part)
    return refused(replace(request_of(release, part), **changes), order_of(release, part))


def examined(release: Release, part: ReleasePart, last: Signed | None = None) -> ExaminedRequest:
    header = header_for(part, release.profile)
    return examine(request_of(release, part), order_of(release, part), header, last)


def signed_before(release: Release, part: ReleasePart) -> Signed:
    return examined(release, part).as_signed(None, NOW_S, key_sha256(key_of(part)))


def forged(part: ReleasePart, covered: bytes | None = None, **claims: Any) -> dict[str, Any]:
    """A payload of a part with other claims, and what it covers."""
    release = ready_release(part)
    request = request_of(release, part)
    said = decode(request.payload, part.kind, Profile.RFC9052)
    if covered is not None:
        claims["sha256"] = hashlib.sha256(covered).digest()
    payload = encode(replace(said, **claims), part.kind, Profile.RFC9052)
    return {"payload": payload, "covered": request.covered if covered is None else covered}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_an_honest_answer_passes_and_is_decoded(part: ReleasePart) -> None:
    release = ready_release(part)
    found = examined(release, part)
    assert found.payload == release.payload(part, key_of(part).public_half())
    assert found.covered == release.covered(part, key_of(part).public_half())
    assert found.version == 3
    assert found.endpoint == (local() if part == ENDPOINT else None)
    assert (found.metadata is None) == (part != METADATA)


@pytest.mark.clause("TC-PLAT-25")
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_another_container_is_refused(part: ReleasePart) -> None:
    assert lie(part, uid=b"b\x1bx") == (
        RefusalReason.UID,
        "the platform answers for the container b\\x1bx, not for box",
    )


@pytest.mark.clause("TC-PLAT-25")
def test_another_release_is_refused() -> None:
    assert lie(MASK, number=4)[0] is RefusalReason.NUMBER


@pytest.mark.clause("TC-PLAT-25")
def test_another_part_is_refused() -> None:
    assert lie(CODE, part=DATA)[0] is RefusalReason.PART
    assert lie(ENDPOINT, part=ReleasePart(Kind.ENDPOINT, 2))[0] is RefusalReason.PART


@pytest.mark.clause("TC-PLAT-25")
def test_another_profile_than_the_allowed_one_is_refused() -> None:
    release = small_release(profile=Profile.RIOT_2024)
    order = replace(order_of(release, MASK), profile=Profile.RFC9052)
    assert refused(request_of(release, MASK), order)[0] is RefusalReason.PROFILE
    reason, _ = refused(request_of(small_release(), MASK), order_of(release, MASK))
    assert reason is RefusalReason.PROFILE


def test_the_firmware_knows_no_tokens_of_endpoints() -> None:
    release = small_release(profile=Profile.RIOT_2024)
    found = refused(request_of(release, ENDPOINT), order_of(release, ENDPOINT))
    assert found == (RefusalReason.PROFILE, "riot-2024 knows no tokens of endpoints")


@pytest.mark.clause("TC-PLAT-25")
@pytest.mark.parametrize("other", [kind for kind in Kind if kind is not Kind.CODE])
def test_another_kind_in_the_payload_is_refused(other: Kind) -> None:
    release = ready_release(CODE)
    claims = Claims(sha256=hashlib.sha256(b"box").digest(), uid=UID, sequence=3, kind=other)
    if other is Kind.MASK:
        claims = replace(claims, sha256=None, mask=b"\x1f")
    request = replace(request_of(release, CODE), payload=encode(claims, other, Profile.RFC9052))
    assert refused(request, order_of(release, CODE))[0] is RefusalReason.CLAIMS


@pytest.mark.clause("TC-PLAT-25")
def test_a_payload_of_another_container_is_refused() -> None:
    assert lie(CODE, **forged(CODE, uid=b"\x9b2J")) == (
        RefusalReason.UID,
        "what is to be signed is a token of the container \\x9b2J, not of box",
    )


@pytest.mark.clause("TC-PLAT-25")
@pytest.mark.parametrize(
    "damage",
    [
        lambda payload: payload + b"\x00",
        lambda payload: payload[:-1],
        lambda payload: b"",
        lambda payload: b"\x84" + payload,
        lambda payload: cbor.encode(["Signature1", b"", b"", payload]),
        lambda payload: b"\xb8" + bytes([payload[0] & 0x1F]) + payload[1:],
        lambda payload: b"\xbf" + payload[1:] + b"\xff",
        lambda payload: b"\xd8\x3d" + payload,
    ],
    ids=["trailing", "cut", "empty", "array", "structure", "long-head", "indefinite", "tagged"],
)
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_what_are_no_claims_in_their_one_form_is_refused(part: ReleasePart, damage: Any) -> None:
    payload = request_of(ready_release(part), part).payload
    assert lie(part, payload=damage(payload))[0] is RefusalReason.CLAIMS


@pytest.mark.clause("TC-PLAT-25")
@pytest.mark.parametrize("part", [CODE, DATA, ENDPOINT, METADATA], ids=lambda part: part.name)
def test_covered_bytes_that_do_not_fit_the_hash_are_refused(part: ReleasePart) -> None:
    covered = request_of(ready_release(part), part).covered or b""
    assert lie(part, covered=covered + b"\0")[0] is RefusalReason.CONTENT
    assert lie(part, covered=b"")[0] is RefusalReason.CONTENT
    assert lie(part, covered=None)[0] is RefusalReason.CONTENT


@pytest.mark.clause("TC-PLAT-25")
def test_a_mask_with_covered_bytes_is_refused() -> None:
    assert lie(MASK, covered=b"")[0] is RefusalReason.CONTENT


@pytest.mark.clause("TC-PLAT-26")
@pytest.mark.parametrize(
    ("covered", "problem"),
    [
        (encode_endpoint(local(2), with_token=False), "it is endpoint 2, not 1"),
        (
            encode_endpoint(replace(local(), token=b"token"), with_token=True),
            "without their token",
        ),
        (b"", "byte 0"),
        (b"\x80", "not a map"),
        (b"\xa1\x01\x01", "is missing"),
        (cbor.encode({1: 1, 2: 1, 4: 1, 5: 2, 7: 1}), "unknown key 7"),
        (cbor.encode({1: 1, 2: 1, 3: b"peer", 4: 1, 5: 2}), "only a container peer"),
        (cbor.encode({1: 1, 2: 1, 4: 1, 5: 2}) + b"\0", "byte"),
        (bytes(257), "257 bytes"),
    ],
)
def test_what_is_no_encoded_endpoint_is_refused(covered: bytes, problem: str) -> None:
    reason, text = lie(ENDPOINT, **forged(ENDPOINT, covered))
    assert reason is RefusalReason.ENDPOINT
    assert problem in text


@pytest.mark.clause("TC-PLAT-26")
def test_metadata_of_another_container_are_refused() -> None:
    release = ready_release(METADATA)
    other = replace(small_release(), uid=b"b\x07x")
    for part in other.waits_for(METADATA):
        other = sign_part(other, part)
    covered = other.covered(METADATA, key_of(METADATA))
    request = replace(request_of(release, METADATA), **forged(METADATA, covered))
    assert refused(request, order_of(release, METADATA)) == (
        RefusalReason.METADATA,
        "the metadata that are to be signed are refused: they are those of the container b\\x07x",
    )


@pytest.mark.clause("TC-PLAT-26")
@pytest.mark.parametrize("kid", [b"k", b"a much longer key id"])
def test_metadata_with_room_for_a_token_of_another_length_are_refused(kid: bytes) -> None:
    """A signature over them would end up elsewhere than their token's place says."""
    release = ready_release(METADATA)
    named = replace(key_of(METADATA).public_half(), kid=kid)
    covered = release.covered(METADATA, named)
    request = replace(request_of(release, METADATA), **forged(METADATA, covered))
    reason, text = refused(request, order_of(release, METADATA))
    assert reason is RefusalReason.METADATA
    assert "under another key id" in text
    fitting = header_of(named, Profile.RFC9052)
    assert examine(request, order_of(release, METADATA), fitting, None).covered == covered


@pytest.mark.clause("TC-PLAT-26")
@pytest.mark.parametrize(
    "damage",
    [
        lambda covered: covered[:-1],
        lambda covered: covered + b"\0",
        lambda covered: covered[1:],
        lambda covered: b"\xa0",
        lambda covered: b"",
        lambda covered: bytes(1 << 15),
    ],
)
def test_what_are_no_metadata_is_refused(damage: Any) -> None:
    covered = request_of(ready_release(METADATA), METADATA).covered or b""
    reason, text = lie(METADATA, **forged(METADATA, damage(covered)))
    assert reason is RefusalReason.METADATA
    assert "the metadata that are to be signed are refused" in text


@pytest.mark.clause("TC-PLAT-27")
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_an_older_version_than_the_last_one_is_refused_unless_it_is_allowed(
    part: ReleasePart,
) -> None:
    last = signed_before(ready_release(part, number=4), part)
    release = ready_release(part)
    request, order = request_of(release, part), order_of(release, part)
    reason, text = refused(request, order, last)
    assert reason is RefusalReason.SEQUENCE
    assert text == "version 3 is older than version 4, signed here before; --older allows it"
    older = examine(request, replace(order, allows_older=True), header_for(part), last)
    again = older.as_signed(last, NOW_S, key_sha256(key_of(part)))
    assert again.highest_sequence == 4  # an older one that was allowed does not open the door
    assert refused(request, order, again)[0] is RefusalReason.SEQUENCE


@pytest.mark.clause("TC-PLAT-27")
def test_a_token_that_counts_no_versions_is_refused_after_one_that_does() -> None:
    last = signed_before(small_release(), CODE)
    assert (
        refused(
            replace(request_of(small_release(), CODE), **forged(CODE, sequence=None)),
            order_of(small_release(), CODE),
            last,
        )[0]
        is RefusalReason.SEQUENCE
    )
    riot = small_release(profile=Profile.RIOT_2024)
    reason, _ = refused(request_of(riot, CODE), order_of(riot, CODE), last)
    assert reason is RefusalReason.SEQUENCE


def test_the_same_version_and_a_newer_one_pass() -> None:
    last = signed_before(small_release(), MASK)
    assert examined(small_release(), MASK, last).version == 3
    assert examined(small_release(number=9), MASK, last).version == 9


def test_every_form_of_an_endpoint_is_read_back() -> None:
    for peer in PeerType:
        for direction in Direction:
            uid = b"peer" if peer is PeerType.CONTAINER else None
            endpoint = Endpoint(1, peer, (1 << 32) - 1, direction, uid)
            plan = small_release().plan
            assert plan is not None
            release = small_release(plan=Plan(plan.container, (endpoint,)))
            assert examined(release, ENDPOINT).endpoint == endpoint


@pytest.mark.clause("TC-PLAT-16")
@pytest.mark.parametrize(
    "key",
    [
        KeyMaterial(Algorithm.HMAC_256, b"", bytes(32)),
        KEYS[Role.OWNER].public_half(),
        replace(KEYS[Role.OWNER], may_sign=False),
    ],
    ids=["hmac", "public", "not-for-signing"],
)
def test_a_key_that_cannot_sign_here_is_refused(key: KeyMaterial) -> None:
    with pytest.raises(SigningRefused) as caught:
        require_signing_key(key)
    assert caught.value.reason is RefusalReason.KEY
    with pytest.raises(SigningRefused):
        make_token(b"\xa0", Profile.RFC9052, key)
