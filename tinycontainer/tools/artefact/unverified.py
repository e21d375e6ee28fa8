"""What tokens say of themselves; nobody has checked whether it is true."""

from dataclasses import dataclass

from tinycontainer_tokens import Algorithm, Claims, Kind, Profile, TokenError, envelope
from tinycontainer_tokens import claims as claims_codec


@dataclass(frozen=True, slots=True)
class Statement:
    """What a token says.

    Attributes:
        profile: its layout.
        algorithm: how it claims to be signed.
        kid: the key id that it names; untrusted bytes.
        claims: its claims, where they can be read.
    """

    profile: Profile
    algorithm: Algorithm
    kid: bytes | None
    claims: Claims | None


def statement(token: bytes, kind: Kind) -> Statement | None:
    """Read a token without verifying it.

    Args:
        token: untrusted bytes.
        kind: the place that it stands in.

    Returns:
        What it says; None if it cannot be taken apart.
    """
    try:
        parsed = envelope.parse(token)
        kid = envelope.read_protected(parsed) if parsed.profile is Profile.RFC9052 else None
    except TokenError:
        return None
    return Statement(
        parsed.profile, parsed.algorithm, kid, read_claims(parsed.payload, kind, parsed.profile)
    )


def read_claims(payload: bytes, kind: Kind, profile: Profile) -> Claims | None:
    """The claims of a payload as those of one kind and profile; None if they are not such."""
    try:
        return claims_codec.decode(payload, kind, profile)
    except TokenError:
        return None
