"""Draws a timeline as SVG: containers as rows, best rank on top, marks, a time axis, a legend."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tinycontainer.text import show

from .lane import Doing, Lane, Mark, Sign, Timeline
from .markup import Markup, join, number, tag
from .palette import DOING, EXPLAINED, HEIGHT, SIGN
from .scale import duration, moment, ticks

MAX_ROWS: Final = 200
NAME_BYTES: Final = 18

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 1000, 150, 88, 62, 34, 62
_THINNEST = 0.8
_MARK_WIDTH = {Sign.CALL: 0.6, Sign.REFUSAL: 5, Sign.MISS: 5, Sign.FAULT: 5}
_STYLE: Final = Markup(
    "text{font:12px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1d2733}"
    ".small{font-size:10.5px;fill:#5b6b7b}.title{font-size:15px;font-weight:600}"
    ".end{text-anchor:end}.middle{text-anchor:middle}.grid{stroke:#e3e8ee}"
    ".cross{fill:none;stroke-width:1.6}"
)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Where things stand on the paper."""

    timeline: Timeline
    rows: int

    @property
    def right(self) -> float:
        return _WIDTH - _RIGHT

    @property
    def bottom(self) -> float:
        return _TOP + max(1, self.rows) * _ROW

    def x(self, at_ns: int) -> float:
        """The place of a moment."""
        share = (at_ns - self.timeline.begin_ns) / self.timeline.length_ns
        return _LEFT + share * (self.right - _LEFT)


def gantt_svg(timeline: Timeline, title: str = "Who ran when") -> str:
    """A picture of a run, as one SVG file without anything from elsewhere.

    Args:
        timeline: the run.
        title: stands above it.
    """
    lanes = timeline.lanes[:MAX_ROWS]
    sheet = _Sheet(timeline, len(lanes))
    height = sheet.bottom + _BOTTOM
    parts = [
        tag("style", _STYLE),
        tag("rect", width=_WIDTH, height=height, fill="#ffffff"),
        tag("text", title, x=12, y=24, class_="title"),
        tag("text", _subtitle(timeline), x=_WIDTH - 12, y=24, class_="small end"),
        *_axis(sheet),
        *(row for index, lane in enumerate(lanes) for row in _row(sheet, index, lane)),
        *_legend(sheet.bottom + 34),
    ]
    body = tag(
        "svg",
        Markup("\n"),
        join(parts),
        Markup("\n"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {number(height)}",
        width=_WIDTH,
        height=height,
        role="img",
    )
    return f"{body}\n"


def lane_name(lane: Lane) -> str:
    """A container's name, fit for a row."""
    return show(lane.uid, NAME_BYTES) or "(no uid)"


def lane_rank(timeline: Timeline, lane: Lane) -> str:
    """A container's priority in words; nothing where the policy knows none."""
    if not lane.ranks:
        return "never ran"
    if not any(any(each.ranks) for each in timeline.lanes):
        return ""
    return "priority " + ", then ".join(map(str, lane.ranks))


def _subtitle(timeline: Timeline) -> str:
    said = f"{duration(timeline.length_ns)} of device time"
    if timeline.is_cut:
        said += "; the run went on, but is too long to be drawn"
    if len(timeline.lanes) > MAX_ROWS:
        said += f"; {len(timeline.lanes) - MAX_ROWS} more containers are not drawn"
    return said


def _axis(sheet: _Sheet) -> Iterator[Markup]:
    marks = ticks(sheet.timeline.begin_ns, sheet.timeline.end_ns, 11)
    step_ns = marks[1] - marks[0] if len(marks) > 1 else 1
    for at_ns in marks:
        x = sheet.x(at_ns)
        yield tag("path", d=f"M{number(x)} {_TOP - 8}V{number(sheet.bottom)}", class_="grid")
        yield tag("text", moment(at_ns, step_ns), x=x, y=_TOP - 13, class_="small middle")


def _row(sheet: _Sheet, index: int, lane: Lane) -> Iterator[Markup]:
    top = _TOP + index * _ROW
    middle = top + 15.0
    if index % 2 == 0:
        yield tag("rect", x=0, y=top - 2, width=_WIDTH, height=_ROW, fill="#f0f4f8", opacity="0.7")
    yield tag("text", lane_name(lane), x=12, y=top + 13)
    yield tag("text", lane_rank(sheet.timeline, lane), x=12, y=top + 26, class_="small")
    ran = f"ran {duration(lane.ran_ns)}" if lane.ran_ns else ""
    yield tag("text", ran, x=_WIDTH - 12, y=middle + 4, class_="small end")
    for doing, height in HEIGHT.items():
        bars = list(_bars(sheet, lane, doing))
        if bars:
            path = "".join(_bar(left, right, middle, height) for left, right in bars)
            yield tag("path", d=path, fill=DOING[doing])
    yield from _marks(sheet, lane, middle)


def _bars(sheet: _Sheet, lane: Lane, doing: Doing) -> Iterator[tuple[float, float]]:
    """Where bars begin and end; those that could not be told apart are one."""
    begin = end = None
    for span in lane.spans:
        if span.doing is not doing:
            continue
        left = round(sheet.x(span.begin_ns), 1)
        right = round(max(sheet.x(span.end_ns), left + _THINNEST), 1)
        if begin is None or end is None:
            begin, end = left, right
        elif left - end < 0.3:
            end = max(end, right)
        else:
            yield begin, end
            begin, end = left, right
    if begin is not None and end is not None:
        yield begin, end


def _bar(left: float, right: float, middle: float, height: float) -> str:
    width = number(right - left)
    top, tall = number(middle - height / 2), number(height)
    return f"M{number(left)} {top}h{width}v{tall}h-{width}z"


def _marks(sheet: _Sheet, lane: Lane, middle: float) -> Iterator[Markup]:
    calls = _apart(sheet, (mark for mark in lane.marks if mark.sign is Sign.CALL), Sign.CALL)
    ticked = "".join(f"M{number(x)} {number(middle + 9)}v5" for x, _ in calls)
    if ticked:
        yield tag("path", d=ticked, stroke=SIGN[Sign.CALL], stroke_width="0.7")
    for sign in (Sign.REFUSAL, Sign.MISS, Sign.FAULT):
        chosen = (mark for mark in lane.marks if mark.sign is sign)
        for x, found in _apart(sheet, chosen, sign):
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            said = f"{duration(found[0].at_ns)}: {found[0].text}{more}"
            yield tag("g", tag("title", said), _glyph(sign, x, middle))


def _apart(sheet: _Sheet, marks: Iterable[Mark], sign: Sign) -> Iterator[tuple[float, list[Mark]]]:
    """Marks, those together that would cover each other."""
    place, found = 0.0, list[Mark]()
    for mark in marks:
        x = round(sheet.x(mark.at_ns), 1)
        if found and x - place < _MARK_WIDTH[sign]:
            found.append(mark)
            continue
        if found:
            yield place, found
        place, found = x, [mark]
    if found:
        yield place, found


def _glyph(sign: Sign, x: float, middle: float) -> Markup:
    """The drawing of a mark: refusals cross the bar, misses hang above it, faults stand below."""
    at = number(x)
    match sign:
        case Sign.REFUSAL:
            path = f"M{number(x - 3)} {number(middle - 14)}l6 6m0 -6l-6 6"
            return tag("path", d=path, stroke=SIGN[sign], class_="cross")
        case Sign.MISS:
            path = f"M{number(x - 4)} {number(middle - 15)}h8l-4 7z"
        case Sign.FAULT:
            path = f"M{at} {number(middle + 7)}l4 4.5l-4 4.5l-4 -4.5z"
        case Sign.CALL:
            path = f"M{number(x - 0.5)} {number(middle + 9)}h1v5h-1z"
    return tag("path", d=path, fill=SIGN[sign])


def _legend(y: float) -> Iterator[Markup]:
    x = float(_LEFT)
    for what, words in EXPLAINED.items():
        if isinstance(what, Doing):
            yield tag("path", d=_bar(x, x + 22, y, HEIGHT[what]), fill=DOING[what])
        elif what is Sign.CALL:
            ticked = "".join(f"M{number(x + step)} {number(y - 2.5)}v5" for step in (6, 9, 15))
            yield tag("path", d=ticked, stroke=SIGN[what], stroke_width="0.7")
        else:
            lowered = {Sign.REFUSAL: 11, Sign.MISS: 12}.get(what, -11.5)
            yield _glyph(what, x + 12, y + lowered)
        yield tag("text", words, x=x + 28, y=y + 4, class_="small")
        x += 46 + 5.6 * len(words)
