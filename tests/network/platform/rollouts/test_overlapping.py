"""Of several rollouts of an application one counts for a device, and never an older version."""

import base64
from hashlib import sha256
from typing import Any

import pytest
from support.four_parties import ENDPOINT, good
from support.rollouts import Rollouts

from tinycontainer.network.platform.releases.parts import ReleasePart
from tinycontainer_tokens import Profile, Role
from tinycontainer_tokens.issue import prove

BOTH = ["box-1", "box-2"]
OTHER = b"lid".hex()


@pytest.fixture
def two(rollouts: Rollouts) -> Rollouts:
    """Two devices and three releases."""
    rollouts.parties.complete(2)
    rollouts.parties.complete(3)
    rollouts.add_devices(BOTH)
    return rollouts


def all_are(progress: str) -> dict[str, str]:
    """What both devices are."""
    return dict.fromkeys(BOTH, progress)


def versions(world: Rollouts) -> list[int | None]:
    """What both run."""
    return [world.container(name)["reported"] for name in BOTH]


def sleeping(world: Rollouts) -> Rollouts:
    """Nobody answers."""
    world.gateway.asleep.update(BOTH)
    return world


def wake(world: Rollouts) -> None:
    """All answer again, and all is done."""
    world.gateway.asleep.clear()
    world.settle(30)


@pytest.mark.clause("TC-PLAT-37")
def test_the_newest_rollout_counts(two: Rollouts) -> None:
    numbers = [sleeping(two).start(number) for number in (1, 2, 3)]
    two.settle(3)
    assert [two.progress(each) for each in numbers] == [
        all_are("superseded"),
        all_are("superseded"),
        all_are("told"),
    ]
    wake(two)
    assert versions(two) == [3, 3]
    assert [two.show(each)["state"] for each in numbers] == ["done"] * 3
    changes = [each.changes for each in two.gateway.fleet.values()]
    assert changes == [["load", "start"]] * 2, "the older versions were never brought"


@pytest.mark.clause("TC-PLAT-37")
def test_the_highest_priority_counts_before_the_newest(two: Rollouts) -> None:
    high = sleeping(two).start(2, priority=7)
    middle = two.start(3, priority=5)
    low = two.start(1)
    two.settle(3)
    assert two.progress(high) == all_are("told")
    assert two.progress(middle) == two.progress(low) == all_are("superseded")
    good(two.ask(high, "cancel"))
    two.settle(15)
    assert two.progress(middle) == all_are("told")
    assert two.progress(low) == all_are("superseded")
    wake(two)
    assert versions(two) == [3, 3]
    assert two.show(low)["state"] == "done"


@pytest.mark.clause("TC-PLAT-37")
@pytest.mark.parametrize("ending", ["cancel", "expire"])
def test_what_was_superseded_is_restored_when_the_other_ends_before_it_was_done(
    two: Rollouts, ending: str
) -> None:
    first = sleeping(two).start(1)
    deadline_s = int(two.platform.clock.at_s) + 20
    second = two.start(2, deadline_s=deadline_s)
    two.settle(3)
    assert two.progress(first) == all_are("superseded")
    if ending == "cancel":
        good(two.ask(second, "cancel"))
    else:
        two.settle(25)
        assert two.show(second)["state"] == "expired"
    two.settle(15)
    assert two.progress(first) == all_are("told")
    wake(two)
    assert versions(two) == [1, 1]


@pytest.mark.clause("TC-PLAT-37")
def test_nobody_is_brought_back_after_the_newer_was_done_although_that_rollout_has_ended(
    two: Rollouts,
) -> None:
    two.gateway.asleep.add("box-2")
    first = two.start(1, query="name=box-*", standing=True)
    good(two.ask(first, "pause"))
    second = two.start(2, query="name=box-1")
    two.settle(5)
    assert two.show(second)["state"] == "done"
    third = two.start(3)
    good(two.ask(third, "pause"))
    good(two.ask(third, "cancel"))
    good(two.ask(first, "resume"))
    wake(two)
    assert versions(two) == [2, 1]
    assert two.progress(first) == {"box-1": "superseded", "box-2": "done"}


def test_nobody_is_brought_back_when_the_newer_arrives_after_its_cancel(two: Rollouts) -> None:
    two.start(1)
    two.settle(5)
    older = two.start(2)
    newer = two.start(3)
    device = two.gateway.fleet["box-1"]

    def cancel_once_it_is_replaced() -> None:
        if "replace" in device.changes:
            two.gateway.when_asked = lambda: None
            good(two.ask(newer, "cancel"))

    two.gateway.when_asked = cancel_once_it_is_replaced
    two.settle(30)
    assert two.progress(newer)["box-1"] == "done"
    assert two.progress(older)["box-1"] == "superseded"
    assert two.container("box-1")["reported"] == 3
    assert device.changes.count("replace") == 1
    assert two.show(older)["state"] == "done"


def test_what_was_called_off_half_way_is_set_right_by_the_older_one(two: Rollouts) -> None:
    first = two.start(1)
    second = two.start(2)

    def cancel_once_it_is_loaded() -> None:
        if two.gateway.fleet["box-1"].has is not None:
            two.gateway.when_asked = lambda: None
            good(two.ask(second, "cancel"))

    two.gateway.when_asked = cancel_once_it_is_loaded
    two.settle(700)
    assert versions(two) == [1, 1]
    assert two.progress(first) == all_are("done")
    assert two.show(first)["state"] == "done"


def test_an_operator_can_bring_all_back_by_a_newer_rollout(two: Rollouts) -> None:
    two.start(2, standing=True)
    two.settle(5)
    assert versions(two) == [2, 2]
    back = two.start(1)
    two.settle(5)
    assert two.show(back)["state"] == "done"
    assert versions(two) == [1, 1]


def test_a_rollback_that_was_superseded_is_restored(two: Rollouts) -> None:
    two.start(2)
    two.settle(5)
    back = sleeping(two).start(1)
    two.settle(3)
    third = two.start(3)
    two.settle(3)
    assert two.progress(back) == all_are("superseded")
    good(two.ask(third, "cancel"))
    two.settle(15)
    wake(two)
    assert versions(two) == [1, 1]


def test_a_paused_rollout_keeps_its_devices(two: Rollouts) -> None:
    first = sleeping(two).start(1)
    second = two.start(2)
    good(two.ask(second, "pause"))
    wake(two)
    assert two.progress(first) == all_are("superseded")
    assert two.show(first)["state"] == "running", "they can come back"
    assert two.running() == {}
    good(two.ask(second, "cancel"))
    two.settle(5)
    assert versions(two) == [1, 1]


def test_only_devices_that_both_are_for_are_superseded(two: Rollouts) -> None:
    first = sleeping(two).start(1)
    second = two.start(2, query="name=box-2")
    two.settle(3)
    assert two.progress(first) == {"box-1": "told", "box-2": "superseded"}
    assert two.progress(second) == {"box-2": "told"}
    wake(two)
    assert versions(two) == [1, 2]


def test_a_device_that_is_taken_out_goes_to_the_other_rollout(two: Rollouts) -> None:
    first = sleeping(two).start(1)
    second = two.start(2)
    two.settle(3)
    answer = two.operator.delete(f"/api/rollouts/{second}/devices/box-1")
    assert answer.status_code == 204
    two.settle(15)
    assert two.progress(first) == {"box-1": "told", "box-2": "superseded"}
    wake(two)
    assert versions(two) == [1, 2]
    assert two.progress(second) == {"box-1": "skipped", "box-2": "done"}


def test_whoever_failed_in_the_newer_one_gets_the_older_when_that_has_ended(two: Rollouts) -> None:
    first = sleeping(two).start(1)
    second = two.start(2, halt_per_cent=100, halt_minimum=2, success_per_cent=1)
    two.settle(3)
    two.refuse_always("box-1")
    two.gateway.asleep.clear()
    two.settle(30)
    assert two.show(second)["state"] == "done"
    two.gateway.fleet["box-1"].refuses.clear()
    two.settle(30)
    assert two.progress(second) == {"box-1": "failed", "box-2": "done"}
    assert two.progress(first)["box-2"] == "superseded"


def test_applications_do_not_disturb_each_other(two: Rollouts) -> None:
    first = sleeping(two).start(1)
    developer = two.parties.client(Role.DEVELOPER)
    good(developer.post("/api/applications", json={"uid": OTHER, "name": "Lid"}))
    complete_other(two)
    body = {"uid": OTHER, "number": 1, "name": "lid"}
    other = good(two.operator.post("/api/rollouts", json=body))["id"]
    good(two.ask(other, "start", despite=0))
    two.settle(3)
    assert two.progress(first) == two.progress(other) == all_are("told")
    good(two.ask(other, "cancel"))
    two.settle(3)
    assert two.progress(first) == all_are("told")


def complete_other(world: Rollouts) -> None:
    """Make and sign a release of another application."""
    parties = world.parties
    parties.begin(uid=OTHER)
    base = f"/api/releases/{OTHER}/1"
    shown = parties.show()
    contents: dict[str, tuple[Role, dict[str, Any]]] = {
        "code": (Role.DEVELOPER, {"type": "wasm", "sha256": shown["code_sha256"]}),
        "data": (Role.PROVIDER, {"sha256": shown["data_sha256"]}),
        "plan": (Role.INFRASTRUCTURE, {"timing": {"period_ms": 100}, "endpoints": [ENDPOINT]}),
        "rights": (Role.OWNER, {"syscalls": ["heartbeat"]}),
    }
    for content, (role, body) in contents.items():
        good(parties.client(role).put(f"{base}/{content}", json=body))
    for part in ("code", "data", "mask", "endpoint-1", "metadata"):
        sign_other(world, base, part)


def sign_other(world: Rollouts, base: str, part: str) -> None:
    """Sign a part as the platform says."""
    role = ReleasePart.parse(part).role
    key = world.parties.keys[role]
    client = world.parties.client(role)
    fingerprint = sha256(key.public).hexdigest()
    asked = good(client.get(f"{base}/signing/{part}?key={fingerprint}"))
    profile = Profile(asked["profile"])
    payload = base64.b64decode(asked["payload"])
    token = prove(payload, key, profile, tagged=profile is Profile.RFC9052).encode()
    body = {"token": base64.b64encode(token).decode()}
    good(client.put(f"{base}/tokens/{part}", json=body))
