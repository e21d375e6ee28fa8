"""Keys: their material is checked when it is made, and what is secret never shows."""

import base64
from dataclasses import FrozenInstanceError, replace

import pytest

from tinycontainer_tokens import (
    Algorithm,
    Claims,
    Expectation,
    KeyEntry,
    KeyFileError,
    KeyMaterial,
    KeyStore,
    Kind,
    Profile,
    Role,
    issue,
    verify,
)

# RFC 8032, section 7.1, test 1.
PRIVATE = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
READABLE = b"correct horse battery staple 123"


FIRMWARE_CLAIMS = Claims(sha256=bytes(32))
CLAIMS = replace(FIRMWARE_CLAIMS, uid=b"uid", kind=Kind.CODE)


def hmac_key(secret: bytes = READABLE, kid: bytes | None = None) -> KeyMaterial:
    return KeyMaterial(Algorithm.HMAC_256, b"", secret, kid)


def forms(secret: bytes) -> list[str]:
    """The ways in which a secret could slip into text."""
    return [
        repr(secret)[2:-1],
        secret.hex(),
        secret.hex().upper(),
        base64.b64encode(secret).decode(),
        str(list(secret))[1:-1],
        str(int.from_bytes(secret, "big")),
    ]


def test_the_public_half_is_computed_from_the_private_one() -> None:
    assert KeyMaterial.from_private(PRIVATE).public == PUBLIC


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_private_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(KeyFileError, match=f"private key has 32 bytes, not {size}"):
        KeyMaterial.from_private(bytes(size))
    with pytest.raises(KeyFileError, match=f"private key has 32 bytes, not {size}"):
        KeyMaterial(Algorithm.EDDSA, PUBLIC, bytes(size))


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_public_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(KeyFileError, match=f"Ed25519 key has 32 bytes, not {size}"):
        KeyMaterial(Algorithm.EDDSA, bytes(size))


def test_halves_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(KeyFileError, match="do not belong together"):
        KeyMaterial(Algorithm.EDDSA, PUBLIC, READABLE)


@pytest.mark.clause("TC-TOK-02")
def test_an_hmac_key_has_32_bytes() -> None:
    assert hmac_key(bytes(32)).hmac_key == bytes(32)


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
@pytest.mark.clause("TC-TOK-02")
def test_an_hmac_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(KeyFileError, match=f"HMAC key has 32 bytes, not {size}"):
        hmac_key(bytes(size))


def test_an_hmac_key_without_its_secret_is_refused() -> None:
    with pytest.raises(KeyFileError, match="HMAC key has 32 bytes, not 0"):
        KeyMaterial(Algorithm.HMAC_256, b"")


def test_an_hmac_key_with_a_public_half_is_refused() -> None:
    with pytest.raises(KeyFileError, match="HMAC key"):
        KeyMaterial(Algorithm.HMAC_256, PUBLIC, READABLE)


def works(key: KeyMaterial, verifying: KeyMaterial, profile: Profile) -> bool:
    """Whether a token made with one key verifies with another."""
    claims = CLAIMS if profile is Profile.RFC9052 else FIRMWARE_CLAIMS
    token = issue(claims, Kind.CODE, key, profile)
    expected = Expectation(Kind.CODE, profile, b"uid", 0, bytes(32))
    return verify(token, expected, KeyStore([KeyEntry(Role.DEVELOPER, profile, verifying)])).valid


@pytest.mark.parametrize("profile", Profile)
def test_an_hmac_key_verifies_its_own_tokens_only(profile: Profile) -> None:
    key = hmac_key(bytes(range(32)))
    assert works(key, key, profile)
    assert not works(key, hmac_key(), profile)


def test_a_signing_key_gives_no_hmac_key() -> None:
    with pytest.raises(KeyFileError, match="no HMAC key"):
        _ = KeyMaterial.from_private(PRIVATE).hmac_key


@pytest.mark.parametrize("profile", Profile)
def test_a_public_key_verifies_like_the_whole_and_issues_nothing(profile: Profile) -> None:
    key = KeyMaterial.from_private(PRIVATE)
    assert works(key, key, profile)
    assert works(key, key.public_half(), profile)
    with pytest.raises(KeyFileError, match="signing needs the private one"):
        works(key.public_half(), key, profile)


@pytest.mark.parametrize("size", [1, 64])
def test_a_key_id_has_1_to_64_bytes(size: int) -> None:
    assert KeyMaterial.from_private(PRIVATE, bytes(size)).kid == bytes(size)
    assert hmac_key(kid=bytes(size)).kid == bytes(size)


@pytest.mark.parametrize("size", [0, 65])
def test_a_key_id_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(KeyFileError, match=f"key id has 1 to 64 bytes, not {size}"):
        KeyMaterial.from_private(PRIVATE, bytes(size))


def test_the_public_half_keeps_the_key_id_and_no_secret() -> None:
    key = KeyMaterial.from_private(PRIVATE, b"key")
    assert key.public_half() == KeyMaterial(Algorithm.EDDSA, PUBLIC, None, b"key")


def test_an_hmac_key_has_no_public_half() -> None:
    with pytest.raises(KeyFileError, match="no public half"):
        hmac_key().public_half()


def test_a_key_is_recognised_by_its_bytes_alone() -> None:
    key = KeyMaterial.from_private(PRIVATE, b"key")
    assert key.identities() == {PRIVATE, PUBLIC}
    assert key.public_half().identities() == {PUBLIC}
    assert key.identities() == replace(key, kid=None).identities()
    assert hmac_key().identities() == hmac_key(kid=b"key").identities()


def test_an_hmac_key_made_of_a_signing_key_is_recognised() -> None:
    assert hmac_key(PRIVATE).identities() == {PRIVATE, PUBLIC}
    assert hmac_key(PUBLIC).identities() > {PUBLIC}


def test_a_key_and_its_entry_cannot_be_changed() -> None:
    key = KeyMaterial.from_private(PRIVATE)
    entry = KeyEntry(Role.OWNER, Profile.RFC9052, key)
    with pytest.raises(FrozenInstanceError):
        key.secret = READABLE  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        entry.role = Role.DEVELOPER  # type: ignore[misc]


@pytest.mark.parametrize(
    "key",
    [KeyMaterial.from_private(READABLE), KeyMaterial.from_private(PRIVATE), hmac_key()],
    ids=["readable", "unreadable", "hmac"],
)
def test_a_secret_shows_neither_in_a_key_nor_in_its_entry(key: KeyMaterial) -> None:
    assert key.secret is not None
    entry = KeyEntry(Role.OWNER, Profile.RFC9052, key, frozenset({b"uid"}))
    for shown in (repr(key), str(key), f"{key!s:>400}", repr(entry), str(entry), repr([entry])):
        assert "KeyMaterial" in shown
        assert not any(form in shown for form in forms(key.secret))


def test_what_is_public_shows_in_a_key() -> None:
    assert repr(PUBLIC) in repr(KeyMaterial.from_private(PRIVATE))


@pytest.mark.parametrize(
    ("algorithm", "public", "secret", "kid"),
    [
        (Algorithm.EDDSA, PUBLIC, READABLE, None),
        (Algorithm.EDDSA, PUBLIC, READABLE + b"!", None),
        (Algorithm.EDDSA, b"", READABLE, None),
        (Algorithm.EDDSA, KeyMaterial.from_private(READABLE).public, READABLE, b""),
        (Algorithm.HMAC_256, PUBLIC, READABLE, None),
        (Algorithm.HMAC_256, b"", READABLE[:31], None),
        (Algorithm.HMAC_256, b"", READABLE * 2, None),
    ],
)
def test_a_secret_does_not_show_in_a_refusal(
    algorithm: Algorithm, public: bytes, secret: bytes, kid: bytes | None
) -> None:
    with pytest.raises(KeyFileError) as refused:
        KeyMaterial(algorithm, public, secret, kid)
    shown = f"{refused.value} {refused.value!r} {refused.value.args}"
    assert not any(form in shown for form in [*forms(secret), *forms(READABLE), "battery"])
