"""Whole rollouts, driven by decisions only, over devices that answer as they like."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tinycontainer.tools.rollouts import (
    Candidate,
    Decision,
    DeviceProgress,
    ProgressEvent,
    RolloutAction,
    RolloutEvent,
    RolloutPlan,
    RolloutState,
    Wave,
    WaveCounts,
    assign_waves,
    decide,
)

RUNNING = RolloutState.RUNNING
PLANS = st.builds(
    RolloutPlan,
    waves=st.sets(st.integers(1, 99), max_size=4).map(
        lambda shares: tuple(Wave(each) for each in [*sorted(shares), 100])
    ),
    halt_per_cent=st.integers(1, 100),
    halt_minimum=st.integers(1, 5),
    success_per_cent=st.integers(1, 100),
    deadline_s=st.none() | st.floats(0, 300),
    attempts=st.integers(1, 3),
    most_at_once=st.integers(1, 20),
)


@dataclass
class Fleet:
    """Devices of one rollout, driven by `decide` only; it notes what it does."""

    plan: RolloutPlan
    size: int
    state: RolloutState = RUNNING
    wave: int = 0
    now_s: float = 0.0
    reason: str = ""
    forgiven: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        devices = [Candidate(f"d{each}", "box", "", {}, None) for each in range(self.size)]
        self.waves = assign_waves(devices, self.plan.waves, self.plan.strata_keys, "salt")
        self.progress = dict.fromkeys(self.waves, DeviceProgress.WAITING)
        self.attempts: Counter[str] = Counter()

    def those(self, progress: DeviceProgress, *, earlier: bool = False) -> list[str]:
        return [
            name
            for name, wave in self.waves.items()
            if self.progress[name] is progress
            and (wave < self.wave if earlier else wave == self.wave)
        ]

    def counts(self) -> WaveCounts:
        failed = self.those(DeviceProgress.FAILED)
        return WaveCounts(
            waiting=len(self.those(DeviceProgress.WAITING)),
            told=len(self.those(DeviceProgress.TOLD)),
            done=len(self.those(DeviceProgress.DONE)),
            failed=len(failed),
            others=len(self.those(DeviceProgress.SKIPPED)),
            forgiven=len(self.forgiven.intersection(failed)),
            earlier_waiting=len(self.those(DeviceProgress.WAITING, earlier=True)),
            earlier_told=len(self.those(DeviceProgress.TOLD, earlier=True)),
        )

    def step(self) -> Decision:
        """Do what is decided."""
        decision = decide(self.plan, self.state, self.wave, self.counts(), self.now_s)
        self.reason = decision.reason
        if event := decision.action.event:
            self.state = self.state.after(event)
        if decision.action is RolloutAction.BEGIN_WAVE:
            self.wave += 1
        waiting = self.those(DeviceProgress.WAITING, earlier=True)
        waiting += self.those(DeviceProgress.WAITING)
        assert decision.most_devices <= len(waiting)
        for name in waiting[: decision.most_devices]:
            self.happen(name, ProgressEvent.TELL)
            self.attempts[name] += 1
        return decision

    def happen(self, name: str, event: ProgressEvent) -> None:
        left = self.plan.attempts - self.attempts[name]
        self.progress[name] = self.progress[name].after(event, left)

    def told(self) -> list[str]:
        return [name for name, each in self.progress.items() if each is DeviceProgress.TOLD]

    def resume(self) -> None:
        """An operator has looked at the failures, and lets it go on."""
        self.forgiven.update(
            name for name, each in self.progress.items() if each is DeviceProgress.FAILED
        )
        self.state = self.state.after(RolloutEvent.RESUME)


def answer_at_random(fleet: Fleet, random: Random, failure_rate: float) -> None:
    """Some told devices answer; some of those that have failed are tried again."""
    for name in fleet.told():
        if random.random() < 0.5:
            continue
        fails = random.random() < failure_rate
        fleet.happen(name, ProgressEvent.FAIL if fails else ProgressEvent.SUCCEED)
        if fails and fleet.attempts[name] < fleet.plan.attempts and random.random() < 0.5:
            fleet.happen(name, ProgressEvent.RETRY)


def assert_the_last_wave_has_succeeded(fleet: Fleet) -> None:
    """Of the wave that has just been current; called when the next one begins."""
    members = [name for name, wave in fleet.waves.items() if wave == fleet.wave - 1]
    judged = [name for name in members if name not in fleet.forgiven]
    done = [name for name in judged if fleet.progress[name] is DeviceProgress.DONE]
    assert len(done) * 100 >= fleet.plan.success_per_cent * len(judged)


def operate(fleet: Fleet, random: Random) -> None:
    """An operator pauses, resumes or cancels it now and then."""
    drawn = random.random()
    if fleet.state is not RUNNING and drawn < 0.3:
        fleet.resume()
    elif drawn > 0.995:
        fleet.state = fleet.state.after(RolloutEvent.CANCEL)
    elif fleet.state is RUNNING and drawn > 0.95:
        fleet.state = fleet.state.after(RolloutEvent.PAUSE)


@settings(max_examples=150)
@given(PLANS, st.integers(0, 80), st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]), st.integers(0, 99))
def test_a_rollout_always_ends_and_keeps_its_plan(
    plan: RolloutPlan, size: int, failure_rate: float, seed: int
) -> None:
    fleet, random = Fleet(plan, size), Random(seed)
    for _ in range(5000):
        was_running, told_before = fleet.state is RUNNING, fleet.attempts.total()
        decision = fleet.step()
        assert len(fleet.told()) <= plan.most_at_once
        assert all(fleet.waves[name] <= fleet.wave for name in fleet.attempts)
        if not was_running or decision.action is not RolloutAction.TELL:
            assert fleet.attempts.total() == told_before
        if decision.action is RolloutAction.BEGIN_WAVE:
            assert_the_last_wave_has_succeeded(fleet)
        if fleet.state.has_ended:
            break
        operate(fleet, random)
        answer_at_random(fleet, random, failure_rate)
        fleet.now_s += 1
    assert fleet.state.has_ended
    assert fleet.step() == Decision(RolloutAction.NOTHING)
    if fleet.state is RolloutState.DONE:
        assert fleet.attempts.keys() == fleet.waves.keys()
        assert not fleet.told()


@given(PLANS, st.integers(0, 80), st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]), st.integers(0, 99))
def test_a_rollout_without_an_operator_stops_by_itself(
    plan: RolloutPlan, size: int, failure_rate: float, seed: int
) -> None:
    fleet, random = Fleet(plan, size), Random(seed)
    for _ in range(5000):
        fleet.step()
        if fleet.state is not RUNNING:
            break
        answer_at_random(fleet, random, failure_rate)
        fleet.now_s += 1
    assert fleet.state in (RolloutState.DONE, RolloutState.EXPIRED, RolloutState.HALTED)


def test_a_rollout_over_12_devices_of_which_2_fail_halts_and_leaves_the_rest_alone() -> None:
    fleet = Fleet(RolloutPlan((Wave(100),), halt_per_cent=10, halt_minimum=2, most_at_once=3), 12)
    assert fleet.step() == Decision(RolloutAction.TELL, 3)
    one, two, three = fleet.told()
    fleet.happen(one, ProgressEvent.FAIL)
    assert fleet.step() == Decision(RolloutAction.TELL, 1)
    fleet.happen(two, ProgressEvent.FAIL)
    assert fleet.step().action is RolloutAction.HALT
    assert fleet.reason == (
        "2 of 4 told devices of the wave have failed, and 10 per cent are enough to halt"
    )
    fleet.happen(three, ProgressEvent.SUCCEED)
    assert fleet.step() == Decision(RolloutAction.NOTHING)
    assert len(fleet.those(DeviceProgress.WAITING)) == 8


def test_a_rollout_that_is_resumed_is_not_halted_by_the_same_failures() -> None:
    fleet = Fleet(RolloutPlan((Wave(100),), most_at_once=4), 12)
    fleet.step()
    for name in fleet.told()[:2]:
        fleet.happen(name, ProgressEvent.FAIL)
    assert fleet.step().action is RolloutAction.HALT
    fleet.resume()
    assert fleet.step() == Decision(RolloutAction.TELL, 2)
    while fleet.state is RUNNING:
        for name in fleet.told():
            fleet.happen(name, ProgressEvent.SUCCEED)
        fleet.step()
    assert fleet.state is RolloutState.DONE
