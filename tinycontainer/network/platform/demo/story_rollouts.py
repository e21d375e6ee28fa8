"""The story, part two: releases come to boxes in waves, halt, and replace each other."""

from hashlib import sha256
from typing import Any, Final

from tinycontainer_tokens import Role

from .desk import DemoDesk
from .joining import NEW, OLD
from .story_releases import COURIER, COURIER_PARTS, begin_release, give_courier

_CONFIRM_MS: Final = 3000
_ROLLOUT_S: Final = 60.0


def draft(desk: DemoDesk, uid: str, number: int, query: str = "", **plan: Any) -> int:
    """Let the infrastructure draft a rollout: its number.

    Raises:
        StoryBroken: it is refused.
    """
    new = {"uid": uid.encode().hex(), "number": number, "name": "demo", "query": query}
    drafted = desk.client(Role.INFRASTRUCTURE).do("POST", "/api/rollouts", {**new, "plan": plan})
    return int(drafted["id"])


def start(desk: DemoDesk, rollout: int, despite: int = 0) -> None:
    """Let the infrastructure start a rollout.

    Raises:
        StoryBroken: it is refused.
    """
    target = f"/api/rollouts/{rollout}/start"
    desk.client(Role.INFRASTRUCTURE).do("POST", target, {"despite": despite})


def counts(desk: DemoDesk, rollout: int) -> dict[str, Any]:
    """The state of a rollout, and how many devices of all waves are how far."""
    shown = desk.client(Role.INFRASTRUCTURE).get(f"/api/rollouts/{rollout}")
    names = ("waiting", "told", "done", "failed")
    found = {name: sum(wave[name] for wave in shown["waves"]) for name in names}
    return {"state": shown["state"], **{name: count for name, count in found.items() if count}}


def running(count: int) -> dict[str, int]:
    """What `tally` finds if some boxes run the container."""
    return {"RUNNING": count}


def tally(desk: DemoDesk, uid: str) -> dict[str, int]:
    """How many boxes have a container in which state, as they say themselves."""
    states = list(desk.states(uid, [*desk.boxes]).values())
    return {state: states.count(state) for state in set(states)}


def halt_at_old_boxes(desk: DemoDesk) -> None:
    """A rollout to all boxes halts, because some know a former key; the rest is untouched."""
    judge, client = desk.judge, desk.client(Role.INFRASTRUCTURE)
    judge.tell("4. A rollout to all twelve boxes halts by itself")
    # Half of each sort in the first wave: with fewer, no old box need be in it.
    rollout = draft(
        desk, COURIER, 1, waves=[50, 100], strata=["label.keys"], halt_minimum=1, halt_per_cent=10
    )
    found = client.do("POST", f"/api/rollouts/{rollout}/judgement")
    judge.expect("the judgement says 10 of 12", (found["accepted"], found["devices"]), (10, 12))
    said = [(each["reason"], sorted(each["examples"])) for each in found["refused"]]
    old = desk.boxes_with("keys", OLD)
    judge.expect("it says which boxes would refuse, and why", said, [("token", old)])
    details = [each["detail"] for each in found["refused"]]
    is_named = all("developer" in each for each in details)
    judge.expect(f"it is the developer's key: {' '.join(details)}", is_named, True)
    refused = client.ask("POST", f"/api/rollouts/{rollout}/start", {"despite": 0})
    judge.expect("it does not start as if nothing were wrong", refused.status, 409)
    start(desk, rollout, despite=2)
    judge.await_expected(
        "it halts with the first wave: one box in six has refused",
        lambda: counts(desk, rollout),
        {"state": "halted", "waiting": 6, "done": 5, "failed": 1},
    )
    judge.expect(
        "five boxes run it, say the boxes, and no other has it", tally(desk, COURIER), running(5)
    )
    failed = client.get(f"/api/rollouts/{rollout}/devices?progress=failed")["devices"]
    judge.expect("the box that has refused is an old one", failed[0]["device"] in old, True)
    client.do("POST", f"/api/rollouts/{rollout}/cancel")
    judge.expect("it is cancelled", counts(desk, rollout)["state"], "cancelled")


def reach_new_boxes(desk: DemoDesk) -> None:
    """The next rollout leaves the old boxes out, and reaches all others."""
    judge, client = desk.judge, desk.client(Role.INFRASTRUCTURE)
    judge.tell("5. A rollout to the boxes with new keys ends well")
    rollout = draft(desk, COURIER, 1, f"label.keys={NEW}")
    found = client.do("POST", f"/api/rollouts/{rollout}/judgement")
    judge.expect("the judgement says 10 of 10", (found["accepted"], found["devices"]), (10, 10))
    start(desk, rollout)
    _await_done(desk, rollout)
    judge.expect("ten boxes run it, say the boxes", tally(desk, COURIER), running(10))
    _expect_version(desk, 1)


def replace_release(desk: DemoDesk) -> None:
    """A second release replaces the first one, in waves, and has to prove itself on each box."""
    judge = desk.judge
    judge.tell("6. A second release, with new data, replaces the first one")
    begin_release(desk, COURIER, 2)
    for role in Role:
        give_courier(desk, 2, role, data="next.data")
    desk.sign(COURIER, 2, *COURIER_PARTS)
    desk.sign(COURIER, 2, "metadata")
    rollout = draft(desk, COURIER, 2, f"label.keys={NEW}", waves=[20, 100], confirm_ms=_CONFIRM_MS)
    start(desk, rollout)
    _await_done(desk, rollout)
    judge.expect("ten boxes run it, say the boxes", tally(desk, COURIER), running(10))
    _expect_version(desk, 2)
    changed = desk.client(Role.OWNER).ask(
        "PUT", f"{desk.release(COURIER, 1)}/rights", {"syscalls": ()}
    )
    judge.expect("nobody changes a release that devices were given", changed.status, 409)


def _await_done(desk: DemoDesk, rollout: int) -> None:
    desk.judge.await_expected(
        "it ends with all ten",
        lambda: counts(desk, rollout),
        {"state": "done", "done": 10},
        _ROLLOUT_S,
    )


def _expect_version(desk: DemoDesk, number: int) -> None:
    """Expect that the new boxes have a release, by themselves and at the platform."""
    judge, uid = desk.judge, COURIER.encode().hex()
    bundle = desk.client(Role.OWNER).fetch(f"{desk.release(COURIER, number)}/bundle")
    new = desk.boxes_with("keys", NEW)
    seen = {desk.containers(box)[COURIER]["bundle"] for box in new}
    judge.expect(f"each has exactly release {number}", seen, {sha256(bundle).hexdigest()})
    known = set()
    for box in new:
        rows = desk.client(Role.INFRASTRUCTURE).get(f"/api/devices/{box}/containers")["containers"]
        known |= {(row["desired"], row["reported"]) for row in rows if row["uid"] == uid}
    judge.expect("the platform knows that they run what they are to run", known, {(number, number)})
