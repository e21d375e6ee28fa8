"""Times as people read them: how long ago, or how soon; and exactly, for programs."""

from datetime import UTC, datetime
from typing import Final

_UNITS: Final = (
    (365 * 86_400, "year"),
    (30 * 86_400, "month"),
    (86_400, "day"),
    (3_600, "hour"),
    (60, "minute"),
)
"""Seconds of each, the longest first."""


def write_moment(at_s: float | None) -> str:
    """A time as programs read it: ISO 8601 in UTC; a dash for none."""
    if at_s is None:
        return "-"
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_minute(at_s: float) -> str:
    """A time as the fields of browsers take it: in UTC, to the minute."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M")


def write_words(at_s: float, now_s: float) -> str:
    """A time in words, such as ``3 hours ago``, ``in 2 days`` or ``just now``.

    Args:
        at_s: Unix time.
        now_s: Unix time.
    """
    away_s = abs(now_s - at_s)
    found = next(((size_s, unit) for size_s, unit in _UNITS if away_s >= size_s), None)
    if found is None:
        return "just now" if at_s <= now_s else "in a moment"
    size_s, unit = found
    count = int(away_s // size_s)
    words = f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{words} ago" if at_s <= now_s else f"in {words}"
