"""Who may change a state file: one device that owns it, or several that share its sequences."""

import fcntl
import os
import weakref
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any, Final

_PRIVATE_MODE: Final = 0o600


class Ownership(Enum):
    """How a device uses a state file that it changes."""

    SOLE = "sole"
    """It alone restores from the file and records all there is."""
    SHARED = "shared"
    """It records accepted sequences only, and others may do so at the same time."""


class OwnerLock:
    """A lock on a file of its own, which the system releases when the process ends in any way.

    Never on the state file: SQLite's own locks on it end with the first descriptor that is closed.

    Args:
        path: the lock file. It is made when it is needed, and stays: to remove it would let
            another process lock a new file of its name.

    Attributes:
        path: see above.
        is_held: whether it was taken and not let go since.
        taken: how often it was taken; in between, others may have had it.
    """

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self._descriptor: int | None = None
        self._closing: Any = None
        self.is_held = False
        self.taken = 0

    def take(self, ownership: Ownership) -> bool:
        """Take the lock, or keep it; never waits.

        Returns:
            False if another process, or another state of this one, has it in the way.

        Raises:
            OSError: the file cannot be used, or its file system has no locks.
        """
        if self.is_held and self._is_at_its_place():
            return True
        self.release()
        self._open()
        kind = fcntl.LOCK_EX if ownership is Ownership.SOLE else fcntl.LOCK_SH
        try:
            fcntl.flock(self._opened(), kind | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        self.is_held = self._is_at_its_place()
        self.taken += self.is_held
        return self.is_held

    def release(self) -> None:
        """Let the lock go, if it is held."""
        if self._closing is not None:
            self._closing()
        self.is_held = False
        self._closing = None
        self._descriptor = None

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, _PRIVATE_MODE)
        self._closing = weakref.finalize(self, os.close, descriptor)
        self._descriptor = descriptor

    def _opened(self) -> int:
        if self._descriptor is None:
            raise RuntimeError("the lock file is not open")
        return self._descriptor

    def _is_at_its_place(self) -> bool:
        """Whether the file that is locked is still the one that others would lock."""
        opened = os.fstat(self._opened())
        with suppress(FileNotFoundError):
            found = os.lstat(self.path)
            return (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino)
        return False
