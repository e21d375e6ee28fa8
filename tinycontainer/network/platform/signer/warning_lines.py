"""What a signer should look at twice. Nothing of it hinders a signature."""

import hashlib
from collections.abc import Iterator
from typing import Final

from tinycontainer.interfaces.syscalls import describe_unknown_bits, mask_from_bytes
from tinycontainer.metadata import Metadata, TokenPlace, encode_endpoint, token_places
from tinycontainer.metadata.model import METADATA_TAG
from tinycontainer.text import show
from tinycontainer.tools.artefact.moments import format_utc
from tinycontainer_tokens import Claims, Kind, Profile, cbor
from tinycontainer_tokens.unverified import read_unverified

from .examining import ExaminedRequest
from .signed import Signed

_METADATA_HEAD: Final = cbor.with_tags((METADATA_TAG,), b"")


def list_warnings(new: ExaminedRequest, last: Signed | None, now_s: int) -> tuple[str, ...]:
    """All warnings, in lines that are fit to be shown.

    Args:
        new: what is to be signed.
        last: what was signed here before for this part.
        now_s: Unix seconds.
    """
    return (
        *_warn_of_profile(new),
        *_warn_of_version(new, last),
        *_warn_of_time(new.claims, now_s),
        *_warn_of_mask(new.claims),
        *(() if new.metadata is None else _warn_of_tokens(new, new.metadata, now_s)),
    )


def _warn_of_profile(new: ExaminedRequest) -> Iterator[str]:
    if new.order.profile is not Profile.RIOT_2024:
        return
    yield "a riot-2024 token is bound to no container: it is valid in every one"
    yield "a riot-2024 token counts no versions, never expires, and is for every device"
    if new.part.kind is not Kind.MASK:
        yield "a riot-2024 token is bound to no part: the same bytes can be any part of this key"
    if new.part.kind is not Kind.METADATA and (new.covered or b"").startswith(_METADATA_HEAD):
        yield f"this {new.part.name} is metadata of a container, and would be signed as such"


def _warn_of_version(new: ExaminedRequest, last: Signed | None) -> Iterator[str]:
    sequence = new.claims.sequence
    if new.order.profile is Profile.RFC9052 and sequence is None:
        yield "the token counts no versions"
    if sequence is not None and sequence != new.order.number:
        yield f"the token counts version {sequence}, but the release is number {new.order.number}"
    highest = None if last is None else last.highest_sequence
    if last is None or highest is None:
        return
    if sequence is None or sequence < highest:
        yield f"this is older than version {highest}, which was signed here before"
    elif sequence == highest and new.payload != last.payload:
        yield f"version {sequence} was signed here before with other content; count it up"


def _warn_of_time(claims: Claims, now_s: int) -> Iterator[str]:
    begins_s, expires_s = claims.not_before_s or 0, claims.expires_s
    if expires_s is not None and expires_s <= max(begins_s, now_s):
        yield "the token will never be valid: it expires before"
    if claims.issued_s is not None and claims.issued_s > now_s:
        yield f"the token says that it was issued at {format_utc(claims.issued_s)}, in the future"


def _warn_of_mask(claims: Claims) -> Iterator[str]:
    if claims.mask is None:
        return
    mask = mask_from_bytes(claims.mask)
    unknown = describe_unknown_bits(mask)
    if unknown:
        yield f"the mask has {unknown}"
    if not mask and claims.sequence is not None:  # the very bytes of a withdrawal (TC-TOK-33)
        yield (
            "a mask that allows no call takes back every right by itself: given alone, it ends the"
            f" container wherever its mask counts less than {claims.sequence}"
        )


def _warn_of_tokens(new: ExaminedRequest, metadata: Metadata, now_s: int) -> Iterator[str]:
    for place in token_places(metadata):
        if place.kind is not Kind.METADATA and place.token is not None:
            for problem in _token_problems(place, new, now_s):
                yield f"{place.name}: {problem}"


def _token_problems(place: TokenPlace, new: ExaminedRequest, now_s: int) -> Iterator[str]:
    """What speaks against a token of another party, by what it says itself."""
    if not place.token:
        yield "there is none"
        return
    said = read_unverified(place.token, place.kind)
    claims = said.claims
    if claims is None or not said.is_well_formed:
        yield "it cannot be read"
        return
    if said.profile is not new.order.profile:
        yield f"it is of the profile {said.profile}"
    if said.profile is Profile.RFC9052 and claims.kind is not place.kind:
        yield "it is of another kind"
    if said.profile is Profile.RFC9052 and claims.uid != new.order.uid:
        yield f"it is for the container {show(claims.uid or b'')}"
    if claims.expires_s is not None and claims.expires_s <= now_s:
        yield "it has expired"
    if claims.audience != new.claims.audience:
        yield "it is not for the same device as these metadata"
    if place.endpoint is not None:
        granted = encode_endpoint(place.endpoint, with_token=False)
        if hashlib.sha256(granted).digest() != claims.sha256:
            yield "it is for another endpoint, or another direction"
