"""Rows of a state file: each with a checksum, all of them under one seal."""

import sqlite3
import zlib
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from .remembered import hash_bundle

Values: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """A table of the schema, and the statements for its rows.

    Attributes:
        name: as the schema has it.
        key: its primary key.
        others: its other columns; the last one is the checksum.
    """

    name: str
    key: tuple[str, ...]
    others: tuple[str, ...]

    # The names come from this file alone; values are always bound.
    @property
    def read_all(self) -> str:
        """The query of all rows, by key."""
        return f"{self._select} FROM {self.name} ORDER BY {', '.join(self.key)}"

    @property
    def where(self) -> str:
        """The end of a statement about one row."""
        return f"FROM {self.name} WHERE {' AND '.join(f'{name} = ?' for name in self.key)}"

    @property
    def read(self) -> str:
        """The query of one row."""
        return f"{self._select} {self.where}"

    @property
    def write(self) -> str:
        """The statement that writes a row in place of the one with its key."""
        marks = ", ".join("?" for _ in (*self.key, *self.others))
        return f"INSERT OR REPLACE INTO {self.name} VALUES ({marks})"  # noqa: S608

    @property
    def _select(self) -> str:
        return f"SELECT {', '.join((*self.key, *self.others))}"


_OF_A_CONTAINER: Final = ("uid", "bundle_sha256", "wants_to_run", "loops", "last_exit")
ACCEPTED: Final = CheckedTable(
    "accepted", ("uid", "kind", "endpoint_id"), ("number", "token_sha256", "checksum")
)
BOOT: Final = CheckedTable("boot", ("id",), ("count", "time_s", "checksum"))
CONTAINER: Final = CheckedTable("container", ("slot",), (*_OF_A_CONTAINER, "checksum"))
ASIDE: Final = CheckedTable("aside", ("number",), ("slot", *_OF_A_CONTAINER, "problem", "checksum"))
EVENT: Final = CheckedTable("event", ("number",), ("content", "checksum"))
ANSWER: Final = CheckedTable("answer", ("peer", "request_id"), ("number", "content", "checksum"))
APPLIED: Final = CheckedTable("applied", ("uid",), ("number", "digest", "checksum"))
_CHECKED: Final = (ACCEPTED, BOOT, CONTAINER, ASIDE, EVENT, ANSWER, APPLIED)

_READ_BUNDLES: Final = "SELECT bundle_sha256, checksum, metadata, code, data FROM bundle"
_FIND_BUNDLE: Final = "SELECT 1 FROM bundle WHERE bundle_sha256 = ?"
_WRITE_BUNDLE: Final = "INSERT INTO bundle VALUES (?, ?, ?, ?, ?)"
_REMOVE_BUNDLE: Final = (
    "DELETE FROM bundle WHERE bundle_sha256 = ? AND bundle_sha256 NOT IN"
    " (SELECT bundle_sha256 FROM container UNION SELECT bundle_sha256 FROM aside)"
)
_NAMED_BUNDLES: Final = "SELECT bundle_sha256 FROM container UNION SELECT bundle_sha256 FROM aside"


class Writing:
    """Changes of rows within one transaction. A row that stays as it is is not written.

    Args:
        connection: in a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._added = 0

    def read(self, query: str, values: Values = ()) -> list[Values]:
        """The rows of a query, as they are within the transaction."""
        return self._connection.execute(query, values).fetchall()

    def put(self, table: CheckedTable, *columns: object) -> None:
        """Write a row.

        Args:
            table: where.
            columns: its values, without the checksum.
        """
        found = self.read(table.read, columns[: len(table.key)])
        row = (*columns, checksum_of(columns))
        if found != [row]:
            self._connection.execute(table.write, row)
            self._added += row[-1] - sum(old[-1] for old in found)

    def remove(self, table: CheckedTable, *key: object) -> None:
        """Remove a row, if it is there."""
        for (checksum,) in self.read(f"SELECT checksum {table.where}", key):
            self._connection.execute(f"DELETE {table.where}", key)
            self._added -= checksum

    def put_bundle(self, bundle_sha256: bytes, metadata: bytes, code: bytes, data: bytes) -> None:
        """Write the sections of a container, if they are not there."""
        if not self.read(_FIND_BUNDLE, (bundle_sha256,)):
            checksum = checksum_of((bundle_sha256,))
            row = (bundle_sha256, checksum, metadata, code, data)
            self._connection.execute(_WRITE_BUNDLE, row)
            self._added += checksum

    def remove_bundle(self, bundle_sha256: bytes) -> None:
        """Remove the sections of a container, if no row names them any more."""
        if self._connection.execute(_REMOVE_BUNDLE, (bundle_sha256,)).rowcount:
            self._added -= checksum_of((bundle_sha256,))

    def seal(self) -> None:
        """Bring the sum of all checksums up to date; the last step of a transaction."""
        if self._added:
            self._connection.execute("UPDATE seal SET total = total + ?", (self._added,))


def checksum_of(columns: tuple[object, ...]) -> int:
    """The checksum of a row's other columns; a row of the first version has the same."""
    return zlib.crc32(repr(columns).encode("ascii"))


def rows_are_sound(connection: sqlite3.Connection) -> bool:
    """Whether all rows are as they were written, and are those that were written last."""
    total = 0
    for table in _CHECKED:
        for *columns, checksum in connection.execute(table.read_all):
            if checksum != checksum_of(tuple(columns)):
                return False
            total += checksum
    bundles = set()
    for bundle_sha256, checksum, metadata, code, data in connection.execute(_READ_BUNDLES):
        if bundle_sha256 != hash_bundle(metadata, code, data):
            return False
        if checksum != checksum_of((bundle_sha256,)):
            return False
        bundles.add(bundle_sha256)
        total += checksum
    named = {bundle_sha256 for (bundle_sha256,) in connection.execute(_NAMED_BUNDLES)}
    sealed = connection.execute("SELECT total FROM seal").fetchall()
    return sealed == [(total,)] and named == bundles
