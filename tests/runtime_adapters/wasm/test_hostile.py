"""What untrusted code does to a bare pywasm, tried here within bounds of time and memory."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from support.engines import abilities, current, make_runtime
from support.wasm import modules as wasm
from support.wasm.modules import (
    CODE,
    DATA,
    ELEMENT,
    EXPORT,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    HEADER,
    I32,
    IMPORT,
    MEMORY,
    SMALLEST,
    TABLE,
    TYPE,
    Tenant,
    below,
    body,
    build,
    container,
    export,
    function_type,
    leb,
    loop,
    name,
    section,
    vector,
    wat,
    within,
)

from tinycontainer.interfaces.runtime import (
    Ability,
    Completed,
    Hook,
    Preempted,
    RuntimeLimits,
    Trapped,
)

pytestmark = pytest.mark.usefixtures("engine")

MIB = 1 << 20
ROOMY = RuntimeLimits(code_bytes=4 * MIB)
"""Limits under which the length of the code is not what saves us."""

ALL = 0xFFFFFFFF
FORGED = b"\x42\x80\x80\x80\x80\x10\x0b"
RECURSION = b"\x10\0"


def code_of(instructions: bytes, *groups: bytes) -> bytes:
    return build({CODE: vector(body(instructions, groups))})


def with_import(module: str, field: str, kind: bytes) -> bytes:
    return build({IMPORT: vector(name(module) + name(field) + kind)})


REFUSED: dict[str, Callable[[], bytes]] = {
    "forged reference": lambda: build(
        {
            TABLE: vector(FUNCREF + b"\0\x01"),
            ELEMENT: vector(b"\x04\x41\0\x0b" + vector(FORGED)),
            CODE: vector(body(b"\x41\0\x11\0\0")),
        }
    ),
    "forged reference in a passive segment": lambda: build(
        {ELEMENT: vector(b"\x05" + FUNCREF + vector(FORGED))}
    ),
    "br deeper than the function": lambda: code_of(b"\x41\0\x0c\x01"),
    "br_table deeper than the function": lambda: code_of(b"\x41\0\x41\0\x0e\x01\0\x02"),
    "huge table": lambda: build({TABLE: vector(FUNCREF + b"\0" + leb(ALL))}),
    "huge memory": lambda: build({MEMORY: vector(b"\0" + leb(65536))}),
    "many memories": lambda: build({MEMORY: vector(*[b"\0" + leb(1024)] * 1000)}),
    "many tables": lambda: build({TABLE: vector(*[FUNCREF + b"\0\x01"] * 1000)}),
    "all locals there are": lambda: code_of(b"\x41\0", leb(ALL) + I32),
    "locals that add up": lambda: code_of(b"\x41\0", *[leb(2**28) + I32] * 16),
    "many locals and recursion": lambda: code_of(RECURSION, leb(50_000) + I32),
    "a number of 256 KiB": lambda: code_of(b"\x41" + b"\x80" * (256 * 1024) + b"\0"),
    "a section size of 256 KiB": lambda: HEADER + b"\x01" + b"\xff" * (256 * 1024) + b"\0",
    "many custom sections": lambda: build() + section(0, name("n")) * 30,
    "sections behind the thirty-second": lambda: (
        HEADER + section(0, name("n")) * 32 + build()[len(HEADER) :]
    ),
    "no code section": lambda: build({CODE: None}),
    "trailing byte": lambda: build() + b"\0",
    "trailing bytes of a section": lambda: build({EXPORT: SMALLEST[EXPORT] + b"\0"}),
    "nested blocks": lambda: code_of(b"\x02\x40" * 2000 + b"\x0b" * 2000 + b"\x41\0"),
    "nested loops": lambda: code_of(b"\x03\x40" * 2000 + b"\x0b" * 2000 + b"\x41\0"),
    "nested ifs": lambda: code_of(b"\x41\0\x04\x40" * 2000 + b"\x0b" * 2000 + b"\x41\0"),
    "blocks that never end": lambda: code_of(b"\x02\x40" * 100_000),
    "text": lambda: b'(module (memory (export "memory") 1) (func (export "loop") (result i32)))',
    "text behind a comment": lambda: b";; \0asm\x01\0\0\0\n(module)",
    "labels without end": lambda: code_of(b"\x41\0\x0e" + leb(ALL) + b"\0" * 99),
    "types of select without end": lambda: code_of(b"\x1c" + leb(ALL) + b"\x7f" * 99),
    "types without end": lambda: build({TYPE: leb(ALL) + b"\x60\0\0" * 99}),
    "huge type": lambda: build({TYPE: vector(function_type(I32 * 1_000_000))}),
    "many results": lambda: build({TYPE: vector(function_type(b"", I32 * 1_000_000))}),
    "many elements": lambda: build({ELEMENT: vector(b"\x01\0" + vector(*[b"\0"] * 100_000))}),
    "many element segments": lambda: build(
        {ELEMENT: vector(*[b"\x01\0" + vector(b"\0", b"\0")] * 10_000)}
    ),
    "elements without end": lambda: build({ELEMENT: vector(b"\x01\0" + leb(ALL) + b"\0" * 99)}),
    "functions without end": lambda: build({FUNCTION: leb(ALL) + b"\0" * 99}),
    "import of another module": lambda: with_import("wasi", "heartbeat", b"\0\0"),
    "import of another name": lambda: with_import("env", "system", b"\0\0"),
    "import of another type": lambda: with_import("env", "open", b"\0\0"),
    "import of a memory": lambda: with_import("env", "memory", b"\x02\0\x01"),
    "import of a table": lambda: with_import("env", "table", b"\x01" + FUNCREF + b"\0\x01"),
    "import of a global": lambda: with_import("env", "heartbeat", b"\x03" + I32 + b"\0"),
    "export that occurs twice": lambda: build(
        {EXPORT: SMALLEST[EXPORT].replace(b"\x02", b"\x03", 1) + export("loop", 0, 0)}
    ),
    "loop of another type": lambda: build({TYPE: vector(function_type())}),
    "loop that is a native function": lambda: container(
        '(export "loop" (func $heartbeat))', uses=("heartbeat",)
    ),
    "no memory": lambda: build({MEMORY: None, EXPORT: vector(export("loop", 0, 0))}),
    "no loop": lambda: build({EXPORT: vector(export("memory", 2, 0))}),
}


@pytest.mark.parametrize("what", REFUSED)
def test_hostile_code_is_refused_in_time(what: str) -> None:
    reason = wasm.admission_error(make_runtime().admit, REFUSED[what](), ROOMY)
    assert "bytes where at most" not in reason


FULL: dict[str, dict[int, bytes | None]] = {
    "functions": {
        FUNCTION: vector(*[leb(0)] * 2_000),
        CODE: vector(*[body(b"\x41\0")] * 2_000),
    },
    "types": {TYPE: vector(function_type(b"", I32), *[function_type(I32 * 64, I32 * 16)] * 700)},
    "exports": {
        EXPORT: vector(
            export("memory", 2, 0),
            export("loop", 0, 0),
            *(export(f"{number:x}", 0, 0) for number in range(8_000)),
        )
    },
    "instructions": {CODE: vector(body(b"\x41\0" + b"\x41\x01\x6a" * 20_000))},
    "nops": {CODE: vector(body(b"\x01" * 60_000 + b"\x41\0"))},
    "empty blocks": {CODE: vector(body(b"\x02\x40\x0b" * 20_000 + b"\x41\0"))},
    "groups of locals": {CODE: vector(body(b"\x41\0", (b"\0" + I32,) * 30_000))},
    "globals": {GLOBAL: vector(*[I32 + b"\0\x41\0\x0b"] * 4_096)},
    "data segments": {DATA: vector(*[b"\0\x41\0\x0b\0"] * 1_024)},
    "element segments": {
        TABLE: vector(FUNCREF + b"\0\x01"),
        ELEMENT: vector(*[b"\0\x41\0\x0b\0"] * 1_024),
    },
    "passive element segments": {ELEMENT: vector(*[b"\x01\0\0"] * 1_024)},
}


@pytest.mark.parametrize("what", FULL)
def test_a_full_module_is_admitted_created_and_run_in_time(what: str) -> None:
    with within(10):
        assert isinstance(Tenant(build(FULL[what])).run().outcome, Completed)


PROCESS = """
import json, resource, sys
from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer_runtimes.wasm_ENGINE import create_runtime

def peak():
    # Not ru_maxrss on Linux: a new process begins with that of its parent.
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) << 10
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

runtime, limits, refused = create_runtime(), RuntimeLimits(code_bytes=1 << 22), 0
codes = [bytes.fromhex(line) for line in json.load(sys.stdin)]
before = peak()
for code in codes:
    try:
        runtime.admit(code, limits)
        runtime.create(code, b"", None, Meter(print), limits)
    except InadmissibleCode:
        refused += 1
print(json.dumps([refused, peak() - before]))
"""


@pytest.mark.parametrize("admitted", [False, True], ids=["refused", "admitted"])
def test_the_whole_process_stays_small(admitted: bool, engine: str) -> None:
    """Measured from outside, since the validator's memory is not Python's."""
    largest = ("functions", "instructions")
    full, refused = [build(FULL[what]) for what in largest], [make() for make in REFUSED.values()]
    codes = full if admitted else refused
    done = subprocess.run(
        [sys.executable, "-c", PROCESS.replace("ENGINE", engine)],
        input=json.dumps([code.hex() for code in codes]),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    number, grown = json.loads(done.stdout)
    assert number == (0 if admitted else len(codes))
    compiling = 64 * MIB if engine == "wasmtime" else 0
    assert grown <= (64 * MIB + compiling if admitted else 32 * MIB)


# Code that is admitted and runs within its bounds.


def bounded(code: bytes, budget: int, turns: int, seconds: float = 5) -> Tenant:
    """Admit, create and run a container that does not end by itself."""
    with within(seconds):
        subject = Tenant(code)
        assert subject.run(budget=budget, max_turns=turns).outcome == Preempted()
    return subject


@pytest.mark.parametrize(
    "text",
    [
        "(loop br 0)",
        "(loop (loop (loop (br 2))))",
        "(loop (block (br_if 1 (i32.const 1))))",
        "(loop (br_table 0 0 (i32.const 9)))",
        "(loop (drop (loop (result i32) (br 1))))",
        "(loop (call $f) (br 0))",
        "(loop (if (i32.const 1) (then (br 1))))",
    ],
)
def test_an_endless_loop_ends_with_its_budget(text: str) -> None:
    code = loop(f"{text} i32.const 0", "(func $f)")
    subject = bounded(code, budget=100, turns=50)
    assert 100 * 50 <= subject.charged <= 110 * 50


def test_an_endless_start_function_ends_with_its_budget() -> None:
    code = container(
        '(func $s (loop br 0)) (start $s) (func (export "loop") (result i32) i32.const 3)'
    )
    with within(5):
        subject = Tenant(code)
        assert subject.run(Hook.START, 1000, max_turns=5).outcome == Preempted()
        assert subject.charged == 5000
        assert subject.loop() == 3


def test_a_fill_of_all_memory_is_charged_and_ends_the_turn() -> None:
    fill = "(memory.fill (i32.const 0) (i32.const 1) (i32.const 65536))"
    subject = bounded(loop(f"(loop {fill} br 0) i32.const 0"), budget=1000, turns=20)
    assert subject.charged >= 20 * 65536


def test_instructions_without_cost_do_not_run_for_ever() -> None:
    free = "nop " * 200 + "(block) " * 20
    bounded(loop(f"(loop {free} br 0) i32.const 0"), budget=100, turns=20)


def overflowing(code: bytes, peak_bytes: int) -> Tenant:
    """Run a container whose stack overflows, in bounded memory."""
    with within(10):
        subject = Tenant(code)
        with below(peak_bytes):
            assert subject.trap() == "stack-overflow"
    return subject


def test_deep_recursion_with_large_frames_stays_small() -> None:
    code = loop("call $f i32.const 0", "(func $f " + "(local i64) " * 256 + "call $f)")
    subject = overflowing(code, 48 * MIB)
    assert subject.trap() == "stack-overflow"


@pytest.mark.clause("TC-RT-21")
def test_deep_recursion_within_nested_blocks_stays_small() -> None:
    cost = "(local.set 0 (i32.const 0))" * 40
    nested = "(block " * 150 + "call $f" + ")" * 150
    overflowing(loop("call $f i32.const 0", f"(func $f (local i32) {cost} {nested})"), 48 * MIB)


def test_a_function_full_of_constants_that_calls_itself_stays_small() -> None:
    constants = body(b"\x41\0" * 30_000 + b"\x10\x01\0")
    code = build(
        {
            TYPE: vector(function_type(b"", I32), function_type()),
            FUNCTION: vector(leb(0), leb(1)),
            CODE: vector(body(b"\x10\x01\x41\0"), constants),
        }
    )
    subject = overflowing(code, 32 * MIB)
    if Ability.COUNTED_STACKS in abilities(current()):
        assert subject.charged <= 2 * 30_100


def test_results_that_pile_up_stay_small() -> None:
    results = f"(result {'i32 ' * 16})"
    code = loop(
        "call $f" + " drop" * 15,
        f"(func $f {results} call $g call $g call $f unreachable)"
        f" (func $g {results} {'i32.const 5 ' * 16})",
    )
    subject = overflowing(code, 16 * MIB)
    if Ability.COUNTED_STACKS in abilities(current()):
        assert subject.charged < 10_000


def test_sixteen_results_and_sixty_four_parameters_work() -> None:
    code = wat(
        '(module (memory (export "memory") 1) (func (export "loop") (result i32) '
        + "i32.const 2 " * 64
        + "call $f "
        + "i32.add " * 15
        + f") (func $f (param {'i32 ' * 64}) (result {'i32 ' * 16}) "
        + " ".join(f"local.get {index}" for index in range(16))
        + "))"
    )
    assert Tenant(code).loop() == 32


def test_a_huge_jump_table_is_parsed_and_run() -> None:
    code = loop(
        "(block (block (br_table " + "0 1 " * 25_000 + "(i32.const 49999))) (return (i32.const 1)))"
        " i32.const 2"
    )
    with within(5):
        assert Tenant(code).loop() == 2


def test_the_stacks_of_a_trap_are_no_later_hooks_stacks() -> None:
    """On a bare pywasm the next call would go on in the middle of the function that trapped."""
    code = loop(
        "(i32.add (i32.const 1) (call $f))",
        "(func $f (result i32) (if (i32.eqz (global.get $calm)) (then unreachable))"
        " (call $logger (i32.const 0)) (i32.const 2))"
        " (global $calm (mut i32) (i32.const 0))"
        ' (func (export "stop") (global.set $calm (i32.const 1)))',
        uses=("logger",),
    )
    subject = Tenant(code)
    assert isinstance(subject.run().outcome, Trapped)
    assert subject.run(Hook.STOP).outcome == Completed()
    assert subject.natives.calls == []
    assert subject.loop() == 3
    assert subject.natives.calls == [("log", b"")]


def test_one_code_created_twice_has_its_data_in_both() -> None:
    code = loop("(i32.load8_u (i32.const 2))", '(data (i32.const 2) "x")')
    runtime = make_runtime()
    assert [Tenant(code, runtime=runtime).loop() for _ in range(2)] == [ord("x")] * 2


def deep_labels() -> bytes:
    """Recursion whose every call adds about as many open blocks as a function may nest."""
    inner = (
        "(if (local.get $n) (then (call $f (i32.sub (local.get $n) (i32.const 1))))"
        " (else (loop (br 0))))"
    )
    nest = "(block " * 1000 + inner + "(drop (i32.const 0))" + ")" * 1000
    return loop("(call $f (i32.const 250)) i32.const 0", f"(func $f (param $n i32) {nest})")


def deep_values() -> bytes:
    """A loop above more operands than a stack may hold."""
    consts, adds = "i32.const 0 " * 30_000, "i32.add " * 29_999
    return loop("call $g", f"(func $g (result i32) {consts} (loop (br 0)) {adds})")


@pytest.mark.needs(Ability.COUNTED_STACKS)
@pytest.mark.parametrize("code", [deep_labels(), deep_values()], ids=["blocks", "operands"])
def test_stacks_that_make_every_branch_dear_overflow_first(code: bytes) -> None:
    with within(10):
        assert Tenant(code, limits=ROOMY).trap() == "stack-overflow"


def test_code_that_costs_nothing_holds_nobody_up() -> None:
    # As many free instructions as are in a row, again and again.
    tenant = Tenant(loop(f"(loop {'nop ' * 60_000} br 0) i32.const 0"))
    tenant.instance.begin(Hook.LOOP)
    with within(5):
        assert tenant.turn(1000) == Preempted()
        assert 0 <= -tenant.meter.left <= 64
