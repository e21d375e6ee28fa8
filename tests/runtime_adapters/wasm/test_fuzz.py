"""Damaged and random modules: refused with a reason, or run like any other, in bounded time."""

from collections import Counter
from random import Random
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import WasmInstance, make_runtime
from support.wasm.corpus import SAMPLES
from support.wasm.modules import (
    HEADER,
    SECTION_ORDER,
    RecordingNatives,
    build,
    container,
    join,
    section,
    split,
    within,
)
from support.wasm.programs import program

from tinycontainer.errors import CreationError, InadmissibleCode
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import (
    Completed,
    Hook,
    Outcome,
    Preempted,
    Runtime,
    RuntimeLimits,
    Trapped,
)
from tinycontainer_runtimes.wasm.traps import TrapCode

pytestmark = pytest.mark.usefixtures("engine")

LIMITS = RuntimeLimits()
BUDGET, TURNS = 100, 20
REFUSED, NOT_CREATED = "refused", "not created"
RICH = container(
    """(global $g (mut i64) (i64.const 5)) (table 3 9 funcref) (elem (i32.const 0) $f $q)
    (elem $late func $f $f) (data (i32.const 3) "bytes") (data $more "others") (start $s)
    (func $s (global.set $g (i64.const 6)) (call_indirect (i32.const 1)))
    (func $q) (func $f (param i32 i32) (result i32) (local i64 f32) (block (loop (br_table 0 1
    (local.get 0)))) (select (local.get 0) (local.get 1) (i32.const 1)))
    (func (export "start") (drop (call $open (i32.const 4))) (table.init $late (i32.const 0)
    (i32.const 0) (i32.const 2)))
    (func (export "loop") (result i32) (local f64) (memory.init $more (i32.const 9) (i32.const 0)
    (i32.const 3)) (drop (call $write (i32.const 1) (i32.const 0) (i32.const 9)))
    (local.set 0 (f64.div (f64.convert_i64_u (global.get $g)) (f64.const 3)))
    (if (result i32) (f64.gt (local.get 0) (f64.const 1)) (then (i32.trunc_f64_s (local.get 0)))
    (else (call $f (i32.const 2) (i32.const 3)))))
    (func (export "stop") (drop (memory.grow (i32.const 1))) (memory.fill (i32.const 0)
    (i32.const 7) (i32.const 50)))""",
    uses=("open", "write"),
)
_SOURCES = [RICH] * 20 + [program(seed) for seed in range(20)]
_SOURCES += [build(), *(sample.code for sample in SAMPLES.values())]
SEEDS = [join([part for part in split(code) if part[0]]) for code in _SOURCES]
"""Without their names, whose damage would do no harm."""


def fate(runtime: Runtime, code: bytes) -> str:
    """What becomes of a module: refused, not created, or how its hooks ended."""
    with within(5):
        try:
            runtime.admit(code, LIMITS)
        except InadmissibleCode:
            return REFUSED
        meter = Meter(lambda instructions: None)
        natives = RecordingNatives(meter, cost=10, data=b"own data")
        natives.incoming = b"from outside"
        try:
            made = runtime.create(code, b"own data", natives, meter, LIMITS)
            instance = cast("WasmInstance", made)
        except CreationError:
            return NOT_CREATED
        outcomes = []
        for hook in Hook:
            outcome: Outcome = Preempted()
            instance.begin(hook)
            for _ in range(TURNS):
                meter.refill(BUDGET)
                outcome = instance.resume()
                if outcome != Preempted():
                    break
                assert meter.left <= 0
            outcomes.append(outcome)
        size = instance.size()
        instance.finalize()
    for outcome in outcomes:
        if isinstance(outcome, Trapped):
            assert outcome.code in set(TrapCode) - {TrapCode.ENGINE}
        elif isinstance(outcome, Completed):
            assert -(1 << 31) <= outcome.value < 1 << 31
    assert size <= LIMITS.memory_pages << 16
    return " ".join(type(outcome).__name__ for outcome in outcomes)


def damaged(random: Random, code: bytes) -> bytes:
    """A module with a few bytes changed, put in or taken out, or cut short."""
    damaged = bytearray(code)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        place = random.randrange(len(HEADER), len(damaged) + 1)
        match random.randrange(6):
            case 0:
                damaged[place : place + 1] = random.randbytes(1)
            case 1 if place < len(damaged):
                damaged[place] = (damaged[place] + random.choice((-1, 1))) & 0xFF
            case 2:
                damaged[place : place + 1] = bytes([1 << random.randrange(8)])
            case 3:
                damaged[place:place] = random.randbytes(random.randint(1, 4))
            case 4:
                del damaged[place : place + random.randint(1, 4)]
            case _ if random.randrange(3) == 0:
                del damaged[place:]
        if len(damaged) <= len(HEADER):
            break
    return bytes(damaged)


def resized(random: Random, code: bytes) -> bytes:
    """A module whose sections were damaged inside, with sizes that fit again."""
    sections = split(code)
    place = random.randrange(len(sections))
    number, payload = sections[place]
    if random.randrange(8) == 0:
        sections.insert(random.randrange(len(sections) + 1), random.choice(split(RICH)))
    else:
        sections[place] = (number, damaged(random, HEADER + payload)[len(HEADER) :])
    return join(sections)


@pytest.mark.parametrize("examples", [1_000, pytest.param(20_000, marks=pytest.mark.long)])
def test_damaged_modules_are_refused_or_run(examples: int) -> None:
    random, runtime, fates = Random(20_260_101), make_runtime(), Counter[str]()
    for _ in range(examples):
        damage = random.choice((damaged, resized))
        fates[fate(runtime, damage(random, random.choice(SEEDS)))] += 1
    assert fates[REFUSED] > examples // 2
    assert fates.total() - fates[REFUSED] > examples // 20
    assert any("Trapped" in each for each in fates)


def test_every_byte_of_a_module_may_be_any_of_a_few_others() -> None:
    runtime, code = make_runtime(), build()
    for place in range(len(code)):
        for value in (0x00, 0x01, 0x0B, 0x40, 0x7F, 0x80, 0xFC, 0xFF):
            fate(runtime, code[:place] + bytes([value]) + code[place + 1 :])


def test_a_module_that_is_cut_anywhere_is_refused() -> None:
    runtime, whole = make_runtime(), SEEDS[0]
    assert fate(runtime, whole) == "Completed Completed Completed"
    for length in range(len(whole)):
        assert fate(runtime, whole[:length]) == REFUSED


RANDOM_MODULES = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(lambda rest: HEADER + rest),
    st.lists(st.tuples(st.sampled_from((*SECTION_ORDER, 0)), st.binary(max_size=40))).map(
        lambda parts: HEADER + b"".join(section(*part) for part in parts)
    ),
    st.lists(
        st.tuples(st.sampled_from(SECTION_ORDER), st.binary(max_size=20)), unique_by=lambda p: p[0]
    ).map(lambda parts: build(dict(parts))),
)


@pytest.mark.parametrize("examples", [200, pytest.param(20_000, marks=pytest.mark.long)])
def test_random_bytes_are_refused_or_run(examples: int) -> None:
    runtime = make_runtime()

    @settings(max_examples=examples)
    @given(RANDOM_MODULES)
    def check(code: bytes) -> None:
        assert fate(runtime, code)

    check()
