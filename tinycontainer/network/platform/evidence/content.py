"""What is read from the content of an event (TC-STATE-18); all of it comes from a device."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import Event, State
from tinycontainer.interfaces.nesting import require_shallow_text
from tinycontainer.state import LAST_S
from tinycontainer.text import unshow
from tinycontainer_tokens.claims import MAX_UID_BYTES

from ..delivery.gateway_answers import read_refusal


class EvidenceKind(StrEnum):
    """What an event tells of a container."""

    LOADED = "loaded"
    CHANGED = "changed"
    """Reconfigured, replaced, confirmed or updated."""
    REFUSED = "refused"
    """A load, a start, or another change."""
    STARTED = "started"
    ENDED = "ended"
    CRASHED = "crashed"
    """It has ended by a fault: a trap, or a limit."""
    UNDONE = "undone"
    """A version has not proved itself; the one of before comes back."""
    REMOVED = "removed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    """A right has."""
    OTHER = "other"
    """Something that this platform does not know."""


_OF_EVENTS: Final[Mapping[str, EvidenceKind]] = MappingProxyType(
    {
        "loaded": EvidenceKind.LOADED,
        "reconfigured": EvidenceKind.CHANGED,
        "replacing": EvidenceKind.CHANGED,
        "replacement-confirmed": EvidenceKind.CHANGED,
        "updated": EvidenceKind.CHANGED,
        "load-refused": EvidenceKind.REFUSED,
        "replacement-undone": EvidenceKind.UNDONE,
        "withdrawn": EvidenceKind.WITHDRAWN,
        "right-expired": EvidenceKind.EXPIRED,
    }
)
_OF_TRIGGERS: Final[Mapping[str, EvidenceKind]] = MappingProxyType(
    {
        Event.START: EvidenceKind.STARTED,
        Event.FAULT: EvidenceKind.CRASHED,
        Event.STOP: EvidenceKind.ENDED,
        Event.KILL: EvidenceKind.ENDED,
        Event.EXIT: EvidenceKind.ENDED,
        Event.DELETE: EvidenceKind.ENDED,
    }
)
_EXIT_REASONS: Final = frozenset(ExitReason)
_STATES: Final = frozenset(State)


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What an event says, as far as it can be understood. No text is a container's own.

    Attributes:
        kind: what it tells.
        uid: of the container; None if it is about none.
        at_s: Unix time of the device; None if it says none.
        reason: small letters, digits and hyphens; empty if there is none.
        before, after: states of the container; empty if it says none.
    """

    kind: EvidenceKind
    uid: bytes | None = None
    at_s: int | None = None
    reason: str = ""
    before: str = ""
    after: str = ""


def read_event(content: bytes) -> EventFacts:
    """Read an event; what cannot be understood is of the kind ``other``.

    Args:
        content: untrusted, of bounded length.
    """
    try:
        text = content.decode("ascii")
        require_shallow_text(text)
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        return EventFacts(EvidenceKind.OTHER)
    kind = _kind_of(values)
    return EventFacts(
        kind=kind,
        uid=_uid_of(values.get("uid")),
        at_s=_time_of(values.get("time_s")),
        reason=_reason_of(kind, values),
        before=_word_among(_STATES, values.get("before")),
        after=_word_among(_STATES, values.get("after")),
    )


def _kind_of(values: dict[str, Any]) -> EvidenceKind:
    event, trigger = values.get("event"), values.get("trigger")
    if event == "transition" and isinstance(trigger, str):
        if trigger == Event.DELETE and values.get("before") == State.READY:
            return EvidenceKind.REMOVED
        return _OF_TRIGGERS.get(trigger, EvidenceKind.OTHER)
    known = _OF_EVENTS.get(event) if isinstance(event, str) else None
    return EvidenceKind.OTHER if known is None else known


def _reason_of(kind: EvidenceKind, values: dict[str, Any]) -> str:
    """The word of the reason; what follows it can be the text of a container."""
    reason = values.get("reason")
    if kind in (EvidenceKind.ENDED, EvidenceKind.CRASHED) and isinstance(reason, str):
        return _word_among(_EXIT_REASONS, reason.partition(" ")[0])
    if kind is EvidenceKind.REFUSED:
        return read_refusal(reason, "")[0]
    if kind is EvidenceKind.EXPIRED:
        return read_refusal(values.get("token"), "")[0]
    return ""


def _word_among(known: frozenset[Any], word: object) -> str:
    return word if isinstance(word, str) and word in known else ""


def _time_of(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= LAST_S else None


def _uid_of(value: object) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        uid = unshow(value)
    except ValueError:
        return None
    return uid if 1 <= len(uid) <= MAX_UID_BYTES else None
