"""Where events go: JSON lines for programs, one line of text for people."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any, Final, TypeAlias

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.runtime import TrapFrame
from tinycontainer.text import flatten, show

from . import events
from .events import TraceEvent
from .places import describe_frames, from_pairs

LAST_LINE_BYTES: Final = 128
"""Room for the event that ends a trace."""


def as_dict(event: TraceEvent, *, with_data: bool = False) -> dict[str, Any]:
    """An event as plain values that JSON takes.

    Args:
        event: the event.
        with_data: whether payload is given in full (as hex) and not by its hash.
    """
    values: dict[str, Any] = {"at_ns": event.at_ns, "event": event.name}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name == "at_ns":
            continue
        if field.name == "data":
            values["bytes"] = len(value)
            if value and with_data:
                values["data"] = value.hex()
            elif value:
                values["sha256"] = hashlib.sha256(value).hexdigest()
        else:
            values[field.name] = _plain(value)
    return values


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return show(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


class JsonLines:
    """A sink that writes one JSON object per line, in ASCII.

    Args:
        write: takes text.
        with_data: see `as_dict`.
        limit_bytes: the most that is written, the last event included; None for no limit. From
            the first event on that does not fit, events are counted and not written.

    Attributes:
        cut: where the limit was reached, and how many events were dropped; None if it was not.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        with_data: bool = False,
        limit_bytes: int | None = None,
    ) -> None:
        self._write = write
        self._with_data = with_data
        self._left_bytes = None if limit_bytes is None else limit_bytes - LAST_LINE_BYTES
        self.cut: events.TraceEnded | None = None

    def __call__(self, event: TraceEvent) -> None:
        """Write one event, if there is room."""
        if self.cut is not None:
            self._drop(self.cut, event)
            return
        line = self._encode(event)
        if self._left_bytes is not None:
            self._left_bytes -= len(line)
            # The last event of a run fits where a cut is recorded in its place.
            if self._left_bytes < 0 and not isinstance(event, events.TraceEnded):
                self.cut = events.TraceEnded("full", 0)
                self.cut.at_ns = event.at_ns
                self._drop(self.cut, event)
                return
        self._write(line)

    def finish(self) -> None:
        """Write what was cut off, as the last event."""
        if self.cut is not None:
            self._write(self._encode(self.cut))

    def _encode(self, event: TraceEvent) -> str:
        values = as_dict(event, with_data=self._with_data)
        return json.dumps(values, separators=(",", ":")) + "\n"

    def _drop(self, cut: events.TraceEnded, event: TraceEvent) -> None:
        if not isinstance(event, events.TraceEnded):
            cut.dropped += 1


Locate: TypeAlias = Callable[[bytes, Sequence[TrapFrame]], str]
"""Says in words where a container, named by its uid, has trapped."""


def locate_by_number(_uid: bytes, frames: Sequence[TrapFrame]) -> str:
    """The place of a trap without symbols."""
    return describe_frames(frames)


class Human:
    """A sink that writes a line of text for every event that a person wants to see.

    Args:
        write: takes a line without its end. Everything untrusted in it is escaped.
        locate: says where a trap was.
    """

    def __init__(self, write: Callable[[str], object], locate: Locate = locate_by_number) -> None:
        self._write = write
        self._locate = locate

    def __call__(self, event: TraceEvent) -> None:
        """Write one event, if it is of interest."""
        text = describe(event, self._locate)
        if text is not None:
            uid = show(getattr(event, "uid", b""), 20)
            self._write(f"{event.at_ns / NS_PER_MS:12.3f} ms  {uid:<20}  {text}")


def describe(event: TraceEvent, locate: Locate = locate_by_number) -> str | None:
    """One event in words; None for those that are only of interest to programs.

    Everything untrusted is escaped: each text of an event that was read from a file is.

    Args:
        event: the event.
        locate: says where a trap was.
    """
    text = _words(event, locate)
    if text is None or (text.isascii() and text.isprintable()):
        return text
    return flatten(text)


def _words(event: TraceEvent, locate: Locate) -> str | None:
    match event:
        case events.Loaded():
            signed = [event.profile] if event.profile else []
            if event.unsigned:
                signed.append(f"UNSIGNED: {', '.join(event.unsigned)}")
            parts = ", ".join([event.type, f"{event.code_bytes} B", *signed])
            return f"loaded into slot {event.slot} ({parts})"
        case events.LoadRefused():
            return f"REFUSED to {event.verb}: {event.reason}: {flatten(event.problem)}"
        case events.Reconfigured():
            return (
                f"reconfigured: mask {event.mask:#x}, priority {event.priority},"
                f" revoked {_ids(event.revoked)}, granted {_ids(event.granted)}"
            )
        case events.Replacing():
            within = f", to be confirmed within {event.within_ns / NS_PER_MS:g} ms"
            return f"is being replaced{within if event.within_ns else ''}"
        case events.ReplacementConfirmed():
            return "the replacement is confirmed"
        case events.ReplacementUndone():
            return f"the replacement is UNDONE: {flatten(event.reason)}"
        case events.Updated():
            return f"update {event.sequence} accepted"
        case events.Withdrawn():
            return f"all rights WITHDRAWN by sequence {event.sequence}"
        case events.RightExpired():
            which = f" of endpoint {event.endpoint_id}" if event.token == "endpoint" else ""
            return f"the {flatten(event.token)} token{which} EXPIRED"
        case events.Transitioned():
            words = (flatten(event.reason), locate(event.uid, from_pairs(event.frames)))
            why = f" ({' '.join(filter(None, words))})" if any(words) else ""
            return f"{event.before} -> {event.after} on {event.trigger}{why}"
        case events.Refused():
            detail = f" ({flatten(event.detail)})" if event.detail else ""
            return f"REFUSED {event.call}({event.subject}): {event.reason}{detail}"
        case events.Logged():
            return f'log "{show(event.line)}"'
        case events.DescriptorClosed():
            return f"descriptor {event.fd} closed: {event.reason}"
        case events.Dropped():
            return f"not recorded: {event.logs} log lines, {event.refusals} refusals"
        case events.DeadlineMissed():
            return f"deadline missed: due by {event.deadline_ns / NS_PER_MS:.3f} ms"
        case events.PeriodsSkipped():
            return f"{event.count} periods skipped"
        case events.HookInProgress():
            return f"{flatten(event.hook)} in progress, ran {event.used_ns / NS_PER_MS:.3f} ms"
        case events.TraceEnded():
            lost = f"; {event.dropped} later events are missing" if event.dropped else ""
            return f"the trace ends: {flatten(event.reason)}{lost}"
    return None


def _ids(ids: tuple[int, ...]) -> str:
    return ", ".join(map(str, ids)) or "none"
