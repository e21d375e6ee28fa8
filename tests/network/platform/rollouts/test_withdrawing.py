"""A withdrawal ends the rollouts of a container, and reaches each device of the owner."""

from typing import Any

import pytest
from support.deliveries import DeviceDouble
from support.four_parties import BOX, good
from support.platforms import PASSWORD, problem_of
from support.renting import Renting
from support.rollouts import Rollouts, loaded

from tinycontainer.network.gateway.job import JobState
from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.people.organisation import (
    NewPerson,
    add_organisation,
    add_person,
)
from tinycontainer.network.platform.tables.rollouts import JobRow
from tinycontainer_tokens import Role

BOTH = ["box-1", "box-2"]
NOBODY = '[device]\nname = "box"\n'
"""A device file that believes nobody."""
END = f"/tc/c/{BOX}/w"


@pytest.fixture
def running(rollouts: Rollouts) -> Rollouts:
    """Two devices that run the first release."""
    rollouts.add_devices(BOTH)
    rollouts.start()
    rollouts.settle(5)
    assert sorted(rollouts.running()) == BOTH
    return rollouts


def withdraw(world: Rollouts) -> Any:
    """Take back all rights, as the owner."""
    return good(Renting(world.parties).withdraw())


def sent_tokens(world: Rollouts) -> list[tuple[str, bytes, JobState]]:
    """To whom withdrawals were sent, and how far they are."""
    return [
        (each.endpoint, each.asked[3], each.state)
        for each in world.gateway.jobs.values()
        if each.asked[1].partition("?")[0] == END
    ]


@pytest.mark.clause("TC-PLAT-43")
def test_all_devices_of_the_owner_lose_it(running: Rollouts) -> None:
    running.add_devices(["box-3"])
    withdraw(running)
    assert [running.container(name)["desired"] for name in BOTH] == [None, None]
    running.settle(10)
    assert running.running() == {}
    for name in BOTH:
        found = running.container(name)
        assert (found["desired"], found["reported"], found["state"]) == (None, None, "ABSENT")
        assert running.gateway.fleet[name].changes[-1] == "withdraw"
    assert [name for name, _, _ in sent_tokens(running)] == [*BOTH, "box-3"]


@pytest.mark.clause("TC-PLAT-43")
def test_open_rollouts_and_drafts_end(running: Rollouts) -> None:
    running.parties.complete(2)
    running.gateway.asleep.update(BOTH)
    draft, started = running.draft(2), running.start(2)
    running.settle(5)
    paused = running.start(2)
    good(running.ask(paused, "pause"))
    withdraw(running)
    assert {running.show(each)["state"] for each in (draft, started, paused)} == {"cancelled"}
    assert running.show(1)["state"] == "done"
    running.gateway.asleep.clear()
    running.settle(60)
    assert running.running() == {}
    assert all(each.changes.count("replace") == 0 for each in running.gateway.fleet.values())
    for rollout in (draft, started, paused):
        running.require_right_counts(rollout)


def test_who_is_asleep_loses_it_after_waking(running: Rollouts) -> None:
    running.gateway.asleep.add("box-2")
    withdraw(running)
    running.settle(300)
    assert sorted(running.running()) == ["box-2"]
    running.gateway.asleep.clear()
    running.settle(700)
    assert running.running() == {}
    assert running.container("box-2")["state"] == "ABSENT"


@pytest.mark.clause("TC-PLAT-43")
def test_who_is_connected_later_loses_it_then(running: Rollouts) -> None:
    assert good(running.operator.delete("/api/devices/box-1/connection"))["gateway"] is None
    withdraw(running)
    running.settle(20)
    assert sorted(running.running()) == ["box-1"]
    running.connect("box-1")
    running.settle(20)
    assert running.running() == {}


@pytest.mark.clause("TC-PLAT-43")
def test_who_is_listed_later_loses_what_it_has_from_elsewhere(running: Rollouts) -> None:
    withdraw(running)
    running.settle(20)
    running.gateway.fleet["box-9"] = DeviceDouble(has=loaded(running.parties.bundle()))
    running.add_devices(["box-9"])
    running.settle(20)
    assert running.running() == {}
    assert running.gateway.fleet["box-9"].changes == ["withdraw"]


def test_a_second_withdrawal_replaces_the_token_of_the_first(running: Rollouts) -> None:
    running.gateway.asleep.update(BOTH)
    withdraw(running)
    running.settle(5)
    renting = Renting(running.parties)
    second = renting.withdrawing_token()
    good(renting.withdraw(second))
    running.gateway.asleep.clear()
    running.settle(700)
    done = {(name, token) for name, token, state in sent_tokens(running) if state is JobState.DONE}
    assert done == {(name, second) for name in BOTH}
    with running.platform.database.reading() as session:
        kinds = [row.outcome for row in session.query(JobRow) if row.kind == "withdraw"]
    assert kinds == ["reached", "reached"]


def test_no_rollout_of_what_was_withdrawn_starts(running: Rollouts) -> None:
    withdraw(running)
    running.settle(10)
    draft = running.draft()
    detail = problem_of(running.ask(draft, "start", despite=0), 409)
    assert detail.startswith("the owner has withdrawn all up to 2")
    assert running.show(draft)["state"] == "draft"
    running.settle(10)
    assert running.running() == {}


def test_devices_of_other_owners_are_not_disturbed(running: Rollouts) -> None:
    platform, database = running.platform, running.platform.database
    hashed = platform.parts.passwords.hash(PASSWORD)
    with database.transaction() as session:
        organisation = add_organisation(session, "others", [Role.OWNER], platform.clock())
        new = NewPerson("others-admin", hashed, PersonRight.ADMIN)
        add_person(session, organisation, new, 10, platform.clock())
    other = platform.client("others")
    given = {"name": "plain", "device_file": NOBODY, "key_files": {}}
    profile = good(other.post("/api/profiles", json=given))["id"]
    body = {"name": "alien", "infrastructure": "infra", "kind": "box", "profile": profile}
    good(other.post("/api/devices", json=body))
    running.gateway.fleet["alien"] = DeviceDouble(has=loaded(running.bundle()))
    running.connect("alien")
    withdraw(running)
    running.settle(10)
    assert sorted(running.running()) == ["alien"]
    assert "alien" not in {name for name, _, _ in sent_tokens(running)}
