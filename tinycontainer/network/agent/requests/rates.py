"""Limits how often each peer may ask, so that none keeps the device busy for itself."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MAX_PEERS: Final = 256


@dataclass(slots=True)
class _Bucket:
    """What a peer has left.

    Attributes:
        left: requests that it may make at once.
        at_s: when ``left`` was worked out.
    """

    left: float
    at_s: float

    def take(self, now_s: float, per_s: float, burst: int) -> float:
        """Take one request; 0 if there was one, else the seconds until there is."""
        self.left = min(burst, self.left + (now_s - self.at_s) * per_s)
        self.at_s = now_s
        if self.left < 1:
            return (1 - self.left) / per_s
        self.left -= 1
        return 0.0


class Rates:
    """A bucket for each peer, and one for all together: many addresses are no way around it.

    Args:
        now_s: monotonic seconds.
        per_s: how many requests a peer may make in a second.
        burst: how many of them at once.
        shared: how many times as much all peers together may.
        most_peers: whose buckets are kept; the one that has not asked for longest is forgotten.
    """

    def __init__(
        self,
        now_s: Callable[[], float],
        per_s: float = 200,
        burst: int = 400,
        shared: int = 4,
        most_peers: int = MAX_PEERS,
    ) -> None:
        self._most_peers = most_peers
        self._now_s = now_s
        self._per_s = per_s
        self._burst = burst
        self._shared = shared
        self._of_all = _Bucket(burst * shared, now_s())
        self._of_peers: OrderedDict[bytes, _Bucket] = OrderedDict()

    def admit(self, peer: bytes) -> float:
        """0 if the peer may ask now; else for how many seconds it should wait."""
        now_s = self._now_s()
        bucket = self._of_peers.pop(peer, None) or _Bucket(self._burst, now_s)
        if len(self._of_peers) >= self._most_peers:
            self._of_peers.popitem(last=False)
        self._of_peers[peer] = bucket
        wait_s = bucket.take(now_s, self._per_s, self._burst)
        if wait_s > 0:
            return wait_s
        return self._of_all.take(now_s, self._per_s * self._shared, self._burst * self._shared)
