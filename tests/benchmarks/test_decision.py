"""How does the cost of a decision grow with the number of containers?"""

import random

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tinycontainer.scheduler import Scheduler, Turn

pytestmark = pytest.mark.benchmark(group="decision")


@pytest.mark.parametrize("containers", [8, 64, 1024])
def test_decide_run_and_sleep(benchmark: BenchmarkFixture, containers: int) -> None:
    chance = random.Random(1)
    scheduler = Scheduler()
    for slot in range(containers):
        scheduler.add(slot, chance.randrange(16), 0)
    now = [0]

    def decide() -> None:
        decision = scheduler.decide(now[0], None)
        if isinstance(decision, Turn):
            now[0] += 1_000
            scheduler.wake_at(decision.slot, now[0] + chance.randrange(1, 1_000_000))
        elif decision.until_ns is not None:
            now[0] = decision.until_ns

    benchmark(decide)
    assert scheduler.entries <= 4 * containers + 200
