"""Issue tokens: claims and a key in, bytes out."""

from . import claims as claims_codec
from .claims import Claims
from .keys import KeyMaterial
from .kinds import Kind, Profile
from .proofs import prove


def issue(
    claims: Claims, kind: Kind, key: KeyMaterial, profile: Profile, *, tagged: bool | None = None
) -> bytes:
    """Make one token.

    Args:
        claims: what the token says; exactly what kind and profile demand and allow.
        kind: the place that the token is for.
        key: a key that can sign.
        profile: layout of the token.
        tagged: whether the token begins with the tags 61 and 18 or 17; by default it does, except
            an Ed25519 token of ``riot-2024``, which the firmware writes without.

    Raises:
        ClaimsError: the claims do not fit kind or profile.
        KeyFileError: the key cannot sign.
        ValueError: an untagged form that does not exist.
    """
    if tagged is None:
        tagged = profile is not Profile.RIOT_2024 or bool(not key.public)
    payload = claims_codec.encode(claims, kind, profile)
    return prove(payload, key, profile, tagged=tagged).encode()
