"""Moments and durations in words."""

from datetime import UTC, datetime
from typing import Final

_UNITS: Final = (("day", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_LAST_S: Final = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


def format_utc(moment_s: int) -> str:
    """A moment as a date and time in UTC, such as ``2026-01-31T12:00:00Z`` (RFC 3339).

    Args:
        moment_s: Unix seconds. Where the calendar ends, at the year 9999, the number is shown.
    """
    if not 0 <= moment_s <= _LAST_S:
        return f"Unix second {moment_s}"
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_duration(seconds: int) -> str:
    """A number of seconds in its two largest units, such as ``2 days 3 h``.

    Args:
        seconds: at least 0.
    """
    parts: list[str] = []
    rest = seconds
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            plural = "s" if name == "day" and count > 1 else ""
            parts.append(f"{count} {name}{plural}")
    return " ".join(parts[:2]) or "0 s"
