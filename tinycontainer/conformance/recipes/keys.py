"""The test keys of the suite. Everybody knows them: never trust them outside of a test."""

import hashlib
from typing import Final, get_args

from tinycontainer.suit.keys.key_files import to_private_pem
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey
from tinycontainer_tokens import Algorithm, KeyMaterial, Profile, Role, key_files

from ..cases.updates import UpdateKeyName

KEYS_DIRECTORY: Final = "test-keys"
FIRMWARE: Final = "firmware"
STRANGER: Final = "stranger"
_ON_P256: Final = "update-p256"


def key_for_tests(name: str, algorithm: Algorithm = Algorithm.EDDSA) -> KeyMaterial:
    """A key of the suite. Its secret half follows from its name, so it is no secret.

    Args:
        name: a role, `FIRMWARE` (the one key of riot-2024) or `STRANGER` (trusted by no device).
        algorithm: what it signs with.
    """
    secret = _secret_of(name)
    if algorithm is Algorithm.HMAC_256:
        secret = hashlib.sha256(b"HMAC" + secret).digest()
        return KeyMaterial(algorithm, b"", secret)
    return KeyMaterial.from_private(secret)


def update_key_for_tests(name: UpdateKeyName) -> UpdateKey:
    """A key of updates; ``update-stranger`` is believed by no device."""
    algorithm = UpdateAlgorithm.ES256 if name == _ON_P256 else UpdateAlgorithm.EDDSA
    return UpdateKey.from_private(algorithm, _secret_of(name))


def _secret_of(name: str) -> bytes:
    return hashlib.sha256(f"TinyContainer conformance TEST KEY: {name}".encode()).digest()


def key_of_role(role: Role, profile: Profile, *, hmac: bool = False) -> KeyMaterial:
    """The key of a role: its own under rfc9052, the firmware's only one under riot-2024."""
    name = FIRMWARE if profile is Profile.RIOT_2024 else role.value
    return key_for_tests(name, Algorithm.HMAC_256 if hmac else Algorithm.EDDSA)


def key_file_contents() -> dict[str, bytes]:
    """The suite's keys as files, for those who make containers of their own with other tools."""
    names = [*(role.value for role in Role), FIRMWARE, STRANGER]
    files = {name: key_files.to_pem(key_for_tests(name)) for name in names}
    for name in get_args(UpdateKeyName):
        files[name] = to_private_pem(update_key_for_tests(name))
    return {f"TEST-ONLY-{name}.pem": content for name, content in files.items()}
