"""Time as people read it: the ticks of an axis, and how moments and lengths are written."""

from collections.abc import Iterator
from itertools import count
from typing import Final

from tinycontainer.interfaces.clock import NS_PER_MS, NS_PER_S

_UNITS = ((NS_PER_S, "s"), (NS_PER_MS, "ms"), (1000, "us"), (1, "ns"))
_MINUTE_NS: Final = 60 * NS_PER_S
_HOUR_NS: Final = 60 * _MINUTE_NS
_STEPS_OF_CLOCKS: Final = (
    *(minutes * _MINUTE_NS for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR_NS for hours in (1, 2, 3, 6, 12)),
)


def choose_ticks(begin_ns: int, end_ns: int, max_ticks: int) -> list[int]:
    """Round moments between two moments, as many as fit.

    Args:
        begin_ns: the first moment.
        end_ns: the last one.
        max_ticks: how many ticks at most; at least 2.
    """
    length_ns = max(1, end_ns - begin_ns)
    step_ns = next(step for step in _steps() if length_ns // step + 1 <= max_ticks)
    first_ns = -(-begin_ns // step_ns) * step_ns
    return list(range(first_ns, end_ns + 1, step_ns))


def format_moment(at_ns: int, step_ns: int, last_ns: int = 0) -> str:
    """A moment, in the form that its neighbours on an axis have too.

    Args:
        at_ns: the moment.
        step_ns: distance of two neighbours.
        last_ns: the last moment of the axis; from a minute on, all are written as h:mm:ss.
    """
    if last_ns >= _MINUTE_NS:
        digits = next(count for count in range(10) if step_ns * 10**count >= NS_PER_S)
        return _as_clock(at_ns, digits)
    unit_ns, name = next(unit for unit in _UNITS if unit[0] <= max(1, step_ns))
    return f"{at_ns // unit_ns} {name}"


def format_duration(length_ns: int) -> str:
    """A length of time with three or four significant digits; from a minute on as h:mm:ss."""
    if length_ns >= _MINUTE_NS:
        return _as_clock(length_ns, 0)
    for unit_ns, name in _UNITS:
        if length_ns >= unit_ns > 1:
            value = length_ns / unit_ns
            digits = 0 if value >= 100 else 1 if value >= 10 else 2
            return f"{value:.{digits}f} {name}"
    return f"{length_ns} ns"


def _as_clock(at_ns: int, digits: int) -> str:
    seconds, rest_ns = divmod(at_ns, NS_PER_S)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{rest_ns:09}"[: digits + 1] if digits else ""
    return f"{hours}:{minutes:02}:{seconds:02}{fraction}"


def _steps() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50 and so on up to 20 s, then as clocks divide, then days."""
    for power in count():
        for first in (1, 2, 5):
            step_ns = first * 10**power
            if step_ns > 20 * NS_PER_S:
                yield 30 * NS_PER_S
                yield from _STEPS_OF_CLOCKS
                for days in count():
                    yield from (each * 10**days * 24 * _HOUR_NS for each in (1, 2, 5))
            yield step_ns
