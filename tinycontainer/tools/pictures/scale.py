"""Time as people read it: the ticks of an axis, and how moments and lengths are written."""

from collections.abc import Iterator
from itertools import count

from tinycontainer.interfaces.clock import NS_PER_MS, NS_PER_S

_UNITS = ((NS_PER_S, "s"), (NS_PER_MS, "ms"), (1000, "us"), (1, "ns"))


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


def format_moment(at_ns: int, step_ns: int) -> str:
    """A moment, in the unit that its neighbours on an axis have too.

    Args:
        at_ns: the moment.
        step_ns: distance of two neighbours.
    """
    unit_ns, name = next(unit for unit in _UNITS if unit[0] <= max(1, step_ns))
    return f"{at_ns // unit_ns} {name}"


def format_duration(length_ns: int) -> str:
    """A length of time with three or four significant digits."""
    for unit_ns, name in _UNITS:
        if length_ns >= unit_ns > 1:
            value = length_ns / unit_ns
            digits = 0 if value >= 100 else 1 if value >= 10 else 2
            return f"{value:.{digits}f} {name}"
    return f"{length_ns} ns"


def _steps() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50, and so on."""
    for power in count():
        for first in (1, 2, 5):
            yield first * 10**power
