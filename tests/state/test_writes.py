"""What a record costs: one transaction, and only the rows that it changes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tinycontainer.state import (
    Ownership,
    SqliteState,
    StateChange,
    StoredAnswer,
    StoredContainer,
    database,
)
from tinycontainer_tokens import Accepted, Kind, SequenceSubject

CODE = SequenceSubject(b"uid", Kind.CODE)
NEW = Accepted(2, bytes(32))
PAGE_BYTES = 4096
BIG = StoredContainer(0, b"box", bytes(2000), bytes(64 * 1024), b"\1" * (64 * 1024), True)


class Desk:
    """A state whose statements are recorded, and the pages that each change writes to the log."""

    def __init__(self, path: Path, statements: list[str]) -> None:
        self.state = SqliteState(path, Ownership.SOLE)
        self._log = path.with_name(f"{path.name}-wal")
        self._statements = statements

    def record(self, change: StateChange) -> tuple[list[str], int]:
        """The statements of a change, and the pages that it wrote."""
        self._statements.clear()
        before = self._log.stat().st_size if self._log.exists() else 0
        self.state.record(change)
        return list(self._statements), (self._log.stat().st_size - before) // PAGE_BYTES


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    statements: list[str] = []
    connect = database._connect_to

    def traced(path: Path, mode: str = "rw") -> sqlite3.Connection:
        connection = connect(path, mode)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.set_trace_callback(lambda text: statements.append(text.split()[0]))
        return connection

    monkeypatch.setattr(database, "_connect_to", traced)
    found = Desk(tmp_path / "device.db", statements)
    found.state.record(StateChange(stored=(BIG,), accepted=((CODE, NEW),), now_s=5))
    yield found
    found.state.close()


@pytest.mark.clause("TC-STATE-05")
def test_a_record_is_one_transaction(desk: Desk) -> None:
    statements, _ = desk.record(
        StateChange(
            accepted=((CODE, Accepted(3, bytes(32))),),
            stored=(replace(BIG, loops=1), replace(BIG, slot=1, uid=b"other", code=b"c")),
            now_s=6,
            events=(b"a", b"b"),
            answer=StoredAnswer(b"p", bytes(8), b"a"),
        )
    )
    assert (statements[0], statements[-1]) == ("BEGIN", "COMMIT")
    assert statements.count("BEGIN") == statements.count("COMMIT") == 1
    assert statements.count("UPDATE") == 1


@pytest.mark.clause("TC-STATE-05")
def test_a_loop_writes_neither_code_nor_data_again(desk: Desk) -> None:
    statements, pages = desk.record(StateChange(stored=(replace(BIG, loops=1),), now_s=6))
    assert pages <= 4
    assert statements.count("INSERT") == 2
    assert len(statements) <= 10
    _, pages = desk.record(StateChange(stored=(replace(BIG, code=b"c" * 64 * 1024),)))
    assert pages >= 32


def test_what_stays_as_it_is_is_not_written(desk: Desk) -> None:
    statements, pages = desk.record(StateChange(stored=(BIG,), accepted=((CODE, NEW),), now_s=4))
    assert set(statements) - {"SELECT"} == {"BEGIN", "COMMIT"}
    assert pages == 0
    assert desk.record(StateChange()) == ([], 0)


def test_a_container_that_is_set_aside_is_not_written_again(desk: Desk, tmp_path: Path) -> None:
    log = tmp_path / "device.db-wal"
    before = log.stat().st_size
    desk.state.set_aside(0, "problem")
    assert log.stat().st_size - before <= 5 * PAGE_BYTES
    assert desk.state.kept_aside()[0].container == BIG


def test_the_file_does_not_grow_with_the_number_of_changes(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    state = SqliteState(path, Ownership.SOLE)
    for number in range(60):
        code = number.to_bytes(2, "big") * 16_000
        state.record(StateChange(stored=(replace(BIG, code=code),), events=(bytes(900),)))
    state.close()
    assert path.stat().st_size < 10 * len(BIG.data)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM bundle").fetchone() == (1,)
