"""Thresholds say in devices where `decide` goes on and halts."""

from hypothesis import assume, given
from hypothesis import strategies as st

from tinycontainer.tools.rollouts import (
    RolloutAction,
    RolloutPlan,
    RolloutState,
    Thresholds,
    Wave,
    WaveCounts,
    decide,
    find_thresholds,
)

PLANS = st.builds(
    RolloutPlan,
    st.just((Wave(20), Wave(100))),
    halt_per_cent=st.integers(1, 100),
    halt_minimum=st.integers(1, 20),
    success_per_cent=st.integers(1, 100),
)
COUNTS = st.builds(
    WaveCounts, *[st.integers(0, 40)] * 4, others=st.integers(0, 5), forgiven=st.just(0)
)


def action_of(plan: RolloutPlan, counts: WaveCounts) -> RolloutAction:
    """What a rollout does that runs."""
    return decide(plan, RolloutState.RUNNING, 0, counts, 0.0).action


@given(PLANS, COUNTS)
def test_a_rollout_halts_exactly_if_it_has_so_many_failures(
    plan: RolloutPlan, counts: WaveCounts
) -> None:
    assume(counts.judged > 0)
    halts = action_of(plan, counts) is RolloutAction.HALT
    assert halts == (counts.judged_failures >= find_thresholds(plan, counts).failures)


@given(PLANS, COUNTS)
def test_the_next_wave_begins_exactly_if_so_many_are_done(
    plan: RolloutPlan, counts: WaveCounts
) -> None:
    action = action_of(plan, counts)
    assume(action is not RolloutAction.HALT)
    begins = action is RolloutAction.BEGIN_WAVE
    assert begins == (counts.done >= find_thresholds(plan, counts).done)


@given(PLANS, COUNTS)
def test_an_answer_moves_no_threshold(plan: RolloutPlan, counts: WaveCounts) -> None:
    assume(counts.told > 0)
    waiting, told, done, failed = counts.waiting, counts.told - 1, counts.done, counts.failed
    for after in (
        WaveCounts(waiting, told, done + 1, failed, counts.others),
        WaveCounts(waiting, told, done, failed + 1, counts.others),
    ):
        assert find_thresholds(plan, after) == find_thresholds(plan, counts)


def test_forgiven_failures_are_not_counted() -> None:
    plan = RolloutPlan((Wave(100),))
    assert find_thresholds(plan, WaveCounts(0, 2, 6, 2, forgiven=2)) == Thresholds(8, 1)
    assert find_thresholds(plan, WaveCounts(0, 2, 98, 0)) == Thresholds(90, 10)
