"""How a rollout is to go: what an operator decides before it starts."""

import math
from dataclasses import dataclass
from typing import Final

from .candidate import is_label_field
from .waves import Wave, require_waves

MAX_STRATA_KEYS: Final = 4
_RANGES: Final = {
    "halt_per_cent": range(1, 101),
    "halt_minimum": range(1, 1_000_001),
    "success_per_cent": range(1, 101),
    "attempts": range(1, 11),
    "priority": range(101),
    "most_at_once": range(1, 1_000_001),
}


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """A plan.

    Attributes:
        waves: the steps; their shares rise to 100 per cent.
        strata_keys: each wave has its share of every combination of these: ``kind``, ``group``, or
            ``label.`` and a key; at most 4.
        halt_per_cent: it halts when so many of the devices told in a wave have failed, 1 to 100.
        halt_minimum: fewer failures do not halt it by ``halt_per_cent``.
        success_per_cent: so much of a wave has to be done before the next begins, 1 to 100.
        deadline_s: Unix time when it expires; None for never.
        attempts: how often a device can be told, 1 to 10.
        priority: of two rollouts for a device, the one with the greater priority counts; 0 to 100.
        most_at_once: so many devices can have been told and not have answered.

    Raises:
        ValueError: something is out of range.
    """

    waves: tuple[Wave, ...]
    strata_keys: tuple[str, ...] = ("kind",)
    halt_per_cent: int = 10
    halt_minimum: int = 2
    success_per_cent: int = 90
    deadline_s: float | None = None
    attempts: int = 1
    priority: int = 0
    most_at_once: int = 100

    def __post_init__(self) -> None:
        require_waves(self.waves)
        _require_strata_keys(self.strata_keys)
        for name, allowed in _RANGES.items():
            value = getattr(self, name)
            if type(value) is not int or value not in allowed:
                raise ValueError(f"{name} is {allowed[0]} to {allowed[-1]}, not {value!a}")
        if self.deadline_s is not None and not math.isfinite(self.deadline_s):
            raise ValueError(f"deadline_s is a Unix time or None, not {self.deadline_s!a}")


def _require_strata_keys(strata_keys: tuple[str, ...]) -> None:
    for key in strata_keys:
        if key not in ("kind", "group") and not is_label_field(key):
            raise ValueError(f"strata_keys has {key!a}; write kind, group, or label. and a key")
    if len(strata_keys) > MAX_STRATA_KEYS or len(set(strata_keys)) != len(strata_keys):
        raise ValueError(f"strata_keys has at most {MAX_STRATA_KEYS} keys, each of them once")
