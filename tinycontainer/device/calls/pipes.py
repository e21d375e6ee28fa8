"""Pipes: endpoints whose peer is another container, joined by mutual consent.

Two (uid, endpoint-id) pairs that name each other are the ends of a pipe. Once open, a pipe looks to
the service like any driver.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from tinycontainer.metadata import Direction, Endpoint, Metadata, PeerType

End: TypeAlias = tuple[bytes, int]
"""A container's uid and its endpoint id."""

_COMPLEMENT = {
    Direction.IN: Direction.OUT,
    Direction.OUT: Direction.IN,
    Direction.BOTH: Direction.BOTH,
}


class Dissent(Enum):
    """In what the other end of a pipe does not answer to this one."""

    UNDECLARED = auto()
    SAME_CONTAINER = auto()
    PEER_TYPE = auto()
    PEER_UID = auto()
    PEER_ENDPOINT_ID = auto()
    DIRECTION = auto()


def find_dissent(uid: bytes, endpoint: Endpoint, peer: Metadata) -> Dissent | None:
    """Compare the two ends of a pipe.

    Args:
        uid: of the container at this end.
        endpoint: this end.
        peer: metadata of the container at the other end.

    Returns:
        The first thing that does not fit; None if both ends consent.
    """
    answer = peer.endpoint(endpoint.peer_endpoint_id)
    if answer is None:
        return Dissent.UNDECLARED
    if uid == peer.uid:
        return Dissent.SAME_CONTAINER
    if answer.peer_type is not PeerType.CONTAINER:
        return Dissent.PEER_TYPE
    if answer.peer_uid != uid:
        return Dissent.PEER_UID
    if answer.peer_endpoint_id != endpoint.endpoint_id:
        return Dissent.PEER_ENDPOINT_ID
    if answer.direction is not _COMPLEMENT[endpoint.direction]:
        return Dissent.DIRECTION
    return None


@dataclass(slots=True)
class _Pipe:
    """Two ends and the bytes on their way to each."""

    ends: frozenset[End]
    arriving: dict[End, bytearray] = field(default_factory=dict)

    def other(self, end: End) -> End:
        (other,) = self.ends - {end}
        return other


class Pipes:
    """All pipes of a device.

    Args:
        capacity_bytes: waiting in one direction.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._pipes: dict[frozenset[End], _Pipe] = {}
        self._descriptors: dict[int, tuple[_Pipe, End]] = {}
        self._last = 0

    def connect(self, uid: bytes, endpoint: Endpoint) -> int:
        """Open one end; the caller has made sure that both sides consent.

        Raises:
            ValueError: the endpoint's peer is no container.
        """
        if endpoint.peer_uid is None:
            raise ValueError("the peer of this endpoint is no container")
        end: End = (uid, endpoint.endpoint_id)
        ends = frozenset({end, (endpoint.peer_uid, endpoint.peer_endpoint_id)})
        pipe = self._pipes.setdefault(ends, _Pipe(ends))
        for each in ends:
            pipe.arriving.setdefault(each, bytearray())
        self._last += 1
        self._descriptors[self._last] = (pipe, end)
        return self._last

    def read(self, driver_fd: int, size: int) -> bytes:
        """What has arrived, up to ``size`` bytes."""
        pipe, end = self._descriptors[driver_fd]
        arriving = pipe.arriving[end]
        received = bytes(arriving[:size])
        del arriving[:size]
        return received

    def write(self, driver_fd: int, data: bytes) -> int:
        """Send what fits."""
        pipe, end = self._descriptors[driver_fd]
        arriving = pipe.arriving[pipe.other(end)]
        accepted = data[: self._capacity_bytes - len(arriving)]
        arriving += accepted
        return len(accepted)

    def close(self, driver_fd: int) -> None:
        """Close one end; bytes on their way stay while both sides consent."""
        self._descriptors.pop(driver_fd, None)

    def reader_stopped(self, uid: bytes) -> None:
        """Drop what is on its way to a container."""
        for pipe in self._pipes.values():
            for end, arriving in pipe.arriving.items():
                if end[0] == uid:
                    arriving.clear()

    def find_broken(self, uid: bytes, kept: frozenset[Endpoint]) -> list[End]:
        """The ends of a container's pipes to which the two sides no longer consent.

        Args:
            uid: a container that was changed or deleted.
            kept: its endpoint entries that are as they were; those of a deleted one are none.
        """
        return [end for pipe in self._broken(uid, kept) for end in sorted(pipe.ends)]

    def remove_broken(self, uid: bytes, kept: frozenset[Endpoint]) -> None:
        """Remove those pipes, once the descriptors of their ends are closed."""
        for pipe in self._broken(uid, kept):
            del self._pipes[pipe.ends]

    def _broken(self, uid: bytes, kept: frozenset[Endpoint]) -> list[_Pipe]:
        kept_ids = {endpoint.endpoint_id for endpoint in kept}
        return [
            pipe
            for pipe in self._pipes.values()
            if any(end[0] == uid and end[1] not in kept_ids for end in pipe.ends)
        ]
