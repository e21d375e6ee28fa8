"""How often each person may ask, counted by many threads."""

from collections.abc import Callable
from threading import Lock
from typing import Final

from ..agent.requests.rates import Rates

MAX_PEOPLE: Final = 100_000
_BURST_S: Final = 4
_ALL: Final = 1_000_000


class SharedRates:
    """A bucket for each person; many threads take from it.

    Args:
        now_s: monotonic seconds.
        per_s: requests of each person in a second.
    """

    def __init__(self, now_s: Callable[[], float], per_s: float) -> None:
        burst = max(1, int(per_s * _BURST_S))
        self._rates = Rates(now_s, per_s, burst, shared=_ALL, most_peers=MAX_PEOPLE)
        self._lock = Lock()

    def admit(self, person: str) -> float:
        """0 if the person may ask now; else for how many seconds to wait."""
        with self._lock:
            return self._rates.admit(person.encode())
