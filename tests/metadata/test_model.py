"""Metadata as values: which field wins, what is signed, what a direction allows."""

from dataclasses import FrozenInstanceError, replace

import pytest

from tinycontainer.metadata import (
    DEFAULT_PRIORITY,
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    Metadata,
    PeerType,
    Security,
    Timing,
    decode,
    encode,
)

CONTAINER = ContainerMap(b"uid", ContainerType.WASM)
SECURITY = Security(10, 20, 30, 40, 50)


def metadata(
    container: ContainerMap = CONTAINER,
    security: Security | None = SECURITY,
    endpoints: tuple[Endpoint, ...] | None = (),
) -> Metadata:
    return Metadata(container, endpoints, security, b"")


@pytest.mark.parametrize(
    ("direction", "reads", "writes"),
    [
        (Direction.IN, False, True),
        (Direction.OUT, True, False),
        (Direction.BOTH, True, True),
    ],
)
@pytest.mark.clause("TC-META-13")
def test_a_direction_is_seen_from_the_peer(direction: Direction, reads: bool, writes: bool) -> None:
    assert (direction.container_reads, direction.container_writes) == (reads, writes)


@pytest.mark.clause("TC-META-09", "TC-META-13")
def test_numbers_are_those_of_the_firmware() -> None:
    assert [peer.name for peer in sorted(PeerType)] == ["CONTAINER", "LOCAL", "REMOTE"]
    assert [direction.name for direction in sorted(Direction)] == ["IN", "OUT", "BOTH"]
    assert {kind.name.lower(): int(kind) for kind in ContainerType} == {
        "undefined": 0,
        "native": 1,
        "shell": 2,
        "bpf": 3,
        "wasm": 4,
        "javacard": 5,
        "javascript": 6,
        "python": 7,
    }


@pytest.mark.clause("TC-META-16")
def test_the_security_array_times_a_container() -> None:
    assert metadata().timing == Timing(
        start_max_ms=10,
        loop_max_ms=30,
        stop_max_ms=50,
        period_ms=20,
        period_max_ms=0,
        lifetime_loops=40,
        priority=12,
    )


@pytest.mark.clause("TC-META-11")
def test_the_container_map_wins_over_the_security_array() -> None:
    container = replace(
        CONTAINER, exec_time_ms=1, period_ms=2, period_max_ms=3, lifetime_loops=4, priority=5
    )
    assert metadata(container).timing == Timing(
        start_max_ms=10,
        loop_max_ms=1,
        stop_max_ms=50,
        period_ms=2,
        period_max_ms=3,
        lifetime_loops=4,
        priority=5,
    )


@pytest.mark.clause("TC-META-11", "TC-META-20")
def test_a_zero_in_the_container_map_wins_too() -> None:
    container = replace(
        CONTAINER, exec_time_ms=0, period_ms=0, period_max_ms=0, lifetime_loops=0, priority=0
    )
    assert metadata(container).timing == Timing(start_max_ms=10, stop_max_ms=50, priority=0)


@pytest.mark.parametrize(
    ("field", "of_timing"),
    [
        ("exec_time_ms", "loop_max_ms"),
        ("period_ms", "period_ms"),
        ("period_max_ms", "period_max_ms"),
        ("lifetime_loops", "lifetime_loops"),
        ("priority", "priority"),
    ],
)
@pytest.mark.clause("TC-META-10")
def test_one_field_of_the_container_map_changes_one_of_the_timing(
    field: str, of_timing: str
) -> None:
    container = replace(CONTAINER, **{field: 7})  # type: ignore[arg-type]
    before = metadata().timing
    assert metadata(container).timing == replace(before, **{of_timing: 7})


@pytest.mark.clause("TC-META-17")
def test_without_a_security_array_nothing_is_limited() -> None:
    assert metadata(security=None).timing == Timing()
    assert metadata(security=None).timing.priority == DEFAULT_PRIORITY == 12


def test_a_container_is_called_by_its_uid() -> None:
    assert metadata().uid == b"uid"


def test_an_endpoint_is_found_by_its_id() -> None:
    endpoints = tuple(
        Endpoint(number, PeerType.LOCAL, 0, Direction.IN) for number in (7, 0, 4294967295)
    )
    for endpoint in endpoints:
        assert metadata(endpoints=endpoints).endpoint(endpoint.endpoint_id) is endpoint
    assert metadata(endpoints=endpoints).endpoint(1) is None
    assert metadata(endpoints=None).endpoint(7) is None


@pytest.mark.parametrize("size", [0, 1, 111, 200])
@pytest.mark.clause("TC-TOK-16")
def test_the_metadata_token_covers_every_byte_before_its_own(size: int) -> None:
    token = b"\xee" * size
    decoded = decode(encode(CONTAINER, (), replace(SECURITY, metadata_token=token)))
    assert decoded.signed_prefix + token == decoded.raw
    assert len(decoded.signed_prefix) == len(decoded.raw) - size


def test_without_a_security_array_everything_is_covered() -> None:
    decoded = decode(encode(CONTAINER, (), None))
    assert decoded.signed_prefix == decoded.raw


def test_values_cannot_be_changed() -> None:
    whole = metadata(endpoints=(Endpoint(1, PeerType.LOCAL, 0, Direction.IN),))
    with pytest.raises(FrozenInstanceError):
        whole.raw = b"other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        whole.container.uid = b"other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        whole.endpoints[0].endpoint_id = 2  # type: ignore[misc, index]
