"""The examples with a model: the box with and without an inference runtime, the keyword spotter."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.engines import ENGINES
from support.project import ROOT, Program
from support.tinyml.client import needs_backend

SPOKEN = ("yes", "stop", "left", "silence", "go")
SPOTTER = ROOT / "examples" / "keyword_spotter"


@pytest.fixture
def bare_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no inference runtime were installed."""
    found = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> object:
        hidden = name in ("ai_edge_litert", "tflite_runtime")
        return None if hidden else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)


def traced(program: Program, tmp_path: Path, name: str) -> tuple[str, bytes]:
    """What a demo prints, and its trace."""
    out = program.good("demo", "--trace", tmp_path / name)
    return out, (tmp_path / name).read_bytes()


@pytest.mark.usefixtures("bare_installation")
def test_without_a_runtime_the_demo_says_so_and_holds(program: Program, tmp_path: Path) -> None:
    out, trace = traced(program, tmp_path, "one")
    assert "pip install 'tinycontainer[tinyml]'" in out
    assert "no inference service: watching ranges" in out
    assert "ALARM: temperature" in out
    assert traced(program, tmp_path, "two")[1] == trace


@pytest.mark.clause("TC-TML-07")
@needs_backend
def test_with_a_runtime_the_box_watches_by_its_model(program: Program, tmp_path: Path) -> None:
    out, trace = traced(program, tmp_path, "one")
    assert "watching with a model" in out
    assert "pip install" not in out
    assert "ALARM: temperature" in out
    assert traced(program, tmp_path, "two")[1] == trace


def test_the_model_of_the_box_stands_in_its_data_section_and_not_in_its_code() -> None:
    box = ROOT / "examples" / "smartdronebox" / "compliance"
    model = (ROOT / "examples" / "models" / "autoencoder-int8.tflite").read_bytes()
    assert (box / "autoencoder.tflite").read_bytes() == model
    assert (box / "compliance.data").read_bytes().endswith(model)
    assert model[64:128] not in (box / "compliance.wasm").read_bytes()


@pytest.fixture
def listener(tmp_path: Path, program: Program) -> Path:
    """The keyword spotter, packed and signed as its README says."""
    directory = tmp_path / "listener"
    shutil.copytree(SPOTTER, directory)
    program.good("keygen", directory / "keys")
    program.good(
        "pack",
        directory / "spotter",
        "--keys",
        directory / "keys",
        "--out",
        directory / "spotter.tcb",
    )
    return directory


@needs_backend
def test_webassembly_and_rbpf_use_the_endpoint_alike(tmp_path: Path, program: Program) -> None:
    directory = tmp_path / "sine"
    shutil.copytree(ROOT / "examples" / "sine", directory)
    program.good("keygen", directory / "keys")
    for kind in ("wasm", "rbf"):
        packed = ("--keys", directory / "keys", "--out", directory / f"sine-{kind}.tcb")
        program.good("pack", directory / "sine" / f"{kind}.toml", *packed)
    out = program.good("run", directory / "device.toml", "--for", "2500ms")
    curves = {
        kind: [line.rpartition(": ")[2] for line in out.splitlines() if f" sine-{kind}: " in line]
        for kind in ("wasm", "rbf")
    }
    assert curves["wasm"] == curves["rbf"]
    assert len(curves["wasm"]) == 20
    heights = [field.index("o") for field in curves["wasm"][:16]]
    assert heights[4] == max(heights)  # a quarter of the way round
    assert heights[12] == min(heights)


@needs_backend
@pytest.mark.parametrize("engine", ENGINES)
def test_the_keyword_spotter_shows_what_was_said(
    listener: Path, program: Program, engine: str
) -> None:
    out = program.good("run", listener / "device.toml", "--for", "11s", "--engine", engine)
    shown = [line.rpartition(": ")[2] for line in out.splitlines() if "the display, by" in line]
    assert shown == list(SPOKEN)


@needs_backend
def test_the_keyword_spotter_works_in_wall_time(listener: Path, program: Program) -> None:
    out = program.good("run", listener / "device.toml", "--wall", "--for", "2600ms")
    assert "listening" in out
    shown = [line.rpartition(": ")[2] for line in out.splitlines() if "the display, by" in line]
    assert shown in ([SPOKEN[0]], [])  # a slow machine can miss frames, but never fails


@pytest.mark.usefixtures("bare_installation")
@pytest.mark.clause("TC-TML-23")
def test_a_device_that_needs_a_runtime_is_refused_without_one(
    listener: Path, program: Program
) -> None:
    line = program.bad("run", listener / "device.toml", "--for", "1s")
    assert "drivers[2]" in line
    assert "pip install 'tinycontainer[tinyml]'" in line


def test_importing_the_driver_imports_no_runtime() -> None:
    code = "import sys, tinycontainer_endpoints.tinyml.driver as d; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
