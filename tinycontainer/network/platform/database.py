"""The database of the platform: SQLite by default, PostgreSQL by its URL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from tinycontainer.errors import TinyContainerError
from tinycontainer.state.ownership import OwnerLock, Ownership
from tinycontainer.text import flatten

from .migrations import judging
from .sqlite_file import READING, SqliteFile

BUSY_S: Final = 10.0
"""How long a transaction waits for others."""
POOL: Final = 40
"""Connections at the most: one for each thread of the server."""


class PlatformDatabaseError(TinyContainerError):
    """A database that cannot be used.

    Attributes:
        database: which, without its password.
        problem: what is wrong and what to do.
    """

    def __init__(self, database: str, problem: str) -> None:
        super().__init__(f"{database}: {problem}")
        self.database = database
        self.problem = problem


class PlatformDatabase:
    """All that the platform remembers.

    Args:
        url: ``sqlite:////absolute/path`` or ``postgresql+psycopg://...``.

    Attributes:
        name: fit to be shown: the name of the file, or the URL without its password.

    Raises:
        PlatformDatabaseError: it is no such URL, or what drives it is not installed.
    """

    def __init__(self, url: str) -> None:
        self._file = SqliteFile.of(url, BUSY_S)
        self.name: Final = "the database" if self._file is None else self._file.name
        self._engine = self._connect(url)
        self._reading = self._engine.execution_options(**{READING: True, "postgresql_readonly": 1})
        self._watching: sqlite3.Connection | None = None
        """Sees all changes but its own, and makes none."""
        self._watching_lock = Lock()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Change the database: all of it when the block is left, or nothing.

        With SQLite nobody else writes meanwhile; with PostgreSQL others do, so lock what a check
        depends on.

        Raises:
            PlatformDatabaseError: it cannot be reached, or others keep it for too long.
        """
        with self._refusing(), Session(self._engine) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Look at one state of the database; what is changed is refused or lost.

        Raises:
            PlatformDatabaseError: it cannot be reached.
        """
        with self._refusing(), Session(self._reading) as session:
            yield session

    def migrate(self) -> None:
        """Make the tables, or bring those of an older version up to date.

        Raises:
            PlatformDatabaseError: it holds something else, or was written by a newer version.
        """
        with self._refusing():
            if self._file is not None:
                self._file.make()
            with self._engine.begin() as connection:
                judging.lock(connection)
                self._judge(connection)
                judging.upgrade(connection)
            if self._file is not None:  # not before it is known to be a platform's
                self._file.let_readers_in()

    @contextmanager
    def served(self) -> Iterator[None]:
        """Be the only one that serves a SQLite file, until the block is left.

        How often somebody tried to log in, or asks, is counted in memory: a second server would
        count anew. Those who serve one PostgreSQL together know that.

        Raises:
            PlatformDatabaseError: another one serves it.
        """
        if self._file is None:
            yield
            return
        path = self._file.path
        lock = OwnerLock(path.with_name(f"{path.name}-lock"))
        with self._refusing():
            is_taken = lock.take(Ownership.SOLE)
        if not is_taken:
            raise PlatformDatabaseError(self.name, "another platform serves it; end that one first")
        try:
            yield
        finally:
            lock.release()

    def check(self) -> None:
        """Look whether it can be used; a file that is not there yet can.

        Raises:
            PlatformDatabaseError: it cannot.
        """
        with self._refusing():
            if self._file is not None and not self._file.exists():
                return
            with self._reading.connect() as connection:
                self._judge(connection)

    def require_there(self) -> None:
        """Refuse a database that is not there, or is empty, or that cannot be used.

        Raises:
            PlatformDatabaseError: it is not there, or cannot be used.
        """
        self.check()
        is_there = self._file is None or self._file.exists()
        if is_there:
            with self._refusing(), self._reading.connect() as connection:
                is_there = not judging.is_empty(connection)
        if not is_there:
            problem = "is not there; tinycontainerctl platform init makes it"
            raise PlatformDatabaseError(self.name, problem)

    def backup(self, path: Path) -> None:
        """Copy the database as it is now into a new file, also while it is in use.

        Raises:
            PlatformDatabaseError: it is no SQLite file, or the copy cannot be written.
        """
        file = self._sqlite("pg_dump")
        self.require_there()
        with self._refusing():
            file.copy_to(path)

    def restore(self, path: Path, *, only_check: bool = False) -> None:
        """Make the database from a copy. All have to log in again.

        Args:
            path: of the copy.
            only_check: look at the copy, and make nothing.

        Raises:
            PlatformDatabaseError: the copy cannot be used, or the database is there already.
        """
        file = self._sqlite("pg_restore")
        copy = PlatformDatabase(f"sqlite:///{path.absolute()}")
        try:
            with copy._refusing():
                copy._sqlite("").require_sound()
            copy.require_there()
            if only_check:
                return
            with self._refusing():
                copy._sqlite("").copy_to(file.path, forget=("web_session",))
        finally:
            copy.close()

    def version(self) -> object:
        """Something that differs from before if anybody has written anything meanwhile.

        Raises:
            PlatformDatabaseError: it cannot be reached.
        """
        with self._refusing():
            if self._file is not None:
                with self._watching_lock:
                    if self._watching is None:
                        self._watching = self._file.connect()
                    return self._watching.execute("PRAGMA data_version").fetchone()
            with self._reading.connect() as connection:
                return connection.scalar(text("SELECT pg_current_snapshot()::text"))

    def close(self) -> None:
        """Let the database go."""
        with self._watching_lock:
            if self._watching is not None:
                self._watching.close()
                self._watching = None
        self._engine.dispose()

    def _connect(self, url: str) -> Engine:
        if self._file is not None:
            return self._file.engine(POOL)
        if not url.startswith("postgresql+psycopg://"):
            problem = "is no URL of a database; write sqlite:///FILE or postgresql+psycopg://..."
            raise PlatformDatabaseError("database.url", problem)
        try:
            engine = create_engine(
                url,
                # Without it, texts of a database that has no encoding come as bytes.
                connect_args={"client_encoding": "UTF8"},
                pool_size=POOL,
                pool_timeout=BUSY_S,
                pool_pre_ping=True,
                hide_parameters=True,
            )
        except ImportError:
            problem = "psycopg is not installed; it comes with: pip install"
            problem = f"{problem} 'tinycontainer[platform,postgresql]'"
            raise PlatformDatabaseError("database.url", problem) from None
        except (ArgumentError, ValueError):
            problem = "cannot be read as the URL of a database"
            raise PlatformDatabaseError("database.url", problem) from None
        return engine

    def _judge(self, connection: Connection) -> None:
        problem = judging.find_problem(connection)
        if problem:
            raise PlatformDatabaseError(self.name, problem)

    def _sqlite(self, instead: str) -> SqliteFile:
        if self._file is None:
            raise PlatformDatabaseError(self.name, f"is no SQLite file; use {instead} instead")
        return self._file

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (IntegrityError, DataError, ProgrammingError):
            raise  # what was asked of it is wrong, not the database
        except DBAPIError as error:
            problem = f"cannot be used: {flatten(str(error.orig))[:200]}"
            raise PlatformDatabaseError(self.name, problem) from error
        except PoolTimeout as error:
            problem = f"all {POOL} connections are in use"
            raise PlatformDatabaseError(self.name, problem) from error
        except sqlite3.Error as error:
            problem = f"cannot be used: {flatten(str(error))[:200]}"
            raise PlatformDatabaseError(self.name, problem) from error
        except OSError as error:
            problem = f"cannot be used: {error.strerror}"
            raise PlatformDatabaseError(self.name, problem) from error
