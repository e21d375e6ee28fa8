"""Hooks and how they end: limits, faults, exits, and which of several reasons is kept."""

from dataclasses import replace
from itertools import chain, combinations

import pytest
from support.scripted import Program, Script, ScriptTrap, Steps, endless, trap, work
from support.worlds import World, blueprint, times

from tinycontainer.device.containers.container import Exit, ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.runtime import Hook, Natives
from tinycontainer.metadata import Security
from tinycontainer.trace.events import HookBegan, HookEnded, Transitioned


def ran(program: Program, security: Security | None = None, for_ms: int | None = None) -> World:
    """A world in which a container was started and has run."""
    world = World(bare=True)
    world.run(blueprint("box", security=security), program)
    world.device.run(for_ms=for_ms)
    return world


def hooks(world: World) -> list[str]:
    """How hooks ended, in order, such as "loop completed"."""
    return [f"{event.hook} {event.how}" for event in world.of(HookEnded, "box")]


def ended(world: World, hook: str) -> HookEnded:
    return [event for event in world.of(HookEnded, "box") if event.hook == hook][-1]


def stopped_by(world: World) -> list[str]:
    """The events that took the container out of RUNNING."""
    return [e.trigger for e in world.of(Transitioned, "box") if e.before == "running"]


@pytest.mark.clause("TC-LIFE-13")
def test_starting_only_queues() -> None:
    world = World(bare=True)
    world.run(blueprint("box"), Program(work(1)))
    assert world.runtime.created == []
    assert world.device.now_ns == 0
    assert world.of(HookBegan) == []


@pytest.mark.clause("TC-LIFE-03")
def test_start_runs_once_then_loops_until_one_gives_a_number_then_stop() -> None:
    given = iter([0, 0, 0, 7])

    def loop(natives: Natives) -> Steps:
        yield 10
        return next(given)

    world = ran(Program(loop, start=work(10), stop=work(10)))
    assert hooks(world) == ["start completed", *["loop completed"] * 4, "stop completed"]
    assert [(e.hook, e.number) for e in world.of(HookBegan)] == [
        ("start", 0),
        *[("loop", number) for number in (1, 2, 3, 4)],
        ("stop", 0),
    ]
    assert world.exit_of("box") == Exit(ExitReason.RETURNED, Hook.LOOP, 7)
    assert stopped_by(world) == ["exit"]
    view = world.device["box"]
    assert (view.state, view.loops, view.statistics.starts) == (State.READY, 4, 1)


@pytest.mark.parametrize("value", [1, -1, 2**31 - 1, -(2**31)])
@pytest.mark.clause("TC-LIFE-04")
def test_any_number_but_zero_ends_the_start_and_is_kept(value: int) -> None:
    world = ran(Program(work(1, returns=value)))
    assert world.exit_of("box") == Exit(ExitReason.RETURNED, Hook.LOOP, value)
    assert ended(world, "loop").result == value
    assert str(value) in str(world.exit_of("box"))


def test_what_other_hooks_give_means_nothing() -> None:
    world = ran(Program(work(1), start=work(1, returns=5)), times(lifetime=2))
    assert world.exit_of("box").reason is ExitReason.LIFETIME
    assert world.device["box"].loops == 2


@pytest.mark.clause("TC-RT-02")
def test_hooks_that_a_container_does_not_have_complete_at_once() -> None:
    world = ran(Program(work(1, returns=1)))
    assert hooks(world) == ["start completed", "loop completed", "stop completed"]
    # Entering a hook costs 100 instructions of 1 us, exported or not.
    assert [event.used_ns for event in world.of(HookEnded)] == [100_000, 101_000, 100_000]
    assert [event.instructions for event in world.of(HookEnded)] == [100, 101, 100]


@pytest.mark.parametrize("lifetime", [1, 2, 9])
@pytest.mark.clause("TC-LIFE-05")
def test_a_lifetime_is_a_number_of_loops_of_one_start(lifetime: int) -> None:
    world = ran(Program(work(1)), times(lifetime=lifetime))
    for starts in (1, 2, 3):
        view = world.device["box"]
        assert (view.loops, view.statistics.starts) == (starts * lifetime, starts)
        assert world.exit_of("box") == Exit(ExitReason.LIFETIME, Hook.LOOP)
        world.device.start("box")
        world.device.run()
    assert set(stopped_by(world)) == {"exit"}


@pytest.mark.clause("TC-META-20")
def test_without_a_lifetime_loops_go_on() -> None:
    world = ran(Program(work(1)), times(period=1), for_ms=3000)
    assert (world.device["box"].loops, world.device["box"].state) == (3000, State.RUNNING)


# Limits.


LIMITED = {
    "start": (Program(work(1), start=endless(50)), times(start=5)),
    "loop": (Program(endless(50)), times(loop=5)),
    "stop": (Program(work(1, returns=1), stop=endless(50)), times(stop=5)),
}


@pytest.mark.parametrize("hook", LIMITED)
@pytest.mark.clause("TC-LIFE-06")
def test_a_hook_that_uses_more_than_it_may_is_cut_within_one_unit(hook: str) -> None:
    world = ran(*LIMITED[hook])
    event = ended(world, hook)
    assert event.how == "overrun"
    assert 5 * NS_PER_MS < event.used_ns <= 5 * NS_PER_MS + 50_000
    assert world.device["box"].state is State.READY


@pytest.mark.parametrize(("units", "how"), [(900, "completed"), (901, "overrun")])
@pytest.mark.parametrize("hook", ["start", "loop", "stop"])
def test_a_hook_may_use_exactly_what_it_may(hook: str, units: int, how: str) -> None:
    scripts: dict[str, Script] = {"loop": work(1, returns=1), hook: work(units, returns=1)}
    program = Program(scripts["loop"], scripts.get("start"), scripts.get("stop"))
    world = ran(program, times(start=1, loop=1, stop=1))
    assert ended(world, hook).how == how
    assert ended(world, hook).used_ns == (100 + units) * 1000


@pytest.mark.clause("TC-SCHED-12")
def test_a_hook_that_completed_beyond_its_limit_has_overrun_too() -> None:
    def loop(natives: Natives) -> Steps:
        for _ in range(15):
            natives.data_size()
        return 0
        yield

    world = ran(Program(loop), times(loop=1))
    assert ended(world, "loop").how == "overrun"
    assert world.exit_of("box") == Exit(ExitReason.OVERRUN, Hook.LOOP)
    assert world.device["box"].loops == 0


@pytest.mark.parametrize("hook", ["start", "loop"])
@pytest.mark.clause("TC-META-20")
def test_zero_is_no_limit_for_start_and_loop(hook: str) -> None:
    scripts: dict[str, Script] = {"loop": work(1), hook: endless(500)}
    world = ran(Program(scripts["loop"], scripts.get("start")), for_ms=60_000)
    assert world.device["box"].state is State.RUNNING
    assert world.device["box"].statistics.execution_ns >= 60_000 * NS_PER_MS


@pytest.mark.clause("TC-SCHED-12")
def test_time_spent_waiting_is_no_execution_time() -> None:
    world = World(bare=True)
    world.run(blueprint("box", security=times(loop=3)), Program(work(*[100] * 20, returns=1)))
    world.run(blueprint("vip", priority=0, security=times(period=40)), Program(work(*[100] * 390)))
    world.device.run_until(400)
    assert world.exit_of("box").reason is ExitReason.RETURNED
    loop = ended(world, "loop")
    began = [event for event in world.of(HookBegan, "box") if event.hook == "loop"]
    assert loop.used_ns == 2_100_000
    assert loop.at_ns - began[0].at_ns > 10 * loop.used_ns


def test_limits_of_the_container_map_win() -> None:
    world = World(bare=True)
    plan = blueprint("box", security=times(loop=500, lifetime=5, period=1))
    container = replace(plan.container, exec_time_ms=2, lifetime_loops=3)
    world.run(replace(plan, container=container), Program(work(1)))
    world.device.run()
    assert world.device["box"].loops == 3
    world = World(bare=True)
    world.run(replace(plan, container=container), Program(endless(100)))
    world.device.run()
    assert ended(world, "loop").used_ns <= 2_100_000


# Faults.


@pytest.mark.clause("TC-LIFE-06")
def test_a_trap_is_a_fault_with_its_code_and_the_stop_hook_runs() -> None:
    world = ran(Program(trap(5), stop=work(5)))
    exit_ = world.exit_of("box")
    assert (exit_.reason, exit_.hook) == (ExitReason.TRAP, Hook.LOOP)
    assert exit_.detail == "scripted: on purpose"
    assert hooks(world) == ["start completed", "loop trapped", "stop completed"]
    assert stopped_by(world) == ["fault"]
    assert world.device["box"].loops == 0


@pytest.mark.parametrize("how", ["trapped", "overrun"])
@pytest.mark.clause("TC-LIFE-06")
def test_a_failing_start_hook_is_a_fault_and_the_stop_hook_runs(how: str) -> None:
    start = trap(5) if how == "trapped" else endless()
    world = ran(Program(work(1), start=start, stop=work(5)), times(start=2))
    assert hooks(world) == [f"start {how}", "stop completed"]
    assert world.exit_of("box").hook is Hook.START
    assert stopped_by(world) == ["fault"]
    assert world.device["box"].state is State.READY


@pytest.mark.clause("TC-LIFE-06")
def test_a_failing_create_is_a_fault_without_any_hook() -> None:
    world = ran(Program(work(1), start=work(1), stop=work(1), fail_create=True))
    exit_ = world.exit_of("box")
    assert (exit_.reason, exit_.detail) == (
        ExitReason.CREATION_FAILED,
        "this program cannot be created",
    )
    assert world.of(HookBegan) == []
    assert stopped_by(world) == ["fault"]
    assert (world.runtime.created, world.runtime.finalized) == ([], [])
    assert world.device["box"].state is State.READY


def test_a_hook_that_never_began_does_not_end() -> None:
    world = ran(Program(work(1), fail_create=True))
    assert world.of(HookEnded) == []


def test_a_container_that_could_not_be_created_can_be_tried_again() -> None:
    world = ran(Program(work(1, returns=4), fail_create=True))
    world.programs["box"] = Program(work(1, returns=4))
    world.device.start("box")
    world.device.run()
    assert world.exit_of("box").value == 4


@pytest.mark.clause("TC-LIFE-07")
def test_a_fault_of_the_stop_hook_does_not_change_the_reason() -> None:
    world = ran(Program(work(1, returns=3), stop=trap(5)))
    assert hooks(world)[-1] == "stop trapped"
    assert world.exit_of("box").value == 3
    moves = [(e.before, e.trigger, e.after) for e in world.of(Transitioned, "box")]
    assert moves[-3:] == [
        ("running", "exit", "stopping"),
        ("stopping", "fault", "stopping"),
        ("stopping", "finalized", "ready"),
    ]


# The order of verdicts: overrun, trap, missed heartbeat, non-zero return, lifetime.

ORDER = [
    ExitReason.OVERRUN,
    ExitReason.TRAP,
    ExitReason.MISSED_HEARTBEAT,
    ExitReason.RETURNED,
    ExitReason.LIFETIME,
]


@pytest.mark.parametrize(
    "causes",
    list(chain.from_iterable(combinations(ORDER, n) for n in range(1, 6))),
    ids="+".join,
)
@pytest.mark.clause("TC-LIFE-07", "TC-SCHED-14")
def test_of_several_reasons_the_first_in_order_is_kept(causes: tuple[ExitReason, ...]) -> None:
    def start(natives: Natives) -> Steps:
        if ExitReason.MISSED_HEARTBEAT in causes:
            natives.heartbeat()
        yield 1
        return 0

    def loop(natives: Natives) -> Steps:
        yield 1
        for _ in range(30 if ExitReason.OVERRUN in causes else 0):
            natives.data_size()
        if ExitReason.TRAP in causes:
            raise ScriptTrap
        return 5 if ExitReason.RETURNED in causes else 0

    lifetime = 1 if ExitReason.LIFETIME in causes else 0
    world = ran(Program(loop, start=start), times(loop=2, lifetime=lifetime), for_ms=10)
    assert world.exit_of("box").reason is causes[0]
    by_itself = causes[0] in (ExitReason.RETURNED, ExitReason.LIFETIME)
    assert stopped_by(world) == ["exit" if by_itself else "fault"]


# Starting again.


@pytest.mark.parametrize("loop", [work(1, returns=1), trap(1)], ids=["exit", "fault"])
def test_a_container_can_be_started_again_with_a_new_instance(loop: Script) -> None:
    world = ran(Program(loop))
    for starts in (2, 3):
        world.device.start("box")
        world.device.run()
        assert world.runtime.created == ["box"] * starts
        assert world.runtime.finalized == ["box"] * starts
        assert world.device["box"].statistics.starts == starts


def test_statistics_count_from_the_load_on() -> None:
    world = ran(Program(work(400, returns=1)))
    once = world.device["box"].statistics
    assert once.execution_ns == (100 + 500 + 100) * 1000 == world.device.now_ns
    world.device.start("box")
    world.device.run()
    twice = world.device["box"].statistics
    assert (twice.execution_ns, twice.loops) == (2 * once.execution_ns, 2)
    world.device.delete("box")
    assert world.add(blueprint("box")).statistics.execution_ns == 0


def test_the_reason_of_the_last_start_is_kept_during_the_next() -> None:
    world = ran(Program(work(1, returns=6)))
    world.programs["box"] = Program(endless())
    world.device.start("box")
    world.device.run(for_ms=50)
    assert world.exit_of("box").value == 6


def test_a_device_runs_until_nothing_is_started() -> None:
    world = World(bare=True)
    world.device.run()
    assert world.device.now_ns == 0
    for uid, lifetime in (("one", 3), ("two", 30)):
        world.run(blueprint(uid, security=times(period=10, lifetime=lifetime)), Program(work(1)))
    world.device.run()
    assert [view.state for view in world.device] == [State.READY] * 2
    assert [view.loops for view in world.device] == [3, 30]
    assert 290 * NS_PER_MS < world.device.now_ns < 292 * NS_PER_MS


def test_an_idle_device_lets_time_pass() -> None:
    world = World(bare=True)
    world.device.run(for_ms=500)
    assert world.device.now_ns == 500 * NS_PER_MS
    world.device.run_until(700)
    world.device.run_until(600)
    assert world.device.now_ns == 700 * NS_PER_MS
    with pytest.raises(ValueError, match="-1"):
        world.device.run(for_ms=-1)
