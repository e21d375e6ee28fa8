"""kill -9 at any moment: what was acknowledged is there after the restart, and nothing is half."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import pytest
from support.killed_device import CHANGES, boot, changes, report

TESTS = Path(__file__).parents[1]


def reference(path: Path, seed: int) -> list[dict[str, Any]]:
    """All reports, if nobody kills the device."""
    world, state = boot(path)
    try:
        return [report(state), *changes(world, state, seed)]
    finally:
        world.device.close()


def kill_after(path: Path, seed: int, lines: int, delay_s: float) -> list[dict[str, Any]]:
    """What a device has reported when it is killed."""
    command = [sys.executable, "-m", "support.killed_device", str(path), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=TESTS) as running:
        assert running.stdout is not None
        reported = [running.stdout.readline() for _ in range(lines)]
        sleep(delay_s)
        running.kill()
        reported += running.stdout.readlines()
    return [json.loads(line) for line in reported if line.endswith(b"\n")]


def check_kills(tmp_path: Path, seed: int, kills: int) -> None:
    dice = Random(seed)
    whole = reference(tmp_path / "whole.db", seed)
    in_the_middle = 0
    for number in range(kills):
        path = tmp_path / f"{number}.db"
        delay_s = dice.choice([0, 0, 0.001, 0.002, 0.004])
        reported = kill_after(path, seed, dice.randrange(1, CHANGES), delay_s)
        assert reported == whole[: len(reported)]
        last, coming = reported[-1], whole[min(len(reported), len(whole) - 1)]
        world, state = boot(path)
        found = report(state)
        assert found["time_s"] >= last["time_s"]
        for subject, newest in last["sequences"].items():
            assert found["sequences"][subject] >= newest
        for uid in {*found["containers"], *last["containers"], *coming["containers"]}:
            entry = found["containers"].get(uid)
            assert entry in (last["containers"].get(uid), coming["containers"].get(uid)), uid
        for uid in found["containers"]:  # a withdrawal overtakes the mask alone
            sequences = found["sequences"]
            assert sequences[f"{uid} MASK"] == sequences[f"{uid} METADATA"]
        assert state.kept_aside() == ()
        lying = {view.uid.decode(): view.slot for view in world.device}
        assert lying == {uid: entry[0] for uid, entry in found["containers"].items()}
        world.device.close()
        in_the_middle += len(reported) < len(whole)
    assert in_the_middle > kills / 2


@pytest.mark.clause("TC-STATE-14")
def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    check_kills(tmp_path, seed=1, kills=20)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 17))
def test_kill_9_at_many_moments_loses_nothing_that_was_acknowledged(
    tmp_path: Path, seed: int
) -> None:
    check_kills(tmp_path, seed, kills=20)
