"""Changes in a container's tokens, by what they say of themselves; nothing is verified."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from tinycontainer.interfaces.syscalls import mask_from_bytes
from tinycontainer.metadata import Metadata, token_places
from tinycontainer.text import show
from tinycontainer_tokens import Claims, Kind, Profile
from tinycontainer_tokens.unverified import UnverifiedToken, read_unverified

from ..artefact.moments import format_utc

Place = tuple[Kind, int]
"""A kind, and which endpoint (0 for the other kinds)."""


@dataclass(frozen=True, slots=True)
class PlacedToken:
    """A token and what it says of itself.

    Attributes:
        token: its bytes; empty if it is absent.
        said: what it says.
    """

    token: bytes
    said: UnverifiedToken

    @property
    def claims(self) -> Claims:
        """Its claims; empty where they cannot be read."""
        return (self.said.claims if self.said.is_well_formed else None) or Claims()

    @property
    def profile(self) -> Profile | None:
        """Its profile; None where it is not well formed."""
        return self.said.profile if self.said.is_well_formed else None

    @property
    def sha256(self) -> bytes:
        """The hash of its bytes."""
        return hashlib.sha256(self.token).digest()


def tokens_by_place(metadata: Metadata) -> dict[Place, PlacedToken]:
    """The tokens of a container; an endpoint's only if it has one."""
    return {
        (place.kind, place.endpoint_id): PlacedToken(
            place.token, read_unverified(place.token, place.kind)
        )
        for place in token_places(metadata)
        if place.token is not None
    }


def mask_of_token(metadata: Metadata) -> int | None:
    """The mask that the mask token carries; None if there is none that can be read."""
    mask = tokens_by_place(metadata)[Kind.MASK, 0].claims.mask
    return None if mask is None else mask_from_bytes(mask)


def list_token_changes(
    old: Mapping[Place, PlacedToken], new: Mapping[Place, PlacedToken], covered: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Kinds of change, and a clause for each.

    Args:
        old: the tokens of one version.
        new: the tokens of the other.
        covered: kinds of change, or kinds and names (``content of code``), that are reported with
            what they vouch for.
    """
    for place in [*old, *(each for each in new if each not in old)]:
        # That an endpoint comes, goes or gets its first token is reported with the endpoints.
        if place in old and place in new:
            yield from _changes(_name(place), old[place], new[place], covered)


def _changes(
    name: str, old: PlacedToken, new: PlacedToken, covered: Collection[str]
) -> Iterator[tuple[str, str]]:
    if old.token == new.token:
        return
    if not old.token or not new.token:
        signed = bool(new.token)
        yield (
            "signed" if signed else "unsigned",
            f"the {name} token {'is there now' if signed else 'is gone'}",
        )
        return
    if not _can_be_read(old.said) or not _can_be_read(new.said):
        yield "unreadable", f"the {name} token is another, and not both can be read"
        return
    found = [*_envelope_changes(old.said, new.said), *_claim_changes(old.claims, new.claims)]
    if not found:
        found = [("signed-anew", "says the same in other bytes: another key, or another form")]
    for kind, text in found:
        if kind not in covered and f"{kind} of {name}" not in covered:
            yield kind, f"the {name} token {text}"


def _can_be_read(said: UnverifiedToken) -> bool:
    return said.is_well_formed and said.claims is not None


def _envelope_changes(old: UnverifiedToken, new: UnverifiedToken) -> Iterator[tuple[str, str]]:
    if old.profile is not new.profile:
        yield "profile", f"has the profile {new.profile} instead of {old.profile}"
    made = None if old.envelope is None else old.envelope.algorithm
    makes = None if new.envelope is None else new.envelope.algorithm
    if made is not makes:
        yield "algorithm", f"is made with {makes} instead of {made}"
    if old.kid != new.kid:
        yield "signer", f"names {_kid(new.kid)} instead of {_kid(old.kid)}"


def _claim_changes(old: Claims, new: Claims) -> Iterator[tuple[str, str]]:
    if old.sequence != new.sequence:
        yield _sequence_change(old.sequence, new.sequence)
    if old.expires_s != new.expires_s:
        yield "expiry", f"expires {_end(new.expires_s)} instead of {_end(old.expires_s)}"
    if old.not_before_s != new.not_before_s:
        before = _begin(old.not_before_s)
        yield "validity", f"is valid {_begin(new.not_before_s)} instead of {before}"
    if old.audience != new.audience:
        yield "audience", f"is for {_device(new.audience)} instead of {_device(old.audience)}"
    if old.uid != new.uid:
        yield "uid", f"is for the container {_text(new.uid)} instead of {_text(old.uid)}"
    if old.issued_s != new.issued_s and new.issued_s is not None:
        yield "issued", f"says that it was issued at {format_utc(new.issued_s)}"
    if old.sha256 != new.sha256 and old.sha256 is not None and new.sha256 is not None:
        yield "content", f"vouches for sha256 {new.sha256.hex()} instead of {old.sha256.hex()}"
    if old.mask != new.mask and old.mask is not None and new.mask is not None:
        yield "mask", f"carries the mask {new.mask.hex()} instead of {old.mask.hex()}"


def _sequence_change(old: int | None, new: int | None) -> tuple[str, str]:
    if old is None or new is None:
        return "sequence", f"has sequence {_text(new)} instead of {_text(old)}"
    kind = "newer" if new > old else "older"
    return kind, f"is {kind}: sequence {new} instead of {old}"


def _name(place: Place) -> str:
    kind, endpoint_id = place
    return f"endpoint {endpoint_id}" if kind is Kind.ENDPOINT else kind.name.lower()


def _kid(kid: bytes | None) -> str:
    return "no signer's key id" if kid is None else f"the signer's key id {show(kid)}"


def _end(moment_s: int | None) -> str:
    return "never" if moment_s is None else f"at {format_utc(moment_s)}"


def _begin(moment_s: int | None) -> str:
    return "from the beginning" if moment_s is None else f"from {format_utc(moment_s)} on"


def _device(audience: str | None) -> str:
    return "every device" if audience is None else f"the device {show(audience)}"


def _text(value: bytes | int | None) -> str:
    if value is None:
        return "none"
    return show(value) if isinstance(value, bytes) else str(value)
