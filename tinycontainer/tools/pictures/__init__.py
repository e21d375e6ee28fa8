"""Pictures of a run: what a trace says about who ran when, drawn and told.

Everything here is a pure function of events. All names in it are untrusted and come out escaped.
"""

from .gantt import gantt_svg
from .html import html_report
from .lane import Doing, Hook, Lane, Mark, Sign, Span, Timeline, clip
from .perfetto import perfetto_json
from .png import PlotUnavailable, gantt_png
from .text import text_chart
from .timeline import TimelineBuilder

__all__ = [
    "Doing",
    "Hook",
    "Lane",
    "Mark",
    "PlotUnavailable",
    "Sign",
    "Span",
    "Timeline",
    "TimelineBuilder",
    "clip",
    "gantt_png",
    "gantt_svg",
    "html_report",
    "perfetto_json",
    "text_chart",
]
