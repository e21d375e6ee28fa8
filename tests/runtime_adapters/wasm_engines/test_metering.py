"""Fuel on pywasm equals wasmtime's, and preemption changes nothing but when things happen."""

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from support.engines import abilities, current
from support.wasm.corpus import SAMPLES, STRAIGHT
from support.wasm.modules import UNLIMITED, Run, Tenant, build, loop
from support.wasm.programs import LONGEST_BULK, programs
from support.wasm.reference import OutOfFuel, Reference

from tinycontainer.interfaces.runtime import Ability, Completed, Hook, Preempted, RuntimeLimits

pytestmark = pytest.mark.usefixtures("engine")

BUDGETS = (1, 2, 7, 64, 1000, UNLIMITED)
LONGEST_LINE = 64
ENDING = (Hook.START, Hook.LOOP, Hook.LOOP, Hook.STOP)

# Fuel


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.clause("TC-RT-11")
def test_fuel_is_wasmtimes(name: str) -> None:
    code = SAMPLES[name].code
    subject, reference = Tenant(code), Reference(code)
    for hook in ENDING:
        assert subject.run(hook).used == reference.run(hook).used


@pytest.mark.parametrize("pages", [1, 127, 128, 129, 200])
@pytest.mark.clause("TC-RT-22")
def test_pages_that_are_grown_are_charged_however_many(pages: int) -> None:
    code = loop(f"(memory.grow (i32.const {pages}))", memory="0")
    limits = RuntimeLimits(memory_pages=200)
    subject = Tenant(code, limits=limits)
    fits = pages <= 200
    assert subject.run().used == 3 + pages * fits
    assert subject.run().used == 3 + pages * (2 * pages <= 200)


@pytest.mark.parametrize("elements", [1, 128, 129, 600])
@pytest.mark.clause("TC-RT-22")
def test_elements_that_are_grown_are_charged_however_many(elements: int) -> None:
    code = loop(f"(table.grow (ref.null func) (i32.const {elements}))", "(table 1 funcref)")
    limits = RuntimeLimits(table_elements=700)
    subject = Tenant(code, limits=limits)
    assert subject.run().used == 4 + elements
    assert subject.run().used == 4 + elements * (2 * elements < 700)


OPERANDS = {
    "constant": "(i32.const {by})",
    "local": "(local.get $by)",
    "tee": "(local.tee $by (i32.const {by}))",
    "global": "(global.get $by)",
    "sum": "(i32.add (i32.const {by}) (i32.const 0))",
    "load": "(i32.load (i32.const 64))",
    "block": "(block (result i32) (i32.const {by}))",
    "loop": "(loop (result i32) (i32.const {by}))",
    "select": "(select (i32.const {by}) (local.get $by) (i32.const 1))",
}


@pytest.mark.parametrize("by", [1, 2, 50, 128, 129, 1000, -1])
@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("kind", ["memory", "table", "externref table"])
@pytest.mark.clause("TC-RT-22")
def test_a_grow_that_fails_costs_the_same_wherever_its_operand_comes_from(
    kind: str, operand: str, by: int
) -> None:
    reference = "extern" if "extern" in kind else "func"
    first = "" if kind == "memory" else f"(ref.null {reference}) "
    name = kind.rsplit(maxsplit=1)[-1]

    def used(grown: int) -> int | None:
        text = OPERANDS[operand].format(by=grown)
        code = loop(
            f"(local $by i32) (local.set $by (i32.const {grown}))"
            f" (i32.store (i32.const 64) (i32.const {grown})) ({name}.grow {first}{text})",
            f"(table 1 1 {reference}ref) (global $by i32 (i32.const {grown}))",
            memory="1 1",
        )
        subject = Tenant(code)
        run = subject.run()
        assert isinstance(run.outcome, Completed)
        assert run.outcome.value == (1 if grown == 0 else -1)
        return run.used

    assert used(by) == used(0)


@pytest.mark.clause("TC-RT-11")
def test_what_free_instructions_cost_is_nothing() -> None:
    plain = Tenant(loop("i32.const 0")).run().used
    free = "nop (block nop) (loop nop) (block (br_if 0 (i32.const 0)) nop)"
    assert plain == 2  # the entry of the function and the constant
    assert Tenant(loop(f"{free} i32.const 0")).run().used == plain + 2


@pytest.mark.parametrize("examples", [100, pytest.param(2_000, marks=pytest.mark.long)])
def test_generated_programs_run_as_on_wasmtime(examples: int) -> None:
    @settings(max_examples=examples)
    # By itself wasmtime charges for a grow that fails too where it sees a constant.
    @given(programs(opaque_grows=True))
    def check(code: bytes) -> None:
        same_as_wasmtime(code)

    check()


def same_as_wasmtime(code: bytes) -> None:
    reference = Reference(code, fuel=20_000)
    try:
        expected = reference.run(Hook.LOOP)
    except OutOfFuel:
        assume(False)
    subject = Tenant(code)
    found = subject.run()
    assert found.outcome == expected.outcome
    assert subject.memory() == reference.memory()
    assert subject.natives.calls == reference.natives.calls
    if isinstance(found.outcome, Completed):  # wasmtime loses count when it traps
        assert found.used == expected.used


# Preemption


def used(run: Run) -> int | None:
    """What a hook was charged, where the engine counts it."""
    counted = isinstance(run.outcome, Completed) or Ability.COUNTED_TRAPS in abilities(current())
    return run.used if counted else None


def same_with_every_budget(code: bytes, longest_unit: int, cost: int = 0) -> None:
    whole = Tenant(code, cost=cost)
    whole.natives.incoming = b"wxyz"
    expected = [whole.run(hook) for hook in ENDING]
    for budget in BUDGETS:
        subject = Tenant(code, cost=cost)
        subject.natives.incoming = b"wxyz"
        found = [subject.run(hook, budget) for hook in ENDING]
        assert [run.outcome for run in found] == [run.outcome for run in expected]
        assert [used(run) for run in found] == [used(run) for run in expected]
        assert subject.natives.calls == whole.natives.calls
        assert subject.memory() == whole.memory()
        for run in found:
            assert run.turns <= 1 + run.used // budget
            assert run.overrun < longest_unit + cost


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_give_the_same_with_every_budget(name: str) -> None:
    sample = SAMPLES[name]
    same_with_every_budget(sample.code, sample.longest_unit)


def test_calls_that_cost_something_give_the_same_with_every_budget() -> None:
    for name in ("natives", "a native through the table"):
        same_with_every_budget(SAMPLES[name].code, LONGEST_LINE, cost=100)


@pytest.mark.parametrize("examples", [15, pytest.param(500, marks=pytest.mark.long)])
@pytest.mark.clause("TC-RT-03")
def test_generated_programs_give_the_same_with_every_budget(examples: int) -> None:
    @settings(max_examples=examples)
    @given(programs())
    def check(code: bytes) -> None:
        same_with_every_budget(code, LONGEST_BULK, cost=3)

    check()


def test_a_turn_ends_where_the_budget_does() -> None:
    subject = Tenant(loop("(local i32) (loop (local.set 0 (i32.const 1)) br 0) i32.const 0"))
    subject.instance.begin(Hook.LOOP)
    for budget in (1, 3, 10, 100):
        assert subject.turn(budget) == Preempted()
        assert -3 < subject.meter.left <= 0


def test_a_hook_that_needs_exactly_its_budget_completes() -> None:
    assert Tenant(build()).run(budget=2).turns == 1
    subject = Tenant(loop("(block) (block) i32.const 0"))
    assert subject.run(budget=2).turns == 1
    assert subject.run(budget=1).turns == 2


def test_a_turn_without_a_budget_runs_nothing() -> None:
    subject = Tenant(loop("(drop (call $heartbeat)) i32.const 0", uses=("heartbeat",)))
    subject.instance.begin(Hook.LOOP)
    for nothing in (0, -5):
        subject.meter.left = nothing
        assert subject.instance.resume() == Preempted()
        assert subject.meter.left == nothing
    assert subject.natives.calls == []


# Units


@pytest.mark.parametrize("name", STRAIGHT)
@pytest.mark.parametrize("budget", [1, 5, 63, 64, 65])
def test_a_straight_line_goes_beyond_the_budget_by_one_unit_at_most(name: str, budget: int) -> None:
    run = Tenant(STRAIGHT[name].code).run(budget=budget)
    assert isinstance(run.outcome, Completed)
    assert run.overrun <= LONGEST_LINE
    assert run.turns >= run.used // (budget + LONGEST_LINE)


@pytest.mark.clause("TC-SCHED-13")
def test_a_line_of_sixty_four_is_one_unit_and_sixty_five_are_two() -> None:
    # The entry of a function is charged with the call, in front of its first line.
    line = "i32.const 0 " + "i32.eqz " * 63
    assert Tenant(loop(line)).run(budget=2).turns == 1
    two = Tenant(loop(line + "i32.eqz"))
    two.instance.begin(Hook.LOOP)
    lefts = []
    for _ in range(3):
        outcome = two.turn(1)
        lefts.append(two.meter.left)
    assert outcome == Completed()
    assert lefts == [0, 1 - 64, 0]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("(memory.fill (i32.const 0) (i32.const 1) (i32.const 5000))", 5001),
        ("(memory.copy (i32.const 0) (i32.const 9) (i32.const 700))", 701),
        ("(memory.init $d (i32.const 0) (i32.const 0) (i32.const 3))", 4),
        ("(table.fill (i32.const 0) (ref.null func) (i32.const 90))", 91),
        ("(table.copy (i32.const 0) (i32.const 1) (i32.const 80))", 81),
        ("(table.init $e (i32.const 0) (i32.const 0) (i32.const 2))", 3),
        ("(drop (memory.grow (i32.const 1)))", 2),
        ("(drop (table.grow (ref.null func) (i32.const 70)))", 71),
    ],
)
def test_a_bulk_operation_is_a_unit_of_its_own(text: str, unit: int) -> None:
    code = loop(
        f"(block) {text} i32.const 0",
        '(data $d "abc") (table 100 170 funcref) (elem $e func $f $f) (func $f)',
        memory="0 1" if "memory.grow" in text else "1",
    )
    subject = Tenant(code)
    subject.instance.begin(Hook.LOOP)
    lefts = []
    for _ in range(20):
        if subject.turn(1) == Completed():
            break
        lefts.append(subject.meter.left)
    assert 1 - unit in lefts
    assert min(lefts) >= 1 - max(unit, 4)


def test_a_native_call_is_a_unit_and_the_container_stops_behind_it() -> None:
    subject = Tenant(
        loop("(drop (call $heartbeat)) (call $heartbeat)", uses=("heartbeat",)), cost=100
    )
    subject.instance.begin(Hook.LOOP)
    assert subject.turn(50) == Preempted()
    assert subject.natives.calls == [("heartbeat",)]
    assert subject.meter.left == 50 - 2 - 100
    assert subject.turn(1) == Completed()
    assert subject.natives.calls == [("heartbeat",)] * 2
    assert subject.charged == 3 + 200


def test_a_call_ends_its_line() -> None:
    subject = Tenant(
        loop("(call $f) (call $f) (call $f) i32.const 0", "(func $f (drop (i32.const 1)))")
    )
    assert subject.run(budget=1).turns == 8


def test_a_call_through_the_table_is_a_unit_of_its_own() -> None:
    subject = Tenant(
        loop(
            "(call_indirect (i32.const 0)) i32.const 0",
            "(table 1 funcref) (elem (i32.const 0) $f) (func $f)",
        )
    )
    run = subject.run(budget=1)
    assert (run.used, run.turns, run.overrun) == (5, 4, 1)


@pytest.mark.parametrize("budget", BUDGETS[:-1])
@pytest.mark.clause("TC-SCHED-18")
def test_every_budget_makes_progress(budget: int) -> None:
    subject = Tenant(loop("(loop br 0) i32.const 0"))
    subject.instance.begin(Hook.LOOP)
    charged = [subject.charged]
    for _ in range(20):
        assert subject.turn(budget) == Preempted()
        charged.append(subject.charged)
    assert all(later - earlier >= budget for earlier, later in pairwise(charged))
