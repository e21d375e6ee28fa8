"""Draws a timeline as PNG through matplotlib, which the extra ``plot`` installs."""

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from tinycontainer.errors import TinyContainerError
from tinycontainer.interfaces.clock import NS_PER_MS, NS_PER_S
from tinycontainer.text import flatten

from .density import opacity_of, shaded_runs, shares_of_columns
from .gantt import MAX_ROWS, lane_name, lane_rank, subtitle
from .palette import ACTIVITY_COLOURS, BAR_HEIGHTS, LEGEND, MARK_COLOURS
from .scale import choose_ticks, format_moment
from .timeline import Activity, Lane, MarkKind, Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI: Final = 120
_COLUMNS: Final = 1000
_MAX_TICKS: Final = 11
_ROW_PIXELS: Final = 28
"""The distance of two rows, in the pixels of `BAR_HEIGHTS`."""
_MARKERS: Final = {
    MarkKind.CALL: "|",
    MarkKind.REFUSAL: "x",
    MarkKind.MISS: "v",
    MarkKind.FAULT: "D",
}
_OFFSETS: Final = {
    MarkKind.CALL: 0.38,
    MarkKind.REFUSAL: -0.36,
    MarkKind.MISS: -0.36,
    MarkKind.FAULT: 0.38,
}
"""How far below a row's line a mark is drawn, in rows."""


class PlotUnavailable(TinyContainerError):
    """PNG cannot be drawn here, and what to do about it."""

    def __init__(self) -> None:
        super().__init__(
            "PNG needs matplotlib: pip install 'tinycontainer[plot]', or write .svg instead"
        )


def gantt_png(timeline: Timeline, title: str = "Who ran when") -> bytes:
    """A picture of a run as PNG.

    Args:
        timeline: the run.
        title: the line above the picture.

    Raises:
        PlotUnavailable: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra that few need
    except ImportError:
        raise PlotUnavailable from None
    lanes = timeline.lanes[:MAX_ROWS]
    figure = Figure(figsize=(12, 1.6 + 0.42 * max(1, len(lanes))), dpi=_DPI, layout="constrained")
    axes: Axes = figure.add_subplot()
    unit_ns = NS_PER_S if timeline.length_ns >= NS_PER_S else NS_PER_MS
    for row, lane in enumerate(lanes):
        _draw_lane(axes, row, timeline, lane, unit_ns)
    axes.set_xlim(timeline.begin_ns / unit_ns, (timeline.begin_ns + timeline.length_ns) / unit_ns)
    axes.set_ylim(max(1, len(lanes)) - 0.4, -0.6)
    _label_time(axes, timeline, unit_ns)
    axes.set_yticks(range(len(lanes)), [_label(timeline, lane) for lane in lanes], parse_math=False)
    axes.set_title(flatten(title), loc="left", parse_math=False)
    axes.grid(axis="x", alpha=0.4)
    axes.set_axisbelow(True)
    _add_legend(axes)
    file = BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _draw_lane(axes: "Axes", row: int, timeline: Timeline, lane: Lane, unit_ns: int) -> None:
    column = timeline.length_ns / _COLUMNS / unit_ns
    begin = timeline.begin_ns / unit_ns
    for activity, height in BAR_HEIGHTS.items():
        rows = height / _ROW_PIXELS
        shares = shares_of_columns(timeline, lane, activity, _COLUMNS)
        bars: dict[int, list[tuple[float, float]]] = {}
        for first, end, level in shaded_runs(shares):
            place = (begin + first * column, (end - first) * column)
            bars.setdefault(level, []).append(place)
        for level, places in sorted(bars.items()):
            axes.broken_barh(
                places,
                (row - rows / 2, rows),
                color=ACTIVITY_COLOURS[activity],
                alpha=opacity_of(level),
                linewidth=0,
            )
    for kind in MarkKind:
        moments = [mark.at_ns / unit_ns for mark in lane.marks if mark.kind is kind]
        if moments:
            axes.scatter(moments, [row + _OFFSETS[kind]] * len(moments), **_marker_style(kind))


def _label_time(axes: "Axes", timeline: Timeline, unit_ns: int) -> None:
    ticks = choose_ticks(timeline.begin_ns, timeline.end_ns, _MAX_TICKS)
    step_ns = ticks[1] - ticks[0] if len(ticks) > 1 else 1
    moments = [format_moment(at_ns, step_ns, timeline.end_ns) for at_ns in ticks]
    axes.set_xticks([at_ns / unit_ns for at_ns in ticks], moments)
    axes.set_xlabel(subtitle(timeline, _COLUMNS))


def _marker_style(kind: MarkKind) -> dict[str, Any]:
    thin = kind in (MarkKind.CALL, MarkKind.REFUSAL)
    return {
        "marker": _MARKERS[kind],
        "s": 18,
        "color": MARK_COLOURS[kind],
        "linewidths": (0.5 if kind is MarkKind.CALL else 1.4) if thin else 0,
    }


def _label(timeline: Timeline, lane: Lane) -> str:
    return f"{lane_name(lane)}\n{lane_rank(timeline, lane)}".rstrip()


def _add_legend(axes: "Axes") -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415
    from matplotlib.patches import Patch  # noqa: PLC0415

    handles: list[Patch | Line2D] = []
    for entry, words in LEGEND.items():
        if isinstance(entry, Activity):
            handles.append(Patch(color=ACTIVITY_COLOURS[entry], label=words))
        else:
            marker = _MARKERS[entry]
            colour = MARK_COLOURS[entry]
            handles.append(Line2D([], [], linestyle="", marker=marker, color=colour, label=words))
    axes.figure.legend(handles=handles, loc="outside lower center", ncols=8, frameon=False)
