"""Operators pause, resume, cancel and retry rollouts, and take devices out of them."""

from typing import Any

import pytest
from support.deliveries import problem
from support.four_parties import good
from support.platforms import problem_of
from support.rollouts import Rollouts

from tinycontainer.network.gateway.job import JobState
from tinycontainer.tools.rollouts import RolloutState
from tinycontainer_tokens import Role

STARTED = (RolloutState.RUNNING, RolloutState.PAUSED, RolloutState.HALTED)
AFTER = {
    "pause": {RolloutState.RUNNING: "paused"},
    "resume": {RolloutState.PAUSED: "running", RolloutState.HALTED: "running"},
    "cancel": dict.fromkeys((RolloutState.DRAFT, *STARTED), "cancelled"),
    "retry": {each: each.value for each in STARTED},
    "start": {RolloutState.DRAFT: "running"},
}
DEVICES = {RolloutState.HALTED: "bad", RolloutState.DONE: "good"}


def in_state(world: Rollouts, state: RolloutState) -> int:
    """A rollout to one device that has got so far."""
    query = f"name={DEVICES.get(state, 'far')}"
    if state is RolloutState.DRAFT:
        return world.draft(query=query)
    clock = world.platform.clock
    deadline_s = int(clock.at_s) + 5 if state is RolloutState.EXPIRED else None
    rollout = world.start(query=query, halt_minimum=1, deadline_s=deadline_s)
    if state is RolloutState.EXPIRED:
        clock.at_s += 5
    if state is RolloutState.PAUSED:
        good(world.ask(rollout, "pause"))
    elif state is RolloutState.CANCELLED:
        good(world.ask(rollout, "cancel"))
    elif state is not RolloutState.RUNNING:
        world.settle(1)
    assert world.show(rollout)["state"] == state
    return rollout


def skip(world: Rollouts, rollout: int, name: str) -> Any:
    """Take a device out."""
    return world.operator.delete(f"/api/rollouts/{rollout}/devices/{name}")


def states(world: Rollouts) -> list[JobState]:
    """How far the jobs of the gateway are."""
    return [each.state for each in world.gateway.jobs.values()]


@pytest.fixture
def three(rollouts: Rollouts) -> Rollouts:
    """A device that takes everything, one that takes nothing, and one that cannot be reached."""
    rollouts.add_devices(["good", "bad"])
    rollouts.add_devices(["far"], is_connected=False)
    rollouts.refuse_always("bad")
    return rollouts


@pytest.mark.clause("TC-PLAT-34")
@pytest.mark.parametrize("deed", AFTER)
def test_each_deed_is_done_in_the_states_that_allow_it_and_refused_in_all_others(
    three: Rollouts, deed: str
) -> None:
    for state in RolloutState:
        rollout = in_state(three, state)
        before = three.show(rollout)
        answer = three.ask(rollout, deed, **({"despite": 0} if deed == "start" else {}))
        if state in AFTER[deed]:
            assert good(answer)["state"] == AFTER[deed][state], state
        else:
            assert state in problem_of(answer, 409)
            assert three.show(rollout) == before


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (RolloutState.DRAFT, 404),
        *[(each, 204) for each in STARTED],
        (RolloutState.CANCELLED, 204),
        (RolloutState.EXPIRED, 204),
        (RolloutState.DONE, 409),
    ],
)
def test_a_device_is_taken_out_of_what_it_is_in_and_has_not_got(
    three: Rollouts, state: RolloutState, status: int
) -> None:
    rollout, name = in_state(three, state), DEVICES.get(state, "far")
    answer = skip(three, rollout, name)
    assert answer.status_code == status, answer.text
    if status == 204:
        assert three.progress(rollout) == {name: "skipped"}
        assert "skipped" in problem_of(skip(three, rollout, name), 409)
        three.settle(1)
        ended = state in (RolloutState.CANCELLED, RolloutState.EXPIRED)
        is_over = state is RolloutState.RUNNING
        assert three.show(rollout)["state"] == ("done" if is_over and not ended else state)


def test_a_paused_rollout_tells_nobody_until_it_is_resumed(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1", "box-2", "box-3"])
    rollouts.gateway.asleep.update(["box-1", "box-2", "box-3"])
    rollout = rollouts.start(most_at_once=1)
    rollouts.settle(5)
    good(rollouts.ask(rollout, "pause"))
    rollouts.gateway.asleep.clear()
    rollouts.settle(700)
    assert len(rollouts.running()) == 1, "who was told before goes on"
    good(rollouts.ask(rollout, "resume"))
    rollouts.settle(5)
    assert len(rollouts.running()) == 3
    assert rollouts.show(rollout)["state"] == "done"


@pytest.mark.clause("TC-PLAT-34")
def test_whoever_resumes_forgives_what_has_failed_and_nothing_later(rollouts: Rollouts) -> None:
    names = [f"box-{number}" for number in range(1, 7)]
    rollouts.add_devices(names)
    for name in names:
        rollouts.refuse_always(name)
    rollout = rollouts.start(most_at_once=1, halt_minimum=2, halt_per_cent=100, success_per_cent=1)
    for failed in (2, 4, 6):
        rollouts.settle(5)
        shown = rollouts.show(rollout)
        assert (shown["state"], shown["waves"][0]["failed"]) == ("halted", failed)
        shown = good(rollouts.ask(rollout, "resume"))
        assert (shown["waves"][0]["forgiven"], shown["halt_reason"]) == (failed, "")
    rollouts.settle(5)
    assert rollouts.show(rollout)["state"] == "done"


def test_who_has_failed_gets_another_attempt(three: Rollouts) -> None:
    rollout = in_state(three, RolloutState.HALTED)
    three.gateway.fleet["bad"].refuses.clear()
    shown = good(three.ask(rollout, "retry"))
    assert (shown["state"], shown["waves"][0]["waiting"]) == ("halted", 1)
    three.settle(5)
    assert three.progress(rollout) == {"bad": "waiting"}
    good(three.ask(rollout, "resume"))
    three.settle(5)
    assert three.progress(rollout) == {"bad": "done"}
    assert three.show(rollout)["state"] == "done"


@pytest.mark.clause("TC-PLAT-38")
def test_a_cancel_calls_off_what_is_queued_at_the_gateway(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    rollouts.gateway.asleep.add("box-1")
    rollout = rollouts.start()
    rollouts.settle(5)
    assert states(rollouts) == [JobState.QUEUED]
    good(rollouts.ask(rollout, "cancel"))
    rollouts.settle(2)
    assert states(rollouts) == [JobState.CANCELLED]
    rollouts.gateway.asleep.clear()
    rollouts.settle(700)
    assert rollouts.gateway.fleet["box-1"].changes == []
    assert rollouts.progress(rollout) == {"box-1": "waiting"}


def test_a_cancel_is_heard_also_while_somebody_works_on_the_job(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    rollouts.gateway.asleep.add("box-1")
    rollout = rollouts.start()
    rollouts.worker.step()
    asked = 0

    def cancel_at_the_second_request() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            good(rollouts.ask(rollout, "cancel"))

    rollouts.gateway.when_asked = cancel_at_the_second_request
    rollouts.settle(3)
    assert states(rollouts) == [JobState.CANCELLED]
    assert rollouts.progress(rollout) == {"box-1": "waiting"}


@pytest.mark.clause("TC-PLAT-38")
def test_a_cancel_lets_end_what_the_device_has_taken_already(rollouts: Rollouts) -> None:
    rollouts.parties.complete(2)
    rollouts.add_devices(["box-1"])
    rollouts.start()
    rollouts.settle(5)
    old = rollouts.running()["box-1"]
    rollout = rollouts.start(2)
    rollouts.worker.step()
    device = rollouts.gateway.fleet["box-1"]

    def cancel_once_it_is_replaced() -> None:
        if "replace" in device.changes:
            rollouts.gateway.when_asked = lambda: None
            good(rollouts.ask(rollout, "cancel"))

    rollouts.gateway.when_asked = cancel_once_it_is_replaced
    rollouts.settle(5)
    assert rollouts.running()["box-1"] != old
    assert rollouts.progress(rollout) == {"box-1": "done"}
    assert rollouts.container("box-1")["reported"] == 2


def test_the_devices_of_a_cancelled_rollout_go_to_others(rollouts: Rollouts) -> None:
    rollouts.parties.complete(2)
    rollouts.add_devices(["box-1", "box-2"])
    rollouts.gateway.asleep.update(["box-1", "box-2"])
    first = rollouts.start(1)
    second = rollouts.start(2)
    rollouts.settle(5)
    assert rollouts.progress(first) == {"box-1": "superseded", "box-2": "superseded"}
    good(rollouts.ask(second, "cancel"))
    rollouts.gateway.asleep.clear()
    rollouts.settle(15)
    assert rollouts.progress(first) == {"box-1": "done", "box-2": "done"}
    assert rollouts.container("box-1")["reported"] == 1


def test_all_that_operators_do_is_in_the_audit(three: Rollouts) -> None:
    rollout = three.start(query="name=bad", halt_minimum=1)
    three.settle(3)
    for deed in ("resume", "pause", "retry"):
        good(three.ask(rollout, deed))
    assert skip(three, rollout, "bad").status_code == 204
    good(three.ask(rollout, "cancel"))
    entries = good(three.operator.get("/api/audit"))["entries"]
    said = [(each["deed"], each["person"]) for each in entries if each["subject"] == str(rollout)]
    assert said == [
        ("rollout-drafted", "infra-admin"),
        ("rollout-running", "infra-admin"),
        ("rollout-halted", "(platform)"),
        ("rollout-running", "infra-admin"),
        ("rollout-paused", "infra-admin"),
        ("rollout-retried", "infra-admin"),
        ("device-skipped", "infra-admin"),
        ("rollout-cancelled", "infra-admin"),
    ]


def test_nobody_else_controls_a_rollout(three: Rollouts) -> None:
    rollout = three.start(query="name=far")
    for role, status in ((Role.OWNER, 403), (Role.DEVELOPER, 404)):
        client = three.parties.client(role)
        for deed in ("pause", "resume", "cancel", "retry"):
            problem_of(client.post(f"/api/rollouts/{rollout}/{deed}"), status)
        problem_of(client.delete(f"/api/rollouts/{rollout}/devices/far"), status)
    for deed in ("pause", "resume", "cancel", "retry"):
        problem_of(three.ask(rollout + 1, deed), 404)
    assert three.show(rollout)["state"] == "running"


@pytest.mark.clause("TC-PLAT-35")
def test_a_device_that_refuses_says_why(rollouts: Rollouts) -> None:
    rollouts.add_devices(["box-1"])
    refusal = problem(403, "token", "4.03", "\x1b[31m" + "x" * 4000)
    rollouts.gateway.fleet["box-1"].refuses["PUT"] = [refusal]
    rollout = rollouts.start(halt_minimum=1)
    rollouts.settle(3)
    (found,) = good(rollouts.operator.get(f"/api/rollouts/{rollout}/devices"))["devices"]
    assert (found["progress"], found["reason"], found["attempts"]) == ("failed", "token", 1)
    assert len(found["detail"]) <= 500
