"""A state file: one SQLite file, opened with suspicion, changed in transactions.

A file that is damaged, foreign or newer than this program is refused and never changed. The file
appears whole or not at all. Whatever holds it locked, no call waits for longer than `BUSY_S`
(ADR 23).
"""

import os
import secrets
import sqlite3
import stat
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import quote

from tinycontainer.errors import TinyContainerError
from tinycontainer.text import flatten, show
from tinycontainer_tokens import SequenceStoreError

from .ownership import OwnerLock, Ownership
from .schema import APPLICATION_ID, MIGRATIONS, Migration

Rows: TypeAlias = list[tuple[Any, ...]]

BUSY_S: Final = 2.0
"""How long a call waits for another process that has the file locked."""
_WAL_LIMIT_BYTES: Final = 1 << 20
_CHECKPOINT_PAGES: Final = 200
"""Pages of 4 KiB after which the log begins anew: less than its limit. A log that is cut to the
limit when it begins anew has to grow again, and a commit that lets it grow takes longer."""
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside the file while it is open."""
_PRIVATE_MODE: Final = 0o600
_FOREIGN: Final = "is no state file of this program; move it away, or name another file"
_OWNED: Final = "is in use by another {owner}; end that one, or name another file"
_DAMAGED: Final = "is damaged; restore it from a copy, or move it away and accept that it is lost"


class StateFileError(TinyContainerError, SequenceStoreError):
    """A state file that cannot be used; it is as it was.

    Attributes:
        file: which file, fit to be shown.
        problem: what is wrong and what to do.
    """

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file = file
        self.problem = problem


class StateFileBusy(StateFileError):
    """A state file that another process held locked for longer than this one waits."""


class StateFileOwned(StateFileError):
    """A state file that another device owns, or that others share while one wants to own it."""


class Database:
    """A state file.

    Attributes:
        name: of the file, fit to be shown.
        lock: what keeps others from changing the file.

    Args:
        path: the file; it is made at the first transaction.
        rows_are_sound: looks at the rows of a file that is opened, when its tables are known.
        migrations: how its tables came about.
        ownership: whether others may change it meanwhile.
        is_reader: never make or change the file.
        application_id: marks files of this kind, in the header of the file.
        owner: what owns such a file, in a word.

    Raises:
        StateFileOwned: it is to be owned, and another uses it.
        StateFileError: the file exists and cannot be used.
    """

    def __init__(
        self,
        path: Path,
        rows_are_sound: Callable[[sqlite3.Connection], bool],
        migrations: Sequence[Migration] = MIGRATIONS,
        *,
        ownership: Ownership = Ownership.SHARED,
        is_reader: bool = False,
        application_id: int = APPLICATION_ID,
        owner: str = "device",
    ) -> None:
        self._application_id = application_id
        self._owned = _OWNED.format(owner=owner)
        self.name: Final = show(path.name)
        self._path = path
        self._rows_are_sound = rows_are_sound
        self._ownership = ownership
        self.lock: Final = OwnerLock(path.with_name(f"{path.name}-lock"))
        self._migrations = migrations
        self._is_reader = is_reader
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._closing: Any = None
        with self._refusing():
            if ownership is Ownership.SOLE and not is_reader:
                self._claim()
            try:
                self._connect()
            except BaseException:
                self.lock.release()
                raise

    def read(self, query: str, values: Sequence[object] = ()) -> Rows:
        """The rows of a query; none while there is no file.

        Raises:
            StateFileError: the file cannot be read.
        """
        with self._refusing():
            connection = self._connect()
            return [] if connection is None else connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Change the file: all of it, on the disk when the block is left, or nothing.

        Raises:
            StateFileBusy: another process is changing it.
            StateFileOwned: another device owns it, or this one wants to, and others share it.
            StateFileError: the file cannot be written.
        """
        with self._refusing():
            if self._is_reader:
                raise StateFileError(self.name, "was opened for reading only")
            self._claim()
            connection = self._connect()
            if connection is None:
                self._create()
                connection = self._connect()
            if connection is None:
                raise StateFileError(self.name, "was removed as soon as it was made")
            with _transaction(connection, "IMMEDIATE"):
                yield connection

    def close(self) -> None:
        """Let the file and its ownership go; the next use opens it again."""
        if self._closing is not None:
            self._closing()
        self._connection = None
        self._identity = None
        self.lock.release()

    def _claim(self) -> None:
        """Be the one that may change the file, or one of those."""
        try:
            is_taken = self.lock.take(self._ownership)
        except OSError as error:
            if not os.path.lexists(self.lock.path):
                raise
            problem = f"cannot be used: {error.strerror}"
            raise StateFileError(show(self.lock.path.name), problem) from error
        if not is_taken:
            raise StateFileOwned(self.name, self._owned)

    def _connect(self) -> sqlite3.Connection | None:
        """The connection to the file; None if there is no file yet."""
        # Never by reading the file: to close any descriptor of it drops every lock that this
        # process has on it, also those of another connection (fcntl(2)).
        if self._connection is None:
            self._open()
        elif self._identify() != self._identity:
            raise StateFileError(self.name, "was removed or replaced while it was in use")
        return self._connection

    def _identify(self) -> tuple[int, int] | None:
        """Device and inode of the file; None if there is none."""
        found = self._look_at(self._path)
        if found is None:
            return None
        if found.st_size == 0:
            raise StateFileError(self.name, _DAMAGED)
        return found.st_dev, found.st_ino

    def _look_at(self, path: Path) -> os.stat_result | None:
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            kind = "link" if stat.S_ISLNK(found.st_mode) else "directory, pipe or device"
            raise StateFileError(show(path.name), f"is a {kind}, not a file")
        return found

    def _open(self) -> None:
        """Open the file, if there is one."""
        beside = [self._path.with_name(self._path.name + suffix) for suffix in _BESIDE]
        left = [show(path.name) for path in beside if self._look_at(path)]
        identity = self._identify()
        if identity is None:
            if left:  # SQLite would take it for a part of the file that is made next
                raise StateFileError(self.name, f"is missing; move {left[0]} away too")
            return
        # The last connection that may write moves what is left of the log into the file when it is
        # closed, and deletes the log. So a file with a log is judged first by one that only reads.
        if left and not self._is_reader:
            self._judged("ro", has_log=True).close()
        # SQLite takes what is missing of the last page for zeroes. While the file is in use, the
        # write-ahead log may have what is missing.
        mode = "ro" if left and self._is_reader else "rw"
        if not left and self._is_reader and os.statvfs(self._path).f_flag & os.ST_RDONLY:
            mode = "ro&immutable=1"  # SQLite could make nothing beside it, and nobody changes it
        connection = self._judged(mode, has_log=bool(left))
        closing = weakref.finalize(self, connection.close)
        # One step (ADR 21): without its identity, the file would count as replaced.
        self._connection, self._identity, self._closing = connection, identity, closing

    def _judged(self, mode: str, *, has_log: bool) -> sqlite3.Connection:
        """Connect to the file, if it is sound.

        Args:
            mode: ``ro`` to read only, ``rw`` to bring an older file up to date too; and more
                parameters of SQLite's.
            has_log: whether what is missing of it may be in the log beside it.
        """
        size_bytes = self._path.lstat().st_size
        connection = _connect_to(self._path, mode)
        try:
            if not has_log and size_bytes % _pragma(connection, "page_size"):
                raise StateFileError(self.name, _DAMAGED)
            self._judge(connection, may_change=mode == "rw")
        except BaseException:
            connection.close()
            raise
        return connection

    def _judge(self, connection: sqlite3.Connection, *, may_change: bool) -> None:
        """Refuse what is not a sound file of a known version; bring an older one up to date."""
        if _pragma(connection, "application_id") != self._application_id:
            raise StateFileError(self.name, _FOREIGN)
        version = _pragma(connection, "user_version")
        if version > len(self._migrations):
            raise StateFileError(
                self.name,
                f"was written by a newer version of this program (schema {version}; this one knows"
                f" up to {len(self._migrations)}); use that version",
            )
        if version < 1 or _schema(connection) != _schema_after(self._migrations[:version]):
            raise StateFileError(self.name, _DAMAGED)
        is_older = version < len(self._migrations)
        if is_older and self._is_reader:
            raise StateFileError(
                self.name, f"has the older schema {version}; a run brings it up to date"
            )
        # Within one transaction: what another process writes meanwhile is no damage, and a file
        # that turns out to be damaged keeps its older version.
        migrates = is_older and may_change
        with _transaction(connection, "IMMEDIATE" if migrates else "DEFERRED"):
            if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise StateFileError(self.name, _DAMAGED)
            if migrates:
                self._bring_up_to_date(connection)
            if (migrates or not is_older) and not self._rows_are_sound(connection):
                raise StateFileError(self.name, _DAMAGED)

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        try:
            _migrate(connection, self._migrations)
        except sqlite3.IntegrityError as error:  # what is in the file fits no table of today
            raise StateFileError(self.name, _DAMAGED) from error

    def _create(self) -> None:
        """Make the file in a draft, and give it its name only when it is whole.

        Another process may do the same meanwhile: `os.link` never replaces a file.
        """
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            os.close(os.open(draft, flags, _PRIVATE_MODE))
            with closing(_connect_to(draft)) as connection:
                connection.execute(f"PRAGMA application_id = {self._application_id}")
                with _transaction(connection, "IMMEDIATE"):
                    _migrate(connection, self._migrations)
                connection.execute("PRAGMA journal_mode = WAL")
            with suppress(FileExistsError):
                os.link(draft, self._path)
        finally:
            for suffix in ("", *_BESIDE):
                draft.with_name(draft.name + suffix).unlink(missing_ok=True)
        _sync_directory(self._path.parent)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self._refuse(error)
        except UnicodeDecodeError as error:  # sqlite3 quotes names of a damaged file in its errors
            raise StateFileError(self.name, _DAMAGED) from error
        except OSError as error:
            raise StateFileError(self.name, f"cannot be used: {error.strerror}") from error

    def _refuse(self, error: sqlite3.Error) -> NoReturn:
        # An extended code has what happened exactly in its higher bytes.
        match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
                problem = f"another process has kept it locked for {BUSY_S:g} s; end that process"
                raise StateFileBusy(self.name, problem) from error
            case sqlite3.SQLITE_NOTADB:
                problem = _FOREIGN
            case sqlite3.SQLITE_CORRUPT:
                problem = _DAMAGED
            case _:
                problem = f"cannot be used: {flatten(str(error))}"
        raise StateFileError(self.name, problem) from error


def _connect_to(path: Path, mode: str = "rw") -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(os.fspath(path))}?mode={mode}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,  # a device may be handed over to another thread
    )
    try:
        for setting in (
            "trusted_schema = OFF",
            "cell_size_check = ON",
            "synchronous = FULL",
            f"journal_size_limit = {_WAL_LIMIT_BYTES}",
            f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        ):
            connection.execute(f"PRAGMA {setting}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    """A transaction.

    Args:
        connection: of a file.
        kind: ``IMMEDIATE`` if no other process writes from its first read to its end; ``DEFERRED``
            if it only reads.
    """
    try:
        connection.execute(f"BEGIN {kind}")
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    # Read again, within the transaction: another process may have done it.
    for migration in migrations[_pragma(connection, "user_version") :]:
        for statement in migration:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(migrations)}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _schema(connection: sqlite3.Connection) -> Rows:
    return connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()


def _schema_after(migrations: Sequence[Migration]) -> Rows:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _migrate(connection, migrations)
        return _schema(connection)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
