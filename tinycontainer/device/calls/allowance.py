"""How many records of one kind a container may cause per second; the rest is counted."""

from tinycontainer.interfaces.clock import NS_PER_S


class Allowance:
    """A number of records per second of device time.

    Args:
        per_second: how many; a second begins with the first record after the last one ended.
    """

    __slots__ = ("_began_ns", "_dropped", "_left", "_per_second")

    def __init__(self, per_second: int) -> None:
        self._per_second = self._left = per_second
        self._began_ns: int | None = None
        self._dropped = 0

    def take(self, now_ns: int) -> bool:
        """Whether one more may be recorded; counts it if not."""
        if self._began_ns is None or now_ns - self._began_ns >= NS_PER_S:
            self._began_ns, self._left = now_ns, self._per_second
        if self._left > 0:
            self._left -= 1
            return True
        self._dropped += 1
        return False

    def collect_dropped(self) -> int:
        """How many were not recorded since this was last asked."""
        dropped, self._dropped = self._dropped, 0
        return dropped
