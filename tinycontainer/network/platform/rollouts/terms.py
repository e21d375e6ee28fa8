"""What an operator says of a rollout, and how it is stored."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tinycontainer.tools.rollouts import RolloutPlan, Wave

from ..tables.rollouts import RolloutRow

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class RolloutTerms:
    """How a rollout is to go, and what is asked of each device.

    Attributes:
        plan: waves, thresholds and the rest that decides when a device is told.
        starts: whether the container is to run afterwards.
        confirm_ms: within which a version that replaces another has to complete a loop, or the old
            one comes back; 0 for no such bound.
        answer_s: how long a device may take; after that it has failed.
        is_standing: whether it stays open when all devices are done, for those that come later.
    """

    plan: RolloutPlan
    starts: bool = True
    confirm_ms: int = 0
    answer_s: int = DAY_S
    is_standing: bool = False

    def stored(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def of(cls, row: RolloutRow) -> "RolloutTerms":
        """Those of a rollout."""
        stored: Mapping[str, Any] = row.plan
        plan = dict(stored["plan"])
        plan["waves"] = tuple(Wave(each["per_cent"]) for each in plan["waves"])
        plan["strata_keys"] = tuple(plan["strata_keys"])
        return cls(**{**stored, "plan": RolloutPlan(**plan)})


@dataclass(frozen=True, slots=True)
class NewRollout:
    """A rollout that is to be made.

    Attributes:
        uid: of the container.
        number: of the release.
        name: what people call it.
        query: which devices it is for.
        terms: how it is to go.
    """

    uid: bytes
    number: int
    name: str
    query: str
    terms: RolloutTerms = field(default_factory=lambda: RolloutTerms(RolloutPlan((Wave(100),))))
