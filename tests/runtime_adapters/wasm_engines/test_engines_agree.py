"""Both engines in step: same outcomes, fuel, calls, memory, and the same places to stop."""

from random import Random

import pytest
from hypothesis import given, settings
from support.engines import ENGINES, running_on
from support.project import BOX
from support.wasm.corpus import SAMPLES
from support.wasm.modules import Tenant, loop
from support.wasm.programs import programs

from tinycontainer.interfaces.runtime import Completed, Hook, Preempted, RuntimeLimits, Trapped

EXAMPLES = sorted(path.relative_to(BOX) for path in BOX.glob("*/*.wasm"))
MAX_TURNS = 2000


def both(code: bytes, cost: int) -> list[Tenant]:
    tenants = []
    for name in ENGINES:
        with running_on(name):
            tenants.append(Tenant(code, cost=cost))
    for tenant in tenants:
        tenant.natives.incoming = b"wxyz"
    return tenants


def in_step(
    code: bytes, seed: int, *, hooks: tuple[Hook, ...] = tuple(Hook), cost: int = 100
) -> int:
    """Run hooks on both engines with the same budgets; how many of them completed."""
    random, completed = Random(seed), 0
    pywasm, wasmtime = tenants = both(code, cost)
    for hook in hooks:
        for tenant in tenants:
            tenant.instance.begin(hook)
        before = [tenant.charged for tenant in tenants]
        for _ in range(MAX_TURNS):
            budget = random.choice((1, 2, 7, 64, 300, 5000))
            ours, theirs = (tenant.turn(budget) for tenant in tenants)
            assert ours == theirs
            if not isinstance(ours, Trapped):  # one that traps is counted differently
                assert pywasm.meter.left == wasmtime.meter.left
            assert pywasm.natives.calls == wasmtime.natives.calls
            if ours != Preempted():
                break
        assert pywasm.memory() == wasmtime.memory()
        if isinstance(ours, Completed):
            completed += 1
            used = [tenant.charged - b for tenant, b in zip(tenants, before, strict=True)]
            assert used[0] == used[1]
    for tenant in tenants:
        tenant.instance.finalize()
    return completed


@pytest.mark.clause("TC-RT-17")
@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - {"a native through the table"}))
def test_every_construct_stops_at_the_same_places(name: str) -> None:
    assert in_step(SAMPLES[name].code, 1) == len(Hook)


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_every_example_agrees(path: object) -> None:
    code = (BOX / str(path)).read_bytes()
    assert in_step(code, 2, hooks=(Hook.START, *[Hook.LOOP] * 5, Hook.STOP)) >= 2


@pytest.mark.parametrize("examples", [150, pytest.param(2_000, marks=pytest.mark.long)])
def test_generated_modules_agree(examples: int) -> None:
    completed = []

    @settings(max_examples=examples)
    @given(programs())
    def check(code: bytes) -> None:
        completed.append(in_step(code, len(code)))

    check()
    assert sum(completed) > 2 * examples


@pytest.mark.parametrize(
    "body",
    [
        "(loop nop) i32.const 0",
        "(loop) (loop (loop)) i32.const 0",
        "i32.const 0 (loop)",
        "(loop (result i32) (block) (i32.const 3))",
        "(call $empty) (call $free) (loop (call $empty)) i32.const 0",
        "(i32.eqz (call $f (i32.const 3) (i32.const 2) (i32.const 1))) (if (then nop)) i32.const 1",
        "(drop (i64.div_u (i64.const -1) (i64.const 1))) (loop (call $heartbeat) drop) i32.const 0",
        "(block (br 0) (call $empty) (loop br 0)) (return (i32.const 4)) (i32.const 9) (loop)",
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_free_instructions_and_empty_functions_agree(body: str, seed: int) -> None:
    more = (
        "(func $empty) (func $free (block nop) (loop nop))"
        " (func $f (param i32 i32 i32) (result i32) (memory.fill (local.get 0) (local.get 1)"
        " (local.get 2)) local.get 0)"
    )
    assert in_step(loop(body, more, uses=("heartbeat",)), seed) == len(Hook)


GROWS = {
    "an allocator that handles failure": (
        "(local $by i32) (local.set $by (i32.const 40)) (loop $again (if (i32.eq (memory.grow"
        " (local.get $by)) (i32.const -1)) (then (local.set $by (i32.shr_u (local.get $by)"
        " (i32.const 1))) (br_if $again (local.get $by))))) memory.size"
    ),
    "an operand that goes into a loop": (
        "i32.const 9 (loop (param i32) (result i32) memory.grow) (drop) (ref.null func)"
        " i32.const 9 (loop (param funcref i32) (result i32) table.grow)"
    ),
    "an operand that comes from two ways": (
        "(if (result i32) (call $heartbeat) (then (i32.const 9)) (else (i32.const 9))) memory.grow"
    ),
    "one that does not fail, with nothing after it": "(memory.grow (i32.const 1))",
    "a table's that does not fail": "(table.grow (ref.null func) (i32.const 1))",
    "one by nothing": "(memory.grow (i32.const 0))",
    "an operand that a branch brings": "(block (result i32) (br 0 (i32.const 9))) memory.grow",
    "an operand that a call gives": "(memory.grow (call $nine))",
    "grows in a row": "(ref.func $nine) i32.const 9 memory.grow memory.grow table.grow memory.grow",
    "code that is not reached": "(return (i32.const 9)) memory.grow table.grow",
}


@pytest.mark.clause("TC-RT-22")
@pytest.mark.parametrize("body", GROWS.values(), ids=GROWS)
def test_grows_that_fail_agree_however_the_operand_comes(body: str) -> None:
    more = "(table 1 3 funcref) (elem declare func $nine) (func $nine (result i32) i32.const 9)"
    assert in_step(loop(body, more, uses=("heartbeat",)), 3) == len(Hook)


@pytest.mark.clause("TC-RT-22")
@pytest.mark.parametrize("types", [*range(58, 66), *range(122, 130), 8200])
def test_grows_that_fail_agree_however_many_types_there_are(types: int) -> None:
    more = "(table 1 1 externref)" + "(type (func (param f32)))" * types
    body = "(memory.grow (i32.const 9)) (drop) (table.grow (ref.null extern) (i32.const 9))"
    assert in_step(loop(body, more), 3) == len(Hook)


def test_native_calls_through_the_table_stop_one_line_later_at_most() -> None:
    code = SAMPLES["a native through the table"].code
    pywasm, wasmtime = both(code, 100)
    assert pywasm.run(budget=50).used == wasmtime.run(budget=50).used
    assert wasmtime.run(budget=50).overrun <= 2 * 100 + 65


FLOAT_CODE = [
    "(f64.const 1)",
    "(f32.load (i32.const 0))",
    "(f64.promote_f32 (f32.const 1))",
    "(f32.reinterpret_i32 (i32.const 1))",
    "(i32.trunc_sat_f64_u (f64.const 1))",
    "(i64.trunc_f32_s (f32.const 1))",
    "(f32.demote_f64 (f64.const 1))",
    "(f64.eq (f64.const 1) (f64.const 2))",
]


@pytest.mark.clause("TC-RT-18")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_device_can_do_without_floating_point(engine: str) -> None:
    limits = RuntimeLimits(floats=False)
    with running_on(engine):
        assert Tenant(loop("i32.const 5 i32.extend8_s"), limits=limits).loop() == 5
        for body in FLOAT_CODE:
            code = loop(f"(drop {body}) i32.const 0")
            assert Tenant(code).loop() == 0
            with pytest.raises(ValueError, match="allows no floating point"):
                Tenant(code, limits=limits)
        with pytest.raises(ValueError, match="allows no floating point"):
            Tenant(loop("i32.const 0", "(global f32 (f32.const 0))"), limits=limits)
