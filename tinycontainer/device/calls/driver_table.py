"""Which driver serves which peer endpoint id, for whom, and in which directions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tinycontainer.interfaces.driver import Driver
from tinycontainer.metadata import Direction, PeerType


@dataclass(frozen=True, slots=True)
class DriverEntry:
    """One driver of the device.

    Attributes:
        peer_type: local or remote.
        peer_endpoint_id: how metadata names it.
        name: what the operator calls it.
        make: makes an instance.
        shared: whether all containers meet in one instance; otherwise each has its own.
        uids: containers that it serves; None for all.
        directions: directions that it serves.
    """

    peer_type: PeerType
    peer_endpoint_id: int
    name: str
    make: Callable[[], Driver]
    shared: bool = False
    uids: frozenset[bytes] | None = None
    directions: frozenset[Direction] = frozenset(Direction)

    def serves(self, uid: bytes, direction: Direction) -> bool:
        """Whether a container may open it in a direction."""
        return (self.uids is None or uid in self.uids) and direction in self.directions


class DriverTable:
    """The drivers of a device and their instances.

    Args:
        entries: at most one for each peer type and peer endpoint id.

    Raises:
        ValueError: two entries have one place, or the peer type is a container.
    """

    def __init__(self, entries: Iterable[DriverEntry] = ()) -> None:
        self._entries: dict[tuple[PeerType, int], DriverEntry] = {}
        self._instances: dict[tuple[DriverEntry, bytes], Driver] = {}
        for entry in entries:
            place = (entry.peer_type, entry.peer_endpoint_id)
            if entry.peer_type is PeerType.CONTAINER or place in self._entries:
                raise ValueError(
                    f"{entry.name}: {entry.peer_type.name.lower()} endpoint"
                    f" {entry.peer_endpoint_id} has a driver already, or is no place for a driver"
                )
            self._entries[place] = entry

    def find(self, peer_type: PeerType, peer_endpoint_id: int) -> DriverEntry | None:
        """The entry in a place."""
        return self._entries.get((peer_type, peer_endpoint_id))

    def with_makers(
        self, maker: Callable[[int, DriverEntry], Callable[[], Driver]]
    ) -> "DriverTable":
        """The same places with other instances in them.

        Args:
            maker: gets the number of an entry, from 0, and the entry; returns what makes its
                instances.
        """
        return DriverTable(
            replace(entry, make=maker(number, entry))
            for number, entry in enumerate(self._entries.values())
        )

    def instance(self, entry: DriverEntry, uid: bytes) -> Driver:
        """The instance that serves a container; made when it is first asked for."""
        key = (entry, b"" if entry.shared else uid)
        if key not in self._instances:
            self._instances[key] = entry.make()
        return self._instances[key]

    def forget(self, uid: bytes) -> None:
        """Drop what was kept for a container."""
        for entry in self._entries.values():
            if not entry.shared:
                self._instances.pop((entry, uid), None)
