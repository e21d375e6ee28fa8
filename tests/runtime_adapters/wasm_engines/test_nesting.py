"""Calls nest as deep on every engine, and beyond it trap at the same place for the same fuel."""

from random import Random
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import ENGINES, running_on
from support.wasm.modules import Tenant, container, loop

from tinycontainer.interfaces.runtime import Hook, Preempted, RuntimeLimits, Trapped
from tinycontainer_runtimes.wasm.metering.rewriting import counter_name, rewrite_module
from tinycontainer_runtimes.wasm.scan import scan_module
from tinycontainer_runtimes.wasm_wasmtime.adapter import WasmtimeRuntime

_KINDS = ("", "(param i32)", "(param i32) (result i32)")
_FUNCTIONS = 6
_WHOLE = (1 << 20,)

Budgets: TypeAlias = tuple[tuple[int, ...], ...]


def graph(seed: int, *, native_in_table: bool) -> bytes:
    """Functions that call each other as they like, as long as a counter in memory allows it."""
    random = Random(seed)
    kinds = [random.choice(_KINDS) for _ in range(_FUNCTIONS)]
    tabled = [random.randrange(_FUNCTIONS) for _ in range(random.randint(0, 4))]
    forward = random.random() < 0.3
    parts = [
        "(type $t0 (func)) (type $t1 (func (param i32)))",
        "(type $t2 (func (param i32) (result i32))) (type $other (func (result i64)))",
        "(global $left (mut i32) (i32.const 0)) (table 6 6 funcref)",
        "".join(f"(elem (i32.const {place}) $f{index})" for place, index in enumerate(tabled)),
    ]
    if native_in_table:
        parts.append("(elem (i32.const 5) $logger)")
    for index, kind in enumerate(kinds):
        body = _body(random, kinds, index if forward else -1, len(tabled))
        result = "local.get 0" if "result" in kind else ""
        parts.append(f"(func $f{index} {kind} {body} {result})")
    for hook in ("start", "stop"):
        left = random.choice((3, 40, 400, 3000))
        parts.append(f'(func (export "{hook}") (global.set $left (i32.const {left})))')
    inner = _body(random, kinds, -1, len(tabled))
    parts.append(f'(func (export "loop") (result i32) {inner} (global.get $left))')
    return container("\n".join(parts), uses=("logger", "heartbeat"))


def _body(random: Random, kinds: list[str], above: int, tabled: int) -> str:
    found = []
    for _ in range(random.randint(0, 3)):
        found.append(_step(random, kinds, above, tabled))
        if random.random() < 0.15:
            found[-1] = f"(block (loop {found[-1]}))"
    return " ".join(found)


def _step(random: Random, kinds: list[str], above: int, tabled: int) -> str:
    chance = random.random()
    if chance < 0.1:
        return "(drop (call $heartbeat))"
    if chance < 0.2:
        return "(if (i32.eqz (global.get $left)) (then return_or_not))".replace(
            "return_or_not", random.choice(("nop", "unreachable", "(drop (i32.const 1))"))
        )
    if chance < 0.4 and tabled:
        kind = random.randrange(3)
        index = random.choice((*range(tabled), *range(tabled), 4, 5, 9))
        arguments = "(i32.const 5)" if kind else ""
        called = f"(call_indirect (type $t{kind}) {arguments} (i32.const {index}))"
        called = f"(drop {called})" if kind == 2 else called
    else:
        callees = range(above + 1, len(kinds))
        if not callees:
            return "nop"
        callee = random.choice(callees)
        called = f"(call $f{callee} {'(i32.const 7)' if kinds[callee] else ''})"
        called = f"(drop {called})" if "result" in kinds[callee] else called
    return (
        "(if (i32.gt_s (global.get $left) (i32.const 0)) (then"
        f" (global.set $left (i32.sub (global.get $left) (i32.const 1))) {called}))"
    )


def nested_in_step(code: bytes, call_depth: int, seed: int, budgets: Budgets) -> str:
    """Run hooks on both engines with the same budgets; the code of the last trap, if any."""
    random = Random(seed)
    limits = RuntimeLimits(call_depth=call_depth, stack_values=1 << 20)
    tenants = []
    for name in ENGINES:
        with running_on(name):
            tenants.append(Tenant(code, cost=50, limits=limits))
    pywasm, wasmtime = tenants
    trapped = ""
    for hook in (Hook.START, Hook.LOOP, Hook.STOP, Hook.LOOP, Hook.LOOP):
        for tenant in tenants:
            tenant.instance.begin(hook)
        choices = random.choice(budgets)
        for _ in range(40_000):
            budget = random.choice(choices)
            ours, theirs = (tenant.turn(budget) for tenant in tenants)
            assert ours == theirs
            overflow = isinstance(ours, Trapped) and ours.code == "stack-overflow"
            if overflow or not isinstance(ours, Trapped):
                assert pywasm.meter.left == wasmtime.meter.left
            assert pywasm.natives.calls == wasmtime.natives.calls
            if ours != Preempted():
                break
        if isinstance(ours, Trapped):
            trapped = ours.code
        assert pywasm.memory() == wasmtime.memory()
    for tenant in tenants:
        tenant.instance.finalize()
    return trapped


@pytest.mark.clause("TC-RT-21")
@pytest.mark.parametrize("examples", [300, pytest.param(5_000, marks=pytest.mark.long)])
def test_call_graphs_trap_alike_at_every_depth(examples: int) -> None:
    trapped = []

    @settings(max_examples=examples)
    @given(st.integers(0, 2**32), st.sampled_from((1, 2, 3, 4, 5, 7, 20, 100, 300)))
    def check(seed: int, call_depth: int) -> None:
        native_in_table = seed % 4 == 0
        # Then a turn may end later on wasmtime, so there are no turns.
        budgets = (_WHOLE,) if native_in_table else (_WHOLE, (64, 300, 5000), (1, 2, 7, 64))
        code = graph(seed, native_in_table=native_in_table)
        trapped.append(nested_in_step(code, call_depth, seed, budgets))

    check()
    assert trapped.count("stack-overflow") > examples // 10


CALL_A = "(call $a) i32.const 0"
MODULES = {
    "a chain of four": (CALL_A, "(func $a (call $b)) (func $b (call $c)) (func $c)", 4),
    "two ways to the same function": (
        "(call $a) (call $c) i32.const 0",
        "(func $a (call $b) (call $c)) (func $b (call $c)) (func $c)",
        4,
    ),
    "a call through a table of another type": (
        CALL_A,
        """(table 1 funcref) (elem (i32.const 0) $b) (func $b (param i32) (call $a))
        (func $a (call_indirect (i32.const 0)))""",
        2,
    ),
    "a call through the table": (
        CALL_A,
        """(table 1 funcref) (elem (i32.const 0) $b) (func $b (call $c (i32.const 1)))
        (func $c (param i32)) (func $a (call_indirect (i32.const 0)))""",
        4,
    ),
    "recursion that no hook reaches": ("i32.const 0", "(func $a (call $a))", 1),
    "a native function in the table": (
        "(call_indirect (param i32) (i32.const 1) (i32.const 0)) i32.const 0",
        "(table 1 funcref) (elem (i32.const 0) $logger)",
        1,
    ),
}


def counts(code: bytes, call_depth: int) -> bool:
    """Whether the module is rewritten so that it counts its calls."""
    limits = RuntimeLimits(call_depth=call_depth)
    module = scan_module(code, limits)
    rewritten = scan_module(rewrite_module(code, module, limits).code, limits)
    return counter_name(module) in rewritten.exports


@pytest.mark.parametrize(("body", "more", "nested"), MODULES.values(), ids=MODULES)
def test_calls_are_not_counted_where_no_way_is_too_long(body: str, more: str, nested: int) -> None:
    code = loop(body, more, uses=("logger",))
    assert not counts(code, nested)
    assert nested == 1 or counts(code, nested - 1)


@pytest.mark.clause("TC-RT-21")
@pytest.mark.usefixtures("engine")
def test_recursion_through_a_reference_that_code_makes_is_counted() -> None:
    """A function that is exported can be put into the table, though no element segment names it."""
    code = loop(
        "(table.set (i32.const 0) (ref.func $f)) (call $f (i32.const 254)) i32.const 3",
        """(table 1 funcref) (type $t (func (param i32)))
        (func $f (export "f") (param i32) (if (local.get 0) (then (call_indirect (type $t)
        (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))))""",
    )
    assert Tenant(code).loop() == 3
    assert Tenant(code, limits=RuntimeLimits(call_depth=255)).trap() == "stack-overflow"


RECURSION = (
    '(global $n (mut i32) (i32.const 7)) (global (export "tinycontainer:calls") i64 (i64.const 5))'
    " (func $f (param i32) (if (local.get 0) (then (call $f (i32.sub (local.get 0)"
    " (i32.const 1))))) (global.set $n (i32.add (global.get $n) (i32.const 1))))"
)


@pytest.mark.clause("TC-RT-21")
@pytest.mark.parametrize("suspend", [True, False], ids=["suspended", "as a whole"])
def test_counting_leaves_globals_exports_and_fuel_as_they_are(suspend: bool) -> None:
    code = loop("(call $f (i32.const 9)) (global.get $n)", RECURSION)
    limits = RuntimeLimits(call_depth=11)
    wasmtime = Tenant(code, limits=limits, runtime=WasmtimeRuntime(suspend=suspend))
    pywasm = Tenant(code, limits=limits)
    assert wasmtime.loop() == pywasm.loop() == 17
    assert wasmtime.charged == pywasm.charged
    narrow = RuntimeLimits(call_depth=10)
    wasmtime = Tenant(code, limits=narrow, runtime=WasmtimeRuntime(suspend=suspend))
    pywasm = Tenant(code, limits=narrow)
    for _ in range(2):
        assert wasmtime.trap() == pywasm.trap() == "stack-overflow"
        assert wasmtime.charged == pywasm.charged
