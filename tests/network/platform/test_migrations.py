"""A database of every version that there was becomes one of today, and keeps its rows."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    create_engine,
    select,
)
from support.platforms import empty_database

from tinycontainer.network.platform.database import PlatformDatabase
from tinycontainer.network.platform.migrations import judging
from tinycontainer.network.platform.tables.base import PlatformTable

POSTGRESQL: Final = os.environ.get("TINYCONTAINER_TEST_POSTGRESQL", "")
"""URL of an empty database of PostgreSQL; without it, tests use SQLite only."""
VERSIONS: Final = tuple(
    sorted(path.name[:4] for path in (Path(judging.__file__).parent / "versions").glob("[0-9]*.py"))
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'platform.db'}"
        return
    if not POSTGRESQL:
        pytest.skip("TINYCONTAINER_TEST_POSTGRESQL names no database")
    yield POSTGRESQL
    empty_database(POSTGRESQL)


def some_value(column: "Column[Any]") -> Any:
    """A value that fits a column."""
    kind = column.type
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, Integer):  # the number of the only row that a foreign key can mean
        return 1
    if isinstance(kind, Float):
        return 1.5
    if isinstance(kind, LargeBinary):
        return b"x"
    return {"a": "b"} if isinstance(kind, JSON) else "x"


def fill(connection: Connection) -> dict[str, dict[str, Any]]:
    """Put one row into each table: these rows."""
    found = MetaData()
    found.reflect(connection)
    rows = {}
    for table in found.sorted_tables:
        if table.name != judging.VERSION_TABLE:
            row = {each.name: some_value(each) for each in table.columns}
            connection.execute(table.insert().values(row))
            rows[table.name] = row
    return rows


def read(connection: Connection, rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same columns of the same tables."""
    found = MetaData()
    found.reflect(connection)
    return {
        name: dict(
            connection.execute(select(*(found.tables[name].columns[each] for each in row)))
            .mappings()
            .one()
        )
        for name, row in rows.items()
    }


def make_older(url: str, version: str) -> dict[str, dict[str, Any]]:
    """Make a database of an older version, with a row in each of its tables: these rows."""
    is_postgresql = url.startswith("postgresql")
    engine = create_engine(url, connect_args={"client_encoding": "UTF8"} if is_postgresql else {})
    with engine.begin() as connection:
        judging.upgrade(connection, version)
        rows = fill(connection)
    engine.dispose()
    return rows


@pytest.mark.parametrize("version", VERSIONS)
def test_a_database_of_each_version_becomes_one_of_today(url: str, version: str) -> None:
    rows = make_older(url, version)
    assert "organisation" in rows
    with closing(PlatformDatabase(url)) as database:
        database.check()
        database.migrate()
        with database.reading() as session:
            connection = session.connection()
            assert read(connection, rows) == rows
            options = {"version_table": judging.VERSION_TABLE, "compare_type": True}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, PlatformTable.metadata) == []
        with database.reading() as session:
            for mapper in PlatformTable.registry.mappers:
                found = session.scalars(select(mapper.class_)).all()
                table = mapper.local_table
                assert len(found) == (1 if getattr(table, "name", "") in rows else 0)


def test_there_are_versions_without_a_gap() -> None:
    assert [int(each) for each in VERSIONS] == list(range(1, len(VERSIONS) + 1))
