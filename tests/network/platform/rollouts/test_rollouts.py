"""Rollouts: devices are told in waves, a bad release halts, and what devices say counts."""

from collections import Counter
from typing import Any

import pytest
from support.fleets import WITHOUT_DEVELOPER
from support.four_parties import BOX, good
from support.platforms import problem_of
from support.rollouts import Rollouts
from support.worlds import KEYS

from tinycontainer_tokens import Role

TWELVE = [f"box-{number:02}" for number in range(1, 13)]


@pytest.fixture
def twelve(rollouts: Rollouts) -> Rollouts:
    """Twelve boxes of which two do not know the developer's key."""
    knowing = rollouts.devices.profile()
    lacking = rollouts.devices.profile(keys=WITHOUT_DEVELOPER, name="lacking")
    rollouts.add_devices(TWELVE[:10], profile=knowing, labels={"keys": "new"})
    rollouts.add_devices(TWELVE[10:], profile=lacking, labels={"keys": "old"})
    for name in TWELVE[10:]:
        rollouts.refuse_always(name)
    return rollouts


@pytest.mark.clause("TC-PLAT-31")
def test_two_boxes_without_the_key_are_shown_before_the_start(twelve: Rollouts) -> None:
    rollout = twelve.draft()
    judged = good(twelve.operator.post(f"/api/rollouts/{rollout}/judgement"))
    assert (judged["devices"], judged["accepted"]) == (12, 10)
    assert [each["devices"] for each in judged["refused"]] == [2]
    assert sorted(judged["refused"][0]["examples"]) == TWELVE[10:]
    said = problem_of(twelve.ask(rollout, "start", despite=0), 409)
    assert said.startswith("despite: 2 of 12 devices would not take it")
    assert twelve.show(rollout)["state"] == "draft"
    twelve.settle()
    assert twelve.running() == {}


@pytest.mark.clause("TC-PLAT-33")
def test_a_rollout_halts_at_its_threshold_and_the_rest_is_untouched(twelve: Rollouts) -> None:
    terms: dict[str, Any] = {"waves": [50, 100], "strata": ["label.keys"], "halt_minimum": 1}
    first = twelve.start(despite=2, **terms)
    twelve.settle()
    shown = twelve.show(first)
    assert shown["state"] == "halted"
    assert "have failed" in shown["halt_reason"]
    assert Counter(twelve.progress(first).values()) == {"done": 5, "failed": 1, "waiting": 6}
    assert len(twelve.running()) == 5
    touched = {name for name, each in twelve.gateway.fleet.items() if each.changes}
    assert len(touched) == 5

    good(twelve.ask(first, "cancel"))
    second = twelve.start(query="label.keys=new", **terms)
    twelve.settle()
    assert twelve.show(second)["state"] == "done"
    assert Counter(twelve.progress(second).values()) == {"done": 10}
    assert sorted(twelve.running()) == TWELVE[:10]
    assert all(each.changes.count("load") <= 1 for each in twelve.gateway.fleet.values())


@pytest.mark.clause("TC-PLAT-35")
def test_what_is_desired_and_what_is_reported_are_two_things(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    rollouts.gateway.asleep.add("box-1")
    rollout = rollouts.start()
    rollouts.settle()
    found = rollouts.container("box-1")
    assert (found["desired"], found["reported"], found["state"]) == (1, None, "")
    assert rollouts.progress(rollout) == {"box-1": "told"}
    rollouts.gateway.asleep.clear()
    rollouts.settle(700)
    found = rollouts.container("box-1")
    assert (found["desired"], found["reported"], found["state"]) == (1, 1, "RUNNING")
    assert rollouts.show(rollout)["state"] == "done"


@pytest.mark.clause("TC-PLAT-32")
def test_a_release_does_not_change_once_a_rollout_was_started(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    rollouts.draft()
    good(rollouts.parties.add("rights", syscalls=["heartbeat"]))
    rollouts.start()
    said = problem_of(rollouts.parties.add("rights", syscalls=[]), 409)
    assert said.startswith("a rollout of this release was started")
    assert rollouts.parties.show()["parts"][0]["state"] == "signed"


@pytest.mark.clause("TC-PLAT-30")
def test_only_the_infrastructure_of_a_release_runs_its_rollouts(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    body = {"uid": BOX, "number": 1, "name": "x"}
    owner = rollouts.parties.client(Role.OWNER)
    problem_of(owner.post("/api/rollouts", json=body), 403)
    rollout = rollouts.draft()
    assert good(owner.get(f"/api/rollouts/{rollout}"))["state"] == "draft"
    problem_of(owner.post(f"/api/rollouts/{rollout}/start", json={}), 403)
    developer = rollouts.parties.client(Role.DEVELOPER)
    problem_of(developer.get(f"/api/rollouts/{rollout}"), 404)
    assert KEYS
