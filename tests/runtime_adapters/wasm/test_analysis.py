"""What a module shows of itself without being run."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.wasm.modules import (
    CODE,
    EXPORT,
    I32,
    IMPORT,
    MEMORY,
    NATIVE_TYPES,
    PAGE,
    TYPE,
    Tenant,
    body,
    build,
    container,
    export,
    function_type,
    leb,
    loop,
    name,
    vector,
    wat,
    within,
)
from support.wasm.programs import programs

from tinycontainer.assembly import Installation
from tinycontainer.errors import InadmissibleCode
from tinycontainer.metadata import ContainerType
from tinycontainer_runtimes.wasm.analysis import analyse

FUNCTION = '(func (export "loop") (result i32) i32.const 0)'


def test_the_analyser_is_found_through_its_entry_point() -> None:
    assert Installation().analysers()[ContainerType.WASM] is analyse


def test_natives_are_those_that_are_called_and_imports_all_of_them() -> None:
    found = analyse(loop("call $heartbeat", uses=("heartbeat", "close", "logger")))
    assert found.natives == {"heartbeat"}
    assert found.imported == {"heartbeat", "close", "logger"}


def test_hooks_and_memory_are_told() -> None:
    text = f'{FUNCTION} (func (export "stop")) (func (export "helper"))'
    found = analyse(container(text, memory="2 3"))
    assert found.hooks == {"loop", "stop"}
    assert found.memory_bytes == 2 * 65536


def test_of_what_is_exported_globals_are_told_apart() -> None:
    text = '(global $g i32 (i32.const 1)) (export "g" (global $g)) (export "m" (memory 0))'
    found = analyse(container(f'{FUNCTION} {text} (func (export "helper"))', memory="1"))
    assert found.exported_globals == {"g"}


@pytest.mark.parametrize("endpoint_id", [0, 1, 63, 64, 127, 128, 300, 1 << 31, (1 << 32) - 1])
def test_a_constant_before_open_is_an_endpoint_id(endpoint_id: int) -> None:
    found = analyse(loop(f"i32.const {endpoint_id} call $open", uses=("open",)))
    assert found.opened == {endpoint_id}
    assert not found.opens_computed


def test_a_number_in_more_bytes_than_needed_is_the_same_number() -> None:
    code = build(
        {
            TYPE: vector(function_type(b"", I32), function_type(I32, I32)),
            IMPORT: vector(name("env") + name("open") + b"\0" + leb(1)),
            EXPORT: vector(export("memory", 2, 0), export("loop", 0, 1)),
            CODE: vector(body(b"\x41\x81\x80\x80\x80\0\x10\0")),
        }
    )
    assert analyse(code).opened == {1}


@pytest.mark.parametrize(
    "argument",
    [
        "i32.const 1 i32.const 2 i32.add",
        "i32.const 1 nop",
        "(block (result i32) i32.const 1)",
        "(if (result i32) (i32.const 0) (then i32.const 1) (else i32.const 2))",
        "(local.get 0)",
        "(i32.load (i32.const 16))",
        "i64.const 1 i32.wrap_i64",
    ],
)
def test_everything_else_before_open_is_computed(argument: str) -> None:
    text = f'(func (export "loop") (result i32) (local i32) {argument} call $open)'
    found = analyse(container(text, uses=("open",)))
    assert (found.opened, found.opens_computed) == (frozenset(), True)


@pytest.mark.parametrize(
    "more",
    [
        "(table 1 funcref) (elem (i32.const 0) $open)",
        "(table 1 funcref) (elem (i32.const 0) funcref (ref.func $open))",
        "(elem func $open)",
        "(elem declare func $open) (func ref.func $open drop)",
        "(global funcref (ref.func $open))",
        '(export "again" (func $open))',
    ],
)
def test_open_that_is_handed_on_counts_as_called_with_computed_ids(more: str) -> None:
    found = analyse(container(f"{FUNCTION} {more}", uses=("open",)))
    assert found.natives == {"open"}
    assert found.opens_computed


def test_other_functions_that_are_handed_on_change_nothing() -> None:
    text = f"{FUNCTION} (func $own) (table 2 funcref) (elem (i32.const 0) $own $heartbeat)"
    found = analyse(container(text, uses=("open", "heartbeat")))
    assert found.natives == {"heartbeat"}
    assert not found.opens_computed


def test_open_that_is_imported_twice_is_open_both_times() -> None:
    found = analyse(
        wat(
            '(module (import "env" "open" (func $a (param i32) (result i32)))'
            ' (import "env" "open" (func $b (param i32) (result i32)))'
            ' (memory (export "memory") 1) (func (export "loop") (result i32)'
            " i32.const 1 call $a drop i32.const 2 call $b))"
        )
    )
    assert found.opened == {1, 2}


def test_what_the_scan_refuses_cannot_be_taken_apart() -> None:
    for code in (b"", b"\0asm\x01\0\0\0", build({CODE: None}), build()[:-1]):
        with pytest.raises(InadmissibleCode):
            analyse(code)


def test_limits_of_a_device_are_not_the_analysers() -> None:
    assert analyse(build({MEMORY: vector(b"\0" + leb(1024))})).memory_bytes == 1024 * 65536
    nops = body(b"\x41\0\x1a" * 100_000 + b"\x41\0")
    assert analyse(build({CODE: vector(nops)})).natives == frozenset()


def test_hostile_code_is_analysed_within_bounded_time() -> None:
    opens = "i32.const 77 call $open drop " * 20_000
    for code in (
        loop(f"{opens} i32.const 0", uses=("open",)),
        build({CODE: vector(body(b"\x02\x40" * 100 + b"\x0b" * 100 + b"\x41\0"))}),
        build({CODE: vector(body(b"\x41\0" + b"\x1a\x41\0" * 40_000))}),
    ):
        with within(5):
            analyse(code)


@given(st.binary(max_size=300))
def test_bytes_without_a_module_are_refused(junk: bytes) -> None:
    for code in (junk, b"\0asm\x01\0\0\0" + junk):
        with pytest.raises(InadmissibleCode):
            analyse(code)


@pytest.mark.parametrize("count", [400, pytest.param(50_000, marks=pytest.mark.long)])
def test_a_module_with_changed_bytes_is_refused_or_shows_no_more_than_it_imports(
    count: int,
) -> None:
    rng = Random(151)
    good = loop(
        "i32.const 7 call $open drop i32.const 0 call $close drop i32.const 0",
        uses=("open", "close"),
    )
    taken = 0
    for _ in range(count):
        changed = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            changed[rng.randrange(8, len(good))] = rng.randrange(256)
        try:
            found = analyse(bytes(changed))
        except InadmissibleCode:
            continue
        taken += 1
        assert found.natives <= found.imported <= set(NATIVE_TYPES)
        assert "loop" in found.hooks
        assert not found.opened or "open" in found.natives
        assert found.memory_bytes % PAGE == 0
    assert count // 50 < taken < count - count // 50


@given(programs())
def test_a_program_calls_and_opens_nothing_that_was_not_told(code: bytes) -> None:
    tenant, found = Tenant(code), analyse(code)
    tenant.run(budget=2000, max_turns=5)
    made = [call for call in tenant.natives.calls if call[0] != "log"]
    assert {call[0] for call in made} <= found.natives
    opened = {call[1] for call in made if call[0] == "open"}
    assert found.opens_computed or opened <= found.opened
