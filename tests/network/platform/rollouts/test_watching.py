"""A device whose page somebody looks at is asked often, and only what is new is written."""

from typing import Any

import pytest
from support.evident_devices import EvidentDevice
from support.rollouts import GATEWAY, Rollouts

from tinycontainer.network.platform.rollouts.looking import LookedAt
from tinycontainer.network.platform.rollouts.watching import (
    AGAIN_S,
    FAILED_S,
    MOST_OF_GATEWAY,
    MOST_WATCHED,
    WATCHED_S,
    WRITTEN_S,
    WatchedDevices,
)
from tinycontainer.network.platform.rollouts.working import WATCHERS
from tinycontainer_tokens.key_files import to_public_pem

pytestmark = pytest.mark.clause("TC-PLAT-71")
NAME = "box-1"
GATEWAYS = frozenset({GATEWAY})


@pytest.fixture
def world(rollouts: Rollouts) -> Rollouts:
    """A device that runs the first release, which nobody looks at."""
    rollouts.add_devices([NAME])
    rollouts.start()
    rollouts.settle(5)
    rollouts.worker.watched = rollouts.platform.parts.watched
    return rollouts


def look(world: Rollouts, organisation: str = "boxes", status: int = 200) -> str:
    """Look at the page of the device: its text."""
    answer = world.platform.client(organisation).get(f"/devices/{NAME}")
    assert answer.status_code == status
    return str(answer.text)


def state(world: Rollouts) -> Any:
    """What the platform knows of the container."""
    return world.container(NAME)["state"]


def stop(world: Rollouts) -> None:
    """Stop the container on the device, by somebody else than the platform."""
    has = world.gateway.fleet[NAME].has
    assert has is not None
    has.state = "READY"


def test_a_change_is_known_at_the_next_look(world: Rollouts) -> None:
    look(world)
    assert world.worker.watch()
    assert state(world) == "RUNNING"
    stop(world)
    assert not world.worker.watch(), "it was asked just now"
    world.platform.clock.at_s += AGAIN_S
    assert world.worker.watch()
    assert state(world) == "READY"


def test_nobody_is_asked_whom_nobody_looks_at(world: Rollouts) -> None:
    assert not world.worker.watch()
    look(world)
    world.platform.clock.at_s += WATCHED_S + 1
    assert not world.worker.watch(), "whoever looked has gone"


def test_who_may_not_see_a_device_does_not_let_it_be_asked(world: Rollouts) -> None:
    look(world, "dev", 404)
    assert not world.worker.watch()


def test_a_device_without_a_connection_is_not_asked(world: Rollouts) -> None:
    assert world.operator.delete(f"/api/devices/{NAME}/connection").status_code == 200
    assert "not connected" in look(world)
    assert not world.worker.watch()


def test_a_look_that_shows_nothing_new_writes_nothing(world: Rollouts) -> None:
    look(world)
    assert world.worker.watch()
    written = world.platform.database.version()
    for _ in range(int(WRITTEN_S / AGAIN_S) - 1):
        world.platform.clock.at_s += AGAIN_S
        look(world)
        assert world.worker.watch()
        assert world.platform.database.version() == written
    world.platform.clock.at_s += 2 * AGAIN_S
    assert world.worker.watch()
    assert world.platform.database.version() != written, "that it has answered is kept too"


def test_a_device_that_sleeps_is_not_woken_and_the_page_says_that_it_is_silent(
    world: Rollouts,
) -> None:
    world.gateway.asleep.add(NAME)
    before = len(world.gateway.jobs)
    look(world)
    assert world.worker.watch()
    assert len(world.gateway.jobs) == before, "no request waits for it"
    assert "does not answer now" in look(world)
    assert state(world) == "RUNNING"


def test_a_gateway_that_gives_nothing_is_left_alone_for_a_while(world: Rollouts) -> None:
    look(world)
    world.gateway.is_down = True
    assert world.worker.watch()
    assert [line.startswith(f"gateway {GATEWAY}: ") for line in world.said] == [True]
    world.platform.clock.at_s += FAILED_S / 2
    assert not world.worker.watch()
    world.platform.clock.at_s += FAILED_S / 2
    assert world.worker.watch()


def test_new_events_are_fetched_at_once_and_a_statement_only_with_them(world: Rollouts) -> None:
    device = EvidentDevice()
    world.gateway.evident[NAME] = device
    owner = world.platform.client("boxes")
    body = {"evidence_key": to_public_pem(device.key).decode()}
    assert owner.patch(f"/api/devices/{NAME}", json=body).status_code == 200
    look(world)
    assert world.worker.watch()
    assert not device.signed
    device.crashes()
    world.platform.clock.at_s += AGAIN_S
    assert world.worker.watch()
    assert len(device.signed) == 1
    assert "has crashed" in look(world)
    world.platform.clock.at_s += AGAIN_S
    assert world.worker.watch()
    assert len(device.signed) == 1


def test_a_device_that_answers_slowly_is_asked_seldom() -> None:
    watched, device = WatchedDevices(), LookedAt(1, GATEWAY, "slow")
    watched.see(device, 0.0)
    assert watched.take(GATEWAYS, 0.0) == device
    assert watched.take(GATEWAYS, 1.0) is None, "it has not answered yet"
    watched.give_back(device, 2.0, has_failed=False)
    watched.see(device, 2.0)
    assert watched.take(GATEWAYS, 15.9) is None
    assert watched.take(GATEWAYS, 16.0) == device


def test_only_gateways_that_are_known_are_asked() -> None:
    watched = WatchedDevices()
    watched.see(LookedAt(1, "elsewhere", "box"), 0.0)
    assert watched.take(GATEWAYS, 1.0) is None


def test_another_device_in_its_place_begins_anew() -> None:
    watched, before = WatchedDevices(), LookedAt(1, GATEWAY, "before")
    watched.see(before, 0.0)
    watched.take(GATEWAYS, 0.0)
    assert watched.note(before, {}, 0.0)
    assert len(watched.see(before, 0.1)) == 1
    after = LookedAt(1, GATEWAY, "after")
    assert watched.see(after, 0.2) == ()
    assert not watched.note(before, {}, 0.3), "its answer comes too late"
    assert watched.see(after, 0.4) == ()


def ask_all(watched: WatchedDevices, at_s: float) -> list[LookedAt]:
    """Ask all devices that are due, one after the other."""
    found = []
    while (device := watched.take(GATEWAYS, at_s)) is not None:
        found.append(device)
        watched.give_back(device, at_s, has_failed=False)
    return found


def test_of_too_many_devices_those_looked_at_longest_ago_are_left() -> None:
    watched = WatchedDevices()
    devices = [LookedAt(number, GATEWAY, "box") for number in range(MOST_WATCHED + 1)]
    for at_s, each in enumerate(devices):
        watched.see(each, at_s / 100)
    assert ask_all(watched, 1.0) == devices[1:]


def test_who_looks_at_very_many_devices_does_not_take_the_places_of_others() -> None:
    watched, other = WatchedDevices(), LookedAt(0, "elsewhere", "box")
    watched.see(other, 0.0)
    for number in range(1, 2 * MOST_WATCHED):
        watched.see(LookedAt(number, GATEWAY, "box"), number / 100)
    assert watched.take(frozenset({"elsewhere"}), 2.0) == other


def test_a_gateway_that_hangs_holds_up_no_other_one() -> None:
    watched, other = WatchedDevices(), LookedAt(0, "elsewhere", "box")
    hanging = [LookedAt(number, GATEWAY, "box") for number in range(1, WATCHERS + 2)]
    for each in (*hanging, other):
        watched.see(each, 0.0)
    both = GATEWAYS | {"elsewhere"}
    asked = [watched.take(both, 0.0) for _ in range(WATCHERS)]
    assert asked == [*hanging[:MOST_OF_GATEWAY], other, None]
    watched.give_back(hanging[0], 0.0, has_failed=True)
    assert watched.take(both, 0.0) == hanging[MOST_OF_GATEWAY]
