"""When a device asks its directory, and when it sleeps: a plan without a network or a clock.

The plan says what is due next and when; whoever carries it out says what became of it. All times
are seconds of one monotonic clock. Clauses TC-MGMT-17 to TC-MGMT-19.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

ANSWER_S: Final = 4.0
"""How long the plan waits for an answer, if the device does not sleep before."""
MOST_FAILURES: Final = 3
"""After so many failures in a row a registration counts as lost."""
_SHORTEST_ANSWER_S: Final = 1.0
_FIRST_BACKOFF_S: Final = 1.0
_LONGEST_BACKOFF_S: Final = 60.0
_MOST_DOUBLINGS: Final = 6


class Deed(Enum):
    """What can be due."""

    REGISTER = auto()
    RENEW = auto()
    SLEEP = auto()
    WAKE = auto()


@dataclass(frozen=True, slots=True)
class Due:
    """What is due next.

    Attributes:
        deed: what.
        at_s: when; it may be past.
    """

    deed: Deed
    at_s: float


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The times that the device file sets.

    Attributes:
        lifetime_s: how long a registration holds.
        sleep_s: how long the device sleeps; 0 if it never does.
        awake_s: how long it is awake after the last registration or answered request.
    """

    lifetime_s: int
    sleep_s: int = 0
    awake_s: int = 10


@dataclass(frozen=True, slots=True)
class RegistrationTerms:
    """How a device registers.

    Attributes:
        directory: URI of a server of CoAP, without a path.
        name: of the device, as the directory knows it.
        peer: whose context protects it; None if nothing is protected.
        rhythm: its times.
    """

    directory: str
    name: str
    peer: str | None
    rhythm: Rhythm


class PresencePlan:
    """Whether a device is registered and awake, and what is due next.

    Args:
        rhythm: times of the device file.
        now_s: when it begins; it is awake, and not registered.
        draw: a random number from 0 to 1, without 1.
    """

    def __init__(self, rhythm: Rhythm, now_s: float, draw: Callable[[], float]) -> None:
        self._rhythm = rhythm
        self._draw = draw
        self._ask_at_s = now_s
        self._awake_until_s = now_s + rhythm.awake_s
        self._wake_at_s: float | None = None
        self._holds_until_s: float | None = None
        self._failures = 0

    @property
    def is_registered(self) -> bool:
        """Whether the directory has the device, as far as the device knows."""
        return self._holds_until_s is not None

    @property
    def sleeps(self) -> bool:
        """Whether the device sleeps at all."""
        return self._rhythm.sleep_s > 0

    def find_due(self) -> Due:
        """What is due next; asked again after each note, and when its time has come."""
        if self._wake_at_s is not None:
            return Due(Deed.WAKE, self._wake_at_s)
        asking = Deed.RENEW if self.is_registered else Deed.REGISTER
        if not self.sleeps or self._ask_at_s < self._awake_until_s:
            return Due(asking, self._ask_at_s)
        if self._would_lapse():
            return Due(asking, self._awake_until_s)
        return Due(Deed.SLEEP, self._awake_until_s)

    def answer_s(self, now_s: float) -> float:
        """How long to wait for the answer to what is asked now: a silent directory costs no sleep.

        Args:
            now_s: the time.
        """
        if not self.sleeps:
            return ANSWER_S
        return min(ANSWER_S, max(_SHORTEST_ANSWER_S, self._awake_until_s - now_s))

    def note_registered(self, now_s: float) -> None:
        """The directory has taken a registration or its renewal."""
        self._failures = 0
        self._holds_until_s = now_s + self._rhythm.lifetime_s
        self.note_use(now_s)
        # Half of the lifetime is left for trying again.
        self._ask_at_s = now_s + self._rhythm.lifetime_s * (0.4 + 0.1 * self._draw())
        if self.sleeps:  # it is renewed after waking; a renewal must not prevent the sleep
            self._ask_at_s = max(self._ask_at_s, now_s + self._rhythm.awake_s)

    def note_forgotten(self, now_s: float) -> None:
        """The directory does not know the registration any more: register anew at once."""
        self._holds_until_s = None
        self._ask_at_s = now_s
        self.note_use(now_s)

    def note_failure(self, now_s: float) -> None:
        """The directory has not answered, or not as it must."""
        self._failures += 1
        has_lapsed = self._holds_until_s is not None and self._holds_until_s <= now_s
        if self._failures >= MOST_FAILURES or has_lapsed:
            self._holds_until_s = None
        self._ask_at_s = now_s + self._backoff_s()

    def note_use(self, now_s: float) -> None:
        """A request was answered, or an update goes on: the device stays awake."""
        self._awake_until_s = max(self._awake_until_s, now_s + self._rhythm.awake_s)

    def note_asleep(self, now_s: float) -> None:
        """The device cannot be reached from now on."""
        self._wake_at_s = now_s + self._rhythm.sleep_s

    def note_awake(self, now_s: float) -> None:
        """The device can be reached again."""
        self._wake_at_s = None
        self._ask_at_s = now_s
        self._awake_until_s = now_s + self._rhythm.awake_s

    def note_still_asleep(self, now_s: float) -> None:
        """The device could not wake; it tries again."""
        self._failures += 1
        self._holds_until_s = None
        self._wake_at_s = now_s + self._backoff_s()

    def _would_lapse(self) -> bool:
        """Whether requests kept the device awake for so long that it must renew before it sleeps.

        After a failure it sleeps all the same.
        """
        if self._holds_until_s is None or self._failures:
            return False
        return self._holds_until_s <= self._awake_until_s + self._rhythm.sleep_s

    def _backoff_s(self) -> float:
        doublings = min(self._failures - 1, _MOST_DOUBLINGS)
        backoff_s = min(_FIRST_BACKOFF_S * (1 << doublings), _LONGEST_BACKOFF_S)
        return backoff_s * (1 + self._draw() / 2)
