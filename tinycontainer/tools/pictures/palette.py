"""Colours that people with any kind of sight can tell apart (after Okabe and Ito)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .lane import Doing, Sign

DOING: Final[Mapping[Doing, str]] = MappingProxyType(
    {
        Doing.ASLEEP: "#c3ccd6",
        Doing.DUE: "#e6b800",
        Doing.PREEMPTED: "#8fc7ee",
        Doing.RUNNING: "#0072b2",
    }
)
SIGN: Final[Mapping[Sign, str]] = MappingProxyType(
    {
        Sign.CALL: "#5b6b7b",
        Sign.REFUSAL: "#d5300e",
        Sign.MISS: "#b3007d",
        Sign.FAULT: "#111111",
    }
)
HEIGHT: Final[Mapping[Doing, float]] = MappingProxyType(
    {Doing.ASLEEP: 1.5, Doing.DUE: 7, Doing.PREEMPTED: 7, Doing.RUNNING: 14}
)
"""Of a bar, in pixels; they are centred on the row's line."""
EXPLAINED: Final[Mapping[Doing | Sign, str]] = MappingProxyType(
    {
        Doing.RUNNING: "running",
        Doing.PREEMPTED: "preempted",
        Doing.DUE: "due, waiting",
        Doing.ASLEEP: "started, nothing due",
        Sign.CALL: "call",
        Sign.REFUSAL: "refusal",
        Sign.MISS: "missed deadline",
        Sign.FAULT: "fault",
    }
)
