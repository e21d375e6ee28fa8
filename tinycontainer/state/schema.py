"""The tables of a state file, as the migrations that lead to them from an empty one.

A migration is never changed once it was released: files that it made are out there. A new table or
column is a new one at the end. The number of migrations that made a file is its ``user_version``.
"""

from typing import Final, TypeAlias

Migration: TypeAlias = tuple[str, ...]
"""Statements that lead from one version to the next."""

APPLICATION_ID: Final = 0x54436473
"""Marks a file as ours ("TCds"), in the header of every SQLite file."""

_SEQUENCES_ALONE: Final[Migration] = (
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
)


# The bounds below are those of `remembered`, as numbers: a migration does not change with them.
def _integer(name: str, least: int, most: int) -> str:
    check = f"typeof({name}) = 'integer' AND {name} BETWEEN {least} AND {most}"
    return f"{name} INTEGER NOT NULL CHECK ({check})"


def _blob(name: str, least_bytes: int, most_bytes: int) -> str:
    check = f"typeof({name}) = 'blob' AND length({name}) BETWEEN {least_bytes} AND {most_bytes}"
    return f"{name} BLOB NOT NULL CHECK ({check})"


_CHECKSUM: Final = _integer("checksum", 0, (1 << 32) - 1)
_UID: Final = _blob("uid", 1, 63)
_SHA256: Final = _blob("bundle_sha256", 32, 32)
_MAX_COUNT: Final = (1 << 63) - 1
_OF_A_CONTAINER: Final = (
    _UID,
    _SHA256,
    _integer("wants_to_run", 0, 1),
    _integer("loops", 0, _MAX_COUNT),
    _blob("last_exit", 0, 256),
)


def _table(name: str, *columns: str, key: str) -> str:
    return f"CREATE TABLE {name} ({', '.join(columns)}, PRIMARY KEY ({key})) WITHOUT ROWID"


_WHOLE_STATE: Final[Migration] = (
    # Under its old name, a process of the older program that still has the file open would write
    # rows that the seal does not count; now its statements are refused.
    "ALTER TABLE sequence RENAME TO accepted",
    _table("boot", _integer("id", 0, 0), _integer("count", 0, _MAX_COUNT),
           _integer("time_s", 0, 253_402_300_799), _CHECKSUM, key="id"),
    # The sections lie apart from what changes often, and under their hash, so that neither a loop
    # nor a move writes them again.
    _table("bundle", _SHA256, _CHECKSUM, _blob("metadata", 0, 1 << 20), _blob("code", 0, 1 << 24),
           _blob("data", 0, 1 << 24), key="bundle_sha256"),
    _table("container", _integer("slot", 0, 9_999), *_OF_A_CONTAINER, _CHECKSUM, key="slot"),
    _table("aside", _integer("number", 1, _MAX_COUNT), _integer("slot", 0, 9_999),
           *_OF_A_CONTAINER, _blob("problem", 0, 1024), _CHECKSUM, key="number"),
    _table("event", _integer("number", 1, _MAX_COUNT), _blob("content", 0, 1024), _CHECKSUM,
           key="number"),
    _table("answer", _blob("peer", 1, 64), _blob("request_id", 8, 8),
           _integer("number", 1, _MAX_COUNT), _blob("content", 0, 4096), _CHECKSUM,
           key="peer, request_id"),
    _table("applied", _UID, _blob("number", 8, 8), _blob("digest", 32, 32), _CHECKSUM, key="uid"),
    # The sum of all checksums: a row that was lost, or a page that is older than the others, is
    # sound by itself. Only the sum shows that it does not belong here.
    _table("seal", _integer("id", 0, 0), _integer("total", 0, _MAX_COUNT), key="id"),
    "INSERT INTO seal SELECT 0, coalesce(sum(checksum), 0) FROM accepted",
)  # fmt: skip

_DEVICE_ID: Final[Migration] = (
    _table("identity", _integer("id", 0, 0), _blob("content", 1, 64), _CHECKSUM, key="id"),
)

_EVENT_CHAIN: Final[Migration] = (
    # The chain value before the oldest event; without a row, none was dropped since there is one.
    _table("chain", _integer("id", 0, 0), _blob("value", 32, 32), _CHECKSUM, key="id"),
)

MIGRATIONS: Final[tuple[Migration, ...]] = (
    _SEQUENCES_ALONE,
    _WHOLE_STATE,
    _DEVICE_ID,
    _EVENT_CHAIN,
)
