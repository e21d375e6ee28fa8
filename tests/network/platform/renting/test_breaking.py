"""What of a release is beyond the limits of an offer, to the last ms and the last bit."""

from dataclasses import replace
from typing import Any

import pytest
from support.renting import LIMITS

from tinycontainer.metadata import (
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    PeerType,
    Security,
)
from tinycontainer.network.platform.releases.release import Plan, Release
from tinycontainer.network.platform.renting.breaking import list_breaks, list_overruns
from tinycontainer.network.platform.renting.forms import OfferLimits
from tinycontainer.tools.packing.packing import TokenOptions
from tinycontainer_tokens import Kind

CONTAINER = ContainerMap(b"box", ContainerType.WASM)
SECURITY = Security(loop_period_ms=100, loop_max_duration_ms=10)
WRITES = Endpoint(1, PeerType.LOCAL, 7, Direction.IN)


def breaks(
    asked: int = 1,
    mask: int | None = None,
    security: Security = SECURITY,
    container: ContainerMap = CONTAINER,
    endpoints: tuple[Endpoint, ...] = (),
    **limits: Any,
) -> tuple[str, ...]:
    given = OfferLimits.model_validate({**LIMITS, **limits})
    release = Release(b"box", 1, plan=Plan(container, endpoints, security), mask=mask)
    return list_breaks(given, asked, release)


def test_what_is_within_all_limits_breaks_none() -> None:
    assert breaks(mask=1, endpoints=(WRITES,)) == ()
    assert list_breaks(OfferLimits.model_validate(LIMITS), 0, Release(b"box", 1)) == ()


@pytest.mark.clause("TC-PLAT-49")
def test_calls_beyond_the_mask_are_named() -> None:
    beyond = "calls that the offer does not allow:"
    assert breaks(asked=0b10011) == (f"the code asks for {beyond} open, write",)
    assert breaks(mask=0b110) == (f"the owner allows {beyond} open, close",)
    assert breaks(asked=1 << 20) == (f"the code asks for {beyond} bits that allow no call: 20",)
    assert breaks(asked=1, syscalls=[]) == (f"the code asks for {beyond} heartbeat",)


@pytest.mark.clause("TC-PLAT-49")
@pytest.mark.parametrize(
    ("endpoint", "is_covered"),
    [
        (WRITES, True),
        (replace(WRITES, endpoint_id=99), True),
        (replace(WRITES, direction=Direction.OUT), False),
        (replace(WRITES, direction=Direction.BOTH), False),
        (replace(WRITES, peer_endpoint_id=8), False),
        (replace(WRITES, peer_type=PeerType.REMOTE), False),
        (replace(WRITES, peer_type=PeerType.CONTAINER, peer_uid=b"box"), False),
    ],
)
def test_an_endpoint_that_is_not_offered_is_named(endpoint: Endpoint, is_covered: bool) -> None:
    problem = f"endpoint {endpoint.endpoint_id}: its peer or direction is not offered"
    assert breaks(endpoints=(endpoint,)) == (() if is_covered else (problem,))


@pytest.mark.clause("TC-PLAT-49")
@pytest.mark.parametrize("direction", Direction)
def test_an_offer_of_both_directions_covers_each(direction: Direction) -> None:
    offered = {"peer": "container", "peer_uid": "hex:00", "peer_endpoint": 2}
    limits = {**LIMITS, "endpoints": [{**offered, "directions": ["out", "in"]}]}
    asked = Endpoint(1, PeerType.CONTAINER, 2, direction, peer_uid=b"\0")
    release = Release(b"box", 1, plan=Plan(CONTAINER, (asked,), SECURITY))
    assert list_breaks(OfferLimits.model_validate(limits), 0, release) == ()


@pytest.mark.clause("TC-PLAT-49")
def test_a_period_that_is_too_short_is_named() -> None:
    allowed = "; the offer allows 100 ms or more"
    short = Security(loop_period_ms=99, loop_max_duration_ms=9)
    assert breaks(security=short) == (f"the period is 99 ms{allowed}",)
    never = Security(loop_max_duration_ms=9)
    assert breaks(security=never)[0] == f"the period is no waiting{allowed}"
    assert breaks(security=short, period_ms=0) == ()


@pytest.mark.clause("TC-PLAT-49")
@pytest.mark.parametrize(
    ("longest_ms", "period_ms", "shown"),
    [
        (10, 100, None),
        (7, 100, None),
        (11, 100, "11 %"),
        (100_001, 1_000_000, "10.0001 %"),
        (0, 100, "not limited"),
    ],
)
def test_a_share_that_is_too_large_is_named(
    longest_ms: int, period_ms: int, shown: str | None
) -> None:
    security = Security(loop_period_ms=period_ms, loop_max_duration_ms=longest_ms)
    problem = f"the share of its loops is {shown}; the offer allows 10 %"
    assert breaks(security=security) == (() if shown is None else (problem,))


@pytest.mark.clause("TC-PLAT-49")
def test_the_container_map_overrules_the_security_array() -> None:
    fast = replace(CONTAINER, period_ms=50, exec_time_ms=50)
    assert len(breaks(container=fast)) == 2
    slow = replace(CONTAINER, period_ms=1000, exec_time_ms=1)
    assert breaks(container=slow, security=Security(0, 1, 1)) == ()


@pytest.mark.clause("TC-PLAT-51")
@pytest.mark.parametrize(
    ("expires_s", "is_too_long"), [(100, False), (99, False), (101, True), (None, True)]
)
def test_rights_that_outlast_the_rental_are_named(expires_s: int | None, is_too_long: bool) -> None:
    right = TokenOptions(1, expires_s=100)
    terms = {Kind.MASK: right, Kind.ENDPOINT: TokenOptions(1, expires_s=expires_s)}
    problem = "the endpoint tokens do not expire when the rental ends"
    found = list_overruns(Release(b"box", 1, terms=terms), 100)
    assert found == ((problem,) if is_too_long else ())
    assert len(list_overruns(Release(b"box", 1), 100)) == 2
