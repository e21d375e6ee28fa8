"""Milestones: the events that the state keeps, so that they outlast the run (TC-STATE-18).

They tell what was asked for and granted or refused, which container has ended and why, and which
right has expired. What a container does while it runs is no milestone: with that, a tenant could
push out what others need to see, and wear out the disk.
"""

import json
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from tinycontainer.state import KEPT_EVENTS, MAX_EVENT_BYTES
from tinycontainer.trace import TraceEvent
from tinycontainer.trace.events import Transitioned
from tinycontainer.trace.sinks import as_dict

from .lifecycle import Event

_Key: TypeAlias = tuple[str, bytes, str]
"""What tells events of one moment apart: name, uid, and trigger of a transition."""

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
        self._told: _Key | None = None
        self.pending: Final[deque[bytes]] = deque(maxlen=KEPT_EVENTS)

    def note(self, event: TraceEvent) -> None:
        """Keep an event, unless it is recorded already or no milestone."""
        if isinstance(event, Transitioned) and event.trigger in _TOLD_BEFORE:
            return
        if self._told == _key(event):
            self._told = None
        else:
            self.pending.append(self.encode(event))

    def recorded(self, told: TraceEvent | None) -> None:
        """All that was pending is recorded.

        Args:
            told: an event that was recorded with the change that it tells of; it is yet to be made.
        """
        self.pending.clear()
        self._told = None if told is None else _key(told)

    def encode(self, event: TraceEvent) -> bytes:
        """An event as the state keeps it: as in a trace, with ``time_s``, cut to what it may be."""
        values = {"time_s": self._epoch_s(), **as_dict(event)}
        content = _to_json(values)
        for most in (256, 64, 24):
            if len(content) <= MAX_EVENT_BYTES:
                break
            content = _to_json({name: _cut(value, most) for name, value in values.items()})
        return content


def _key(event: TraceEvent) -> _Key:
    return event.name, getattr(event, "uid", b""), getattr(event, "trigger", "")


def _to_json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode("ascii")


def _cut(value: Any, most: int) -> Any:
    return value[:most] if isinstance(value, str | list) else value
