"""A process that is killed at any moment loses nothing of what it acknowledged."""

import random
import time
from multiprocessing import get_context
from pathlib import Path

import pytest
from support.remembering import Step, picture, pictures, record_and_acknowledge, series

from tinycontainer.state import Ownership, SqliteState

KILLS = 20
"""Of each seed: 300 in all."""


def kill_one(path: Path, steps: list[Step], first: int, draws: random.Random) -> int:
    """Let a process go on with the steps, and kill it; how many were acknowledged in all."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tinycontainer.state"])
    pipe, theirs = context.Pipe(duplex=False)
    process = context.Process(target=record_and_acknowledge, args=(path, steps, first, theirs))
    process.start()
    theirs.close()
    acknowledged = first
    awaited = first + draws.randrange(4)
    while acknowledged < awaited:
        acknowledged = int.from_bytes(pipe.recv_bytes(), "big")
    time.sleep(draws.random() * 0.012)  # a commit takes about as long
    process.kill()
    process.join()
    try:
        while (found := pipe.recv_bytes()) != b"done":
            acknowledged = int.from_bytes(found, "big")
    except EOFError:
        pass
    pipe.close()
    return acknowledged


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(n, marks=pytest.mark.long) for n in range(2, 16))]
)
@pytest.mark.clause("TC-STATE-05", "TC-STATE-06", "TC-STATE-09")
def test_all_that_was_acknowledged_is_there_and_nothing_is_half(tmp_path: Path, seed: int) -> None:
    draws = random.Random(seed)
    path = tmp_path / "device.db"
    steps = series(seed, 30 * KILLS)
    known = pictures(steps)
    done = 0
    time_s = 0
    for number in range(KILLS):
        acknowledged = kill_one(path, steps, done, draws)
        state = SqliteState(path, Ownership.SOLE)
        found = picture(state, steps)
        # What was in progress when it was killed is there or not.
        fitting = [at for at in (acknowledged, acknowledged + 1) if known[at] == found]
        assert fitting, f"kill {number}, {acknowledged} acknowledged"
        assert state.remembered().time_s >= time_s
        time_s = state.remembered().time_s
        state.close()
        done = fitting[0]
    assert done > KILLS
