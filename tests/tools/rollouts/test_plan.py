"""Plans: what cannot be kept is refused before a rollout starts."""

from typing import Any

import pytest

from tinycontainer.tools.rollouts import RolloutPlan, Wave

WAVES = (Wave(20), Wave(100))


@pytest.mark.parametrize(
    "change",
    [
        {"waves": ()},
        {"waves": (Wave(50),)},
        {"strata_keys": ("name",)},
        {"strata_keys": ("site",)},
        {"strata_keys": ("kind", "kind")},
        {"strata_keys": tuple(f"label.{each}" for each in "abcde")},
        {"halt_per_cent": 0},
        {"halt_per_cent": 101},
        {"halt_minimum": 0},
        {"success_per_cent": 0},
        {"success_per_cent": 50.5},
        {"attempts": 11},
        {"priority": -1},
        {"priority": True},
        {"most_at_once": 0},
        {"deadline_s": float("nan")},
        {"deadline_s": float("inf")},
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused_by_the_name_of_its_field(
    change: dict[str, Any],
) -> None:
    (name,) = change
    with pytest.raises(ValueError, match="wave" if name == "waves" else f"^{name} "):
        RolloutPlan(**{"waves": WAVES, **change})


BOUNDS = {
    "halt_per_cent": (1, 100),
    "halt_minimum": (1, 1_000_000),
    "success_per_cent": (1, 100),
    "attempts": (1, 10),
    "priority": (0, 100),
    "most_at_once": (1, 1_000_000),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_number_of_a_plan_is_within_its_bounds(name: str) -> None:
    lowest, highest = BOUNDS[name]
    for allowed in BOUNDS[name]:
        changes: dict[str, Any] = {name: allowed}
        assert getattr(RolloutPlan(WAVES, **changes), name) == allowed
    for refused in (lowest - 1, highest + 1):
        changes = {name: refused}
        with pytest.raises(ValueError, match=f"^{name} is {lowest} to {highest}, not {refused}$"):
            RolloutPlan(WAVES, **changes)


def test_a_plan_can_have_four_keys_of_strata_or_none() -> None:
    four = ("kind", "group", "label.site", "label.owner")
    assert RolloutPlan(WAVES, strata_keys=four).strata_keys == four
    assert RolloutPlan(WAVES, strata_keys=()).strata_keys == ()


def test_a_plan_that_says_nothing_else_is_a_careful_one() -> None:
    assert RolloutPlan(WAVES) == RolloutPlan(
        waves=WAVES,
        strata_keys=("kind",),
        halt_per_cent=10,
        halt_minimum=2,
        success_per_cent=90,
        deadline_s=None,
        attempts=1,
        priority=0,
        most_at_once=100,
    )
