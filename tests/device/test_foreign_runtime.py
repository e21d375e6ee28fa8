"""Runtimes are foreign code: what one does wrong is its container's fault, and nobody else's."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.scripted import Program, work
from support.worlds import World, blueprint, times

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.errors import CreationError
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    MAX_TRAP_FRAMES,
    Completed,
    Hook,
    Natives,
    Outcome,
    Preempted,
    RuntimeLimits,
    TrapFrame,
    Trapped,
)
from tinycontainer.metadata import ContainerType
from tinycontainer.trace.events import HookBegan, HookEnded, Logged, Transitioned

Order = Callable[["Rogue"], Any]


@dataclass
class Rogue:
    """A runtime and its instance at once; each step does what a test tells it."""

    create_does: Order = lambda rogue: rogue
    begin_does: Order = lambda rogue: None
    resume_does: Order = lambda rogue: Completed()
    abort_does: Order = lambda rogue: None
    finalize_does: Order = lambda rogue: None
    meter: Meter = field(init=False)
    natives: Natives = field(init=False)
    hook: Hook = Hook.START
    steps: list[str] = field(default_factory=list)

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        pass

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> Any:
        self.meter, self.natives = meter, natives
        self.steps.append("create")
        return self.create_does(self)

    def begin(self, hook: Hook) -> None:
        self.hook = hook
        self.steps.append(f"begin {hook}")
        self.begin_does(self)

    def resume(self) -> Outcome:
        outcome: Outcome = self.resume_does(self)
        return outcome

    def abort(self) -> None:
        self.steps.append("abort")
        self.abort_does(self)

    def finalize(self) -> None:
        self.steps.append("finalize")
        self.finalize_does(self)


def raising(error: BaseException) -> Order:
    def order(rogue: Rogue) -> None:
        raise error

    return order


def in_loop(order: Order) -> Order:
    """An order for loops; other hooks complete."""
    return lambda rogue: order(rogue) if rogue.hook is Hook.LOOP else Completed()


def world_with(rogue: Rogue, period: int = 10) -> World:
    world = World(bare=True, foreign={ContainerType.WASM: rogue})
    world.run(
        blueprint("box", kind=ContainerType.WASM, security=times(period=period)), Program(work(1))
    )
    world.run(blueprint("calm", security=times(period=10)), Program(work(100)))
    return world


def others_go_on(world: World, at_ms: int = 200) -> None:
    world.device.run_until(at_ms)
    assert world.device["calm"].loops == at_ms // 10
    assert world.device["calm"].state is State.RUNNING
    assert world.device["box"].state is State.READY


RAISING = {
    "begin": (Rogue(begin_does=raising(KeyError(1))), "KeyError"),
    "resume": (Rogue(resume_does=raising(ZeroDivisionError())), "ZeroDivisionError"),
    "create": (Rogue(create_does=raising(RecursionError())), "RecursionError"),
}


@pytest.mark.parametrize("step", RAISING)
@pytest.mark.clause("TC-RT-06")
def test_a_runtime_that_raises_is_a_fault_of_its_container(step: str) -> None:
    rogue, error = RAISING[step]
    world = world_with(rogue)
    others_go_on(world)
    exit_ = world.exit_of("box")
    assert (exit_.reason, exit_.hook) == (ExitReason.TRAP, Hook.START)
    assert "runtime-failed" in exit_.detail
    assert error in exit_.detail
    assert [e.trigger for e in world.of(Transitioned, "box") if e.before == "running"] == ["fault"]


def test_a_create_that_fails_on_purpose_is_named_so() -> None:
    world = world_with(Rogue(create_does=raising(CreationError("no room"))))
    others_go_on(world)
    assert world.exit_of("box").reason is ExitReason.CREATION_FAILED


def test_a_trap_in_a_loop_aborts_and_the_stop_hook_runs() -> None:
    rogue = Rogue(resume_does=in_loop(lambda _: Trapped("unreachable", "at 7")))
    world = world_with(rogue)
    others_go_on(world)
    assert world.exit_of("box").detail == "unreachable: at 7"
    assert rogue.steps == [
        "create",
        "begin start",
        "begin loop",
        "abort",
        "begin stop",
        "finalize",
    ]


@pytest.mark.clause("TC-RT-28")
def test_the_calls_that_led_to_a_trap_are_in_its_event_and_its_end_names_the_innermost() -> None:
    frames = (TrapFrame(3, 2), TrapFrame(0, 1))
    trapped = Trapped("unreachable", "at 7", frames)
    world = world_with(Rogue(resume_does=in_loop(lambda _: trapped)))
    others_go_on(world)
    exit_ = world.exit_of("box")
    assert exit_.frames == frames
    assert str(exit_) == "trap in loop unreachable: at 7 at function 3, offset 0x2"
    assert exit_.words == "trap in loop unreachable: at 7"
    ended = [event for event in world.of(HookEnded, "box") if event.how == "trapped"]
    assert [event.frames for event in ended] == [((3, 2), (0, 1))]
    assert [event.frames for event in world.of(HookEnded, "calm")][:1] == [()]
    faults = [event for event in world.of(Transitioned, "box") if event.trigger == "fault"]
    assert [(event.reason, event.frames) for event in faults] == [(exit_.words, ((3, 2), (0, 1)))]


class OddInt(int):
    """Not exactly a number."""


OUTSIDE = {
    "a list": [TrapFrame(0, 0)],
    "pairs": ((0, 0),),
    "too many": (TrapFrame(0, 0),) * (MAX_TRAP_FRAMES + 1),
    "a negative function": (TrapFrame(-1, 0),),
    "a function of 33 bits": (TrapFrame(1 << 32, 0),),
    "a negative offset": (TrapFrame(0, -1),),
    "an offset after the code": (TrapFrame(0, 1 << 20),),
    "text": (TrapFrame(0, "0"),),  # type: ignore[arg-type]
    "a truth": (TrapFrame(True, 0),),
    "a number of its own kind": (TrapFrame(0, OddInt(0)),),
}


@pytest.mark.clause("TC-RT-06", "TC-RT-28")
@pytest.mark.parametrize("frames", OUTSIDE.values(), ids=OUTSIDE)
def test_a_trap_at_a_place_that_is_not_in_the_code_is_a_fault_of_the_runtime(frames: Any) -> None:
    world = world_with(Rogue(resume_does=in_loop(lambda _: Trapped("unreachable", "", frames))))
    others_go_on(world)
    exit_ = world.exit_of("box")
    assert exit_.detail == "runtime-failed: trapped at a place outside of the code"
    assert exit_.frames == ()


def test_as_many_frames_as_allowed_are_taken() -> None:
    frames = tuple(TrapFrame(number, 0) for number in range(MAX_TRAP_FRAMES))
    world = world_with(Rogue(resume_does=in_loop(lambda _: Trapped("unreachable", "", frames))))
    others_go_on(world)
    assert world.exit_of("box").frames == frames


def test_an_instance_that_cannot_abort_is_dropped_with_its_stop_hook() -> None:
    rogue = Rogue(
        resume_does=in_loop(lambda _: Trapped("unreachable")), abort_does=raising(OSError())
    )
    world = world_with(rogue)
    others_go_on(world)
    assert "begin stop" not in rogue.steps
    assert world.exit_of("box").detail == "unreachable"


def test_an_instance_that_cannot_be_finalized_is_dropped() -> None:
    rogue = Rogue(resume_does=in_loop(lambda _: Completed(3)), finalize_does=raising(OSError()))
    world = world_with(rogue)
    others_go_on(world)
    assert world.exit_of("box").value == 3


@pytest.mark.clause("TC-RT-06", "TC-SCHED-18")
def test_preempted_means_that_the_budget_is_gone() -> None:
    world = world_with(Rogue(resume_does=in_loop(lambda _: Preempted())))
    others_go_on(world)
    exit_ = world.exit_of("box")
    assert exit_.reason is ExitReason.TRAP
    assert "budget left" in exit_.detail


@pytest.mark.parametrize("outcome", [None, 0, "completed", Completed, ...], ids=repr)
def test_an_outcome_that_is_none_is_a_fault(outcome: object) -> None:
    world = world_with(Rogue(resume_does=in_loop(lambda _: outcome)))
    others_go_on(world)
    assert world.exit_of("box").reason is ExitReason.TRAP
    assert world.device["box"].loops == 0


@pytest.mark.parametrize("value", ["0", None, 1.5, 2**31, True, b""], ids=repr)
def test_a_loop_gives_a_signed_32_bit_number(value: Any) -> None:
    world = world_with(Rogue(resume_does=in_loop(lambda _: Completed(value))))
    others_go_on(world)
    assert world.exit_of("box").reason is ExitReason.TRAP
    assert world.of(HookEnded, "box")[1].result == 0


@pytest.mark.parametrize("code", [7, b"unreachable"], ids=repr)
def test_a_trap_code_that_is_no_text_is_still_a_fault(code: Any) -> None:
    world = world_with(Rogue(resume_does=in_loop(lambda _: Trapped(code))))
    others_go_on(world)
    assert world.exit_of("box").reason is ExitReason.TRAP


def spends(instructions: int, outcome: Outcome) -> Order:
    def order(rogue: Rogue) -> Outcome:
        rogue.meter.spend(instructions)
        return outcome

    return in_loop(order)


def test_a_runtime_that_uses_more_than_its_budget_pays_for_it() -> None:
    world = world_with(Rogue(resume_does=spends(70_000, Preempted())))
    world.device.run_until(300)
    shares = [world.device[uid].statistics.execution_ns for uid in ("box", "calm")]
    assert sum(shares) == world.device.now_ns
    assert world.device["calm"].loops >= 4


@pytest.mark.parametrize("earned", [1, 200, 5000])
def test_time_never_goes_back_whatever_a_runtime_does_to_its_meter(earned: int) -> None:
    def resume(rogue: Rogue) -> Outcome:
        rogue.meter.spend(-earned - 100 if rogue.steps.count("begin loop") < 4 else 100)
        return Completed()

    world = world_with(Rogue(resume_does=in_loop(resume)), period=0)
    world.device.run_until(20)
    times_ns = [event.at_ns for event in world.events]
    assert times_ns == sorted(times_ns)
    used_ns = [event.used_ns for event in world.of(HookEnded, "box")]
    assert used_ns
    assert min(used_ns) >= 0


@pytest.mark.clause("TC-SCHED-11")
def test_a_hook_that_uses_nothing_still_takes_what_it_costs_to_enter() -> None:
    world = world_with(Rogue(), period=0)
    world.device.run_until(100)
    view = world.device["box"]
    assert view.statistics.execution_ns == (view.loops + 1) * 100_000
    assert world.device["calm"].loops == 10


@pytest.mark.parametrize(
    "size",
    [
        raising(ZeroDivisionError()),
        lambda _: "much",
        lambda _: True,
        lambda _: 12.5,
        lambda _: -1,
        lambda _: 1 << 40,
        lambda _: None,
    ],
)
@pytest.mark.clause("TC-RT-06", "TC-TOOL-14")
def test_a_size_of_memory_that_cannot_be_is_not_believed(size: Order) -> None:
    sizes = iter([lambda _: 1000, size, lambda _: 500])

    @dataclass
    class Sized(Rogue):
        def size(self) -> Any:
            return next(sizes, size)(self)

    world = world_with(Sized(resume_does=spends(10, Completed())))
    world.device.run_until(100)
    view = world.device["box"]
    assert (view.state, view.statistics.peak_memory_bytes) == (State.RUNNING, 1000)
    assert {event.memory_bytes for event in world.of(HookEnded, "box")} <= {1000, 500}
    assert world.device["calm"].statistics.peak_memory_bytes == 0


def test_a_runtime_that_does_not_say_how_much_memory_there_is_runs_all_the_same() -> None:
    world = world_with(Rogue())
    world.device.run_until(100)
    assert {event.memory_bytes for event in world.of(HookEnded, "box")} == {0}
    assert world.device["box"].loops == 10


def test_a_runtime_cannot_manage_the_device() -> None:
    world = world_with(Rogue(resume_does=in_loop(lambda _: world.device.kill("calm"))))
    others_go_on(world)
    assert "RuntimeError" in world.exit_of("box").detail


@pytest.mark.clause("TC-LIFE-15")
def test_an_interrupt_of_the_operator_reaches_him_and_ends_the_torn_hook() -> None:
    rogue = Rogue(resume_does=in_loop(raising(KeyboardInterrupt())))
    world = world_with(rogue)
    with pytest.raises(KeyboardInterrupt):
        world.device.run_until(200)
    assert world.device["box"].state is State.STOPPING
    assert world.exit_of("box").reason is ExitReason.INTERRUPTED
    others_go_on(world)


def test_a_counter_of_an_engine_is_asked_whenever_the_time_is_read() -> None:
    def resume(rogue: Rogue) -> Outcome:
        left = rogue.meter.left

        def probe() -> None:
            rogue.meter.left = left - 3100

        rogue.meter.probe = probe
        rogue.natives.log(b"within")
        rogue.meter.probe = lambda: None
        rogue.meter.left = left - 4100
        return Completed(1)

    world = world_with(Rogue(resume_does=in_loop(resume)))
    world.device.run_until(100)
    began, ended = world.of(HookBegan, "box")[1], world.of(HookEnded, "box")[1]
    (logged,) = world.of(Logged, "box")
    assert ended.used_ns == 4_200_000
    assert (logged.at_ns - began.at_ns) == 3_200_000


def test_a_probe_that_raises_disturbs_nobody_else() -> None:
    def resume(rogue: Rogue) -> Outcome:
        rogue.meter.probe = probe
        return Completed()

    def probe() -> None:
        raise OSError

    world = world_with(Rogue(resume_does=in_loop(resume)))
    world.device.run_until(200)
    assert world.device["calm"].loops == 20


@pytest.mark.parametrize("hook", [Hook.LOOP, Hook.STOP])
@pytest.mark.parametrize("earned", [101, 5000])
def test_a_runtime_that_fills_its_meter_in_its_last_turn_is_a_fault(
    hook: Hook, earned: int
) -> None:
    def resume(rogue: Rogue) -> Outcome:
        if rogue.hook is hook:
            rogue.meter.left += earned
        return Completed(int(rogue.hook is Hook.LOOP))

    world = world_with(Rogue(resume_does=resume))
    others_go_on(world)
    last = world.of(HookEnded, "box")[-1 if hook is Hook.STOP else -2]
    assert (last.hook, last.detail) == (hook, "runtime-failed: its meter is broken")
    assert last.used_ns == 0


def test_what_a_runtime_takes_from_its_meter_in_its_last_turn_is_charged() -> None:
    def resume(rogue: Rogue) -> Outcome:
        if rogue.hook is Hook.STOP:
            rogue.meter.left -= 4000
        return Completed(int(rogue.hook is Hook.LOOP))

    world = world_with(Rogue(resume_does=resume))
    others_go_on(world)
    (ended,) = (event for event in world.of(HookEnded, "box") if event.hook is Hook.STOP)
    assert ended.used_ns == 4_100_000
    used_ns = sum(event.used_ns for event in world.of(HookEnded, "box"))
    assert world.device["box"].statistics.execution_ns == used_ns
