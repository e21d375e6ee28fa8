"""Generates small valid modules that end by construction.

Functions call only those behind them, loops count down in locals that nothing else touches, and
branches lead out of blocks, never back. A module may trap: by division, by an address, by a call
through the table.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from hypothesis import strategies as st

from support.wasm.modules import container

LONGEST_BULK = 201
"""Cost of the longest bulk operation."""

_FUNCTIONS = 3
_USES = ("heartbeat", "open", "write")
_LAYOUT = """(table $t 5 9 funcref) (type $pair (func (param i32 i32) (result i32)))
(elem (i32.const 0) $f2 $f2) (elem (i32.const 3) $other $f2) (elem $late func $f2 $other $f2)
(data (i32.const 128) "some bytes to be read") (data $late "and more of them")
(global $g (mut i32) (i32.const 7)) (global $h (mut i64) (i64.const -3))
(func $other (result i32) i32.const 11)"""
_LOCALS = "(local $a i32) (local $b i32) (local $w i64) (local $c0 i32) (local $c1 i32)"

_BINARY = ["add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"]
_COMPARE = ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"]
_DIVIDE = ["div_s", "div_u", "rem_s", "rem_u"]
_UNARY = ["clz", "ctz", "popcnt", "eqz", "extend8_s", "extend16_s"]
_CONSTANTS = (-3, -1, 0, 1, 2, 5, 31, 32, 70, 127, 128, 255, 65535, 65536, 2**31 - 1, -(2**31))


@dataclass
class _Place:
    """Where in a function the generator stands."""

    random: Random
    function: int
    labels: list[str] = field(default_factory=list)
    loops: int = 0
    depth: int = 0
    opaque_grows: bool = False
    traps: bool = False

    def pick(self, *options: str) -> str:
        return self.random.choice(options)

    def number(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def rarely(self, times: int) -> bool:
        return self.random.randrange(times) == 0


_Expression: TypeAlias = Callable[[_Place, int], str]


def program(seed: int, *, opaque_grows: bool = False, traps: bool = False) -> bytes:
    """The module with a loop hook that belongs to a number, in binary form.

    Args:
        seed: the number.
        opaque_grows: whether no compiler can see by how much memory and table grow.
        traps: whether there are statements that trap, in called functions above all.
    """
    random = Random(seed)
    functions = [
        _function(_Place(random, index, opaque_grows=opaque_grows, traps=traps))
        for index in range(_FUNCTIONS)
    ]
    return container("\n".join([_LAYOUT, *functions]), uses=_USES)


def programs(*, opaque_grows: bool = False) -> st.SearchStrategy[bytes]:
    """Such modules; plain random numbers make larger ones, and sooner, than drawn choices do."""
    return st.integers(0, 2**32).map(lambda seed: program(seed, opaque_grows=opaque_grows))


def _function(place: _Place) -> str:
    header = (
        '(export "loop") (result i32) (local $x i32) (local $y i32)'
        if place.function == 0
        else "(type $pair) (param $x i32) (param $y i32) (result i32)"
    )
    statements = _statements(place)
    keep = "(i32.store (i32.const 8) (global.get $g)) (i64.store (i32.const 16) (global.get $h))"
    return f"(func $f{place.function} {header} {_LOCALS}\n{statements}\n{keep} {_i32(place, 2)})"


def _statements(place: _Place) -> str:
    return "\n".join(_statement(place) for _ in range(place.number(0, 4)))


_TRAPS = (
    "unreachable",
    "(local.set $a (i32.rem_u (local.get $x) (i32.const 0)))",
    "(global.set $h (i64.div_u (global.get $h) (i64.const 0)))",
    "(global.set $h (i64.trunc_f64_s (f64.const nan)))",
    "(local.set $b (i32.load16_u offset=65535 (i32.and (local.get $y) (i32.const 7))))",
    "(memory.fill (i32.const -1) (i32.const 1) (local.get $x))",
    "(table.fill (i32.const 9) (ref.null func) (i32.const 1))",
    "(drop (call_indirect (type $pair) (i32.const 1) (i32.const 2) (i32.const 2)))",
    "(drop (call_indirect (type $pair) (i32.const 1) (i32.const 2) (i32.const 3)))",
    "(drop (call $write (i32.const 1) (i32.const -1) (i32.const 4)))",
)


def _statement(place: _Place) -> str:
    if place.traps and place.rarely(4 if place.function else 40):
        return place.pick(*_TRAPS)
    simple = [_set, _set, _store, _store, _drop, _straight, _bulk, _references, _leave]
    if place.depth < (3 if place.function == 0 else 1):
        simple += [_if, _block, _loop, _loop, _loop, _switch]
    kind = place.random.choice(simple)
    place.depth += 1
    text = kind(place)
    place.depth -= 1
    return text


def _set(place: _Place) -> str:
    if place.rarely(5):
        return f"({place.pick('local.set $w', 'global.set $h')} {_i64(place, 2)})"
    target = place.pick("local.set $a", "local.set $b", "local.set $x", "global.set $g")
    return f"({target} {_i32(place, 3)})"


def _store(place: _Place) -> str:
    kind = place.pick("i32.store", "i32.store8", "i32.store16", "i64.store", "i64.store32")
    value = _i32(place, 2) if kind.startswith("i32") else _i64(place, 2)
    return f"({kind} offset={place.number(0, 40)} {_address(place)} {value})"


def _drop(place: _Place) -> str:
    return f"nop (drop {_i32(place, 3)})"


def _straight(place: _Place) -> str:
    step = "(local.set $a (i32.add (local.get $a) (i32.const 3)))"
    return " ".join([step] * place.number(1, 40))


def _bulk(place: _Place) -> str:
    size = place.pick("0", "1", "17", "200")
    return place.pick(
        f"(memory.fill {_address(place)} {_i32(place, 1)} (i32.const {size}))",
        f"(memory.copy {_address(place)} {_address(place)} (i32.const {size}))",
        f"(memory.init $late {_address(place)} (i32.const 2) (i32.const {int(size) % 14}))",
        f"(local.set $a (memory.grow {_grown(place, size)}))",
    )


def _grown(place: _Place, size: str) -> str:
    """By how much something grows: a constant or computed, and often too much."""
    if place.opaque_grows:
        return f"(i32.add (i32.load8_u (i32.const 8)) (i32.const {size}))"
    return place.pick(
        f"(i32.const {size})",
        "(local.get $x)",
        "(global.get $g)",
        f"(i32.and {_i32(place, 1)} (i32.const 255))",
        f"(i32.add (i32.load8_u (i32.const 8)) (i32.const {size}))",
        _i32(place, 2),
    )


def _references(place: _Place) -> str:
    size = place.number(0, 2)
    return place.pick(
        f"(table.fill (i32.const 2) (ref.func $f2) (i32.const {size}))",
        f"(table.copy (i32.const 3) (i32.const 0) (i32.const {size}))",
        f"(table.init $late (i32.const 2) (i32.const 1) (i32.const {size}))",
        f"(local.set $b (table.grow (ref.null func)"
        f" {_grown(place, place.pick('0', '1', '9', '200'))}))",
        "(table.set (i32.const 1) (table.get (i32.const 0)))",
    )


def _leave(place: _Place) -> str:
    if place.labels:
        return f"(br_if {place.pick(*place.labels)} {_i32(place, 2)})"
    if place.rarely(4):
        return f"(if {_i32(place, 1)} (then (return {_i32(place, 1)})))"
    return _drop(place)


def _if(place: _Place) -> str:
    condition, then, otherwise = _i32(place, 2), _statements(place), _statements(place)
    return f"(if {condition} (then {then}) (else {otherwise}))"


def _block(place: _Place) -> str:
    label = f"$block{place.depth}"
    place.labels.append(label)
    inside = _statements(place)
    place.labels.pop()
    return f"(block {label} {inside})"


def _loop(place: _Place) -> str:
    if place.loops == 2:
        return "nop"
    counter, label = f"$c{place.loops}", f"$loop{place.depth}"
    place.loops += 1
    inside = _statements(place)
    place.loops -= 1
    return (
        f"(local.set {counter} (i32.const {place.number(1, 3)})) (loop {label} {inside} (br_if"
        f" {label} (local.tee {counter} (i32.sub (local.get {counter}) (i32.const 1)))))"
    )


def _switch(place: _Place) -> str:
    outer, inner = f"$outer{place.depth}", f"$inner{place.depth}"
    order = place.pick(f"{outer} {inner}", f"{inner} {outer}", f"{inner} {inner} {outer}")
    first, second = _statements(place), _statements(place)
    return (
        f"(block {outer} (block {inner} {first} (br_table {order} (i32.and {_i32(place, 1)}"
        f" (i32.const 3)))) {second})"
    )


def _address(place: _Place) -> str:
    if place.rarely(100):
        return _i32(place, 1)
    return f"(i32.and {_i32(place, 1)} (i32.const 1023))"


def _i32(place: _Place, depth: int) -> str:
    leaf = place.number(0, 9)
    if depth == 0 or leaf < 4:
        return place.pick(
            f"(i32.const {place.random.choice(_CONSTANTS)})",
            "(local.get $a)",
            "(local.get $b)",
            "(local.get $x)",
            "(local.get $y)",
            "(global.get $g)",
            f"(local.tee $b (i32.const {place.number(0, 9)}))",
            "(memory.size)",
            "(table.size)",
        )
    kinds: list[_Expression] = [
        _binary,
        _unary,
        _load,
        _select,
        _choose,
        _wrap,
        _through_float,
        _call,
    ]
    return place.random.choice(kinds)(place, depth - 1)


def _binary(place: _Place, depth: int) -> str:
    names = _DIVIDE if place.rarely(30) else place.random.choice([_BINARY, _COMPARE])
    return f"(i32.{place.pick(*names)} {_i32(place, depth)} {_i32(place, depth)})"


def _unary(place: _Place, depth: int) -> str:
    return f"(i32.{place.pick(*_UNARY)} {_i32(place, depth)})"


def _load(place: _Place, depth: int) -> str:
    kind = place.pick("load", "load8_s", "load8_u", "load16_s", "load16_u")
    return f"(i32.{kind} offset={place.number(0, 200)} {_address(place)})"


def _select(place: _Place, depth: int) -> str:
    return f"(select {_i32(place, depth)} {_i32(place, depth)} {_i32(place, depth)})"


def _choose(place: _Place, depth: int) -> str:
    return place.pick(
        f"(if (result i32) {_i32(place, depth)} (then {_i32(place, depth)})"
        f" (else {_i32(place, depth)}))",
        f"(block (result i32) (drop (br_if 0 {_i32(place, depth)} {_i32(place, depth)}))"
        f" {_i32(place, depth)})",
    )


def _wrap(place: _Place, depth: int) -> str:
    return f"(i32.wrap_i64 {_i64(place, depth)})"


def _through_float(place: _Place, depth: int) -> str:
    return (
        f"(i32.trunc_sat_f64_s (f64.mul (f64.convert_i32_s {_i32(place, depth)})"
        f" (f64.const {place.pick('0.5', '1.5', '-3')})))"
    )


def _call(place: _Place, depth: int) -> str:
    native = place.pick(
        "(call $heartbeat)",
        f"(call $open {_i32(place, 0)})",
        f"(call $write {_i32(place, 0)} (i32.const 128) (i32.const {place.number(0, 20)}))",
    )
    if place.function == _FUNCTIONS - 1 or place.loops > 1:
        return native
    arguments = f"{_i32(place, depth)} {_i32(place, 0)}"
    # The table holds only the last function, which calls no other, and one of another type.
    through = place.pick(*"1111144", "2", "3", "8")
    return place.pick(
        native,
        f"(call $f{place.number(place.function + 1, _FUNCTIONS - 1)} {arguments})",
        f"(call_indirect (type $pair) {arguments} (i32.const {through}))",
    )


def _i64(place: _Place, depth: int) -> str:
    if depth == 0:
        return place.pick(
            f"(i64.const {place.random.choice(_CONSTANTS)})", "(local.get $w)", "(global.get $h)"
        )
    names = _DIVIDE if place.rarely(30) else _BINARY
    return place.pick(
        f"(i64.{place.pick(*names)} {_i64(place, depth - 1)} {_i64(place, depth - 1)})",
        f"(i64.extend_i32_{place.pick('s', 'u')} {_i32(place, depth - 1)})",
        f"(i64.load32_s {_address(place)})",
    )
