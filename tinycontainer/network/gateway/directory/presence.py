"""Whether a device can be reached now, and if not, when it is expected back (TC-GW-12)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .registrations import Registration

_MARGIN_S: Final = 0.5
_MARGIN_SHARE: Final = 0.1
"""Of the time that a device stays awake: a request that is sent has to arrive in it."""


class Presence(StrEnum):
    """Whether a device can be reached."""

    AWAKE = "awake"
    ASLEEP = "asleep"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a device can be reached, and when it can again.

    Attributes:
        presence: whether it can be reached.
        back_s: in how many seconds it is expected: 0 if it is awake or overdue, None if it is gone
            and nothing is known.
    """

    presence: Presence
    back_s: float | None


def judge_presence(
    registration: Registration | None, heard_s: float | None, now_s: float
) -> Availability:
    """Work out whether a device can be reached.

    Args:
        registration: of the device; None if it has none.
        heard_s: Unix time of the last answer that came from it; None if none did.
        now_s: Unix time.
    """
    if registration is None or not registration.is_live(now_s):
        return Availability(Presence.GONE, None)
    if not registration.sleep_s:
        return Availability(Presence.AWAKE, 0.0)
    last_s = max(registration.renewed_s, heard_s or 0.0)
    awake_s = registration.awake_s
    margin_s = min(_MARGIN_S, awake_s * _MARGIN_SHARE)
    if now_s < last_s + awake_s - margin_s:
        return Availability(Presence.AWAKE, 0.0)
    return Availability(Presence.ASLEEP, max(0.0, last_s + awake_s + registration.sleep_s - now_s))
