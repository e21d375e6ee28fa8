"""Floating point: pywasm agrees with wasmtime to the bit."""

from collections.abc import Callable
from itertools import product
from random import Random

import pytest
from support.wasm.modules import Tenant, loop

from tinycontainer_runtimes.wasm_pywasm import create_exact_runtime, create_runtime
from tinycontainer_runtimes.wasm_wasmtime import create_runtime as create_wasmtime

VALUES = (
    *("0", "-0", "1", "-1.5", "2.5", "-0.5", "0.49999997", "16777217", "inf", "-inf"),
    *("nan", "-nan", "nan:0x1", "0x1p-149", "0x1.fffffep127", "3.4e38", "-7"),
)
SIGNALLING = [
    (kind, sign, payload)
    for kind, payloads in (("f32", (1, 0x200001)), ("f64", (1, 0x4000000000001)))
    for payload in payloads
    for sign in ("", "-")
]
UNARY = ("ceil", "floor", "trunc", "nearest", "sqrt", "abs", "neg")
BINARY = ("add", "sub", "mul", "div", "min", "max", "copysign")
CHANGES = {
    "f32.demote_f64": [f"(f64.const {value})" for value in (*VALUES, "1e300", "1e-300", "0.1")],
    "f64.promote_f32": [f"(f32.const {value})" for value in VALUES],
}


def expressions(kind: str) -> list[str]:
    values = [f"({kind}.const {value})" for value in VALUES]
    unary = [f"({kind}.{name} {value})" for name, value in product(UNARY, values)]
    binary = [
        f"({kind}.{name} {' '.join(p)})" for name, p in product(BINARY, product(values, values))
    ]
    return unary + binary


def conversions() -> list[str]:
    random = Random(5)
    numbers = [random.getrandbits(64) - (1 << 63) for _ in range(300)]
    numbers += [sign * ((1 << s) + d) for s in range(24, 63) for d in (-1, 1) for sign in (1, -1)]
    numbers += [(1 << 62) + (1 << 38) + 1, (1 << 62) + (1 << 38), (1 << 62) + (3 << 38) - 1]
    return [f"(f32.convert_i64_{s} (i64.const {number}))" for number in numbers for s in "su"]


GROUPS: dict[str, Callable[[], list[tuple[int, str]]]] = {
    "f32": lambda: [(4, each) for each in expressions("f32")],
    "f64": lambda: [(8, each) for each in expressions("f64")],
    "conversions": lambda: [(4, each) for each in conversions()],
    "changes of size": lambda: [
        (4 if name.startswith("f32") else 8, f"({name} {value})")
        for name, values in CHANGES.items()
        for value in values
    ],
}


def results(tenant: Tenant, cases: list[tuple[int, str]]) -> list[bytes]:
    assert tenant.loop() == 0
    return [tenant.instance.load(8 * place, size) for place, (size, _) in enumerate(cases)]


def both(cases: list[tuple[int, str]]) -> list[tuple[str, str, str]]:
    """The cases that differ."""
    stores = (
        f"({'f32' if size == 4 else 'f64'}.store offset={8 * place} (i32.const 0) {text})"
        for place, (size, text) in enumerate(cases)
    )
    code = loop(f"{' '.join(stores)} i32.const 0")
    runtimes = (create_runtime(), create_wasmtime())
    found = [results(Tenant(code, runtime=each), cases) for each in runtimes]
    return [
        (text, ours.hex(), theirs.hex())
        for (_, text), ours, theirs in zip(cases, *found, strict=True)
        if ours != theirs
    ]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.clause("TC-RT-25")
def test_floats_are_exact_to_the_bit(group: str) -> None:
    cases = GROUPS[group]()
    for first in range(0, len(cases), 1000):
        assert both(cases[first : first + 1000]) == []


def test_a_signalling_nan_keeps_its_payload_where_only_its_sign_changes() -> None:
    """copysign, neg, abs and moves change no other bit."""
    signalling = [f"({kind}.const {sign}nan:0x{n:x})" for kind, sign, n in SIGNALLING]
    cases = [
        (4 if value.startswith("(f32") else 8, text)
        for value in signalling
        for kind in (value[1:4],)
        for text in (
            f"({kind}.copysign {value} ({kind}.const -1))",
            f"({kind}.copysign {value} ({kind}.const 1))",
            f"({kind}.copysign ({kind}.const 1) {value})",
            f"({kind}.neg {value})",
            f"({kind}.abs {value})",
            f"(select {value} {value} (i32.const 1))",
            value,
        )
    ]
    assert both(cases) == []


def test_correcting_changes_neither_fuel_nor_where_it_stops() -> None:
    code = loop(
        "(drop (f32.ceil (f32.min (f32.const 1.5) (f32.const -0)))) (loop (result i32)"
        " (f64.nearest (f64.const 2.5)) (drop (f64.max (f64.const 1))) i32.const 0)"
    )
    turns = []
    for make in (create_runtime, create_exact_runtime, create_wasmtime):
        run = Tenant(code, runtime=make()).run(budget=2)
        turns.append((run.used, run.turns, run.overrun))
    assert turns == [turns[0]] * 3
