"""run --engine, and compare: two engines held against each other."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.engines import ENGINES
from support.hostile import inert
from support.project import Program
from support.wasm.modules import container, loop
from support.worlds import blueprint, times

from tinycontainer.assembly import Installation
from tinycontainer.assembly.installation import RUNTIMES, InstalledPoint, find_installed_points
from tinycontainer.interfaces.runtime import Completed, Hook, Outcome, TrapFrame, Trapped
from tinycontainer.metadata import ContainerType
from tinycontainer.tools.differential import Bench, DifferenceKind, EngineRun, compare_runs, run_on
from tinycontainer.tools.differential.bench import make_bare_plan
from tinycontainer.tools.packing.packing import pack_unsigned


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the demo leaves behind."""
    directory = tmp_path_factory.mktemp("demo") / "box"
    command = [sys.executable, "-m", "tinycontainer", "demo", "--keep", str(directory), "--json"]
    subprocess.run(command, check=True, capture_output=True)
    return directory


def bundle(uid: str, code: bytes, **timing: int) -> bytes:
    plan = blueprint(uid, kind=ContainerType.WASM, security=times(**timing))
    return pack_unsigned(plan, code, b"own data").encode()


def written(directory: Path, uid: str, code: bytes, **timing: int) -> Path:
    path = directory / f"{uid}.tcb"
    path.write_bytes(bundle(uid, code, **timing))
    return path


@dataclass
class Changed:
    """The entry point of a runtime, of which a test makes something else."""

    point: InstalledPoint
    change: Callable[[str, Any], Any]

    @property
    def name(self) -> str:
        return self.point.name

    @property
    def group(self) -> str:
        return self.point.group

    def load(self) -> Callable[[], Any]:
        return lambda: self.change(self.name, self.point.load()())


def with_runtimes(change: Callable[[str, Any], Any]) -> Installation:
    """What is installed, with a function of name and runtime put over each runtime."""
    return Installation(
        Changed(point, change) if point.group == RUNTIMES else point
        for point in find_installed_points()
    )


LOGS = container(
    '(data (i32.const 8) "hello\\00") (func (export "loop") (result i32)'
    " (call $logger (i32.const 8)) (drop (call $open (i32.const 3)))"
    " (drop (call $data_read (i32.const 0) (i32.const 64) (i32.const 4))) i32.const 0)",
    uses=("logger", "open", "data_read"),
)

# --engine


@pytest.mark.parametrize("how", ["--engine", "device file"])
@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_is_chosen_by_option_and_by_device_file(
    box: Path, program: Program, how: str, engine: str
) -> None:
    made: list[str] = []

    def noting(name: str, runtime: Any) -> Any:
        made.append(name)
        return runtime

    program.installation = with_runtimes(noting)
    file = box / "chosen.toml"
    text = (box / "device.toml").read_text()
    options = ["--engine", engine] if how == "--engine" else []
    if not options:
        text += f'\n[runtimes]\nwasm = "{engine}"\n'
    file.write_text(text + '\n[[containers]]\nbundle = "mapper.tcb"\n')
    found = program.json("run", file, "--for", "1s", *options)
    assert [row["loops"] for row in found["containers"]] == [20]
    assert made == ["bpf.rbpf", f"wasm.{engine}"]


def test_an_engine_that_is_not_there_is_named(box: Path, program: Program) -> None:
    line = program.bad("run", box / "device.toml", "--engine", "v8\x1b")
    assert "v8\\x1b is not installed; there are: bpf.rbpf, wasm.pywasm" in line


def test_a_device_file_can_forbid_floats(box: Path, program: Program) -> None:
    written(box, "floaty", loop("(drop (f32.const 1)) i32.const 0"))
    for engine in ENGINES:
        file = box / "integers.toml"
        file.write_text(
            "[trust]\nallow_unsigned = true\n[capacity.runtime]\nfloats = 'forbid'\n"
            f"[runtimes]\nwasm = '{engine}'\n[[containers]]\nbundle = 'floaty.tcb'\n"
        )
        code, _, line = program("run", file, "--for", "1ms")
        assert code == 1
        assert "code-inadmissible" in line
        assert "allows no floating point" in line


# compare


def test_the_whole_example_is_the_same_on_both_engines(box: Path, program: Program) -> None:
    options = ["--device", box / "device.toml", "--script", box / "script.toml", "--for", "20s"]
    found = program.json("compare", *options)
    assert found["alike"]
    assert found["preempted"]
    assert len(found["containers"]) == 14
    assert all(each["difference"] is None for each in found["containers"])
    assert sum(each["completed_hooks"] for each in found["containers"]) > 500
    # Up to the first trap the traces are equal, times and preempted hooks included.
    assert found["trace"]["first_difference"] is None
    assert found["trace"]["equal_events"] > 800
    out = program.good("compare", *options)
    assert "DIFFERENT" not in out
    assert "up to the first trap" in out


def test_without_a_trap_whole_traces_are_equal(box: Path, program: Program) -> None:
    bundles = [box / f"{name}.tcb" for name in ("courier", "compliance", "mapper")]
    found = program.json("compare", *bundles, "--device", box / "device.toml", "--for", "5s")
    assert found["alike"]
    assert found["trace"]["equal_events"] == found["trace"]["events_to_compare"] > 500


def test_bundles_are_compared_without_a_device_file(tmp_path: Path, program: Program) -> None:
    logs = written(tmp_path, "logs", LOGS, period=100)
    endless = written(tmp_path, "endless", loop("(loop br 0) i32.const 0"))
    found = program.json("compare", logs, endless, "--for", "1s")
    assert found["alike"]
    assert found["preempted"]
    (row,) = [each for each in found["containers"] if each["uid"] == "logs"]
    assert row["completed_hooks"] == 11
    assert row["acts"] > 40


def test_floats_are_the_same_on_both_engines(tmp_path: Path, program: Program) -> None:
    stores = " ".join(
        f"(f32.store (i32.const {4 * place}) {value})"
        for place, value in enumerate(
            (
                "(f32.ceil (f32.const -0.5))",
                "(f32.copysign (f32.const nan:0x1) (f32.const -1))",
                "(f32.convert_i64_s (i64.const 0x4000004000000001))",
                "(f32.div (f32.const 0) (f32.const 0))",
            )
        )
    )
    floaty = written(tmp_path, "floaty", loop(f"{stores} i32.const 0"), period=100)
    found = program.json("compare", floaty, "--for", "1s")
    assert found["alike"]
    assert [each["difference"] for each in found["containers"]] == [None]
    assert "verdict" in program.good("compare", floaty, "--for", "1s")


class Wrong:
    """A runtime whose loops return another number, or are charged another fuel, from the third."""

    def __init__(self, inner: Any, wrong: str) -> None:
        self._inner, self._wrong = inner, wrong

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def create(self, code: bytes, data: bytes, natives: Any, meter: Any, limits: Any) -> Any:
        instance = self._inner.create(code, data, natives, meter, limits)
        plain, loops, wrong = instance.resume, [0], self._wrong

        def resume() -> Outcome:
            outcome: Outcome = plain()
            loops[0] += 1
            if loops[0] == 4 and isinstance(outcome, Completed):
                if wrong == "value":
                    return Completed(outcome.value + 7)
                if wrong == "fuel":
                    meter.left -= 1
                if wrong == "memory":
                    instance.load = lambda _pointer, size: b"!" * size
                if wrong == "call":
                    natives.heartbeat()
            return outcome

        instance.resume = resume
        return instance


@pytest.mark.parametrize(
    ("wrong", "words"),
    [("value", "-> 7"), ("fuel", "fuel"), ("memory", "memory"), ("call", "heartbeat()")],
)
def test_a_real_difference_is_found_and_shown_in_its_context(
    tmp_path: Path,
    program: Program,
    wrong: str,
    words: str,
) -> None:
    def changed(name: str, runtime: Any) -> Any:
        return Wrong(runtime, wrong) if name == "wasm.wasmtime" else runtime

    program.installation = with_runtimes(changed)
    path = written(tmp_path, "logs", LOGS, period=100)
    found = program.json("compare", path, "--for", "1s", code=1)
    (row,) = found["containers"]
    difference = row["difference"]
    assert difference["kind"] == "real"
    assert len(difference["before"]) == 5
    assert difference["left"] != difference["right"]
    assert words in difference["right"]
    code, out, _ = program("compare", path, "--for", "1s")
    assert code == 1
    assert "DIFFERENT" in out
    assert inert(out)


def test_traps_in_other_calls_are_a_real_difference_unless_an_engine_knows_none(
    tmp_path: Path, program: Program
) -> None:
    frames: list[TrapFrame] = []

    class Elsewhere(Wrong):
        def create(self, *arguments: Any) -> Any:
            instance = self._inner.create(*arguments)
            plain = instance.resume

            def resume() -> Outcome:
                outcome: Outcome = plain()
                if isinstance(outcome, Trapped):
                    return replace(outcome, frames=tuple(frames))
                return outcome

            instance.resume = resume
            return instance

    def changed(name: str, runtime: Any) -> Any:
        return Elsewhere(runtime, "") if name == "wasm.wasmtime" else runtime

    path = written(tmp_path, "trap", loop("(call $f) i32.const 0", "(func $f unreachable)"))
    assert program.json("compare", path, "--for", "1s")["alike"]
    program.installation = with_runtimes(changed)
    assert program.json("compare", path, "--for", "1s")["alike"]
    frames.append(TrapFrame(9, 10))
    found = program.json("compare", path, "--for", "1s", code=1)
    difference = found["containers"][0]["difference"]
    assert difference["kind"] == "real"
    assert "at function 9, offset 0xa" in difference["right"]
    assert "at function 1, offset " in difference["left"]
    assert ", called at function 0, offset " in difference["left"]


def test_after_a_trap_results_that_depend_on_time_are_told_apart(box: Path) -> None:
    """Engines charge a hook that traps differently; whoever reads the time then sees it."""
    clock = container(
        '(func (export "loop") (result i32) (drop (call $read (call $open (i32.const 1))'
        " (i32.const 0) (i32.const 8))) (drop (call $close (i32.const 1))) i32.const 0)",
        uses=("open", "read", "close"),
    )
    trap = loop("(loop (drop (i32.const 1)) (drop (i32.const 2))) unreachable")
    left, right = (run_bench(engine, trap, clock) for engine in ("pywasm", "wasmtime"))
    found = compare_runs(left, right)
    assert found.alike
    assert found.kinds <= {DifferenceKind.TIME}
    assert found.events < len(left.record.events)


def run_bench(engine: str, *codes: bytes) -> EngineRun:
    contents = [(f"c{i}", bundle(f"c{i}", code, period=10)) for i, code in enumerate(codes)]
    return run_on(Bench(make_bare_plan(), tuple(contents), for_ms=200), engine, Installation())


def test_the_record_holds_every_call_and_the_memory_at_the_end() -> None:
    record = run_bench("wasmtime", LOGS).record
    acts = record.acts[b"c0"]
    assert [act.what for act in acts if act.arguments == (Hook.LOOP.value,)][:2] == [
        "begins",
        "completed",
    ]
    lines = [act.arguments for act in acts if act.what == "log"]
    assert set(lines) == {(b"hello",)}
    assert {act.result for act in acts if act.what == "data_read"} == {b"own "}
    assert acts[-1].what == "memory"
    assert acts[-1].memory.startswith("65536 bytes ")


@pytest.mark.clause("TC-TOOL-16")
def test_what_is_refused_is_part_of_the_comparison(tmp_path: Path, program: Program) -> None:
    path = written(tmp_path, "bad", b"\0asm\1\0\0\0")
    found = program.json("compare", path, code=1)
    assert "code-inadmissible" in found["refused"][0][0]
    assert (found["alike"], found["compared_all"]) == (False, False)
    assert not any(each["ran"] for each in found["containers"])
    code, out, _ = program("compare", path)
    assert code == 1
    assert "nothing was compared: no container ran on both engines" in out
    good = written(tmp_path, "good", LOGS, period=100)
    code, out, _ = program("compare", good, path, "--for", "1s")
    assert code == 1
    assert "not everything was compared" in out


@pytest.mark.clause("TC-TOOL-16")
def test_a_bundle_that_the_device_file_lists_too_is_not_compared(
    box: Path, program: Program
) -> None:
    path = box / "twice.toml"
    listed = '[[containers]]\nbundle = "courier.tcb"\n'
    path.write_text((box / "device.toml").read_text() + listed)
    found = program.json("compare", box / "courier.tcb", "--device", path, "--for", "1s", code=1)
    assert "duplicate-uid" in found["refused"][0][0]
    assert [each["uid"] for each in found["containers"]] == ["courier"]
    assert not found["alike"]


@pytest.mark.clause("TC-TOOL-16")
def test_what_never_runs_on_the_two_engines_is_not_compared(
    box: Path, tmp_path: Path, program: Program
) -> None:
    rbpf, idle = box / "mapper-rbpf.tcb", written(tmp_path, "idle", LOGS)
    device = box / "device.toml"
    for options in ([rbpf, "--device", device, "--for", "1s"], [idle, "--for", "0ms"]):
        found = program.json("compare", *options, code=1)
        assert [each["ran"] for each in found["containers"]] == [False]
        code, out, _ = program("compare", *options)
        assert code == 1
        assert "nothing was compared" in out
        assert "  same" not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "there is nothing to compare"),
        (["missing.tcb"], "cannot be read"),
        (["x.tcb", "--engines", "pywasm"], "takes two engines"),
        (["x.tcb", "--engines", "pywasm,v8"], "v8 is not installed"),
        (["x.tcb", "--for", "soon"], "no duration"),
    ],
)
def test_wrong_arguments_give_one_line(
    tmp_path: Path,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "x", LOGS)
    assert words in program.bad("compare", *arguments)


def test_names_from_outside_are_inert(tmp_path: Path, program: Program) -> None:
    path = written(tmp_path, "x", loop("unreachable"))
    hostile = tmp_path / "\x1b[2J.tcb"
    path.rename(hostile)
    assert inert(program.good("compare", hostile, "--for", "10ms"))
