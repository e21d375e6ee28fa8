"""runtimes: which engines are installed, what they can, and why one does not work."""

import json
import subprocess
import sys

import pytest
from support.project import Program


def test_runtimes_are_listed_with_versions_and_abilities(program: Program) -> None:
    found = {each["name"]: each for each in program.json("runtimes")["runtimes"]}
    assert found.keys() == {
        "bpf.rbpf",
        "wasm.pywasm",
        "wasm.pywasm-exact",
        "wasm.wasmtime",
    }
    assert [name for name, each in found.items() if each["default"]] == ["bpf.rbpf", "wasm.pywasm"]
    assert found["wasm.wasmtime"]["engine"].startswith("wasmtime 50.")
    assert "preempt" in found["wasm.wasmtime"]["abilities"]
    for name in ("wasm.pywasm", "wasm.pywasm-exact", "wasm.wasmtime"):
        assert "exact-floats" in found[name]["abilities"]
    assert "pywasm 2.2.3" in program.good("runtimes")


def test_a_runtime_that_does_not_work_is_listed_with_its_reason() -> None:
    done = subprocess.run(
        [sys.executable, "-O", "-m", "tinycontainer", "runtimes", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = {each["name"]: each for each in json.loads(done.stdout)["runtimes"]}
    assert not found["wasm.pywasm"]["works"]
    assert "python -O" in found["wasm.pywasm"]["problem"]
    assert found["wasm.wasmtime"]["works"]


def test_the_fallback_says_so(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinycontainer_runtimes.wasm_wasmtime.capi.MAJOR_VERSION", 49)
    (wasmtime,) = [
        each for each in program.json("runtimes")["runtimes"] if each["name"] == "wasm.wasmtime"
    ]
    assert "preempt" not in wasmtime["abilities"]
    assert any("cannot go on with a call" in note for note in wasmtime["notes"])
