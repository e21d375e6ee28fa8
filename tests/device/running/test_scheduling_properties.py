"""What holds in every world of containers, whatever they are, want and do."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from support.random_worlds import CALL_INSTRUCTIONS, Judge, Plan, Run, Unit, plans

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.trace.events import Dispatched, HookBegan, HookEnded

counts = pytest.mark.parametrize(
    "examples",
    [pytest.param(25, id="some"), pytest.param(400, id="many", marks=pytest.mark.long)],
)


def same(one: Run, two: Run) -> None:
    """The records and totals are equal; compared item by item, as they are long."""
    for left, right in zip(one.record, two.record, strict=False):
        assert left == right
    assert len(one.record) == len(two.record)
    assert one.totals == two.totals


@counts
@pytest.mark.clause("TC-SCHED-01")
def test_a_lower_rank_begins_nothing_while_a_higher_one_is_due(examples: int) -> None:
    @settings(max_examples=examples)
    @given(plans())
    def holds(plan: Plan) -> None:
        def on_served(number: int, at_ns: int, judge: Judge) -> None:
            better = [n for n in range(len(plan.tenants)) if plan.rank(n) < plan.rank(number)]
            assert not [n for n in better if judge.is_ready(n, at_ns)]

        judge = Judge(plan, on_served)
        judge.watch(Run(plan).until(plan.run_ms).record)
        assert judge.served

    holds()


@counts
@pytest.mark.clause("TC-SCHED-03")
def test_a_due_container_waits_one_slice_and_one_unit_per_equal_at_most(examples: int) -> None:
    @settings(max_examples=examples)
    @given(plans())
    def holds(plan: Plan) -> None:
        def on_served(number: int, at_ns: int, judge: Judge) -> None:
            for other, waited_ns in judge.waited_for(number).items():
                if plan.rank(other) == plan.rank(number):
                    longest_ns = plan.tenants[other].longest_unit * plan.instruction_ns
                    assert waited_ns <= plan.slice_ns + longest_ns

        Judge(plan, on_served).watch(Run(plan).until(plan.run_ms).record)

    holds()


@counts
def test_equals_that_never_end_share_the_processor_to_within_a_slice_and_a_unit(
    examples: int,
) -> None:
    @settings(max_examples=examples)
    @given(plans())
    def holds(plan: Plan) -> None:
        equals = tuple(
            replace(tenant, priority=7, period_ms=0, is_endless=True) for tenant in plan.tenants
        )
        run = Run(replace(plan, tenants=equals)).until(plan.run_ms)
        shares_ns = [view.statistics.execution_ns for view in run.world.device]
        longest_ns = max(tenant.longest_unit for tenant in equals) * plan.instruction_ns
        start_ns = max(CALL_INSTRUCTIONS + sum(t.start) for t in equals) * plan.instruction_ns
        rounds = max(shares_ns) // plan.slice_ns + 2
        assert max(shares_ns) - min(shares_ns) <= plan.slice_ns + rounds * longest_ns + start_ns

    holds()


@counts
def test_a_change_of_container_is_told_and_nothing_else(examples: int) -> None:
    @settings(max_examples=examples)
    @given(plans())
    def holds(plan: Plan) -> None:
        dispatched: bytes | None = None
        for item in Run(plan).until(plan.run_ms).record:
            if isinstance(item, Dispatched):
                assert item.uid != dispatched
                assert item.late_ns >= 0
                assert item.rank == plan.rank(int(item.uid))
                dispatched = item.uid
            elif isinstance(item, Unit):
                assert str(item.number).encode() == dispatched

    holds()


@counts
@pytest.mark.clause("TC-SCHED-06")
def test_virtual_time_advances_with_every_unit(examples: int) -> None:
    @settings(max_examples=examples)
    @given(plans())
    def holds(plan: Plan) -> None:
        run = Run(plan).until(plan.run_ms)
        begun_ns = [unit.at_ns for unit in run.units]
        assert all(a < b for a, b in pairwise(begun_ns))
        told_ns = [event.at_ns for event in run.world.events]
        assert told_ns == sorted(told_ns)
        assert run.world.device.now_ns >= plan.run_ms * NS_PER_MS

    holds()


@counts
@pytest.mark.clause("TC-SCHED-11")
def test_idle_time_and_used_instructions_are_exactly_the_clock(examples: int) -> None:
    @settings(max_examples=examples)
    @given(plans())
    def holds(plan: Plan) -> None:
        run = Run(plan).until(plan.run_ms)
        used = sum(unit.instructions for unit in run.units)
        used += CALL_INSTRUCTIONS * len(run.world.of(HookBegan))
        now_ns = run.world.device.now_ns
        assert run.clock.slept_ns + used * plan.instruction_ns == now_ns
        executed_ns = sum(view.statistics.execution_ns for view in run.world.device)
        assert executed_ns == used * plan.instruction_ns

    holds()


@counts
def test_a_run_ends_within_one_unit_of_its_end(examples: int) -> None:
    @settings(max_examples=examples)
    @given(plans())
    def holds(plan: Plan) -> None:
        run = Run(plan).until(plan.run_ms)
        longest = max(tenant.longest_unit for tenant in plan.tenants)
        beyond_ns = run.world.device.now_ns - plan.run_ms * NS_PER_MS
        assert 0 <= beyond_ns <= longest * plan.instruction_ns

    holds()


@counts
@pytest.mark.clause("TC-SCHED-07")
def test_the_same_world_gives_the_same_trace(examples: int) -> None:
    @settings(max_examples=examples)
    @given(plans())
    def holds(plan: Plan) -> None:
        one, two = (Run(plan).until(plan.run_ms) for _ in range(2))
        same(one, two)

    holds()


@counts
@pytest.mark.clause("TC-SCHED-07")
def test_a_run_cut_in_two_anywhere_gives_the_same_trace(examples: int) -> None:
    @settings(max_examples=examples)
    @given(plans(), st.integers(0, 60))
    def holds(plan: Plan, cut_ms: int) -> None:
        assume(cut_ms < plan.run_ms)
        whole = Run(plan).until(plan.run_ms)
        cut = Run(plan).until(cut_ms, plan.run_ms)
        same(cut, whole)

    holds()


@counts
def test_a_run_cut_at_every_millisecond_gives_the_same_trace(examples: int) -> None:
    @settings(max_examples=max(10, examples // 5))
    @given(plans())
    def holds(plan: Plan) -> None:
        whole = Run(plan).until(plan.run_ms)
        cut = Run(plan).until(*range(plan.run_ms), plan.run_ms)
        same(cut, whole)

    holds()


@counts
def test_listening_changes_nothing(examples: int) -> None:
    @settings(max_examples=examples)
    @given(plans())
    def holds(plan: Plan) -> None:
        heard = Run(plan).until(plan.run_ms)
        silent = Run(plan, silent=True).until(plan.run_ms)
        assert silent.totals == heard.totals
        assert silent.units == heard.units

    holds()


NO_SHRINKING = settings(phases=[Phase.explicit, Phase.generate])


@counts
@pytest.mark.clause("TC-SCHED-13")
def test_a_hook_overruns_its_duration_by_one_unit_at_most(examples: int) -> None:
    @settings(NO_SHRINKING, max_examples=2 * examples)
    @given(plans(limited=True))
    def holds(plan: Plan) -> None:
        for event in Run(plan).until(plan.run_ms).world.of(HookEnded):
            tenant = plan.tenants[int(event.uid)]
            longest_ns = tenant.longest_unit * plan.instruction_ns
            if event.hook == "loop":
                limit_ns = tenant.loop_max_ms * NS_PER_MS
                assert event.used_ns <= limit_ns + longest_ns
                assert (event.how == "overrun") == (event.used_ns > limit_ns)

    holds()


@counts
def test_a_run_with_limits_cut_in_two_anywhere_gives_the_same_trace(examples: int) -> None:
    @settings(NO_SHRINKING, max_examples=4 * examples)
    @given(plans(limited=True), st.integers(0, 60))
    def holds(plan: Plan, cut_ms: int) -> None:
        assume(cut_ms < plan.run_ms)
        same(Run(plan).until(cut_ms, plan.run_ms), Run(plan).until(plan.run_ms))

    holds()
