"""Devices are asked from time to time what they run, and what they say is shown."""

from hashlib import sha256
from typing import Any

import pytest
from support.four_parties import BOX, good
from support.rollouts import Rollouts, loaded

LOOK_S = 300.0


@pytest.fixture
def running(rollouts: Rollouts) -> Rollouts:
    """A device that runs the first release."""
    rollouts.add_devices(["box-1"])
    rollouts.start()
    rollouts.settle(5)
    assert shown(rollouts) == (1, 1, "RUNNING", "")
    return rollouts


def shown(world: Rollouts) -> tuple[Any, ...]:
    """What is desired and what is reported."""
    found = world.container("box-1")
    return found["desired"], found["reported"], found["state"], found["last_exit"]


def look(world: Rollouts) -> bool:
    """Ask again when it is time."""
    world.platform.clock.at_s += LOOK_S
    return world.worker.look()


@pytest.mark.clause("TC-PLAT-42")
def test_a_crash_is_noticed(running: Rollouts) -> None:
    device = running.gateway.fleet["box-1"]
    assert device.has is not None
    device.has.state = "READY"
    assert not running.worker.look(), "it is not time yet"
    assert look(running)
    assert shown(running) == (1, 1, "READY", "")
    assert running.container("box-1")["reported_s"] == running.platform.clock.at_s


def test_a_container_that_was_removed_by_hand_is_noticed(running: Rollouts) -> None:
    running.gateway.fleet["box-1"].has = None
    assert look(running)
    assert shown(running) == (1, None, "ABSENT", "")
    assert running.container("box-1")["reported_sha256"] is None


def test_another_version_that_the_platform_does_not_know_is_shown_by_its_hash(
    running: Rollouts,
) -> None:
    running.gateway.fleet["box-1"].has = loaded(b"by hand")
    assert look(running)
    assert shown(running) == (1, None, "RUNNING", "")
    assert running.container("box-1")["reported_sha256"] == sha256(b"by hand").hexdigest()


def test_a_version_that_was_not_known_is_known_once_a_rollout_of_it_was_started(
    running: Rollouts,
) -> None:
    running.parties.complete(2)
    running.gateway.fleet["box-1"].has = loaded(running.bundle(2))
    assert look(running)
    assert shown(running) == (1, None, "RUNNING", "")
    running.start(2)
    running.settle(5)
    assert shown(running) == (2, 2, "RUNNING", "")
    assert running.gateway.fleet["box-1"].changes == ["load", "start"], "it had it already"


def test_a_container_that_nobody_has_asked_for_is_shown_too(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    rollouts.gateway.fleet["box-1"].has = loaded(b"by hand")
    assert rollouts.worker.look()
    found = rollouts.container("box-1")
    assert (found["uid"], found["desired"], found["desired_s"]) == (BOX, None, None)
    assert (found["reported"], found["state"]) == (None, "RUNNING")


@pytest.mark.clause("TC-PLAT-42")
def test_who_is_asleep_is_left_as_it_was_and_asked_the_next_time(running: Rollouts) -> None:
    before = running.container("box-1")
    running.gateway.fleet["box-1"].has = None
    running.gateway.asleep.add("box-1")
    assert look(running)
    assert running.container("box-1") == before
    running.gateway.asleep.clear()
    assert look(running)
    assert shown(running)[2] == "ABSENT"


def test_a_gateway_that_is_down_is_said_and_asked_the_next_time(running: Rollouts) -> None:
    running.gateway.fleet["box-1"].has = None
    running.gateway.is_down = True
    assert look(running)
    assert running.said == ["gateway north: the gateway: it cannot be reached"]
    running.gateway.is_down = False
    assert look(running)
    assert shown(running)[2] == "ABSENT"


def test_a_device_that_has_left_meanwhile_is_forgotten(running: Rollouts) -> None:
    def leave() -> None:
        running.gateway.when_asked = lambda: None
        owner = running.platform.client("boxes")
        assert owner.delete("/api/devices/box-1").status_code == 204

    running.gateway.when_asked = leave
    assert look(running)
    assert running.operator.get("/api/devices/box-1/containers").status_code == 404


def test_who_is_due_first_is_asked_first(rollouts: Rollouts) -> None:
    names = [f"box-{number}" for number in range(5)]
    rollouts.add_devices(names)
    for name in names:
        rollouts.gateway.fleet[name].has = loaded(b"by hand")
    for asked in range(1, 6):
        assert rollouts.worker.look()
        said = [len(containers(rollouts, name)) for name in names]
        assert said == [1] * asked + [0] * (5 - asked)
    assert not rollouts.worker.look()


def containers(world: Rollouts, name: str) -> Any:
    """What a device runs."""
    return good(world.operator.get(f"/api/devices/{name}/containers"))["containers"]
