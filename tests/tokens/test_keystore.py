"""The set of trusted keys: which of them may verify a token, and which sets are refused."""

from itertools import combinations

import pytest

from tinycontainer_tokens import (
    Algorithm,
    KeyEntry,
    KeyFileError,
    KeyMaterial,
    KeyStore,
)
from tinycontainer_tokens.kinds import SIGNING_ROLE, Kind, Profile, Role

ONE, TWO = (KeyMaterial.from_private(bytes([number]) * 32) for number in (1, 2))
SECRET = b"correct horse battery staple 123"


def hmac_key(secret: bytes = SECRET, kid: bytes | None = None) -> KeyMaterial:
    return KeyMaterial(Algorithm.HMAC_256, b"", secret, kid)


def entry(
    material: KeyMaterial,
    role: Role = Role.OWNER,
    profile: Profile = Profile.RFC9052,
    uids: frozenset[bytes] | None = None,
) -> KeyEntry:
    return KeyEntry(role, profile, material, uids)


def found(
    store: KeyStore,
    role: Role = Role.OWNER,
    profile: Profile = Profile.RFC9052,
    algorithm: Algorithm = Algorithm.EDDSA,
    uid: bytes = b"uid",
    kid: bytes | None = None,
) -> tuple[KeyEntry, ...]:
    return store.candidates(role, profile, algorithm, uid, kid)


@pytest.mark.clause("TC-TOK-01")
def test_each_kind_of_token_is_signed_by_its_role() -> None:
    assert {kind: SIGNING_ROLE[kind] for kind in Kind} == {
        Kind.CODE: Role.DEVELOPER,
        Kind.DATA: Role.PROVIDER,
        Kind.METADATA: Role.INFRASTRUCTURE,
        Kind.MASK: Role.OWNER,
        Kind.ENDPOINT: Role.OWNER,
    }


def test_an_empty_store_trusts_nobody() -> None:
    assert list(KeyStore()) == []
    assert not any(found(KeyStore(), role) for role in Role)


def test_a_store_keeps_its_entries_in_order() -> None:
    entries = [entry(TWO), entry(ONE), entry(hmac_key())]
    store = KeyStore(iter(entries))
    assert list(store) == list(store) == entries


@pytest.mark.parametrize("role", Role)
def test_a_key_is_found_in_its_own_role_alone(role: Role) -> None:
    store = KeyStore([entry(ONE, role)])
    assert [asked for asked in Role if found(store, asked)] == [role]


@pytest.mark.parametrize("profile", Profile)
def test_a_key_is_found_in_its_own_profile_alone(profile: Profile) -> None:
    store = KeyStore([entry(ONE, profile=profile)])
    assert [asked for asked in Profile if found(store, profile=asked)] == [profile]


@pytest.mark.parametrize("material", [ONE, ONE.public_half(), hmac_key()])
def test_a_key_is_found_for_its_own_algorithm_alone(material: KeyMaterial) -> None:
    store = KeyStore([entry(material)])
    asked = [asked for asked in Algorithm if found(store, algorithm=asked)]
    signatures = [Algorithm.EDDSA, Algorithm.ED25519]  # of one key that names neither
    assert asked == ([Algorithm.HMAC_256] if material.is_symmetric else signatures)


@pytest.mark.clause("TC-TOK-02")
def test_a_key_is_found_for_the_containers_it_lists() -> None:
    listed = entry(ONE, uids=frozenset({b"uid", b"other"}))
    general = entry(TWO)
    store = KeyStore([listed, general])
    assert found(store, uid=b"uid") == found(store, uid=b"other") == (listed, general)
    assert found(store, uid=b"uid2") == found(store, uid=b"ui") == (general,)


def test_a_key_that_lists_no_container_is_found_for_none() -> None:
    assert found(KeyStore([entry(ONE, uids=frozenset())])) == ()


@pytest.mark.parametrize(
    ("of_key", "of_token", "fits"),
    [
        (None, None, True),
        (None, b"key", True),
        (b"key", None, True),
        (b"key", b"key", True),
        (b"key", b"ke", False),
        (b"key", b"Key", False),
        (b"key", b"key2", False),
    ],
)
@pytest.mark.clause("TC-TOK-06")
def test_a_key_id_narrows_the_choice_where_key_and_token_have_one(
    of_key: bytes | None, of_token: bytes | None, fits: bool
) -> None:
    store = KeyStore([entry(KeyMaterial.from_private(bytes(32), of_key))])
    assert bool(found(store, kid=of_token)) == fits


def test_several_keys_of_a_role_are_candidates_in_their_order() -> None:
    store = KeyStore([entry(TWO), entry(ONE)])
    assert [candidate.material for candidate in found(store)] == [TWO, ONE]


@pytest.mark.parametrize(("one", "two"), list(combinations(Role, 2)))
@pytest.mark.parametrize("material", [ONE, hmac_key()])
@pytest.mark.clause("TC-TOK-02")
def test_one_key_in_two_roles_is_refused(one: Role, two: Role, material: KeyMaterial) -> None:
    with pytest.raises(KeyFileError, match="one key has the roles") as refused:
        KeyStore([entry(material, one), entry(material, two)])
    assert {one, two} <= set(str(refused.value).replace(";", "").split())


def test_one_key_is_recognised_without_its_secret_and_under_another_id() -> None:
    renamed = KeyMaterial.from_private(bytes([1]) * 32, b"other").public_half()
    with pytest.raises(KeyFileError, match="one key has the roles"):
        KeyStore([entry(ONE, Role.OWNER), entry(TWO), entry(renamed, Role.PROVIDER)])


def test_one_key_in_two_roles_is_refused_even_for_different_containers() -> None:
    with pytest.raises(KeyFileError, match="one key has the roles"):
        KeyStore(
            [
                entry(ONE, Role.OWNER, uids=frozenset({b"one"})),
                entry(ONE, Role.PROVIDER, uids=frozenset({b"two"})),
            ]
        )


@pytest.mark.clause("TC-TOK-02")
def test_the_one_key_of_the_firmware_may_stand_in_all_roles() -> None:
    store = KeyStore(entry(ONE, role, Profile.RIOT_2024) for role in Role)
    assert all(found(store, role, Profile.RIOT_2024) for role in Role)


@pytest.mark.parametrize("strict", Role)
def test_one_use_beyond_the_firmware_profile_keeps_a_key_to_one_role(strict: Role) -> None:
    uses = [entry(ONE, role, Profile.RIOT_2024) for role in Role]
    with pytest.raises(KeyFileError, match="one key has the roles"):
        KeyStore([*uses, entry(ONE, strict, Profile.RFC9052)])


def test_one_key_may_serve_its_role_twice() -> None:
    store = KeyStore(
        [
            entry(ONE, uids=frozenset({b"one"})),
            entry(ONE, uids=frozenset({b"two"})),
            entry(ONE, profile=Profile.RIOT_2024),
        ]
    )
    assert len(list(store)) == 3


@pytest.mark.parametrize("hmac_first", [True, False])
@pytest.mark.parametrize(
    ("role", "profile"),
    [
        (Role.OWNER, Profile.RFC9052),
        (Role.OWNER, Profile.RIOT_2024),
        (Role.PROVIDER, Profile.RIOT_2024),
    ],
)
@pytest.mark.clause("TC-TOK-02")
def test_the_bytes_of_a_public_key_are_no_hmac_key(
    role: Role, profile: Profile, hmac_first: bool
) -> None:
    public, symmetric = ONE.public_half(), hmac_key(ONE.public)
    entries = [entry(public, profile=profile), entry(symmetric, role, profile)]
    with pytest.raises(KeyFileError, match=f"of the role {role} is half of an Ed25519 key"):
        KeyStore(reversed(entries) if hmac_first else entries)


@pytest.mark.parametrize("known", [ONE, ONE.public_half()], ids=["both halves", "public half"])
@pytest.mark.clause("TC-TOK-02")
def test_the_private_bytes_of_one_role_are_no_hmac_key_of_another(known: KeyMaterial) -> None:
    with pytest.raises(KeyFileError, match="one key has the roles"):
        KeyStore([entry(known, Role.OWNER), entry(hmac_key(bytes([1]) * 32), Role.PROVIDER)])


def test_a_secret_shows_neither_in_a_store_nor_in_a_refusal() -> None:
    store = KeyStore([entry(KeyMaterial.from_private(SECRET)), entry(hmac_key(SECRET[::-1]))])
    shown = f"{store!r} {store} {list(store)} {found(store)}"
    with pytest.raises(KeyFileError) as refused:
        KeyStore([entry(hmac_key()), entry(hmac_key(), Role.PROVIDER)])
    shown += f"{refused.value} {refused.value!r}"
    with pytest.raises(KeyFileError) as refused:
        KeyStore([entry(ONE), entry(hmac_key(ONE.public))])
    shown += f"{refused.value} {refused.value!r}"
    for secret in (SECRET, SECRET[::-1]):
        assert secret.decode() not in shown
        assert secret.hex() not in shown
