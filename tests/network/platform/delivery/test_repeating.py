"""Killed at any moment and gone on from whatever was stored, a delivery does nothing twice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.deliveries import (
    ENVELOPE,
    OLD,
    Answer,
    DeviceDouble,
    GatewayDouble,
    Loaded,
    run,
    served,
    stored,
    task,
)

from tinycontainer.network.platform.delivery.delivering import advance
from tinycontainer.network.platform.delivery.gateway_client import GatewayClient
from tinycontainer.network.platform.delivery.progress import (
    DeliveryLost,
    DeliveryOutcome,
    DeliveryProgress,
    DeliveryReached,
    DeliveryStep,
    DeliveryWaits,
    ReportedContainer,
)
from tinycontainer.network.platform.delivery.task import DeliveryKind, DeliveryTask


def crash(found: Loaded) -> Loaded:
    return replace(found, last_exit="trap in start")


CASES: dict[str, tuple[DeliveryTask, Callable[[], DeviceDouble]]] = {
    "load": (task(starts=True), DeviceDouble),
    "crash": (task(starts=True), lambda: DeviceDouble(start=crash)),
    "replace": (task(starts=True), lambda: DeviceDouble(Loaded(OLD))),
    "confirmed": (task(starts=True, confirm_ms=500), lambda: DeviceDouble(Loaded(OLD, "RUNNING"))),
    "put back": (
        task(starts=True, confirm_ms=500),
        lambda: DeviceDouble(Loaded(OLD, "RUNNING"), trial=lambda old, _new: old),
    ),
    "update": (task(envelope=lambda: ENVELOPE), lambda: DeviceDouble(Loaded(OLD))),
    "remove": (task(DeliveryKind.REMOVE), lambda: DeviceDouble(Loaded(OLD, "RUNNING"))),
    "withdraw": (
        task(DeliveryKind.WITHDRAW, token=b"signed"),
        lambda: DeviceDouble(Loaded(OLD, "RUNNING")),
    ),
}


def straight(name: str) -> tuple[DeliveryOutcome, list[str], int]:
    """How it ends without a kill, with what changes, and after how many calls."""
    wanted, make_device = CASES[name]
    gateway = GatewayDouble(make_device())
    with served(gateway) as client:
        outcome, kept = run(wanted, client)
    return outcome, gateway.device.changes, len(kept)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("lag", [1, 2, 99])
def test_a_delivery_that_goes_on_from_what_was_stored_before_ends_in_the_same_way(
    name: str, lag: int
) -> None:
    wanted, make_device = CASES[name]
    end, changes, calls = straight(name)
    assert changes
    for cut in range(1, calls):
        gateway = GatewayDouble(make_device())
        with served(gateway) as client:
            _, kept = run(wanted, client, most=cut)
            outcome, _ = run(wanted, client, kept[max(0, len(kept) - 1 - lag)])
        assert (outcome, gateway.device.changes) == (end, changes), cut


def drop(number: int) -> Callable[[str, str], Answer | None]:
    """The answer of this number is lost, after the request was carried out."""
    left = [number]

    def lie(_method: str, _target: str) -> Answer | None:
        left[0] -= 1
        return Answer(0) if left[0] == 0 else None

    return lie


def persist(wanted: DeliveryTask, client: GatewayClient) -> DeliveryOutcome:
    """Call until the end, whatever is lost on the way."""
    progress = DeliveryProgress()
    for _ in range(200):
        outcome = advance(wanted, progress, client)
        if isinstance(outcome, DeliveryWaits):
            progress = stored(outcome.progress)
        elif not isinstance(outcome, DeliveryLost):
            return outcome
    raise AssertionError("it does not end")


@pytest.mark.parametrize("name", CASES)
def test_an_answer_of_the_gateway_that_is_lost_changes_nothing(name: str) -> None:
    wanted, make_device = CASES[name]
    end, changes, _ = straight(name)
    for number in range(1, 20):
        gateway = GatewayDouble(make_device(), lies=drop(number))
        with served(gateway) as client:
            outcome = persist(wanted, client)
        assert (outcome, gateway.device.changes) == (end, changes), number


@pytest.mark.parametrize("name", CASES)
def test_a_gateway_that_loses_its_jobs_changes_nothing(name: str) -> None:
    wanted, make_device = CASES[name]
    end, changes, calls = straight(name)
    for cut in range(1, calls):
        gateway = GatewayDouble(make_device())
        with served(gateway) as client:
            _, kept = run(wanted, client, most=cut)
            gateway.forget_jobs()
            outcome, _ = run(wanted, client, kept[-1])
        assert (outcome, gateway.device.changes) == (end, changes), cut


@given(
    name=st.sampled_from(sorted(CASES)),
    kills=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 3)), max_size=6),
)
@settings(max_examples=40, deadline=None)
def test_kills_in_a_row_change_nothing(name: str, kills: list[tuple[int, int]]) -> None:
    wanted, make_device = CASES[name]
    end, changes, _ = straight(name)
    gateway = GatewayDouble(make_device())
    with served(gateway) as client:
        stack = [DeliveryProgress()]
        for calls, lost in kills:
            _, kept = run(wanted, client, stack[-1], calls)
            stack += kept[1:]
            stack = stack[: max(1, len(stack) - lost)]
        outcome, _ = run(wanted, client, stack[-1])
    assert outcome == end
    assert gateway.device.changes == changes


def test_a_request_that_was_forgotten_is_carried_out_before_what_is_asked_after_it() -> None:
    gateway = GatewayDouble(DeviceDouble(Loaded(OLD)), presence="asleep", back_s=5.0)
    wanted = task(DeliveryKind.REMOVE)
    asking = DeliveryProgress(step=DeliveryStep.REMOVE, etag="0" * 16)
    with served(gateway) as client:
        assert isinstance(advance(wanted, asking, client), DeliveryWaits)  # and it is killed
        gateway.presence = "awake"
        assert run(wanted, client)[0] == DeliveryReached(None)
    assert gateway.device.changes == ["delete"]


PROGRESS = DeliveryProgress(
    DeliveryStep.CONFIRM,
    "/jobs/" + "a" * 32,
    2,
    "0123456789abcdef",
    3,
    True,
    True,
    ReportedContainer.of({"state": "READY", "sha256": "0" * 64, "last_exit": "trap", "loops": 7}),
)


def test_progress_is_read_as_it_was_written() -> None:
    assert stored(PROGRESS) == PROGRESS
    assert stored(DeliveryProgress()) == DeliveryProgress()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"confirm"', '"nap"'),
        ('"confirm"', "7"),
        ("/jobs/", "//elsewhere/jobs/"),
        ("0123456789abcdef", "0123"),
        ('"rounds": 3', '"rounds": 9'),
        ('"rounds": 3', '"rounds": true'),
        ('"polls": 2', '"polls": 9'),
        ('"rounds": 3', '"rounds": 3, "more": 3'),
        ('"is_trial": true', '"is_trial": 1'),
        ('"was_started": true', '"was_started": null'),
        ('"READY"', '"HAPPY"'),
        ('"trap"', '"\\u001b"'),
        ('"loops": 7', '"loops": -7'),
        ('"loops": 7, ', ""),
        ("{", "[" * 100_000 + "{"),
        ("}", ""),
    ],
)
def test_progress_that_nobody_has_written_is_refused(old: str, new: str) -> None:
    text = PROGRESS.to_json()
    assert old in text
    with pytest.raises(ValueError, match=r"\w"):
        DeliveryProgress.from_json(text.replace(old, new))


@pytest.mark.parametrize(
    "more",
    [
        {"device": "a/b"},
        {"device": ""},
        {"uid": b""},
        {"uid": bytes(64)},
        {"nonce": b"short"},
        {"sha256": "F" * 64},
        {"confirm_ms": 0},
    ],
)
def test_a_task_that_nobody_can_do_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(more))):
        task(**more)


@pytest.mark.parametrize("token", [b"", bytes(1025)])
def test_a_withdrawal_has_a_token_of_at_most_1_kib(token: bytes) -> None:
    with pytest.raises(ValueError, match="token"):
        task(DeliveryKind.WITHDRAW, token=token)
