"""The watchdog that heartbeats feed, one per started container."""


class Watchdog:
    """Armed from the loop after the first granted heartbeat (in start: from the first loop)."""

    __slots__ = ("_armed", "_beaten", "_wanted")

    def __init__(self) -> None:
        self._wanted = self._armed = self._beaten = False

    def beat(self) -> None:
        """A heartbeat was granted."""
        self._wanted = self._beaten = True

    def loop_begins(self) -> None:
        """A loop begins; it is watched if there was a heartbeat before it."""
        self._armed, self._beaten = self._wanted, False

    def missed(self) -> bool:
        """Whether the loop that has just completed should have sent a heartbeat and did not."""
        return self._armed and not self._beaten

    def disarm(self) -> None:
        """The right to send heartbeats was revoked."""
        self._wanted = self._armed = self._beaten = False
