"""Hooks, the start function, instances and their state, on every engine."""

import pytest
from support.engines import make_runtime
from support.wasm.corpus import SAMPLES
from support.wasm.modules import PAGE, Tenant, build, container, loop
from support.wasm.reference import Reference

from tinycontainer.errors import CreationError
from tinycontainer.interfaces.runtime import Completed, Hook, Preempted, RuntimeLimits

pytestmark = pytest.mark.usefixtures("engine")

HOOKS = container(
    '(func (export "start") (call $logger (i32.const 0)))'
    ' (func (export "loop") (result i32) (drop (call $heartbeat)) (i32.const 5))'
    ' (func (export "stop") (drop (call $close (i32.const 3))))',
    uses=("heartbeat", "close", "logger"),
)
ENDLESS = "(loop br 0)"


def counting() -> bytes:
    """Each loop adds to a global and to memory, and returns the sum of both."""
    return loop(
        "(block) (global.set $n (i32.add (global.get $n) (i32.const 1)))"
        " (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 100)))"
        " (i32.add (global.get $n) (i32.load (i32.const 8)))",
        "(global $n (mut i32) (i32.const 0))",
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_give_wasmtimes_results(name: str) -> None:
    code = SAMPLES[name].code
    subject, reference = Tenant(code), Reference(code)
    subject.natives.incoming = reference.natives.incoming = b"wxyz"
    for hook in (Hook.START, Hook.LOOP, Hook.LOOP, Hook.STOP):
        assert subject.run(hook).outcome == reference.run(hook).outcome
        assert subject.memory() == reference.memory()
    assert subject.natives.calls == reference.natives.calls


# Hooks


@pytest.mark.clause("TC-RT-07")
def test_each_hook_runs_its_export() -> None:
    subject = Tenant(HOOKS)
    for hook, value, calls in (
        (Hook.START, 0, [("log", b"")]),
        (Hook.LOOP, 5, [("heartbeat",)]),
        (Hook.STOP, 0, [("close", 3)]),
    ):
        subject.natives.calls.clear()
        assert subject.run(hook).outcome == Completed(value)
        assert subject.natives.calls == calls


@pytest.mark.parametrize("hook", [Hook.START, Hook.STOP])
@pytest.mark.clause("TC-RT-02")
def test_a_hook_that_is_not_exported_completes_at_once_and_costs_nothing(hook: Hook) -> None:
    subject = Tenant(build())
    assert subject.run(hook) == subject.run(hook)
    assert subject.run(hook).outcome == Completed()
    assert subject.charged == 0


@pytest.mark.parametrize("value", [0, 1, -1, 2**31 - 1, -(2**31)])
def test_what_a_loop_returns_is_signed(value: int) -> None:
    assert Tenant(loop(f"i32.const {value}")).loop() == value


def test_globals_and_memory_last_from_hook_to_hook() -> None:
    subject = Tenant(counting())
    assert [subject.loop() for _ in range(3)] == [101, 202, 303]


def test_a_hook_can_be_resumed_when_it_is_over() -> None:
    subject = Tenant(loop("i32.const 4"))
    assert subject.loop() == 4
    charged = subject.charged
    assert isinstance(subject.turn(), Completed)
    assert subject.charged == charged


def test_no_value_is_left_from_one_hook_to_the_next() -> None:
    subject = Tenant(loop("i32.const 1 i32.const 2 i32.const 3 return"))
    used = [subject.run().used for _ in range(50)]
    assert set(used) == {4}


# The start function

STARTING = (
    '(func $s (call $logger (i32.const 0))) (start $s) (data (i32.const 0) "begun\\00")'
    ' (func (export "loop") (result i32) i32.const 0)'
)


def test_create_runs_nothing_and_charges_nothing() -> None:
    subject = Tenant(container(STARTING, uses=("logger",)))
    assert subject.natives.calls == []
    assert (subject.charged, subject.meter.left) == (0, 0)


@pytest.mark.clause("TC-RT-08")
def test_the_start_function_runs_in_the_start_hook_only() -> None:
    subject = Tenant(container(STARTING, uses=("logger",)))
    subject.loop()
    assert subject.natives.calls == []
    assert subject.run(Hook.START).outcome == Completed()
    assert subject.natives.calls == [("log", b"begun")]
    subject.run(Hook.STOP)
    subject.loop()
    assert subject.natives.calls == [("log", b"begun")]


def test_the_start_function_runs_before_the_exported_one() -> None:
    export = '(func (export "start") (drop (call $heartbeat)))'
    subject = Tenant(container(STARTING + export, uses=("logger", "heartbeat")))
    subject.run(Hook.START, budget=1)
    assert subject.natives.calls == [("log", b"begun"), ("heartbeat",)]


# Segments


def test_segments_are_placed_when_an_instance_is_made() -> None:
    subject = Tenant(
        loop(
            "(call_indirect (result i32) (i32.const 1))",
            '(data (i32.const 4) "ab") (data (i32.const 5) "cd") (data "never placed")'
            " (table 3 funcref) (elem (i32.const 0) $one $one) (elem (i32.const 1) $two)"
            " (func $one (result i32) i32.const 1) (func $two (result i32) i32.const 2)",
        )
    )
    assert subject.instance.load(3, 5) == b"\0acd\0"
    assert subject.loop() == 2


FITTING = [
    f'(data (i32.const {PAGE}) "")',
    f'(data (i32.const {PAGE - 2}) "ab")',
    "(table 1 funcref) (elem (i32.const 1))",
    "(table 1 funcref) (elem (i32.const 0) $f) (func $f)",
]


@pytest.mark.parametrize("text", FITTING)
def test_a_segment_at_the_very_end_fits(text: str) -> None:
    assert Tenant(loop("i32.const 0", text)).loop() == 0


@pytest.mark.parametrize(
    "text",
    [
        f'(data (i32.const {PAGE + 1}) "")',
        f'(data (i32.const {PAGE - 1}) "ab")',
        '(data (i32.const -1) "a")',
        '(data (i32.const 0) "fits") (data (i32.const 65536) "a")',
    ],
)
def test_a_data_segment_outside_of_memory_is_a_creation_error(text: str) -> None:
    with pytest.raises(CreationError, match="memory-out-of-bounds"):
        Tenant(loop("i32.const 0", text))


@pytest.mark.parametrize("segment", ["(i32.const 2)", "(i32.const 1) $f", "(i32.const -1) $f"])
def test_an_element_segment_outside_of_the_table_is_one_too(segment: str) -> None:
    with pytest.raises(CreationError, match=r"table-out-of-bounds"):
        Tenant(loop("i32.const 0", f"(table 1 funcref) (func $f) (elem {segment})"))


# Instances


@pytest.mark.clause("TC-RT-05")
def test_one_code_created_twice_has_its_data_in_both() -> None:
    code = loop(
        "(memory.init $late (i32.const 8) (i32.const 0) (i32.const 4)) data.drop $late"
        " (i32.load (i32.const 8))",
        '(data (i32.const 0) "active") (data $late "late")',
    )
    runtime = make_runtime()
    tenants = [Tenant(code, runtime=runtime) for _ in range(3)]
    for subject in tenants:
        assert subject.instance.load(0, 6) == b"active"
        assert subject.loop() == int.from_bytes(b"late", "little")


@pytest.mark.clause("TC-RT-05")
def test_instances_share_nothing() -> None:
    code, runtime = counting(), make_runtime()
    first, second = Tenant(code, runtime=runtime), Tenant(code, runtime=runtime)
    first.instance.begin(Hook.LOOP)
    second.instance.begin(Hook.LOOP)
    assert first.turn(1) == second.turn(1) == Preempted()
    assert first.turn() == Completed(101)
    assert first.loop() == 202
    assert second.turn() == Completed(101)
    assert (first.charged, second.charged) == (2 * second.charged, second.charged)


def test_instances_of_one_runtime_have_tables_of_their_own() -> None:
    code = loop(
        "(table.size) (drop (table.grow (ref.null func) (i32.const 2)))",
        "(table 1 9 funcref)",
    )
    first, second = Tenant(code), Tenant(code)
    assert [first.loop(), first.loop(), second.loop()] == [1, 3, 1]


# abort, begin, finalize


@pytest.mark.clause("TC-RT-04")
def test_an_aborted_hook_does_not_go_on() -> None:
    subject = Tenant(HOOKS)
    subject.instance.begin(Hook.LOOP)
    assert subject.turn(1) == Preempted()
    subject.natives.calls.clear()
    subject.instance.abort()
    assert subject.turn() == Completed()
    assert subject.natives.calls == []


@pytest.mark.parametrize("abort", [True, False], ids=["abort", "begin"])
@pytest.mark.clause("TC-RT-04")
def test_the_next_hook_begins_clean(abort: bool) -> None:
    inner = f"i32.const 1 i32.const 2 (block (result i32) (call $f) i32.const 3 {ENDLESS})"
    code = loop(f"{inner} i32.add i32.add", '(func $f) (func (export "stop") (nop))')
    subject, fresh = Tenant(code), Tenant(code)
    subject.instance.begin(Hook.LOOP)
    for _ in range(5):
        assert subject.turn(3) == Preempted()
    if abort:
        subject.instance.abort()
    assert subject.run(Hook.STOP) == fresh.run(Hook.STOP)


def test_a_start_hook_that_is_dropped_forgets_its_second_half() -> None:
    subject = Tenant(
        container(
            f"(start $s) (func $s {ENDLESS})"
            ' (func (export "start") (drop (call $heartbeat)))'
            ' (func (export "loop") (result i32) i32.const 6)',
            uses=("heartbeat",),
        )
    )
    subject.instance.begin(Hook.START)
    assert subject.turn(10) == Preempted()
    assert subject.run().outcome == Completed(6)
    assert subject.natives.calls == []


def test_abort_takes_what_is_there() -> None:
    subject = Tenant(build())
    subject.instance.abort()
    subject.instance.abort()
    assert subject.loop() == 0


def test_finalize_drops_the_hook_in_progress() -> None:
    subject = Tenant(HOOKS)
    subject.instance.begin(Hook.LOOP)
    subject.instance.finalize()
    assert subject.turn() == Completed()
    assert subject.natives.calls == []
    subject.instance.finalize()


def test_begin_runs_nothing() -> None:
    subject = Tenant(HOOKS)
    for hook in Hook:
        subject.instance.begin(hook)
    assert subject.natives.calls == []
    assert subject.charged == 0


# Limits at run time


@pytest.mark.parametrize("memory", ["0", "0 3", "1", "1 3"])
@pytest.mark.clause("TC-RT-10")
def test_memory_grows_to_its_maximum_or_to_the_profile(memory: str) -> None:
    subject = Tenant(
        loop("(memory.grow (i32.const 1))", memory=memory), limits=RuntimeLimits(memory_pages=3)
    )
    first = int(memory[0])
    grown = [*range(first, 3), -1, -1]
    assert [subject.loop() for _ in grown] == grown
    assert subject.instance.size() == 3 * PAGE


def test_a_smaller_maximum_holds() -> None:
    subject = Tenant(
        loop("(memory.grow (i32.const 1))", memory="1 2"), limits=RuntimeLimits(memory_pages=3)
    )
    assert [subject.loop(), subject.loop()] == [1, -1]


@pytest.mark.parametrize(("table", "room"), [("0", 4), ("2", 2), ("0 3", 3)])
def test_a_table_grows_to_its_maximum_or_to_the_profile(table: str, room: int) -> None:
    subject = Tenant(
        loop("(table.grow (ref.null func) (i32.const 1))", f"(table {table} funcref)"),
        limits=RuntimeLimits(table_elements=4),
    )
    assert [subject.loop() >= 0 for _ in range(room + 2)] == [True] * room + [False] * 2


@pytest.mark.parametrize("memory", ["1 4", "1 17", "1 65536"])
@pytest.mark.clause("TC-RT-10")
def test_a_larger_maximum_of_memory_is_accepted_and_growth_ends_at_the_devices_limit(
    memory: str,
) -> None:
    subject = Tenant(
        loop("(memory.grow (i32.const 1))", memory=memory), limits=RuntimeLimits(memory_pages=3)
    )
    assert [subject.loop() for _ in range(4)] == [1, 2, -1, -1]
    assert subject.instance.size() == 3 * PAGE


@pytest.mark.parametrize("table", ["1 5", "1 1025", "1 0xffffffff"])
@pytest.mark.clause("TC-RT-10")
def test_a_larger_maximum_of_a_table_is_accepted_and_growth_ends_at_the_devices_limit(
    table: str,
) -> None:
    subject = Tenant(
        loop("(table.grow (ref.null func) (i32.const 1))", f"(table {table} funcref)"),
        limits=RuntimeLimits(table_elements=4),
    )
    assert [subject.loop() for _ in range(5)] == [1, 2, 3, -1, -1]


@pytest.mark.clause("TC-RT-10")
def test_a_maximum_of_0_lets_nothing_grow() -> None:
    grow = "(memory.grow (local.get $n)) (table.grow (ref.null func) (local.get $n))"
    for n, expected in ((0, 0), (1, -2), (-1, -2)):
        code = loop(
            f"(local $n i32) (local.set $n (i32.const {n})) {grow} i32.add",
            "(table 0 0 funcref)",
            memory="0 0",
        )
        subject = Tenant(code)
        assert [subject.loop(), subject.loop()] == [expected] * 2
        assert subject.instance.size() == 0


def test_local_variables_are_zero_at_every_call_whatever_earlier_calls_did() -> None:
    change = (
        "(local.set 1 (i32.add (local.get 1) (i32.const 7)))"
        " (local.set 2 (i64.add (local.get 2) (i64.const 1)))"
        " (local.set 4 (f32.sub (local.get 4) (f32.const 2)))"
    )
    total = (
        "(i32.add (i32.add (local.get 0) (i32.add (local.get 1) (local.get 3)))"
        " (i32.add (i32.wrap_i64 (local.get 2)) (i32.trunc_f32_s (local.get 4))))"
    )
    subject = Tenant(
        loop(
            "(i32.add (call $f (i32.const 100)) (call $f (i32.const 200)))",
            f"(func $f (param i32) (result i32) (local i32 i64 i32 f32) {change} {total})",
        )
    )
    for _ in range(2):
        assert subject.run().outcome == Completed(100 + 200 + 2 * (7 + 1 - 2))


@pytest.mark.parametrize(
    ("begin", "value", "size"),
    [
        (0, 1, 0),
        (0, 1, 1),
        (5, 0x1FF, 9),
        (7, -2, 3),
        (PAGE, 3, 0),
        (PAGE - 4, 3, 4),
        (0, 9, PAGE),
    ],
)
def test_memory_fill_changes_the_bytes_of_its_range_and_no_other(
    begin: int, value: int, size: int
) -> None:
    fill = f"(memory.fill (i32.const {begin}) (i32.const {value}) (i32.const {size}))"
    subject = Tenant(loop(f"(i32.const 41) {fill}", '(data (i32.const 0) "abcdefghijklmnop")'))
    expected = bytearray(b"abcdefghijklmnop".ljust(PAGE, b"\0"))
    expected[begin : begin + size] = bytes([value & 0xFF]) * size
    assert subject.run().outcome == Completed(41)
    assert subject.instance.load(0, PAGE) == bytes(expected)
