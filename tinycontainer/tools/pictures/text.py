"""A timeline in letters, for a terminal or a mail."""

from collections.abc import Iterator
from typing import Final

from .gantt import MAX_ROWS, NAME_BYTES, lane_name
from .scale import format_duration
from .timeline import Activity, Lane, MarkKind, Timeline

LETTERS: Final = "# running   = preempted   : due   . started   x refused   ! missed   F fault"
# Both from weak to strong.
_ACTIVITY_LETTERS: Final = (
    (Activity.ASLEEP, "."),
    (Activity.DUE, ":"),
    (Activity.PREEMPTED, "="),
    (Activity.RUNNING, "#"),
)
_MARK_LETTERS: Final = ((MarkKind.REFUSAL, "x"), (MarkKind.MISS, "!"), (MarkKind.FAULT, "F"))
_MIN_COLUMNS: Final = 20


def text_chart(timeline: Timeline, width: int) -> Iterator[str]:
    """Lines of printable ASCII, a row for each container.

    Args:
        timeline: the run.
        width: characters of a line; a narrow one is widened to what a chart needs.
    """
    columns = max(_MIN_COLUMNS, width - NAME_BYTES - 5)
    letter_ns = -(-timeline.length_ns // columns)
    length = format_duration(letter_ns)
    yield f"Who ran when; each letter is {length}, the strongest of what happened in it"
    for lane in timeline.lanes[:MAX_ROWS]:
        letters = "".join(_draw_letters(timeline.begin_ns, lane, letter_ns, columns))
        yield f"{lane_name(lane):<{NAME_BYTES + 3}}  {letters}".rstrip()
    if len(timeline.lanes) > MAX_ROWS:
        yield f"{len(timeline.lanes) - MAX_ROWS} more containers are not shown"
    if timeline.is_cut:
        yield "the run went on, but is too long to be shown"
    yield LETTERS


def _draw_letters(begin_ns: int, lane: Lane, letter_ns: int, columns: int) -> list[str]:
    """The row of a lane; a stronger activity or mark overwrites a weaker one."""
    letters = [" "] * columns
    for activity, letter in _ACTIVITY_LETTERS:
        for span in lane.spans:
            if span.activity is activity:
                first = (span.begin_ns - begin_ns) // letter_ns
                last = min(columns - 1, (span.end_ns - 1 - begin_ns) // letter_ns)
                letters[first : last + 1] = letter * (last + 1 - first)
    for kind, letter in _MARK_LETTERS:
        for mark in lane.marks:
            if mark.kind is kind:
                letters[min(columns - 1, (mark.at_ns - begin_ns) // letter_ns)] = letter
    return letters
