"""An interrupt at any line of the state: its file stays usable, for this process and for others."""

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.interrupting import LineCounter

from tinycontainer.state import Ownership, SqliteState, StateChange, StoredContainer, database
from tinycontainer_tokens import Accepted, Kind, SequenceSubject

CODE = SequenceSubject(b"uid", Kind.CODE)

# An interrupt between the lines that open a file and keep it leaves it to the collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")


@pytest.fixture(autouse=True)
def collect() -> Iterator[None]:
    """Collect what is left while the warning is expected, and not within another test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def accept(state: SqliteState, sequence: int) -> None:
    state.accept([(CODE, Accepted(sequence, bytes(32)))])


def torn_states(folder: Path, *, is_new: bool) -> Iterator[tuple[SqliteState, Path]]:
    """A state for each line of an acceptance, which was interrupted there."""
    for line in range(1, 1000):
        path = folder / f"{line}.db"
        state = SqliteState(path)
        if not is_new:
            accept(state, 1)
        counter = LineCounter(line)
        try:
            with counter.counting():
                accept(state, 2)
        except KeyboardInterrupt:
            yield state, path
        else:
            return
    raise AssertionError("an acceptance has no end")


@pytest.mark.clause("TC-STATE-04")
@pytest.mark.parametrize("is_new", [True, False], ids=["new file", "old file"])
def test_an_interrupted_acceptance_locks_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.1)
    lines = 0
    for state, path in torn_states(tmp_path, is_new=is_new):
        accept(state, 3)
        other = SqliteState(path)
        accept(other, 4)
        newest = state.newest(CODE)
        assert newest is not None
        assert newest.sequence == 4
        other.close()
        state.close()
        lines += 1
    assert lines > 20


@pytest.mark.clause("TC-STATE-09")
def test_an_owner_that_was_interrupted_while_it_opened_the_file_does_not_keep_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "device.db"
    SqliteState(path, Ownership.SOLE).begin_boot(1)
    for line in range(1, 1000):
        counter = LineCounter(line)
        try:
            with counter.counting():
                state = SqliteState(path, Ownership.SOLE)
        except KeyboardInterrupt:
            pass
        else:
            state.close()
            break
        SqliteState(path, Ownership.SOLE).close()
    assert line > 20


@pytest.mark.clause("TC-STATE-05")
def test_an_interrupted_record_is_whole_or_not_there_and_can_be_repeated(tmp_path: Path) -> None:
    box = StoredContainer(0, b"box", b"meta", b"code", b"data")
    change = StateChange(((CODE, Accepted(1, bytes(32))),), (box,), (), 5)
    for line in range(1, 1000, 3):
        state = SqliteState(tmp_path / f"{line}.db", Ownership.SOLE)
        state.begin_boot(1)
        counter = LineCounter(line)
        try:
            with counter.counting():
                state.record(change)
        except KeyboardInterrupt:
            found = (state.containers(), state.newest(CODE) is None, state.remembered().time_s)
            assert found in [((box,), False, 5), ((), True, 1)]
            state.record(change)
            assert state.containers() == (box,)
        else:
            state.close()
            break
        state.close()
    assert line > 20
