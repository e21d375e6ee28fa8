"""Rollouts: which devices get a new version, in which waves, and when to go on or to halt.

Everything here is pure: whoever uses it keeps the devices and passes in counts and the time.
"""

from .candidate import Candidate
from .decision import Action, Decision, WaveCounts, decide
from .plan import RolloutPlan
from .query import AllOf, AnyOf, Comparison, Not, Query, TextTerm, VersionTerm
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
from .waves import Wave, assign_waves, wave_of_late_joiner

__all__ = [
    "Action",
    "AllOf",
    "AnyOf",
    "Candidate",
    "Comparison",
    "Decision",
    "DeviceProgress",
    "IllegalProgressEvent",
    "IllegalRolloutEvent",
    "Not",
    "ProgressEvent",
    "Query",
    "QueryError",
    "RolloutEvent",
    "RolloutOfDevice",
    "RolloutPlan",
    "RolloutState",
    "TextTerm",
    "VersionTerm",
    "Wave",
    "WaveCounts",
    "assign_waves",
    "choose",
    "decide",
    "parse_query",
    "wave_of_late_joiner",
]
