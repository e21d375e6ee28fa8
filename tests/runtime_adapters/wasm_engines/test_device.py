"""Containers on a device, the same on every engine: life cycle, shares, stop and kill."""

import pytest
from support.engines import make_runtime
from support.wasm.modules import container, loop
from support.worlds import World, blueprint, times

from tinycontainer.device.containers.container import ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.runtime import PAGE_BYTES, RuntimeLimits
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.packing.packing import pack_unsigned
from tinycontainer.trace.events import (
    Dispatched,
    HookBegan,
    HookEnded,
    HookInProgress,
    Logged,
    Transitioned,
)

pytestmark = pytest.mark.usefixtures("engine")

MS = NS_PER_MS
SLICE_NS = 10 * MS
CALL_NS = 100_000
"""A native call, or entering a hook."""
UNIT_NS = 66_000
"""The longest straight line of code, and the entry of the function that it calls."""
ENDLESS = loop("(loop br 0) i32.const 0")
POLITE = container(
    '(data (i32.const 8) "started\\00") (data (i32.const 24) "stopped\\00")'
    ' (func (export "start") (call $logger (i32.const 8)))'
    ' (func (export "loop") (result i32) (i32.const 0))'
    ' (func (export "stop") (call $logger (i32.const 24)))',
    uses=("logger",),
)
STUBBORN = container(
    '(func (export "loop") (result i32) (loop br 0) i32.const 0) (func (export "stop") (loop br 0))'
)


def world() -> World:
    return World(bare=True, foreign={ContainerType.WASM: make_runtime()})


def run(world: World, uid: str, code: bytes, **timing: int) -> None:
    plan = blueprint(uid, kind=ContainerType.WASM, security=times(**timing))
    world.device.load(pack_unsigned(plan, code, b"").encode())
    world.device.start(uid)


def test_a_life_from_load_to_delete() -> None:
    here = world()
    run(here, "box", POLITE, period=10)
    here.device.run_until(95)
    assert here.device["box"].loops == 10
    here.device.stop("box")
    here.device.run_until(100)
    assert here.device["box"].state is State.READY
    assert [event.line for event in here.of(Logged)] == [b"started", b"stopped"]
    here.device.start("box")
    here.device.run_until(150)
    here.device.delete("box")
    here.device.run_until(160)
    assert "box" not in here.device


def test_a_lifetime_ends_a_container() -> None:
    here = world()
    run(here, "box", POLITE, period=10, lifetime=3)
    here.device.run_until(100)
    assert here.exit_of("box").reason is ExitReason.LIFETIME
    assert here.device["box"].loops == 3


def test_a_trap_is_a_fault_and_the_others_go_on() -> None:
    here = world()
    run(here, "bad", loop("unreachable"))
    run(here, "good", POLITE, period=10)
    here.device.run_until(95)
    assert here.exit_of("bad").detail == "unreachable"
    assert here.device["good"].loops == 10


@pytest.mark.clause("TC-TOOL-14")
def test_memory_that_a_container_took_is_seen_after_each_turn() -> None:
    here = World(
        bare=True,
        foreign={ContainerType.WASM: make_runtime()},
        capacity=Capacity(runtime=RuntimeLimits(memory_pages=3)),
    )
    growing = loop("(drop (memory.grow (i32.const 1))) i32.const 0", memory="1")
    endless = loop("(drop (memory.grow (i32.const 2))) (loop br 0) i32.const 0", memory="1")
    run(here, "growing", growing, lifetime=4)
    run(here, "endless", endless)
    here.device.run_until(100)
    sizes = [event.memory_bytes // PAGE_BYTES for event in here.of(HookEnded, "growing")]
    assert sizes == [1, 2, 3, 3, 3, 3]
    assert here.device["growing"].statistics.peak_memory_bytes == 3 * PAGE_BYTES
    assert here.device["endless"].statistics.peak_memory_bytes == 3 * PAGE_BYTES
    here.device.end_trace()
    assert [event.memory_bytes for event in here.of(HookInProgress)] == [3 * PAGE_BYTES]


def test_two_endless_loops_share_time_within_one_slice() -> None:
    here = world()
    run(here, "one", ENDLESS)
    run(here, "two", ENDLESS)
    for until_ms in (100, 155, 1000, 1234):
        here.device.run_until(until_ms)
        used = [here.device[uid].statistics.execution_ns for uid in ("one", "two")]
        assert sum(used) == here.device.now_ns
        assert abs(used[0] - used[1]) <= SLICE_NS + UNIT_NS
    turns = [event.uid for event in here.of(Dispatched)]
    assert turns[:6] == [b"one", b"two"] * 3


def test_an_endless_loop_is_preempted_for_a_better_rank() -> None:
    here = world()
    run(here, "hog", ENDLESS)
    plan = blueprint("quick", kind=ContainerType.WASM, priority=1, security=times(period=7))
    here.device.load(pack_unsigned(plan, POLITE, b"").encode())
    here.device.start("quick")
    here.device.run_until(500)
    assert here.device["quick"].loops == 72
    late = [event.at_ns % (7 * MS) for event in here.of(HookBegan, "quick") if event.number > 1]
    first = next(e.at_ns for e in here.of(HookBegan, "quick") if e.number == 1)
    assert max((at - first) % (7 * MS) for at in late) <= UNIT_NS


def ended_at(here: World, uid: str) -> int:
    return next(e.at_ns for e in here.of(Transitioned, uid) if e.trigger == "finalized")


def test_kill_takes_effect_within_one_slice() -> None:
    here = world()
    run(here, "box", STUBBORN)
    run(here, "other", ENDLESS)
    here.device.run_until(123)
    here.device.kill("box")
    here.device.run_until(200)
    assert ended_at(here, "box") - 123 * MS <= SLICE_NS + UNIT_NS
    assert here.exit_of("box").reason is ExitReason.KILLED


def test_stop_takes_effect_within_its_grace_and_one_slice() -> None:
    here = world()
    run(here, "box", loop("(loop br 0) i32.const 0"))
    run(here, "other", ENDLESS)
    here.device.run_until(123)
    here.device.stop("box")
    here.device.run_until(3000)
    [aborted] = [event for event in here.of(HookEnded, "box") if event.how == "aborted"]
    assert aborted.at_ns - 123 * MS <= 1000 * MS + SLICE_NS + UNIT_NS
    assert ended_at(here, "box") - aborted.at_ns <= SLICE_NS + CALL_NS
    assert here.exit_of("box").reason is ExitReason.STOPPED


def test_a_stop_hook_that_does_not_end_is_cut_off() -> None:
    here = world()
    run(here, "box", STUBBORN, stop=50)
    here.device.run_until(10)
    here.device.stop("box")
    here.device.run_until(5000)
    assert here.device["box"].state is State.READY
    assert ended_at(here, "box") <= 10 * MS + 2050 * MS + SLICE_NS


def test_a_loop_beyond_its_duration_is_an_overrun() -> None:
    here = world()
    run(here, "box", STUBBORN, loop=30, stop=5)
    here.device.run_until(500)
    assert here.exit_of("box").reason is ExitReason.OVERRUN
    first = next(e for e in here.of(HookEnded, "box") if e.hook == "loop")
    assert 30 * MS < first.used_ns <= 30 * MS + UNIT_NS


def test_native_calls_end_a_turn_where_their_cost_does() -> None:
    """Calls in a row cannot run on beyond the budget, however they are made."""
    calls = " ".join(["(drop (call $heartbeat))"] * 3000)
    through = " ".join(["(drop (call_indirect (result i32) (i32.const 0)))"] * 1000)
    table = "(table 1 funcref) (elem (i32.const 0) $heartbeat)"
    for body, more in ((calls, ""), (through, table)):
        here = world()
        run(here, "box", loop(f"{body} i32.const 0", more, uses=("heartbeat",)))
        run(here, "other", ENDLESS)
        here.device.run_until(400)
        gaps = [event.late_ns for event in here.of(Dispatched, "other")]
        assert max(gaps) <= SLICE_NS + 2 * CALL_NS + UNIT_NS
