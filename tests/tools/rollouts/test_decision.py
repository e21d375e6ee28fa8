"""What a rollout does next, decided from counts."""

import pytest

from tinycontainer.tools.rollouts import (
    Decision,
    RolloutAction,
    RolloutEvent,
    RolloutPlan,
    RolloutState,
    Wave,
    WaveCounts,
    decide,
)

RUNNING = RolloutState.RUNNING
TWO_WAVES = (Wave(20), Wave(100))


@pytest.mark.parametrize("state", [each for each in RolloutState if each is not RUNNING])
def test_a_rollout_that_does_not_run_tells_nobody(state: RolloutState) -> None:
    plan = RolloutPlan(TWO_WAVES)
    assert decide(plan, state, 0, WaveCounts(5, 0, 0, 0), 0) == Decision(RolloutAction.NOTHING)
    assert decide(plan, state, 1, WaveCounts(0, 0, 5, 5), 0) == Decision(RolloutAction.NOTHING)


@pytest.mark.parametrize("state", RolloutState)
def test_a_rollout_expires_at_its_deadline_if_it_is_open(state: RolloutState) -> None:
    plan = RolloutPlan(TWO_WAVES, deadline_s=100)
    counts = WaveCounts(5, 0, 0, 0)
    assert decide(plan, state, 0, counts, 99).action is not RolloutAction.EXPIRE
    expires = decide(plan, state, 0, counts, 100).action is RolloutAction.EXPIRE
    assert expires is state.is_open
    if expires:
        assert state.after(RolloutEvent.EXPIRE) is RolloutState.EXPIRED


def test_a_rollout_that_is_complete_ends_well_after_its_deadline_too() -> None:
    plan = RolloutPlan(TWO_WAVES, deadline_s=100)
    assert decide(plan, RUNNING, 1, WaveCounts(0, 0, 8, 0), 101) == Decision(RolloutAction.END)
    assert decide(plan, RUNNING, 0, WaveCounts(0, 0, 2, 0), 101) == Decision(RolloutAction.EXPIRE)


@pytest.mark.parametrize(
    ("counts", "decision"),
    [
        (WaveCounts(100, 0, 0, 0), Decision(RolloutAction.TELL, 30)),
        (WaveCounts(70, 30, 0, 0), Decision(RolloutAction.NOTHING)),
        (WaveCounts(70, 20, 10, 0), Decision(RolloutAction.TELL, 10)),
        (WaveCounts(70, 10, 10, 0, earlier_told=15), Decision(RolloutAction.TELL, 5)),
        (WaveCounts(70, 10, 10, 0, earlier_told=35), Decision(RolloutAction.NOTHING)),
        (WaveCounts(3, 10, 60, 0), Decision(RolloutAction.TELL, 3)),
        (WaveCounts(3, 10, 60, 0, earlier_waiting=4), Decision(RolloutAction.TELL, 7)),
        (WaveCounts(5, 6, 89, 0), Decision(RolloutAction.TELL, 5)),
        (WaveCounts(5, 5, 90, 0), Decision(RolloutAction.BEGIN_WAVE)),
        (WaveCounts(0, 0, 0, 0), Decision(RolloutAction.BEGIN_WAVE)),
        (WaveCounts(0, 0, 9, 0, others=91), Decision(RolloutAction.BEGIN_WAVE)),
        (WaveCounts(70, 9, 0, 1), Decision(RolloutAction.TELL, 21)),
        (WaveCounts(70, 9, 9, 2), Decision(RolloutAction.TELL, 21)),
        (WaveCounts(0, 0, 95, 5, forgiven=5), Decision(RolloutAction.BEGIN_WAVE)),
    ],
)
def test_a_wave_that_is_not_the_last_is_told_until_it_has_its_success(
    counts: WaveCounts, decision: Decision
) -> None:
    plan = RolloutPlan(TWO_WAVES, halt_per_cent=11, most_at_once=30)
    assert decide(plan, RUNNING, 0, counts, 0) == decision


@pytest.mark.parametrize(
    ("counts", "decision"),
    [
        (WaveCounts(5, 5, 90, 0), Decision(RolloutAction.TELL, 5)),
        (WaveCounts(0, 1, 99, 0), Decision(RolloutAction.NOTHING)),
        (WaveCounts(0, 0, 99, 1), Decision(RolloutAction.END)),
        (WaveCounts(0, 0, 100, 0, earlier_told=1), Decision(RolloutAction.NOTHING)),
        (WaveCounts(0, 0, 100, 0, earlier_waiting=1), Decision(RolloutAction.TELL, 1)),
        (WaveCounts(0, 0, 0, 0), Decision(RolloutAction.END)),
    ],
)
def test_the_last_wave_ends_when_no_device_of_any_wave_is_open(
    counts: WaveCounts, decision: Decision
) -> None:
    plan = RolloutPlan(TWO_WAVES, most_at_once=30)
    assert decide(plan, RUNNING, 1, counts, 0) == decision


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (WaveCounts(80, 10, 8, 2), "2 of 20 told devices of the wave have failed, and 10 per"),
        (WaveCounts(0, 0, 0, 1), "1 of 1 devices of the wave have failed, so 90 per cent of it"),
        (WaveCounts(0, 0, 90, 10), "10 of 100 told devices of the wave have failed"),
        (WaveCounts(80, 10, 8, 5, forgiven=3), "2 of 20 told devices of the wave have failed"),
    ],
)
def test_a_wave_with_too_many_failures_halts_the_rollout(counts: WaveCounts, reason: str) -> None:
    for wave_number in (0, 1):
        decision = decide(RolloutPlan(TWO_WAVES), RUNNING, wave_number, counts, 0)
        assert decision.action is RolloutAction.HALT
        assert decision.reason.startswith(reason)


@pytest.mark.parametrize("wave_number", [-1, 2])
def test_a_wave_that_the_plan_has_not_is_refused(wave_number: int) -> None:
    with pytest.raises(ValueError, match=f"2 waves, from 0; {wave_number} is none"):
        decide(RolloutPlan(TWO_WAVES), RUNNING, wave_number, WaveCounts(1, 0, 0, 0), 0)


@pytest.mark.parametrize("changes", [{"waiting": -1}, {"earlier_told": -1}, {"forgiven": 1}])
def test_counts_that_no_fleet_has_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no such counts"):
        WaveCounts(**{"waiting": 0, "told": 0, "done": 0, "failed": 0, **changes})
