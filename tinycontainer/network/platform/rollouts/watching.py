"""Devices that somebody looks at just now, and what they have said in the last minute.

It is in memory: a look that changes nothing writes nothing, and the platform that shows a device is
the one that asks it.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from types import MappingProxyType
from typing import Final

from ..delivery.progress import ReportedContainer
from .looking import LookedAt

WATCHED_S: Final = 30.0
"""For how long a device is watched after somebody has looked at it."""
AGAIN_S: Final = 0.8
"""After which a watched device is asked again."""
SHARE: Final = 8
"""A device that takes a second to answer is asked every so many seconds at the most."""
FAILED_S: Final = 10.0
"""After which a device is asked again whose gateway gives nothing that can be used."""
WRITTEN_S: Final = 10.0
"""After which is written what a device has said, also if it says the same as before."""
MINUTE_S: Final = 60.0
MOST_WATCHED: Final = 64
MOST_OF_GATEWAY: Final = 2
"""Devices behind it that are asked at the same time: one that hangs does not hold up all others."""
MOST_CONTAINERS: Final = 16
"""Of a device, of which is remembered what it says of them, by uid."""
_MOST_LOOKS: Final = int(MINUTE_S / AGAIN_S) + 5
_TAKEN_S: Final = 120.0
"""After which a device is asked again whose answer has not come, and neither a failure."""


@dataclass(frozen=True, slots=True)
class DeviceLook:
    """What a device said at one time.

    Attributes:
        at_s: Unix time of the platform.
        containers: by uid, `MOST_CONTAINERS` of them; None if the device has not answered.
    """

    at_s: float
    containers: Mapping[bytes, ReportedContainer] | None


@dataclass(slots=True)
class _Watched:
    """A device that is watched.

    Attributes:
        device: where it is.
        until_s: Unix time until which it is watched.
        due_s: Unix time at which it is asked.
        asked_s: Unix time at which it was asked last.
        looks: of the last minute, the oldest first.
        written: hash of what was written of it last, without what it used; None if nothing was.
        written_s: Unix time of that.
    """

    device: LookedAt
    until_s: float
    due_s: float
    asked_s: float = 0.0
    looks: deque[DeviceLook] = field(default_factory=lambda: deque(maxlen=_MOST_LOOKS))
    written: int | None = None
    written_s: float = float("-inf")


class WatchedDevices:
    """The devices that are watched. It is used by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._watched: dict[int, _Watched] = {}
        self._asked: Counter[str] = Counter()

    def see(self, device: LookedAt, now_s: float) -> tuple[DeviceLook, ...]:
        """Watch a device for a while; what it has said in the last minute, the oldest first.

        Args:
            device: that somebody looks at, who may.
            now_s: Unix time.
        """
        with self._lock:
            self._forget(now_s)
            found = self._watched.get(device.device_id)
            if found is None or found.device != device:
                found = self._watched[device.device_id] = _Watched(device, now_s, now_s)
            found.until_s = now_s + WATCHED_S
            if len(self._watched) > MOST_WATCHED:
                self._leave_one()
            return tuple(each for each in found.looks if each.at_s > now_s - MINUTE_S)

    def take(self, gateways: frozenset[str], now_s: float) -> LookedAt | None:
        """The device that is to be asked next; None if none is due.

        Args:
            gateways: only devices behind these.
            now_s: Unix time.
        """
        with self._lock:
            self._forget(now_s)
            due = [
                each
                for each in self._watched.values()
                if each.due_s <= now_s
                and each.device.gateway in gateways
                and self._asked[each.device.gateway] < MOST_OF_GATEWAY
            ]
            if not due:
                return None
            found = min(due, key=lambda each: each.due_s)
            found.asked_s, found.due_s = now_s, now_s + _TAKEN_S
            self._asked[found.device.gateway] += 1
            return found.device

    def note(
        self, device: LookedAt, said: Mapping[bytes, ReportedContainer] | None, now_s: float
    ) -> bool:
        """Remember what a device has said; whether it is to be written now.

        Args:
            device: that was taken.
            said: what it has; None if it does not answer now.
            now_s: Unix time.
        """
        with self._lock:
            found = self._find(device)
            if found is None:
                return False
            if said is None:
                found.looks.append(DeviceLook(now_s, None))
                return False
            first = sorted(said)[:MOST_CONTAINERS]
            kept = MappingProxyType({uid: said[uid] for uid in first})
            found.looks.append(DeviceLook(now_s, kept))
            news = hash(frozenset((uid, *_lasting(each)) for uid, each in said.items()))
            if news == found.written and now_s < found.written_s + WRITTEN_S:
                return False
            found.written, found.written_s = news, now_s
            return True

    def give_back(self, device: LookedAt, now_s: float, *, has_failed: bool) -> None:
        """Let a device be asked again.

        Args:
            device: that was taken.
            now_s: Unix time.
            has_failed: whether its gateway gave nothing that can be used.
        """
        with self._lock:
            self._asked -= Counter({device.gateway: 1})
            found = self._find(device)
            if found is not None:
                took_s = max(0.0, now_s - found.asked_s)
                least_s = FAILED_S if has_failed else AGAIN_S
                found.due_s = max(found.asked_s + least_s, now_s + SHARE * took_s - took_s)

    def _find(self, device: LookedAt) -> _Watched | None:
        found = self._watched.get(device.device_id)
        return found if found is not None and found.device == device else None

    def _leave_one(self) -> None:
        """Leave a device of the gateway that has the most, so that the others keep theirs."""
        counted = Counter(each.device.gateway for each in self._watched.values())
        most = max(counted.values())
        among = [key for key, each in self._watched.items() if counted[each.device.gateway] == most]
        del self._watched[min(among, key=lambda key: self._watched[key].until_s)]

    def _forget(self, now_s: float) -> None:
        for number in [key for key, each in self._watched.items() if each.until_s < now_s]:
            del self._watched[number]


def _lasting(reported: ReportedContainer) -> tuple[str, str, str]:
    """What of a container does not change all the time."""
    return reported.state, reported.sha256, reported.last_exit
