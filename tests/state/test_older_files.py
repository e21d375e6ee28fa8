"""A state file of the first version is brought up to date with all its sequences, or refused."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tinycontainer.state import Boot, Ownership, SqliteState, StateChange, StateFileError
from tinycontainer.state.database import Database
from tinycontainer.state.schema import MIGRATIONS
from tinycontainer.state.tables import checksum_of
from tinycontainer_tokens import Accepted, Kind, SequenceOvertaken, SequenceSubject

INSERT = "INSERT INTO sequence VALUES (?, ?, ?, ?, ?, ?)"
SUBJECTS = {
    SequenceSubject(b"uid", Kind.CODE): Accepted(5, bytes(32)),
    SequenceSubject(b"uid", Kind.ENDPOINT, 7): Accepted((1 << 64) - 1, b"\1" * 32),
    SequenceSubject("é".encode(), Kind.MASK): Accepted(0, b"\2" * 32),
}


def first_version(path: Path, subjects: dict[SequenceSubject, Accepted]) -> None:
    """Make a file as the first version of the program made it."""
    database = Database(path, lambda _: True, MIGRATIONS[:1])
    with database.transaction() as connection:
        for subject, accepted in subjects.items():
            row = (
                subject.uid,
                int(subject.kind or 0),
                subject.endpoint_id,
                accepted.sequence.to_bytes(8, "big"),
                accepted.token_sha256,
            )
            connection.execute(INSERT, (*row, checksum_of(row)))
    database.close()


@pytest.fixture(params=[SUBJECTS, {}], ids=["some", "none"])
def subjects(request: pytest.FixtureRequest, tmp_path: Path) -> dict[SequenceSubject, Accepted]:
    first_version(tmp_path / "device.db", request.param)
    found: dict[SequenceSubject, Accepted] = request.param
    return found


@pytest.mark.parametrize("ownership", Ownership)
@pytest.mark.clause("TC-STATE-03")
def test_a_file_of_the_first_version_keeps_its_sequences(
    tmp_path: Path, subjects: dict[SequenceSubject, Accepted], ownership: Ownership
) -> None:
    path = tmp_path / "device.db"
    with pytest.raises(StateFileError, match="has the older schema 1; a run brings it up to date"):
        SqliteState(path, is_reader=True)
    state = SqliteState(path, ownership)
    assert dict(state.sequences()) == subjects
    assert (state.containers(), state.remembered()) == ((), Boot())
    for subject, accepted in subjects.items():
        with pytest.raises(SequenceOvertaken):
            state.accept([(subject, Accepted(accepted.sequence, b"\3" * 32))])
    state.close()
    owner = SqliteState(path, Ownership.SOLE)
    owner.record(StateChange(events=(b"e",)))
    owner.close()
    assert dict(SqliteState(path, is_reader=True).sequences()) == subjects


@pytest.mark.clause("TC-STATE-03")
def test_a_file_of_the_second_version_keeps_its_rows_and_its_seal(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    database = Database(path, lambda _: True, MIGRATIONS[:2])
    with database.transaction() as connection:
        row = (0, 7, 1_000)
        connection.execute("INSERT INTO boot VALUES (?, ?, ?, ?)", (*row, checksum_of(row)))
        connection.execute("UPDATE seal SET total = total + ?", (checksum_of(row),))
    database.close()
    state = SqliteState(path, Ownership.SOLE)
    assert (state.remembered(), state.device_id()) == (Boot(7, 1_000), None)
    state.record(StateChange(device_id=b"desk"))
    state.close()
    assert SqliteState(path, is_reader=True).device_id() == b"desk"


DAMAGE = {
    "another number": "UPDATE sequence SET number = x'0000000000000001' WHERE kind = 4",
    "another checksum": "UPDATE sequence SET checksum = -1 WHERE kind = 4",
    "checksums below any": "UPDATE sequence SET checksum = -5000000000",
    "another table": "CREATE TABLE container (slot)",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.clause("TC-STATE-03")
def test_a_damaged_file_of_the_first_version_keeps_its_version(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "device.db"
    first_version(path, SUBJECTS)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(damage)
    before = path.read_bytes()
    for ownership in Ownership:
        with pytest.raises(StateFileError, match="is damaged"):
            SqliteState(path, ownership)
    assert path.read_bytes() == before


def test_an_older_program_that_has_the_file_open_is_refused_and_breaks_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "device.db"
    first_version(path, SUBJECTS)
    older = Database(path, lambda _: True, MIGRATIONS[:1])
    newer = SqliteState(path)
    newer.accept([(SequenceSubject(b"new", Kind.DATA), Accepted(1, bytes(32)))])
    with pytest.raises(StateFileError, match="no such table"), older.transaction() as connection:
        connection.execute(INSERT, (b"uid", 4, 0, bytes(8), bytes(32), 0))
    newer.close()
    assert len(SqliteState(path).sequences()) == 4
