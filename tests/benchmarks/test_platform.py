"""Does what the platform does for an event cost more if there are more devices?

Platforms with few and with many devices take turns in one process, each with its database in a file
of SQLite. What is told is processor time of this process, in which the database works too: nothing
else runs here, and how long a disk needs is the same for all of them.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from time import process_time
from typing import Any, Final

import pytest
from support.measuring.measuring import Measure

pytest.importorskip("fastapi")
pytest.importorskip("sqlalchemy")

import httpx
from sqlalchemy import insert, update
from support.four_parties import BOX, good
from support.large_fleets import LargeFleet, fill
from support.platforms import made_platform
from support.rollouts import GATEWAY, Rollouts

from tinycontainer.network.platform.delivery.progress import ReportedContainer
from tinycontainer.network.platform.rollouts.jobs import EndedJob, JobOutcome, end_job, take_job
from tinycontainer.network.platform.rollouts.looking import keep_all_reported
from tinycontainer.network.platform.tables.rollouts import (
    JobRow,
    RolloutDeviceRow,
    RolloutRow,
    RolloutWaveRow,
)
from tinycontainer_tokens import Role

DEVICES: Final = (100, 1_000, 10_000)
FEW: Final = f"{DEVICES[0]} devices"
OPEN: Final = (1, 10, 100)
"""Rollouts that have not ended."""
READY: Final = 4
"""Jobs of which a worker has the lease; one ends in each round."""
RUNS: Final = ReportedContainer.of(
    {"state": "RUNNING", "sha256": "0" * 64, "last_exit": "", "loops": 1}
)


@pytest.fixture(scope="module")
def fleets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, LargeFleet]]:
    """A platform for each number of devices, with a hundred rollouts."""
    with ExitStack() as opened:
        made = {}
        for devices in DEVICES:
            folder = tmp_path_factory.mktemp("fleet")
            platform = opened.enter_context(made_platform(folder, gateways={GATEWAY: "infra"}))
            made[devices] = fill(platform, devices)
        yield made


class EndingJobs:
    """Jobs of the rollout that runs, which end one after the other.

    Args:
        fleet: the devices.
    """

    def __init__(self, fleet: LargeFleet) -> None:
        self._fleet = fleet
        self._database = fleet.world.platform.database
        self._ready: deque[tuple[int, str]] = deque()
        self._ended: deque[int] = deque()
        with self._database.transaction() as session:
            session.get_one(RolloutRow, fleet.running).due_s = 0.0
        self._step()
        self.prepare()

    def prepare(self) -> None:
        """Take leases, and let devices that are done wait again: all is as it was."""
        platform = self._fleet.world.platform
        platform.clock.at_s += 1
        random_bytes = platform.parts.random_bytes
        with self._database.transaction() as session:
            while len(self._ready) < READY:
                job = take_job(session, frozenset({GATEWAY}), platform.clock(), random_bytes)
                if job is None:
                    raise RuntimeError("no device was told")
                session.flush()
                self._ready.append((job.id, job.lease or ""))
            while self._ended:
                number = session.get_one(JobRow, self._ended.popleft()).device_id
                row = session.get_one(RolloutDeviceRow, (self._fleet.running, number))
                wave = session.get_one(RolloutWaveRow, (self._fleet.running, row.wave))
                row.progress, row.attempts = "waiting", 0
                wave.done, wave.waiting = wave.done - 1, wave.waiting + 1
                session.flush()

    def end(self) -> None:
        """Let a device have reached what it was to reach, and the rollout tell the next one."""
        number, lease = self._ready.popleft()
        ended = EndedJob(JobOutcome.REACHED, "", "", True, RUNS)
        with self._database.transaction() as session:
            end_job(session, number, lease, ended, self._fleet.world.platform.clock())
        self._step()
        self._ended.append(number)

    def _step(self) -> None:
        if not self._fleet.world.worker.step():
            raise RuntimeError("the rollout is not due")


@pytest.mark.parametrize("devices", DEVICES[1:])
def test_a_job_that_ends_among_many_devices(
    measure: Measure, fleets: dict[int, LargeFleet], devices: int
) -> None:
    few, many = EndingJobs(fleets[DEVICES[0]]), EndingJobs(fleets[devices])

    def prepare() -> None:
        few.prepare()
        many.prepare()

    measure(
        "platform: job",
        f"{devices:,} devices",
        "many",
        many.end,
        against={FEW: few.end},
        before=prepare,
        clocks=dict.fromkeys(("many", FEW), process_time),
        devices=devices,
    )


def keep(fleet: LargeFleet) -> None:
    """Write what a device has said that it runs."""
    number = next(iter(fleet.ids.values()))
    with fleet.world.platform.database.transaction() as session:
        at_s = fleet.world.platform.clock()
        keep_all_reported(session, number, {bytes.fromhex(BOX): RUNS}, at_s)


@pytest.mark.parametrize("devices", DEVICES[1:])
def test_what_a_device_has_said_is_kept_among_many_devices(
    measure: Measure, fleets: dict[int, LargeFleet], devices: int
) -> None:
    measure(
        "platform: look",
        f"{devices:,} devices",
        "many",
        lambda: keep(fleets[devices]),
        against={FEW: lambda: keep(fleets[DEVICES[0]])},
        clocks=dict.fromkeys(("many", FEW), process_time),
        devices=devices,
    )


class JoiningDevices:
    """A platform with open rollouts, to which devices come.

    Args:
        world: without devices.
        rollouts: how many are open.
    """

    def __init__(self, world: Rollouts, rollouts: int) -> None:
        self._owner: httpx.Client = world.parties.client(Role.OWNER)
        world.prepare()
        body = {"infrastructure": "infra", "kind": "box", "profile": world.devices.profile()}
        self._body: Final[dict[str, Any]] = body
        self._names = (f"box-{number}" for number in count())
        self._there: list[str] = []
        numbers = [world.draft() for _ in range(rollouts)]
        counts = dict.fromkeys(
            ("waiting", "told", "done", "failed", "superseded", "skipped", "forgiven"), 0
        )
        with world.platform.database.transaction() as session:
            session.execute(update(RolloutRow).values(state="running", started_s=0.0))
            waves = [
                {"rollout_id": each, "number": 0, "per_cent": 100, **counts} for each in numbers
            ]
            session.execute(insert(RolloutWaveRow), waves)

    def come(self) -> None:
        """Let a device come."""
        name = next(self._names)
        good(self._owner.post("/api/devices", json={"name": name, **self._body}))
        self._there.append(name)

    def go(self) -> None:
        """Let all go that are there."""
        while self._there:
            self._owner.delete(f"/api/devices/{self._there.pop()}").raise_for_status()


@contextmanager
def joined(root: Path, rollouts: int) -> Iterator[JoiningDevices]:
    """A platform with so many open rollouts."""
    folder = root / str(rollouts)
    folder.mkdir()
    with made_platform(folder, gateways={GATEWAY: "infra"}) as platform:
        yield JoiningDevices(Rollouts(platform), rollouts)


@pytest.mark.parametrize("rollouts", OPEN[1:])
def test_a_device_that_joins_many_rollouts(measure: Measure, tmp_path: Path, rollouts: int) -> None:
    with joined(tmp_path, OPEN[0]) as one, joined(tmp_path, rollouts) as many:

        def go() -> None:
            one.go()
            many.go()

        measure(
            "platform: device",
            f"{rollouts} open rollouts",
            "joins",
            many.come,
            against={"with one": one.come},
            before=go,
            clocks=dict.fromkeys(("joins", "with one"), process_time),
            rollouts=rollouts,
        )


@pytest.mark.parametrize("devices", DEVICES)
@pytest.mark.parametrize(
    ("case", "address"),
    [
        ("all, a page", "/api/devices"),
        ("a query that no device meets", "/api/devices?query=kind%3Dnothing"),
        ("an offer, whose devices are counted", "/api/offers/1"),
    ],
)
def test_a_list_of_many_devices(
    measure: Measure, fleets: dict[int, LargeFleet], devices: int, case: str, address: str
) -> None:
    client = fleets[devices].world.parties.client(Role.OWNER)
    measure(
        "platform: list",
        f"{devices:,} devices, {case}",
        "list",
        lambda: good(client.get(address)),
        against={"health": lambda: good(client.get("/health"))},
        clocks=dict.fromkeys(("list", "health"), process_time),
        devices=devices,
    )
