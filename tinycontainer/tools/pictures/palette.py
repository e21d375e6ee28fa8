"""Colours, heights and words of pictures; the colours suit every kind of sight (Okabe and Ito)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .timeline import Activity, MarkKind

ACTIVITY_COLOURS: Final[Mapping[Activity, str]] = MappingProxyType(
    {
        Activity.ASLEEP: "#c3ccd6",
        Activity.DUE: "#e6b800",
        Activity.PREEMPTED: "#8fc7ee",
        Activity.RUNNING: "#0072b2",
    }
)
MARK_COLOURS: Final[Mapping[MarkKind, str]] = MappingProxyType(
    {
        MarkKind.CALL: "#5b6b7b",
        MarkKind.REFUSAL: "#d5300e",
        MarkKind.MISS: "#b3007d",
        MarkKind.FAULT: "#111111",
    }
)
BAR_HEIGHTS: Final[Mapping[Activity, float]] = MappingProxyType(
    {Activity.ASLEEP: 1.5, Activity.DUE: 7, Activity.PREEMPTED: 7, Activity.RUNNING: 14}
)
"""Heights of bars in pixels; bars are centred on the row's line."""
LEGEND: Final[Mapping[Activity | MarkKind, str]] = MappingProxyType(
    {
        Activity.RUNNING: "running",
        Activity.PREEMPTED: "preempted",
        Activity.DUE: "due, waiting",
        Activity.ASLEEP: "started, nothing due",
        MarkKind.CALL: "call",
        MarkKind.REFUSAL: "refusal",
        MarkKind.MISS: "missed deadline",
        MarkKind.FAULT: "fault",
    }
)
