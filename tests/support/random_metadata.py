"""Random metadata, as models that are valid."""

from hypothesis import strategies as st

from tinycontainer.metadata import (
    Container,
    ContainerType,
    Direction,
    Endpoint,
    PeerType,
    Security,
)

UINTS = st.integers(0, (1 << 32) - 1)
MAYBE = st.none() | UINTS
TOKENS = st.binary(max_size=150)
UIDS = st.binary(min_size=1, max_size=63)

CONTAINERS = st.builds(
    Container,
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
def endpoints(draw: st.DrawFn) -> Endpoint:
    peer_type = draw(st.sampled_from(PeerType))
    return Endpoint(
        endpoint_id=draw(UINTS),
        peer_type=peer_type,
        peer_endpoint_id=draw(UINTS),
        direction=draw(st.sampled_from(Direction)),
        peer_uid=draw(UIDS) if peer_type is PeerType.CONTAINER else None,
        token=draw(st.none() | TOKENS),
    )


ENDPOINTS = st.lists(endpoints(), max_size=5, unique_by=lambda endpoint: endpoint.endpoint_id)
