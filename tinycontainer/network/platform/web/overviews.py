"""What is said of the course of a rollout, for the API and for pages alike."""

from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import RolloutState, find_thresholds

from ..rollouts.overview import (
    CountedFailure,
    count_failures,
    list_changes,
    measure_pace,
)
from ..rollouts.progress import counts_of
from ..rollouts.terms import RolloutTerms
from ..tables.rollouts import RolloutRow
from .bodies import JsonAnswer
from .rollout_bodies import RolloutDeviceShown


class FailedDeviceShown(JsonAnswer):
    """A device that has failed, and what was said beside the reason."""

    device: str
    detail: str


class FailureShown(JsonAnswer):
    """Devices that have failed for the same reason."""

    reason: str
    devices: int
    examples: list[FailedDeviceShown]
    """Some of them."""

    @classmethod
    def of(cls, found: CountedFailure) -> "FailureShown":
        """From what was counted."""
        examples = [FailedDeviceShown(device=name, detail=said) for name, said in found.examples]
        return cls(reason=found.reason, devices=found.devices, examples=examples)


class ThresholdsShown(JsonAnswer):
    """What the current wave waits for, as long as no further device of it is told."""

    done: int
    """With so many devices done, the next wave begins."""
    failures: int
    """With so many failures that nobody has forgiven, the rollout halts."""


class PaceShown(JsonAnswer):
    """How fast a rollout goes on."""

    devices: int
    """That were done lately."""
    within_s: float
    remaining_s: float | None
    """How long the others take if it goes on so; null if that cannot be said."""


class OverviewShown(JsonAnswer):
    """The course of a rollout."""

    failures: list[FailureShown]
    """The most frequent reasons first."""
    changes: list[RolloutDeviceShown]
    """The last devices that it has moved, the newest change first."""
    thresholds: ThresholdsShown | None
    """Null unless it is open."""
    pace: PaceShown | None
    """Null unless it runs."""

    @classmethod
    def of(cls, session: Session, row: RolloutRow, now_s: float) -> "OverviewShown":
        """From the row of a rollout, at a Unix time."""
        state = RolloutState(row.state)
        return cls(
            failures=[FailureShown.of(each) for each in count_failures(session, row)],
            changes=[RolloutDeviceShown.of(*each) for each in list_changes(session, row)],
            thresholds=_thresholds_of(row) if state.is_open else None,
            pace=_pace_of(session, row, now_s) if state is RolloutState.RUNNING else None,
        )


def _thresholds_of(row: RolloutRow) -> ThresholdsShown:
    found = find_thresholds(RolloutTerms.of(row).plan, counts_of(row))
    return ThresholdsShown(done=found.done, failures=found.failures)


def _pace_of(session: Session, row: RolloutRow, now_s: float) -> PaceShown:
    pace = measure_pace(session, row, now_s)
    left = sum(each.waiting + each.told for each in row.waves)
    return PaceShown(
        devices=pace.devices, within_s=pace.within_s, remaining_s=pace.remaining_s(left)
    )
