"""What a device remembers: today the accepted sequences of its tokens."""

import sqlite3
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

from tinycontainer_tokens import (
    Accepted,
    MemorySequenceStore,
    SequenceStore,
    SequenceSubject,
    require_not_overtaken,
)

from .database import Database, Rows

_READ_ALL: Final = "SELECT uid, kind, endpoint_id, number, token_sha256, checksum FROM sequence"
_READ: Final = f"{_READ_ALL} WHERE uid = ? AND kind = ? AND endpoint_id = ?"
_WRITE: Final = "INSERT OR REPLACE INTO sequence VALUES (?, ?, ?, ?, ?, ?)"


class DeviceState(SequenceStore, Protocol):
    """What a device remembers."""

    def close(self) -> None:
        """Let go of whatever holds it."""
        ...


class MemoryState(MemorySequenceStore):
    """A state that is forgotten with the process."""

    def close(self) -> None:
        """See `DeviceState.close`."""


class SqliteState:
    """A state in a file, which processes may share: each reads what the others have written.

    Args:
        path: the file; it is made at the first acceptance.
        is_reader: never make or change the file.

    Raises:
        StateFileError: the file exists and cannot be used.
    """

    def __init__(self, path: Path, *, is_reader: bool = False) -> None:
        self._database = Database(path, _rows_are_sound, is_reader=is_reader)

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        """See `SequenceStore.newest`."""
        return _newest(self._database.read, subject)

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        """See `SequenceStore.accept`."""
        wanted = tuple(entries)
        if not wanted:
            return
        with self._database.transaction() as connection:
            for subject, accepted in wanted:
                newest = _newest(lambda *query: connection.execute(*query).fetchall(), subject)
                require_not_overtaken(newest, accepted)
                if newest != accepted:
                    connection.execute(_WRITE, _row(subject, accepted))

    def close(self) -> None:
        """See `DeviceState.close`."""
        self._database.close()


def _newest(
    read: Callable[[str, tuple[object, ...]], Rows], subject: SequenceSubject
) -> Accepted | None:
    for *_, number, token_sha256, _checksum in read(_READ, _key(subject)):
        return Accepted(int.from_bytes(number, "big"), token_sha256)
    return None


def _row(subject: SequenceSubject, accepted: Accepted) -> tuple[object, ...]:
    columns = (*_key(subject), accepted.sequence.to_bytes(8, "big"), accepted.token_sha256)
    return *columns, _checksum(columns)


def _key(subject: SequenceSubject) -> tuple[object, ...]:
    return subject.uid, int(subject.kind), subject.endpoint_id


def _checksum(columns: tuple[object, ...]) -> int:
    return zlib.crc32(repr(columns).encode("ascii"))


def _rows_are_sound(connection: sqlite3.Connection) -> bool:
    rows = connection.execute(_READ_ALL)
    return all(checksum == _checksum(tuple(columns)) for *columns, checksum in rows)
