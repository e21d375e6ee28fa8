"""Numeric instructions on pywasm give wasmtime's bits, apart from what is known of its floats.

Known and accepted: the bits of a NaN, and the sign of a zero that comes from rounding, a minimum or
a maximum.
"""

import math
import struct
from collections.abc import Callable, Iterator
from itertools import product
from typing import TypeAlias

import pytest
from support.wasm.modules import Tenant, loop
from support.wasm.reference import Reference

from tinycontainer.interfaces.runtime import Completed, Hook

pytestmark = pytest.mark.usefixtures("engine")

Case: TypeAlias = tuple[str, str, tuple[str, ...]]
"""Result type, instruction and operands, all of them as text."""

I32 = (0, 1, -1, 2, 31, 33, 127, 128, -32768, 65535, 2**31 - 1, -(2**31))
I64 = (0, 1, -1, 7, 63, 65, 200, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63))
F32 = (
    "0",
    "-0",
    "1",
    "-1.5",
    "2.5",
    "0x1p-149",
    "0x1.fffffep127",
    "16777217",
    "inf",
    "-inf",
    "nan",
)
F64 = ("0", "-0", "1", "-0.5", "4.5", "0x1p-1074", "0x1.fffffffffffffp1023", "inf", "-inf", "nan")
OPERANDS: dict[str, tuple[str, ...]] = {
    "i32": tuple(map(str, I32)),
    "i64": tuple(map(str, I64)),
    "f32": F32,
    "f64": F64,
}
SMALL = ("0", "-0", "-0.75", "1.5", "100.25", "2147483520")
"""Floats that every truncation takes."""

INT_ARITHMETIC = ["add", "sub", "mul", "and", "or", "xor"]
INT_SHIFTS = ["shl", "shr_s", "shr_u", "rotl", "rotr"]
INT_DIVISIONS = ["div_s", "div_u", "rem_s", "rem_u"]
INT_COMPARE = ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"]
INT_UNARY = ["clz", "ctz", "popcnt", "extend8_s", "extend16_s"]
FLOAT_BINARY = ["add", "sub", "mul", "div", "min", "max", "copysign"]
FLOAT_COMPARE = ["eq", "ne", "lt", "gt", "le", "ge"]
FLOAT_UNARY = ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"]
LOSES_SIGN_OF_ZERO = {"min", "max", "ceil", "floor", "trunc", "nearest"}


def divides(operation: str, operands: tuple[str, ...], kind: str) -> bool:
    """Whether these operands of a division are compared with the others."""
    if operands[1] == "0" or (operation == "div_s" and operands == (OPERANDS[kind][-1], "-1")):
        return False  # a trap
    return not (kind == "i64" and operation == "div_u" and too_large(operands))


def too_large(operands: tuple[str, ...]) -> bool:
    """Whether an unsigned 64-bit quotient has its highest bit set."""
    return int(operands[0]) < 0 and operands[1] == "1"


def integer_cases(kind: str) -> Iterator[Case]:
    values = OPERANDS[kind]
    for operation, pair in product(INT_ARITHMETIC + INT_SHIFTS, product(values, values)):
        yield kind, f"{kind}.{operation}", pair
    for operation, pair in product(INT_DIVISIONS, product(values, values)):
        if divides(operation, pair, kind):
            yield kind, f"{kind}.{operation}", pair
    for operation, pair in product(INT_COMPARE, product(values, values)):
        yield "i32", f"{kind}.{operation}", pair
    wider = ["extend32_s"] if kind == "i64" else []
    for operation, value in product(INT_UNARY + wider, values):
        yield kind, f"{kind}.{operation}", (value,)
    for value in values:
        yield "i32", f"{kind}.eqz", (value,)


def float_cases(kind: str) -> Iterator[Case]:
    values = OPERANDS[kind]
    for operation, pair in product(FLOAT_BINARY, product(values, values)):
        yield kind, f"{kind}.{operation}", pair
    for operation, pair in product(FLOAT_COMPARE, product(values, values)):
        yield "i32", f"{kind}.{operation}", pair
    for operation, value in product(FLOAT_UNARY, values):
        yield kind, f"{kind}.{operation}", (value,)


def conversion_cases() -> Iterator[Case]:
    for value in OPERANDS["i32"]:
        yield "i64", "i64.extend_i32_s", (value,)
        yield "i64", "i64.extend_i32_u", (value,)
        yield "f32", "f32.reinterpret_i32", (value,)
    for value in OPERANDS["i64"]:
        yield "i32", "i32.wrap_i64", (value,)
        yield "f64", "f64.reinterpret_i64", (value,)
    for kind, source, sign in product(("f32", "f64"), ("i32", "i64"), "su"):
        for value in OPERANDS[source]:
            if (kind, source) != ("f32", "i64") or abs(int(value)) < 1 << 24:
                yield kind, f"{kind}.convert_{source}_{sign}", (value,)
    for value in F64:
        yield "f32", "f32.demote_f64", (value,)
        yield "i64", "i64.reinterpret_f64", (value,)
    for value in F32:
        yield "f64", "f64.promote_f32", (value,)
        yield "i32", "i32.reinterpret_f32", (value,)
    for kind, source, sign in product(("i32", "i64"), ("f32", "f64"), "su"):
        for value in SMALL:
            yield kind, f"{kind}.trunc_{source}_{sign}", (value,)
        for value in OPERANDS[source]:
            yield kind, f"{kind}.trunc_sat_{source}_{sign}", (value,)


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "i32": lambda: integer_cases("i32"),
    "i64": lambda: integer_cases("i64"),
    "f32": lambda: float_cases("f32"),
    "f64": lambda: float_cases("f64"),
    "conversions": conversion_cases,
}


def operand_type(instruction: str) -> str:
    """The type of an instruction's operands, from its name."""
    kind, operation = instruction.split(".")
    parts = operation.split("_")
    return next((part for part in parts[1:] if part in OPERANDS), kind)


def stored(place: int, case: Case) -> str:
    kind, instruction, operands = case
    source = operand_type(instruction)
    pushed = " ".join(f"({source}.const {operand})" for operand in operands)
    return f"({kind}.store offset={8 * place} (i32.const 0) ({instruction} {pushed}))"


def same(case: Case, found: bytes, expected: bytes) -> bool:
    kind, instruction, _ = case
    if found == expected or kind not in ("f32", "f64"):
        return found == expected
    layout = "<f" if kind == "f32" else "<d"
    [mine] = struct.unpack_from(layout, found)
    [theirs] = struct.unpack_from(layout, expected)
    if math.isnan(theirs):
        return math.isnan(mine)
    return instruction.split(".")[1] in LOSES_SIGN_OF_ZERO and mine == theirs == 0


def differing(cases: list[Case]) -> list[tuple[object, ...]]:
    """The cases with another result than wasmtime's."""
    code = loop(" ".join(stored(*each) for each in enumerate(cases)) + " i32.const 0")
    subject, reference = Tenant(code), Reference(code)
    assert subject.run().outcome == reference.run(Hook.LOOP).outcome == Completed()
    found: list[tuple[object, ...]] = []
    for place, case in enumerate(cases):
        mine, theirs = subject.instance.load(8 * place, 8), reference.load(8 * place, 8)
        if not same(case, mine, theirs):
            found.append((*case, mine.hex(), theirs.hex()))
    return found


@pytest.mark.parametrize("group", CASES)
def test_numeric_instructions_agree_with_wasmtime(group: str) -> None:
    cases = list(CASES[group]())
    assert len(cases) > 200
    for first in range(0, len(cases), 1000):
        assert differing(cases[first : first + 1000]) == []


@pytest.mark.parametrize(
    "operands",
    [(dividend, "1") for dividend in ("-1", str(-(2**31)), str(-(2**63)))]
    + [("-1", "2"), (str(-(2**63)), "2"), ("-1", "-1"), (str(2**63 - 1), "1")],
)
def test_large_quotients_are_no_overflow(operands: tuple[str, ...]) -> None:
    assert differing([("i64", "i64.div_u", operands)]) == []


def test_rounding_twice_is_left_out_of_no_exact_conversion() -> None:
    exact = [str(sign * (1 << shift)) for sign in (1, -1) for shift in range(24, 63)]
    cases: list[Case] = [("f32", "f32.convert_i64_s", (value,)) for value in exact]
    assert differing(cases) == []
