"""One runtime for many devices: verdicts by limits, isolation of instances, threads, eviction."""

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from support.engines import current, make_runtime, running_on
from support.wasm import modules as wasm
from support.wasm.corpus import SAMPLES
from support.wasm.modules import Run, Tenant, build, container, loop

from tinycontainer.errors import CreationError, InadmissibleCode
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Completed, Hook, Preempted, RuntimeLimits, Trapped
from tinycontainer_runtimes.wasm.validator import WasmtimeValidator
from tinycontainer_runtimes.wasm_pywasm import PywasmRuntime
from tinycontainer_runtimes.wasm_wasmtime import WasmtimeRuntime

pytestmark = pytest.mark.usefixtures("engine")

KEPT_BYTES = 1 << 20
HOOKS = (Hook.START, Hook.LOOP, Hook.LOOP, Hook.STOP)

STATEFUL = container(
    "(global $runs (mut i32) (i32.const 0))"
    " (table $t 2 4 funcref) (elem $e func $one $two) (elem (i32.const 0) $one)"
    ' (data $d "\\05") (data (i32.const 8) "\\07")'
    " (func $one (result i32) i32.const 1) (func $two (result i32) i32.const 2)"
    " (func $begin (global.set $runs (i32.const 100)) (i32.store8 (i32.const 9) (i32.const 1)))"
    " (start $begin)"
    ' (func (export "start") (global.set $runs (i32.add (global.get $runs) (i32.const 10))))'
    ' (func (export "loop") (result i32)'
    "   (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))"
    "   (data.drop $d)"
    "   (table.init $e (i32.const 0) (i32.const 1) (i32.const 1))"
    "   (elem.drop $e)"
    "   (drop (table.grow (ref.null func) (i32.const 1)))"
    "   (drop (memory.grow (i32.const 1)))"
    "   (i32.store8 (i32.const 8) (i32.add (i32.load8_u (i32.const 8)) (i32.const 1)))"
    "   (global.set $runs (i32.add (global.get $runs) (i32.const 1)))"
    "   (i32.add (i32.mul (call_indirect (result i32) (i32.const 0)) (i32.const 1000000))"
    "    (i32.add (i32.mul (i32.load8_u (i32.const 8)) (i32.const 1000))"
    "     (i32.add (global.get $runs) (i32.mul (i32.const 10000) (table.size)))))"
    " )",
    memory="1 2",
)
"""Whose loop changes everything that a module can change, and drops its segments."""


@pytest.mark.clause("TC-RT-05")
def test_instances_of_one_module_share_nothing() -> None:
    runtime, limits = make_runtime(), RuntimeLimits(memory_pages=2)
    alone = Tenant(STATEFUL, limits=limits)
    expected = [alone.run(hook) for hook in HOOKS]
    assert isinstance(expected[1].outcome, Completed)
    assert isinstance(expected[2].outcome, Trapped)  # its segments were dropped
    several = [Tenant(STATEFUL, limits=limits, runtime=runtime) for _ in range(3)]
    for hook, run in zip(HOOKS, expected, strict=True):
        assert [each.run(hook) for each in several] == [run] * 3
    assert [Tenant(STATEFUL, limits=limits, runtime=runtime).run(hook) for hook in HOOKS[:2]] == [
        Tenant(STATEFUL, limits=limits).run(hook) for hook in HOOKS[:2]
    ]
    late = Tenant(STATEFUL, limits=limits, runtime=runtime)
    assert [late.run(hook) for hook in HOOKS] == expected


@pytest.mark.clause("TC-RT-05")
def test_a_module_stays_as_it_was_while_others_run_and_trap() -> None:
    runtime = make_runtime()
    for sample in SAMPLES.values():
        fresh = Tenant(sample.code)
        expected = [fresh.run(hook, 50) for hook in HOOKS]
        for _ in range(2):
            again = Tenant(sample.code, runtime=runtime)
            assert [again.run(hook, 50) for hook in HOOKS] == expected


def test_an_instance_that_was_suspended_goes_on_after_others_ran() -> None:
    runtime = make_runtime()
    code = loop("(loop br 0) i32.const 0", '(func (export "stop"))')
    first, second = Tenant(code, runtime=runtime), Tenant(code, runtime=runtime)
    for each in (first, second):
        each.instance.begin(Hook.LOOP)
        assert each.turn(100) == Preempted()
    second.instance.finalize()
    del second
    assert first.turn(100) == Preempted()
    assert first.charged in range(200, 210)


# Verdicts


@pytest.mark.parametrize(
    ("code", "wide", "narrow"),
    [
        pytest.param(
            loop("(drop (f32.const 1)) i32.const 0"),
            RuntimeLimits(),
            RuntimeLimits(floats=False),
            id="floats",
        ),
        pytest.param(
            loop("i32.const 0", memory="2"),
            RuntimeLimits(memory_pages=2),
            RuntimeLimits(),
            id="memory",
        ),
        pytest.param(
            loop("i32.const 0", "(table 9 funcref)"),
            RuntimeLimits(),
            RuntimeLimits(table_elements=8),
            id="table",
        ),
        pytest.param(
            loop("(local i32 i32 i32) i32.const 0"),
            RuntimeLimits(),
            RuntimeLimits(locals_per_function=2),
            id="locals",
        ),
        pytest.param(
            loop("(block (block (block))) i32.const 0"),
            RuntimeLimits(),
            RuntimeLimits(block_depth=2),
            id="blocks",
        ),
        pytest.param(build(), RuntimeLimits(), RuntimeLimits(code_bytes=40), id="length"),
    ],
)
def test_a_device_never_sees_the_verdict_of_one_with_other_limits(
    code: bytes, wide: RuntimeLimits, narrow: RuntimeLimits
) -> None:
    runtime = make_runtime()
    meter = Meter(lambda _used: None)
    for _ in range(2):
        runtime.admit(code, wide)
        with pytest.raises(InadmissibleCode) as refused:
            runtime.admit(code, narrow)
        with pytest.raises(CreationError):
            runtime.create(code, b"", wasm.RecordingNatives(meter), meter, narrow)
        assert str(refused.value) == wasm.admission_error(
            lambda offered, _limits: make_runtime().admit(offered, narrow), code
        )


def test_what_an_instance_may_take_is_its_own_devices_limit() -> None:
    runtime = make_runtime()
    code = loop("(memory.grow (i32.const 1))")
    assert Tenant(code, limits=RuntimeLimits(memory_pages=2), runtime=runtime).loop() == 1
    assert Tenant(code, limits=RuntimeLimits(memory_pages=1), runtime=runtime).loop() == -1
    assert Tenant(code, limits=RuntimeLimits(memory_pages=2), runtime=runtime).loop() == 1


def test_code_that_was_not_admitted_is_judged_when_an_instance_is_made() -> None:
    invalid = build({wasm.CODE: wasm.vector(wasm.body(b"\x42\0"))})  # an i64 where i32 is due
    meter = Meter(lambda _used: None)
    natives = wasm.RecordingNatives(meter)
    with pytest.raises(CreationError, match="not valid"):
        make_runtime().create(invalid, b"", natives, meter, RuntimeLimits())


# Eviction


def test_a_module_that_is_dropped_lives_as_long_as_its_instances() -> None:
    runtime, limits = keeping(KEPT_BYTES), RuntimeLimits(memory_pages=2)
    expected = [Tenant(STATEFUL, limits=limits).run(hook, 3) for hook in HOOKS[:1]]
    subject = Tenant(STATEFUL, limits=limits, runtime=runtime)
    for number in range(200):
        Tenant(build() + named(number), limits=limits, runtime=runtime)
        if number % 20 == 0:
            gc.collect()
    assert [subject.run(hook, 3) for hook in HOOKS[:1]] == expected
    assert subject.run(Hook.LOOP, 3).outcome == Completed(2_038_111)


def test_what_is_kept_is_bounded_however_many_modules_are_loaded() -> None:
    runtime = keeping(KEPT_BYTES)
    held = []
    for number in range(200):
        Tenant(build() + named(number), runtime=runtime)
        held.append(runtime._cache.held_bytes)
    assert max(held) <= KEPT_BYTES
    assert 0 < len(runtime._cache) < 150


# Threads


def test_devices_in_several_threads_run_as_if_they_were_alone() -> None:
    runtime, engine, together = make_runtime(), current(), Barrier(4)
    codes = [SAMPLES[name].code for name in list(SAMPLES)[:8]]
    expected = [history(Tenant(code)) for code in codes]

    def work(_number: int) -> list[list[Run]]:
        together.wait(10)
        with running_on(engine):
            return [history(Tenant(code, runtime=runtime)) for code in codes for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(work, range(4)):
            assert found == [each for each in expected for _ in range(3)]


def history(tenant: Tenant) -> list[Run]:
    return [tenant.run(hook, 20) for hook in HOOKS]


def named(number: int) -> bytes:
    """A custom section, which makes a module differ from others."""
    return bytes([0, 4, 3]) + b"%03d" % number


def keeping(kept_bytes: int) -> PywasmRuntime | WasmtimeRuntime:
    """A runtime of the current engine that keeps so much of modules."""
    if current() == "wasmtime":
        return WasmtimeRuntime(kept_bytes=kept_bytes)
    return PywasmRuntime(WasmtimeValidator(), kept_bytes=kept_bytes)
