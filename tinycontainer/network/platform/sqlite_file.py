"""A SQLite file as the database: how it is made, opened and copied."""

import os
import secrets
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from tinycontainer.text import show

READING: Final = "platform_reading"
"""An option of SQLAlchemy's: this transaction only reads."""
_PREFIX: Final = "sqlite:///"
_PRIVATE_MODE: Final = 0o600
_BESIDE: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A file of SQLite.

    Attributes:
        path: where it lies.
        busy_s: how long to wait for others.
    """

    path: Path
    busy_s: float

    @classmethod
    def of(cls, url: str, busy_s: float) -> "SqliteFile | None":
        """The file of a URL; None if it is the URL of something else."""
        path = url.removeprefix(_PREFIX)
        return cls(Path(path), busy_s) if path and path != url else None

    @property
    def name(self) -> str:
        """Fit to be shown."""
        return show(self.path.name)

    def exists(self) -> bool:
        """Whether it is there.

        Raises:
            OSError: something else is there.
        """
        try:
            mode = os.lstat(self.path).st_mode
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(mode):
            raise OSError(22, "it is no regular file")
        return True

    def make(self) -> None:
        """Make it, for its owner only, if it is not there.

        Raises:
            OSError: it cannot be made, or the files beside it belong to another one.
        """
        if self.exists():
            return
        self._require_alone(self.path)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, _PRIVATE_MODE)
        os.close(descriptor)
        _sync_directory(self.path.parent)

    def let_readers_in(self) -> None:
        """From now on those who read do not wait for the one who writes (write-ahead log).

        Raises:
            sqlite3.Error: others use it, or it cannot be written.
        """
        with closing(self.connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")

    def engine(self, most: int) -> Engine:
        """What opens connections to it; it never makes the file.

        Args:
            most: connections at once.
        """
        engine = create_engine(
            "sqlite://",
            creator=self.connect,
            poolclass=QueuePool,
            pool_size=most,
            max_overflow=0,
            pool_timeout=self.busy_s,
            hide_parameters=True,
        )
        event.listen(engine, "begin", _begin)
        return engine

    def connect(self) -> sqlite3.Connection:
        """A connection in which only ``BEGIN`` begins a transaction."""
        self.exists()
        connection = sqlite3.connect(
            self._uri("rw"),
            uri=True,
            timeout=self.busy_s,
            isolation_level=None,
            check_same_thread=False,  # the pool hands it from thread to thread
        )
        try:
            for setting in (
                "trusted_schema = OFF",
                "foreign_keys = ON",
                "synchronous = FULL",
            ):
                connection.execute(f"PRAGMA {setting}")
        except BaseException:
            connection.close()
            raise
        return connection

    def require_sound(self) -> None:
        """Look through the whole file.

        Raises:
            OSError: it is not there, is no file of SQLite, or is damaged.
        """
        if not self.exists():
            raise FileNotFoundError(2, "there is no such file")
        try:
            with closing(sqlite3.connect(self._uri("ro"), uri=True)) as connection:
                found = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            raise OSError(22, f"it is no sound file of SQLite: {error}") from error
        if found != ("ok",):
            raise OSError(22, "it is damaged")

    def copy_to(self, target: Path, forget: Sequence[str] = ()) -> None:
        """Copy it as it is now into a new file, which appears whole or not at all.

        Args:
            target: which file; it must not be there.
            forget: tables that are empty in the copy.

        Raises:
            OSError: it cannot be written, or is there.
        """
        self._require_alone(target)
        draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}.new")
        try:
            os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE))
            self._copy(draft, forget)
            os.link(draft, target)
        finally:
            for suffix in ("", *_BESIDE):
                draft.with_name(draft.name + suffix).unlink(missing_ok=True)
        _sync_directory(target.parent)

    def _copy(self, draft: Path, forget: Sequence[str]) -> None:
        try:
            with (
                closing(sqlite3.connect(self._uri("ro"), uri=True)) as source,
                closing(sqlite3.connect(draft, isolation_level=None)) as copy,
            ):
                source.backup(copy)
                # Of one file, so that nothing has to be copied beside it.
                copy.execute("PRAGMA journal_mode = DELETE")
                for table in forget:
                    copy.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of this program
        except sqlite3.Error as error:
            raise OSError(5, f"the copy cannot be written: {error}") from error
        descriptor = os.open(draft, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _uri(self, mode: str) -> str:
        return f"file:{quote(os.fspath(self.path.absolute()))}?mode={mode}"

    @staticmethod
    def _require_alone(path: Path) -> None:
        """Nothing may lie at the place of a new file, nor what SQLite would take for a part."""
        for suffix in ("", *_BESIDE):
            if os.path.lexists(path.with_name(path.name + suffix)):
                name = show(path.name + suffix)
                raise FileExistsError(17, f"{name} is there already; move it away first")


def _begin(connection: Connection) -> None:
    """One that writes excludes other writers from its first read on: nothing it saw can change."""
    is_reader = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
