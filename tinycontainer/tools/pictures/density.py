"""How much of each column of a picture a container spent on what: the shades of its bars."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from .timeline import Activity, Lane, Timeline

LEVELS: Final = 8
"""How many shades there are; the darkest is for columns that are full."""
_LIGHTEST: Final = 0.16


def shares_of_columns(
    timeline: Timeline, lane: Lane, activity: Activity, columns: int
) -> dict[int, float]:
    """The share of an activity in each column, above 0 and up to 1; others are left out.

    Args:
        timeline: the run.
        lane: one of its containers.
        activity: what is looked for.
        columns: how many columns the whole run has.
    """
    column_ns = timeline.length_ns / columns
    shares: dict[int, float] = {}
    for begin_ns, end_ns, length_ns in _stretches(lane, activity):
        begin = (begin_ns - timeline.begin_ns) / column_ns
        end = (end_ns - timeline.begin_ns) / column_ns
        density = length_ns / max(1, end_ns - begin_ns)
        first = min(columns - 1, max(0, int(begin)))
        last = min(columns - 1, max(first, int(end)))
        for column in range(first, last + 1):
            covered = min(end, column + 1) - max(begin, column)
            if covered > 0:
                shares[column] = shares.get(column, 0.0) + covered * density
    return {column: min(1.0, share) for column, share in shares.items()}


def shaded_runs(shares: dict[int, float]) -> Iterator[tuple[int, int, int]]:
    """Neighbouring columns of one shade: the first, the one after the last, and the level.

    Args:
        shares: of `shares_of_columns`.
    """
    levels = ((column, _level(shares[column])) for column in sorted(shares))
    for (_, level), group in groupby(
        enumerate(levels), lambda each: (each[1][0] - each[0], each[1][1])
    ):
        run = [column for _, (column, _) in group]
        yield run[0], run[-1] + 1, level


def opacity_of(level: int) -> float:
    """How opaque a level is; the lightest can still be seen."""
    return _LIGHTEST + (1 - _LIGHTEST) * (level / LEVELS) if level < LEVELS else 1.0


def _level(share: float) -> int:
    # Rounding to a whole column leaves what is full a little less than full.
    return min(LEVELS, int(share * LEVELS + 1e-6))


def _stretches(lane: Lane, activity: Activity) -> Iterator[tuple[int, int, int]]:
    """Beginning, end, and how much of it was spent on the activity."""
    if lane.cells:
        for cell in lane.cells:
            length_ns = cell.length_of(activity)
            if length_ns:
                yield cell.begin_ns, cell.end_ns, length_ns
        return
    for span in lane.spans:
        if span.activity is activity:
            yield span.begin_ns, span.end_ns, span.length_ns
