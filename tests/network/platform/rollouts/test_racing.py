"""Operators, owners and workers at the same time: nobody is refused for it, and nothing is lost."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import httpx
from support.four_parties import BOX, good
from support.renting import Renting
from support.rollouts import GATEWAY, Rollouts

NAMES = [f"box-{number}" for number in range(1, 5)]
DEEDS = 25
ALLOWED = {200, 201, 204, 404, 409}
"""404 and 409 are the truth if somebody else was faster."""


class Party:
    """Somebody who does one thing after the other.

    Attributes:
        random: decides what.
        statuses: what was answered.
    """

    def __init__(self, world: Rollouts, profile: int, seed: int) -> None:
        self.world, self.profile, self.random = world, profile, Random(seed)
        self.extra = f"extra-{seed}"
        self.operator: httpx.Client = world.platform.log_in("infra-admin")
        self.owner: httpx.Client = world.platform.log_in("boxes-admin")
        self.statuses: Counter[int] = Counter()

    def do_all(self) -> None:
        """Do all that this one does."""
        for _ in range(DEEDS):
            deed = self.random.choice(
                [self.start, self.control, self.skip, self.join, self.leave, self.reconnect]
            )
            self.statuses[deed().status_code] += 1
            self.world.platform.clock.at_s += 0.5

    def start(self) -> httpx.Response:
        body = {"uid": BOX, "number": self.random.choice([1, 2]), "name": "x", "query": ""}
        plan = {"priority": self.random.choice([0, 1]), "waves": [50, 100], "standing": True}
        made = good(self.operator.post("/api/rollouts", json={**body, "plan": plan}))
        judged = good(self.operator.post(f"/api/rollouts/{made['id']}/judgement"))
        despite = {"despite": judged["devices"] - judged["accepted"]}
        return self.operator.post(f"/api/rollouts/{made['id']}/start", json=despite)

    def control(self) -> httpx.Response:
        rollout = self.random.randint(1, 12)
        deed = self.random.choice(["pause", "resume", "resume", "cancel", "retry"])
        return self.operator.post(f"/api/rollouts/{rollout}/{deed}")

    def skip(self) -> httpx.Response:
        name = self.random.choice([*NAMES, self.extra])
        return self.operator.delete(f"/api/rollouts/{self.random.randint(1, 12)}/devices/{name}")

    def join(self) -> httpx.Response:
        if self.random.random() < 0.5:
            body: dict[str, Any] = {"labels": {"changed": str(self.random.random())}}
            return self.owner.patch(f"/api/devices/{self.random.choice(NAMES)}", json=body)
        body = {"name": self.extra, "infrastructure": "infra", "kind": "box"}
        return self.owner.post("/api/devices", json={**body, "profile": self.profile})

    def leave(self) -> httpx.Response:
        return self.owner.delete(f"/api/devices/{self.extra}")

    def reconnect(self) -> httpx.Response:
        path = f"/api/devices/{self.random.choice(NAMES)}/connection"
        if self.random.random() < 0.3:
            return self.operator.delete(path)
        endpoint = path.split("/")[3]
        return self.operator.put(path, json={"gateway": GATEWAY, "endpoint": endpoint})


def test_nobody_is_refused_and_nothing_is_lost_when_all_do_something_at_once(
    rollouts: Rollouts,
) -> None:
    rollouts.parties.complete(2)
    rollouts.add_devices(NAMES)
    profile = good(rollouts.operator.get("/api/profiles"))["profiles"][0]["id"]
    ended = threading.Event()

    def work(deed: Callable[[], bool]) -> None:
        while not ended.is_set():
            if not deed():
                ended.wait(0.01)

    parties = [Party(rollouts, profile, seed) for seed in range(3)]
    workers = [rollouts.worker, rollouts.make_worker()]
    works = [each for worker in workers for each in (worker.step, worker.deliver, worker.look)]
    with ThreadPoolExecutor(len(works) + len(parties)) as pool:
        working = [pool.submit(work, each) for each in works]
        try:
            for doing in [pool.submit(each.do_all) for each in parties]:
                doing.result()
            good(Renting(rollouts.parties).withdraw())
        finally:
            ended.set()
        for each in working:
            each.result()
    statuses = sum((each.statuses for each in parties), Counter[int]())
    assert set(statuses) <= ALLOWED, statuses
    for name in NAMES:
        rollouts.connect(name)
    rollouts.settle(60)
    assert rollouts.running() == {}, "it was withdrawn in the end"
    for shown in good(rollouts.operator.get("/api/rollouts"))["rollouts"]:
        assert shown["state"] in ("cancelled", "done")
        require_sound_counters(rollouts, shown)


def require_sound_counters(world: Rollouts, shown: Any) -> None:
    """Require that counters are those of the devices, but for devices that have left since."""
    found = good(world.operator.get(f"/api/rollouts/{shown['id']}/devices"))["devices"]
    for number, wave in enumerate(shown["waves"]):
        counted = Counter(each["progress"] for each in found if each["wave"] == number)
        for progress in ("waiting", "told", "failed", "superseded"):
            assert wave[progress] == counted[progress], shown
        for progress in ("done", "skipped"):
            assert wave[progress] >= counted[progress], shown
