"""What wasmtime's compiler does in a process of its own, and what its end means."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.wasm.bombs import BOMBS
from support.wasm.modules import I32, TYPE, Tenant, build, function_type, loop, vector

from tinycontainer.errors import InadmissibleCode
from tinycontainer.interfaces.runtime import Completed, RuntimeLimits
from tinycontainer_runtimes.wasm_wasmtime import compiling, create_runtime

LIMITS = RuntimeLimits()
LARGE = loop("(drop (i32.const 1))" * 2_000 + "i32.const 7")
"""Ordinary, but too long to be compiled in the device's process."""

Started = list[list[str]]


@contextmanager
def watching_processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """The commands of all processes that are started meanwhile."""
    started: Started = []
    run = subprocess.run

    def note(command: list[str], **options: object) -> object:
        started.append(command)
        return run(command, **options)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", note)
        yield started


@pytest.fixture
def instead_of_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Let another program run in place of the compiler's."""

    def replace(program: str) -> None:
        (tmp_path / "compiler_process.py").write_text(program)
        monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compiling.py"))

    return replace


def refusal(code: bytes, limits: RuntimeLimits = LIMITS) -> str:
    with pytest.raises(InadmissibleCode) as refused:
        create_runtime().admit(code, limits)
    return str(refused.value)


def test_a_small_module_is_compiled_without_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with watching_processes(monkeypatch) as started:
        assert Tenant(loop("i32.const 3"), runtime=create_runtime()).loop() == 3
    assert started == []


@pytest.mark.parametrize(
    "code",
    [
        LARGE,
        build({TYPE: vector(function_type(b"", I32), function_type(b"", I32 * 2))}),
        build({TYPE: vector(function_type(b"", I32), function_type(I32 * 4))}),
    ],
    ids=["long", "two results", "four parameters"],
)
def test_any_other_module_is_compiled_in_a_process_and_runs(
    code: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watching_processes(monkeypatch) as started:
        subject = Tenant(code, runtime=create_runtime())
        assert isinstance(subject.run().outcome, Completed)
    assert len(started) == 1


@pytest.mark.clause("TC-RT-26")
def test_a_refusal_states_the_limit_and_the_option_that_raises_it() -> None:
    code = BOMBS["nested ifs with results"](LIMITS.code_bytes)
    said = refusal(code)
    assert "compiling it takes more than 38 MiB of memory" in said
    assert "raise code_bytes in [capacity] of the device file" in said


@pytest.mark.clause("TC-RT-26")
def test_more_code_allows_more_compiling() -> None:
    code = BOMBS["calls"](20_000)
    assert "compiling it takes more than 16 MiB" in refusal(code, RuntimeLimits(code_bytes=20_000))
    create_runtime().admit(code, RuntimeLimits(code_bytes=256 << 10))


@pytest.mark.clause("TC-RT-26")
@pytest.mark.parametrize(
    ("code_bytes", "memory_bytes", "processor_s"),
    [
        (1024, 16 << 20, 0.2),
        (64 << 10, 38 << 20, 0.2),
        (256 << 10, 152 << 20, 0.786432),
        (1 << 24, 1 << 30, 10.0),
    ],
)
def test_the_bounds_grow_with_the_code_that_is_allowed(
    code_bytes: int, memory_bytes: int, processor_s: float
) -> None:
    limits = RuntimeLimits(code_bytes=code_bytes)
    assert compiling.find_memory_bound(limits) == memory_bytes
    assert compiling.find_time_bound(limits) == pytest.approx(processor_s)


ENDS = {
    "aborts": ("import os; os.abort()", "or breaks the compiler"),
    "crashes": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "breaks the compiler"),
    "is killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "MiB of memory"),
    "runs out of time": (
        "import signal; signal.setitimer(signal.ITIMER_PROF, 0.01)\nwhile True: pass",
        "more than 0.2 s of processor time",
    ),
    "fails": ("raise SystemExit(1)", "breaks the compiler"),
    "refuses": (
        "import sys; sys.stdin.buffer.read(); print('no \\x1b such'); sys.exit(3)",
        "wasmtime cannot compile it: no \\x1b such",
    ),
    "says nothing": ("", "wasmtime cannot compile it"),
}


@pytest.mark.clause("TC-RT-26")
@pytest.mark.parametrize("end", ENDS)
def test_whatever_the_compiler_does_is_a_refusal(
    end: str, instead_of_compiler: Callable[[str], None]
) -> None:
    program, words = ENDS[end]
    instead_of_compiler(program)
    assert words in refusal(LARGE)


def test_the_process_sees_nothing_of_the_devices_environment(
    instead_of_compiler: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYCONTAINER_SECRET", "x")
    instead_of_compiler("import os, sys; print('TINYCONTAINER_SECRET' in os.environ); sys.exit(3)")
    assert "wasmtime cannot compile it: False" in refusal(LARGE)


def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", os.devnull)
    assert "no process can be started to compile it" in refusal(LARGE)


@pytest.mark.clause("TC-RT-26")
@pytest.mark.parametrize(("factor", "fits"), [(1.3, True), (1.7, False)])
def test_memory_is_bounded_by_a_limit_of_the_system_before_the_watch_can_look(
    instead_of_compiler: Callable[[str], None], factor: float, fits: bool
) -> None:
    program = Path(compiling.__file__).with_name("compiler_process.py").read_text()
    take = f"limit_process(int(sys.argv[2]), 9.0); bytearray(int({factor} * int(sys.argv[2])))"
    instead_of_compiler(program.replace("sys.exit(main(sys.argv[1:]))", take))
    # If it fits, nothing comes back, and that is no compiled module.
    assert ("of memory" in refusal(LARGE)) != fits
