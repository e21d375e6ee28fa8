"""A driver's own descriptors: numbers from 1, each with what the driver keeps for it."""

from typing import Generic, TypeVar

from tinycontainer.errors import DriverError

State = TypeVar("State")


class Descriptors(Generic[State]):
    """Hands out numbers that are not reused."""

    def __init__(self) -> None:
        self._states: dict[int, State] = {}
        self._last = 0

    def open(self, state: State) -> int:
        """A new descriptor for a state."""
        self._last += 1
        self._states[self._last] = state
        return self._last

    def __getitem__(self, driver_fd: int) -> State:
        """What is kept for a descriptor.

        Raises:
            DriverError: it is not open.
        """
        try:
            return self._states[driver_fd]
        except KeyError:
            raise DriverError(problem="this descriptor is not open") from None

    def close(self, driver_fd: int) -> State:
        """Give a descriptor back.

        Raises:
            DriverError: it is not open.
        """
        state = self[driver_fd]
        del self._states[driver_fd]
        return state
