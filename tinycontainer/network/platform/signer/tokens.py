"""Tokens on the signer's side: which key makes them, how long they are, and how one is made."""

import hashlib
from typing import Final

from tinycontainer_tokens import Algorithm, KeyMaterial, Profile
from tinycontainer_tokens.envelope import Envelope, protected_header
from tinycontainer_tokens.issue import prove
from tinycontainer_tokens.keys import SIGNATURE_BYTES

from .refusal import RefusalReason, SigningRefused

_NO_SIGNATURE: Final = bytes(SIGNATURE_BYTES)


def require_signing_key(key: KeyMaterial) -> None:
    """Refuse a key that cannot sign what a platform keeps.

    Raises:
        SigningRefused: it is no Ed25519 key, has no private half, or is not for signing.
    """
    if key.is_symmetric:
        problem = "an HMAC key cannot sign here: the platform would have to know the secret"
        raise SigningRefused(RefusalReason.KEY, f"{problem}; use an Ed25519 key")
    if key.secret is None or not key.may_sign:
        raise SigningRefused(RefusalReason.KEY, "signing needs a private key that is for signing")


def key_sha256(key: KeyMaterial) -> bytes:
    """The hash of the raw public key, by which a platform knows it."""
    return hashlib.sha256(key.public).digest()


def header_of(key: KeyMaterial, profile: Profile) -> bytes:
    """The protected header of a token that a key makes; empty for ``riot-2024``."""
    if profile is Profile.RIOT_2024:
        return b""
    return protected_header(key.algorithm, key.kid)


def draft_token(payload: bytes, header: bytes) -> bytes:
    """A token without a signature, as long as the signed one.

    Args:
        payload: encoded claims.
        header: its protected header.
    """
    return Envelope(bool(header), Algorithm.EDDSA, header, payload, _NO_SIGNATURE).encode()


def make_token(payload: bytes, profile: Profile, key: KeyMaterial) -> bytes:
    """Sign a payload, and nothing else.

    Args:
        payload: encoded claims.
        profile: layout of the token.
        key: the private key.

    Raises:
        SigningRefused: the key cannot sign, or the token is another one than was announced.
    """
    require_signing_key(key)
    made = prove(payload, key, profile, tagged=profile is Profile.RFC9052)
    draft = draft_token(payload, header_of(key, profile))
    token = made.encode()
    # What is signed of metadata states how long their token is.
    if token[:-SIGNATURE_BYTES] != draft[:-SIGNATURE_BYTES] or len(token) != len(draft):
        raise SigningRefused(RefusalReason.KEY, "the key made a token of another form")
    return token
