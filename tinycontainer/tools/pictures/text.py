"""A timeline in letters, for a terminal or a mail."""

from collections.abc import Iterator
from typing import Final

from .density import shares_of_columns
from .gantt import MAX_ROWS, lane_name
from .scale import format_duration
from .timeline import Activity, Lane, MarkKind, Timeline

LETTERS: Final = (
    "# running half of the time or more   + less   = preempted   : due   . started"
    "   x refused   ! missed   F fault"
)
# Both from weak to strong.
_ACTIVITY_LETTERS: Final = (
    (Activity.ASLEEP, "."),
    (Activity.DUE, ":"),
    (Activity.PREEMPTED, "="),
    (Activity.RUNNING, "+"),
)
_MARK_LETTERS: Final = ((MarkKind.REFUSAL, "x"), (MarkKind.MISS, "!"), (MarkKind.FAULT, "F"))
_MIN_COLUMNS: Final = 20
_MOST: Final = 0.5 - 1e-9


def text_chart(timeline: Timeline, width: int) -> Iterator[str]:
    """Lines of printable ASCII, a row for each container.

    Args:
        timeline: the run.
        width: characters of a line; a narrow one is widened to what a chart needs.
    """
    names = [lane_name(lane) for lane in timeline.lanes[:MAX_ROWS]]
    longest = max(map(len, names), default=0)
    columns = max(_MIN_COLUMNS, width - longest - 2)
    letter_ns = -(-timeline.length_ns // columns)
    length = format_duration(letter_ns)
    yield f"Who ran when; each letter is {length}, the strongest of what happened in it"
    for name, lane in zip(names, timeline.lanes, strict=False):
        letters = "".join(_draw_letters(timeline, lane, columns))
        yield f"{name:<{longest}}  {letters}".rstrip()
    if len(timeline.lanes) > MAX_ROWS:
        yield f"{len(timeline.lanes) - MAX_ROWS} more containers are not shown"
    if timeline.is_cut:
        cell = format_duration(timeline.cell_ns)
        yield f"the run is too long for single hooks; the letters are drawn from sums of {cell}"
    yield LETTERS


def _draw_letters(timeline: Timeline, lane: Lane, columns: int) -> list[str]:
    """The row of a lane; a stronger activity or mark overwrites a weaker one."""
    letters = [" "] * columns
    for activity, letter in _ACTIVITY_LETTERS:
        for column, share in shares_of_columns(timeline, lane, activity, columns).items():
            is_most = activity is Activity.RUNNING and share >= _MOST
            letters[column] = "#" if is_most else letter
    for kind, letter in _MARK_LETTERS:
        for mark in lane.marks:
            if mark.kind is kind:
                passed = (mark.at_ns - timeline.begin_ns) * columns // timeline.length_ns
                letters[min(columns - 1, passed)] = letter
    return letters
