"""Rules on timing: each fires where it should, with its numbers, and nowhere else."""

import pytest
from support.audits import LIMITED, calls, findings, ids, message, plan, subject
from support.wasm import modules as wasm
from support.worlds import times

from tinycontainer.device.containers.limits import Cap, Caps, Policy, Scheduling
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.tools.lint import AuditSubject, Host, Severity

ROUND_ROBIN = Host("device.toml", scheduling=Scheduling(policy=Policy.ROUND_ROBIN))


def timed(
    uid: str,
    loop: int,
    period: int,
    *,
    priority: int | None = None,
    period_max_ms: int | None = None,
    lifetime: int = 0,
) -> AuditSubject:
    """A container with limited hooks."""
    security = times(start=10, period=period, loop=loop, lifetime=lifetime, stop=10)
    made = plan(uid, security=security, priority=priority, period_max_ms=period_max_ms)
    return subject(made)


def capped(**cap: float) -> Host:
    return Host("device.toml", caps=Caps(Cap(**cap)))  # type: ignore[arg-type]


def test_every_cap_that_is_exceeded_is_told() -> None:
    caps = capped(best_priority=13, loop_max_ms=5, start_max_ms=10, loop_share=0.001)
    made = subject(plan(security=LIMITED))
    assert [each.message for each in findings(made, host=caps)] == [
        "priority: metadata asks for 12, the device allows 13 or lower rank",
        "loop_max_ms: metadata asks for 10 ms, the device allows 5 ms",
        "loop share: metadata asks for 0.01, the device allows 0.001 of the time",
    ]
    assert ids(made, host=capped(best_priority=12, loop_max_ms=10, loop_share=0.01)) == []


def test_a_cap_of_its_own_stands_in_for_the_general_one() -> None:
    host = Host("device.toml", caps=Caps(Cap(loop_max_ms=1), {b"box": Cap()}))
    assert ids(subject(plan()), host=host) == []
    assert ids(subject(plan("other")), host=host) == ["TCL401"]


def test_what_a_cap_refuses_is_not_told_again_as_unlimited() -> None:
    caps = capped(start_max_ms=1, loop_max_ms=1, stop_max_ms=1)
    assert ids(subject(plan(security=times(period=100))), host=caps) == ["TCL401"] * 3


def test_a_loop_longer_than_its_period_cannot_hold() -> None:
    assert ids(timed("a", 20, 10)) == ["TCL402"]
    assert message("TCL402", timed("a", 20, 10)) == "a loop may take 20 ms; its period is 10 ms"
    assert "TCL402" not in ids(timed("a", 10, 10))


def test_more_than_all_the_time_is_an_error_with_each_priority() -> None:
    found = (
        timed("a", 30, 100, priority=1),
        timed("b", 40, 100, priority=3),
        timed("c", 40, 100, priority=3),
        timed("d", 40, 100, priority=9),
    )
    (finding,) = (each for each in findings(*found) if each.rule.id == "TCL403")
    assert finding.subject is None
    assert finding.message == (
        "priority 3 and better take 110 % of the time (priority 1: 30 %, priority 3: 80 %)"
    )
    assert "TCL403" not in ids(*found[:2])
    assert (
        message("TCL403", *found, host=ROUND_ROBIN) == "all loops together take 150 % of the time"
    )


def test_a_loop_that_takes_all_the_time_and_no_more_overloads_with_any_other() -> None:
    found = (timed("a", 10, 10, priority=1), timed("b", 10, 100, priority=3))
    assert message("TCL403", *found).startswith("priority 3 and better take 110 % of the time")
    longer = (timed("a", 11, 10, priority=1), timed("b", 10, 100, priority=3))
    assert "TCL403" not in ids(*longer)  # the one loop is at fault, and is found by itself


def test_below_an_overload_no_response_is_told() -> None:
    found = (timed("a", 60, 100, priority=1), timed("b", 60, 100, priority=2))
    assert ids(*found) == ["TCL403"]


def test_periods_that_slip_are_a_warning_with_numbers() -> None:
    found = (
        timed("a", 50, 1000, priority=4),
        timed("b", 20, 200, priority=6),
        timed("c", 10, 50, priority=13),
    )
    (finding,) = findings(*found)
    assert (finding.rule.id, finding.severity, finding.subject) == ("TCL411", Severity.WARNING, 2)
    assert finding.message == (
        "a loop of 10 ms ends up to 80.1 ms after it is due; deadline (period) 50 ms,"
        " utilisation 35 %"
    )
    assert ids(found[0], found[1]) == []


@pytest.mark.parametrize(("longest", "fires"), [(1051, False), (1050, True), (1001, True)])
def test_a_gap_beyond_period_max_is_an_error(longest: int, fires: bool) -> None:
    # It begins up to 50 ms and one unit late, so two loops begin up to 1050.1 ms apart.
    found = (
        timed("a", 50, 1000, priority=1),
        timed("b", 5, 1000, priority=2, period_max_ms=longest),
    )
    assert ids(*found) == (["TCL404"] if fires else [])
    if fires:
        assert message("TCL404", *found) == (
            "a loop of 5 ms ends up to 55.1 ms after it is due, and two loops begin up to"
            f" 1050.1 ms apart; deadline (period-max) {longest} ms, utilisation 5.5 %"
        )


def test_a_better_priority_that_takes_everything_leaves_no_bound() -> None:
    found = (timed("a", 100, 100, priority=1), timed("b", 1, 0, priority=2, period_max_ms=1000))
    assert message("TCL404", *found) == ("priorities better than 2 leave no time; 100 % are taken")


def test_the_device_files_slice_and_cost_count() -> None:
    fast = Host(
        "d", scheduling=Scheduling(slice_ns=NS_PER_MS, call_instructions=1), instruction_ns=1
    )
    found = (timed("a", 2, 1000), timed("b", 900, 2000))
    slow = Host("d", scheduling=Scheduling(slice_ns=NS_PER_MS), instruction_ns=1_000_000)
    assert ids(*found, host=fast) == []
    assert "TCL411" not in ids(*found, host=slow)
    tight = (timed("a", 4, 10, priority=1), timed("b", 5, 10, priority=2))
    assert ids(*tight, host=fast) == []
    assert set(ids(*tight, host=slow)) == {"TCL411"}


def test_a_loop_without_limit_is_told_with_those_below_it() -> None:
    found = (timed("a", 0, 100, priority=3), timed("b", 1, 100, priority=3), timed("c", 1, 100))
    assert message("TCL405", *found) == "a loop has no limit; below it: c (12)"
    alone = message("TCL405", timed("a", 0, 100, priority=14))
    assert alone == "a loop has no limit; below it: whoever has priority 15 or a higher number"


def test_a_loop_that_is_always_due_is_told_unless_it_ends() -> None:
    assert ids(timed("a", 10, 0)) == ["TCL409"]
    assert ids(timed("a", 10, 0, lifetime=1)) == []
    assert ids(timed("a", 10, 0, priority=15)) == []


def test_nobody_is_starved_by_the_lowest_priority_or_under_round_robin() -> None:
    assert ids(timed("a", 0, 100, priority=15)) == []
    assert ids(timed("a", 0, 100, priority=3), timed("b", 1, 100), host=ROUND_ROBIN) == []


def test_hooks_without_limit_are_told_if_there_are_such_hooks() -> None:
    made = plan(security=times(period=100, loop=1))
    assert ids(subject(made)) == ["TCL406", "TCL407"]
    assert ids(subject(made, wasm.loop("i32.const 0"))) == []
    assert {"TCL406", "TCL407"} <= set(ids(subject(made, b"")))
    assert message("TCL407", subject(made)).endswith("the device's grace of 1000 ms")
    assert "TCL406" not in ids(subject(plan(security=times(period=100, loop=1), priority=15)))


def test_the_best_priority_is_a_note() -> None:
    assert ids(subject(plan(priority=0))) == ["TCL408"]
    assert ids(subject(plan(priority=1), calls())) == []


def test_a_gap_shorter_than_the_period_is_an_error() -> None:
    assert ids(timed("a", 1, 100, period_max_ms=99)) == ["TCL410"]
    assert ids(timed("a", 1, 100, period_max_ms=101)) == []


def test_containers_of_one_uid_are_scheduled_once() -> None:
    one = timed("a", 60, 100)
    assert ids(one, timed("a", 60, 100)) == ["TCL607"]


def test_large_numbers_are_judged_in_time() -> None:
    most = (1 << 32) - 1
    found = [timed(f"c{n}", most // 2, most - n, priority=n) for n in range(16)]
    with wasm.within(5):
        findings(*found)
        findings(*found, host=ROUND_ROBIN)
