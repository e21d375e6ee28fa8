"""The database: its versions, its files, and what is refused."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from support.platforms import PASSWORD, empty_database, made_platform, problem_of

from tinycontainer.network.platform.database import PlatformDatabase, PlatformDatabaseError
from tinycontainer.network.platform.migrations.judging import VERSION_TABLE
from tinycontainer.network.platform.tables import people
from tinycontainer.network.platform.tables.base import PlatformTable
from tinycontainer.network.platform.web import application
from tinycontainer.network.platform.web.application import create_application

MIGRATE = """
import sys
from tinycontainer.network.platform.database import PlatformDatabase
database = PlatformDatabase(sys.argv[1])
database.migrate()
database.close()
"""
POSTGRESQL = os.environ.get("TINYCONTAINER_TEST_POSTGRESQL", "")
"""URL of an empty database of PostgreSQL; without it, tests use SQLite only."""


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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "platform.db"


def refusal(path: Path) -> str:
    """Why a file is refused; it stays as it is."""
    before = path.read_bytes()
    problems = set()
    for work in (PlatformDatabase.check, PlatformDatabase.migrate):
        with closing(PlatformDatabase(f"sqlite:///{path}")) as database:
            with pytest.raises(PlatformDatabaseError) as caught:
                work(database)
            problems.add(caught.value.problem)
    assert path.read_bytes() == before
    return problems.pop()


def make(path: Path) -> None:
    with closing(PlatformDatabase(f"sqlite:///{path}")) as database:
        database.migrate()


def test_models_and_migrations_agree(url: str) -> None:
    assert application, people  # all tables are known once all resources are
    with closing(PlatformDatabase(url)) as database:
        database.migrate()
        with database.reading() as session:
            options = {"version_table": VERSION_TABLE, "compare_type": True}
            context = MigrationContext.configure(session.connection(), opts=options)
            assert compare_metadata(context, PlatformTable.metadata) == []


def test_a_migration_of_a_database_of_today_changes_nothing(url: str) -> None:
    with closing(PlatformDatabase(url)) as database:
        for _ in range(2):
            database.migrate()
        database.check()


def test_several_processes_may_migrate_at_once(url: str) -> None:
    command = [sys.executable, "-W", "error", "-c", MIGRATE, url]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    errors = [each.communicate(timeout=60)[1] for each in running]
    assert errors == [b""] * 4
    with closing(PlatformDatabase(url)) as database:
        database.require_there()


def test_the_platform_works_with_every_database(url: str, tmp_path: Path) -> None:
    with made_platform(tmp_path, url=url) as platform:
        names = [f"{each}-admin" for each in ("dev", "data", "infra", "boxes")]
        with ThreadPoolExecutor(4) as pool:
            [*pool.map(lambda name: platform.log_in(name, address=name), names * 3)]
        header = platform.token(platform.client("dev"), "read")
        assert platform.anonymous().get("/api/people", headers=header).status_code == 200
        body = {"name": "data-admin", "password": PASSWORD, "right": "viewer"}
        problem_of(platform.client("dev").post("/api/people", json=body), 409)
        numbers = [
            each["number"] for each in platform.client("dev").get("/api/audit").json()["entries"]
        ]
        assert len(numbers) == 5


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    before = os.umask(0)
    try:
        make(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_connections_keep_what_they_promise(path: Path) -> None:
    make(path)
    with closing(PlatformDatabase(f"sqlite:///{path}")) as database:
        with database.transaction() as session:
            assert session.scalar(text("PRAGMA synchronous")) == 2
            assert session.scalar(text("PRAGMA foreign_keys")) == 1
        row = "INSERT INTO person VALUES (1, 7, 'x', 'x', 'viewer', 0, 0.0)"
        with pytest.raises(IntegrityError), database.transaction() as session:
            session.execute(text(row))


def test_of_two_who_write_one_waits(path: Path) -> None:
    make(path)
    with closing(PlatformDatabase(f"sqlite:///{path}")) as database:
        with database.transaction() as session:
            session.execute(text("INSERT INTO organisation VALUES (1, 'a', '', 0.0)"))

        def count(_number: int) -> None:
            with database.transaction() as session:
                found = session.scalars(select(people.Organisation)).one()
                found.created_s += 1

        with ThreadPoolExecutor(8) as pool:
            [*pool.map(count, range(64))]
        with database.reading() as session:
            assert session.scalars(select(people.Organisation)).one().created_s == 64


def test_what_fails_is_undone(url: str) -> None:
    with closing(PlatformDatabase(url)) as database:
        database.migrate()
        with suppress(ZeroDivisionError), database.transaction() as session:
            session.add(people.Organisation(name="a", roles="", created_s=0.0))
            session.flush()
            raise ZeroDivisionError
        with database.reading() as session:
            assert session.scalars(select(people.Organisation)).all() == []


def test_a_file_that_is_not_there_can_be_used_and_is_not_made_by_looking(path: Path) -> None:
    with closing(PlatformDatabase(f"sqlite:///{path}")) as database:
        database.check()
        assert not path.exists()
        with pytest.raises(PlatformDatabaseError), database.transaction() as session:
            session.execute(text("SELECT 1"))
    assert not path.exists()


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"no database at all\n" * 100)
    assert "not a database" in refusal(path)


def test_a_database_of_something_else_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE gateway (x)")
    assert refusal(path) == "is no database of a platform; name another one"


def test_a_database_of_a_newer_version_is_refused(path: Path) -> None:
    make(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        connection.commit()
        connection.execute("PRAGMA journal_mode = DELETE")
    assert "newer version" in refusal(path)


@pytest.mark.parametrize("kind", ["directory", "link", "pipe"])
def test_what_is_no_file_is_refused(path: Path, tmp_path: Path, kind: str) -> None:
    if kind == "directory":
        path.mkdir()
    elif kind == "link":
        make(tmp_path / "other.db")
        path.symlink_to(tmp_path / "other.db")
    else:
        os.mkfifo(path)
    with closing(PlatformDatabase(f"sqlite:///{path}")) as database:
        for work in (database.check, database.migrate):
            with pytest.raises(PlatformDatabaseError, match="no regular file"):
                work()


def test_the_version_is_another_one_after_each_write_of_anybody(url: str) -> None:
    with closing(PlatformDatabase(url)) as database, closing(PlatformDatabase(url)) as other:
        database.migrate()
        for writer in (database, other):
            before = database.version()
            with database.reading() as session:
                session.execute(text("SELECT count(*) FROM organisation"))
            assert database.version() == before
            with writer.transaction() as session:
                name = "other" if writer is other else "own"
                session.add(people.Organisation(name=name, roles="", created_s=0.0))
            assert database.version() != before


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "mysql://x", "postgresql://x", "x"])
def test_a_url_of_nothing_known_is_refused(url: str) -> None:
    with pytest.raises(PlatformDatabaseError, match=r"database\.url"):
        PlatformDatabase(url)


def test_the_password_of_a_database_is_not_shown() -> None:
    secret = "s3cret"
    with closing(PlatformDatabase(f"postgresql+psycopg://u:{secret}@127.0.0.1:1/x")) as database:
        with pytest.raises(PlatformDatabaseError) as caught:
            database.check()
        assert secret not in str(caught.value)
        with pytest.raises(PlatformDatabaseError, match="pg_dump"):
            database.backup(Path("x"))
    with pytest.raises(PlatformDatabaseError) as refused:
        PlatformDatabase(f"postgresql+psycopg://u:{secret}@[::1/x")
    assert secret not in str(refused.value)


@pytest.mark.clause("TC-PLAT-24")
def test_a_copy_made_while_people_work_becomes_a_platform_without_sessions(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    copy = tmp_path / "copy.db"
    with made_platform(tmp_path / "one") as platform:
        client = platform.client("dev")
        platform.database.backup(copy)
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        cookie = client.cookies["tinycontainer_session"]
        with pytest.raises(PlatformDatabaseError, match="there already"):
            platform.database.backup(copy)
        with pytest.raises(PlatformDatabaseError, match="there already"):
            platform.database.restore(copy)
        restored = PlatformDatabase(f"sqlite:///{tmp_path / 'restored.db'}")
        with closing(restored):
            restored.restore(copy)
            restored.migrate()
            with restored.reading() as session:
                assert session.scalars(select(people.Person)).all()
                assert session.scalars(select(people.WebSession)).all() == []
        assert cookie


@pytest.mark.parametrize("kind", ["missing", "garbage", "foreign", "newer", "cut", "empty"])
def test_what_is_no_copy_is_not_restored(path: Path, tmp_path: Path, kind: str) -> None:
    copy = tmp_path / "copy.db"
    if kind != "missing":
        make(copy)
    if kind == "garbage":
        copy.write_bytes(b"x" * 8192)
    if kind == "foreign":
        copy.unlink()
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("CREATE TABLE x (y)")
    if kind == "newer":
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
            connection.commit()
    if kind == "cut":
        copy.write_bytes(copy.read_bytes()[:10_000])
    if kind == "empty":
        copy.write_bytes(b"")
    with closing(PlatformDatabase(f"sqlite:///{path}")) as database:
        with pytest.raises(PlatformDatabaseError):
            database.restore(copy)
        with pytest.raises(PlatformDatabaseError):
            database.restore(copy, only_check=True)
        assert not path.exists()


def test_a_database_that_is_gone_is_said_to_the_client_without_details(tmp_path: Path) -> None:
    with made_platform(tmp_path) as platform:
        client = platform.client("dev")
        platform.database.close()
        for each in tmp_path.glob("platform.db*"):
            each.unlink()
        answer = client.get("/api/people")
        assert "platform.db" not in problem_of(answer, 503)
        problem_of(platform.anonymous().get("/health"), 503)
        assert create_application(platform.parts)


def test_a_reader_changes_nothing(url: str) -> None:
    with closing(PlatformDatabase(url)) as database:
        database.migrate()
        try:
            with database.reading() as session:
                session.add(people.Organisation(name="a", roles="", created_s=0.0))
                session.flush()
        except (OperationalError, PlatformDatabaseError):
            pass
        with database.reading() as session:
            assert session.scalars(select(people.Organisation)).all() == []
