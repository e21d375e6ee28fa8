"""The hash chain over a device's events (TC-EVID-05): each value covers all events up to one."""

import hashlib
from collections.abc import Iterable
from typing import Final

from tinycontainer_tokens.cbor import encode

from .remembered import StoredEvent

CHAIN_BYTES: Final = 32
CHAIN_START: Final = bytes(CHAIN_BYTES)
"""The value before the first event."""


def extend_chain(value: bytes, events: Iterable[StoredEvent]) -> bytes:
    """The chain value after some events.

    Args:
        value: the chain value before them: 32 bytes.
        events: in the order of their numbers.
    """
    for event in events:
        value = hashlib.sha256(value + encode([event.number, event.content])).digest()
    return value
