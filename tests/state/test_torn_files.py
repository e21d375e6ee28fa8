"""Files whose end is torn or whose bits flipped: what is read was recorded so, or is refused."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.remembering import Step, perform, picture, pictures, series

from tinycontainer.state import Ownership, SqliteState, StateFileError

COUNT = 40
ROUNDS = 400
SAMPLE = 60


def left_by_a_power_cut(folder: Path, steps: list[Step], checkpoints: set[int]) -> dict[str, bytes]:
    """The files as they are at the moment after the last step, by the end of their name."""
    path = folder / "device.db"
    state = SqliteState(path, Ownership.SOLE)
    for number, step in enumerate(steps):
        perform(state, step)
        if number in checkpoints:
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    found = {end: path.with_name(f"device.db{end}").read_bytes() for end in ("", "-wal")}
    state.close()
    return found


def cut(content: bytes, draws: random.Random) -> bytes:
    return content[: draws.randrange(len(content))]


def zero(content: bytes, draws: random.Random) -> bytes:
    at = draws.randrange(len(content))
    return content[:at] + bytes(len(content) - at)


def litter(content: bytes, draws: random.Random) -> bytes:
    at = draws.randrange(len(content))
    return content[:at] + draws.randbytes(len(content) - at)


def flip(content: bytes, draws: random.Random) -> bytes:
    flipped = bytearray(content)
    for _ in range(draws.choice([1, 1, 1, 2, 8])):
        flipped[draws.randrange(len(content))] ^= 1 << draws.randrange(8)
    return bytes(flipped)


TEARS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut": cut,
    "zeroes": zero,
    "garbage": litter,
    "flipped bits": flip,
}


@pytest.mark.parametrize(
    "rounds", [SAMPLE, pytest.param(ROUNDS, marks=pytest.mark.long)], ids=["sample", "all"]
)
@pytest.mark.parametrize("tear", TEARS.keys())
@pytest.mark.clause("TC-STATE-11")
def test_what_is_read_of_a_torn_file_was_once_recorded_or_it_is_refused(
    tmp_path: Path, tear: str, rounds: int
) -> None:
    draws = random.Random(f"{tear} {rounds}")
    steps = series(7, COUNT)
    known = pictures(steps)
    read = 0
    for number in range(rounds):
        if number % 20 == 0:
            # After one at the last step, the log repeats what the file already has: a log that
            # is torn then gives older pages beside newer ones.
            checkpoints = set(draws.sample(range(COUNT), draws.randrange(2)))
            checkpoints |= draws.choice([set(), {COUNT - 1}])
            folder = tmp_path / f"{number}"
            folder.mkdir()
            files = left_by_a_power_cut(folder, steps, checkpoints)
        # What is written last is what tears; the file itself only while it takes over the log.
        end = draws.choice(["", "-wal", "-wal"])
        torn = files | {end: TEARS[tear](files[end], draws)}
        path = tmp_path / f"{number}.db"
        for name, content in torn.items():
            path.with_name(path.name + name).write_bytes(content)
        try:
            state = SqliteState(path, Ownership.SOLE)
        except StateFileError:
            for name, content in torn.items():
                assert path.with_name(path.name + name).read_bytes() == content, (number, end)
            continue
        assert picture(state, steps) in known, (number, end)
        state.close()
        read += 1
    assert read > rounds // 10
