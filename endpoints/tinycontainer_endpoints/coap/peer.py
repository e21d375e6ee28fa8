"""What the driver needs of a remote resource: on the network, recorded, or missing."""

from typing import Final, Protocol

from tinycontainer.errors import DriverError

MAX_MESSAGE_BYTES: Final = 255
"""As much as one call can read."""


class RemotePeer(Protocol):
    """A remote resource. Nothing of it waits."""

    def begin(self) -> None:
        """Ask for what the resource holds, as somebody has opened it.

        Raises:
            DriverError: it cannot be used.
        """

    def end(self) -> None:
        """Nobody has it open any more."""

    def send(self, payload: bytes) -> bool:
        """Send a message; False if too many are on their way."""

    def take(self, now_us: int) -> bytes:
        """The oldest message that has come by the device's time; empty if there is none."""

    def problem(self) -> str:
        """What went wrong since it was last asked, in one line; empty if nothing did."""


class NoPeer:
    """A resource where no network can be used: it cannot be opened."""

    def begin(self) -> None:
        """Refuse.

        Raises:
            DriverError: always.
        """
        raise DriverError(problem="no network can be used")

    def end(self) -> None:
        """Nobody has it open."""

    def send(self, payload: bytes) -> bool:
        """Nothing is sent."""
        return False

    def take(self, now_us: int) -> bytes:
        """Nothing comes."""
        return b""

    def problem(self) -> str:
        """Nothing: the missing network was reported before."""
        return ""
