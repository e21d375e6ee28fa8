"""The chain over events goes on: beyond those that are kept, across boots, and from older files."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tinycontainer.state import (
    DeviceState,
    MemoryState,
    Ownership,
    SqliteState,
    StateChange,
    StateFileError,
    StoredEvent,
    extend_chain,
)
from tinycontainer.state.database import Database
from tinycontainer.state.schema import MIGRATIONS
from tinycontainer.state.tables import checksum_of

START = bytes(32)
Make = Callable[[Path], DeviceState]
MAKERS: dict[str, Make] = {
    "memory": lambda _: MemoryState(),
    "file": lambda folder: SqliteState(folder / "device.db", Ownership.SOLE),
}
each_state = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def events(numbers: Iterable[int]) -> list[StoredEvent]:
    return [StoredEvent(number, b"event %d" % number) for number in numbers]


def record(state: DeviceState, numbers: range) -> None:
    state.record(StateChange(events=tuple(each.content for each in events(numbers))))


@each_state
@pytest.mark.clause("TC-EVID-05")
def test_a_new_state_is_at_the_start_of_the_chain(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    assert [state.event_chain(number) for number in (0, 5)] == [START, START]


@each_state
@pytest.mark.clause("TC-EVID-05")
@pytest.mark.parametrize("step", [1, 7, 100, 400])
def test_the_chain_covers_more_events_than_are_kept(make: Make, tmp_path: Path, step: int) -> None:
    state = make(tmp_path)
    for first in range(1, 801, step):
        record(state, range(first, min(first + step, 801)))
    oldest = state.events(0, 1).entries[0].number
    assert oldest == 800 - 255
    for number in (oldest - 1, oldest, 700, 800):
        assert state.event_chain(number) == extend_chain(START, events(range(1, number + 1)))
    assert state.event_chain(801) == state.event_chain(1 << 70) == state.event_chain(800)
    assert state.event_chain(0) == state.event_chain(-1) == state.event_chain(oldest - 1)


@pytest.mark.clause("TC-EVID-05", "TC-STATE-05")
def test_the_chain_goes_on_after_a_boot(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    for first in range(1, 601, 150):
        state = SqliteState(path, Ownership.SOLE)
        record(state, range(first, first + 150))
        state.close()
    reader = SqliteState(path, is_reader=True)
    assert reader.event_chain(600) == extend_chain(START, events(range(1, 601)))


@pytest.mark.clause("TC-EVID-05", "TC-STATE-05")
def test_a_change_that_is_refused_leaves_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "device.db"
    state = SqliteState(path, Ownership.SOLE)
    record(state, range(1, 301))
    before = state.event_chain(300)
    other = SqliteState(path, is_reader=True)
    with pytest.raises(StateFileError):
        record(other, range(301, 500))
    assert (state.event_chain(300), state.events(0, 0).newest) == (before, 300)
    record(state, range(301, 302))
    assert state.event_chain(301) == extend_chain(before, events([301]))


@pytest.mark.clause("TC-EVID-05", "TC-STATE-03")
def test_in_a_file_of_the_third_version_the_chain_begins_with_its_oldest_event(
    tmp_path: Path,
) -> None:
    path = tmp_path / "device.db"
    database = Database(path, lambda _: True, MIGRATIONS[:3])
    with database.transaction() as connection:
        for each in events(range(40, 140)):
            row = (each.number, each.content)
            connection.execute("INSERT INTO event VALUES (?, ?, ?)", (*row, checksum_of(row)))
            connection.execute("UPDATE seal SET total = total + ?", (checksum_of(row),))
    database.close()
    state = SqliteState(path, Ownership.SOLE)
    assert state.event_chain(39) == START
    assert state.event_chain(139) == extend_chain(START, events(range(40, 140)))
    record(state, range(140, 500))
    assert state.event_chain(499) == extend_chain(START, events(range(40, 500)))
    state.close()
    reader = SqliteState(path, is_reader=True)
    assert reader.events(0, 1).entries[0].number == 244
    assert reader.event_chain(243) == extend_chain(START, events(range(40, 244)))
