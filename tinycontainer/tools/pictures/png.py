"""Draws a timeline as PNG through matplotlib, which the extra ``plot`` installs."""

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from tinycontainer.errors import TinyContainerError
from tinycontainer.interfaces.clock import NS_PER_MS, NS_PER_S
from tinycontainer.text import flatten

from .gantt import MAX_ROWS, lane_name, lane_rank
from .lane import Doing, Lane, Sign, Timeline
from .palette import DOING, EXPLAINED, HEIGHT, SIGN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI: Final = 120
_MARKERS: Final = {Sign.CALL: "|", Sign.REFUSAL: "x", Sign.MISS: "v", Sign.FAULT: "D"}
_PLACES: Final = {Sign.CALL: 0.38, Sign.REFUSAL: -0.36, Sign.MISS: -0.36, Sign.FAULT: 0.38}


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
        title: stands above it.

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
    unit_ns, unit = (NS_PER_S, "s") if timeline.length_ns >= NS_PER_S else (NS_PER_MS, "ms")
    for row, lane in enumerate(lanes):
        _draw_lane(axes, row, lane, unit_ns)
    axes.set_xlim(timeline.begin_ns / unit_ns, (timeline.begin_ns + timeline.length_ns) / unit_ns)
    axes.set_ylim(max(1, len(lanes)) - 0.4, -0.6)
    axes.set_xlabel(f"device time in {unit}")
    axes.set_yticks(range(len(lanes)), [_label(timeline, lane) for lane in lanes], parse_math=False)
    axes.set_title(flatten(title), loc="left", parse_math=False)
    axes.grid(axis="x", alpha=0.4)
    axes.set_axisbelow(True)
    _legend(axes)
    file = BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _draw_lane(axes: "Axes", row: int, lane: Lane, unit_ns: int) -> None:
    for doing, height in HEIGHT.items():
        spans = [s for s in lane.spans if s.doing is doing]
        bars = [(s.begin_ns / unit_ns, s.length_ns / unit_ns) for s in spans]
        tall, colour = height / 28, DOING[doing]
        axes.broken_barh(bars, (row - tall / 2, tall), color=colour, linewidth=0.6)
    for sign in Sign:
        moments = [mark.at_ns / unit_ns for mark in lane.marks if mark.sign is sign]
        if moments:
            axes.scatter(moments, [row + _PLACES[sign]] * len(moments), **_marker(sign))


def _marker(sign: Sign) -> dict[str, Any]:
    thin = sign in (Sign.CALL, Sign.REFUSAL)
    return {
        "marker": _MARKERS[sign],
        "s": 18,
        "color": SIGN[sign],
        "linewidths": (0.5 if sign is Sign.CALL else 1.4) if thin else 0,
    }


def _label(timeline: Timeline, lane: Lane) -> str:
    return f"{lane_name(lane)}\n{lane_rank(timeline, lane)}".rstrip()


def _legend(axes: "Axes") -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415
    from matplotlib.patches import Patch  # noqa: PLC0415

    handles: list[Patch | Line2D] = []
    for what, words in EXPLAINED.items():
        if isinstance(what, Doing):
            handles.append(Patch(color=DOING[what], label=words))
        else:
            marker, colour = _MARKERS[what], SIGN[what]
            handles.append(Line2D([], [], linestyle="", marker=marker, color=colour, label=words))
    axes.figure.legend(handles=handles, loc="outside lower center", ncols=8, frameon=False)
