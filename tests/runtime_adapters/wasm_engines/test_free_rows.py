"""Free instructions in a row: whatever their number they are admitted, and each 64th costs 1."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import ENGINES, running_on
from support.wasm import modules as wasm
from support.wasm.modules import Run, Tenant, loop

from tinycontainer.interfaces.runtime import (
    MAX_BLOCK_DEPTH,
    Completed,
    Hook,
    Preempted,
    RuntimeLimits,
)

BUDGETS = (1, 2, 7, 64, 300)


def on_both(code: bytes, limits: RuntimeLimits | None = None, seed: int = 0) -> Run:
    """What a hook does and uses, which is the same on both engines, turn by turn."""
    tenants = []
    for engine in ENGINES:
        with running_on(engine):
            tenants.append(Tenant(code, limits=limits))
    runs = [tenant.run() for tenant in tenants]
    assert runs[0] == runs[1]
    random = Random(seed)
    for tenant in tenants:
        tenant.instance.begin(Hook.LOOP)
    while True:
        budget = random.choice(BUDGETS)
        ours, theirs = (tenant.turn(budget) for tenant in tenants)
        assert ours == theirs
        assert tenants[0].meter.left == tenants[1].meter.left
        if ours != Preempted():
            assert ours == runs[0].outcome
            return runs[0]


def used(body: str) -> int:
    """Fuel of a hook without its entry and the constant that it returns."""
    return on_both(loop(f"{body} i32.const 0")).used - 2


def switch(cases: int, chosen: int) -> bytes:
    """What a compiler makes of a switch whose every case does something else."""
    labels = " ".join(map(str, range(cases + 1)))
    bodies = "".join(f"end (return (i32.const {number})) " for number in range(cases))
    return loop(
        f"{'block ' * (cases + 1)} (br_table {labels} (i32.const {chosen})) {bodies}"
        " end i32.const -1"
    )


@pytest.mark.parametrize("cases", [199, 257, 400, 1000, MAX_BLOCK_DEPTH - 1])
@pytest.mark.clause("TC-RT-12", "TC-RT-20")
def test_a_switch_of_many_cases_runs_on_a_device_with_the_default_limits(cases: int) -> None:
    for chosen in (0, cases // 2, cases - 1, cases):
        run = on_both(switch(cases, chosen))
        assert run.outcome == Completed(chosen if chosen < cases else -1)
        assert run.used == 4 + (cases + 1) // 64


@pytest.mark.clause("TC-RT-20", "TC-RT-24")
def test_a_switch_of_more_cases_is_refused_by_the_depth_of_its_blocks() -> None:
    reason = wasm.scan_error(switch(MAX_BLOCK_DEPTH, 0))
    assert f"blocks nested {MAX_BLOCK_DEPTH + 1} deep; {MAX_BLOCK_DEPTH} are allowed" in reason


@pytest.mark.parametrize("opener", ["block", "loop", "if"])
@pytest.mark.clause("TC-RT-20")
def test_blocks_run_nested_to_the_bound_on_every_engine(opener: str) -> None:
    def nested(depth: int) -> bytes:
        begin = "i32.const 1 if " if opener == "if" else f"{opener} "
        return loop(begin * depth + "end " * depth + "i32.const 5")

    widest = RuntimeLimits(block_depth=MAX_BLOCK_DEPTH)
    for depth in (300, 500, MAX_BLOCK_DEPTH):
        assert on_both(nested(depth), widest).outcome == Completed(5)
    for engine in ENGINES:
        with running_on(engine), pytest.raises(ValueError, match=f"{MAX_BLOCK_DEPTH} are allowed"):
            Tenant(nested(MAX_BLOCK_DEPTH + 1), limits=widest)


@pytest.mark.parametrize(
    ("count", "cost"), [(63, 0), (64, 1), (127, 1), (128, 2), (250, 3), (257, 4), (60_000, 937)]
)
@pytest.mark.clause("TC-RT-12")
def test_each_sixty_fourth_free_instruction_in_a_row_costs_1(count: int, cost: int) -> None:
    assert used("nop " * count) == cost


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        ("nop " * 63 + "(drop (i32.const 0)) " + "nop " * 62, 1),
        ("(loop " + "nop " * 62 + ")" + "nop " * 63, 1),
        ("(block nop) " * 32, 1),
        ("(block " * 64 + ")" * 64, 1),
        ("(block " * 63 + ")" * 63, 0),
        ("(loop " * 130 + ")" * 130, 2),
    ],
)
@pytest.mark.clause("TC-RT-12")
def test_the_end_of_a_block_is_not_counted_and_ends_no_row(body: str, cost: int) -> None:
    assert used(body) == cost


@pytest.mark.parametrize(
    ("condition", "then", "otherwise", "after", "cost"),
    [
        (1, 40, 0, 24, 1),
        (0, 0, 40, 24, 1),
        (1, 40, 50, 14, 1),  # the longer list counts, whichever runs
        (0, 50, 40, 14, 1),
        (0, 63, 63, 0, 0),
        (1, 64, 63, 0, 1),
    ],
)
@pytest.mark.clause("TC-RT-12")
def test_a_row_goes_through_the_longer_list_of_an_if(
    condition: int, then: int, otherwise: int, after: int, cost: int
) -> None:
    lists = f"(then {'nop ' * then}) (else {'nop ' * otherwise})"
    assert used(f"(if (i32.const {condition}) {lists}) {'nop ' * after}") == 2 + cost
    if not otherwise:
        without = f"(if (i32.const {condition}) (then {'nop ' * then})) {'nop ' * after}"
        assert used(without) == 2 + cost


@pytest.mark.clause("TC-RT-12")
def test_a_loop_of_free_instructions_is_charged_each_time_round() -> None:
    body = "(loop {} (br_if 0 (i32.load (i32.const 0)))) "
    assert used(body.format("nop " * 640)) == used(body.format("")) + 10


def _free_code(random: Random, depth: int = 0) -> str:
    """Rows of free instructions, with blocks, branches out of them, and what nothing reaches."""
    return "".join(_free_part(random, depth) for _ in range(random.randint(1, 5)))


def _free_part(random: Random, depth: int) -> str:
    inner = _free_code(random, depth + 1) if depth < 3 else "nop"
    bit = random.randrange(2)
    many = "nop " * random.choice((1, 30, 63, 64, 65, 200))
    return random.choice(
        (
            many,
            "(drop (i32.const 1))",
            f"(block {inner})",
            f"(loop {inner})",
            f"(if (i32.const {bit}) (then {inner}))",
            f"(if (i32.const {bit}) (then {inner}) (else {many}))",
            f"(if (i32.const {bit}) (then {many}) (else {inner}))",
            f"(block (br_if 0 (i32.const {bit})) {inner})",
            f"(block {inner} (br 0) {many})",
            "(call $twice)",
            "(block " * 70 + ")" * 70,
        )
    )


@pytest.mark.parametrize("examples", [60, pytest.param(2_000, marks=pytest.mark.long)])
@pytest.mark.clause("TC-RT-12", "TC-RT-17")
def test_random_rows_cost_the_same_on_every_engine(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(st.integers(0, 2**32))
    def check(seed: int) -> None:
        random = Random(seed)
        twice = (
            f"(func $twice (local $n i32) (loop {'nop ' * random.randrange(200)} (br_if 0 (i32.eq"
            " (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1)))))"
        )
        code = loop(f"{_free_code(random)} i32.const 7", twice)
        assert on_both(code, seed=seed).outcome == Completed(7)

    check()


@pytest.mark.clause("TC-RT-12")
@pytest.mark.parametrize(("free", "cost"), [(0, 0), (7, 0), (8, 1), (71, 1), (72, 2), (136, 3)])
def test_a_row_that_begins_after_a_call_is_charged_from_its_8th_instruction(
    free: int, cost: int
) -> None:
    for call in ("(call $f)", "(call_indirect (i32.const 0))"):
        code = loop(f"{call} {'nop ' * free} i32.const 0", "(table funcref (elem $f)) (func $f)")
        without = loop(f"{call} i32.const 0", "(table funcref (elem $f)) (func $f)")
        assert on_both(code).used == on_both(without).used + cost


@pytest.mark.clause("TC-RT-12")
def test_many_calls_that_return_one_after_the_other_are_charged_for_what_comes_after_them() -> None:
    """Between two units of fuel an engine executes few instructions, however calls are nested."""
    depth = 200
    call = "(call $f (i32.sub (local.get 0) (i32.const 1)))"

    def used(tail: str) -> int:
        function = f"(func $f (param i32) (if (local.get 0) (then {call})) {tail})"
        return on_both(loop(f"(call $f (i32.const {depth})) i32.const 0", function)).used

    assert used("(block) " * 63) - used("") == depth + 1
