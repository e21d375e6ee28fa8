"""Devices that come later, that never answer, or that answer after they were given up."""

from typing import Any

import pytest
from support.four_parties import good
from support.platforms import problem_of
from support.rollouts import Rollouts, loaded

from tinycontainer.tools.rollouts import RolloutState
from tinycontainer_tokens import Role

OPEN = [RolloutState.RUNNING, RolloutState.PAUSED, RolloutState.HALTED]


def shown_device(world: Rollouts, rollout: int, name: str) -> Any:
    """How far a rollout is with a device."""
    found = good(world.operator.get(f"/api/rollouts/{rollout}/devices"))["devices"]
    return next(each for each in found if each["device"] == name)


def change(world: Rollouts, name: str, **changes: Any) -> None:
    """Change a device as its owner."""
    good(world.parties.client(Role.OWNER).patch(f"/api/devices/{name}", json=changes))


def begun(world: Rollouts, state: RolloutState) -> int:
    """A rollout to devices of the kind `box` that has got so far, with a device in it."""
    world.add_devices(["bad"])
    world.refuse_always("bad")
    world.add_devices(["far"], is_connected=False)
    deadline_s = None
    if state is RolloutState.EXPIRED:
        deadline_s = int(world.platform.clock.at_s) + 2
    plan: dict[str, Any] = {"halt_minimum": 1, "deadline_s": deadline_s}
    if state is RolloutState.DONE:
        plan |= {"halt_minimum": 2}
    rollout = world.start(query="label.site!=off", **plan)
    if state in (RolloutState.PAUSED, RolloutState.CANCELLED):
        good(world.ask(rollout, "pause" if state is RolloutState.PAUSED else "cancel"))
    if state in (RolloutState.HALTED, RolloutState.EXPIRED):
        world.settle(3)
    if state is RolloutState.DONE:
        for name in ("bad", "far"):
            world.operator.delete(f"/api/rollouts/{rollout}/devices/{name}")
        world.settle(3)
    assert world.show(rollout)["state"] == state
    return rollout


@pytest.mark.clause("TC-PLAT-36")
@pytest.mark.parametrize("state", [each for each in RolloutState if each is not RolloutState.DRAFT])
def test_who_comes_later_is_in_each_rollout_that_is_open(
    rollouts: Rollouts, state: RolloutState
) -> None:
    rollout = begun(rollouts, state)
    rollouts.add_devices(["late"])
    rollouts.add_devices(["moved"], labels={"site": "off"})
    assert "moved" not in rollouts.progress(rollout)
    change(rollouts, "moved", labels={"site": "on"})
    change(rollouts, "moved", labels={"site": "on", "again": "yes"})
    joined = {"late": "waiting", "moved": "waiting"} if state in OPEN else {}
    found = rollouts.progress(rollout)
    assert {name: found[name] for name in found if name in ("late", "moved")} == joined
    rollouts.require_right_counts(rollout)
    if state is RolloutState.PAUSED:
        good(rollouts.ask(rollout, "resume"))
    if state is RolloutState.HALTED:
        good(rollouts.ask(rollout, "resume"))
    rollouts.settle(3)
    assert set(rollouts.running()) == set(joined)


def test_who_comes_to_a_draft_is_there_when_it_starts(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    draft = rollouts.draft()
    rollouts.add_devices(["box-2"])
    assert rollouts.progress(draft) == {}
    good(rollouts.ask(draft, "start", despite=0))
    assert rollouts.progress(draft) == {"box-1": "waiting", "box-2": "waiting"}


def test_who_is_connected_later_is_told_at_once(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"], is_connected=False)
    rollout = rollouts.start()
    rollouts.settle(3)
    assert rollouts.progress(rollout) == {"box-1": "waiting"}
    rollouts.connect("box-1")
    assert rollouts.worker.step()
    assert rollouts.progress(rollout) == {"box-1": "told"}
    rollouts.settle(3)
    assert rollouts.show(rollout)["state"] == "done"


@pytest.mark.clause("TC-PLAT-33")
def test_a_standing_rollout_stays_open_until_its_deadline(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    deadline_s = int(rollouts.platform.clock.at_s) + 60
    rollout = rollouts.start(standing=True, waves=[50, 100], deadline_s=deadline_s)
    rollouts.settle(5)
    assert rollouts.progress(rollout) == {"box-1": "done"}
    assert rollouts.show(rollout)["state"] == "running"
    rollouts.add_devices(["box-2"])
    rollouts.settle(5)
    assert rollouts.progress(rollout) == {"box-1": "done", "box-2": "done"}
    rollouts.settle(60)
    assert rollouts.show(rollout)["state"] == "done"


@pytest.mark.clause("TC-PLAT-33")
def test_a_rollout_that_is_not_through_expires_at_its_deadline(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1", "box-2", "box-3"])
    rollouts.gateway.asleep.add("box-1")
    deadline_s = int(rollouts.platform.clock.at_s) + 30
    rollout = rollouts.start(deadline_s=deadline_s)
    rollouts.settle(20)
    assert rollouts.show(rollout)["state"] == "running"
    rollouts.settle(15)
    shown = rollouts.show(rollout)
    assert (shown["state"], shown["ended_s"]) == ("expired", deadline_s)
    rollouts.gateway.asleep.clear()
    rollouts.settle(700)
    assert "box-1" not in rollouts.running(), "it was called off"
    found = shown_device(rollouts, rollout, "box-1")
    assert (found["progress"], found["reason"]) == ("failed", "no-answer")


@pytest.mark.clause("TC-PLAT-40")
@pytest.mark.parametrize("attempts", [1, 3])
def test_who_never_answers_has_failed(rollouts: Rollouts, attempts: int) -> None:
    rollouts.add_devices(["box-1"])
    rollouts.gateway.asleep.add("box-1")
    rollout = rollouts.start(answer_s=10, attempts=attempts, halt_minimum=1)
    rollouts.settle(10 * attempts - 3)
    assert rollouts.show(rollout)["state"] == "running"
    rollouts.settle(10)
    found = shown_device(rollouts, rollout, "box-1")
    assert (found["progress"], found["reason"]) == ("failed", "no-answer")
    assert found["attempts"] == attempts
    assert rollouts.show(rollout)["state"] == "halted"
    rollouts.gateway.asleep.clear()
    rollouts.settle(100)
    assert rollouts.gateway.fleet["box-1"].changes == [], "all of it was called off"


def test_who_says_later_that_it_has_it_is_done(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1", "box-2"])
    rollouts.gateway.asleep.update(["box-1", "box-2"])
    plan: dict[str, Any] = {"halt_minimum": 10, "success_per_cent": 1, "halt_per_cent": 100}
    rollout = rollouts.start(answer_s=10, most_at_once=1, **plan)
    rollouts.settle(40)
    assert set(rollouts.progress(rollout).values()) == {"failed"}
    bundle = rollouts.bundle()
    rollouts.gateway.fleet["box-1"].has = loaded(bundle)
    rollouts.gateway.fleet["box-2"].has = loaded(b"another one")
    rollouts.gateway.asleep.clear()
    rollouts.settle(300)
    assert rollouts.progress(rollout) == {"box-1": "done", "box-2": "failed"}
    assert shown_device(rollouts, rollout, "box-1")["reason"] == ""
    rollouts.require_right_counts(rollout)


def test_who_has_it_but_has_crashed_stays_failed(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    rollouts.gateway.asleep.add("box-1")
    rollout = rollouts.start(answer_s=10, halt_minimum=1)
    rollouts.settle(20)
    has = loaded(rollouts.bundle())
    has.state = "READY"
    rollouts.gateway.fleet["box-1"].has = has
    rollouts.gateway.asleep.clear()
    rollouts.settle(310)
    assert rollouts.progress(rollout) == {"box-1": "failed"}


@pytest.mark.clause("TC-PLAT-31")
def test_a_rollout_for_no_device_does_not_start(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    draft = rollouts.draft(query="name=nobody")
    assert problem_of(rollouts.ask(draft, "start", despite=0), 409).startswith("query: ")
    assert rollouts.show(draft)["state"] == "draft"
