"""What a device remembers across its runs: in memory, or in one SQLite file.

The device's tokens know only a part of it, the tokens package's `SequenceStore`.
"""

from .database import Database, StateFileBusy, StateFileError, StateFileOwned
from .device_state import DeviceState
from .memory_state import MemoryState
from .ownership import Ownership
from .remembered import (
    Answer,
    Boot,
    Change,
    Event,
    Events,
    SetAside,
    StoredContainer,
    Update,
)
from .sqlite_state import SqliteState

__all__ = [
    "Answer",
    "Boot",
    "Change",
    "Database",
    "DeviceState",
    "Event",
    "Events",
    "MemoryState",
    "Ownership",
    "SetAside",
    "SqliteState",
    "StateFileBusy",
    "StateFileError",
    "StateFileOwned",
    "StoredContainer",
    "Update",
]
