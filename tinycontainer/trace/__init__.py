"""The trace: typed events for every load, transition, decision, call and refusal."""

from .events import Closing, Refusal, TraceEvent
from .sinks import Human, JsonLines, as_dict, describe
from .tracer import Sink, Tracer

__all__ = [
    "Closing",
    "Human",
    "JsonLines",
    "Refusal",
    "Sink",
    "TraceEvent",
    "Tracer",
    "as_dict",
    "describe",
]
