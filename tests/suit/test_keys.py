"""Keys of updates: what each is for, and a set of them that shares no bytes with others."""

import base64
from dataclasses import replace

import pytest

from tinycontainer.suit.keys import p256
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey, UpdateKeyEntry, UpdateKeys
from tinycontainer_tokens import (
    Algorithm,
    KeyEntry,
    KeyFileError,
    KeyMaterial,
    KeyStore,
    Profile,
    Role,
)

ES256, ESP256 = UpdateAlgorithm.ES256, UpdateAlgorithm.ESP256
EDDSA, ED25519 = UpdateAlgorithm.EDDSA, UpdateAlgorithm.ED25519
PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
SECRET = b"correct horse battery staple 123"
COVERED = b"what is covered"

# RFC 6979, appendix A.2.5: a private number, and its public half.
NUMBER = bytes.fromhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
POINT_X = bytes.fromhex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6")
POINT_Y = bytes.fromhex("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299")
# RFC 8032, section 7.1, test 3: a private key.
ED_SECRET = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")


def key_of(algorithm: UpdateAlgorithm, secret: bytes = SECRET) -> UpdateKey:
    return UpdateKey.from_private(algorithm, secret)


@pytest.mark.clause("TC-UPD-06")
def test_the_algorithms_have_the_numbers_of_the_registry() -> None:
    assert {each: each.cose_number for each in UpdateAlgorithm} == {
        "ES256": -7,
        "ESP256": -9,
        "EdDSA": -8,
        "Ed25519": -19,
    }
    assert all(UpdateAlgorithm.of_number(each.cose_number) is each for each in UpdateAlgorithm)


@pytest.mark.clause("TC-UPD-06")
@pytest.mark.parametrize("number", [None, 0, 7, -6, -35, -36, -38, -47, -257, 5, 1 << 64])
def test_no_other_number_is_an_algorithm_of_updates(number: int | None) -> None:
    assert UpdateAlgorithm.of_number(number) is None


@pytest.mark.clause("TC-UPD-07")
@pytest.mark.parametrize(
    ("fixed", "accepted"),
    [
        (False, {ES256: {ES256, ESP256}, EDDSA: {EDDSA, ED25519}}),
        (True, {ES256: {ES256}, ESP256: {ESP256}, EDDSA: {EDDSA}, ED25519: {ED25519}}),
    ],
)
def test_a_key_is_for_both_names_of_its_signature_unless_one_is_fixed(
    fixed: bool, accepted: dict[UpdateAlgorithm, set[UpdateAlgorithm]]
) -> None:
    for algorithm, expected in accepted.items():
        key = replace(key_of(algorithm), is_alg_fixed=fixed)
        assert {each for each in UpdateAlgorithm if key.allows(each)} == expected


def test_a_key_is_restricted_to_one_of_its_algorithms_alone() -> None:
    key = key_of(ES256)
    assert not key.restrict_to(ESP256).allows(ES256)
    assert not key.restrict_to(ES256).allows(ESP256)
    with pytest.raises(KeyFileError, match=r"^this key is for ES256 or ESP256, not for EdDSA$"):
        key.restrict_to(EDDSA)
    with pytest.raises(KeyFileError, match=r"^this key is for ESP256, not for ES256$"):
        key.restrict_to(ESP256).restrict_to(ES256)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_private_half_of_another_length_is_no_key(size: int) -> None:
    with pytest.raises(KeyFileError, match=f"P-256 private key has 32 bytes, not {size}"):
        key_of(ES256, b"\1" * size)
    with pytest.raises(KeyFileError, match=f"Ed25519 private key has 32 bytes, not {size}"):
        key_of(EDDSA, b"\1" * size)


@pytest.mark.parametrize("algorithm", [ES256, EDDSA])
def test_halves_of_two_keys_are_no_key(algorithm: UpdateAlgorithm) -> None:
    with pytest.raises(KeyFileError, match="do not belong together"):
        replace(key_of(algorithm), secret=NUMBER)


@pytest.mark.parametrize("size", [0, 65])
def test_a_key_id_has_1_to_64_bytes(size: int) -> None:
    with pytest.raises(KeyFileError, match=f"a key id has 1 to 64 bytes, not {size}"):
        replace(key_of(ES256), kid=bytes(size))
    assert replace(key_of(ES256), kid=bytes(64)).kid == bytes(64)


@pytest.mark.parametrize("algorithm", UpdateAlgorithm)
def test_a_public_half_or_a_key_to_verify_with_signs_nothing(algorithm: UpdateAlgorithm) -> None:
    with pytest.raises(KeyFileError, match="signing needs the private one"):
        key_of(algorithm).public_half().sign(COVERED)
    with pytest.raises(KeyFileError, match="key_ops does not allow"):
        replace(key_of(algorithm), may_sign=False).sign(COVERED)


@pytest.mark.parametrize("algorithm", UpdateAlgorithm)
def test_what_is_secret_never_shows(algorithm: UpdateAlgorithm) -> None:
    key = key_of(algorithm)
    shown = f"{key!r} {key} {UpdateKeyEntry(key)!r} {UpdateKeys([UpdateKeyEntry(key)])!r}"
    for form in ("battery", SECRET.hex(), base64.b64encode(SECRET).decode(), str(list(SECRET))):
        assert form not in shown
    assert str(int.from_bytes(SECRET, "big")) not in shown
    assert key == replace(key)
    assert hash(key) == hash(replace(key))


def test_a_new_key_is_made_of_random_bytes_that_are_a_private_number() -> None:
    given_bytes = [bytes(32), b"\xff" * 32, SECRET]
    assert UpdateKey.generate(ES256, lambda _: given_bytes.pop(0)) == key_of(ES256)
    assert UpdateKey.generate(ED25519, bytes) == key_of(ED25519, bytes(32))


def entries(*keys: UpdateKey) -> list[UpdateKeyEntry]:
    return [UpdateKeyEntry(key) for key in keys]


def test_candidates_are_of_the_algorithm_in_the_order_of_the_keys() -> None:
    one, two = key_of(ES256), key_of(ES256, NUMBER).restrict_to(ESP256)
    three = key_of(EDDSA, ED_SECRET)
    keys = UpdateKeys(entries(one, two, three))
    assert [entry.key for entry in keys.candidates(ESP256, None)] == [one, two]
    assert [entry.key for entry in keys.candidates(ES256, None)] == [one]
    assert [entry.key for entry in keys.candidates(ED25519, None)] == [three]
    assert (len(keys), [entry.key for entry in keys]) == (3, [one, two, three])


def test_a_key_id_narrows_the_choice_only_where_both_have_one() -> None:
    named, other = replace(key_of(ES256), kid=b"a"), replace(key_of(ES256, NUMBER), kid=b"b")
    nameless = key_of(ES256, b"\1" * 32)
    keys = UpdateKeys(entries(named, other, nameless))
    assert [entry.key for entry in keys.candidates(ES256, b"a")] == [named, nameless]
    assert [entry.key for entry in keys.candidates(ES256, b"c")] == [nameless]
    assert [entry.key for entry in keys.candidates(ES256, None)] == [named, other, nameless]


def test_a_key_that_must_not_verify_is_no_candidate() -> None:
    keys = UpdateKeys(entries(replace(key_of(ES256), may_verify=False)))
    assert keys.candidates(ES256, None) == ()


def test_a_key_serves_the_containers_that_are_listed_for_it() -> None:
    key = key_of(ES256)
    assert UpdateKeyEntry(key).serves(b"any")
    assert UpdateKeyEntry(key, frozenset({b"a"})).serves(b"a")
    assert not UpdateKeyEntry(key, frozenset({b"a"})).serves(b"ab")


MIRRORED = p256.point_of(POINT_X, (PRIME - int.from_bytes(POINT_Y, "big")).to_bytes(32, "big"))


@pytest.mark.clause("TC-UPD-07")
@pytest.mark.parametrize(
    ("one", "again"),
    [
        (key_of(ES256), key_of(ES256)),
        (key_of(ES256), replace(key_of(ESP256).public_half(), kid=b"other")),
        (key_of(EDDSA), key_of(ED25519)),
        (key_of(ES256, NUMBER), UpdateKey(ES256, MIRRORED)),
        (key_of(ES256), key_of(EDDSA)),
    ],
    ids=["twice", "two names", "two names of Ed25519", "mirrored", "one secret"],
)
def test_one_key_is_not_named_twice(one: UpdateKey, again: UpdateKey) -> None:
    other = key_of(ES256, b"\1" * 32)
    with pytest.raises(KeyFileError, match=r"^keys 1 and 2 are one key; name it once, with all"):
        UpdateKeys(entries(other, one, again))


def trusting(material: KeyMaterial) -> KeyStore:
    return KeyStore([KeyEntry(Role.OWNER, Profile.RFC9052, material)])


HMAC_KEY = KeyMaterial(Algorithm.HMAC_256, b"", SECRET)


@pytest.mark.clause("TC-UPD-07")
@pytest.mark.parametrize(
    ("key", "material"),
    [
        (key_of(EDDSA), KeyMaterial.from_private(SECRET)),
        (key_of(ED25519).public_half(), KeyMaterial.from_private(SECRET).public_half()),
        (key_of(ES256), KeyMaterial.from_private(SECRET)),
        (key_of(EDDSA).public_half(), HMAC_KEY),
        (key_of(ES256).public_half(), HMAC_KEY),
        (key_of(ES256).public_half(), KeyMaterial.from_private(SECRET)),
        (
            key_of(ES256, NUMBER).public_half(),
            KeyMaterial(Algorithm.HMAC_256, b"", POINT_X),
        ),
    ],
)
def test_no_key_of_tokens_is_also_one_of_updates(key: UpdateKey, material: KeyMaterial) -> None:
    with pytest.raises(KeyFileError) as refused:
        UpdateKeys(entries(key), trusting(material))
    assert str(refused.value) == (
        "one key is for updates and for tokens of the role owner; give each its own"
    )


def test_other_keys_of_tokens_are_fine() -> None:
    beyond = KeyMaterial(Algorithm.HMAC_256, b"", b"\xff" * 32)  # no private number of P-256
    for material in (KeyMaterial.from_private(NUMBER[::-1]), beyond):
        assert len(UpdateKeys(entries(key_of(ES256), key_of(EDDSA, NUMBER)), trusting(material)))
