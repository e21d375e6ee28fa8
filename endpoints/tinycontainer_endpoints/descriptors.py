"""A driver's own descriptors: numbers from 1, each with what the driver keeps for it."""

from typing import Generic, TypeVar

from tinycontainer.errors import DriverError

Held = TypeVar("Held")


class Descriptors(Generic[Held]):
    """Gives numbers that are never used again, so a stale descriptor cannot meet a new one."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}
        self._last = 0

    def open(self, held: Held) -> int:
        """A new descriptor for what the driver keeps."""
        self._last += 1
        # One step, so that an interrupt leaves no descriptor that nobody knows.
        return self._held.update({self._last: held}) or self._last

    def __getitem__(self, driver_fd: int) -> Held:
        """What is kept for a descriptor.

        Raises:
            DriverError: it is not open.
        """
        try:
            return self._held[driver_fd]
        except KeyError:
            raise DriverError(problem=f"descriptor {driver_fd} is not open") from None

    def close(self, driver_fd: int) -> Held:
        """Give a descriptor back; what was kept for it.

        Raises:
            DriverError: it is not open.
        """
        _ = self[driver_fd]
        return self._held.pop(driver_fd)
