"""A timeline in letters, for a terminal or a mail."""

from collections.abc import Iterator
from typing import Final

from .gantt import MAX_ROWS, NAME_BYTES, lane_name
from .lane import Doing, Lane, Sign, Timeline
from .scale import duration

LETTERS: Final = "# running   = preempted   : due   . started   x refused   ! missed   F fault"
_DOING: Final = (
    (Doing.ASLEEP, "."),
    (Doing.DUE, ":"),
    (Doing.PREEMPTED, "="),
    (Doing.RUNNING, "#"),
)
_SIGNS: Final = ((Sign.REFUSAL, "x"), (Sign.MISS, "!"), (Sign.FAULT, "F"))
_NARROWEST: Final = 20


def text_chart(timeline: Timeline, width: int) -> Iterator[str]:
    """Lines of printable ASCII, a row for each container.

    Args:
        timeline: the run.
        width: of a line, in characters.
    """
    columns = max(_NARROWEST, width - NAME_BYTES - 5)
    each_ns = -(-timeline.length_ns // columns)
    yield f"Who ran when; each letter is {duration(each_ns)}, the strongest of what happened in it"
    for lane in timeline.lanes[:MAX_ROWS]:
        letters = "".join(_letters(timeline.begin_ns, lane, each_ns, columns))
        yield f"{lane_name(lane):<{NAME_BYTES + 3}}  {letters}".rstrip()
    if len(timeline.lanes) > MAX_ROWS:
        yield f"{len(timeline.lanes) - MAX_ROWS} more containers are not shown"
    if timeline.is_cut:
        yield "the run went on, but is too long to be shown"
    yield LETTERS


def _letters(begin_ns: int, lane: Lane, each_ns: int, columns: int) -> list[str]:
    letters = [" "] * columns
    for doing, letter in _DOING:
        for span in lane.spans:
            if span.doing is doing:
                first = (span.begin_ns - begin_ns) // each_ns
                last = min(columns - 1, (span.end_ns - 1 - begin_ns) // each_ns)
                letters[first : last + 1] = letter * (last + 1 - first)
    for sign, letter in _SIGNS:
        for mark in lane.marks:
            if mark.sign is sign:
                letters[min(columns - 1, (mark.at_ns - begin_ns) // each_ns)] = letter
    return letters
