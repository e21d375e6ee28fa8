"""Read a token without verifying it: for tools that show what a token says of itself.

Nobody has checked whether any of it is true. A device never decides by this module.
"""

from dataclasses import dataclass

from . import claims as claims_codec
from . import envelope as envelope_codec
from .claims import Claims
from .envelope import Envelope
from .errors import ClaimsError, TokenError
from .kinds import Kind, Profile


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """What a token says of itself, as far as it can be read.

    Attributes:
        envelope: its outer form; None if it is no COSE message of either profile.
        kid: the key id that its header names; untrusted bytes.
        claims: its claims; None if they cannot be read.
        structure_error: why there is no envelope.
        header_error: why the protected header of ``rfc9052`` is refused. The claims are read
            nevertheless.
        claims_error: why the claims cannot be read.
    """

    envelope: Envelope | None = None
    kid: bytes | None = None
    claims: Claims | None = None
    structure_error: TokenError | None = None
    header_error: TokenError | None = None
    claims_error: ClaimsError | None = None

    @property
    def profile(self) -> Profile | None:
        """Its layout; None if it has no envelope."""
        return None if self.envelope is None else self.envelope.profile

    @property
    def is_well_formed(self) -> bool:
        """Whether structure and header are those of a token; its claims can still be wrong."""
        return self.structure_error is None and self.header_error is None


def read_unverified(token: bytes, kind: Kind | None) -> UnverifiedToken:
    """Read a token without verifying it; no bytes of a token make it raise.

    Args:
        token: untrusted bytes.
        kind: the place of the token; None to read its claims as those of the first kind that fits.
    """
    try:
        envelope = envelope_codec.parse(token)
    except TokenError as error:
        return UnverifiedToken(structure_error=error)
    kid = None
    header_error = None
    if envelope.profile is Profile.RFC9052:
        try:
            kid = envelope_codec.read_protected(envelope)
        except TokenError as error:
            header_error = error
    claims = None
    claims_error = None
    for candidate in Kind if kind is None else (kind,):
        try:
            claims = claims_codec.decode(envelope.payload, candidate, envelope.profile)
        except ClaimsError as error:
            claims_error = error
        else:
            claims_error = None
            break
    return UnverifiedToken(envelope, kid, claims, None, header_error, claims_error)


def claims_unverified(payload: bytes, kind: Kind, profile: Profile) -> Claims | None:
    """Read a payload as claims of one kind and profile; None if it does not hold such."""
    try:
        return claims_codec.decode(payload, kind, profile)
    except ClaimsError:
        return None
