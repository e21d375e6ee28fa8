"""Where a wave goes on and where it halts, as counts of devices: what `decide` compares."""

from dataclasses import dataclass

from .decision import WaveCounts
from .plan import RolloutPlan


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a wave waits for, as long as no further device of it is told.

    Attributes:
        done: with so many devices done, the next wave begins.
        failures: with so many failures that nobody has forgiven, the rollout halts; at least 1.
    """

    done: int
    failures: int


def find_thresholds(plan: RolloutPlan, counts: WaveCounts) -> Thresholds:
    """The thresholds of a wave by its devices as they are now.

    Args:
        plan: of the rollout.
        counts: of the wave.
    """
    done = _rounded_up(plan.success_per_cent * counts.judged)
    enough = max(plan.halt_minimum, _rounded_up(plan.halt_per_cent * counts.judged_told))
    too_many_to_succeed = counts.judged - done + 1
    return Thresholds(done, min(enough, too_many_to_succeed))


def _rounded_up(hundredths: int) -> int:
    return -(-hundredths // 100)
