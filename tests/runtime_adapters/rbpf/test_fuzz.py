"""Damaged and random files: refused with a reason, or run like any other, in bounded time."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.project import ROOT
from support.rbpf.assembling import LIMITS, hooks, rbf
from support.rbpf.programs import program
from support.rbpf.vectors import vectors
from support.wasm.modules import within

from tinycontainer.errors import BuildRefused, InadmissibleCode
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Completed, Hook, Outcome, Preempted, Trapped
from tinycontainer.testing import RecordingNatives
from tinycontainer_runtimes.rbpf import create_runtime
from tinycontainer_runtimes.rbpf.analysis import analyse
from tinycontainer_runtimes.rbpf.codes import RbpfCode
from tinycontainer_runtimes.rbpf.conversion import create_builder

OBJECTS = ROOT / "tests" / "vectors" / "rbpf" / "objects"
BUDGET, TURNS = 100, 30
REFUSED = "refused"
WORDS = {code.word for code in RbpfCode} - {RbpfCode.OK.word}
CALLS = """lddwd r1, 0
call logger
mov r1, 1
mov r2, r10
sub r2, 16
mov r3, 16
call read
mov r1, 1
lddwr r2, 0
call write
call data_size
mov r3, r0
mov r1, 0
mov r2, r10
sub r2, 64
call data_read
call open
call close
call heartbeat
ldxb r0, [r10-64]
exit"""
RICH = hooks(start=CALLS, loop="lsh r2, 1\njne r2, 0, -2\nexit", stop=CALLS)


def corpus() -> list[bytes]:
    random = Random(5)
    seeds = [RICH] * 10
    seeds += [rbf(CALLS, b"a line\0", b"rodata", loop=0, stop=3)] * 10
    seeds += [rbf(program(random), bytes(24), bytes(8)) for _ in range(30)]
    seeds += [rbf(each.text + b"\x95" + bytes(7)) for each in vectors() if len(each.text) % 8 == 0]
    return seeds


def fate(code: bytes) -> str:
    """What becomes of a file: refused, or how its hooks ended."""
    runtime = create_runtime()
    with within(5):
        try:
            runtime.admit(code, LIMITS)
        except InadmissibleCode:
            with pytest.raises(InadmissibleCode):
                analyse(code)
            return REFUSED
        facts = analyse(code)
        meter = Meter(lambda instructions: None)
        natives = RecordingNatives(meter, b"own data")
        instance = runtime.create(code, b"own data", natives, meter, LIMITS)
        outcomes: list[Outcome] = []
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
        instance.finalize()
    for outcome in outcomes:
        if isinstance(outcome, Trapped):
            assert outcome.code in WORDS
        elif isinstance(outcome, Completed):
            assert -(1 << 31) <= outcome.value < 1 << 31
    called = {"logger" if call[0] == "log" else call[0] for call in natives.calls}
    assert called <= facts.natives
    opened = {call[1] for call in natives.calls if call[0] == "open"}
    assert facts.opens_computed or opened <= facts.opened
    return " ".join(type(outcome).__name__ for outcome in outcomes)


def damaged(random: Random, code: bytes) -> bytes:
    """A file with a few bytes changed, instructions exchanged, or a part missing."""
    content = bytearray(code.ljust(8, b"\0"))
    for _ in range(random.choice((1, 1, 2, 3))):
        place = random.randrange(max(1, len(content) - 1))
        match random.randrange(8):
            case 0 | 1 | 2:
                content[place] = random.choice((0, 1, 8, 0x10, 0xFF, random.randrange(256)))
            case 3 | 4:
                content[place] ^= 1 << random.randrange(8)
            case 5:
                at = 28 + random.randrange(max(1, (len(content) - 28) // 8)) * 8
                content[at : at + 8] = program(random)[:8]
            case 6:
                content[place : place + 1] = random.randbytes(random.choice((0, 1, 2, 2)))
            case _ if random.randrange(3) == 0:
                del content[place + 8 :]
    return bytes(content)


@pytest.mark.parametrize("examples", [2_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_damaged_files_are_refused_or_run(examples: int) -> None:
    random, seeds, fates = Random(20_260_716), corpus(), Counter[str]()
    for _ in range(examples):
        fates[fate(damaged(random, random.choice(seeds)))] += 1
    assert fates[REFUSED] > examples // 4
    assert fates.total() - fates[REFUSED] > examples // 10
    assert any("Trapped" in each for each in fates)


def test_every_byte_of_a_file_may_be_any_of_a_few_others() -> None:
    code = rbf(CALLS, b"a line\0", b"rodata", loop=0)
    for place in range(len(code)):
        for value in (0x00, 0x01, 0x07, 0x18, 0x7F, 0x80, 0xFF):
            fate(code[:place] + bytes([value]) + code[place + 1 :])


def test_a_file_that_is_cut_anywhere_is_refused() -> None:
    assert fate(RICH) != REFUSED
    for length in range(len(RICH)):
        assert fate(RICH[:length]) == REFUSED


@pytest.mark.parametrize("examples", [200, pytest.param(20_000, marks=pytest.mark.long)])
def test_random_text_is_refused_or_run(examples: int) -> None:
    @settings(max_examples=examples)
    @given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(_as_text)))
    def check(code: bytes) -> None:
        assert fate(code)

    check()


def _as_text(content: bytes) -> bytes:
    return rbf(content[: len(content) // 8 * 8] + b"\x95" + bytes(7))


@pytest.mark.parametrize("examples", [300, pytest.param(20_000, marks=pytest.mark.long)])
def test_damaged_objects_are_refused_or_converted(examples: int) -> None:
    random, builder = Random(20_260_717), create_builder()
    objects = [path.read_bytes() for path in sorted(OBJECTS.glob("*.o"))]
    fates = Counter[str]()
    for _ in range(examples):
        content = damaged(random, random.choice(objects))
        with within(5):
            try:
                fates[fate(builder.build(content).code)] += 1
            except BuildRefused:
                fates["not built"] += 1
    assert fates["not built"] > examples // 3
    assert fates.total() - fates["not built"] > examples // 50
    assert REFUSED not in fates
