"""A delivery ends with what the device was seen to have."""

from dataclasses import replace

import pytest
from support.deliveries import (
    ENVELOPE,
    NEW,
    OLD,
    Answer,
    DeviceDouble,
    GatewayDouble,
    Loaded,
    digest,
    problem,
    run,
    served,
    task,
)

from tinycontainer.network.platform.delivery.delivering import advance
from tinycontainer.network.platform.delivery.progress import (
    DeliveryOutcome,
    DeliveryProgress,
    DeliveryReached,
    DeliveryRefused,
    DeliveryStep,
    DeliveryWaits,
)
from tinycontainer.network.platform.delivery.task import DeliveryKind, DeliveryTask


def outcome_of(wanted: DeliveryTask, device: DeviceDouble) -> DeliveryOutcome:
    with served(GatewayDouble(device)) as client:
        return run(wanted, client)[0]


def state_of(outcome: DeliveryOutcome) -> str:
    assert isinstance(outcome, DeliveryReached), outcome
    return outcome.reported.state if outcome.reported else "absent"


def refusal_of(outcome: DeliveryOutcome) -> tuple[str, str]:
    assert isinstance(outcome, DeliveryRefused), outcome
    return outcome.reason, outcome.detail


def step_of(outcome: DeliveryOutcome) -> DeliveryWaits:
    assert isinstance(outcome, DeliveryWaits), outcome
    return outcome


def test_a_new_container_is_loaded_and_started() -> None:
    device = DeviceDouble()
    assert state_of(outcome_of(task(starts=True), device)) == "RUNNING"
    assert device.changes == ["load", "start"]


def test_a_device_that_has_the_version_is_only_looked_at() -> None:
    gateway = GatewayDouble(DeviceDouble(Loaded(NEW, "RUNNING")))
    with served(gateway) as client:
        assert state_of(run(task(starts=True), client)[0]) == "RUNNING"
    assert gateway.device.changes == []
    assert {method for method, _target in gateway.asked} == {"GET"}


def test_a_content_that_the_gateway_has_is_not_read() -> None:
    def never() -> bytes:
        raise AssertionError("it was read")

    gateway = GatewayDouble(DeviceDouble(), blobs={digest(NEW): NEW})
    with served(gateway) as client:
        assert state_of(run(task(bundle=never), client)[0]) == "READY"


def test_a_blob_that_has_made_room_for_others_is_kept_again() -> None:
    gateway = GatewayDouble(DeviceDouble())
    with served(gateway) as client:
        _, kept = run(task(), client, most=3)
        assert kept[-1].step is DeliveryStep.PUT
        gateway.blobs.clear()
        assert state_of(run(task(), client, kept[-1])[0]) == "READY"
    assert gateway.device.changes == ["load"]


def test_another_version_is_replaced_at_its_tag_and_runs_as_it_did() -> None:
    device = DeviceDouble(Loaded(OLD, "RUNNING", loops=9))
    assert state_of(outcome_of(task(starts=True, confirm_ms=500), device)) == "RUNNING"
    assert device.changes == ["replace"]


def test_a_version_at_rest_is_replaced_without_a_trial_and_started() -> None:
    device = DeviceDouble(Loaded(OLD), start=lambda found: replace(found, state="RUNNING", loops=1))
    assert state_of(outcome_of(task(starts=True, confirm_ms=500), device)) == "RUNNING"
    assert device.changes == ["replace", "start"]


def test_a_version_on_trial_is_waited_for_until_it_has_completed_a_loop() -> None:
    device = DeviceDouble(Loaded(OLD, "RUNNING"), trial=lambda _old, new: new)
    with served(GatewayDouble(device)) as client:
        outcome, kept = run(task(starts=True, confirm_ms=500), client, most=20)
        assert isinstance(outcome, DeliveryWaits)
        assert outcome.progress.reported is not None
        assert outcome.progress.reported.sha256 == digest(NEW)
        device.has = Loaded(NEW, "RUNNING", loops=1)
        assert state_of(run(task(starts=True, confirm_ms=500), client, kept[-1])[0]) == "RUNNING"


def test_a_version_on_trial_that_is_about_to_start_is_waited_for() -> None:
    device = DeviceDouble(
        Loaded(OLD, "RUNNING"), trial=lambda _old, new: replace(new, state="READY")
    )
    wanted = task(starts=True, confirm_ms=500)
    with served(GatewayDouble(device)) as client:
        outcome, kept = run(wanted, client, most=30)
        assert step_of(outcome).progress.step is DeliveryStep.CONFIRM
        device.has = Loaded(NEW, "RUNNING", loops=1)
        assert state_of(run(wanted, client, kept[-1])[0]) == "RUNNING"
    assert device.changes == ["replace"]


def test_what_somebody_else_has_put_in_its_place_is_replaced_by_another_change() -> None:
    device = DeviceDouble(Loaded(OLD))
    with served(GatewayDouble(device)) as client:
        _, kept = run(task(), client, most=5)
        assert kept[-1].step is DeliveryStep.CONFIRM
        device.has = Loaded(b"of somebody else")
        outcome, _ = run(task(), client, kept[-1])
    assert state_of(outcome) == "READY"
    assert device.changes == ["replace", "replace"]


@pytest.mark.parametrize("state", ["RUNNING", "READY"])
def test_a_version_that_the_device_has_put_back_is_refused(state: str) -> None:
    device = DeviceDouble(
        Loaded(OLD, "RUNNING", loops=4), trial=lambda old, _new: replace(old, state=state)
    )
    outcome = outcome_of(task(starts=True, confirm_ms=500), device)
    assert refusal_of(outcome)[0] == "not-confirmed"
    assert "within 500 ms" in refusal_of(outcome)[1]
    assert isinstance(outcome, DeliveryRefused)
    assert outcome.reported is not None
    assert outcome.reported.sha256 == digest(OLD)
    assert device.changes == ["replace"]


@pytest.mark.parametrize(
    ("last_exit", "reason"),
    [
        ("trap in start out of bounds", "crashed"),
        ("creation-failed", "crashed"),
        ("killed", "stopped"),
        ("returned 0", "ended"),
    ],
)
def test_a_container_that_does_not_stay_running_is_refused(last_exit: str, reason: str) -> None:
    device = DeviceDouble(start=lambda found: replace(found, last_exit=last_exit))
    assert refusal_of(outcome_of(task(starts=True), device)) == (reason, last_exit)
    assert device.changes == ["load", "start"]


@pytest.mark.parametrize("state", ["STOPPING", "DELETING"])
def test_a_container_that_winds_down_is_waited_for(state: str) -> None:
    device = DeviceDouble(Loaded(OLD, state))
    with served(GatewayDouble(device)) as client:
        outcome, kept = run(task(), client, most=6)
        assert isinstance(outcome, DeliveryWaits)
        assert device.changes == []
        device.has = None
        assert state_of(run(task(), client, kept[-1])[0]) == "READY"


def test_a_refusal_is_that_of_the_device() -> None:
    refusal = problem(422, "token-sequence", "4.22", "a newer one is known")
    device = DeviceDouble(Loaded(OLD), refuses={"PUT": [refusal]})
    outcome = outcome_of(task(), device)
    assert refusal_of(outcome) == ("token-sequence", "a newer one is known")
    assert isinstance(outcome, DeliveryRefused)
    assert outcome.reported is not None
    assert outcome.reported.sha256 == digest(OLD)


def test_what_a_refusal_says_cannot_drive_a_terminal() -> None:
    told = problem(422, "\x1b[2J", "4.22", "\x1b[2J\n" + "\u202e" * 1000)
    reason, detail = refusal_of(outcome_of(task(), DeviceDouble(refuses={"PUT": [told]})))
    assert reason == "refused"
    assert detail.isascii()
    assert detail.isprintable()
    assert len(detail) == 512


@pytest.mark.parametrize("status", [429, 503])
def test_a_device_that_wants_to_be_asked_later_is_asked_later(status: int) -> None:
    code = {429: "4.29", 503: "5.03"}[status]
    busy = problem(status, "busy", code, Retry_After="7")
    device = DeviceDouble(refuses={"PUT": [busy]})
    with served(GatewayDouble(device)) as client:
        _, kept = run(task(), client, most=4)
        outcome = advance(task(), kept[-1], client)
        assert isinstance(outcome, DeliveryWaits)
        assert outcome.after_s == 7
        assert outcome.progress.step is DeliveryStep.PUT
        assert state_of(run(task(), client, outcome.progress)[0]) == "READY"


@pytest.mark.parametrize("code", ["4.09", "4.12", "4.08"])
def test_a_device_that_somebody_else_has_changed_is_looked_at_again(code: str) -> None:
    status = {"4.09": 409, "4.12": 412, "4.08": 400}[code]
    device = DeviceDouble(refuses={"PUT": [problem(status, "wrong-state", code)]})
    assert state_of(outcome_of(task(), device)) == "READY"
    assert device.changes == ["load"]


def test_a_device_that_somebody_else_changes_all_the_time_is_given_up() -> None:
    device = DeviceDouble(refuses={"PUT": [problem(412, "precondition-failed", "4.12")] * 99})
    reason, detail = refusal_of(outcome_of(task(), device))
    assert reason == "unsettled"
    assert detail.endswith("last: precondition-failed: why")
    assert len(device.refuses["PUT"]) == 99 - 9


def test_the_look_again_is_later_each_time() -> None:
    device = DeviceDouble(refuses={"PUT": [problem(412, "precondition-failed", "4.12")] * 99})
    waits = []
    with served(GatewayDouble(device)) as client:
        outcome: DeliveryOutcome = DeliveryWaits(DeliveryProgress(), 0)
        while isinstance(outcome, DeliveryWaits):
            waits.append(outcome.after_s)
            outcome = advance(task(), outcome.progress, client)
    assert [each for each in waits if each] == [5, 10, 20, 40, 80, 160, 300, 300]


def test_a_version_that_is_changed_by_others_after_it_came_is_not_said_to_be_there() -> None:
    device = DeviceDouble()
    with served(GatewayDouble(device)) as client:
        _, kept = run(task(), client, most=5)
        assert kept[-1].step is DeliveryStep.CONFIRM
        device.has = None
        outcome, _ = run(task(), client, kept[-1])
    assert refusal_of(outcome)[0] == "unsettled"
    assert device.changes == ["load"]


def test_a_container_is_removed() -> None:
    device = DeviceDouble(Loaded(OLD, "RUNNING"))
    assert state_of(outcome_of(task(DeliveryKind.REMOVE), device)) == "absent"
    assert device.changes == ["delete"]


def test_a_container_that_is_not_there_is_removed_already() -> None:
    device = DeviceDouble()
    assert state_of(outcome_of(task(DeliveryKind.REMOVE), device)) == "absent"
    assert device.changes == []


@pytest.mark.parametrize("has", [Loaded(OLD, "RUNNING"), None])
def test_a_withdrawal_is_given_to_the_device(has: Loaded | None) -> None:
    gateway = GatewayDouble(DeviceDouble(has))
    with served(gateway) as client:
        outcome, _ = run(task(DeliveryKind.WITHDRAW, token=b"signed"), client)
    assert state_of(outcome) == "absent"
    assert gateway.device.changes == ["withdraw"] * (has is not None)
    assert "/devices/box1/tc/c/626f78/w?id=" in [
        each.split("id=")[0] + "id=" for _, each in gateway.asked
    ]


def test_a_device_that_knows_no_withdrawals_refuses_them() -> None:
    device = DeviceDouble(Loaded(OLD), refuses={"POST": [problem(404, "not-found", "4.04")]})
    outcome = outcome_of(task(DeliveryKind.WITHDRAW, token=b"signed"), device)
    assert refusal_of(outcome)[0] == "not-found"


def test_an_envelope_brings_the_version() -> None:
    device = DeviceDouble(Loaded(OLD))
    assert state_of(outcome_of(task(envelope=lambda: ENVELOPE), device)) == "READY"
    assert device.changes == ["update"]


def test_an_envelope_whose_payloads_are_fetched_is_waited_for() -> None:
    device = DeviceDouble(Loaded(OLD), bundles={ENVELOPE: OLD})
    device.last_update = {"state": "fetching", "uids": ["box"]}
    wanted = task(envelope=lambda: ENVELOPE)
    with served(GatewayDouble(device)) as client:
        outcome, kept = run(wanted, client, most=20)
        assert isinstance(outcome, DeliveryWaits)
        device.has = Loaded(NEW)
        assert state_of(run(wanted, client, kept[-1])[0]) == "READY"


def test_an_update_that_fails_after_it_was_accepted_is_refused_with_its_reason() -> None:
    device = DeviceDouble(Loaded(OLD), bundles={ENVELOPE: OLD})
    device.last_update = {
        "state": "refused",
        "uids": ["box"],
        "reason": "payload",
        "problem": "it does not come",
    }
    outcome = outcome_of(task(envelope=lambda: ENVELOPE), device)
    assert refusal_of(outcome) == ("payload", "it does not come")


def test_an_update_that_is_older_is_refused_at_once() -> None:
    refusal = problem(409, "older", "4.09", "number 3 was accepted")
    device = DeviceDouble(Loaded(OLD), refuses={"POST": [refusal]})
    outcome = outcome_of(task(envelope=lambda: ENVELOPE), device)
    assert refusal_of(outcome) == ("older", "number 3 was accepted")


def test_an_envelope_that_brings_something_else_is_not_said_to_have_come() -> None:
    device = DeviceDouble(Loaded(OLD), bundles={ENVELOPE: b"something else"})
    assert refusal_of(outcome_of(task(envelope=lambda: ENVELOPE), device))[0] == "unsettled"


@pytest.mark.parametrize(
    ("presence", "back_s", "after_s"),
    [
        ("asleep", 12.5, 13.5),
        ("asleep", 0.0, 10.0),
        ("asleep", 80_000.0, 600.0),
        ("gone", None, 60.0),
    ],
)
def test_a_device_that_is_away_is_asked_about_soon_after_it_is_expected(
    presence: str, back_s: float | None, after_s: float
) -> None:
    gateway = GatewayDouble(DeviceDouble(), presence, back_s)
    with served(gateway) as client:
        begun = advance(task(), DeliveryProgress(), client)
        assert isinstance(begun, DeliveryWaits)
        outcome = advance(task(), begun.progress, client)
        assert outcome == DeliveryWaits(begun.progress, after_s)
        gateway.presence = "awake"
        assert state_of(run(task(), client, begun.progress)[0]) == "READY"


def test_a_device_that_is_awake_and_does_not_answer_is_asked_about_ever_more_seldom() -> None:
    gateway = GatewayDouble(DeviceDouble(), states={f"{1:032x}": "sending"})
    waits = []
    with served(gateway) as client:
        progress = step_of(advance(task(), DeliveryProgress(), client)).progress
        for _ in range(8):
            waiting = step_of(advance(task(), progress, client))
            progress = waiting.progress
            waits.append(waiting.after_s)
        assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
        gateway.presence, gateway.back_s = "asleep", 3.0
        asleep = advance(task(), progress, client)
        assert asleep == DeliveryWaits(replace(progress, polls=0), 4)


@pytest.mark.parametrize("state", ["expired", "cancelled", "unknown", "challenged"])
def test_a_request_that_came_to_nothing_is_no_news_of_the_device(state: str) -> None:
    gateway = GatewayDouble(DeviceDouble())
    with served(gateway) as client:
        _, kept = run(task(), client, most=4)
        assert kept[-1].step is DeliveryStep.PUT
        gateway.states[kept[-1].gateway_job.removeprefix("/jobs/")] = state
        outcome = advance(task(), kept[-1], client)
        assert isinstance(outcome, DeliveryWaits)
        assert outcome.progress.step is DeliveryStep.LOOK
        assert outcome.after_s > 0
        assert state_of(run(task(), client, outcome.progress)[0]) == "READY"
    assert gateway.device.changes == ["load"]


@pytest.mark.parametrize(
    "nonsense",
    [
        Answer(200, b'{"uid": "pal"}'),
        Answer(200, b"[]"),
        Answer(204),
        Answer(200, b'{"uid": "box", "state": "HAPPY", "loops": 1, "last_exit": "", "bundle": ""}'),
        Answer(
            200,
            b'{"uid": "box", "state": "READY", "loops": true, "last_exit": "", "bundle": "%s"}'
            % digest(NEW).encode(),
        ),
        problem(502, "bad-answer"),
    ],
)
def test_a_device_that_talks_nonsense_is_given_up(nonsense: Answer) -> None:
    device = DeviceDouble(refuses={"GET": [nonsense] * 99})
    assert refusal_of(outcome_of(task(), device))[0] == "unsettled"
    assert device.changes == []
