"""What a device remembers beside sequences: the same in memory and in a file, within bounds."""

import random
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from support.remembering import container, perform, picture, pictures, series

from tinycontainer.metadata import Bundle
from tinycontainer.state import (
    Boot,
    DeviceState,
    MemoryState,
    Ownership,
    SetAside,
    SqliteState,
    StateChange,
    StoredAnswer,
    StoredContainer,
    StoredEvent,
)
from tinycontainer_tokens import Accepted, Kind, SequenceOvertaken, SequenceSubject

CODE = SequenceSubject(b"uid", Kind.CODE)
UPDATE = SequenceSubject(b"box", None)
NEW = Accepted(2, bytes(32))
BOX = StoredContainer(3, b"box", b"meta", b"code", b"data", True, 7, b"\xf6")
LAST_S = 253_402_300_799

Make = Callable[[Path], DeviceState]
each_state = pytest.mark.parametrize(
    "make",
    [lambda _: MemoryState(), lambda folder: SqliteState(folder / "device.db", Ownership.SOLE)],
    ids=["memory", "file"],
)


@each_state
@pytest.mark.clause("TC-STATE-05")
def test_containers_lie_in_their_slots_until_they_are_removed(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    other = replace(BOX, slot=0, uid=b"other")
    state.record(StateChange(stored=(BOX, other)))
    assert state.containers() == (other, BOX)
    later = replace(BOX, loops=8, wants_to_run=False, last_exit=b"")
    state.record(StateChange(stored=(later,), removed=(0, 9)))
    assert state.containers() == (later,)


@each_state
@pytest.mark.clause("TC-STATE-05")
def test_a_change_with_an_overtaken_token_or_update_changes_nothing(
    make: Make, tmp_path: Path
) -> None:
    state = make(tmp_path)
    state.record(StateChange(accepted=((CODE, NEW), (UPDATE, Accepted(4, bytes(32))))))
    whole = StateChange(
        stored=(BOX,),
        now_s=5,
        events=(b"e",),
        answer=StoredAnswer(b"p", bytes(8), b"a"),
        removed=(0,),
    )
    for overtaken in (
        replace(whole, accepted=((CODE, Accepted(1, bytes(32))),)),
        replace(whole, accepted=((CODE, Accepted(2, b"\1" * 32)),)),
        replace(whole, accepted=((UPDATE, Accepted(3, bytes(32))),)),
        replace(whole, accepted=((UPDATE, Accepted(4, b"\1" * 32)),)),
    ):
        with pytest.raises(SequenceOvertaken):
            state.record(overtaken)
    assert (state.containers(), state.remembered()) == ((), Boot())
    assert (state.events(0, 9).newest, state.answer(b"p", bytes(8))) == (0, None)
    state.record(replace(whole, accepted=((UPDATE, Accepted(4, bytes(32))),)))
    assert state.containers() == (BOX,)
    assert state.newest(UPDATE) == Accepted(4, bytes(32))
    assert state.newest(SequenceSubject(b"other", None)) is None


@each_state
@pytest.mark.clause("TC-STATE-06")
def test_time_never_goes_back_over_changes_and_boots(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    assert state.remembered() == Boot(0, 0)
    assert state.begin_boot(100) == Boot(1, 100)
    state.record(StateChange(now_s=130))
    state.record(StateChange(now_s=120))
    assert state.begin_boot(90) == Boot(2, 130)
    assert state.begin_boot(140) == state.remembered() == Boot(3, 140)


@each_state
@pytest.mark.clause("TC-STATE-05", "TC-MGMT-08")
def test_an_identifier_takes_the_place_of_the_one_before(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    assert state.device_id() is None
    for content in (b"first", b"\xff" * 64):
        state.record(StateChange(device_id=content))
    state.record(StateChange(events=(b"e",)))
    assert state.device_id() == b"\xff" * 64


@each_state
@pytest.mark.clause("TC-STATE-07")
def test_events_are_numbered_on_and_the_last_256_are_kept(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    for number in range(1, 301, 3):
        state.record(StateChange(events=tuple(b"%d" % (number + more) for more in range(3))))
    found = state.events(0, 1000)
    assert found.newest == 300
    assert found.entries == tuple(StoredEvent(number, b"%d" % number) for number in range(45, 301))
    assert state.events(297, 2).entries == (StoredEvent(298, b"298"), StoredEvent(299, b"299"))
    assert state.events(300, 5).entries == state.events(0, 0).entries == ()
    assert state.events(1 << 70, 1 << 70).entries == state.events(0, -(1 << 70)).entries == ()
    assert len(state.events(-(1 << 70), 1 << 70).entries) == 256
    state.record(StateChange(events=(b"x",) * 1000))
    assert [event.number for event in state.events(0, 1000).entries] == [*range(1045, 1301)]


@each_state
@pytest.mark.clause("TC-STATE-07")
def test_events_are_kept_within_their_bytes(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    state.record(StateChange(events=(bytes(1000),) * 70))
    assert [event.number for event in state.events(0, 100).entries] == [*range(6, 71)]
    state.record(StateChange(events=(b"",)))
    assert len(state.events(0, 100).entries) == 66


@each_state
@pytest.mark.clause("TC-STATE-07")
def test_of_each_peer_the_last_64_answers_are_kept(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    for number in range(70):
        state.record(
            StateChange(answer=StoredAnswer(b"busy", number.to_bytes(8, "big"), b"%d" % number))
        )
        if number == 0:
            state.record(StateChange(answer=StoredAnswer(b"calm", bytes(8), b"other")))
    kept = [state.answer(b"busy", number.to_bytes(8, "big")) for number in range(70)]
    assert kept == [None] * 6 + [b"%d" % number for number in range(6, 70)]
    assert state.answer(b"calm", bytes(8)) == b"other"
    assert state.answer(b"nobody", bytes(8)) is None


@each_state
@pytest.mark.clause("TC-STATE-07")
def test_of_33_peers_the_one_that_was_answered_longest_ago_is_forgotten(
    make: Make, tmp_path: Path
) -> None:
    state = make(tmp_path)
    for number in [*range(32), 0, 32]:
        state.record(StateChange(answer=StoredAnswer(b"%d" % number, bytes(8), b"a")))
    kept = [number for number in range(33) if state.answer(b"%d" % number, bytes(8))]
    assert kept == [0, *range(2, 33)]


@each_state
@pytest.mark.clause("TC-STATE-08")
def test_what_cannot_be_restored_is_kept_aside_with_the_reason(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    state.record(StateChange(stored=(BOX,)))
    state.set_aside(3, "a\x1b[31m\nproblem")
    assert state.containers() == ()
    assert state.kept_aside() == (SetAside(BOX, "a\\x1b[31m\\x0aproblem"),)
    with pytest.raises(ValueError, match="slot 3 is empty"):
        state.set_aside(3, "again")
    newer = replace(BOX, code=b"newer")
    state.record(StateChange(stored=(newer,)))
    state.set_aside(3, "p" * 5000)
    state.record(StateChange(stored=(BOX,)))
    state.set_aside(3, "a\x1b[31m\nproblem")  # at each boot the same: it is kept once
    assert state.kept_aside()[1:] == (SetAside(newer, "p" * 1024),)


@each_state
def test_containers_of_equal_content_do_not_share_their_end(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    twin = replace(BOX, slot=4)
    state.record(StateChange(stored=(BOX, twin)))
    state.record(StateChange(removed=(3,)))
    assert state.containers() == (twin,)
    state.set_aside(4, "p")
    state.record(StateChange(stored=(BOX,)))
    state.record(StateChange(removed=(3,)))
    assert state.kept_aside() == (SetAside(twin, "p"),)


WRONG: list[Callable[[], object]] = [
    lambda: replace(BOX, slot=-1),
    lambda: replace(BOX, slot=10_000),
    lambda: replace(BOX, uid=b""),
    lambda: replace(BOX, uid=bytes(64)),
    lambda: replace(BOX, metadata=bytes((1 << 20) + 1)),
    lambda: replace(BOX, code=bytes((1 << 24) + 1)),
    lambda: replace(BOX, data=bytes((1 << 24) + 1)),
    lambda: replace(BOX, loops=-1),
    lambda: replace(BOX, loops=1 << 63),
    lambda: replace(BOX, last_exit=bytes(257)),
    lambda: StateChange(now_s=-1),
    lambda: StateChange(now_s=LAST_S + 1),
    lambda: StateChange(events=(bytes(1025),)),
    lambda: StateChange(device_id=b""),
    lambda: StateChange(device_id=bytes(65)),
    lambda: StateChange(stored=(BOX, BOX)),
    lambda: StateChange(stored=(BOX,), removed=(3,)),
    lambda: StoredAnswer(b"", bytes(8), b""),
    lambda: StoredAnswer(bytes(65), bytes(8), b""),
    lambda: StoredAnswer(b"p", bytes(7), b""),
    lambda: StoredAnswer(b"p", bytes(8), bytes(4097)),
    lambda: MemoryState().begin_boot(-1),
]


@pytest.mark.parametrize("make", WRONG)
@pytest.mark.clause("TC-STATE-07")
def test_what_is_beyond_its_bounds_is_not_made(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"is not \d+ to \d+|each slot once"):
        make()


@each_state
def test_what_is_just_within_its_bounds_is_recorded(make: Make, tmp_path: Path) -> None:
    state = make(tmp_path)
    big = StoredContainer(
        9999, bytes(63), bytes(1 << 20), b"c", b"", True, (1 << 63) - 1, bytes(256)
    )
    update = SequenceSubject(bytes(63), None), Accepted((1 << 64) - 1, bytes(32))
    answer = StoredAnswer(bytes(64), bytes(8), bytes(4096))
    state.record(StateChange((update,), (big,), (), LAST_S, (bytes(1024),), answer))
    state.close()
    again = make(tmp_path) if isinstance(state, SqliteState) else state
    assert (again.containers(), again.newest(update[0])) == ((big,), update[1])
    assert again.begin_boot(0) == Boot(1, LAST_S)
    again.close()


@pytest.mark.parametrize(
    "seed", [1, 2, *(pytest.param(n, marks=pytest.mark.long) for n in range(3, 20))]
)
@pytest.mark.clause("TC-STATE-05", "TC-STATE-07")
def test_a_file_remembers_what_memory_does_also_when_it_is_opened_again(
    tmp_path: Path, seed: int
) -> None:
    steps = series(seed, 150)
    expected = pictures(steps)
    state = SqliteState(tmp_path / "device.db", Ownership.SOLE)
    for number, step in enumerate(steps, start=1):
        perform(state, step)
        if number % 10 == 0:
            state.close()
            state = SqliteState(tmp_path / "device.db", Ownership.SOLE)
        assert picture(state, steps) == expected[number]
    state.close()


def test_a_container_is_of_the_hash_that_its_bundle_file_has() -> None:
    found = container(random.Random(1), 0)
    bundle = Bundle(found.metadata, found.data, found.code)
    assert found.bundle_sha256() == sha256(bundle.encode()).digest()
