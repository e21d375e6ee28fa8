"""Making containers: each party signs its part, alone or in turn, and the whole verifies."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.worlds import KEYS, blueprint, times, trusted

from tinycontainer.device.containers.riot_2024 import find_riot_objection
from tinycontainer.device.containers.verification import (
    Grant,
    Trust,
    grant_rights,
    verify_tokens,
)
from tinycontainer.errors import LoadError, LoadReason, MetadataError
from tinycontainer.metadata import (
    Bundle,
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    PeerType,
    Security,
    decode,
    encode,
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
    Claims,
    KeyEntry,
    KeyFileError,
    KeyMaterial,
    KeyStore,
    Kind,
    Profile,
    Role,
)

RFC, RIOT = Profile.RFC9052, Profile.RIOT_2024
CODE, DATA = b"some code", b"some data"
LOCAL = Endpoint(1, PeerType.LOCAL, 10, Direction.BOTH)
PEER = Endpoint(2, PeerType.CONTAINER, 3, Direction.OUT, b"peer")
HMAC_KEYS = {
    role: KeyMaterial(Algorithm.HMAC_256, b"", bytes([number]) * 32)
    for number, role in enumerate(Role, 11)
}


def plan(profile: Profile = RFC, **changes: object) -> Blueprint:
    security = times(start=10, period=20, loop=30, lifetime=40, stop=50)
    start = blueprint(
        "uid",
        kind=ContainerType.WASM,
        mask=0b10110,
        endpoints=(LOCAL, PEER),
        security=security,
        profile=profile,
    )
    return replace(start, **changes)  # type: ignore[arg-type]


def trust(profile: Profile = RFC) -> Trust:
    return Trust(trusted(profile), profiles=(profile,))


def said(bundle: Bundle, believed: Trust) -> dict[str, Claims]:
    """The claims of each token, all of which verify."""
    metadata = decode(bundle.metadata)
    reports = verify_tokens(metadata, bundle.code, bundle.data, believed, now_s=0)
    claims = {
        report.place: report.verification.require() for report in reports if report.verification
    }
    assert len(claims) == len(reports)
    return claims


def granted(content: bytes, believed: Trust) -> Grant:
    """What a device does with a bundle."""
    bundle = Bundle.decode(content, len(content))
    metadata = decode(bundle.metadata)
    reports = verify_tokens(metadata, bundle.code, bundle.data, believed, now_s=0)
    return grant_rights(metadata, reports, believed)


def signed_with(signer_of: Role, blueprint_: Blueprint) -> Signer:
    uid = blueprint_.container.uid
    return Signer(KEYS[signer_of], uid, blueprint_.profile, blueprint_.options)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.clause("TC-TOK-01")
def test_what_is_packed_verifies_with_the_keys_of_the_four_parties(profile: Profile) -> None:
    bundle = pack(plan(profile), CODE, DATA, KEYS)
    claims = said(bundle, trust(profile))
    assert list(claims) == ["metadata token", "code token", "data token", "mask token"]
    assert claims["mask token"].mask == b"\x16"


def test_what_is_packed_with_hmac_keys_verifies_with_them() -> None:
    keys = KeyStore(KeyEntry(role, RFC, key) for role, key in HMAC_KEYS.items())
    assert len(said(pack(plan(), CODE, DATA, HMAC_KEYS), Trust(keys))) == 4


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
    assert granted(bundle.encode(), trust(profile)).mask == mask
    assert (bundle.code, bundle.data) == sections
    assert decode(bundle.metadata).uid == uid


@pytest.mark.parametrize("profile", Profile)
def test_packing_adds_tokens_and_changes_nothing_else(profile: Profile) -> None:
    bundle = pack(plan(profile), CODE, DATA, KEYS)
    metadata = decode(bundle.metadata)
    assert (bundle.code, bundle.data) == (CODE, DATA)
    assert replace(metadata.container, syscall_mask_token=b"") == plan().container
    assert metadata.endpoints == (LOCAL, PEER)
    assert metadata.security is not None
    bare = replace(metadata.security, code_token=b"", data_token=b"", metadata_token=b"")
    assert bare == plan().security


@pytest.mark.parametrize("profile", Profile)
def test_packing_is_reproducible(profile: Profile) -> None:
    once = pack(plan(profile, sign_endpoints=True), CODE, DATA, KEYS)
    assert once == pack(plan(profile, sign_endpoints=True), CODE, DATA, KEYS)


@pytest.mark.parametrize("profile", Profile)
def test_each_party_can_do_its_part_on_a_machine_of_its_own(profile: Profile) -> None:
    whole = plan(profile, sign_endpoints=True)
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
    whole = plan()
    signer = signed_with(Role.INFRASTRUCTURE, whole)
    sealed = seal_metadata(whole.container, whole.endpoints, whole.security, signer)
    metadata = decode(sealed)
    assert metadata.security is not None
    token = metadata.security.metadata_token
    assert sealed == metadata.signed_prefix + token
    assert token == signer.sign_content(Kind.METADATA, metadata.signed_prefix)


def test_a_second_seal_replaces_the_first() -> None:
    whole = plan()
    signer = signed_with(Role.INFRASTRUCTURE, whole)
    once = decode(seal_metadata(whole.container, whole.endpoints, whole.security, signer))
    assert once.security is not None
    assert seal_metadata(once.container, whole.endpoints, once.security, signer) == once.raw


def test_the_owner_signs_every_endpoint_if_wished() -> None:
    bundle = pack(plan(sign_endpoints=True), CODE, DATA, KEYS)
    claims = said(bundle, trust())
    assert list(claims)[4:] == ["endpoints[0].endpoint-token", "endpoints[1].endpoint-token"]
    without = tuple(replace(entry, token=None) for entry in decode(bundle.metadata).endpoints or ())
    assert without == (LOCAL, PEER)


def test_a_mask_token_that_the_owner_made_before_is_taken_as_it_is() -> None:
    token = signed_with(Role.OWNER, plan()).sign_mask(0b1)
    bundle = pack(plan(), CODE, DATA, KEYS, mask_token=token)
    assert decode(bundle.metadata).container.syscall_mask_token == token
    assert granted(bundle.encode(), trust()).mask == 0b1


@pytest.mark.clause("TC-TOK-17")
def test_an_endpoint_token_does_not_cover_itself() -> None:
    owner = signed_with(Role.OWNER, plan())
    assert owner.sign_endpoint(replace(LOCAL, token=b"older token")) == owner.sign_endpoint(LOCAL)


def test_every_token_carries_the_options() -> None:
    options = TokenOptions(7, "device", not_before_s=0, expires_s=99, issued_s=5)
    bundle = pack(plan(options=options, sign_endpoints=True), CODE, DATA, KEYS)
    claims = said(bundle, replace(trust(), device_id="device"))
    assert len(claims) == 6
    for each in claims.values():
        assert (each.uid, each.sequence, each.audience) == (b"uid", 7, "device")
        assert (each.not_before_s, each.expires_s, each.issued_s) == (0, 99, 5)
    kinds = [each.kind for each in claims.values()]
    assert kinds == [Kind.METADATA, Kind.CODE, Kind.DATA, Kind.MASK, Kind.ENDPOINT, Kind.ENDPOINT]


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 7},
        {"audience": "device"},
        {"not_before_s": 0},
        {"expires_s": 99},
        {"issued_s": 5},
    ],
)
@pytest.mark.clause("TC-TOK-24")
def test_options_that_firmware_tokens_cannot_carry_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(MetadataError, match=f"cannot carry {next(iter(changes))}"):
        pack(plan(RIOT, options=TokenOptions(**changes)), CODE, DATA, KEYS)


def test_a_firmware_container_has_the_form_that_the_firmware_takes() -> None:
    metadata = decode(pack(plan(RIOT, endpoints=()), CODE, DATA, KEYS).metadata)
    assert find_riot_objection(metadata) is None
    assert metadata.endpoints == ()
    assert metadata.security is not None
    assert len(metadata.security.metadata_token) == 111


BEYOND_THE_FIRMWARE: list[tuple[dict[str, object], str]] = [
    ({"exec_time_ms": 0}, "container.exec-time (key 4) is unknown to riot-2024"),
    ({"period_ms": 0}, "container.period (key 5) is unknown to riot-2024"),
    ({"period_max_ms": 0}, "container.period-max (key 6) is unknown to riot-2024"),
    ({"lifetime_loops": 0}, "container.lifetime (key 7) is unknown to riot-2024"),
    ({"priority": 0}, "container.priority (key 8) is unknown to riot-2024"),
]


def profile_objection(whole: Blueprint, keys: Mapping[Role, KeyMaterial] = KEYS) -> str:
    """What a device says to a firmware container whose tokens are all right."""
    entries = [KeyEntry(role, RIOT, key) for role, key in keys.items()]
    believed = Trust(KeyStore(entries), profiles=(RIOT,))
    bundle = pack(whole, CODE, DATA, keys)
    said(bundle, believed)
    with pytest.raises(LoadError) as refused:
        granted(bundle.encode(), believed)
    assert refused.value.reason is LoadReason.PROFILE
    assert find_riot_objection(decode(bundle.metadata)) == refused.value.problem
    return refused.value.problem


@pytest.mark.parametrize(("changes", "problem"), BEYOND_THE_FIRMWARE)
@pytest.mark.clause("TC-META-18")
def test_a_key_that_the_firmware_does_not_know_is_refused_by_name(
    changes: dict[str, object], problem: str
) -> None:
    container = replace(plan().container, **changes)  # type: ignore[arg-type]
    assert profile_objection(plan(RIOT, container=container)) == problem


@pytest.mark.clause("TC-META-18")
def test_an_endpoint_token_is_unknown_to_the_firmware() -> None:
    problem = profile_objection(plan(RIOT, sign_endpoints=True))
    assert problem == "endpoints[0].endpoint-token (key 6) is unknown to riot-2024"


@pytest.mark.parametrize("endpoint_id", [128, 256, (1 << 32) - 1])
@pytest.mark.clause("TC-META-18")
def test_an_endpoint_id_that_the_firmware_would_cut_is_refused(endpoint_id: int) -> None:
    endpoints = (LOCAL, replace(PEER, endpoint_id=endpoint_id))
    problem = profile_objection(plan(RIOT, endpoints=endpoints))
    assert problem == f"endpoints[1].endpoint-id {endpoint_id} is above 127"


@pytest.mark.clause("TC-TOK-23")
def test_a_metadata_token_of_another_length_is_refused_for_the_firmware() -> None:
    hmac_keys = {**KEYS, Role.INFRASTRUCTURE: HMAC_KEYS[Role.INFRASTRUCTURE]}
    problem = profile_objection(plan(RIOT), hmac_keys)
    assert problem.startswith("security.metadata-token has 82 bytes; riot-2024 hashes all but")


@pytest.mark.parametrize(
    ("endpoints", "security", "missing"),
    [((), None, "security (key 3)"), (None, times(), "endpoints (key 2)")],
)
@pytest.mark.clause("TC-META-18")
def test_a_part_that_the_firmware_always_reads_must_be_there(
    endpoints: tuple[Endpoint, ...] | None, security: Security | None, missing: str
) -> None:
    metadata = decode(encode(plan().container, endpoints, security))
    assert find_riot_objection(metadata) == f"{missing} is missing; riot-2024 always has it"


@pytest.mark.parametrize("role", Role)
def test_a_missing_key_is_named(role: Role) -> None:
    keys = {other: key for other, key in KEYS.items() if other is not role}
    with pytest.raises(KeyFileError, match=f"the key of the role {role} is missing"):
        pack(plan(), CODE, DATA, keys)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("profile", Profile)
def test_a_public_key_packs_nothing(role: Role, profile: Profile) -> None:
    keys = {**KEYS, role: KEYS[role].public_half()}
    with pytest.raises(KeyFileError, match="signing needs the private one"):
        pack(plan(profile), CODE, DATA, keys)


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
        pack(plan(profile, **changes), CODE, DATA, KEYS)
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
        pack(plan(RFC, **changes), CODE, DATA, KEYS)


def test_an_unsigned_container_has_no_token_at_all() -> None:
    bundle = pack_unsigned(plan(), CODE, DATA)
    metadata = decode(bundle.metadata)
    assert (metadata.container, metadata.security) == (plan().container, plan().security)
    assert metadata.endpoints == (LOCAL, PEER)
    assert metadata.container.syscall_mask_token == b""
    assert (bundle.code, bundle.data) == (CODE, DATA)


def test_an_unsigned_value_out_of_its_range_is_placed() -> None:
    with pytest.raises(MetadataError, match=r"container\.uid: 0 bytes"):
        pack_unsigned(plan(container=ContainerMap(b"", ContainerType.WASM)), CODE, DATA)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("stride_bits", [29, pytest.param(1, marks=pytest.mark.long)])
def test_no_bit_of_a_packed_container_can_be_flipped(profile: Profile, stride_bits: int) -> None:
    bundle = pack(plan(profile, sign_endpoints=profile is RFC), CODE, DATA, KEYS)
    content, believed = bundle.encode(), trust(profile)
    assert granted(content, believed).mask == 0b10110
    for bit in range(0, 8 * len(content), stride_bits):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((MetadataError, LoadError)):
            granted(bytes(flipped), believed)


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
