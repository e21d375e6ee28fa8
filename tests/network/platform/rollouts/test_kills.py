"""The platform is killed in the middle of rollouts: each device changes once, and all is true."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from support.deliveries import served_at
from support.killed_platform import FleetOverHttp, KilledPlatform
from support.platforms import empty_database, made_platform
from support.rollouts import GATEWAY, Rollouts

from tinycontainer.network.platform.tables.rollouts import JobRow

POSTGRESQL = os.environ.get("TINYCONTAINER_TEST_POSTGRESQL", "")
"""URL of an empty database of PostgreSQL, on which the rows are if given."""
BOXES = [f"box-{number}" for number in range(1, 7)]
SETTLED_S = 240.0
SEED = 20261130


@pytest.fixture
def rollouts(tmp_path: Path) -> Iterator[Rollouts]:
    """Four parties at a platform whose database another process works on as well."""
    named = {GATEWAY: "infra"}
    with made_platform(tmp_path, url=POSTGRESQL, gateways=named, begin_s=time.time()) as platform:
        yield Rollouts(platform)
    if POSTGRESQL:
        empty_database(POSTGRESQL)


def settle(rollouts: Rollouts, killed: KilledPlatform, fleet: FleetOverHttp, number: int) -> None:
    """Start the platform as often as it is killed, until a rollout has come to its end."""
    until_s = time.monotonic() + SETTLED_S
    while time.monotonic() < until_s:
        if not killed.is_running:
            killed.end()
            fleet.arm()
            killed.start()
        if rollouts.show(number)["state"] == "done":
            return
        time.sleep(0.02)
    pytest.fail(f"it does not end: {rollouts.progress(number)}, {open_jobs(rollouts)}")


def open_jobs(rollouts: Rollouts) -> list[str]:
    """What goes on, for whoever looks why it does not end."""
    with rollouts.platform.database.reading() as session:
        rows = session.scalars(select(JobRow).where(JobRow.ended_s.is_(None))).all()
        now_s = time.time()
        return [f"due in {row.due_s - now_s:.1f} s: {row.lease} {row.progress}" for row in rows]


def bring(rollouts: Rollouts, killed: KilledPlatform, fleet: FleetOverHttp, number: int) -> None:
    """Roll a release out, and look that every device has it, and that every word is true."""
    rollouts.platform.clock.at_s = time.time()
    rollouts.parties.complete(number)
    before = {name: list(each.changes) for name, each in rollouts.gateway.fleet.items()}
    rollout = rollouts.start(number, waves=[34, 100], attempts=3)
    settle(rollouts, killed, fleet, rollout)
    bundle = rollouts.parties.bundle(number)
    assert rollouts.running() == dict.fromkeys(BOXES, bundle)
    for name, each in rollouts.gateway.fleet.items():
        # The double starts a replaced container itself if the old one ran.
        wanted = ["load", "start"] if not before[name] else ["replace"]
        assert each.changes == before[name] + wanted, name
    assert set(rollouts.progress(rollout).values()) == {"done"}
    for name in BOXES:
        found = rollouts.container(name)
        assert (found["desired"], found["reported"], found["state"]) == (number, number, "RUNNING")


def run(rollouts: Rollouts, directory: Path, kills: int) -> None:
    """Bring releases to devices until the platform was killed so often."""
    rollouts.parties.prepare()
    rollouts.add_devices(BOXES)
    fleet = FleetOverHttp(rollouts.gateway, random.Random(SEED), 25)
    url = POSTGRESQL or f"sqlite:///{directory / 'platform.db'}"
    with served_at(fleet) as uri:
        killed = KilledPlatform(directory, url.replace(f"{directory}/", ""), uri)
        fleet.platform = killed
        try:
            number = 0
            while fleet.kills < kills:
                number += 1
                bring(rollouts, killed, fleet, number)
        finally:
            killed.end()
    assert killed.starts > kills


@pytest.mark.clause("TC-PLAT-39")
def test_a_platform_that_is_killed_does_each_job_once(rollouts: Rollouts, tmp_path: Path) -> None:
    run(rollouts, tmp_path, 6)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.clause("TC-PLAT-39")
def test_a_platform_that_is_killed_200_times_does_each_job_once(
    rollouts: Rollouts, tmp_path: Path
) -> None:
    run(rollouts, tmp_path, 200)
