"""What holds when tokens expire, in every world of containers, whatever they do meanwhile."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.random_worlds import EPOCH_S, Plan, Run, Unit, expiring_plans

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.interfaces.clock import NS_PER_S
from tinycontainer.trace.events import HookBegan, RightExpired, Transitioned
from tinycontainer_tokens import Kind

counts = pytest.mark.parametrize(
    "examples",
    [pytest.param(25, id="some"), pytest.param(400, id="many", marks=pytest.mark.long)],
)


def expiry_ns(plan: Plan, number: int) -> int:
    return plan.tenants[number].expires_after_s * NS_PER_S


@counts
@pytest.mark.clause("TC-TOK-28")
def test_no_unit_is_begun_with_a_mask_that_has_expired(examples: int) -> None:
    @settings(max_examples=examples)
    @given(expiring_plans())
    def holds(plan: Plan) -> None:
        for unit in Run(plan).until(plan.run_ms).units:
            expires = plan.tenants[unit.number].expires is Kind.MASK
            has_expired = expires and unit.at_ns >= expiry_ns(plan, unit.number)
            assert unit.may_beat == (not has_expired)

    holds()


@counts
@pytest.mark.clause("TC-SCHED-04")
def test_no_turn_lies_past_an_expiry_by_more_than_a_unit(examples: int) -> None:
    @settings(max_examples=examples)
    @given(expiring_plans())
    def holds(plan: Plan) -> None:
        run = Run(plan).until(plan.run_ms)
        longest = max(tenant.longest_unit for tenant in plan.tenants)
        for event in run.world.of(RightExpired):
            late_ns = event.at_ns - (event.expired_s - EPOCH_S) * NS_PER_S
            assert 0 <= late_ns < longest * plan.instruction_ns

    holds()


@counts
@pytest.mark.clause("TC-TOK-30")
def test_nothing_expires_in_silence(examples: int) -> None:
    @settings(max_examples=examples)
    @given(expiring_plans())
    def holds(plan: Plan) -> None:
        run = Run(plan).until(plan.run_ms)
        for number, tenant in enumerate(plan.tenants):
            uid = str(number)
            ends_ns = [
                event.at_ns
                for event in run.world.of(Transitioned, uid)
                if event.before == "running" and event.after == "stopping"
            ]
            expired = run.world.of(RightExpired, uid)
            if tenant.expires is None or expiry_ns(plan, number) > run.world.device.now_ns:
                assert not expired
            elif not ends_ns or ends_ns[0] > expiry_ns(plan, number):
                assert [event.token for event in expired] == [tenant.expires.name.lower()]
            if expired and tenant.expires in (Kind.CODE, Kind.METADATA):
                assert len(ends_ns) == 1
                if ends_ns == [expired[0].at_ns]:
                    assert run.world.exit_of(uid).reason is ExitReason.EXPIRED
                begun = [e for e in run.world.of(HookBegan, uid) if e.at_ns > expired[0].at_ns]
                assert {event.hook for event in begun} <= {"stop"}

    holds()


@counts
@pytest.mark.clause("TC-SCHED-07")
def test_a_run_cut_in_two_anywhere_gives_the_same_trace(examples: int) -> None:
    @settings(max_examples=examples)
    @given(expiring_plans(), st.integers(0, 3000))
    def holds(plan: Plan, cut_ms: int) -> None:
        assume(cut_ms < plan.run_ms)
        cut = Run(plan).until(cut_ms, plan.run_ms)
        whole = Run(plan).until(plan.run_ms)
        assert cut.record == whole.record
        assert cut.totals == whole.totals

    holds()


@counts
@pytest.mark.clause("TC-SCHED-05")
def test_expiries_leave_few_entries_in_the_queues(examples: int) -> None:
    @settings(max_examples=max(10, examples // 5))
    @given(expiring_plans())
    def holds(plan: Plan) -> None:
        run = Run(plan).until(plan.run_ms)
        begun = [item for item in run.record if isinstance(item, Unit)]
        assert begun
        scheduler = run.world.device._executor._scheduler
        assert scheduler.entries <= 8 * len(plan.tenants) + 32

    holds()
