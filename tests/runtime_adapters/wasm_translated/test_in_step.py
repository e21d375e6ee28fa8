"""Translated code in step with pywasm, in both its forms: outcomes, fuel, stops, memory."""

from random import Random

import pytest
from hypothesis import given, settings
from support.project import BOX
from support.wasm.bombs import BOMBS
from support.wasm.corpus import SAMPLES
from support.wasm.modules import RecordingNatives, Tenant, container
from support.wasm.programs import programs

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import Completed, Hook, Preempted, RuntimeLimits, Trapped
from tinycontainer_runtimes import wasm_pywasm, wasm_translated
from tinycontainer_runtimes.wasm_translated import program
from tinycontainer_runtimes.wasm_translated.room import TooMuch

FORMS = ("loops", "lines")
EXAMPLES = sorted(path.relative_to(BOX) for path in BOX.glob("*/*.wasm"))
BUDGETS = (1, 2, 7, 64, 300, 1_000, 5_000)
MOST_TURNS = 2_000


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """In which form functions are translated; the second one is for what the first one is not."""
    name: str = request.param
    if name == "lines":

        def refuse(*_anything: object) -> None:
            raise TooMuch

        monkeypatch.setattr(program, "translate_function", refuse)
    return name


def in_step(code: bytes, seed: int, limits: RuntimeLimits | None = None) -> int:
    """Run all hooks with the same budgets on both engines; how many hooks completed."""
    numbers, completed = Random(seed), 0
    runtimes = wasm_pywasm.create_runtime(), wasm_translated.create_runtime()
    ours, theirs = (Tenant(code, runtime=each, cost=100, limits=limits) for each in runtimes)
    ours.natives.incoming = theirs.natives.incoming = b"wxyz"
    for hook in Hook:
        ours.instance.begin(hook)
        theirs.instance.begin(hook)
        for _ in range(MOST_TURNS):
            budget = numbers.choice(BUDGETS)
            outcome = ours.turn(budget)
            assert theirs.turn(budget) == outcome
            assert theirs.meter.left == ours.meter.left
            assert theirs.charged == ours.charged
            assert theirs.natives.calls == ours.natives.calls
            if outcome != Preempted():
                completed += isinstance(outcome, Completed)
                break
        assert theirs.memory() == ours.memory()
    for each in (ours, theirs):
        each.instance.finalize()
    return completed


@pytest.mark.parametrize("name", SAMPLES)
def test_every_construct_does_what_it_does_on_pywasm(name: str, form: str) -> None:
    for seed in range(3):
        in_step(SAMPLES[name].code, seed)


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_the_containers_of_the_box_do_what_they_do_on_pywasm(path: object, form: str) -> None:
    assert in_step((BOX / str(path)).read_bytes(), 1)


def _agree(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=True)
    @given(programs())
    def agree(code: bytes) -> None:
        in_step(code, len(code))

    agree()


def test_generated_programs_do_what_they_do_on_pywasm(form: str) -> None:
    _agree(40)


@pytest.mark.long
def test_many_generated_programs_do_what_they_do_on_pywasm(form: str) -> None:
    _agree(2_000)


@pytest.mark.parametrize("shape", BOMBS)
def test_whatever_is_admitted_is_translated_whatever_its_shape(shape: str) -> None:
    code = BOMBS[shape](8 << 10)
    runtime = wasm_translated.create_runtime()
    try:
        runtime.admit(code, RuntimeLimits())
    except InadmissibleCode:
        return
    subject, reference = (
        Tenant(code, runtime=each) for each in (runtime, wasm_pywasm.create_runtime())
    )
    assert subject.run(Hook.LOOP, 1_000, 3) == reference.run(Hook.LOOP, 1_000, 3)


class Interrupted(RecordingNatives):
    """Natives during which an operator interrupts."""

    def heartbeat(self) -> int:
        raise KeyboardInterrupt


def test_a_hook_that_was_interrupted_does_not_go_on_and_the_next_one_does(form: str) -> None:
    code = container(
        '(func (export "loop") (result i32) (call $f)) (func (export "stop"))'
        " (func $f (result i32) (call $heartbeat))",
        uses=("heartbeat",),
    )
    subject = Tenant(code, runtime=wasm_translated.create_runtime(), natives=Interrupted)
    subject.instance.begin(Hook.LOOP)
    with pytest.raises(KeyboardInterrupt):
        subject.turn()
    assert subject.turn() == Trapped("engine", "interrupted")
    assert subject.run(Hook.STOP).outcome == Completed()
