"""What a device remembers across its runs: in memory, or in one SQLite file.

The device's tokens know only a part of it, the tokens package's `SequenceStore`.
"""

from .database import Database, StateFileBusy, StateFileError, StateFileOwned
from .device_state import DeviceState
from .event_chain import CHAIN_BYTES, extend_chain
from .memory_state import MemoryState
from .ownership import Ownership
from .remembered import (
    KEPT_EVENTS,
    LAST_S,
    MAX_COUNT,
    MAX_DEVICE_ID_BYTES,
    MAX_EVENT_BYTES,
    MAX_LAST_EXIT_BYTES,
    MAX_SLOTS,
    Boot,
    SetAside,
    StateChange,
    StoredAnswer,
    StoredContainer,
    StoredEvent,
    StoredEvents,
)
from .sqlite_state import SqliteState

__all__ = [
    "CHAIN_BYTES",
    "KEPT_EVENTS",
    "LAST_S",
    "MAX_COUNT",
    "MAX_DEVICE_ID_BYTES",
    "MAX_EVENT_BYTES",
    "MAX_LAST_EXIT_BYTES",
    "MAX_SLOTS",
    "Boot",
    "Database",
    "DeviceState",
    "MemoryState",
    "Ownership",
    "SetAside",
    "SqliteState",
    "StateChange",
    "StateFileBusy",
    "StateFileError",
    "StateFileOwned",
    "StoredAnswer",
    "StoredContainer",
    "StoredEvent",
    "StoredEvents",
    "extend_chain",
]
