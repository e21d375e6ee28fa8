"""Stop, kill and delete: graces, stop hooks, and the way out even for those who starve."""

from collections.abc import Callable

import pytest
from support.scripted import Program, Steps, endless, trap, work
from support.worlds import World, blueprint, refused, times

from tinycontainer.device.containers.container import Exit, ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Scheduling
from tinycontainer.errors import InvalidTransition, LoadReason
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import Security
from tinycontainer.trace.events import HookBegan, HookEnded, Transitioned

MS = NS_PER_MS
UNIT_NS = 50_000
"""One unit of `endless`, and half of what it costs to enter a hook."""


def started(
    program: Program,
    security: Security | None = None,
    *,
    until_ms: int = 5,
    scheduling: Scheduling | None = None,
) -> World:
    world = World(bare=True, scheduling=scheduling or Scheduling())
    world.run(blueprint("box", security=security), program)
    world.device.run_until(until_ms)
    return world


def hooks(world: World) -> list[str]:
    return [f"{event.hook} {event.how}" for event in world.of(HookEnded, "box")]


def at(world: World, what: str) -> int:
    """When a hook ended ("loop aborted") or an event came ("finalized")."""
    times_ns = [e.at_ns for e in world.of(HookEnded, "box") if f"{e.hook} {e.how}" == what]
    times_ns += [e.at_ns for e in world.of(Transitioned, "box") if e.trigger == what]
    return times_ns[-1]


def state(world: World) -> State:
    return world.device["box"].state


# Stop.


@pytest.mark.clause("TC-LIFE-19")
def test_stop_only_posts() -> None:
    world = started(Program(endless(), stop=work(1)))
    began = len(world.of(HookBegan))
    world.device.stop("box")
    assert state(world) is State.STOPPING
    assert world.device.now_ns == 5 * MS
    assert len(world.of(HookBegan)) == began


def test_a_hook_in_progress_may_end_within_the_grace() -> None:
    world = started(Program(work(*[1000] * 800), stop=work(10)), times(period=5000))
    world.device.stop("box")
    world.device.run()
    assert hooks(world) == ["start completed", "loop completed", "stop completed"]
    assert world.exit_of("box") == Exit(ExitReason.STOPPED)
    assert state(world) is State.READY
    assert world.device["box"].loops == 1


def test_what_a_loop_gives_within_the_grace_does_not_change_the_reason() -> None:
    world = started(Program(work(*[1000] * 80, returns=9)))
    world.device.stop("box")
    world.device.run()
    assert world.exit_of("box") == Exit(ExitReason.STOPPED)


@pytest.mark.clause("TC-LIFE-08")
def test_after_the_grace_the_hook_is_aborted_and_the_stop_hook_runs() -> None:
    world = started(Program(endless(), stop=work(10)))
    world.device.stop("box")
    world.device.run()
    assert hooks(world) == ["start completed", "loop aborted", "stop completed"]
    assert 1005 * MS <= at(world, "loop aborted") < 1005 * MS + UNIT_NS


@pytest.mark.clause("TC-LIFE-08")
def test_a_hook_has_no_more_than_what_is_left_of_its_duration() -> None:
    world = started(Program(endless(), stop=work(10)), times(loop=40), until_ms=20)
    world.device.stop("box")
    world.device.run()
    assert hooks(world)[1:] == ["loop overrun", "stop completed"]
    assert 40 * MS < at(world, "loop overrun") < 41 * MS
    assert world.exit_of("box") == Exit(ExitReason.STOPPED)


@pytest.mark.parametrize("grace_ms", [0, 1, 30])
def test_the_grace_is_a_setting_of_the_device(grace_ms: int) -> None:
    scheduling = Scheduling(grace_ns=grace_ms * MS)
    world = started(Program(endless(), stop=endless()), scheduling=scheduling)
    world.device.stop("box")
    world.device.run()
    end_ns = (5 + grace_ms) * MS
    assert end_ns <= at(world, "loop aborted") < end_ns + UNIT_NS
    assert at(world, "finalized") <= end_ns + 2 * grace_ms * MS + 4 * UNIT_NS


def test_a_container_that_sleeps_stops_without_waiting_for_its_wake_up() -> None:
    world = started(Program(work(1), stop=work(1)), times(period=60_000))
    world.device.stop("box")
    world.device.run()
    assert hooks(world) == ["start completed", "loop completed", "stop completed"]
    assert world.device.now_ns < 6 * MS


@pytest.mark.clause("TC-LIFE-14")
def test_a_container_that_never_had_a_turn_stops_without_any() -> None:
    world = World(bare=True)
    world.run(blueprint("box"), Program(work(1), start=work(1), stop=work(1)))
    world.device.stop("box")
    world.device.run()
    assert hooks(world) == []
    assert world.runtime.created == []
    assert world.exit_of("box") == Exit(ExitReason.STOPPED)
    assert state(world) is State.READY


def test_a_stop_during_the_start_hook_lets_it_end_and_no_loop_begins() -> None:
    world = started(Program(work(1), start=work(*[1000] * 20), stop=work(1)))
    world.device.stop("box")
    world.device.run()
    assert hooks(world) == ["start completed", "stop completed"]


@pytest.mark.clause("TC-LIFE-08")
def test_the_grace_is_counted_even_if_the_container_never_has_a_turn() -> None:
    world = started(Program(endless(), stop=work(1)))
    world.run(blueprint("hog", priority=0), Program(endless(500)))
    world.device.run_until(10)
    world.device.stop("box")
    world.device.run_until(1005)
    assert "loop aborted" not in hooks(world)
    world.device.run_until(1012)
    assert hooks(world)[-1] == "loop aborted"
    assert 1010 * MS <= at(world, "loop aborted") <= 1010 * MS + 500_000


@pytest.mark.parametrize(("stop_ms", "within_ms"), [(0, 2000), (200, 1200), (5000, 2000)])
@pytest.mark.clause("TC-LIFE-11")
def test_a_stop_hook_that_starves_is_out_of_time(stop_ms: int, within_ms: int) -> None:
    world = started(Program(work(1), stop=work(1)), times(period=1000, stop=stop_ms))
    world.run(blueprint("hog", priority=0), Program(endless(500)))
    world.device.run_until(10)
    world.device.stop("box")
    world.device.run_until(10 + within_ms - 1)
    assert state(world) is State.STOPPING
    world.device.run_until(10 + within_ms + 2)
    assert state(world) is State.READY
    assert hooks(world) == ["start completed", "loop completed"]
    (reason,) = [e.reason for e in world.of(Transitioned, "box") if e.trigger == "fault"]
    assert "stop hook" in reason
    assert world.exit_of("box") == Exit(ExitReason.STOPPED)


def test_a_stop_hook_that_is_starved_in_the_middle_is_aborted() -> None:
    world = started(Program(work(1), stop=endless()), times(period=1000))
    world.device.stop("box")
    world.device.run_until(50)
    world.run(blueprint("hog", priority=0), Program(endless(500)))
    world.device.run_until(3000)
    assert hooks(world)[-1] == "stop aborted"
    assert 2005 * MS <= at(world, "stop aborted") <= 2005 * MS + 500_000
    assert state(world) is State.READY


@pytest.mark.parametrize(
    ("stop_ms", "limit_ms"),
    [(0, 1000), (1, 1), (300, 300), (5000, 1000)],
)
@pytest.mark.clause("TC-LIFE-11")
def test_the_device_caps_the_stop_hook(stop_ms: int, limit_ms: int) -> None:
    world = started(Program(work(1), stop=endless()), times(period=1000, stop=stop_ms))
    world.device.stop("box")
    world.device.run()
    event = world.of(HookEnded, "box")[-1]
    assert (event.hook, event.how) == ("stop", "overrun")
    assert limit_ms * MS < event.used_ns <= limit_ms * MS + UNIT_NS


@pytest.mark.clause("TC-LIFE-07")
def test_a_fault_of_the_stop_hook_still_gives_everything_back() -> None:
    world = started(Program(endless(), stop=trap(5)))
    world.device.stop("box")
    world.device.run()
    assert hooks(world)[-1] == "stop trapped"
    assert world.runtime.finalized == ["box"]
    assert world.exit_of("box") == Exit(ExitReason.STOPPED)
    assert state(world) is State.READY


@pytest.mark.clause("TC-LIFE-20")
def test_a_trap_within_the_grace_does_not_change_the_reason() -> None:
    world = started(Program(trap(*[1000] * 30), stop=work(1)))
    world.device.stop("box")
    world.device.run()
    assert world.exit_of("box") == Exit(ExitReason.STOPPED)
    assert state(world) is State.READY


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_a_container_that_is_stopping_is_neither_started_nor_stopped_again(verb: str) -> None:
    world = started(Program(endless()))
    world.device.stop("box")
    for _ in range(2):
        with pytest.raises(InvalidTransition, match=rf"{verb}.*stopping"):
            getattr(world.device, verb)("box")
        world.device.run(for_ms=20)


# Kill.


@pytest.mark.clause("TC-LIFE-09")
def test_kill_ends_a_hook_at_once_and_no_more_code_runs() -> None:
    world = started(Program(endless(), stop=work(1)))
    world.device.kill("box")
    assert state(world) is State.STOPPING
    world.device.run()
    assert hooks(world) == ["start completed", "loop aborted"]
    assert world.device.now_ns == 5 * MS
    assert world.runtime.finalized == ["box"]
    assert world.exit_of("box") == Exit(ExitReason.KILLED)
    assert state(world) is State.READY


def test_kill_between_hooks_runs_no_stop_hook() -> None:
    world = started(Program(work(1), stop=work(1)), times(period=1000))
    world.device.kill("box")
    world.device.run()
    assert hooks(world) == ["start completed", "loop completed"]
    assert world.device.now_ns == 5 * MS


@pytest.mark.parametrize("after_ms", [0, 2, 1100])
@pytest.mark.clause("TC-LIFE-09")
def test_kill_hardens_a_stop(after_ms: int) -> None:
    world = started(Program(endless(), stop=endless()))
    world.device.stop("box")
    world.device.run(for_ms=after_ms)
    now_ns = world.device.now_ns
    world.device.kill("box")
    world.device.run()
    assert world.device.now_ns == now_ns
    assert hooks(world)[-1] == ("stop aborted" if after_ms > 1000 else "loop aborted")
    assert world.exit_of("box") == Exit(ExitReason.STOPPED)
    assert state(world) is State.READY


def test_a_killed_container_can_be_started_again() -> None:
    world = started(Program(endless(), stop=work(1)))
    world.device.kill("box")
    world.device.run()
    world.programs["box"] = Program(work(1, returns=1), stop=work(1))
    world.device.start("box")
    world.device.run()
    assert hooks(world)[-3:] == ["start completed", "loop completed", "stop completed"]


# Delete.


@pytest.mark.clause("TC-LIFE-10")
def test_delete_of_a_ready_container_is_done_at_once() -> None:
    world = World(bare=True)
    world.add(blueprint("box"), Program(work(1)))
    world.device.delete("box")
    assert "box" not in world.device
    assert len(world.device) == 0
    moves = [(e.before, e.trigger, e.after) for e in world.of(Transitioned, "box")]
    assert moves[-2:] == [("ready", "delete", "deleting"), ("deleting", "erased", "gone")]


@pytest.mark.clause("TC-LIFE-10")
def test_delete_of_a_running_container_stops_it_first() -> None:
    world = started(Program(work(*[1000] * 30), stop=work(10)))
    world.device.delete("box")
    assert state(world) is State.STOPPING
    assert world.exit_of("box") == Exit(ExitReason.DELETED)
    with refused(LoadReason.DUPLICATE_UID):
        world.add(blueprint("box"))
    world.device.run()
    assert hooks(world) == ["start completed", "loop completed", "stop completed"]
    assert "box" not in world.device
    assert world.add(blueprint("box")).slot == 0


@pytest.mark.parametrize("between_ms", [0, 3])
@pytest.mark.parametrize(
    "verbs", ["stop delete", "delete delete", "delete kill", "stop delete kill"]
)
def test_a_delete_while_stopping_is_done_when_it_has_stopped(verbs: str, between_ms: int) -> None:
    world = started(Program(endless(), stop=work(10)))
    for verb in verbs.split():
        getattr(world.device, verb)("box")
        world.device.run(for_ms=between_ms)
    world.device.run()
    assert "box" not in world.device
    assert world.runtime.finalized == ["box"]


@pytest.mark.parametrize("verbs", ["kill delete", "kill kill delete", "kill delete kill"])
@pytest.mark.clause("TC-LIFE-19")
def test_verbs_that_are_posted_together_are_settled_together(verbs: str) -> None:
    world = started(Program(endless(), stop=work(10)))
    for verb in verbs.split():
        getattr(world.device, verb)("box")
    world.device.run()
    assert "box" not in world.device
    assert hooks(world) == ["start completed", "loop aborted"]
    assert world.runtime.finalized == ["box"]


def test_delete_during_a_stop_hook_of_its_own_doing_keeps_the_reason() -> None:
    world = started(Program(work(1, returns=4), stop=endless()))
    assert state(world) is State.STOPPING
    world.device.delete("box")
    assert world.exit_of("box").value == 4
    world.device.run()
    assert "box" not in world.device


@pytest.mark.clause("TC-LIFE-10")
def test_a_deleted_container_frees_its_slot_for_another() -> None:
    world = started(Program(endless()))
    world.add(blueprint("two"), Program(work(1)))
    world.device.delete("box")
    world.device.run()
    assert world.add(blueprint("six"), Program(work(1))).slot == 0


def test_others_run_on_while_one_is_stopped_killed_or_deleted() -> None:
    def loops(*verbs: str) -> int:
        world = World(bare=True)
        plan = blueprint("calm", priority=3, security=times(period=10))
        world.run(plan, Program(work(100)))
        world.run(blueprint("box"), Program(endless(), stop=endless()))
        world.device.run_until(25)
        for verb in verbs:
            getattr(world.device, verb)("box")
        world.device.run_until(5000)
        return world.device["calm"].loops

    assert loops() == loops("stop") == loops("kill") == loops("delete") == 500


# Management calls never run container code.


@pytest.mark.parametrize("verb", ["stop", "kill", "delete"])
@pytest.mark.clause("TC-LIFE-12")
def test_a_management_call_runs_no_container_code(verb: str) -> None:
    ran: list[str] = []

    def script(name: str) -> Callable[[Natives], Steps]:
        def hook(natives: Natives) -> Steps:
            while True:
                ran.append(name)
                yield 1000

        return hook

    world = started(Program(script("loop"), script("start"), script("stop")))
    count = len(ran)
    getattr(world.device, verb)("box")
    assert len(ran) == count
    assert world.runtime.finalized == []
