"""Whatever operators and devices do, the counters of a rollout are those of its devices."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest
from support.four_parties import good
from support.rollouts import Rollouts, loaded

from tinycontainer.tools.rollouts import DeviceProgress
from tinycontainer.tools.rollouts.rollout import PROGRESS
from tinycontainer_tokens import Role

NAMES = [f"box-{number}" for number in range(1, 6)]
DEEDS = ("pause", "resume", "resume", "cancel", "retry")


def reachable() -> Mapping[DeviceProgress, frozenset[DeviceProgress]]:
    """What each progress can become by any number of events."""
    found = {each: {each} for each in DeviceProgress}
    for _ in DeviceProgress:
        for (before, _event), after in PROGRESS.items():
            for reached in found.values():
                if before in reached:
                    reached.add(after)
    return {each: frozenset(reached) for each, reached in found.items()}


REACHABLE = reachable()


class Wild:
    """Random deeds on a fleet."""

    def __init__(self, world: Rollouts, seed: int) -> None:
        self.world, self.random = world, Random(seed)
        self.numbers: list[int] = []
        self.seen: dict[tuple[int, str], str] = {}
        self.left = 0

    def do_one(self) -> None:
        """Do one thing, and look at all counters."""
        deeds: list[tuple[int, Callable[[], object]]] = [
            (12, self.world.worker.step),
            (25, self.world.worker.deliver),
            (6, self.world.worker.look),
            (8, self.wait),
            (3, self.start),
            (6, self.control),
            (2, self.skip),
            (3, self.sleep),
            (2, self.refuse),
            (1, self.crash),
            (2, self.join),
            (1, self.reconnect),
        ]
        (deed,) = self.random.choices([each for _, each in deeds], [each for each, _ in deeds])
        deed()
        for rollout in self.numbers:
            self.look_at(rollout)

    def look_at(self, rollout: int) -> None:
        """Require that the counters are right, and that nothing has happened that cannot."""
        self.world.require_right_counts(rollout)
        for name, progress in self.world.progress(rollout).items():
            before = self.seen.get((rollout, name), "waiting")
            after = DeviceProgress(progress)
            assert after in REACHABLE[DeviceProgress(before)], (rollout, name, before, after)
            self.seen[rollout, name] = progress

    def wait(self) -> None:
        self.world.platform.clock.at_s += self.random.choice([0.3, 3, 40, 400])

    def start(self) -> None:
        if len(self.numbers) >= 6:
            return
        plan: dict[str, Any] = {
            "waves": self.random.choice([[100], [30, 100]]),
            "halt_minimum": self.random.choice([1, 2, 9]),
            "success_per_cent": self.random.choice([1, 60, 100]),
            "attempts": self.random.choice([1, 2]),
            "priority": self.random.choice([0, 0, 3]),
            "answer_s": self.random.choice([30, 1000]),
            "standing": self.random.random() < 0.3,
            "most_at_once": self.random.choice([1, 2, 100]),
        }
        if self.random.random() < 0.2:
            plan["deadline_s"] = int(self.world.platform.clock.at_s) + 500
        query = self.random.choice(["", "", "name=box-1", "not name=box-2"])
        self.numbers.append(self.world.start(self.random.choice([1, 2]), query, **plan))

    def control(self) -> None:
        if self.numbers:
            rollout = self.random.choice(self.numbers)
            answer = self.world.ask(rollout, self.random.choice(DEEDS))
            assert answer.status_code in (200, 409), answer.text

    def skip(self) -> None:
        if self.numbers:
            rollout, name = self.random.choice(self.numbers), self.random.choice(NAMES)
            answer = self.world.operator.delete(f"/api/rollouts/{rollout}/devices/{name}")
            assert answer.status_code in (204, 404, 409), answer.text

    def sleep(self) -> None:
        self.world.gateway.asleep = {name for name in NAMES if self.random.random() < 0.3}

    def refuse(self) -> None:
        name = self.random.choice(NAMES)
        if self.world.gateway.fleet[name].refuses.pop("PUT", None) is None:
            self.world.refuse_always(name)

    def crash(self) -> None:
        device = self.world.gateway.fleet[self.random.choice(NAMES)]
        made = self.random.choice([None, self.world.bundle(1), self.world.bundle(2), b"by hand"])
        device.has = None if made is None else loaded(made)

    def join(self) -> None:
        name = self.random.choice(NAMES)
        body = {"labels": {"changed": str(self.random.random())}}
        client = self.world.parties.client(Role.OWNER)
        good(client.patch(f"/api/devices/{name}", json=body))

    def reconnect(self) -> None:
        name = self.random.choice(NAMES)
        good(self.world.operator.delete(f"/api/devices/{name}/connection"))
        if self.random.random() < 0.8:
            self.world.connect(name)


def require_right_counters(world: Rollouts, seed: int, deeds: int) -> None:
    """Do many things, and look at the counters after each; in the end all comes to rest."""
    world.parties.complete(2)
    world.add_devices(NAMES)
    wild = Wild(world, seed)
    for _ in range(deeds):
        wild.do_one()
    world.gateway.asleep.clear()
    for name in NAMES:
        world.connect(name)
        world.gateway.fleet[name].refuses.clear()
    world.settle(60)
    world.platform.clock.at_s += 1500
    world.settle(60)
    for rollout in wild.numbers:
        wild.look_at(rollout)
        shown = world.show(rollout)
        if shown["state"] == "running":
            left = {wave[each] for wave in shown["waves"] for each in ("waiting", "told")}
            assert left == {0}, "it is not through, and nothing goes on"


@pytest.mark.parametrize("seed", range(1))
def test_counters_are_right_after_each_step(rollouts: Rollouts, seed: int) -> None:
    require_right_counters(rollouts, seed, 120)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 130))
def test_counters_are_right_after_each_of_many_steps(rollouts: Rollouts, seed: int) -> None:
    require_right_counters(rollouts, seed, 400)
