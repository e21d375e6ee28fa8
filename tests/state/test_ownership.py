"""A state file has one owner, or several devices that share its sequences and nothing else."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tinycontainer.state import (
    Boot,
    Ownership,
    SqliteState,
    StateChange,
    StateFileError,
    StateFileOwned,
    StoredContainer,
)
from tinycontainer_tokens import Accepted, Kind, SequenceOvertaken, SequenceSubject

CODE = SequenceSubject(b"uid", Kind.CODE)
OLD, NEW = Accepted(1, bytes(32)), Accepted(2, bytes(32))
BOX = StoredContainer(0, b"box", b"meta", b"code", b"data")
IN_USE = "^device.db: is in use by another device; end that one, or name another file$"
OWNER = """
import sys
from pathlib import Path
from tinycontainer.state import Ownership, SqliteState
state = SqliteState(Path(sys.argv[1]), Ownership.SOLE)
print(state.begin_boot(5).count, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "device.db"


def own(path: Path) -> SqliteState:
    return SqliteState(path, Ownership.SOLE)


@pytest.mark.clause("TC-STATE-09")
def test_a_second_owner_is_refused_until_the_first_lets_go(path: Path) -> None:
    first = own(path)
    with pytest.raises(StateFileOwned, match=IN_USE):
        own(path)
    first.begin_boot(1)
    with pytest.raises(StateFileOwned, match=IN_USE):
        own(path)
    first.close()
    second = own(path)
    assert second.begin_boot(1).count == 2
    with pytest.raises(StateFileOwned, match=IN_USE):
        first.begin_boot(1)
    second.close()
    assert first.begin_boot(1).count == 3
    first.close()


@pytest.mark.clause("TC-STATE-09")
def test_a_killed_owner_leaves_the_file_to_the_next(path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        with pytest.raises(StateFileOwned, match=IN_USE):
            own(path)
        process.kill()
    state = own(path)
    assert state.begin_boot(1).count == 2
    assert state.remembered().time_s == 5
    state.close()


@pytest.mark.clause("TC-STATE-09")
def test_beside_an_owner_others_read_and_change_nothing(path: Path) -> None:
    owner = own(path)
    owner.record(StateChange(accepted=((CODE, NEW),), stored=(BOX,)))
    reader, sharer = SqliteState(path, is_reader=True), SqliteState(path)
    assert reader.containers() == sharer.containers() == (BOX,)
    with pytest.raises(StateFileOwned, match=IN_USE):
        sharer.accept([(CODE, Accepted(3, bytes(32)))])
    owner.record(StateChange(removed=(0,)))
    assert reader.containers() == ()
    owner.close()
    with pytest.raises(SequenceOvertaken):
        sharer.accept([(CODE, OLD)])
    sharer.accept([(CODE, Accepted(3, bytes(32)))])
    with pytest.raises(StateFileOwned, match=IN_USE):
        own(path)
    sharer.close()
    assert own(path).newest(CODE) == Accepted(3, bytes(32))


def let_go(state: SqliteState, _path: Path) -> None:
    state.close()


def lose_the_lock(_state: SqliteState, path: Path) -> None:
    path.with_name("device.db-lock").unlink()


@pytest.mark.parametrize("lose", [let_go, lose_the_lock])
@pytest.mark.clause("TC-STATE-05", "TC-STATE-09", "TC-TOK-18")
def test_who_owns_a_file_again_knows_what_another_wrote_meanwhile(
    path: Path, lose: Callable[[SqliteState, Path], None]
) -> None:
    first = own(path)
    first.accept([(CODE, OLD)])
    assert first.newest(CODE) == OLD
    first.begin_boot(5)
    lose(first, path)
    second = own(path)
    second.accept([(CODE, NEW)])
    second.begin_boot(9)
    second.close()
    with pytest.raises(SequenceOvertaken):
        first.accept([(CODE, OLD)])
    assert first.newest(CODE) == NEW
    assert first.begin_boot(7) == Boot(3, 9)
    first.close()
    assert first.newest(CODE) == NEW
    reader = SqliteState(path, is_reader=True)
    assert reader.remembered() == Boot(3, 9)
    reader.close()


@pytest.mark.clause("TC-STATE-09")
def test_who_shares_a_file_records_sequences_only(path: Path) -> None:
    state = SqliteState(path)
    state.accept([(CODE, NEW)])
    for change in (
        StateChange(stored=(BOX,)),
        StateChange(removed=(0,)),
        StateChange(now_s=1),
        StateChange((), (BOX,)),
    ):
        with pytest.raises(StateFileError, match="used for sequences only; open it as its owner"):
            state.record(change)
    for refused in (
        lambda: state.begin_boot(1),
        lambda: state.set_time(1),
        lambda: state.set_aside(0, "p"),
    ):
        with pytest.raises(StateFileError, match="for sequences only"):
            refused()
    state.close()


def test_a_reader_is_told_that_it_is_one(path: Path) -> None:
    own(path).begin_boot(1)
    reader = SqliteState(path, Ownership.SOLE, is_reader=True)
    with pytest.raises(StateFileError, match="opened for reading only"):
        reader.record(StateChange(stored=(BOX,)))
    with pytest.raises(StateFileError, match="opened for reading only"):
        reader.begin_boot(1)


def test_a_removed_lock_file_does_not_make_two_owners(path: Path) -> None:
    first = own(path)
    first.begin_boot(1)
    lock = path.with_name("device.db-lock")
    lock.unlink()
    second = own(path)
    with pytest.raises(StateFileOwned, match=IN_USE):
        first.begin_boot(1)
    assert second.begin_boot(1).count == 2
    lock.unlink()
    assert second.begin_boot(1).count == 3  # it locks the new file of this name
    with pytest.raises(StateFileOwned, match=IN_USE):
        own(path)
    second.close()


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda at: at.symlink_to("victim")])
def test_what_lies_in_the_way_of_the_lock_is_refused(path: Path, make: object) -> None:
    assert callable(make)
    lock = path.with_name("device.db-lock")
    make(lock)
    if lock.is_fifo():  # it can be locked as well, and nothing is read from it
        own(path).close()
        return
    with pytest.raises(StateFileError, match=r"^device\.db-lock: cannot be used: "):
        own(path)
    assert not path.with_name("victim").exists()


def test_an_owner_of_a_damaged_file_does_not_keep_its_lock(path: Path) -> None:
    path.write_bytes(b"")
    with pytest.raises(StateFileError, match="is damaged"):
        own(path)
    path.unlink()
    own(path).close()


@pytest.mark.clause("TC-STATE-10")
def test_the_time_can_be_set_back_by_hand_only(path: Path) -> None:
    state = own(path)
    state.begin_boot(9_000)
    assert state.set_time(8_000).time_s == 9_000
    assert state.begin_boot(7_000).time_s == 8_000
    for wrong in (-1, 253_402_300_800):
        with pytest.raises(ValueError, match="time in Unix seconds"):
            state.set_time(wrong)
    state.close()
