"""A trap says where: function and offset of each call in the signed module, alike on all engines.

`test_traps`, `test_metering`, `test_engines_agree` and `test_nesting` compare frames too, of each
kind of trap and of generated modules: with wasmtime on the plain module, and of our engines with
each other.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.engines import ENGINES, abilities, current, running_on
from support.wasm.modules import (
    CODE,
    EXPORT,
    FUNCREF,
    FUNCTION,
    I32,
    IMPORT,
    PAGE,
    TABLE,
    TYPE,
    Tenant,
    body,
    build,
    container,
    export,
    find_code,
    function_type,
    leb,
    loop,
    name,
    vector,
)
from support.wasm.programs import program

from tinycontainer.interfaces.runtime import (
    Ability,
    Hook,
    Preempted,
    RuntimeLimits,
    TrapFrame,
    Trapped,
)
from tinycontainer_runtimes.wasm.traps import MAX_WASM_FRAMES
from tinycontainer_runtimes.wasm_wasmtime.adapter import WasmtimeRuntime

VECTORS = Path(__file__).parents[2] / "vectors" / "wasm_frames"
UNREACHABLE = b"\x00"


def trapped(subject: Tenant, hook: Hook = Hook.LOOP, budget: int = 1 << 40) -> Trapped:
    outcome = subject.run(hook, budget).outcome
    assert isinstance(outcome, Trapped)
    return outcome


def chain() -> tuple[bytes, tuple[TrapFrame, ...]]:
    """Loop, a call, one through the table out of nested blocks, and a store that traps."""
    call_a = b"\x10" + leb(2)
    call_b = b"\x41\x00\x11\x01\x00"  # i32.const 0, call_indirect (type 1) of table 0
    store = b"\x41\x7f\x41\x05\x36\x02\x00"  # i32.store (-1) 5
    a = b"\x02\x40\x03\x40\x41\x01\x04\x40\x01\x05" + call_b + b"\x0b\x0b\x0b"
    # The `if` runs its `else` list only for a 0.
    a = a.replace(b"\x41\x01\x04", b"\x41\x00\x04")
    code = build(
        {
            TYPE: vector(function_type(b"", I32), function_type()),
            IMPORT: vector(name("env") + name("heartbeat") + b"\0" + leb(0)),
            FUNCTION: vector(leb(0), leb(1), leb(1)),
            TABLE: vector(FUNCREF + b"\0\x01"),
            EXPORT: vector(export("memory", 2, 0), export("loop", 0, 1)),
            9: vector(b"\0\x41\0\x0b" + vector(leb(3))),  # element 0 is function 3
            CODE: vector(
                body(b"\x10\0\x1a" + call_a + b"\x41\0"),
                body(a, (b"\x02" + I32,)),
                body(store),
            ),
        }
    )
    return code, (
        TrapFrame(3, code.index(store) + 4),
        TrapFrame(2, code.index(call_b) + 2),
        TrapFrame(1, code.index(call_a)),
    )


@pytest.mark.usefixtures("engine")
@pytest.mark.clause("TC-RT-27")
@pytest.mark.parametrize("custom", [b"", b"\0\x03\x01xy"], ids=["plain", "after a custom section"])
@pytest.mark.parametrize("budget", [1, 1 << 40])
def test_the_chain_of_calls_lies_in_the_module_as_it_was_signed(budget: int, custom: bytes) -> None:
    code, frames = chain()
    code = code[:8] + custom + code[8:]
    frames = tuple(TrapFrame(each.function, each.offset + len(custom)) for each in frames)
    outcome = trapped(Tenant(code), budget=budget)
    assert (outcome.code, outcome.frames) == ("memory-out-of-bounds", frames)
    assert trapped(Tenant(code, cost=3), budget=budget).frames == frames


def test_without_suspension_wasmtime_says_the_same() -> None:
    code, frames = chain()
    subject = Tenant(code, runtime=WasmtimeRuntime(suspend=False))
    assert trapped(subject).frames == trapped(subject).frames == frames


NESTED = (
    # As `llvm-symbolizer --obj=nested.wasm` has it for the offsets in the section of code.
    (TrapFrame(4, 0xF0), "share", 7),
    (TrapFrame(3, 0xDB), "checked", 13),
    (TrapFrame(1, 0x99), "gather", 26),
    (TrapFrame(0, 0x5C), "loop", 31),
)


@pytest.mark.usefixtures("engine")
@pytest.mark.clause("TC-RT-27")
def test_what_clang_built_traps_at_the_lines_of_its_source() -> None:
    outcome = trapped(Tenant((VECTORS / "nested.wasm").read_bytes()))
    assert outcome.code == "integer-division-by-zero"
    assert outcome.frames == tuple(frame for frame, _, _ in NESTED)


@pytest.mark.skipif(shutil.which("llvm-symbolizer") is None, reason="no llvm-symbolizer here")
def test_llvm_symbolizer_finds_these_lines() -> None:
    file = VECTORS / "nested.wasm"
    begin = find_code(file.read_bytes())
    offsets = [hex(frame.offset - begin) for frame, _, _ in NESTED]
    said = subprocess.run(
        ["llvm-symbolizer", f"--obj={file}", *offsets], capture_output=True, text=True, check=True
    ).stdout.split()
    assert said[::2] == [function for _, function, _ in NESTED]
    assert [int(place.split(":")[-2]) for place in said[1::2]] == [line for _, _, line in NESTED]


@pytest.mark.usefixtures("engine")
def test_the_start_function_and_every_hook_say_where() -> None:
    code = container(
        "(func $s unreachable) (start $s)"
        ' (func (export "start") nop) (func (export "stop") nop nop unreachable)'
        ' (func (export "loop") (result i32) nop unreachable)'
    )
    bodies = code.index(b"\x03\x00\x00\x0b")  # the first one, its size included
    subject = Tenant(code)
    assert trapped(subject, Hook.START).frames == (TrapFrame(0, bodies + 2),)
    stop, body_of_loop = code.index(b"\x01\x01\x00\x0b"), code.rindex(b"\x01\x00\x0b")
    assert trapped(subject, Hook.STOP).frames == (TrapFrame(2, stop + 2),)
    assert trapped(subject, Hook.LOOP).frames == (TrapFrame(3, body_of_loop + 1),)
    assert trapped(subject, Hook.START).frames == (TrapFrame(0, bodies + 2),)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("(call $logger (i32.const -1))", b"\x10\x00"),
        ("(call_indirect (param i32) (i32.const -1) (i32.const 0))", b"\x11\x00\x00"),
    ],
    ids=["direct", "through the table"],
)
def test_a_native_pointer_is_at_the_instruction_that_calls(call: str, found: bytes) -> None:
    more = "(table 1 funcref) (elem (i32.const 0) $logger)" if "indirect" in call else ""
    code = loop("(call $f) i32.const 0", f"(func $f {call}) {more}", uses=("logger",))
    outcome = trapped(Tenant(code))
    assert outcome.code == "native-pointer"
    inner = code.rindex(found)
    outer = code.index(b"\x10\x02")
    assert outcome.frames == (TrapFrame(2, inner), TrapFrame(1, outer))


# A call too many.


@pytest.mark.usefixtures("engine")
@pytest.mark.clause("TC-RT-27")
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 40, 256])
def test_a_call_too_many_is_at_the_instruction_that_calls(depth: int) -> None:
    code = loop(
        "(call $odd) i32.const 0",
        "(func $odd nop (call $even)) (func $even (call $odd))",
    )
    outcome = trapped(Tenant(code, limits=RuntimeLimits(call_depth=depth)))
    assert outcome.code == "stack-overflow"
    bodies = find_code(code)
    offsets = {0: code.index(b"\x10\x01", bodies), 1: code.index(b"\x01\x10\x02", bodies) + 1}
    offsets[2] = code.rindex(b"\x10\x01")
    functions = [0, *(1 + number % 2 for number in range(depth - 1))]
    expected = [TrapFrame(each, offsets[each]) for each in reversed(functions)]
    assert outcome.frames == tuple(expected[:MAX_WASM_FRAMES])


def test_a_stack_that_is_too_large_in_bytes_is_at_the_instruction_that_calls() -> None:
    adds = "".join(
        f"(local.set {n} (i64.add (local.get {n}) (i64.const 1)))" for n in range(1, 999)
    )
    code = loop(
        "(call $f (i32.const 999)) i32.const 0",
        f"(func $f (param i32) (local {'i64 ' * 999}) (call $f (local.get 0)) {adds})",
    )
    subject = Tenant(code, limits=RuntimeLimits(call_depth=1000), runtime=WasmtimeRuntime())
    outcome = trapped(subject)
    assert outcome.code == "stack-overflow"
    assert set(outcome.frames) == {TrapFrame(1, code.index(b"\x20\x00\x10\x01") + 2)}
    assert len(outcome.frames) == MAX_WASM_FRAMES


@pytest.mark.usefixtures("engine")
def test_an_operand_too_many_is_where_the_line_begins_before_which_they_are_counted() -> None:
    if Ability.COUNTED_STACKS not in abilities(current()):
        pytest.skip("this engine bounds operands in bytes")
    code = loop("i32.const 1 " * 30 + "nop " * 40 + "(block) i32.const 7 return")
    outcome = trapped(Tenant(code, limits=RuntimeLimits(stack_values=16)))
    assert outcome.code == "stack-overflow"
    [frame] = outcome.frames
    begin = code.index(b"\x41\x01")
    assert begin <= frame.offset < len(code)


# Everything together.


def places_of(code: bytes) -> list[tuple[TrapFrame, ...]]:
    """On each engine, where the hooks of a module trap that do."""
    found = []
    for engine in ENGINES:
        with running_on(engine):
            subject = Tenant(code, cost=50)
        places = []
        for hook in (Hook.START, Hook.LOOP, Hook.STOP):
            outcome = subject.run(hook, budget=100, max_turns=500).outcome
            if isinstance(outcome, Trapped):
                places.append(outcome.frames)
            if outcome == Preempted():
                subject.instance.abort()
        found.append(tuple(places))
        subject.instance.finalize()
    assert len(set(found)) == 1
    return list(found[0])


@pytest.mark.clause("TC-RT-27")
@pytest.mark.parametrize("examples", [150, pytest.param(2_000, marks=pytest.mark.long)])
def test_generated_modules_trap_at_the_same_places(examples: int) -> None:
    places = [each for seed in range(examples) for each in places_of(program(seed, traps=True))]
    assert len(places) > examples // 4
    assert {len(frames) for frames in places} >= {1, 2, 3}


@pytest.mark.usefixtures("engine")
def test_every_instruction_of_a_body_can_be_where_it_trapped() -> None:
    """A trap is put before each in turn: in rows of free ones, beside floats, grows and calls."""
    texts = [
        *("nop " * 70).split(),
        "(drop (f32.add (f32.const 1) (f32.const 2)))",
        "(drop (f64.ceil (f64.load (i32.const 0))))",
        "(drop (memory.grow (i32.const 1)))",
        "(if (call $heartbeat) (then nop) (else (drop (f32.sqrt (f32.const 4)))))",
        "(drop (f32.ceil (block (result f32) (f32.const 1))))",
        "(loop (block (br 0)))",
        "(memory.fill (i32.const 0) (i32.const 0) (i32.const 5))",
        "(drop (i64.div_u (i64.const 5) (i64.const 1)))",
        "(if (i32.const 1) (then (loop)))",
        "(call $free)",
    ]
    more = "(func $free (block) nop)"
    for place in [0, 1, 62, 63, 64, 65, *range(69, len(texts) + 1)]:
        trap = f"(i32.store (i32.const {PAGE}) (i32.const 77))"
        parts = [*texts[:place], trap, *texts[place:]]
        code = loop(" ".join(parts) + " i32.const 0", more, uses=("heartbeat",))
        [frame] = trapped(Tenant(code)).frames
        assert frame == TrapFrame(1, code.index(b"\x41\xcd\x00\x36") + 3)
