"""Four parties sign a release in any order; what comes out is what one who has all keys packs."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.random_metadata import blueprints
from support.worlds import FOREIGN, KEYS, blueprint

from tinycontainer.metadata import ContainerType, Direction, Endpoint, PeerType
from tinycontainer.network.platform.releases.parts import CODE, DATA, MASK, METADATA, ReleasePart
from tinycontainer.network.platform.releases.release import (
    NotToBeSigned,
    PartState,
    Plan,
    Release,
    ReleaseCode,
)
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions, pack
from tinycontainer_tokens import KeyMaterial, Kind, Profile, Role, TokenRefused
from tinycontainer_tokens.issue import prove

ENDPOINT = Endpoint(1, PeerType.LOCAL, 7, Direction.IN)
OTHER = Endpoint(2, PeerType.LOCAL, 8, Direction.OUT)
PUBLIC = {role: (key.public_half(),) for role, key in KEYS.items()}


def release_of(plan: Blueprint, code: bytes = b"code", data: bytes = b"data") -> Release:
    """All contents, and no signature."""
    return Release(
        plan.container.uid,
        3,
        plan.profile,
        ReleaseCode(code, plan.container.type),
        data,
        Plan(plan.container, plan.endpoints, plan.security),
        plan.mask,
        plan.sign_endpoints,
        dict.fromkeys(Kind, plan.options),
    )


def sign(release: Release, part: ReleasePart, key: KeyMaterial | None = None) -> Release:
    """Sign a part as its party does."""
    key = KEYS[part.role] if key is None else key
    payload = release.payload(part, key.public_half())
    token = prove(payload, key, release.profile, tagged=release.profile is Profile.RFC9052)
    return release.with_token(part, token.encode(), PUBLIC[part.role])


def small(**changes: Any) -> Release:
    """A release of a container with two endpoints."""
    plan = blueprint("box", endpoints=(ENDPOINT, OTHER))
    return replace(release_of(replace(plan, sign_endpoints=True)), **changes)


def signed(release: Release) -> Release:
    """All of it signed."""
    for part in release.parts:
        release = sign(release, part)
    return release


@pytest.mark.clause("TC-PLAT-20")
@given(blueprints(), st.binary(max_size=60), st.binary(max_size=60), st.randoms())
def test_any_order_of_signatures_gives_the_same_container(
    plan: Blueprint, code: bytes, data: bytes, order: Random
) -> None:
    terms = plan.options
    assume(terms.expires_s is None or terms.expires_s > (terms.not_before_s or 0))
    release = release_of(plan, code, data)
    others = [part for part in release.parts if part != METADATA]
    order.shuffle(others)
    for part in others:
        assert release.state(METADATA) is PartState.WAITING
        assert release.state(part) is PartState.UNSIGNED
        release = sign(release, part)
        assert release.state(part) is PartState.SIGNED
    assert not release.is_complete
    release = sign(release, METADATA)
    assert release.is_complete
    assert release.bundle() == pack(plan, code, data, KEYS)


@pytest.mark.clause("TC-PLAT-19")
@pytest.mark.parametrize(
    ("missing", "part"),
    [("code", CODE), ("data", DATA), ("mask", MASK), ("plan", METADATA)],
)
def test_a_part_without_content_is_missing_and_cannot_be_signed(
    missing: str, part: ReleasePart
) -> None:
    release = small(**{missing: None})
    assert release.state(part) is PartState.MISSING
    with pytest.raises(NotToBeSigned, match=f"{part.name}: its content is missing"):
        release.payload(part, KEYS[part.role])


@pytest.mark.clause("TC-PLAT-19")
def test_what_the_metadata_wait_for_is_said() -> None:
    release = sign(small(), DATA)
    with pytest.raises(NotToBeSigned) as refused:
        release.payload(METADATA, KEYS[Role.INFRASTRUCTURE])
    assert str(refused.value) == (
        "metadata: covers tokens that are missing: code (developer), mask (owner),"
        " endpoint-1 (owner), endpoint-2 (owner)"
    )


@pytest.mark.clause("TC-PLAT-22")
@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"code": ReleaseCode(b"other", ContainerType.NATIVE)}, {DATA, MASK, 1, 2}),
        ({"code": ReleaseCode(b"code", ContainerType.BPF)}, {CODE, DATA, MASK, 1, 2}),
        ({"data": b"other"}, {CODE, MASK, 1, 2}),
        ({"mask": 1}, {CODE, DATA, 1, 2}),
        ({"number": 4}, {CODE, DATA, MASK, 1, 2, METADATA}),  # its terms say other sequences
        ({"terms": {}, "number": 4}, set()),
        ({"signs_endpoints": False}, {CODE, DATA, MASK}),
        ({"uid": b"fox"}, set()),
        ({"code": None}, {DATA, MASK, 1, 2}),
    ],
)
def test_a_change_drops_the_tokens_that_say_something_else(
    changes: dict[str, Any], kept: set[Any]
) -> None:
    release = replace(signed(small()), **changes).settled()
    parts = {ReleasePart(Kind.ENDPOINT, each) if isinstance(each, int) else each for each in kept}
    assert set(release.tokens) == parts


@pytest.mark.clause("TC-PLAT-22")
def test_a_change_of_one_endpoint_keeps_the_token_of_the_other() -> None:
    release = signed(small())
    assert release.plan is not None
    changed = replace(release.plan, endpoints=(replace(ENDPOINT, peer_endpoint_id=9), OTHER))
    found = replace(release, plan=changed).settled()
    assert set(found.tokens) == {CODE, DATA, MASK, ReleasePart(Kind.ENDPOINT, 2)}


@pytest.mark.clause("TC-PLAT-22")
def test_a_changed_content_can_be_signed_again() -> None:
    release = replace(signed(small()), mask=0).settled()
    release = sign(sign(release, MASK), METADATA)
    assert release.is_complete


@pytest.mark.clause("TC-PLAT-21")
@pytest.mark.parametrize("key", [FOREIGN, KEYS[Role.PROVIDER]], ids=["foreign", "provider"])
def test_a_token_of_another_key_is_refused(key: KeyMaterial) -> None:
    with pytest.raises(TokenRefused, match="signature"):
        sign(small(), CODE, key)


def token_for(release: Release, part: ReleasePart, other: Release) -> bytes:
    """A good signature over what another release says."""
    key = KEYS[part.role]
    return prove(other.payload(part, key), key, other.profile).encode()


@pytest.mark.clause("TC-PLAT-21")
@pytest.mark.parametrize(
    "other",
    [
        small(uid=b"fox"),
        small(code=ReleaseCode(b"evil", ContainerType.NATIVE)),
        small(terms={Kind.CODE: TokenOptions(sequence=9)}),
        small(terms={Kind.CODE: TokenOptions(sequence=1, expires_s=1)}),
        small(terms={Kind.CODE: TokenOptions(sequence=1, audience="box1")}),
    ],
    ids=["uid", "content", "sequence", "expiry", "audience"],
)
def test_a_token_that_says_something_else_is_refused(other: Release) -> None:
    release = small()
    with pytest.raises((NotToBeSigned, TokenRefused)):
        release.with_token(CODE, token_for(release, CODE, other), PUBLIC[Role.DEVELOPER])


def test_a_token_for_one_endpoint_is_none_for_the_other() -> None:
    release = small()
    first, second = ReleasePart(Kind.ENDPOINT, 1), ReleasePart(Kind.ENDPOINT, 2)
    token = token_for(release, first, release)
    with pytest.raises(TokenRefused, match="content"):
        release.with_token(second, token, PUBLIC[Role.OWNER])


@given(st.binary(max_size=300))
def test_no_bytes_are_taken_for_a_token(token: bytes) -> None:
    with pytest.raises(TokenRefused):
        small().with_token(MASK, token, PUBLIC[Role.OWNER])


@pytest.mark.clause("TC-PLAT-21")
@given(st.integers(0, 200), st.integers(1, 255))
def test_a_token_with_a_changed_byte_is_refused(place: int, change: int) -> None:
    release = small()
    token = bytearray(token_for(release, MASK, release))
    token[place % len(token)] ^= change
    with pytest.raises((TokenRefused, NotToBeSigned)):
        release.with_token(MASK, bytes(token), PUBLIC[Role.OWNER])


def test_a_token_that_is_valid_from_tomorrow_is_taken_today() -> None:
    release = small(terms={Kind.MASK: TokenOptions(not_before_s=1 << 40, expires_s=1 << 41)})
    assert MASK in sign(release, MASK).tokens


def test_a_token_that_is_never_valid_is_refused() -> None:
    release = small(terms={Kind.MASK: TokenOptions(not_before_s=5, expires_s=5)})
    with pytest.raises(TokenRefused, match="time"):
        sign(release, MASK)


@pytest.mark.clause("TC-PLAT-20")
def test_a_key_with_an_id_makes_a_longer_token_that_fits_as_well() -> None:
    release = small()
    for part in release.parts:
        key = KeyMaterial.from_private(
            KEYS[part.role].secret or b"", b"kid of " + part.role.encode()
        )
        token = prove(release.payload(part, key), key, release.profile).encode()
        release = release.with_token(part, token, (key.public_half(),))
    assert release.is_complete
    assert release.bundle().encode()


@pytest.mark.clause("TC-PLAT-23")
def test_an_incomplete_release_is_no_container() -> None:
    with pytest.raises(
        NotToBeSigned, match="not signed yet: mask, endpoint-1, endpoint-2, metadata"
    ):
        sign(sign(small(), CODE), DATA).bundle()


@pytest.mark.clause("TC-PLAT-19")
@pytest.mark.parametrize("name", ["code", "data", "mask", "metadata", "endpoint-0", "endpoint-42"])
def test_a_part_has_one_name(name: str) -> None:
    assert ReleasePart.parse(name).name == name


@pytest.mark.clause("TC-PLAT-19")
@pytest.mark.parametrize(
    "name",
    [
        "",
        "Code",
        "endpoint",
        "endpoint-",
        "endpoint-01",
        "endpoint--1",
        "endpoint-4294967296",
        "x",
    ],
)
def test_what_names_no_part_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no part"):
        ReleasePart.parse(name)


def test_what_the_profile_cannot_carry_is_refused() -> None:
    plan = replace(blueprint("box", endpoints=(ENDPOINT,)), profile=Profile.RIOT_2024)
    release = release_of(replace(plan, options=TokenOptions()))
    assert release.payload(CODE, KEYS[Role.DEVELOPER])
    huge = small(mask=1 << 32)
    with pytest.raises(NotToBeSigned, match="mask"):
        huge.payload(MASK, KEYS[Role.OWNER])
