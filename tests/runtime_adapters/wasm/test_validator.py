"""Full validation: types, and only the features that the engines share."""

from dataclasses import dataclass, field

import pytest
from support.wasm import modules as wasm
from support.wasm.corpus import SAMPLES
from support.wasm.modules import (
    CODE,
    DATA,
    ELEMENT,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    I32,
    TABLE,
    TYPE,
    body,
    build,
    function_type,
    leb,
    vector,
    wat,
    within,
)

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer_runtimes.wasm.scan import scan_module
from tinycontainer_runtimes.wasm.validator import WasmtimeValidator
from tinycontainer_runtimes.wasm_pywasm import PywasmRuntime, create_runtime

LIMITS = RuntimeLimits()
LOOP = '(func (export "loop") (result i32) i32.const 0)'


def feature(text: str, memory: str = '(memory (export "memory") 1)') -> bytes:
    return wat(f"(module {memory} {text} {LOOP})")


FEATURES = {
    "simd": feature("(func (drop (v128.const i64x2 0 0)))"),
    "simd in a type": feature("(func (param v128))"),
    "simd in a local": feature("(func (local v128))"),
    "relaxed simd": feature(
        "(func (drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0))))"
    ),
    "tail call": feature("(func $f return_call $f)"),
    "indirect tail call": feature("(table 1 funcref) (func (return_call_indirect (i32.const 0)))"),
    "shared memory": feature("", '(memory (export "memory") 1 1 shared)'),
    "atomic instruction": feature("(func (drop (i32.atomic.load (i32.const 0))))"),
    "atomic fence": feature("(func atomic.fence)"),
    "memory64": feature("", '(memory (export "memory") i64 1)'),
    "table64": feature("(table i64 1 funcref)"),
    "two memories": feature("(memory 1)"),
    "exceptions": feature("(tag $e) (func (throw $e))"),
    "try_table": feature("(func (block $l (try_table (catch_all $l))))"),
    "gc structs": feature("(type $s (struct (field i32))) (func (drop (struct.new_default $s)))"),
    "gc arrays": feature("(type $a (array i8))"),
    "gc references": feature("(func (param anyref))"),
    "i31": feature("(func (drop (ref.i31 (i32.const 0))))"),
    "recursive types": feature("(rec (type (func)) (type (func)))"),
    "function references": feature("(type $t (func)) (func (param (ref $t)) (call_ref $t))"),
    "not null references": feature("(func (local (ref func)))"),
    "extended constants": feature("(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
    "wide arithmetic": feature(
        "(func (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1)))"
    ),
    "custom page sizes": feature("", '(memory (export "memory") 1 (pagesize 1))'),
    "stack switching": feature("(type $f (func)) (type $c (cont $f))"),
}

LEFT_TO_THE_SCAN = {"extended constants", "recursive types"}
"""Part of what wasmtime calls WebAssembly today whatever is switched off."""


@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.clause("TC-RT-09")
def test_features_that_the_engines_do_not_share_are_refused(name: str) -> None:
    assert wasm.admission_error(create_runtime().admit, FEATURES[name])


@pytest.mark.parametrize("name", sorted(FEATURES.keys() - LEFT_TO_THE_SCAN))
def test_the_validator_refuses_them_even_without_the_scan(name: str) -> None:
    with within(5), pytest.raises(InadmissibleCode, match="not valid"):
        WasmtimeValidator().validate(FEATURES[name])


@pytest.mark.parametrize("name", sorted(LEFT_TO_THE_SCAN))
def test_what_the_validator_takes_the_scan_refuses(name: str) -> None:
    assert wasm.scan_error(FEATURES[name]).startswith("byte ")


@pytest.mark.parametrize(
    "features",
    [
        "(func (param funcref externref) (result funcref) (local.get 0))",
        "(table 1 externref) (func (table.set 0 (i32.const 0) (ref.null extern)))",
        "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))",
        "(func (drop (i64.extend32_s (i64.const 1))))",
        "(func (result i32 i64) (i32.const 1) (i64.const 2))",
        "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(global (mut f64) (f64.const 1))",
    ],
)
def test_what_belongs_to_webassembly_2_is_admitted(features: str) -> None:
    create_runtime().admit(feature(features), LIMITS)


def test_every_sample_is_valid() -> None:
    validator = WasmtimeValidator()
    for sample in SAMPLES.values():
        validator.validate(sample.code)


# Modules that the scan takes and that would harm an engine without a validator.

FORGED = b"\x42\x80\x80\x80\x80\x10\x0b"
"""``i64.const 0x1_0000_0000``: in pywasm the bytes of a reference to function 0 of the store."""

ILL_TYPED: dict[str, dict[int, bytes | None]] = {
    "forged element": {
        TABLE: vector(FUNCREF + b"\0\x01"),
        ELEMENT: vector(b"\x04\x41\0\x0b" + vector(FORGED)),
    },
    "forged passive element": {ELEMENT: vector(b"\x05" + FUNCREF + vector(FORGED))},
    "forged element of an explicit table": {
        TABLE: vector(FUNCREF + b"\0\x01"),
        ELEMENT: vector(b"\x06\0\x41\0\x0b" + FUNCREF + vector(FORGED)),
    },
    "forged declared element": {ELEMENT: vector(b"\x07" + FUNCREF + vector(FORGED))},
    "forged global": {GLOBAL: vector(FUNCREF + b"\0" + FORGED)},
    "forged operand": {
        TABLE: vector(FUNCREF + b"\0\x01"),
        CODE: vector(body(b"\x41\0" + FORGED[:-1] + b"\x26\0\x41\0")),
    },
    "br deeper than the function": {CODE: vector(body(b"\x41\0\x0c\x01"))},
    "br_if deeper than the function": {CODE: vector(body(b"\x41\0\x41\0\x0d\x05"))},
    "br_table deeper than the function": {CODE: vector(body(b"\x41\0\x41\0\x0e\x01\0\x09"))},
    "empty stack": {CODE: vector(body(b"\x1a\x41\0"))},
    "a value too many": {CODE: vector(body(b"\x41\0\x41\0"))},
    "a value too few": {CODE: vector(body(b""))},
    "wrong result": {CODE: vector(body(b"\x42\0"))},
    "unknown local": {CODE: vector(body(b"\x20\x05"))},
    "unknown global": {CODE: vector(body(b"\x23\0"))},
    "unknown function": {CODE: vector(body(b"\x10\x02"))},
    "unknown table": {CODE: vector(body(b"\x25\0"))},
    "unknown type of a block": {CODE: vector(body(b"\x02\x05\x0b\x41\0"))},
    "unknown type of a function": {
        FUNCTION: vector(leb(0), leb(9)),
        CODE: vector(body(b"\x41\0"), body(b"")),
    },
    "unknown data segment": {CODE: vector(body(b"\xfc\x09\x03\x41\0"))},
    "unknown element segment": {CODE: vector(body(b"\xfc\x0d\x03\x41\0"))},
    "segment without data count": {
        CODE: vector(body(b"\xfc\x09\0\x41\0")),
        DATA: vector(b"\x01\0"),
    },
    "else without if": {CODE: vector(body(b"\x02\x40\x05\x0b\x41\0"))},
    "alignment beyond the natural": {CODE: vector(body(b"\x41\0\x28\x03\0"))},
    "immutable global": {
        GLOBAL: vector(I32 + b"\0\x41\0\x0b"),
        CODE: vector(body(b"\x41\0\x24\0\x41\0")),
    },
    "constant of another type": {GLOBAL: vector(I32 + b"\0\x42\0\x0b")},
    "offset of another type": {DATA: vector(b"\0\x42\0\x0b\0")},
    "local of no type": {CODE: vector(body(b"\x41\0", (b"\x01\x40",)))},
    "function not declared": {
        TYPE: vector(function_type(b"", I32), function_type()),
        FUNCTION: vector(leb(0), leb(1)),
        CODE: vector(body(b"\xd2\x01\x1a\x41\0"), body(b"")),
    },
}


@pytest.mark.parametrize("name", ILL_TYPED)
def test_what_is_ill_typed_is_refused_by_the_validator_alone(name: str) -> None:
    code = build(ILL_TYPED[name])
    scan_module(code, LIMITS)  # it is not for its structure that it is refused
    reason = wasm.admission_error(create_runtime().admit, code)
    assert reason.startswith("not valid: ")
    assert "\n" not in reason


@dataclass
class Judge:
    """A validator that notes what it is asked, and refuses if it is told to."""

    refuses: bool = False
    asked: list[bytes] = field(default_factory=list)

    def validate(self, code: bytes) -> None:
        self.asked.append(code)
        if self.refuses:
            raise InadmissibleCode("refused by the judge")


def test_the_validator_is_asked_behind_the_scan_and_only_then() -> None:
    judge = Judge()
    runtime = PywasmRuntime(judge)
    with pytest.raises(InadmissibleCode):
        runtime.admit(b"(module)", LIMITS)
    with pytest.raises(InadmissibleCode):
        runtime.admit(build({CODE: None}), LIMITS)
    assert judge.asked == []
    runtime.admit(build(), LIMITS)
    assert judge.asked == [build()]


def test_the_validator_has_the_last_word() -> None:
    with pytest.raises(InadmissibleCode, match="refused by the judge"):
        PywasmRuntime(Judge(refuses=True)).admit(build(), LIMITS)
