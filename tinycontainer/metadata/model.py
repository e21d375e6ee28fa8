"""What a container's metadata says, as frozen values.

Numbers and layout are the firmware's; every field names its unit. None means that the optional
entry is absent, which is not the same as a zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from tinycontainer_tokens import Kind

METADATA_TAG: Final = 6082514239057121876
"""ASCII ``TinyPART``; the CBOR tag in front of metadata."""

UID_BYTES: Final = range(1, 64)
PRIORITIES: Final = range(16)
DEFAULT_PRIORITY: Final = 12
MAX_UINT32: Final = (1 << 32) - 1


class ContainerType(IntEnum):
    """Which virtual machine a container's code is for."""

    UNDEFINED = 0
    NATIVE = 1
    SHELL = 2
    BPF = 3
    WASM = 4
    JAVACARD = 5
    JAVASCRIPT = 6
    PYTHON = 7


class PeerType(IntEnum):
    """What an endpoint is connected to."""

    CONTAINER = 0
    LOCAL = 1
    REMOTE = 2


class Direction(IntEnum):
    """Which way data flows, seen from the peer."""

    IN = 0
    """The peer takes data: the container writes."""
    OUT = 1
    """The peer gives data: the container reads."""
    BOTH = 2

    @property
    def container_reads(self) -> bool:
        """Whether the container may read."""
        return self is not Direction.IN

    @property
    def container_writes(self) -> bool:
        """Whether the container may write."""
        return self is not Direction.OUT


@dataclass(frozen=True, slots=True)
class ContainerMap:
    """The container map.

    Attributes:
        uid: 1 to 63 bytes (key 1).
        type: key 2.
        syscall_mask_token: token of the owner, empty if unsigned (key 3).
        exec_time_ms: wins over `Security.loop_max_duration_ms` (key 4); 0 is no limit.
        period_ms: wins over `Security.loop_period_ms` (key 5); 0 is no waiting.
        period_max_ms: longest gap between two loop starts (key 6); 0 is no limit.
        lifetime_loops: wins over `Security.loop_max_lifetime` (key 7); 0 is no limit.
        priority: 0 (highest) to 15 (key 8).
    """

    uid: bytes
    type: ContainerType
    syscall_mask_token: bytes = b""
    exec_time_ms: int | None = None
    period_ms: int | None = None
    period_max_ms: int | None = None
    lifetime_loops: int | None = None
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One entry of the endpoints array: a right to reach one peer.

    Attributes:
        endpoint_id: how the container names it, 0 to 2**32 - 1 (key 1).
        peer_type: key 2.
        peer_uid: the peer container's uid; present exactly if the peer is a container (key 3).
        peer_endpoint_id: the driver, or the peer's own endpoint, 0 to 2**32 - 1 (key 4).
        direction: seen from the peer (key 5).
        token: token of the owner (key 6).
    """

    endpoint_id: int
    peer_type: PeerType
    peer_endpoint_id: int
    direction: Direction
    peer_uid: bytes | None = None
    token: bytes | None = None


@dataclass(frozen=True, slots=True)
class Security:
    """The security array. Durations in ms; 0 is no limit.

    Attributes:
        start_max_duration_ms: of the start hook.
        loop_period_ms: between planned loop starts.
        loop_max_duration_ms: of one loop.
        loop_max_lifetime: number of loop calls of one start.
        stop_max_duration_ms: of the stop hook.
        data_token: token of the service provider.
        code_token: token of the software developer.
        metadata_token: token of the infrastructure; the last bytes of the metadata.
    """

    start_max_duration_ms: int = 0
    loop_period_ms: int = 0
    loop_max_duration_ms: int = 0
    loop_max_lifetime: int = 0
    stop_max_duration_ms: int = 0
    data_token: bytes = b""
    code_token: bytes = b""
    metadata_token: bytes = b""


@dataclass(frozen=True, slots=True)
class Timing:
    """What the scheduler works with, after the container map has overruled the security array.

    Attributes:
        start_max_ms, loop_max_ms, stop_max_ms: longest hooks; 0 is no limit.
        period_ms: between planned loop starts; 0: due when the loop ends.
        period_max_ms: longest gap between two loop starts; 0: until the wake-up after the next.
        lifetime_loops: loop calls of one start; 0 is no limit.
        priority: 0 (highest) to 15.
    """

    start_max_ms: int = 0
    loop_max_ms: int = 0
    stop_max_ms: int = 0
    period_ms: int = 0
    period_max_ms: int = 0
    lifetime_loops: int = 0
    priority: int = DEFAULT_PRIORITY


@dataclass(frozen=True, slots=True)
class Metadata:
    """A whole metadata file.

    Attributes:
        container: the container map.
        endpoints: the endpoints array; None if the file has none.
        security: the security array; None if the file has none.
        raw: the bytes that were decoded; hashes are computed over these.
        timing: scheduling as it applies.
    """

    container: ContainerMap
    endpoints: tuple[Endpoint, ...] | None
    security: Security | None
    raw: bytes
    timing: Timing = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "timing", _timing(self.container, self.security or Security()))

    @property
    def uid(self) -> bytes:
        """The container's uid."""
        return self.container.uid

    @property
    def signed_prefix(self) -> bytes:
        """What the metadata token covers: every byte before the token's own, which come last."""
        token = self.security.metadata_token if self.security else b""
        return self.raw[: len(self.raw) - len(token)]

    def endpoint(self, endpoint_id: int) -> Endpoint | None:
        """The entry that the container calls by this id."""
        for endpoint in self.endpoints or ():
            if endpoint.endpoint_id == endpoint_id:
                return endpoint
        return None


def _timing(container: ContainerMap, security: Security) -> Timing:
    return Timing(
        start_max_ms=security.start_max_duration_ms,
        loop_max_ms=_first(container.exec_time_ms, security.loop_max_duration_ms),
        stop_max_ms=security.stop_max_duration_ms,
        period_ms=_first(container.period_ms, security.loop_period_ms),
        period_max_ms=_first(container.period_max_ms, 0),
        lifetime_loops=_first(container.lifetime_loops, security.loop_max_lifetime),
        priority=_first(container.priority, DEFAULT_PRIORITY),
    )


def _first(preferred: int | None, otherwise: int) -> int:
    return otherwise if preferred is None else preferred


# Where tokens are. Everything that looks at the tokens of a container asks here.

KIND_OF_FIELD: Final = {
    "metadata_token": Kind.METADATA,
    "code_token": Kind.CODE,
    "data_token": Kind.DATA,
    "syscall_mask_token": Kind.MASK,
    "token": Kind.ENDPOINT,
}
"""The kind of token that each field of metadata holds, by the field's name in the model."""


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """One place of a token in a container's metadata.

    Attributes:
        name: fit to be shown, such as ``code token`` or ``endpoints[2].endpoint-token``.
        kind: what the token has to vouch for.
        token: untrusted bytes, empty for an empty place; None if the place itself is missing,
            which only that of an endpoint token can be.
        endpoint: the entry that an endpoint token belongs to.
    """

    name: str
    kind: Kind
    token: bytes | None
    endpoint: Endpoint | None = None

    @property
    def endpoint_id(self) -> int:
        """Which endpoint; 0 for the other kinds, as in `Expectation`."""
        return 0 if self.endpoint is None else self.endpoint.endpoint_id


def token_places(metadata: Metadata) -> Iterator[TokenPlace]:
    """Every place of a token in metadata, in the order in which a device verifies them.

    Args:
        metadata: decoded metadata. Without a security array, its three places are empty.
    """
    security = metadata.security or Security()
    yield _container_place("metadata_token", security.metadata_token)
    yield _container_place("code_token", security.code_token)
    yield _container_place("data_token", security.data_token)
    yield _container_place("syscall_mask_token", metadata.container.syscall_mask_token)
    for index, endpoint in enumerate(metadata.endpoints or ()):
        name = f"endpoints[{index}].endpoint-token"
        yield TokenPlace(name, KIND_OF_FIELD["token"], endpoint.token, endpoint)


def _container_place(field: str, token: bytes) -> TokenPlace:
    kind = KIND_OF_FIELD[field]
    return TokenPlace(f"{kind.name.lower()} token", kind, token)
