"""The test keys of the suite. Everybody knows them: never trust them outside of a test."""

import hashlib
from typing import Final

from tinycontainer_tokens import Algorithm, KeyMaterial, Profile, Role, key_files

KEYS_DIRECTORY: Final = "test-keys"
FIRMWARE: Final = "firmware"
STRANGER: Final = "stranger"


def key_for_tests(name: str, algorithm: Algorithm = Algorithm.EDDSA) -> KeyMaterial:
    """A key of the suite. Its secret half follows from its name, so it is no secret.

    Args:
        name: a role, `FIRMWARE` (the one key of riot-2024) or `STRANGER` (trusted by no device).
        algorithm: what it signs with.
    """
    secret = hashlib.sha256(f"TinyContainer conformance TEST KEY: {name}".encode()).digest()
    if algorithm is Algorithm.HMAC_256:
        secret = hashlib.sha256(b"HMAC" + secret).digest()
        return KeyMaterial(algorithm, b"", secret)
    return KeyMaterial.from_private(secret)


def key_of_role(role: Role, profile: Profile, *, hmac: bool = False) -> KeyMaterial:
    """The key of a role: its own under rfc9052, the firmware's only one under riot-2024."""
    name = FIRMWARE if profile is Profile.RIOT_2024 else role.value
    return key_for_tests(name, Algorithm.HMAC_256 if hmac else Algorithm.EDDSA)


def key_file_contents() -> dict[str, bytes]:
    """The suite's keys as files, for those who make containers of their own with other tools."""
    names = [*(role.value for role in Role), FIRMWARE, STRANGER]
    return {f"TEST-ONLY-{name}.pem": key_files.to_pem(key_for_tests(name)) for name in names}
