"""The tables of a state file, as the migrations that lead to them from an empty one.

A migration is never changed once it was released: files that it made are out there. A new table or
column is a new one at the end. The number of migrations that made a file is its ``user_version``.
"""

from typing import Final, TypeAlias

Migration: TypeAlias = tuple[str, ...]
"""Statements that lead from one version to the next."""

APPLICATION_ID: Final = 0x54436473
"""Marks a file as ours ("TCds"), in the header of every SQLite file."""

MIGRATIONS: Final[tuple[Migration, ...]] = (
    (
        # A sequence has 64 bits without a sign, which SQLite's integers do not hold: the number
        # is 8 bytes, the highest first. They compare as the numbers do. SQLite finds damage to
        # its own structures only, and one bit of a number brings an old token back: so each row
        # has a checksum of its other columns.
        """
        CREATE TABLE sequence (
            uid BLOB NOT NULL CHECK (typeof(uid) = 'blob' AND length(uid) BETWEEN 1 AND 63),
            kind INTEGER NOT NULL CHECK (typeof(kind) = 'integer' AND kind BETWEEN 1 AND 5),
            endpoint_id INTEGER NOT NULL
                CHECK (typeof(endpoint_id) = 'integer' AND endpoint_id BETWEEN 0 AND 4294967295),
            number BLOB NOT NULL CHECK (typeof(number) = 'blob' AND length(number) = 8),
            token_sha256 BLOB NOT NULL
                CHECK (typeof(token_sha256) = 'blob' AND length(token_sha256) = 32),
            checksum INTEGER NOT NULL CHECK (typeof(checksum) = 'integer'),
            PRIMARY KEY (uid, kind, endpoint_id)
        ) WITHOUT ROWID
        """,
    ),
)
