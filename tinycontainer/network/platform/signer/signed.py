"""What was signed here before, as a value."""

from dataclasses import dataclass

from tinycontainer_tokens import Claims, Profile
from tinycontainer_tokens import claims as claims_codec

from ..releases.parts import ReleasePart


@dataclass(frozen=True, slots=True)
class Signed:
    """The last token that was made for a part of a container.

    Attributes:
        uid: of the container.
        part: which part.
        number: of the release.
        header: the token's protected header; empty for ``riot-2024``.
        payload: the claims that were signed, encoded; they fit part and profile.
        covered: the bytes that the token vouches for; None for a mask, and if they are too long to
            be kept.
        covered_bytes: how many these are; 0 for a mask.
        signed_s: when, in Unix seconds.
        key_sha256: hash of the public key.
        highest_sequence: the highest sequence that was ever signed here for this part; None if none
            was.
    """

    uid: bytes
    part: ReleasePart
    number: int
    header: bytes
    payload: bytes
    covered: bytes | None
    covered_bytes: int
    signed_s: int
    key_sha256: bytes
    highest_sequence: int | None

    @property
    def profile(self) -> Profile:
        """Layout of the token."""
        return Profile.RFC9052 if self.header else Profile.RIOT_2024

    @property
    def claims(self) -> Claims:
        """What the token says."""
        return claims_codec.decode(self.payload, self.part.kind, self.profile)

    @property
    def version(self) -> int:
        """By which people call it: its sequence, or the number of the release if it has none."""
        sequence = self.claims.sequence
        return self.number if sequence is None else sequence
