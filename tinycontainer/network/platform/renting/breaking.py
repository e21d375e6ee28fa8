"""What of a release is beyond the limits of an offer: no network, no database."""

from collections.abc import Iterator

from tinycontainer.device.containers.limits import Cap
from tinycontainer.files.fields import uid_from_text
from tinycontainer.interfaces.syscalls import allowed, describe_unknown_bits
from tinycontainer.metadata import Direction, Endpoint, Metadata, PeerType, Timing
from tinycontainer_tokens import Kind

from ..catalogue.forms import mask_of
from ..releases.release import Plan, Release
from .forms import OfferedEndpoint, OfferLimits


def list_breaks(limits: OfferLimits, asked: int, release: Release) -> tuple[str, ...]:
    """Everything in which a release asks for more than an offer allows, as far as it is there.

    Args:
        limits: of the offer.
        asked: mask of the calls that the code asks for.
        release: what is missing of it breaks nothing.

    Returns:
        Lines of printable ASCII; none if all is within the limits.
    """
    return (
        *_beyond_mask("the code asks for", asked, limits),
        *_beyond_mask("the owner allows", release.mask or 0, limits),
        *(() if release.plan is None else _beyond_plan(release.plan, limits)),
    )


def list_overruns(release: Release, until_s: int) -> tuple[str, ...]:
    """The rights of a release that outlast a rental.

    Args:
        release: that was granted.
        until_s: Unix seconds from which on it has to be over.
    """
    return tuple(
        f"the {kind.name.lower()} tokens do not expire when the rental ends"
        for kind in (Kind.MASK, Kind.ENDPOINT)
        if _is_longer(release.terms_of(kind).expires_s, until_s)
    )


def _is_longer(expires_s: int | None, until_s: int) -> bool:
    return expires_s is None or expires_s > until_s


def _beyond_mask(who: str, mask: int, limits: OfferLimits) -> Iterator[str]:
    beyond = mask & ~mask_of(limits.syscalls)
    if not beyond:
        return
    calls = ", ".join(call.name.lower() for call in allowed(beyond))
    named = "; ".join(part for part in (calls, describe_unknown_bits(beyond)) if part)
    yield f"{who} calls that the offer does not allow: {named}"


def _beyond_plan(plan: Plan, limits: OfferLimits) -> Iterator[str]:
    timing = Metadata(plan.container, plan.endpoints, plan.security, b"").timing
    yield from _beyond_time(timing, limits)
    for each in plan.endpoints:
        if not any(_covers(offered, each) for offered in limits.endpoints):
            yield f"endpoint {each.endpoint_id}: its peer or direction is not offered"


def _beyond_time(timing: Timing, limits: OfferLimits) -> Iterator[str]:
    if timing.period_ms < limits.period_ms:
        shown = f"{timing.period_ms} ms" if timing.period_ms else "no waiting"
        yield f"the period is {shown}; the offer allows {limits.period_ms} ms or more"
    for excess in Cap(loop_share=limits.share_per_cent / 100).excesses(timing):
        # Without a longest loop or a period, a container can take all of the time.
        shown = "not limited" if excess.found is None else f"{100 * excess.found:.6g} %"
        yield f"the share of its loops is {shown}; the offer allows {limits.share_per_cent} %"


def _covers(offered: OfferedEndpoint, endpoint: Endpoint) -> bool:
    peer_uid = None if offered.peer_uid is None else uid_from_text(offered.peer_uid)
    peer = (PeerType[offered.peer.upper()], peer_uid, offered.peer_endpoint)
    if peer != (endpoint.peer_type, endpoint.peer_uid, endpoint.peer_endpoint_id):
        return False
    both = {"in", "out"}
    needed = both if endpoint.direction is Direction.BOTH else {endpoint.direction.name.lower()}
    return needed <= {*offered.directions}
