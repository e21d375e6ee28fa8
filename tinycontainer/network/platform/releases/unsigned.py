"""A token but for its signature, for whoever can only sign bytes."""

from dataclasses import dataclass

from tinycontainer_tokens import Algorithm, KeyMaterial, Profile
from tinycontainer_tokens.envelope import Envelope, protected_header
from tinycontainer_tokens.keys import SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class UnsignedToken:
    """A token before it is signed.

    Attributes:
        signed: what the signature covers.
        head: the token up to its signature, which is all that follows.
    """

    signed: bytes
    head: bytes

    @classmethod
    def of(cls, payload: bytes, profile: Profile, key: KeyMaterial) -> "UnsignedToken":
        """The token that a key will make.

        Args:
            payload: encoded claims.
            profile: layout of the token.
            key: an Ed25519 key, of which the public half is enough.
        """
        no_signature = bytes(SIGNATURE_BYTES)
        if profile is Profile.RIOT_2024:
            draft = Envelope(False, Algorithm.EDDSA, b"", payload, no_signature)
            return cls(payload, draft.encode()[:-SIGNATURE_BYTES])
        protected = protected_header(key.algorithm, key.kid)
        draft = Envelope(True, key.algorithm, protected, payload, no_signature)
        return cls(draft.structure, draft.encode()[:-SIGNATURE_BYTES])

    @property
    def token_bytes(self) -> int:
        """How long the signed token will be."""
        return len(self.head) + SIGNATURE_BYTES
