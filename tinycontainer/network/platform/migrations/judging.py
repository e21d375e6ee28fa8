"""Which version a database has, and how it gets the one of this program."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

VERSION_TABLE: Final = "platform_version"
"""Its presence marks a database of the platform."""
_DIRECTORY: Final = str(Path(__file__).parent)
_LOCK: Final = text("SELECT pg_advisory_xact_lock(1413705836)")
_FOREIGN: Final = "is no database of a platform; name another one"
_DAMAGED: Final = "is damaged; restore it from a copy"
_NEWER: Final = "was written by a newer version of this program; use that version"


def lock(connection: Connection) -> None:
    """Until the end of the transaction, let nobody else bring the database up to date."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK)


def find_problem(connection: Connection) -> str:
    """Why a database cannot be used; empty if it can, also if it is empty or older."""
    if not _is_sound(connection):
        return _DAMAGED
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE not in tables:
        return _FOREIGN if tables else ""
    found = _context(connection).get_current_heads()
    known = {each.revision for each in _scripts().walk_revisions()}
    return "" if known.issuperset(found) else _NEWER


def is_empty(connection: Connection) -> bool:
    """Whether it has no table at all."""
    return not inspect(connection).get_table_names()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring a database up to date, within the transaction of the connection.

    Args:
        connection: to it.
        revision: no further than to this version.
    """
    config = Config()
    config.set_main_option("script_location", _DIRECTORY.replace("%", "%%"))
    config.attributes["context"] = {"connection": connection, "version_table": VERSION_TABLE}
    command.upgrade(config, revision)


def _is_sound(connection: Connection) -> bool:
    """Whether SQLite can read all of its file; PostgreSQL looks after its own."""
    if connection.dialect.name != "sqlite":
        return True
    return bool(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() == "ok")


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(_DIRECTORY)
