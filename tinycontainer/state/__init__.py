"""What a device remembers across its runs: in memory, or in one SQLite file.

The device knows only what it needs of it, the tokens package's `SequenceStore`.
"""

from .database import Database, StateFileBusy, StateFileError
from .device_state import DeviceState, MemoryState, SqliteState

__all__ = [
    "Database",
    "DeviceState",
    "MemoryState",
    "SqliteState",
    "StateFileBusy",
    "StateFileError",
]
