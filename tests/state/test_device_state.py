"""What a device remembers of tokens, in memory and in a file: it changes as a whole or not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tinycontainer.state import DeviceState, MemoryState, SqliteState, StateFileError
from tinycontainer_tokens import Accepted, Kind, SequenceOvertaken, SequenceSubject

CODE = SequenceSubject(b"uid", Kind.CODE)
METADATA = SequenceSubject(b"uid", Kind.METADATA)
OLD, NEW = Accepted(1, bytes(32)), Accepted(2, bytes(range(32)))
NEW_TWIN = Accepted(2, bytes(32))

Make = Callable[[Path], DeviceState]
MAKERS: dict[str, Make] = {
    "memory": lambda _: MemoryState(),
    "file": lambda folder: SqliteState(folder / "device.db"),
}
each_state = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@each_state
def test_a_new_state_knows_nothing(make: Make, tmp_path: Path) -> None:
    assert make(tmp_path).newest(CODE) is None


@each_state
def test_the_last_acceptance_is_the_newest(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    state.accept([(CODE, OLD), (METADATA, OLD)])
    state.accept([(CODE, NEW)])
    assert (state.newest(CODE), state.newest(METADATA)) == (NEW, OLD)


@each_state
@pytest.mark.parametrize(
    "other",
    [
        SequenceSubject(b"uid2", Kind.ENDPOINT, 7),
        SequenceSubject(b"uid", Kind.ENDPOINT, 8),
        SequenceSubject(b"uid", Kind.CODE, 7),
        SequenceSubject(b"uid", Kind.MASK),
    ],
)
@pytest.mark.clause("TC-TOK-18")
def test_subjects_are_counted_apart(make: Make, tmp_path: Path, other: SequenceSubject) -> None:
    state = make(tmp_path)
    endpoint = SequenceSubject(b"uid", Kind.ENDPOINT, 7)
    state.accept([(endpoint, NEW)])
    assert state.newest(other) is None
    state.accept([(other, OLD)])
    assert (state.newest(endpoint), state.newest(other)) == (NEW, OLD)


@each_state
def test_accepting_nothing_changes_nothing(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    state.accept([])
    assert not any(tmp_path.iterdir())
    state.accept([(CODE, NEW)])
    state.accept([])
    assert state.newest(CODE) == NEW


@each_state
def test_entries_may_come_from_an_iterator(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    state.accept(iter([(CODE, NEW), (METADATA, OLD)]))
    assert (state.newest(CODE), state.newest(METADATA)) == (NEW, OLD)


@each_state
@pytest.mark.parametrize("wanted", [OLD, NEW_TWIN])
@pytest.mark.clause("TC-TOK-18", "TC-TOK-27")
def test_of_several_entries_one_that_is_overtaken_keeps_all_out(
    make: Make, tmp_path: Path, wanted: Accepted
) -> None:
    state = make(tmp_path)
    state.accept([(CODE, NEW)])
    with pytest.raises(SequenceOvertaken):
        state.accept([(METADATA, NEW), (CODE, wanted)])
    assert (state.newest(CODE), state.newest(METADATA)) == (NEW, None)
    state.accept([(METADATA, NEW), (CODE, NEW)])
    assert state.newest(METADATA) == NEW


@each_state
def test_two_entries_of_one_subject_are_judged_one_after_the_other(
    make: Make, tmp_path: Path
) -> None:
    state = make(tmp_path)
    with pytest.raises(SequenceOvertaken):
        state.accept([(CODE, NEW), (CODE, OLD)])
    assert state.newest(CODE) is None


@pytest.mark.parametrize("uid", [b"u", bytes(63), b'"\\\n\xff', "é".encode()])
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("number", [0, (1 << 32) - 1, 1 << 63, (1 << 64) - 1])
@pytest.mark.clause("TC-TOK-27")
def test_a_file_survives_reopening(tmp_path: Path, uid: bytes, kind: Kind, number: int) -> None:
    path = tmp_path / "device.db"
    subject = SequenceSubject(uid, kind, number % (1 << 32))
    accepted = Accepted(number, bytes(range(32)))
    SqliteState(path).accept([(subject, accepted), (CODE, OLD)])
    reopened = SqliteState(path)
    assert (reopened.newest(subject), reopened.newest(CODE)) == (accepted, OLD)


def test_numbers_beyond_a_signed_integer_keep_their_order(tmp_path: Path) -> None:
    state = SqliteState(tmp_path / "device.db")
    for number in (0, 255, 256, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        state.accept([(CODE, Accepted(number, bytes(32)))])
    for number in (0, 255, 1 << 63, (1 << 64) - 2):
        with pytest.raises(SequenceOvertaken):
            state.accept([(CODE, Accepted(number, bytes(32)))])


def test_a_file_is_made_at_the_first_acceptance_and_only_its_lock_file_stays_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "device.db"
    state = SqliteState(path)
    assert state.newest(CODE) is None
    assert not any(tmp_path.iterdir())
    state.accept([(CODE, OLD)])
    state.close()
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "device.db-lock"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_there_is_room_for_far_more_entries_than_a_device_ever_has(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    many = [(SequenceSubject(number.to_bytes(63, "big"), Kind.CODE), NEW) for number in range(9000)]
    SqliteState(path).accept(many)
    reopened = SqliteState(path)
    assert [reopened.newest(subject) for subject, _ in many[::500]] == [NEW] * 18


def test_a_closed_state_opens_its_file_again(tmp_path: Path) -> None:
    state = SqliteState(tmp_path / "device.db")
    state.accept([(CODE, NEW)])
    state.close()
    state.close()
    assert state.newest(CODE) == NEW


@pytest.mark.clause("TC-TOK-27")
def test_two_devices_over_one_file_see_what_the_other_has_accepted(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    first, second = SqliteState(path), SqliteState(path)
    first.accept([(CODE, NEW)])
    assert second.newest(CODE) == NEW
    for overtaken in (OLD, NEW_TWIN):
        with pytest.raises(SequenceOvertaken):
            second.accept([(METADATA, OLD), (CODE, overtaken)])
    assert first.newest(METADATA) is None
    second.accept([(METADATA, OLD)])
    assert first.newest(METADATA) == OLD


def test_a_reader_sees_changes_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    reader, writer = SqliteState(path, is_reader=True), SqliteState(path)
    with pytest.raises(StateFileError, match="for reading only"):
        reader.accept([(CODE, NEW)])
    assert not path.exists()
    writer.accept([(CODE, NEW)])
    assert reader.newest(CODE) == NEW
