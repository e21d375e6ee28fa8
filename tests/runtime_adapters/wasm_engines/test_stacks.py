"""Nested calls and large frames: what completes on every engine, and what traps."""

import pytest
from support.wasm.modules import Tenant, loop, wat

from tinycontainer.interfaces.runtime import Ability, Hook, RuntimeLimits

pytestmark = pytest.mark.usefixtures("engine")


def recursion(depth: int, variables: int) -> bytes:
    """A function that calls itself, with variables that it still needs after the call."""
    write = " ".join(
        f"(local.set {number} (i64.add (i64.extend_i32_u (local.get 0)) (i64.const {number})))"
        for number in range(1, variables + 1)
    )
    read = " ".join(
        f"(local.set 1 (i64.add (local.get 1) (local.get {number})))"
        for number in range(2, variables + 1)
    )
    called = "(call $f (i32.sub (local.get 0) (i32.const 1)))"
    function = (
        f"(func $f (param i32) (result i32) (local {'i64 ' * variables})"
        f" (if (i32.eqz (local.get 0)) (then (return (i32.const 5)))) {write}"
        f" {called} drop {read} (i32.wrap_i64 (local.get 1)))"
    )
    return loop(f"(drop (call $f (i32.const {depth - 2}))) i32.const 9", function)


@pytest.mark.clause("TC-RT-21")
@pytest.mark.parametrize("variables", [3, 100, 900])
def test_two_hundred_nested_calls_complete(variables: int) -> None:
    """Frames of 900 variables have 15 KB on wasmtime, more than those of ordinary functions."""
    assert Tenant(recursion(200, variables)).loop() == 9


@pytest.mark.clause("TC-RT-21")
@pytest.mark.parametrize("variables", [3, 100])
def test_endless_recursion_is_a_stack_overflow(variables: int) -> None:
    assert Tenant(recursion(1 << 30, variables)).trap() == "stack-overflow"


@pytest.mark.parametrize("kind", ["i32", "i64", "f32", "f64", "funcref", "externref"])
def test_a_function_with_all_its_locals_can_be_entered(kind: str) -> None:
    limits = RuntimeLimits(locals_per_function=4096)
    function = f"(func $f (local {f'{kind} ' * 4096}))"
    assert Tenant(loop("(call $f) i32.const 4", function), limits=limits).loop() == 4


def test_a_function_with_a_pile_of_operands_can_be_entered() -> None:
    pile = "(i32.load (i32.const 0)) " * 2_000 + "i32.add " * 1_999
    assert Tenant(loop(pile)).loop() == 0


@pytest.mark.parametrize("depth", [1, 2, 10, 256, 1000])
@pytest.mark.clause("TC-RT-10", "TC-RT-21")
def test_calls_nest_to_the_profiles_depth(depth: int) -> None:
    """The hook is the first of the nested calls."""
    code = wat(
        '(module (memory (export "memory") 1) (global $n (mut i32) (i32.const 0))'
        ' (func (export "loop") (result i32) (call $f (global.get $n)) (i32.const 1))'
        ' (func (export "stop") (global.set $n (i32.add (global.get $n) (i32.const 1))))'
        " (func $f (param i32) (if (local.get 0)"
        " (then (call $f (i32.sub (local.get 0) (i32.const 1)))))))"
    )
    subject = Tenant(code, limits=RuntimeLimits(call_depth=depth, stack_values=1 << 20))
    for _ in range(depth - 2):
        subject.run(Hook.STOP)
    if depth > 1:
        assert subject.loop() == 1
        subject.run(Hook.STOP)
    assert subject.trap() == "stack-overflow"


# Where operands are counted


@pytest.mark.needs(Ability.COUNTED_STACKS)
@pytest.mark.clause("TC-RT-21")
def test_the_operands_of_nested_calls_are_counted_together() -> None:
    def with_last(count: int) -> bytes:
        eight, last = "i32.const 1 " * 8, "i32.const 1 " * count
        return loop(
            f"{eight} call $a return",
            f"(func $a {eight} call $b {'drop ' * 8})"
            f" (func $b {last} call $c {'drop ' * count}) (func $c)",
        )

    limits = RuntimeLimits(stack_values=16)
    assert Tenant(with_last(0), limits=limits).loop() == 1
    assert Tenant(with_last(1), limits=limits).trap() == "stack-overflow"
