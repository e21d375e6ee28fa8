"""The trace: typed events for every load, transition, decision, call and refusal."""

from .account import Account, Statistics
from .events import Closing, Refusal, TraceEvent
from .places import describe_frames, from_pairs, to_pairs
from .reader import parse_event, read_trace
from .sinks import Human, JsonLines, as_dict, describe
from .tally import RefusalKind, Row, Tally
from .tracer import Sink, Tracer

__all__ = [
    "Account",
    "Closing",
    "Human",
    "JsonLines",
    "Refusal",
    "RefusalKind",
    "Row",
    "Sink",
    "Statistics",
    "Tally",
    "TraceEvent",
    "Tracer",
    "as_dict",
    "describe",
    "describe_frames",
    "from_pairs",
    "parse_event",
    "read_trace",
    "to_pairs",
]
