"""Rows of a state file: each with a checksum, all of them under one seal."""

import sqlite3
import zlib
from typing import Any, Final, TypeAlias

from .remembered import hash_bundle

Values: TypeAlias = tuple[Any, ...]
KnownRows: TypeAlias = dict[tuple[str, Values], Values | None]
"""Rows without their checksums, by table and key."""


class CheckedTable:
    """A table of the schema, and the statements for its rows.

    Args:
        name: as the schema has it.
        key: its primary key.
        others: its other columns; the last one is the checksum.

    Attributes:
        name: see above.
        key_length: columns of the primary key.
        read_all: the query of all rows, by key.
        where: the end of a statement about one row.
        read: the query of one row.
        write: the statement that writes a row in place of the one with its key.
    """

    def __init__(self, name: str, key: tuple[str, ...], others: tuple[str, ...]) -> None:
        columns = (*key, *others)
        # The names come from this file alone; values are always bound.
        select = f"SELECT {', '.join(columns)}"
        marks = ", ".join("?" for _ in columns)
        self.name = name
        self.key_length = len(key)
        self.read_all = f"{select} FROM {name} ORDER BY {', '.join(key)}"
        self.where = f"FROM {name} WHERE {' AND '.join(f'{each} = ?' for each in key)}"
        self.read = f"{select} {self.where}"
        self.write = f"INSERT OR REPLACE INTO {name} VALUES ({marks})"  # noqa: S608


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
IDENTITY: Final = CheckedTable("identity", ("id",), ("content", "checksum"))
CHAIN: Final = CheckedTable("chain", ("id",), ("value", "checksum"))
_CHECKED: Final = (ACCEPTED, BOOT, CONTAINER, ASIDE, EVENT, ANSWER, APPLIED, IDENTITY, CHAIN)

_READ_BUNDLES: Final = "SELECT bundle_sha256, checksum, metadata, code, data FROM bundle"
_FIND_BUNDLE: Final = "SELECT 1 FROM bundle WHERE bundle_sha256 = ?"
_WRITE_BUNDLE: Final = "INSERT INTO bundle VALUES (?, ?, ?, ?, ?)"
_REMOVE_BUNDLE: Final = (
    "DELETE FROM bundle WHERE bundle_sha256 = ? AND bundle_sha256 NOT IN"
    " (SELECT bundle_sha256 FROM container UNION SELECT bundle_sha256 FROM aside)"
)
_NUMBERED_ON: Final = (
    "SELECT count FROM boot UNION ALL SELECT max(number) FROM event"
    " UNION ALL SELECT max(number) FROM answer UNION ALL SELECT max(number) FROM aside"
)
COUNTED_TO: Final = 1 << 62
"""No device counts that far; what is numbered on from there would leave SQLite's integers."""
_NAMED_BUNDLES: Final = "SELECT bundle_sha256 FROM container UNION SELECT bundle_sha256 FROM aside"


class Writing:
    """Changes of rows within one transaction. A row that stays as it is is not written.

    Args:
        connection: in a transaction.
        known: rows as they are, which only a sole writer can know; None to look each time.
    """

    def __init__(self, connection: sqlite3.Connection, known: KnownRows | None) -> None:
        self._connection = connection
        self._known = known
        self._added = 0

    def read(self, query: str, values: Values = ()) -> list[Values]:
        """The rows of a query, as they are within the transaction."""
        return self._connection.execute(query, values).fetchall()

    def find(self, table: CheckedTable, *key: object) -> Values | None:
        """A row without its checksum; None if it is not there."""
        if self._known is not None and (table.name, key) in self._known:
            return self._known[table.name, key]
        found = self.read(table.read, key)
        return found[0][:-1] if found else None

    def put(self, table: CheckedTable, *columns: object) -> None:
        """Write a row.

        Args:
            table: where.
            columns: its values, without the checksum.
        """
        key = columns[: table.key_length]
        before = self.find(table, *key)
        if before != columns:
            checksum = checksum_of(columns)
            self._connection.execute(table.write, (*columns, checksum))
            self._added += checksum - (0 if before is None else checksum_of(before))
        if self._known is not None:
            self._known[table.name, key] = columns

    def remove(self, table: CheckedTable, *key: object) -> None:
        """Remove a row, if it is there."""
        before = self.find(table, *key)
        if before is not None:
            self._connection.execute(f"DELETE {table.where}", key)
            self._added -= checksum_of(before)
        if self._known is not None:
            self._known.pop((table.name, key), None)

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
    numbered = connection.execute(_NUMBERED_ON).fetchall()
    if any(number is not None and number > COUNTED_TO for (number,) in numbered):
        return False
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
