"""How many devices run which version of what: counted for those who may see them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import select, update
from support.four_parties import BOX, good
from support.platform_pages import DEVICES, STRANGER, PageWorld, filled

from tinycontainer.network.platform.tables.catalogue import ReleaseRow
from tinycontainer.network.platform.tables.fleet import DeviceRow
from tinycontainer.network.platform.tables.rollouts import DeviceContainerRow, JobRow

ONE, TWO = "one", "two"
"""Stand for releases."""
STANDINGS: Final[dict[str, list[tuple[str | None, str | None, str, bool]]]] = {
    "running": [(ONE, ONE, "RUNNING", False), (ONE, ONE, "RUNNING", True)],
    "to come": [(ONE, None, "", True), (ONE, TWO, "RUNNING", True), (ONE, ONE, "READY", True)],
    "not said": [(TWO, None, "", False), (None, None, "", False)],
    "stopped": [(TWO, TWO, "READY", False), (TWO, TWO, "STOPPING", False)],
    "differs": [
        (TWO, ONE, "RUNNING", False),
        (TWO, None, "ABSENT", False),
        (TWO, None, "RUNNING", False),
        (None, ONE, "RUNNING", False),
    ],
    "": [(None, None, "ABSENT", False)],
}
"""What a device is to run, runs, and in which state, and whether it is being brought there."""
CASES: Final = [(word, *case) for word, cases in STANDINGS.items() for case in cases]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageWorld]:
    """Four devices: on two a rollout is done, and on two it has failed."""
    with filled(tmp_path_factory.mktemp("running")) as found:
        yield found


def running(world: PageWorld, organisation: str = "boxes", **asked: Any) -> Any:
    """What is counted."""
    client = world.platform.client(organisation)
    return good(client.get("/api/fleet/running", params=asked))["applications"]


def names(world: PageWorld, organisation: str = "boxes", **asked: Any) -> list[str]:
    """Which devices are listed."""
    found = good(world.platform.client(organisation).get("/api/devices", params=asked))
    return [each["name"] for each in found["devices"]]


@pytest.mark.clause("TC-PLAT-69")
def test_owner_and_infrastructure_see_how_many_run_what_and_nobody_else_does(
    world: PageWorld,
) -> None:
    counted = [
        {
            "uid": BOX,
            "devices": 4,
            "versions": [{"number": 1, "states": {"running": 2, "failed": 2}, "runs": 2}],
        }
    ]
    assert running(world, "boxes") == counted
    assert running(world, "infra") == counted
    for organisation in ("dev", "data", STRANGER):
        assert running(world, organisation) == []
        client = world.platform.client(organisation)
        assert good(client.get("/api/fleet/failures"))["failures"] == []


@pytest.mark.clause("TC-PLAT-69", "TC-PLAT-70")
def test_what_has_failed_is_counted_by_reason_and_leads_to_its_devices(world: PageWorld) -> None:
    for organisation in ("boxes", "infra"):
        client = world.platform.client(organisation)
        (found,) = good(client.get("/api/fleet/failures"))["failures"]
        assert found["reason"] == "token"
        assert (found["rollout"], found["devices"]) == (world.numbers["halted"], 2)
        assert found["release"] == f"{BOX}/1"
        asked = {"rollout": found["rollout"], "reason": "token"}
        assert names(world, organisation, **asked) == [*DEVICES[2:]]
        assert names(world, organisation, rollout=found["rollout"]) == [*DEVICES[2:]]
        assert names(world, organisation, rollout=found["rollout"], reason="other") == []
    assert names(world, rollout=world.numbers["draft"]) == []
    assert names(world, STRANGER, rollout=world.numbers["halted"]) == []


@pytest.mark.clause("TC-PLAT-70")
def test_devices_are_found_by_what_they_run_and_how_they_are_reached(world: PageWorld) -> None:
    assert names(world, uid=BOX) == [*DEVICES]
    assert names(world, uid="ff") == []
    assert names(world, uid=BOX, wanted=1, state="running") == [*DEVICES[:2]]
    assert names(world, state="failed") == [*DEVICES[2:]]
    assert names(world, uid=BOX, wanted=2) == names(world, wanted=0) == []
    assert names(world, uid=BOX, query="version=1") == [*DEVICES[:2]]
    assert names(world, uid=BOX, query="version=none") == [*DEVICES[2:]]
    assert names(world, connected=True) == [*DEVICES]
    assert names(world, connected=False) == []
    assert names(world, silent_s=3600) == []
    good(world.rollouts.devices.give_device("silent", 1))
    try:
        assert names(world, connected=False) == names(world, silent_s=10**9) == ["silent"]
    finally:
        assert world.platform.client("boxes").delete("/api/devices/silent").status_code == 204


@pytest.mark.clause("TC-PLAT-69")
@pytest.mark.parametrize(("word", "desired", "reported", "state", "is_under_way"), CASES)
def test_each_device_stands_in_one_way_with_a_container(
    world: PageWorld,
    word: str,
    desired: str | None,
    reported: str | None,
    state: str,
    is_under_way: bool,
) -> None:
    with world.platform.database.transaction() as session:
        device = session.scalars(select(DeviceRow).where(DeviceRow.name == DEVICES[0])).one()
        numbers = {row.number: row.id for row in session.scalars(select(ReleaseRow))}
        ids = {None: None, ONE: numbers[1], TWO: numbers[2]}
        of_device = DeviceContainerRow.device_id == device.id
        values = {"desired_release_id": ids[desired], "reported_release_id": ids[reported]}
        session.execute(
            update(DeviceContainerRow).where(of_device).values(reported_state=state, **values)
        )
        ended_s = None if is_under_way else 1.0
        session.execute(update(JobRow).where(JobRow.device_id == device.id).values(ended_s=ended_s))
    wanted = {None: 0, ONE: 1, TWO: 2}[desired]
    found = {
        (version["number"] or 0, each)
        for application in running(world, query=f"name={DEVICES[0]}")
        for version in application["versions"]
        for each in version["states"]
    }
    assert found == ({(wanted, word)} if word else set())
    if word:
        assert (
            names(world, uid=BOX, wanted=wanted, state=word, query="group=north")[0] == (DEVICES[0])
        )


def test_a_container_that_only_another_developer_has_is_no_part_of_it(tmp_path: Path) -> None:
    with filled(tmp_path) as world:
        good(
            world.platform.client("dev").post("/api/applications", json={"uid": "aa", "name": "a"})
        )
        assert [each["uid"] for each in running(world)] == [BOX]
