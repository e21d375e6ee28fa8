"""Every kind of trap on pywasm has wasmtime's name, and leaves nothing behind."""

import pytest
from support.engines import abilities, current
from support.wasm.modules import PAGE, Tenant, container, loop
from support.wasm.reference import Reference

from tinycontainer.interfaces.runtime import Ability, Completed, Hook, Trapped
from tinycontainer_runtimes.wasm.traps import TrapCode, WasmTrap

pytestmark = pytest.mark.usefixtures("engine")

I32_MIN, I64_MIN = -(2**31), -(2**63)
TABLE = """(table 4 funcref) (elem (i32.const 0) $none $other $one) (elem $e func $none $none)
    (data $d "abc") (type $none (func)) (type $one (func (param i32) (result i32)))
    (func $none (type $none)) (func $other (result i32) (i32.const 1))
    (func $one (type $one) (local.get 0))"""

UNREACHABLE = ["unreachable", "(block unreachable)", "(loop (br_if 0 (i32.const 0)) unreachable)"]

ACCESSES = [
    *(
        f"(drop ({kind} (i32.const {address})))"
        for kind in ("i32.load", "i64.load", "f32.load", "f64.load", "i64.load32_u")
        for address in (PAGE - 3, PAGE, -1, 2**31)
    ),
    f"(drop (i32.load8_s (i32.const {PAGE})))",
    f"(drop (i32.load16_u (i32.const {PAGE - 1})))",
    f"(drop (i32.load8_u offset={PAGE} (i32.const 0)))",
    "(drop (i32.load8_u offset=4294967295 (i32.const -1)))",
    "(drop (i32.load offset=4294967295 (i32.const 4)))",
    f"(i32.store (i32.const {PAGE - 3}) (i32.const 0))",
    f"(i64.store (i32.const {PAGE - 7}) (i64.const 0))",
    f"(i32.store8 (i32.const {PAGE}) (i32.const 0))",
    f"(i64.store16 (i32.const {PAGE - 1}) (i64.const 0))",
    f"(f64.store (i32.const {PAGE - 7}) (f64.const 0))",
    "(f32.store (i32.const -4) (f32.const 0))",
]


def three(first: int, second: int, third: int) -> str:
    return f"(i32.const {first}) (i32.const {second}) (i32.const {third})"


BULK_MEMORY = [
    f"(memory.fill {three(0, 0, PAGE + 1)})",
    f"(memory.fill {three(PAGE, 0, 1)})",
    f"(memory.fill {three(PAGE + 1, 0, 0)})",
    f"(memory.fill {three(-1, 0, -1)})",
    f"(memory.copy {three(0, 1, PAGE)})",
    f"(memory.copy {three(1, 0, PAGE)})",
    f"(memory.copy {three(PAGE + 1, 0, 0)})",
    f"(memory.copy {three(0, PAGE + 1, 0)})",
    f"(memory.init $d {three(0, 0, 4)})",
    f"(memory.init $d {three(0, 3, 1)})",
    f"(memory.init $d {three(0, 4, 0)})",
    f"(memory.init $d {three(PAGE - 2, 0, 3)})",
    f"(memory.init $d {three(0, 0, -1)})",
    f"(data.drop $d) (memory.init $d {three(0, 0, 1)})",
]

TABLES = [
    "(drop (table.get (i32.const 4)))",
    "(drop (table.get (i32.const -1)))",
    "(table.set (i32.const 4) (ref.null func))",
    "(table.fill (i32.const 3) (ref.null func) (i32.const 2))",
    "(table.fill (i32.const 5) (ref.null func) (i32.const 0))",
    "(table.fill (i32.const 0) (ref.null func) (i32.const -1))",
    f"(table.copy {three(0, 0, 5)})",
    f"(table.copy {three(5, 0, 0)})",
    f"(table.init $e {three(0, 0, 3)})",
    f"(table.init $e {three(3, 0, 2)})",
    f"(table.init $e {three(0, 3, 0)})",
    f"(elem.drop $e) (table.init $e {three(0, 0, 1)})",
    "(call_indirect (i32.const 4))",
    "(call_indirect (i32.const -1))",
]

INDIRECT = {
    "(call_indirect (type $none) (i32.const 3))": TrapCode.INDIRECT_CALL_TO_NULL,
    "(table.set (i32.const 0) (ref.null func)) (call_indirect (i32.const 0))": (
        TrapCode.INDIRECT_CALL_TO_NULL
    ),
    "(call_indirect (type $none) (i32.const 1))": TrapCode.BAD_SIGNATURE,
    "(drop (call_indirect (type $one) (i32.const 7) (i32.const 0)))": TrapCode.BAD_SIGNATURE,
    "(drop (call_indirect (result i64) (i32.const 1)))": TrapCode.BAD_SIGNATURE,
    "(drop (call_indirect (param i64) (result i32) (i64.const 0) (i32.const 2)))": (
        TrapCode.BAD_SIGNATURE
    ),
}

DIVISIONS = [
    f"(drop ({kind}.{operation} ({kind}.const {value}) ({kind}.const 0)))"
    for kind, lowest in (("i32", I32_MIN), ("i64", I64_MIN))
    for operation in ("div_s", "div_u", "rem_s", "rem_u")
    for value in (0, 1, -1, lowest)
]

OVERFLOWS = [
    f"(drop (i32.div_s (i32.const {I32_MIN}) (i32.const -1)))",
    f"(drop (i64.div_s (i64.const {I64_MIN}) (i64.const -1)))",
]

_BEYOND = {
    "i32.trunc_f32_s": ("2147483648", "-2147483904"),
    "i32.trunc_f32_u": ("4294967296", "-1"),
    "i32.trunc_f64_s": ("2147483648", "-2147483649"),
    "i32.trunc_f64_u": ("4294967296", "-1", "1e300"),
    "i64.trunc_f32_s": ("9223372036854775808", "-9223373136366403584"),
    "i64.trunc_f32_u": ("18446744073709551616", "-1"),
    "i64.trunc_f64_s": ("9223372036854775808", "-9223372036854777856"),
    "i64.trunc_f64_u": ("18446744073709551616", "-1", "-1e300"),
}
BEYOND = [
    f"(drop ({operation} ({operation[10:13]}.const {value})))"
    for operation, values in _BEYOND.items()
    for value in (*values, "inf", "-inf")
]
NOT_A_NUMBER = [
    f"(drop ({operation} ({operation[10:13]}.const {value})))"
    for operation in _BEYOND
    for value in ("nan", "-nan", "nan:0x1")
]

RECURSION = ["(call $again)", "(call $ping (i32.const 1))", "(call $through)"]
RECURSIVE = """(func $again (call $again)) (func $through (call_indirect (i32.const 0)))
    (func $ping (param i32) (call $pong (local.get 0) (i64.const 0)))
    (func $pong (param i32 i64) (block (block (call $ping (local.get 0)))))
    (table 1 funcref) (elem (i32.const 0) $through)"""

TRAPS: list[tuple[str, str, TrapCode]] = [
    *((text, "", TrapCode.UNREACHABLE) for text in UNREACHABLE),
    *((text, "", TrapCode.MEMORY_OUT_OF_BOUNDS) for text in ACCESSES),
    *((text, TABLE, TrapCode.MEMORY_OUT_OF_BOUNDS) for text in BULK_MEMORY),
    *((text, TABLE, TrapCode.TABLE_OUT_OF_BOUNDS) for text in TABLES),
    *((text, TABLE, code) for text, code in INDIRECT.items()),
    *((text, "", TrapCode.INTEGER_DIVISION_BY_ZERO) for text in DIVISIONS),
    *((text, "", TrapCode.INTEGER_OVERFLOW) for text in (*OVERFLOWS, *BEYOND)),
    *((text, "", TrapCode.BAD_CONVERSION_TO_INTEGER) for text in NOT_A_NUMBER),
    *((text, RECURSIVE, TrapCode.STACK_OVERFLOW) for text in RECURSION),
]
ONE_OF_EACH = {code: (text, more) for text, more, code in TRAPS}

CALM = """(func (export "stop") (drop (call $heartbeat)) (drop (call $down (i32.const 5))))
    (func $down (param i32) (result i32) (block (result i32) (if (result i32) (local.get 0)
    (then (call $down (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 9)))))"""


def trapping(text: str, more: str) -> bytes:
    """A loop that traps deep within calls, blocks and operands; a stop hook that does not."""
    return loop(
        "i32.const 1 (block (result i32) i32.const 2 (call $deep) (drop (call $heartbeat))) drop",
        f"(func $deep (local i64) i32.const 3 (loop (block {text})) drop"
        f" (drop (call $heartbeat))) {CALM} {more}",
        uses=("heartbeat",),
    )


@pytest.mark.parametrize(("text", "more", "code"), TRAPS)
@pytest.mark.clause("TC-RT-14", "TC-RT-27")
def test_a_trap_has_wasmtimes_name_and_place(text: str, more: str, code: TrapCode) -> None:
    source = trapping(text, more)
    subject, reference = Tenant(source), Reference(source)
    outcome = subject.run().outcome
    expected = reference.run(Hook.LOOP).outcome
    assert isinstance(outcome, Trapped)
    assert isinstance(expected, Trapped)
    assert (outcome.code, outcome.detail) == (expected.code, "") == (code, "")
    assert code is TrapCode.STACK_OVERFLOW or outcome.frames == expected.frames != ()
    assert subject.memory() == reference.memory()
    assert subject.natives.calls == reference.natives.calls == []


@pytest.mark.parametrize("code", ONE_OF_EACH)
@pytest.mark.parametrize("budget", [1, 4])
@pytest.mark.clause("TC-RT-23")
def test_a_trap_is_the_same_after_preemption(code: TrapCode, budget: int) -> None:
    source = trapping(*ONE_OF_EACH[code])
    whole, sliced = Tenant(source).run(), Tenant(source).run(budget=budget)
    assert sliced.turns > 1
    assert sliced.outcome == whole.outcome
    if Ability.COUNTED_TRAPS in abilities(current()):
        assert sliced.used == whole.used


@pytest.mark.parametrize("code", ONE_OF_EACH)
def test_the_hook_behind_a_trap_begins_clean(code: TrapCode) -> None:
    source = trapping(*ONE_OF_EACH[code])
    subject, fresh = Tenant(source), Tenant(source)
    expected = fresh.run(Hook.STOP)
    assert expected.outcome == Completed()
    for _ in range(3):
        assert subject.trap() == code
        assert subject.natives.calls == []
        assert subject.run(Hook.STOP) == expected
        assert subject.natives.calls == [("heartbeat",)]
        subject.natives.calls.clear()


@pytest.mark.parametrize("code", ONE_OF_EACH)
def test_a_trapped_hook_does_not_go_on(code: TrapCode) -> None:
    subject = Tenant(trapping(*ONE_OF_EACH[code]))
    subject.trap()
    charged = subject.charged
    assert subject.turn() == Completed()
    assert subject.charged == charged
    assert subject.natives.calls == []


def test_what_was_done_before_a_trap_stays_done() -> None:
    subject = Tenant(loop("(i32.store (i32.const 0) (i32.const 65)) unreachable"))
    assert subject.trap() == "unreachable"
    assert subject.instance.load(0, 2) == b"A\0"


@pytest.mark.parametrize(
    "text", ["(memory.fill (i32.const 65530) (i32.const 1) (i32.const 7))", BULK_MEMORY[4]]
)
def test_a_bulk_operation_that_traps_does_nothing(text: str) -> None:
    subject = Tenant(loop(f"{text} i32.const 0", '(data (i32.const 0) "abc")'))
    before = subject.memory()
    assert subject.trap() == "memory-out-of-bounds"
    assert subject.memory() == before


def test_a_bulk_operation_that_traps_is_charged_for_no_more_than_memory_holds() -> None:
    subject = Tenant(loop("(memory.fill (i32.const 1) (i32.const 1) (i32.const -1)) i32.const 0"))
    run = subject.run()
    assert isinstance(run.outcome, Trapped)
    assert run.used <= PAGE + 8


def test_a_trap_in_the_start_function_is_one_of_the_start_hook() -> None:
    subject = Tenant(
        container(
            "(func $s (call $logger (i32.const 0)) unreachable) (start $s)"
            ' (func (export "start") (drop (call $heartbeat)))'
            ' (func (export "loop") (result i32) i32.const 7)',
            uses=("heartbeat", "logger"),
        )
    )
    assert subject.trap(Hook.START) == "unreachable"
    assert subject.natives.calls == [("log", b"")]
    assert subject.loop() == 7
    assert subject.natives.calls == [("log", b"")]
    assert subject.trap(Hook.START) == "unreachable"


def test_a_trap_in_the_stop_hook() -> None:
    subject = Tenant(loop("i32.const 0", '(func (export "stop") unreachable)'))
    assert subject.trap(Hook.STOP) == "unreachable"
    assert subject.loop() == 0


def test_codes_and_their_errors_carry_their_reasons() -> None:
    error = WasmTrap(TrapCode.ENGINE, "more")
    assert (error.code, error.detail) == (TrapCode.ENGINE, "more")
    assert {code for _, _, code in TRAPS} == set(TrapCode) - {
        TrapCode.NATIVE_POINTER,
        TrapCode.OUT_OF_FUEL,
        TrapCode.ENGINE,
    }
