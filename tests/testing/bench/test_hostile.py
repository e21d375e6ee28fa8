"""Hostile containers on the bench end their test in bounded time, with what they did."""

from pathlib import Path
from typing import Any

import pytest
from support.benches import ENDLESS, FLOODING, TRAPPING, write_container
from support.engines import ENGINES
from support.wasm import modules as wasm

from tinycontainer.testing import BenchFactory, BenchMisused, StepNotMet

TYPES = {"rbpf": "bpf", **dict.fromkeys(ENGINES, "wasm")}
"""The type of the containers that an engine runs."""


@pytest.fixture(params=TYPES)
def tinycontainer_engine(request: pytest.FixtureRequest) -> str:
    """Each test runs on every engine."""
    return str(request.param)


def directory(tmp_path: Path, engine: str, code: dict[str, bytes], loop_max_ms: int = 0) -> Path:
    more = f"[security]\nloop_max_duration_ms = {loop_max_ms}\n"
    return write_container(tmp_path, code[TYPES[engine]], type_=TYPES[engine], more=more)


def test_a_loop_without_end_and_without_limit_spends_the_budget_of_instructions(
    tinycontainer_device: BenchFactory, tinycontainer_engine: str, tmp_path: Path
) -> None:
    path = directory(tmp_path, tinycontainer_engine, ENDLESS)
    device = tinycontainer_device(path, budget_instructions=50_000).start()
    # rBPF bounds the branches of a hook itself.
    is_rbpf = tinycontainer_engine == "rbpf"
    problem = "trap in loop out-of-branches" if is_rbpf else "gave up after 51000 instructions;"
    with pytest.raises(StepNotMet, match=problem):
        device.run(for_ms=10**9)
    problem = "the log is empty" if is_rbpf else r"a test may use 50000 \(budget_instructions"
    with pytest.raises(StepNotMet, match=problem):
        device.expect_log("never", within_ms=10**9)


def test_a_step_that_takes_too_long_is_given_up(
    tinycontainer_device: BenchFactory, tinycontainer_engine: str, tmp_path: Path
) -> None:
    path = directory(tmp_path, tinycontainer_engine, ENDLESS)
    device = tinycontainer_device(path, budget_seconds=0).start()
    with pytest.raises(StepNotMet, match=r"run\(for_ms=1000\): gave up after 0 s of real time"):
        device.run(for_ms=1000)


def test_a_loop_without_end_is_an_overrun_where_it_has_a_limit(
    tinycontainer_device: BenchFactory, tinycontainer_engine: str, tmp_path: Path
) -> None:
    device = tinycontainer_device(directory(tmp_path, tinycontainer_engine, ENDLESS, 5)).start()
    with pytest.raises(StepNotMet, match=r"tested ended by a fault at .*: overrun in loop"):
        device.run(for_ms=1000)
    assert device.hooks[1].how == "overrun"


def test_a_trap_fails_the_step_with_its_code(
    tinycontainer_device: BenchFactory, tinycontainer_engine: str, tmp_path: Path
) -> None:
    device = tinycontainer_device(directory(tmp_path, tinycontainer_engine, TRAPPING)).start()
    with pytest.raises(StepNotMet, match=r"fault at .*: trap in loop (unreachable|illegal-memory)"):
        device.run(for_ms=1000)
    assert device.now_ms < 2


def test_a_trap_in_the_moment_of_what_a_test_waits_for_fails_the_test(
    tinycontainer_device: BenchFactory, tmp_path: Path
) -> None:
    code = wasm.loop(
        "(call $logger (i32.const 8)) unreachable",
        '(data (i32.const 8) "shown\\00")',
        uses=("logger",),
    )
    path = write_container(tmp_path, code, type_="wasm", more="")
    device = tinycontainer_device(path).start()
    with pytest.raises(StepNotMet, match=r"fault at .*: trap in loop unreachable"):
        device.expect_log("shown")
    assert device.log == ["shown"]


@pytest.mark.parametrize("text", ["", b"shown", None, 5])
def test_what_is_no_text_is_not_looked_for(
    tinycontainer_device: BenchFactory, tmp_path: Path, text: Any
) -> None:
    path = write_container(tmp_path, ENDLESS["wasm"], type_="wasm", more="")
    with pytest.raises(BenchMisused, match="give text, or a pattern of re"):
        tinycontainer_device(path).expect_log(text)


def test_a_flood_of_lines_is_bounded_and_what_was_dropped_is_counted(
    tinycontainer_device: BenchFactory, tinycontainer_engine: str, tmp_path: Path
) -> None:
    device = tinycontainer_device(directory(tmp_path, tinycontainer_engine, FLOODING, 200)).start()
    device.expect_exit("overrun", within_ms=1000)
    assert len(device.log) == 20
    with pytest.raises(StepNotMet, match=r"\d+ log lines and refusals were beyond the device's"):
        device.expect_log("calm", within_ms=10)


def test_a_device_on_which_nothing_is_due_passes_years_at_once(
    tinycontainer_device: BenchFactory, tinycontainer_engine: str, tmp_path: Path
) -> None:
    device = tinycontainer_device(directory(tmp_path, tinycontainer_engine, TRAPPING))
    device.run(for_ms=10**11)
    assert device.now_ms == 10**11
