"""--symbols: wherever a trap is shown, there are lines of the source and the chain of calls."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from support.debugging import VECTORS
from support.hostile import HOSTILE, inert
from support.project import Program

from tinycontainer import Device
from tinycontainer.cli.verbs.running.live_view import LiveView
from tinycontainer.interfaces.debug_info import DebugInfo, SourcePlace
from tinycontainer.symbols.debug_file import encode_debug_file
from tinycontainer.symbols.places import Symbolizer
from tinycontainer.symbols.symbol_directory import read_symbols
from tinycontainer.trace import Tally

MANIFEST = """
[container]
uid = "nested"
type = "{type}"
code = "code.bin"
"""
DEVICE = """
[trust]
allow_unsigned = true
[[containers]]
bundle = "nested.tcb"
"""
CHAIN = [
    ("shorten", "nested.c", 31),
    ("look_up", "nested.c", 39),
    ("loop", "nested.c", 49),
]
ENGINES = {
    "pywasm": ("wasm", "nested-dwarf5.wasm", ("divide", "nested.c", 14)),
    "wasmtime": ("wasm", "nested-dwarf4.wasm", ("divide", "nested.c", 14)),
    "rbpf": ("bpf", "nested.o", ("divide", "nested.c", 12)),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "device.toml").write_text(DEVICE)
    return tmp_path


def make_container(program: Program, engine: str) -> None:
    kind, source, _ = ENGINES[engine]
    Path("container.toml").write_text(MANIFEST.format(type=kind))
    program.good("build", VECTORS / source, "-o", "code.bin", "--force")
    program.good("pack", "container.toml", "--unsigned", "-o", "nested.tcb", "--force")


def on(engine: str) -> list[str]:
    return [] if engine == "rbpf" else ["--engine", engine]


def run(program: Program, *arguments: object) -> str:
    code, out, _ = program("run", "device.toml", "--for", "1s", *arguments)
    assert code == 0
    return out


def described(engine: str) -> str:
    chain = [ENGINES[engine][2], *CHAIN]
    return f"at {', called by '.join(f'{name} ({file}:{line})' for name, file, line in chain)}"


@pytest.mark.clause("TC-TOOL-23")
@pytest.mark.parametrize("engine", ENGINES)
def test_the_log_and_the_tables_of_a_run_have_the_chain(
    here: Path, program: Program, engine: str
) -> None:
    make_container(program, engine)
    out = run(program, "--symbols", ".", *on(engine))
    (line,) = (line for line in out.splitlines() if "on fault" in line)
    assert line.endswith(f"{described(engine)})")
    table = out[out.index("Where they trapped") :]
    for name, file, number in (ENGINES[engine][2], *CHAIN):
        assert f"{name} ({file}:{number})" in table
    assert "function" not in run(program, "--symbols", ".", *on(engine)).split("Where they")[0]


@pytest.mark.clause("TC-TOOL-23")
@pytest.mark.parametrize("engine", ENGINES)
def test_json_and_reports_of_a_trace_have_it(here: Path, program: Program, engine: str) -> None:
    make_container(program, engine)
    code, out, _ = program(
        *("run", "device.toml", "--for", "1s", "--symbols", ".", "--trace", "t.jsonl", "--json"),
        *on(engine),
    )
    assert code == 0
    chain = [
        {"function": name, "file": file, "line": line}
        for name, file, line in (ENGINES[engine][2], *CHAIN)
    ]
    assert json.loads(out)["containers"][0]["places"] == chain
    found = program.json("report", "t.jsonl", "--symbols", ".", "--html", "t.html")
    assert found["containers"][0]["places"] == chain
    assert "look_up (nested.c:39)" in Path("t.html").read_text()
    assert "called by" in program.good("report", "t.jsonl", "--symbols", ".")
    # Without symbols, and in the trace itself, there are numbers only.
    assert program.json("report", "t.jsonl")["containers"][0]["places"] == []
    assert "nested.c" not in Path("t.jsonl").read_text()


@pytest.mark.clause("TC-TOOL-23")
def test_the_library_and_the_live_view_have_it(here: Path, program: Program) -> None:
    make_container(program, "pywasm")
    symbolizer = Symbolizer(read_symbols(here))
    tally = Tally()
    view = LiveView(tally, lambda: 0, symbolizer.describe)
    device = Device.from_file("device.toml", symbols=".", sinks=[tally, symbolizer, view])
    device.run(for_ms=100)
    end = device["nested"].last_exit
    assert end is not None
    assert str(end).endswith(described("pywasm"))
    assert [(each.function, each.line) for each in end.places] == [
        (name, line) for name, _, line in (ENGINES["pywasm"][2], *CHAIN)
    ]
    screen = io.StringIO()
    Console(file=screen, width=200).print(view.show(200))
    assert "divide (nested.c:14), called by" in screen.getvalue()
    plain = Device.from_file("device.toml")
    plain.run(for_ms=100)
    assert plain["nested"].last_exit == end  # places are a way to show it


def test_other_code_is_not_explained_by_a_debug_file(here: Path, program: Program) -> None:
    make_container(program, "pywasm")
    Path("code.debug").write_bytes(
        encode_debug_file(b"other", DebugInfo(((0, (SourcePlace("f", "a.c", 1),)),)))
    )
    out = run(program, "--symbols", ".")
    assert "at function " in out
    assert "a.c" not in out


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_debug_file_says_can_do_nothing_to_a_terminal(
    here: Path, program: Program, name: str
) -> None:
    make_container(program, "pywasm")
    text = HOSTILE[name].decode("utf-8", "replace")
    places = DebugInfo(((0, (SourcePlace(text, text, 7),)),))
    Path("code.debug").write_bytes(encode_debug_file(Path("code.bin").read_bytes(), places))
    out = run(program, "--symbols", ".", "--trace", "t.jsonl")
    assert inert(out)
    program.good("report", "t.jsonl", "--symbols", ".", "--html", "t.html", "--force")
    page = Path("t.html").read_text()
    assert page.isascii()
    assert "<script>" not in page


def test_a_debug_file_that_cannot_be_used_is_named_and_the_run_goes_on(
    here: Path, program: Program
) -> None:
    make_container(program, "pywasm")
    Path("code.debug").write_bytes(b"nonsense")
    code, out, err = program("run", "device.toml", "--for", "1s", "--symbols", ".")
    assert code == 0
    assert "warning: --symbols: code.debug: is no debug file" in err
    assert "at function " in out


def test_a_directory_that_is_none_is_refused(here: Path, program: Program) -> None:
    make_container(program, "pywasm")
    code, _, err = program("run", "device.toml", "--symbols", "nowhere")
    assert code == 2
    assert err.splitlines()[-1] == "error: --symbols: nowhere: No such file or directory"
