"""How does the cost of a decision grow with the number of containers, under both policies?"""

import random
from collections.abc import Callable

import pytest
from support.measuring.measuring import Measure

from tinycontainer.device.containers.limits import Policy
from tinycontainer.device.running.scheduler import Scheduler, Turn

TIMES = 200
FEW = 10


def deciding(policy: Policy, containers: int) -> Callable[[], None]:
    """Decisions on a device whose containers run shortly and sleep for up to a millisecond."""
    chance = random.Random(1)
    scheduler = Scheduler(policy)
    for slot in range(containers):
        scheduler.add(slot, chance.randrange(16), 0)
    now_ns = 0

    def decide() -> None:
        nonlocal now_ns
        for _ in range(TIMES):
            decision = scheduler.decide(now_ns, None)
            if isinstance(decision, Turn):
                now_ns += 1_000
                scheduler.wake_at(decision.slot, now_ns + chance.randrange(1, 1_000_000))
            elif decision.until_ns is not None:
                now_ns = decision.until_ns
        if scheduler.entries > 4 * containers + 200:
            raise RuntimeError("the queues grow")

    return decide


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("containers", [100, 1000, 10_000])
def test_decision_against_one_among_ten(measure: Measure, policy: Policy, containers: int) -> None:
    measure(
        "decision",
        f"{containers} containers, {policy}",
        "decision",
        deciding(policy, containers),
        against={"with 10 containers": deciding(policy, FEW)},
        per=TIMES,
        containers=containers,
    )
