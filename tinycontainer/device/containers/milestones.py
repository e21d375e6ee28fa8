"""Milestones: the events that the state keeps, so that they outlast the run (TC-STATE-18).

They tell what was asked for and granted or refused, which container has ended and why, and which
right has expired. What a container does while it runs is no milestone: with that, a tenant could
push out what others need to see, and wear out the disk.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from tinycontainer.state import KEPT_EVENTS, LAST_S, MAX_EVENT_BYTES
from tinycontainer.trace import TraceEvent
from tinycontainer.trace.events import Transitioned
from tinycontainer.trace.sinks import as_dict

from .lifecycle import Event

_TOLD_BEFORE: Final = frozenset(
    {Event.LOADED, Event.REJECTED, Event.RECONFIGURED, Event.FINALIZED, Event.ERASED}
)
"""Triggers of transitions that only follow from what another milestone has told."""


class Milestones:
    """Milestones that are not recorded yet; the oldest are given up if they are too many.

    Args:
        epoch_s: the device's time in Unix seconds.

    Attributes:
        pending: as the state keeps them: JSON in ASCII, the oldest first.
    """

    def __init__(self, epoch_s: Callable[[], int]) -> None:
        self._epoch_s = epoch_s
        self._told: list[TraceEvent] = []
        self._marked: list[TraceEvent] = []
        self.pending: Final[deque[bytes]] = deque(maxlen=KEPT_EVENTS)

    def note(self, event: TraceEvent) -> None:
        """Keep an event, unless it is recorded already or no milestone."""
        if isinstance(event, Transitioned) and event.trigger in _TOLD_BEFORE:
            return
        known = next((told for told in self._told if _is_same(told, event)), None)
        if known is None:
            self.pending.append(self.encode(event))
        else:
            self._marked.append(known)
            self._told.remove(known)

    def recorded(self, told: Iterable[TraceEvent]) -> None:
        """All that was pending is recorded.

        Args:
            told: events that were recorded with the change that they tell of; they are yet to be
                made.
        """
        self.pending.clear()
        self._told, self._marked = list(told), []

    def forget_told(self) -> None:
        """What was recorded with a change is made, or never will be."""
        self._told, self._marked = [], []

    def forget_marked(self) -> None:
        """What was told and marked is over."""
        self._marked = []

    def tell_again(self) -> None:
        """What was told and marked may be marked again: an interrupt lets it be made twice."""
        self._told += self._marked
        self._marked = []

    def encode(self, event: TraceEvent) -> bytes:
        """An event as the state keeps it: as in a trace, with ``time_s``, cut to what it may be.

        The uid is never cut: it says whose event it is.
        """
        values = {"time_s": min(self._epoch_s(), LAST_S), **as_dict(event)}
        content = _to_json(values)
        for most in (256, 64, 24):
            if len(content) <= MAX_EVENT_BYTES:
                break
            content = _to_json({name: _cut(name, value, most) for name, value in values.items()})
        return content


def _is_same(told: TraceEvent, event: TraceEvent) -> bool:
    """Whether an event is the one that was told, before it happened."""
    told.at_ns = event.at_ns
    return told == event


def _to_json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode("ascii")


def _cut(name: str, value: Any, most: int) -> Any:
    if name == "frames":
        return value[: most // 4]
    is_cut = isinstance(value, str | list) and name != "uid"
    return value[:most] if is_cut else value
