"""Rollouts: which devices get a new version, in which waves, and when to go on or to halt.

Everything here is pure: whoever uses it keeps the devices and passes in counts and the time.
"""

from .candidate import Candidate
from .decision import Decision, RolloutAction, WaveCounts, decide
from .plan import RolloutPlan
from .query import AllOf, AnyOf, Not, Query, QueryComparison, TextTerm, VersionTerm
from .query_text import parse_query
from .query_tokens import QueryError
from .rollout import (
    DeviceProgress,
    IllegalProgressEvent,
    IllegalRolloutEvent,
    ProgressEvent,
    RolloutEvent,
    RolloutOfDevice,
    RolloutState,
    choose,
)
from .thresholds import Thresholds, find_thresholds
from .waves import Wave, assign_waves, size_waves, wave_of_late_joiner

__all__ = [
    "AllOf",
    "AnyOf",
    "Candidate",
    "Decision",
    "DeviceProgress",
    "IllegalProgressEvent",
    "IllegalRolloutEvent",
    "Not",
    "ProgressEvent",
    "Query",
    "QueryComparison",
    "QueryError",
    "RolloutAction",
    "RolloutEvent",
    "RolloutOfDevice",
    "RolloutPlan",
    "RolloutState",
    "TextTerm",
    "Thresholds",
    "VersionTerm",
    "Wave",
    "WaveCounts",
    "assign_waves",
    "choose",
    "decide",
    "find_thresholds",
    "parse_query",
    "size_waves",
    "wave_of_late_joiner",
]
