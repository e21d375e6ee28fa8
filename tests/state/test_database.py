"""A state file that is damaged, foreign, newer, no file or locked is refused, and left as it is."""

import os
import random
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from tinycontainer.errors import TinyContainerError
from tinycontainer.state import Database, SqliteState, StateFileBusy, StateFileError, database
from tinycontainer.state.schema import APPLICATION_ID, MIGRATIONS
from tinycontainer.state.tables import ANSWER, BOOT, EVENT, checksum_of
from tinycontainer_tokens import Accepted, Kind, SequenceStoreError, SequenceSubject

CODE = SequenceSubject(b"uid", Kind.CODE)
NEW = Accepted(2, bytes(32))
INSERT = "INSERT INTO accepted VALUES (x'75', 4, 0, x'0000000000000005', zeroblob(32), 0)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A state file with one entry; nobody has it open."""
    state = SqliteState(tmp_path / "device.db")
    state.accept([(CODE, NEW)])
    state.close()
    return tmp_path / "device.db"


def sound(_connection: sqlite3.Connection) -> bool:
    return True


@contextmanager
def changing(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def refuse(path: Path, words: str) -> None:
    """Opening is refused with these words, for a device and for a reader, and changes nothing."""
    before = path.read_bytes()
    for is_reader in (True, False):
        with pytest.raises(StateFileError, match=words) as caught:
            SqliteState(path, is_reader=is_reader)
        assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    beside = [each for each in path.parent.iterdir() if each != path]
    assert all(each.name.endswith(("-wal", "-shm", "-lock")) for each in beside)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is damaged"),
        (bytes(4096), "no state file"),
        (b'{"accepted": []}', "no state file"),
        (b"SQLite format 3\0", "no state file"),
        (os.urandom(5000), "no state file"),
    ],
    ids=["empty", "zeroes", "the old file", "a header alone", "garbage"],
)
@pytest.mark.clause("TC-STATE-03")
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "device.db"
    path.write_bytes(content)
    refuse(path, words)


@pytest.mark.clause("TC-STATE-03")
def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    with changing(path) as connection:
        connection.execute("CREATE TABLE sequence (uid)")
    refuse(path, "is no state file of this program")


def test_an_empty_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    with changing(path) as connection:
        connection.execute("PRAGMA user_version = 1")
    refuse(path, "is no state file of this program")


@pytest.mark.clause("TC-STATE-03")
def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    with changing(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    refuse(path, "was written by a newer version of this program")


CHANGES = {
    "no version": "PRAGMA user_version = 0",
    "a version below 0": "PRAGMA user_version = -1",
    "no table": "DROP TABLE accepted",
    "another column": "ALTER TABLE accepted ADD COLUMN more",
    "another table": "CREATE TABLE more (a)",
    "a view": "CREATE VIEW more AS SELECT 1",
    "a trigger": "CREATE TRIGGER more AFTER INSERT ON accepted BEGIN DELETE FROM accepted; END",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_file_with_other_tables_is_refused(path: Path, change: str) -> None:
    with changing(path) as connection:
        connection.execute(change)
    refuse(path, "is damaged")


ROWS = {
    "a uid as text": "UPDATE accepted SET uid = 'uid'",
    "an empty uid": "UPDATE accepted SET uid = x''",
    "a uid of 64 bytes": "UPDATE accepted SET uid = zeroblob(64)",
    "a kind that is none": "UPDATE accepted SET kind = 6",
    "an endpoint below 0": "UPDATE accepted SET endpoint_id = -1",
    "a number as an integer": "UPDATE accepted SET number = 5",
    "a short number": "UPDATE accepted SET number = x'05'",
    "another number": "UPDATE accepted SET number = x'0000000000000001'",
    "another uid": "UPDATE accepted SET uid = x'75'",
    "another hash": "UPDATE accepted SET token_sha256 = zeroblob(31) || x'01'",
    "another checksum": "UPDATE accepted SET checksum = checksum + 1",
    "a short hash": "UPDATE accepted SET token_sha256 = x'00'",
}


@pytest.mark.parametrize("change", ROWS.values(), ids=ROWS.keys())
def test_a_file_with_a_row_that_was_never_written_so_is_refused(path: Path, change: str) -> None:
    with changing(path) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(change)
    refuse(path, "is damaged")


COUNTED = {
    "boots": "INSERT INTO boot VALUES (0, 9223372036854775807, 0, 0)",
    "events": "INSERT INTO event VALUES (9223372036854775807, x'00', 0)",
    "answers": "INSERT INTO answer VALUES (x'00', zeroblob(8), 9223372036854775807, x'00', 0)",
}


@pytest.mark.parametrize("change", COUNTED.values(), ids=COUNTED.keys())
@pytest.mark.clause("TC-STATE-03")
def test_a_file_that_leaves_no_next_number_is_refused(path: Path, change: str) -> None:
    with changing(path) as connection:
        connection.execute(change)
        for table in (BOOT, EVENT, ANSWER):
            for *columns, _checksum in connection.execute(table.read_all).fetchall():
                checksum = checksum_of(tuple(columns))
                connection.execute(table.write, (*columns, checksum))
                connection.execute("UPDATE seal SET total = total + ?", (checksum,))
    refuse(path, "is damaged")


def test_on_a_read_only_file_system_nothing_is_made_to_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = os.statvfs(path)
    read_only = SimpleNamespace(f_flag=found.f_flag | os.ST_RDONLY)
    monkeypatch.setattr(os, "statvfs", lambda _: read_only)
    before = sorted(path.parent.iterdir())
    reader = SqliteState(path, is_reader=True)
    assert reader.sequences()
    assert sorted(path.parent.iterdir()) == before
    reader.close()


@pytest.mark.parametrize("length", [1, 100, 4095, 4096, 5000, 8191])
@pytest.mark.clause("TC-STATE-03")
def test_a_file_that_was_cut_is_refused(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])
    refuse(path, "is damaged|is no state file")


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("replace", [link, pipe, directory])
@pytest.mark.clause("TC-STATE-03")
def test_what_is_no_file_is_refused(path: Path, replace: Callable[[Path], None]) -> None:
    replace(path)
    with pytest.raises(StateFileError, match=r"is a (link|directory, pipe or device), not a file"):
        SqliteState(path)


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda at: at.symlink_to("victim")])
def test_what_lies_in_the_way_of_sqlite_is_refused(
    path: Path, suffix: str, make: Callable[[Path], None]
) -> None:
    make(path.with_name(path.name + suffix))
    with pytest.raises(StateFileError, match="not a file"):
        SqliteState(path)
    assert not path.with_name("victim").exists()


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
@pytest.mark.clause("TC-STATE-03")
def test_what_is_left_of_a_removed_file_is_no_part_of_a_new_one(
    tmp_path: Path, suffix: str
) -> None:
    (tmp_path / f"device.db{suffix}").write_bytes(b"of before")
    with pytest.raises(StateFileError, match=f"is missing; move .*device.db{suffix} away too"):
        SqliteState(tmp_path / "device.db").accept([(CODE, NEW)])
    assert not (tmp_path / "device.db").exists()


def test_drafts_are_new_files_and_never_follow_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "known")
    victim = tmp_path / "victim"
    (tmp_path / ".device.db.known.new").symlink_to(victim)
    with pytest.raises(StateFileError, match="exists"):
        SqliteState(tmp_path / "device.db").accept([(CODE, NEW)])
    assert not victim.exists()


def test_a_folder_that_does_not_exist_leaves_the_state_unchanged(tmp_path: Path) -> None:
    state = SqliteState(tmp_path / "missing" / "device.db")
    with pytest.raises(StateFileError, match="No such file"):
        state.accept([(CODE, NEW)])
    assert state.newest(CODE) is None


@pytest.mark.parametrize("remove", [Path.unlink, link, pipe], ids=["unlink", "link", "pipe"])
@pytest.mark.clause("TC-STATE-03")
def test_a_file_that_is_taken_away_in_use_is_noticed(
    path: Path, remove: Callable[[Path], None]
) -> None:
    state = SqliteState(path)
    remove(path)
    with pytest.raises(StateFileError):
        state.accept([(CODE, NEW)])
    with pytest.raises(StateFileError):
        state.newest(CODE)


@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "PRAGMA locking_mode = EXCLUSIVE"])
@pytest.mark.clause("TC-STATE-04")
def test_a_lock_that_is_never_released_is_an_error_in_bounded_time(
    path: Path, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    with changing(path) as connection:
        connection.execute(lock)
        if "BEGIN" not in lock:
            connection.execute("UPDATE accepted SET kind = kind")
        with pytest.raises(StateFileBusy, match=r"kept it locked for 0\.05 s"):
            SqliteState(path).accept([(CODE, NEW)])
    SqliteState(path).accept([(CODE, NEW)])


def test_while_another_process_writes_the_last_state_can_be_read(path: Path) -> None:
    state = SqliteState(path)
    with changing(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(INSERT)
        assert state.newest(SequenceSubject(b"u", Kind.CODE)) is None
        assert state.newest(CODE) == NEW


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failure_in_the_middle_changes_nothing(path: Path, error: BaseException) -> None:
    found = Database(path, sound)
    with suppress(KeyboardInterrupt, StateFileError), found.transaction() as connection:
        connection.execute(INSERT)
        raise error
    assert found.read("SELECT count(*) FROM accepted") == [(1,)]
    with found.transaction() as connection:
        connection.execute(INSERT)
    assert found.read("SELECT count(*) FROM accepted") == [(2,)]


def test_a_transaction_that_is_over_is_on_the_disk(path: Path) -> None:
    found = Database(path, sound)
    assert found.read("PRAGMA synchronous") == [(2,)]
    assert found.read("PRAGMA journal_mode") == [("wal",)]


def test_a_file_of_an_older_version_gets_all_later_migrations(path: Path) -> None:
    migrations = (*MIGRATIONS, ("CREATE TABLE more (count INTEGER)", "INSERT INTO more VALUES (7)"))
    with pytest.raises(StateFileError, match="has the older schema 4; a run brings it up to date"):
        Database(path, sound, migrations, is_reader=True)
    first, second = Database(path, sound, migrations), Database(path, sound, migrations)
    for each in (first, second):
        assert each.read("SELECT count FROM more") == [(7,)]
        assert each.read("PRAGMA user_version") == [(5,)]
        assert each.read("SELECT count(*) FROM accepted") == [(1,)]


def test_a_step_that_fails_leaves_the_older_version(path: Path) -> None:
    migrations = (
        *MIGRATIONS,
        ("CREATE TABLE more (count INTEGER)", "CREATE TABLE more (count INTEGER)"),
    )
    with pytest.raises(StateFileError, match=r"damaged|already exists"):
        Database(path, sound, migrations)
    assert SqliteState(path).newest(CODE) == NEW


def test_the_first_step_is_what_files_out_there_were_made_with(tmp_path: Path) -> None:
    found = Database(tmp_path / "old.db", sound, MIGRATIONS[:1])
    with found.transaction():
        pass
    assert found.read("PRAGMA application_id") == [(APPLICATION_ID,)] == [(0x54436473,)]
    names = [name for (name,) in found.read("SELECT name FROM pragma_table_info('sequence')")]
    assert names == ["uid", "kind", "endpoint_id", "number", "token_sha256", "checksum"]


def test_a_refusal_belongs_to_both_families_of_errors() -> None:
    assert issubclass(StateFileError, TinyContainerError)
    assert issubclass(StateFileError, SequenceStoreError)
    assert issubclass(StateFileBusy, StateFileError)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.clause("TC-STATE-03")
def test_one_flipped_bit_is_found_or_changes_no_answer(path: Path, seed: int) -> None:
    content, draws = path.read_bytes(), random.Random(seed)
    for _ in range(60):
        flipped = bytearray(content)
        at = draws.choice([draws.randrange(200), draws.randrange(len(content))])
        flipped[at] ^= 1 << draws.randrange(8)
        path.write_bytes(flipped)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        with suppress(StateFileError):
            assert SqliteState(path, is_reader=True).newest(CODE) == NEW


@pytest.mark.clause("TC-STATE-03")
def test_any_cut_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in (*range(0, len(content), 97), len(content) - 1):
        path.write_bytes(content[:length])
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        with pytest.raises(StateFileError):
            SqliteState(path, is_reader=True)
