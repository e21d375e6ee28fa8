"""How often somebody may try to log in: a few times, then after a wait that doubles."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from threading import Lock
from typing import Final

FREE: Final = 5
"""Failures before the first wait."""
FIRST_WAIT_S: Final = 1.0
MOST_WAIT_S: Final = 900.0
MOST_NAME_WAIT_S: Final = 10.0
"""For a name: a stranger must not keep its owner out for long."""
FORGET_S: Final = 4 * MOST_WAIT_S
"""After so long without a try, the failures before it count no more."""
MAX_KEPT: Final = 100_000
_NETWORK_BITS: Final = 64


@dataclass(slots=True)
class _Failures:
    """Of one name, or of one address.

    Attributes:
        count: how many there were.
        tried_s: when the last try began.
        until_s: when the next one may begin.
    """

    count: int
    tried_s: float
    until_s: float


class LogInLimiter:
    """Counts failures per name and per source address.

    A try counts as a failure from its beginning: many at once are no way around it.

    Args:
        now_s: monotonic seconds.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def begin(self, name: str, address: str) -> bool:
        """Whether somebody may try now.

        Args:
            name: under which; nobody needs to have it.
            address: from where.
        """
        now_s = self._now_s()
        with self._lock:
            both = [self._find(key, now_s) for key in _keys(name, address)]
            if any(now_s < each.until_s for each in both):
                return False
            for each, most_s in zip(both, (MOST_NAME_WAIT_S, MOST_WAIT_S), strict=True):
                each.count += 1
                each.tried_s = now_s
                each.until_s = now_s + min(most_s, _wait_s(each.count))
        return True

    def succeed(self, name: str, address: str) -> None:
        """The try was no failure: the name begins anew; other failures of the address stay."""
        of_name, of_address = _keys(name, address)
        with self._lock:
            self._kept.pop(of_name, None)
            found = self._kept.get(of_address)
            if found is not None:
                found.count -= 1
                found.until_s = self._now_s()

    def _find(self, key: tuple[str, str], now_s: float) -> _Failures:
        found = self._kept.pop(key, None)
        if found is None or now_s - found.tried_s > FORGET_S:
            found = _Failures(0, now_s, now_s)
        while len(self._kept) >= MAX_KEPT:
            self._kept.popitem(last=False)
        self._kept[key] = found
        return found


def _wait_s(count: int) -> float:
    if count < FREE:
        return 0.0
    return min(MOST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(count - FREE, 64))


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("name", name), ("address", _network(address))


def _network(address: str) -> str:
    """Of IPv6, one client has a whole network of addresses."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{int(found) >> (128 - _NETWORK_BITS):x}/64"
