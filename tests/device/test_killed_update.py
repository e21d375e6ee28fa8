"""A process that is killed in the middle of an update: the boot finds all old, or all new."""

import json
import sqlite3
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import pytest
from support.joint_changes import change, free_slots, gone, numbered, plan
from support.killed_updates import (
    UPDATES,
    Step,
    boot,
    report,
    series,
    update_when_asked,
    updates,
)

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.state import StoredAnswer, database


def check_boot(path: Path, *wanted: dict[str, Any]) -> dict[str, Any]:
    """Boot, and check that the device is one of those wanted, whole."""
    world, state = boot(path)
    found = report(state)
    assert found in wanted
    assert state.kept_aside() == ()
    lying = {view.uid.decode(): view.slot for view in world.device}
    assert lying == {uid: slot for uid, (slot, _, _) in found["containers"].items()}
    assert free_slots(world) == world.capacity.slots - len(lying)
    world.device.run(for_ms=20)
    running = {view.uid.decode() for view in world.device if view.state is State.RUNNING}
    assert running == {uid for uid, (_, _, runs) in found["containers"].items() if runs}
    world.device.close()
    return found


def reference(path: Path, steps: tuple[Step, ...]) -> list[dict[str, Any]]:
    """All reports, if nobody kills the device."""
    world, state = boot(path)
    try:
        return [report(state), *updates(world, state, steps)]
    finally:
        world.device.close()


def kill_one(
    path: Path, steps: tuple[Step, ...], updates: int, delay_s: float
) -> list[dict[str, Any]]:
    """Let a process make some updates, and kill it within the next; what it has reported."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["support.killed_updates"])
    pipe, theirs = context.Pipe()
    process = context.Process(target=update_when_asked, args=(path, steps, theirs))
    process.start()
    theirs.close()
    assert pipe.recv_bytes() == b"ready"
    reported = []
    for _ in range(updates):
        pipe.send_bytes(b"go on")
        reported.append(json.loads(pipe.recv_bytes()))
    pipe.send_bytes(b"go on")
    sleep(delay_s)
    process.kill()
    process.join()
    with suppress(EOFError, ConnectionResetError):
        reported.append(json.loads(pipe.recv_bytes()))
    pipe.close()
    return reported


@pytest.mark.clause("TC-UPD-23", "TC-STATE-14")
@pytest.mark.parametrize(
    ("seed", "kills"),
    [(1, 10), *(pytest.param(n, 20, marks=pytest.mark.long) for n in range(2, 12))],
)
def test_kill_9_at_any_moment_of_an_update_leaves_all_old_or_all_new(
    tmp_path: Path, seed: int, kills: int
) -> None:
    dice = Random(seed)
    steps = series(seed)
    whole = reference(tmp_path / "whole.db", steps)
    assert len({str(each) for each in whole}) > UPDATES // 2
    in_the_middle = 0
    for number in range(kills):
        path = tmp_path / f"{number}.db"
        updates = dice.randrange(UPDATES)
        reported = kill_one(path, steps, updates, dice.choice([0, dice.random() * 0.01]))
        done = len(reported)
        assert reported == whole[1 : done + 1]
        check_boot(path, *whole[done : done + 2])
        in_the_middle += done == updates
    assert in_the_middle > kills / 4


@pytest.mark.clause("TC-UPD-23", "TC-STATE-14")
def test_at_each_statement_of_the_state_an_update_is_there_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the files hold at each statement is what a process leaves that is killed there."""
    path = tmp_path / "device.db"
    moments: list[dict[str, bytes]] = []
    is_watched = False

    def keep(_statement: str) -> None:
        if is_watched:
            ends = ("", "-wal")
            moments.append({end: path.with_name(f"device.db{end}").read_bytes() for end in ends})

    connect = database._connect_to

    def watched(path: Path, mode: str = "rw") -> sqlite3.Connection:
        connection = connect(path, mode)
        connection.set_trace_callback(keep)
        return connection

    monkeypatch.setattr(database, "_connect_to", watched)
    world, state = boot(path)
    first = [change(plan(uid), starts=True) for uid in ("a", "b")]
    second = [change(plan("a", 2)), gone("b"), change(plan("c"), starts=True)]
    world.device.change_together(first, numbered(1))
    world.device.run(for_ms=20)
    old = report(state)
    is_watched = True
    with world.device.answering(StoredAnswer(b"peer", bytes(8), b"0")):
        world.device.change_together(second, numbered(2))
    world.device.run(for_ms=20)
    is_watched = False
    keep("")
    new = report(state)
    world.device.close()
    monkeypatch.undo()
    found = []
    for number, moment in enumerate(moments):
        for end, content in moment.items():
            (tmp_path / f"{number}.db{end}").write_bytes(content)
        found.append(check_boot(tmp_path / f"{number}.db", old, new))
    assert len(found) > 20
    assert found == sorted(found, key=lambda each: each == new)
    assert old in found
    assert new in found
