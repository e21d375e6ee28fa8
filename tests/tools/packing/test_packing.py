"""Making containers: each party signs its part, alone or in turn, and the whole verifies."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tokens.packing import (
    CODE,
    DATA,
    HMAC_KEYS,
    LOCAL,
    PEER,
    RFC,
    full_plan,
    grant_of,
    verified_claims,
)
from support.worlds import KEYS, times, trusted

from tinycontainer.device.containers.verification import (
    Trust,
)
from tinycontainer.errors import LoadError, MetadataError
from tinycontainer.metadata import (
    ContainerMap,
    ContainerType,
    decode,
)
from tinycontainer.tools.packing.packing import (
    Blueprint,
    Signer,
    TokenOptions,
    pack,
    pack_unsigned,
    seal_metadata,
)
from tinycontainer_tokens import (
    Algorithm,
    KeyEntry,
    KeyFileError,
    KeyMaterial,
    KeyStore,
    Kind,
    Profile,
    Role,
)


def trust(profile: Profile = RFC) -> Trust:
    return Trust(trusted(profile), profiles=(profile,))


def signed_with(signer_of: Role, blueprint_: Blueprint) -> Signer:
    uid = blueprint_.container.uid
    return Signer(KEYS[signer_of], uid, blueprint_.profile, blueprint_.options)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.clause("TC-TOK-01")
def test_what_is_packed_verifies_with_the_keys_of_the_four_parties(profile: Profile) -> None:
    bundle = pack(full_plan(profile), CODE, DATA, KEYS)
    claims = verified_claims(bundle, trust(profile))
    assert list(claims) == ["metadata token", "code token", "data token", "mask token"]
    assert claims["mask token"].mask == b"\x16"


def test_what_is_packed_with_hmac_keys_verifies_with_them() -> None:
    keys = KeyStore(KeyEntry(role, RFC, key) for role, key in HMAC_KEYS.items())
    assert len(verified_claims(pack(full_plan(), CODE, DATA, HMAC_KEYS), Trust(keys))) == 4


@given(
    uid=st.binary(min_size=1, max_size=63),
    sections=st.tuples(st.binary(max_size=300), st.binary(max_size=300)),
    mask=st.integers(0, (1 << 32) - 1),
    endpoint_id=st.integers(0, 127),
    profile=st.sampled_from(Profile),
)
def test_any_container_verifies(
    uid: bytes, sections: tuple[bytes, bytes], mask: int, endpoint_id: int, profile: Profile
) -> None:
    container = ContainerMap(uid, ContainerType.WASM)
    endpoint = replace(LOCAL, endpoint_id=endpoint_id)
    bundle = pack(Blueprint(container, (endpoint,), mask=mask, profile=profile), *sections, KEYS)
    assert grant_of(bundle.encode(), trust(profile)).mask == mask
    assert (bundle.code, bundle.data) == sections
    assert decode(bundle.metadata).uid == uid


@pytest.mark.parametrize("profile", Profile)
def test_packing_adds_tokens_and_changes_nothing_else(profile: Profile) -> None:
    bundle = pack(full_plan(profile), CODE, DATA, KEYS)
    metadata = decode(bundle.metadata)
    assert (bundle.code, bundle.data) == (CODE, DATA)
    assert replace(metadata.container, syscall_mask_token=b"") == full_plan().container
    assert metadata.endpoints == (LOCAL, PEER)
    assert metadata.security is not None
    bare = replace(metadata.security, code_token=b"", data_token=b"", metadata_token=b"")
    assert bare == full_plan().security


@pytest.mark.parametrize("profile", Profile)
def test_packing_is_reproducible(profile: Profile) -> None:
    once = pack(full_plan(profile, sign_endpoints=True), CODE, DATA, KEYS)
    assert once == pack(full_plan(profile, sign_endpoints=True), CODE, DATA, KEYS)


@pytest.mark.parametrize("profile", Profile)
def test_each_party_can_do_its_part_on_a_machine_of_its_own(profile: Profile) -> None:
    whole = full_plan(profile, sign_endpoints=True)
    owner = signed_with(Role.OWNER, whole)
    container = replace(whole.container, syscall_mask_token=owner.sign_mask(whole.mask))
    endpoints = tuple(replace(entry, token=owner.sign_endpoint(entry)) for entry in whole.endpoints)
    security = replace(
        whole.security,
        code_token=signed_with(Role.DEVELOPER, whole).sign_content(Kind.CODE, CODE),
        data_token=signed_with(Role.PROVIDER, whole).sign_content(Kind.DATA, DATA),
    )
    sealed = seal_metadata(container, endpoints, security, signed_with(Role.INFRASTRUCTURE, whole))
    assert sealed == pack(whole, CODE, DATA, KEYS).metadata


@pytest.mark.clause("TC-TOK-16")
def test_the_seal_stands_last_and_covers_all_that_comes_before() -> None:
    whole = full_plan()
    signer = signed_with(Role.INFRASTRUCTURE, whole)
    sealed = seal_metadata(whole.container, whole.endpoints, whole.security, signer)
    metadata = decode(sealed)
    assert metadata.security is not None
    token = metadata.security.metadata_token
    assert sealed == metadata.signed_prefix + token
    assert token == signer.sign_content(Kind.METADATA, metadata.signed_prefix)


def test_a_second_seal_replaces_the_first() -> None:
    whole = full_plan()
    signer = signed_with(Role.INFRASTRUCTURE, whole)
    once = decode(seal_metadata(whole.container, whole.endpoints, whole.security, signer))
    assert once.security is not None
    assert seal_metadata(once.container, whole.endpoints, once.security, signer) == once.raw


def test_the_owner_signs_every_endpoint_if_wished() -> None:
    bundle = pack(full_plan(sign_endpoints=True), CODE, DATA, KEYS)
    claims = verified_claims(bundle, trust())
    assert list(claims)[4:] == ["endpoints[0].endpoint-token", "endpoints[1].endpoint-token"]
    without = tuple(replace(entry, token=None) for entry in decode(bundle.metadata).endpoints or ())
    assert without == (LOCAL, PEER)


def test_a_mask_token_that_the_owner_made_before_is_taken_as_it_is() -> None:
    token = signed_with(Role.OWNER, full_plan()).sign_mask(0b1)
    bundle = pack(full_plan(), CODE, DATA, KEYS, mask_token=token)
    assert decode(bundle.metadata).container.syscall_mask_token == token
    assert grant_of(bundle.encode(), trust()).mask == 0b1


@pytest.mark.clause("TC-TOK-17")
def test_an_endpoint_token_does_not_cover_itself() -> None:
    owner = signed_with(Role.OWNER, full_plan())
    assert owner.sign_endpoint(replace(LOCAL, token=b"older token")) == owner.sign_endpoint(LOCAL)


def test_every_token_carries_the_options() -> None:
    options = TokenOptions(7, "device", not_before_s=0, expires_s=99, issued_s=5)
    bundle = pack(full_plan(options=options, sign_endpoints=True), CODE, DATA, KEYS)
    claims = verified_claims(bundle, replace(trust(), device_id="device"))
    assert len(claims) == 6
    for each in claims.values():
        assert (each.uid, each.sequence, each.audience) == (b"uid", 7, "device")
        assert (each.not_before_s, each.expires_s, each.issued_s) == (0, 99, 5)
    kinds = [each.kind for each in claims.values()]
    assert kinds == [Kind.METADATA, Kind.CODE, Kind.DATA, Kind.MASK, Kind.ENDPOINT, Kind.ENDPOINT]


@pytest.mark.parametrize("role", Role)
def test_a_missing_key_is_named(role: Role) -> None:
    keys = {other: key for other, key in KEYS.items() if other is not role}
    with pytest.raises(KeyFileError, match=f"the key of the role {role} is missing"):
        pack(full_plan(), CODE, DATA, keys)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("profile", Profile)
def test_a_public_key_packs_nothing(role: Role, profile: Profile) -> None:
    keys = {**KEYS, role: KEYS[role].public_half()}
    with pytest.raises(KeyFileError, match="signing needs the private one"):
        pack(full_plan(profile), CODE, DATA, keys)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"endpoints": (replace(LOCAL, endpoint_id=1 << 32),)}, "endpoints[0].endpoint-id"),
        ({"endpoints": (LOCAL, LOCAL)}, "endpoints[1].endpoint-id"),
        ({"endpoints": (replace(PEER, peer_uid=None),)}, "endpoints[0].peer-uid"),
        ({"security": times(loop=-1)}, "security.loop-max-duration"),
        (
            {"container": ContainerMap(b"uid", ContainerType.WASM, priority=16)},
            "container.priority",
        ),
    ],
)
def test_a_value_out_of_its_range_is_placed(
    profile: Profile, changes: dict[str, object], place: str
) -> None:
    with pytest.raises(MetadataError) as refused:
        pack(full_plan(profile, **changes), CODE, DATA, KEYS)
    assert refused.value.place == place


@pytest.mark.parametrize(
    "changes",
    [
        {"container": ContainerMap(b"", ContainerType.WASM)},
        {"container": ContainerMap(bytes(64), ContainerType.WASM)},
        {"mask": 1 << 32},
        {"mask": -1},
        {"options": TokenOptions(sequence=-1)},
        {"options": TokenOptions(sequence=1 << 64)},
        {"options": TokenOptions(audience="")},
        {"options": TokenOptions(audience="d" * 65)},
        {"options": TokenOptions(expires_s=-1)},
    ],
)
def test_a_value_that_goes_into_a_token_is_refused_like_any_other(
    changes: dict[str, object],
) -> None:
    with pytest.raises(MetadataError):
        pack(full_plan(RFC, **changes), CODE, DATA, KEYS)


def test_an_unsigned_container_has_no_token_at_all() -> None:
    bundle = pack_unsigned(full_plan(), CODE, DATA)
    metadata = decode(bundle.metadata)
    assert (metadata.container, metadata.security) == (full_plan().container, full_plan().security)
    assert metadata.endpoints == (LOCAL, PEER)
    assert metadata.container.syscall_mask_token == b""
    assert (bundle.code, bundle.data) == (CODE, DATA)


def test_an_unsigned_value_out_of_its_range_is_placed() -> None:
    with pytest.raises(MetadataError, match=r"container\.uid: 0 bytes"):
        pack_unsigned(full_plan(container=ContainerMap(b"", ContainerType.WASM)), CODE, DATA)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("stride_bits", [29, pytest.param(1, marks=pytest.mark.long)])
def test_no_bit_of_a_packed_container_can_be_flipped(profile: Profile, stride_bits: int) -> None:
    bundle = pack(full_plan(profile, sign_endpoints=profile is RFC), CODE, DATA, KEYS)
    content, believed = bundle.encode(), trust(profile)
    assert grant_of(content, believed).mask == 0b10110
    for bit in range(0, 8 * len(content), stride_bits):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((MetadataError, LoadError)):
            grant_of(bytes(flipped), believed)


def test_a_secret_shows_neither_in_a_signer_nor_in_a_refusal() -> None:
    secret = b"correct horse battery staple 123"
    for key in (KeyMaterial.from_private(secret), KeyMaterial(Algorithm.HMAC_256, b"", secret)):
        signer = Signer(key, b"uid", RFC, TokenOptions())
        with pytest.raises(MetadataError) as refused:
            seal_metadata(
                ContainerMap(b"uid", ContainerType.WASM, priority=16), (), times(), signer
            )
        shown = f"{signer!r} {signer} {refused.value!r} {refused.value}"
        assert "battery" not in shown
        assert secret.hex() not in shown
