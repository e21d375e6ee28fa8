"""Metadata in lines, for infrastructure that signs them."""

from collections.abc import Iterator

from tinycontainer.interfaces.syscalls import allowed, describe_unknown_bits, mask_from_bytes
from tinycontainer.metadata import Metadata, Timing, TokenPlace, token_places
from tinycontainer.text import show
from tinycontainer.tools.artefact.moments import format_utc
from tinycontainer_tokens import Claims, Kind
from tinycontainer_tokens.unverified import read_unverified

from .differences import describe_endpoints


def describe_metadata(metadata: Metadata) -> Iterator[str]:
    """What metadata say.

    Args:
        metadata: decoded; their own token is a draft.
    """
    kind = metadata.container.type
    yield f"container type {kind.value} ({kind.name.lower()})"
    yield from _describe_timing(metadata.timing)
    endpoints = metadata.endpoints or ()
    yield from describe_endpoints(metadata.uid, endpoints) if endpoints else ("no endpoints",)
    yield "it covers these tokens of others, which are not verified here:"
    for place in token_places(metadata):
        if place.kind is not Kind.METADATA:
            yield f"  {place.name}: {_describe_token(place)}"


def describe_mask(mask: bytes) -> str:
    """What a mask allows, in words."""
    number = mask_from_bytes(mask)
    calls = ", ".join(call.name.lower() for call in allowed(number)) or "no system call"
    unknown = describe_unknown_bits(number)
    return f"allows {calls} (mask {mask.hex()})" + (f"; {unknown}" if unknown else "")


def _describe_timing(timing: Timing) -> Iterator[str]:
    loop = _limit(timing.loop_max_ms)
    period = f"every {timing.period_ms} ms" if timing.period_ms else "loop after loop"
    gap = timing.period_max_ms
    most = f", at the latest after {gap} ms" if gap else ""
    yield f"a loop runs {loop}, {period}{most}; priority {timing.priority} (0 is the highest)"
    loops = timing.lifetime_loops
    lifetime = f"{loops} loops" if loops else "any number of loops"
    start, stop = _limit(timing.start_max_ms), _limit(timing.stop_max_ms)
    yield f"its start hook runs {start}, its stop hook {stop}; one start lasts {lifetime}"


def _limit(limit_ms: int) -> str:
    return f"up to {limit_ms} ms" if limit_ms else "without limit"


def _describe_token(place: TokenPlace) -> str:
    if not place.token:
        return "none"
    said = read_unverified(place.token, place.kind)
    if said.claims is None or not said.is_well_formed:
        return "cannot be read"
    return f"{said.profile}, {'; '.join(_describe_claims(said.claims))}"


def _describe_claims(claims: Claims) -> Iterator[str]:
    if claims.uid is not None:
        yield f"for the container {show(claims.uid)}"
    if claims.audience is not None:
        yield f"for the device {show(claims.audience)} only"
    yield "without a version" if claims.sequence is None else f"version {claims.sequence}"
    if claims.not_before_s is not None:
        yield f"valid from {format_utc(claims.not_before_s)} on"
    end = claims.expires_s
    yield "without an end" if end is None else f"expires at {format_utc(end)}"
    if claims.mask is not None:
        yield describe_mask(claims.mask)
    if claims.sha256 is not None:
        yield f"sha256 {claims.sha256.hex()}"
