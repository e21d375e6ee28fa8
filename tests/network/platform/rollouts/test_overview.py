"""What is said of a rollout beside its counts: why, what last, how fast, and before its draft."""

from typing import Any

import pytest
from support.fleets import WITHOUT_DEVELOPER
from support.four_parties import BOX, good
from support.rollouts import UNTRUSTED, Rollouts

from tinycontainer.network.platform.rollouts.overview import MOST_CHANGES, PACE_S, Pace

NAMES = [f"box-{number:02}" for number in range(12)]


def overview(rollouts: Rollouts, rollout: int) -> Any:
    """As infrastructure sees it."""
    return good(rollouts.operator.get(f"/api/rollouts/{rollout}/overview"))


@pytest.mark.clause("TC-PLAT-81")
def test_failures_are_counted_by_reason_and_changes_come_newest_first(rollouts: Rollouts) -> None:
    rollouts.add_devices(NAMES)
    for name in NAMES[:7]:
        rollouts.refuse_always(name)
    rollout = rollouts.start(halt_minimum=12, success_per_cent=1)
    assert overview(rollouts, rollout)["changes"] == []
    rollouts.settle(60.0)
    found = overview(rollouts, rollout)
    (failure,) = found["failures"]
    assert (failure["reason"], failure["devices"]) == (UNTRUSTED, 7)
    assert {each["device"] for each in failure["examples"]} < {*NAMES[:7]}
    times = [each["changed_s"] for each in found["changes"]]
    assert len(times) == MOST_CHANGES
    assert times == sorted(times, reverse=True)
    assert {each["progress"] for each in found["changes"]} <= {"done", "failed"}
    failed = good(rollouts.operator.get(f"/api/rollouts/{rollout}/devices?reason={UNTRUSTED}"))
    assert [each["device"] for each in failed["devices"]] == NAMES[:7]
    assert good(rollouts.operator.get(f"/api/rollouts/{rollout}/devices?reason=x"))["devices"] == []


@pytest.mark.clause("TC-PLAT-81")
def test_thresholds_are_there_while_it_is_open_and_a_pace_while_it_runs(rollouts: Rollouts) -> None:
    rollouts.add_devices(NAMES)
    draft = rollouts.draft()
    assert (overview(rollouts, draft)["thresholds"], overview(rollouts, draft)["pace"]) == (
        None,
        None,
    )
    rollout = rollouts.start(waves=[50, 100], success_per_cent=100, standing=True)
    found = overview(rollouts, rollout)
    assert found["thresholds"] == {"done": 6, "failures": 1}
    assert found["pace"] == {"devices": 0, "within_s": 0.0, "remaining_s": None}
    rollouts.settle(60.0)
    pace = overview(rollouts, rollout)["pace"]
    assert (pace["devices"], pace["remaining_s"]) == (12, 0.0)
    rollouts.platform.clock.at_s += PACE_S
    assert overview(rollouts, rollout)["pace"]["devices"] == 0
    good(rollouts.ask(rollout, "pause"))
    assert overview(rollouts, rollout)["pace"] is None


@pytest.mark.clause("TC-PLAT-81")
@pytest.mark.parametrize(
    ("devices", "within_s", "left", "remaining_s"),
    [(4, 600.0, 10, None), (5, 29.0, 10, None), (5, 30.0, 10, 60.0), (60, 600.0, 0, 0.0)],
)
def test_a_pace_says_how_long_it_takes_only_if_enough_were_done(
    devices: int, within_s: float, left: int, remaining_s: float | None
) -> None:
    assert Pace(devices, within_s).remaining_s(left) == remaining_s


@pytest.mark.clause("TC-PLAT-83")
def test_a_preview_is_what_the_start_then_does_and_keeps_nothing(rollouts: Rollouts) -> None:
    rollouts.add_devices(NAMES[:7], group="north")
    rollouts.add_devices(NAMES[7:], group="south", kind="gate")
    plan: dict[str, Any] = {"waves": [20, 50, 100]}
    query = "group=north or kind=gate"
    body = {"uid": BOX, "number": 1, "query": query, "plan": plan}
    found = good(rollouts.operator.post("/api/rollouts/preview", json=body))
    assert found["devices"] == 12
    assert found["kinds"] == {"box": 7, "gate": 5}
    assert found["examples"] == NAMES[:5]
    assert good(rollouts.operator.get("/api/rollouts"))["rollouts"] == []
    rollout = rollouts.start(query=query, **plan)
    assert [each["waiting"] for each in rollouts.show(rollout)["waves"]] == found["waves"]
    refused = rollouts.operator.post("/api/rollouts/preview", json={**body, "query": "("})
    assert refused.status_code == 400


@pytest.mark.clause("TC-PLAT-82")
def test_a_judgement_names_each_device_with_its_answer(rollouts: Rollouts) -> None:
    rollouts.add_devices(NAMES[:3])
    lacking = rollouts.devices.profile(keys=WITHOUT_DEVELOPER, name="lacking")
    rollouts.add_devices(NAMES[3:4], profile=lacking)
    path = f"/api/rollouts/{rollouts.draft()}/judgement/devices"
    every = good(rollouts.operator.post(path))["devices"]
    assert [each["device"] for each in every] == NAMES[:4]
    (refused,) = good(rollouts.operator.post(path, params={"answer": "refused"}))["devices"]
    assert (refused["device"], refused["reason"], refused["check"]) == (
        NAMES[3],
        "token",
        "code token",
    )
    params = {"answer": "accepted", "after": NAMES[0]}
    accepted = good(rollouts.operator.post(path, params=params))["devices"]
    assert [each["device"] for each in accepted] == NAMES[1:3]
    assert good(rollouts.operator.post(path, params={"reason": "other"}))["devices"] == []


def test_rollouts_are_listed_by_their_state(rollouts: Rollouts) -> None:
    draft = rollouts.draft()
    for state, wanted in (("draft", [draft]), ("running", [])):
        found = good(rollouts.operator.get("/api/rollouts", params={"state": state}))
        assert [each["id"] for each in found["rollouts"]] == wanted
