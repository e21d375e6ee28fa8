"""Pictures of a run: who ran when by a trace, drawn and in letters.

Everything here is a pure function of events. All names in a trace are untrusted; pictures show them
escaped.
"""

from .gantt import gantt_svg
from .html import html_report
from .lane_builder import Window
from .perfetto import perfetto_json
from .png import PlotUnavailable, gantt_png
from .text import text_chart
from .timeline import Activity, Cell, HookSpan, Lane, Mark, MarkKind, Span, Timeline, clip_timeline
from .timeline_builder import TimelineBuilder

__all__ = [
    "Activity",
    "Cell",
    "HookSpan",
    "Lane",
    "Mark",
    "MarkKind",
    "PlotUnavailable",
    "Span",
    "Timeline",
    "TimelineBuilder",
    "Window",
    "clip_timeline",
    "gantt_png",
    "gantt_svg",
    "html_report",
    "perfetto_json",
    "text_chart",
]
