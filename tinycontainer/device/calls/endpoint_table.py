"""The endpoint table: which descriptor is whose, and which driver serves it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tinycontainer.interfaces.driver import Channel
from tinycontainer.metadata import Endpoint

MAX_DESCRIPTOR: Final = (1 << 31) - 1
"""Descriptors are positive signed 32-bit numbers to a container."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One open endpoint.

    Attributes:
        endpoint_fd: between the container and the service.
        owner: uid of the container that opened it.
        endpoint: the entry of its metadata.
        driver: the driver, or the pipes, that serve it.
        driver_fd: between the service and the driver.
        readable, writable: what the endpoint's direction lets the container do.
    """

    endpoint_fd: int
    owner: bytes
    endpoint: Endpoint
    driver: Channel
    driver_fd: int
    readable: bool
    writable: bool


class EndpointTable:
    """All open descriptors of a device. Numbers count up from 1 and are not reused at once.

    Args:
        limit: descriptors open at the same time.
        limit_per_container: of one container.

    Attributes:
        open: the open descriptors by number, of all owners; only the table changes it.
    """

    def __init__(self, limit: int, limit_per_container: int) -> None:
        self._limit = limit
        self._limit_per_container = limit_per_container
        self.open: dict[int, Descriptor] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self.open)

    def is_open(self, owner: bytes, endpoint_id: int) -> bool:
        """Whether the container has this endpoint open."""
        return any(entry.endpoint.endpoint_id == endpoint_id for entry in self.of(owner))

    def has_room(self, owner: bytes) -> bool:
        """Whether the container may have another descriptor."""
        return (
            len(self.open) < self._limit and len(list(self.of(owner))) < self._limit_per_container
        )

    def add(self, owner: bytes, endpoint: Endpoint, driver: Channel, driver_fd: int) -> Descriptor:
        """Add a descriptor with the next free number.

        Raises:
            RuntimeError: there is no room, or the endpoint is open; ask first.
        """
        if not self.has_room(owner) or self.is_open(owner, endpoint.endpoint_id):
            raise RuntimeError("the table has no room for this descriptor, or its endpoint is open")
        entry = Descriptor(
            endpoint_fd=self._next_number(),
            owner=owner,
            endpoint=endpoint,
            driver=driver,
            driver_fd=driver_fd,
            readable=endpoint.direction.container_reads,
            writable=endpoint.direction.container_writes,
        )
        self.open[entry.endpoint_fd] = entry
        return entry

    def remove(self, entry: Descriptor) -> Descriptor:
        """Take a descriptor out."""
        return self.open.pop(entry.endpoint_fd)

    def holds(self, driver: Channel, driver_fd: int) -> bool:
        """Whether what a driver has opened has a descriptor."""
        return any(
            entry.driver is driver and entry.driver_fd == driver_fd for entry in self.open.values()
        )

    def of(self, owner: bytes) -> Iterator[Descriptor]:
        """The descriptors of a container, oldest first; the table may change meanwhile."""
        return iter([entry for entry in self.open.values() if entry.owner == owner])

    def _next_number(self) -> int:
        while True:
            self._last = self._last % MAX_DESCRIPTOR + 1
            if self._last not in self.open:
                return self._last
