"""Draws a timeline as SVG: containers as rows, best rank on top, marks, a time axis, a legend.

All lengths are pixels of the SVG.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tinycontainer.text import show

from .density import opacity_of, shaded_runs, shares_of_columns
from .markup import Markup, format_number, join_lines, tag
from .palette import ACTIVITY_COLOURS, BAR_HEIGHTS, LEGEND, MARK_COLOURS
from .scale import choose_ticks, format_duration, format_moment
from .timeline import Activity, Lane, Mark, MarkKind, Timeline

MAX_ROWS: Final = 200
NAME_CHARACTERS: Final = 63
"""Room for the longest uid that needs no escapes."""

_COLUMNS: Final = 762
"""Of bars; one pixel each."""
_LEAST_LEFT: Final = 150
_CHARACTER_WIDTH: Final = 7.2
_RIGHT: Final = 88
_TOP: Final = 62
_ROW_HEIGHT: Final = 34
_BOTTOM: Final = 62
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
    left: int

    @property
    def right(self) -> int:
        """Where bars end."""
        return self.left + _COLUMNS

    @property
    def width(self) -> int:
        return self.right + _RIGHT

    @property
    def bottom(self) -> float:
        return _TOP + max(1, self.rows) * _ROW_HEIGHT

    def x(self, at_ns: int) -> float:
        """The place of a moment."""
        share = (at_ns - self.timeline.begin_ns) / self.timeline.length_ns
        return self.left + share * _COLUMNS


def gantt_svg(timeline: Timeline, title: str = "Who ran when") -> str:
    """A picture of a run, as one SVG file that refers to nothing outside of itself.

    Args:
        timeline: the run.
        title: the line above the picture.
    """
    lanes = timeline.lanes[:MAX_ROWS]
    longest = max((len(lane_name(lane)) for lane in lanes), default=0)
    left = max(_LEAST_LEFT, round(24 + _CHARACTER_WIDTH * longest))
    sheet = _Sheet(timeline, len(lanes), left)
    height = sheet.bottom + _BOTTOM
    parts = [
        tag("style", _STYLE),
        tag("rect", width=sheet.width, height=height, fill="#ffffff"),
        tag("text", title, x=12, y=18, class_="title"),
        tag("text", subtitle(timeline, _COLUMNS), x=12, y=34, class_="small"),
        *_draw_axis(sheet),
        *(part for index, lane in enumerate(lanes) for part in _draw_row(sheet, index, lane)),
        *_draw_legend(sheet),
    ]
    body = tag(
        "svg",
        Markup("\n"),
        join_lines(parts),
        Markup("\n"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {sheet.width} {format_number(height)}",
        width=sheet.width,
        height=height,
        role="img",
    )
    return f"{body}\n"


def lane_name(lane: Lane) -> str:
    """A container's name; only one with many escapes has to be cut."""
    name = show(lane.uid) or "(no uid)"
    return name if len(name) <= NAME_CHARACTERS else f"{name[: NAME_CHARACTERS - 3]}..."


def lane_rank(timeline: Timeline, lane: Lane) -> str:
    """A container's priority in words; empty if the policy of the run has no priorities."""
    if not lane.ranks:
        return "never ran"
    if not any(any(each.ranks) for each in timeline.lanes):
        return ""
    return "priority " + ", then ".join(map(str, lane.ranks))


def subtitle(timeline: Timeline, columns: int) -> str:
    """How long a run is, what a shade says, and what is not drawn.

    Args:
        timeline: the run.
        columns: how many columns of bars the picture has.
    """
    words = f"{format_duration(timeline.length_ns)} of device time; a shade is the share of time in"
    words += f" {format_duration(round(timeline.length_ns / columns))}"
    if timeline.is_cut:
        words += f", by sums of {format_duration(timeline.cell_ns)}: the run is too long for more"
    if timeline.has_more_lanes:
        words += f"; there were more than {len(timeline.lanes)} containers"
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
        moment = format_moment(at_ns, step_ns, sheet.timeline.end_ns)
        yield tag("text", moment, x=x, y=_TOP - 11, class_="small middle")


def _draw_row(sheet: _Sheet, index: int, lane: Lane) -> Iterator[Markup]:
    top = _TOP + index * _ROW_HEIGHT
    middle = top + 15.0
    if index % 2 == 0:
        yield tag(
            "rect",
            x=0,
            y=top - 2,
            width=sheet.width,
            height=_ROW_HEIGHT,
            fill="#f0f4f8",
            opacity="0.7",
        )
    yield tag("text", lane_name(lane), x=12, y=top + 13)
    yield tag("text", lane_rank(sheet.timeline, lane), x=12, y=top + 26, class_="small")
    ran = f"ran {format_duration(lane.ran_ns)}" if lane.ran_ns else ""
    yield tag("text", ran, x=sheet.width - 12, y=middle + 4, class_="small end")
    for activity in BAR_HEIGHTS:
        yield from _draw_bars(sheet, lane, activity, middle)
    yield from _draw_marks(sheet, lane, middle)


def _draw_bars(sheet: _Sheet, lane: Lane, activity: Activity, middle: float) -> Iterator[Markup]:
    """One path for all bars of a kind and shade: a long run has a hundred thousand spans."""
    shares = shares_of_columns(sheet.timeline, lane, activity, _COLUMNS)
    paths: dict[int, str] = {}
    for first, end, level in shaded_runs(shares):
        bar = _bar(sheet.left + first, sheet.left + end, middle, BAR_HEIGHTS[activity])
        paths[level] = paths.get(level, "") + bar
    for level, path in sorted(paths.items()):
        opacity = f"{opacity_of(level):.2f}"
        yield tag("path", d=path, fill=ACTIVITY_COLOURS[activity], fill_opacity=opacity)


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


def _draw_legend(sheet: _Sheet) -> Iterator[Markup]:
    x = float(sheet.left)
    y = sheet.bottom + 34
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
