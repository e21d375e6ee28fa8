"""Strategies of hypothesis for metadata that is valid."""

from dataclasses import replace

from hypothesis import strategies as st

from tinycontainer.metadata import (
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    PeerType,
    Security,
)
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions
from tinycontainer_tokens import Profile

UINTS = st.integers(0, (1 << 32) - 1)
MAYBE = st.none() | UINTS
TOKENS = st.binary(max_size=150)
UIDS = st.binary(min_size=1, max_size=63)

CONTAINERS = st.builds(
    ContainerMap,
    uid=UIDS,
    type=st.sampled_from(ContainerType),
    syscall_mask_token=TOKENS,
    exec_time_ms=MAYBE,
    period_ms=MAYBE,
    period_max_ms=MAYBE,
    lifetime_loops=MAYBE,
    priority=st.none() | st.integers(0, 15),
)
SECURITIES = st.builds(Security, UINTS, UINTS, UINTS, UINTS, UINTS, TOKENS, TOKENS, TOKENS)


@st.composite
def endpoints(
    draw: st.DrawFn,
    numbers: st.SearchStrategy[int] = UINTS,
    uids: st.SearchStrategy[bytes] = UIDS,
    tokens: st.SearchStrategy[bytes] = TOKENS,
) -> Endpoint:
    """Any valid entry of the endpoints array, of these numbers, uids and tokens."""
    peer_type = draw(st.sampled_from(PeerType))
    return Endpoint(
        endpoint_id=draw(numbers),
        peer_type=peer_type,
        peer_endpoint_id=draw(numbers),
        direction=draw(st.sampled_from(Direction)),
        peer_uid=draw(uids) if peer_type is PeerType.CONTAINER else None,
        token=draw(st.none() | tokens),
    )


ENDPOINTS = st.lists(endpoints(), max_size=5, unique_by=lambda endpoint: endpoint.endpoint_id)
SECONDS = st.none() | st.integers(0, (1 << 63) - 1)
OPTIONS = st.builds(
    TokenOptions,
    sequence=st.integers(0, (1 << 64) - 1),
    audience=st.none() | st.text(st.characters(codec="ascii"), min_size=1, max_size=64),
    not_before_s=SECONDS,
    expires_s=SECONDS,
    issued_s=SECONDS,
)


@st.composite
def blueprints(draw: st.DrawFn) -> Blueprint:
    """Any blueprint that a manifest can give; with riot-2024 it can say less."""
    profile = draw(st.sampled_from(Profile))
    is_riot = profile is Profile.RIOT_2024
    container = replace(draw(CONTAINERS), syscall_mask_token=b"")
    if is_riot:
        container = ContainerMap(container.uid, container.type)
    declared = [replace(each, token=None) for each in draw(ENDPOINTS)]
    security = replace(draw(SECURITIES), data_token=b"", code_token=b"", metadata_token=b"")
    return Blueprint(
        container=container,
        endpoints=tuple(each for each in declared if not is_riot or each.endpoint_id < 128),
        security=security,
        mask=draw(st.integers(0, 31)),
        profile=profile,
        sign_endpoints=not is_riot and draw(st.booleans()),
        options=TokenOptions() if is_riot else draw(OPTIONS),
    )
