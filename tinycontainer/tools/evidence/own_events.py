"""The events of one container, and the digest that stands for them (TC-EVID-06)."""

import hashlib
import json
from collections.abc import Iterable

from tinycontainer.state import StoredEvent
from tinycontainer_tokens.cbor import Value, encode


def uid_of_event(content: bytes) -> str:
    """The uid of the container that an event is about, as it is shown; empty if it is about none.

    Args:
        content: of the event (TC-STATE-18); it may be untrusted.
    """
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    uid = values.get("uid") if isinstance(values, dict) else None
    return uid if isinstance(uid, str) else ""


def hash_events(events: Iterable[StoredEvent]) -> bytes:
    """SHA-256 of the array of events: each with its number, in deterministic CBOR."""
    rows: Value = [[event.number, event.content] for event in events]
    return hashlib.sha256(encode(rows)).digest()
