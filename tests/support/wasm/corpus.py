"""Small modules that end, one per construct: for fuel, preemption and conformance alike."""

from dataclasses import dataclass, replace
from functools import cache

from support.wasm.modules import container


@dataclass(frozen=True)
class Sample:
    """A module in text form, around which the memory and the imports are put.

    Attributes:
        text: all but memory and imports.
        uses: the native functions to import.
        memory: limits of the memory.
        longest_unit: cost of what is charged at once, at most.
    """

    text: str
    uses: tuple[str, ...] = ()
    memory: str = "1"
    longest_unit: int = 65

    @property
    def code(self) -> bytes:
        """Its binary form."""
        return _code(self)


@cache
def _code(sample: Sample) -> bytes:
    return container(sample.text, uses=sample.uses, memory=sample.memory)


def _loop(body: str, more: str = "", memory: str = "1", uses: tuple[str, ...] = ()) -> Sample:
    return Sample(f'(func (export "loop") (result i32) {body}) {more}', uses, memory)


def _bulk(size: int, body: str, more: str = "", memory: str = "1") -> Sample:
    """A loop with a bulk operation or a grow of a size."""
    return replace(_loop(body, more, memory), longest_unit=max(65, size + 1))


def _each(body: str, more: str, calls: list[str], memory: str = "1") -> Sample:
    """A function $f that the loop calls with several arguments, adding up the results."""
    summed = " ".join(f"(local.set $s (i32.add (local.get $s) (call $f {call})))" for call in calls)
    return _loop(f"(local $s i32) {summed} local.get $s", f"(func $f {body}) {more}", memory)


def _sum(number: int) -> str:
    """A number that wasmtime does not take for a constant: of one it charges for failing grows."""
    return f"(i32.add (i32.const {number}) (i32.const 0))"


def _numbers(*values: int) -> list[str]:
    return [f"(i32.const {value})" for value in values]


_ADD = "i32.const 1 i32.add "
_FIB = """(func $fib (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))"""
_TABLE = """(table 8 20 funcref) (type $unary (func (param i32) (result i32)))
    (elem (i32.const 1) $double $square) (elem $passive func $square $double $square)
    (elem declare func $double)
    (func $double (type $unary) (i32.shl (local.get 0) (i32.const 1)))
    (func $square (type $unary) (i32.mul (local.get 0) (local.get 0)))"""

CONTROL = {
    "constant": _loop("i32.const -1"),
    "empty function": _loop("call $e call $e i32.const 0", "(func $e)"),
    "nop and drop": _loop("nop i32.const 3 nop i32.const 4 drop nop"),
    "block": _loop("(block) (block (block nop)) (block (result i32) i32.const 5)"),
    "br out of blocks": _loop(
        "(block (block (block br 1) unreachable) i32.const 1 drop) i32.const 2"
    ),
    "br with a value": _loop(
        "(block (result i32) i32.const 9 i32.const 7 br 0 i32.const 8) i32.const 1 i32.add"
    ),
    "br to the function": _loop("i32.const 1 (block i32.const 6 br 1) unreachable"),
    "br to the function, dead code behind": _loop("i32.const 6 br 0 i32.const 1 i32.add"),
    "br_if": _each(
        "(param i32) (result i32) (block (br_if 0 (local.get 0)) (return (i32.const 10)))"
        " i32.const 20",
        "",
        _numbers(0, 1, -1),
    ),
    "br_if with a value": _each(
        "(param i32) (result i32) (block (result i32) i32.const 4 local.get 0 br_if 0"
        " drop i32.const 5)",
        "",
        _numbers(0, 1),
    ),
    "countdown": _loop(
        "(local i32) (local.set 0 (i32.const 20)) (loop (br_if 0 (local.tee 0 (i32.sub"
        " (local.get 0) (i32.const 1))))) local.get 0"
    ),
    "loop left early": _loop(
        "(local i32) (block (loop (br_if 1 (i32.eq (local.get 0) (i32.const 5)))"
        " (local.set 0 (i32.add (local.get 0) (i32.const 1))) br 0)) local.get 0"
    ),
    "loop that is not repeated": _loop("(loop (result i32) i32.const 3)"),
    "loop with parameters": _loop(
        "(local $sum i32) (local $left i32) i32.const 0 i32.const 10"
        " (loop (param i32 i32) (result i32) local.set $left local.set $sum"
        " (i32.add (local.get $sum) (local.get $left)) (i32.sub (local.get $left) (i32.const 1))"
        " (br_if 0 (local.get $left)) drop)"
    ),
    "nested loops": _loop(
        "(local $i i32) (local $j i32) (local $n i32) (loop $a (local.set $j (i32.const 3))"
        " (loop $b (local.set $n (i32.add (local.get $n) (i32.const 1)))"
        " (br_if $b (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))"
        " (br_if $a (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))"
        " (i32.const 4)))) local.get $n"
    ),
    "if": _each(
        "(param i32) (result i32) (if (local.get 0) (then (local.set 0 (i32.const 9))))"
        " local.get 0",
        "",
        _numbers(0, 3),
    ),
    "if else": _each(
        "(param i32) (result i32) (if (result i32) (local.get 0) (then (if (result i32)"
        " (i32.eq (local.get 0) (i32.const 1)) (then (i32.const 7)) (else nop (i32.const 8))))"
        " (else (i32.const 5)))",
        "",
        _numbers(0, 1, 2),
    ),
    "if with empty arms": _each(
        "(param i32) (result i32) (if (local.get 0) (then) (else)) i32.const 1", "", _numbers(0, 1)
    ),
    "if left by br": _each(
        "(param i32) (result i32) (if (result i32) (local.get 0) (then i32.const 4 br 0)"
        " (else i32.const 2 i32.const 3 br 1)) i32.const 1 i32.add",
        "",
        _numbers(0, 1),
    ),
    "block parameters": _each(
        "(param i32) (result i32) local.get 0 i32.const 5 (block (param i32 i32) (result i32)"
        " i32.add) i32.const 2 (local.get 0)"
        " (if (param i32 i32) (result i32) (then i32.sub) (else i32.add))",
        "",
        _numbers(0, 1),
    ),
    "br_table": _each(
        "(param i32) (result i32) (block (block (block (br_table 0 1 2 1 (local.get 0)))"
        " (return (i32.const 1))) (return (i32.const 10))) i32.const 100",
        "",
        _numbers(0, 1, 2, 3, 4, -1),
    ),
    "br_table with a value": _each(
        "(param i32) (result i32) (block (result i32) (block (result i32) i32.const 6"
        " (br_table 0 1 (local.get 0))) i32.const 1 i32.add)",
        "",
        _numbers(0, 1, 77),
    ),
    "br_table to a loop": _loop(
        "(local i32) (block (loop (local.set 0 (i32.add (local.get 0) (i32.const 1)))"
        " (br_table 0 0 0 1 (local.get 0)))) local.get 0"
    ),
    "br_table without labels": _loop("(block (br_table 0 (i32.const 4))) i32.const 0"),
    "return": _loop("i32.const 1 i32.const 2 (block (loop i32.const 3 return)) unreachable"),
    "return from nothing": _loop("call $r i32.const 1", "(func $r (block return) unreachable)"),
    "calls": _loop(
        "i32.const 9 (call $mixed (i32.const 1) (i64.const 2)) i32.wrap_i64 i32.add i32.add",
        "(func $mixed (param i32 i64) (result i32 i64) (local i64) local.get 0 local.get 1)",
    ),
    "recursion": _loop("(call $fib (i32.const 7))", _FIB),
    "select": _each(
        "(param i32) (result i32) (select (i32.const 5) (i32.const 6) (local.get 0))"
        " (select (result i32) (i32.const 7) (i32.const 8) (local.get 0)) i32.add"
        " (ref.is_null (select (result funcref) (ref.null func) (ref.func $f) (local.get 0)))"
        " i32.add",
        "(elem declare func $f)",
        _numbers(0, 1),
    ),
    "start function and hooks": Sample(
        "(global $n (mut i32) (i32.const 0)) (func $s (call $bump (i32.const 5))) (start $s)"
        " (func $bump (param i32) (global.set $n (i32.add (global.get $n) (local.get 0))))"
        ' (func (export "start") (call $bump (i32.const 100)))'
        ' (func (export "loop") (result i32) (call $bump (i32.const 1)) global.get $n)'
        ' (func (export "stop") (call $bump (i32.const -1)))'
    ),
    "start function that is the hook too": Sample(
        '(global $n (mut i32) (i32.const 0)) (start $s) (func $s (export "start")'
        " (global.set $n (i32.add (global.get $n) (i32.const 1))))"
        ' (func (export "loop") (result i32) global.get $n)'
    ),
    "start function alone": Sample(
        "(start $s) (func $s (i32.store (i32.const 0) (i32.const 42)))"
        ' (func (export "loop") (result i32) (i32.load (i32.const 0)))'
    ),
    "natives": _loop(
        "(drop (call $heartbeat)) (call $logger (i32.const 8))"
        " (drop (call $write (call $open (i32.const -2)) (i32.const 16) (i32.const 3)))"
        " (drop (call $read (i32.const 1) (i32.const 32) (i32.const 4))) (call $close"
        " (i32.const 1))",
        '(data (i32.const 16) "abc")',
        uses=("heartbeat", "open", "close", "read", "write", "logger"),
    ),
    "a native through the table": _loop(
        "(call_indirect (result i32) (i32.const 0)) (call_indirect (result i32) (i32.const 1))"
        " i32.add",
        "(table 2 funcref) (elem (i32.const 0) $heartbeat $own) (func $own (result i32)"
        " i32.const 3)",
        uses=("heartbeat",),
    ),
}

STRAIGHT = {
    f"straight line of {2 * length + 1}": _loop("i32.const 0 " + _ADD * length)
    for length in (30, 31, 32, 63, 64, 100)
} | {
    "straight line in a loop": _loop(
        "(local i32 i32) (loop local.get 0 " + _ADD * 40 + "local.set 0 (br_if 0 (i32.lt_u"
        " (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 3)))) local.get 0"
    ),
    "nops and drops between": _loop("i32.const 0 " + "nop i32.const 2 drop " * 40 + _ADD),
}

TABLES = {
    "call_indirect": _each(
        "(param i32 i32) (result i32) (call_indirect (type $unary) (local.get 1) (local.get 0))",
        _TABLE,
        ["(i32.const 1) (i32.const 21)", "(i32.const 2) (i32.const 5)"],
    ),
    "table.get and table.set": _loop(
        "(table.set (i32.const 5) (ref.func $double)) (ref.is_null (table.get (i32.const 5)))"
        " (table.set (i32.const 1) (ref.null func)) (ref.is_null (table.get (i32.const 1)))"
        " i32.add (call_indirect (type $unary) (i32.const 4) (i32.const 5)) i32.add",
        _TABLE,
    ),
    "call_indirect in a row": _loop(
        "i32.const 5 i32.const 0 (call_indirect (type $two)) (call_indirect (type $one))",
        "(type $one (func (param i32) (result i32)))"
        " (type $two (func (param i32) (result i32 i32)))"
        " (table 2 funcref) (elem (i32.const 0) $first $second)"
        " (func $first (type $two) (local.get 0) (i32.const 1))"
        " (func $second (type $one) (i32.shl (local.get 0) (i32.const 1)))",
    ),
    "table.size": _loop("table.size", _TABLE),
    "elem.drop": _loop(
        "elem.drop $passive (table.init $passive (i32.const 0) (i32.const 0) (i32.const 0))"
        " i32.const 0",
        _TABLE,
    ),
    "call_indirect behind nothing but operands": _loop(
        "(local i32) (local.set 0 (i32.const 1)) (call $f (i32.const 3) (i32.const 1))",
        _TABLE + "(func $f (param i32 i32) (result i32) local.get 0 local.get 1 (call_indirect"
        " (type $unary)))",
    ),
}
for _size in (0, 1, 2, 3):
    TABLES |= {
        f"table.init of {_size}": _bulk(
            _size,
            f"(table.init $passive (i32.const 4) (i32.const 0) (i32.const {_size})) table.size",
            _TABLE,
        ),
        f"table.copy of {_size}": _bulk(
            _size,
            f"(table.copy (i32.const 2) (i32.const 1) (i32.const {_size})) (ref.is_null"
            " (table.get (i32.const 3)))",
            _TABLE,
        ),
        f"table.fill of {_size}": _bulk(
            _size,
            f"(table.fill (i32.const 3) (ref.func $double) (i32.const {_size})) (ref.is_null"
            " (table.get (i32.const 4)))",
            _TABLE,
        ),
    }
for _by in (0, 1, 12, 13, 127, 128, 129, 1000, -1):
    TABLES |= {
        f"table.grow by {_by}, maximum given": _bulk(
            _by, f"(table.grow (ref.func $double) {_sum(_by)}) table.size i32.add", _TABLE
        ),
        f"table.grow by {_by}, no maximum": _bulk(
            _by,
            f"(table.grow (ref.null func) {_sum(_by)}) table.size i32.add",
            "(table 4 funcref)",
        ),
    }

_WIDTHS = {
    "i32": ("load", "load8_s", "load8_u", "load16_s", "load16_u"),
    "i64": ("load", "load8_s", "load8_u", "load16_s", "load16_u", "load32_s", "load32_u"),
    "f32": ("load",),
    "f64": ("load",),
}
_STORES = {"i32": ("store8", "store16"), "i64": ("store8", "store16", "store32")}

MEMORY = {
    "loads": _loop(
        " ".join(
            f"({kind}.store offset={64 + 8 * place} (i32.const {place}) ({kind}.{load}"
            f" offset={place} (i32.const 3)))"
            for kind, loads in _WIDTHS.items()
            for place, load in enumerate(loads)
        )
        + " i32.const 0",
        r'(data (i32.const 0) "\80\7f\ff\01\02\fe\81\90\a0\b0\c0\d0\e0\f0\11\22\33\44\55")',
    ),
    "stores": _loop(
        " ".join(
            f"({kind}.{store} offset={16 * place} (i32.const {place}) ({kind}.const -2))"
            for kind, stores in _STORES.items()
            for place, store in enumerate(stores)
        )
        + " i32.const 0"
    ),
    "memory.size": _loop("memory.size", memory="0 1"),
    "the last byte": _loop("(i32.store8 (i32.const 65535) (i32.const 7)) i32.const 0"),
    "data.drop": _loop(
        "data.drop $d (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)) i32.const 0",
        '(data $d "abcdef")',
    ),
    "memory.fill behind nothing but operands": _loop(
        "(call $f (i32.const 3) (i32.const 65) (i32.const 9)) i32.const 0",
        "(func $f (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.fill)",
    ),
    "grows in a row": _loop("i32.const 0 memory.grow memory.grow memory.grow", memory="0 1"),
    "fills in a row": _loop(
        "i32.const 0 i32.const 1 i32.const 2 i32.const 3 i32.const 4 i32.const 5"
        " memory.fill memory.fill i32.const 0"
    ),
    "a block that begins with a fill": _loop(
        "i32.const 0 i32.const 1 i32.const 50 (block (param i32 i32 i32) memory.fill)"
        " i32.const 0 (loop (param i32) (result i32) memory.grow)"
    ),
    "bulk in a loop": _loop(
        "(local i32) i32.const 0 (loop (param i32) memory.size i32.const 2"
        " memory.fill i32.const 1 (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0)"
        " (i32.const 1))) (i32.const 3))) drop) i32.const 0"
    ),
}
for _size in (0, 1, 6, 63, 64, 65, 1000, 65536):
    MEMORY |= {
        f"memory.fill of {_size}": _bulk(
            _size, f"(memory.fill (i32.const 0) (i32.const 90) (i32.const {_size})) i32.const 0"
        ),
        f"memory.copy of {_size}": _bulk(
            _size,
            f"(memory.copy (i32.const 0) (i32.const 0) (i32.const {_size})) (memory.copy"
            f" (i32.const 1) (i32.const 0) (i32.const {min(_size, 65535)})) i32.const 0",
            '(data (i32.const 0) "overlapping")',
        ),
    }
for _size in (0, 1, 6):
    MEMORY[f"memory.init of {_size}"] = _bulk(
        _size,
        f"(memory.init $d (i32.const 100) (i32.const 0) (i32.const {_size})) i32.const 0",
        '(data $d "abcdef")',
    )
for _by in (0, 1, 2, 127, 128, 129, 1000, 65535, 65536, -1):
    MEMORY |= {
        f"memory.grow by {_by}, maximum given": _bulk(
            _by, f"(memory.grow {_sum(_by)}) memory.size i32.add", memory="0 1"
        ),
        f"memory.grow by {_by}, no maximum": _bulk(
            _by, f"(memory.grow {_sum(_by)}) memory.size i32.add", memory="0"
        ),
    }

SAMPLES: dict[str, Sample] = {**CONTROL, **STRAIGHT, **TABLES, **MEMORY}
"""All of them by name."""
