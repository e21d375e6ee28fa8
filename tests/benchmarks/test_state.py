"""What does a device pay for remembering, and how long does it take to boot?

The baseline of a management call is the same call of a device that forgets, and one commit of
SQLite by itself for each change, with the same settings. The baseline of restoring is loading.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.measuring.bare_commits import bare_commits
from support.measuring.measuring import Measure
from support.scripted import Program, work
from support.worlds import World, blueprint, newer

from tinycontainer.state import DeviceState, Ownership, SqliteState

CONTAINERS = 8
UIDS = [f"box{number}" for number in range(CONTAINERS)]


def world(state: DeviceState | None = None) -> World:
    return World({uid: Program(work(10)) for uid in UIDS}, state=state, silent=True)


@pytest.mark.parametrize("verb", ["reconfigure", "start and kill"])
def test_a_management_call_that_is_remembered(measure: Measure, tmp_path: Path, verb: str) -> None:
    state = SqliteState(tmp_path / "device.db", Ownership.SOLE)
    remembering, forgetful = world(state), world()
    plan = blueprint(UIDS[0])
    plans = [plan]
    for each in (remembering, forgetful):
        each.add(plan)
    for _ in range(2_000):
        plans.append(newer(plans[-1]))
    metadata = iter([remembering.pack(each).metadata for each in plans[1:]])
    again = iter([remembering.pack(each).metadata for each in plans[1:]])

    def call(device: World, source: Iterator[bytes]) -> None:
        if verb == "reconfigure":
            device.device.reconfigure(next(source))
            return
        device.device.start(UIDS[0])
        device.device.kill(UIDS[0])
        device.device.run(for_ms=0)

    with bare_commits(tmp_path / "bare.db") as commit:

        def commits() -> None:
            for _ in range(1 if verb == "reconfigure" else 2):
                commit()

        measure(
            "state: calls",
            verb,
            "remembered",
            lambda: call(remembering, metadata),
            against={
                "forgotten": lambda: call(forgetful, again),
                "bare commits": commits,
            },
            ratios={
                "both": lambda times: (
                    times["remembered"] / (times["forgotten"] + times["bare commits"])
                )
            },
        )
    state.close()


def test_restoring(measure: Measure, tmp_path: Path) -> None:
    state = SqliteState(tmp_path / "device.db", Ownership.SOLE)
    first = world(state)
    bundles = [first.pack(blueprint(uid), bytes(1_000)).encode() for uid in UIDS]
    for bundle in bundles:
        first.device.load(bundle)

    def load() -> World:
        other = world()
        for bundle in bundles:
            other.device.load(bundle)
        return other

    def restore() -> World:
        other = world(state)
        other.device.restore()
        return other

    restored = measure(
        "state: boot", f"{CONTAINERS} containers", "restored", restore, against={"loaded": load}
    )
    assert len(restored.device) == len(load().device) == CONTAINERS
    state.close()
