"""Commits of SQLite by themselves, with the settings of our files: what it costs to remember."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def bare_commits(path: Path) -> Iterator[Callable[[], None]]:
    """A file with one table, until the block is left: each call commits a row of 300 bytes."""
    numbers = itertools.count()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE row (number INTEGER PRIMARY KEY, content BLOB)")

        def commit() -> None:
            connection.execute("BEGIN IMMEDIATE")
            row = (next(numbers) % 100, bytes(300))
            connection.execute("INSERT OR REPLACE INTO row VALUES (?, ?)", row)
            connection.execute("COMMIT")

        yield commit
