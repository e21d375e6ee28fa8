"""The words of the field: kinds of token, roles of their signers, profiles, algorithms."""

from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final


class Kind(IntEnum):
    """What a token vouches for; the number is the value of claim -65541."""

    MASK = 1
    ENDPOINT = 2
    DATA = 3
    CODE = 4
    METADATA = 5


class Role(StrEnum):
    """Who signs: the four parties of the paper."""

    DEVELOPER = "developer"
    PROVIDER = "provider"
    INFRASTRUCTURE = "infrastructure"
    OWNER = "owner"


SIGNING_ROLE: Final = MappingProxyType(
    {
        Kind.CODE: Role.DEVELOPER,
        Kind.DATA: Role.PROVIDER,
        Kind.METADATA: Role.INFRASTRUCTURE,
        Kind.MASK: Role.OWNER,
        Kind.ENDPOINT: Role.OWNER,
    }
)
"""The role whose keys sign tokens of each kind."""


class Profile(StrEnum):
    """How a token is laid out and what its signature covers."""

    RFC9052 = "rfc9052"
    RIOT_2024 = "riot-2024"


class Algorithm(StrEnum):
    """How a token is signed."""

    EDDSA = "EdDSA"
    """Ed25519 in a COSE_Sign1, alg -8; keys and signatures have 32 and 64 bytes."""
    ED25519 = "Ed25519"
    """The same signature under alg -19, the name of RFC 9864 that leaves no choice of a curve."""
    HMAC_256 = "HMAC-256"
    """HMAC with SHA-256, not truncated, in a COSE_Mac0; keys have 32 bytes."""
