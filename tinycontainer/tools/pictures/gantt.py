"""Draws a timeline as SVG: containers as rows, best rank on top, marks, a time axis, a legend.

All lengths are pixels of the SVG.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tinycontainer.text import show

from .markup import Markup, format_number, join_lines, tag
from .palette import ACTIVITY_COLOURS, BAR_HEIGHTS, LEGEND, MARK_COLOURS
from .scale import choose_ticks, format_duration, format_moment
from .timeline import Activity, Lane, Mark, MarkKind, Timeline

MAX_ROWS: Final = 200
NAME_BYTES: Final = 18

_WIDTH: Final = 1000
_LEFT: Final = 150
_RIGHT: Final = 88
_TOP: Final = 62
_ROW_HEIGHT: Final = 34
_BOTTOM: Final = 62
_THINNEST_BAR: Final = 0.8
_SMALLEST_GAP: Final = 0.3
_MAX_TICKS: Final = 11
_MARK_WIDTHS: Final = {
    MarkKind.CALL: 0.6,
    MarkKind.REFUSAL: 5,
    MarkKind.MISS: 5,
    MarkKind.FAULT: 5,
}
_STYLE: Final = Markup(
    "text{font:12px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1d2733}"
    ".small{font-size:10.5px;fill:#5b6b7b}.title{font-size:15px;font-weight:600}"
    ".end{text-anchor:end}.middle{text-anchor:middle}.grid{stroke:#e3e8ee}"
    ".cross{fill:none;stroke-width:1.6}"
)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Where things are on the paper."""

    timeline: Timeline
    rows: int

    @property
    def right(self) -> float:
        return _WIDTH - _RIGHT

    @property
    def bottom(self) -> float:
        return _TOP + max(1, self.rows) * _ROW_HEIGHT

    def x(self, at_ns: int) -> float:
        """The place of a moment."""
        share = (at_ns - self.timeline.begin_ns) / self.timeline.length_ns
        return _LEFT + share * (self.right - _LEFT)


def gantt_svg(timeline: Timeline, title: str = "Who ran when") -> str:
    """A picture of a run, as one SVG file that refers to nothing outside of itself.

    Args:
        timeline: the run.
        title: the line above the picture.
    """
    lanes = timeline.lanes[:MAX_ROWS]
    sheet = _Sheet(timeline, len(lanes))
    height = sheet.bottom + _BOTTOM
    parts = [
        tag("style", _STYLE),
        tag("rect", width=_WIDTH, height=height, fill="#ffffff"),
        tag("text", title, x=12, y=24, class_="title"),
        tag("text", _subtitle(timeline), x=_WIDTH - 12, y=24, class_="small end"),
        *_draw_axis(sheet),
        *(part for index, lane in enumerate(lanes) for part in _draw_row(sheet, index, lane)),
        *_draw_legend(sheet.bottom + 34),
    ]
    body = tag(
        "svg",
        Markup("\n"),
        join_lines(parts),
        Markup("\n"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {format_number(height)}",
        width=_WIDTH,
        height=height,
        role="img",
    )
    return f"{body}\n"


def lane_name(lane: Lane) -> str:
    """A container's name, short enough for a row."""
    return show(lane.uid, NAME_BYTES) or "(no uid)"


def lane_rank(timeline: Timeline, lane: Lane) -> str:
    """A container's priority in words; empty if the policy of the run has no priorities."""
    if not lane.ranks:
        return "never ran"
    if not any(any(each.ranks) for each in timeline.lanes):
        return ""
    return "priority " + ", then ".join(map(str, lane.ranks))


def _subtitle(timeline: Timeline) -> str:
    words = f"{format_duration(timeline.length_ns)} of device time"
    if timeline.is_cut:
        words += "; the run went on, but is too long to be drawn"
    if len(timeline.lanes) > MAX_ROWS:
        words += f"; {len(timeline.lanes) - MAX_ROWS} more containers are not drawn"
    return words


def _draw_axis(sheet: _Sheet) -> Iterator[Markup]:
    ticks = choose_ticks(sheet.timeline.begin_ns, sheet.timeline.end_ns, _MAX_TICKS)
    step_ns = ticks[1] - ticks[0] if len(ticks) > 1 else 1
    for at_ns in ticks:
        x = sheet.x(at_ns)
        line = f"{_move(x, _TOP - 8)}V{format_number(sheet.bottom)}"
        yield tag("path", d=line, class_="grid")
        yield tag("text", format_moment(at_ns, step_ns), x=x, y=_TOP - 13, class_="small middle")


def _draw_row(sheet: _Sheet, index: int, lane: Lane) -> Iterator[Markup]:
    top = _TOP + index * _ROW_HEIGHT
    middle = top + 15.0
    if index % 2 == 0:
        yield tag(
            "rect", x=0, y=top - 2, width=_WIDTH, height=_ROW_HEIGHT, fill="#f0f4f8", opacity="0.7"
        )
    yield tag("text", lane_name(lane), x=12, y=top + 13)
    yield tag("text", lane_rank(sheet.timeline, lane), x=12, y=top + 26, class_="small")
    ran = f"ran {format_duration(lane.ran_ns)}" if lane.ran_ns else ""
    yield tag("text", ran, x=_WIDTH - 12, y=middle + 4, class_="small end")
    for activity, height in BAR_HEIGHTS.items():
        # One path for all bars of a kind: a long run has a hundred thousand of them.
        path = "".join(
            _bar(left, right, middle, height) for left, right in _place_bars(sheet, lane, activity)
        )
        if path:
            yield tag("path", d=path, fill=ACTIVITY_COLOURS[activity])
    yield from _draw_marks(sheet, lane, middle)


def _place_bars(sheet: _Sheet, lane: Lane, activity: Activity) -> Iterator[tuple[float, float]]:
    """Where bars begin and end; bars that would touch each other are joined."""
    begin = end = None
    for span in lane.spans:
        if span.activity is not activity:
            continue
        left = round(sheet.x(span.begin_ns), 1)
        right = round(max(sheet.x(span.end_ns), left + _THINNEST_BAR), 1)
        if begin is None or end is None:
            begin = left
            end = right
        elif left - end < _SMALLEST_GAP:
            end = max(end, right)
        else:
            yield begin, end
            begin = left
            end = right
    if begin is not None and end is not None:
        yield begin, end


def _draw_marks(sheet: _Sheet, lane: Lane, middle: float) -> Iterator[Markup]:
    calls = _place_marks(sheet, lane.marks, MarkKind.CALL)
    strokes = "".join(f"{_move(x, middle + 9)}v5" for x, _ in calls)
    if strokes:
        yield tag("path", d=strokes, stroke=MARK_COLOURS[MarkKind.CALL], stroke_width="0.7")
    for kind in (MarkKind.REFUSAL, MarkKind.MISS, MarkKind.FAULT):
        for x, marks in _place_marks(sheet, lane.marks, kind):
            more = f" (and {len(marks) - 1} more)" if len(marks) > 1 else ""
            words = f"{format_duration(marks[0].at_ns)}: {marks[0].text}{more}"
            yield tag("g", tag("title", words), _draw_mark(kind, x, middle))


def _place_marks(
    sheet: _Sheet, marks: Iterable[Mark], kind: MarkKind
) -> Iterator[tuple[float, list[Mark]]]:
    """Places of the marks of a kind; marks that would cover each other share one."""
    place = 0.0
    sharing: list[Mark] = []
    for mark in marks:
        if mark.kind is not kind:
            continue
        x = round(sheet.x(mark.at_ns), 1)
        if sharing and x - place < _MARK_WIDTHS[kind]:
            sharing.append(mark)
            continue
        if sharing:
            yield place, sharing
        place = x
        sharing = [mark]
    if sharing:
        yield place, sharing


def _draw_mark(kind: MarkKind, x: float, middle: float) -> Markup:
    """A mark: refusals cross the bar, missed deadlines are above it, faults below it."""
    match kind:
        case MarkKind.REFUSAL:
            path = f"{_move(x - 3, middle - 14)}l6 6m0 -6l-6 6"
            return tag("path", d=path, stroke=MARK_COLOURS[kind], class_="cross")
        case MarkKind.MISS:
            path = f"{_move(x - 4, middle - 15)}h8l-4 7z"
        case MarkKind.FAULT:
            path = f"{_move(x, middle + 7)}l4 4.5l-4 4.5l-4 -4.5z"
        case MarkKind.CALL:
            path = f"{_move(x - 0.5, middle + 9)}h1v5h-1z"
    return tag("path", d=path, fill=MARK_COLOURS[kind])


def _draw_legend(y: float) -> Iterator[Markup]:
    x = float(_LEFT)
    for entry, words in LEGEND.items():
        if isinstance(entry, Activity):
            bar = _bar(x, x + 22, y, BAR_HEIGHTS[entry])
            yield tag("path", d=bar, fill=ACTIVITY_COLOURS[entry])
        elif entry is MarkKind.CALL:
            strokes = "".join(f"{_move(x + step, y - 2.5)}v5" for step in (6, 9, 15))
            yield tag("path", d=strokes, stroke=MARK_COLOURS[entry], stroke_width="0.7")
        else:
            # In a row these marks are above or below the bar; here they are beside their words.
            lowered = {MarkKind.REFUSAL: 11, MarkKind.MISS: 12}.get(entry, -11.5)
            yield _draw_mark(entry, x + 12, y + lowered)
        yield tag("text", words, x=x + 28, y=y + 4, class_="small")
        x += 46 + 5.6 * len(words)


def _bar(left: float, right: float, middle: float, height: float) -> str:
    width = format_number(right - left)
    return f"{_move(left, middle - height / 2)}h{width}v{format_number(height)}h-{width}z"


def _move(x: float, y: float) -> str:
    """Where a path begins."""
    return f"M{format_number(x)} {format_number(y)}"
