"""What rollouts ask of the database does not grow with the fleet."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import insert, select, update
from support.deliveries import DeviceDouble
from support.four_parties import good
from support.platforms import Platform, made_platform
from support.rollouts import GATEWAY, Rollouts
from support.statements import counting

from tinycontainer.network.platform.tables.fleet import DeviceRow
from tinycontainer.network.platform.tables.rollouts import (
    JobRow,
    RolloutDeviceRow,
    RolloutRow,
    RolloutWaveRow,
)

OPEN = 20
FEW, MANY = 120, 2_000
LIMITS = {"step": 25, "job": 30, "list": 8, "show": 8, "devices": 8, "skip": 25}
"""Of statements of each deed, with room for a few more."""


def fill(world: Rollouts, devices: int) -> int:
    """Put devices into open rollouts of one release; the number of the one that counts."""
    world.add_devices(["first"])
    numbers = [world.draft() for _ in range(OPEN)]
    with world.platform.database.transaction() as session:
        like = session.scalars(select(DeviceRow)).one()
        columns = {each.name for each in DeviceRow.__table__.columns} - {"id", "name", "endpoint"}
        common = {name: getattr(like, name) for name in columns}
        names = [f"box-{number:05}" for number in range(devices - 1)]
        session.execute(
            insert(DeviceRow), [{**common, "name": each, "endpoint": each} for each in names]
        )
        session.execute(update(DeviceRow).values(look_due_s=None))
        ids = session.scalars(select(DeviceRow.id)).all()
        session.execute(update(RolloutRow).values(state="running", started_s=0.0))
        last = session.get_one(RolloutRow, numbers[-1])
        last.due_s = 0.0
        last.release.bundle_sha256 = "0" * 64
        blank = {"wave": 0, "attempts": 0, "reason": "", "detail": "", "changed_s": 0.0}
        for number in numbers:
            progress = "waiting" if number == numbers[-1] else "superseded"
            counts = dict.fromkeys(
                ("waiting", "told", "done", "failed", "superseded", "skipped", "forgiven"), 0
            )
            counts[progress] = devices
            row = {"rollout_id": number, "number": 0, "per_cent": 100, **counts}
            session.execute(insert(RolloutWaveRow), [row])
            rows = [
                {"rollout_id": number, "device_id": each, "progress": progress, **blank}
                for each in ids
            ]
            session.execute(insert(RolloutDeviceRow), rows)
    world.gateway.fleet.update({each: DeviceDouble() for each in names})
    return numbers[-1]


def measure(platform: Platform, devices: int) -> dict[str, int]:
    """How many statements each deed takes."""
    world = Rollouts(platform)
    world.prepare()
    rollout = fill(world, devices)
    found: dict[str, int] = {}

    def note(name: str, deed: Callable[[], object]) -> None:
        with counting() as said:
            deed()
        found[name] = len(said)

    note("step", world.worker.step)
    assert sum(each == "told" for each in told_of(world, rollout)) == 100
    note("job", lambda: end_first_job(world))
    client = world.operator
    note("list", lambda: good(client.get("/api/rollouts")))
    note("show", lambda: world.show(rollout))
    note("devices", lambda: good(client.get(f"/api/rollouts/{rollout}/devices")))
    note("skip", lambda: client.delete(f"/api/rollouts/{rollout}/devices/first"))
    assert "skipped" in told_of(world, rollout)
    return found


def told_of(world: Rollouts, rollout: int) -> list[str]:
    """How far all devices are."""
    with world.platform.database.reading() as session:
        query = select(RolloutDeviceRow.progress).where(RolloutDeviceRow.rollout_id == rollout)
        return list(session.scalars(query))


def end_first_job(world: Rollouts) -> None:
    """Let the first job end, because its rollout has called it off."""
    with world.platform.database.transaction() as session:
        first = session.scalars(select(JobRow).order_by(JobRow.id).limit(1)).one()
        first.is_cancelled, first.due_s = True, 0.0
    assert world.worker.deliver()
    with world.platform.database.reading() as session:
        ended = session.scalars(select(JobRow.outcome).where(JobRow.ended_s.is_not(None))).all()
    assert ended == ["cancelled"]


def test_statements_do_not_grow_with_the_fleet(tmp_path: Path) -> None:
    found = {}
    for devices in (FEW, MANY):
        directory = tmp_path / str(devices)
        directory.mkdir()
        with made_platform(directory, gateways={GATEWAY: "infra"}) as platform:
            found[devices] = measure(platform, devices)
    assert found[MANY] == found[FEW]
    beyond = {name: count for name, count in found[MANY].items() if count > LIMITS[name]}
    assert beyond == {}


def test_a_start_takes_few_statements_for_many_devices(tmp_path: Path) -> None:
    found = []
    for devices in (50, 400):
        directory = tmp_path / str(devices)
        directory.mkdir()
        with made_platform(directory, gateways={GATEWAY: "infra"}) as platform:
            world = Rollouts(platform)
            world.prepare()
            fill(world, devices)
            draft = world.draft()
            with counting() as said:
                good(world.ask(draft, "start", despite=0))
            found.append(len(said))
    assert found[1] <= found[0] + 4, "it is one more for each full batch of rows"
