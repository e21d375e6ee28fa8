"""new and build: a directory that packs, runs and builds, in each language."""

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.project import ROOT, Program

from tinycontainer.assembly import Installation
from tinycontainer.cli.main import main
from tinycontainer.errors import BuildFailed
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.symbols.symbol_directory import read_symbols
from tinycontainer.tools.authoring.building import build_directory
from tinycontainer.tools.authoring.compilers import BuildTarget, find_compiler
from tinycontainer.tools.authoring.new_container import STARTERS
from tinycontainer.tools.authoring.programs import Programs

LANGUAGES = sorted(STARTERS)
TARGETS = {
    "c": BuildTarget.C,
    "rust": BuildTarget.RUST,
    "zig": BuildTarget.ZIG,
    "assemblyscript": BuildTarget.ASSEMBLYSCRIPT,
    "rbpf-c": BuildTarget.C_FOR_RBPF,
}
SHOWN = ["21", "21", "26", "26", "33", "33", "33", "24", "24", "24"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("tinycontainer.cli.verbs.making.build.find_spec", lambda _name: None)


def with_compiler(language: str) -> None:
    python = "python" if find_spec("ziglang") else None
    try:
        find_compiler(TARGETS[language], Programs(os.environ, python), Path.cwd())
    except BuildFailed as error:
        pytest.skip(str(error))


def run_and_read(program: Program, name: str) -> str:
    program.good("keygen", "keys")
    program.good("pack", name, "--keys", "keys", "-o", f"{name}/{name}.tcb")
    shutil.copytree("keys", f"{name}/keys")
    return program.good("run", f"{name}/device.toml", "--for", "10s")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_container_packs_and_runs_without_any_compiler(
    here: Path, program: Program, no_programs: None, language: str
) -> None:
    program.good("new", "hello", "--lang", language)
    shown = run_and_read(program, "hello")
    lines = [line.split()[-2] for line in shown.splitlines() if line.endswith(" degrees")]
    assert lines == SHOWN
    assert 'log "nobody takes alarms"' in shown
    assert shown.count("REFUSED") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_own_tests_pass_on_every_engine(here: Path, program: Program, language: str) -> None:
    program.good("new", "hello", "--lang", language)
    engines = "rbpf" if language == "rbpf-c" else "pywasm,wasmtime"
    command = [sys.executable, "-m", "pytest", "-q", "--tinycontainer-engine", engines]
    done = subprocess.run(command, cwd="hello", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert f"{5 * len(engines.split(','))} passed" in done.stdout


@pytest.mark.clause("TC-TOOL-21")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_committed_debug_file_belongs_to_the_committed_code(
    here: Path, program: Program, language: str
) -> None:
    program.good("new", "hello", "--lang", language)
    code = (here / "hello" / STARTERS[language].code).read_bytes()
    debug = read_symbols(here / "hello").find(sha256(code).hexdigest())
    files = {each.file for _, chain in debug.rows for each in chain}
    # Zig names files as seen from the first one.
    assert {STARTERS[language].sources[0], Path(STARTERS[language].sources[0]).name} & files
    assert not any(file.startswith("/") for file in files)


@pytest.mark.clause("TC-TOOL-20", "TC-TOOL-21")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_changed_source_is_built_and_runs(here: Path, program: Program, language: str) -> None:
    with_compiler(language)
    program.good("new", "hello", "--lang", language)
    source = here / "hello" / STARTERS[language].sources[0]
    source.write_text(source.read_text().replace(' degrees"', ' Celsius"'))
    code, out, err = program("build", "hello")
    assert code == 0, err
    assert err.startswith("$ ")
    built = here / "hello" / STARTERS[language].code
    assert (
        out.splitlines()[0]
        == f"{Path('hello').resolve() / built.name}: {built.stat().st_size} bytes"
    )
    assert run_and_read(program, "hello").count(" Celsius\n") == len(SHOWN)
    assert os.fsencode(here) not in built.read_bytes()
    assert os.fsencode(here) not in built.with_suffix(".debug").read_bytes()


@pytest.mark.skipif(find_spec("ziglang") is None, reason="ziglang is not installed")
@pytest.mark.parametrize("language", ["c", "rbpf-c"])
def test_the_compiler_of_pypi_makes_c_that_runs(
    here: Path, program: Program, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    program.good("new", "hello", "--lang", language)
    monkeypatch.setenv("PATH", "/nowhere")
    code, _, err = program("build", "hello")
    assert code == 0, err
    assert "-m ziglang cc" in err
    assert run_and_read(program, "hello").count(" degrees\n") == len(SHOWN)


def test_no_other_tool_of_the_search_path_changes_the_code(
    here: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """clang, as a linker, runs wasm-opt where that is installed."""
    with_compiler("c")
    (here / "bin").mkdir()
    optimizer = here / "bin" / "wasm-opt"
    optimizer.write_text(f"#!/bin/sh\ntouch {here / 'ran'}\nexit 1\n")
    optimizer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{here / 'bin'}:{os.environ['PATH']}")
    program.good("new", "hello", "--lang", "c")
    assert program("build", "hello")[0] == 0
    assert not (here / "ran").exists()


def test_a_source_whose_name_looks_like_an_option_is_a_source(here: Path, program: Program) -> None:
    with_compiler("c")
    program.good("new", "hello", "--lang", "c")
    manifest = here / "hello" / "container.toml"
    text = manifest.read_text()
    source = here / "hello" / "src" / "main.c"
    shutil.copy(source.with_name("tinycontainer.h"), here / "hello")
    for name in ("@main.c", "-main.c"):
        shutil.copy(source, here / "hello" / name)
        manifest.write_text(text.replace("src/main.c", name))
        code, _, err = program("build", "hello")
        assert code == 0, err


def test_a_forgotten_export_is_explained_in_the_words_of_the_language(
    here: Path, program: Program
) -> None:
    with_compiler("c")
    program.good("new", "hello", "--lang", "c")
    source = here / "hello" / "src" / "main.c"
    source.write_text(source.read_text().replace("EXPORT int32_t loop", "int32_t loop"))
    code, _, err = program("build", "hello")
    assert code == 1
    assert err.splitlines()[-1].endswith("exports no loop: write EXPORT int32_t loop(void)")


@pytest.mark.clause("TC-TOOL-20")
@pytest.mark.parametrize("language", ["c", "rust"])
def test_a_mistake_is_shown_and_nothing_is_written(
    here: Path, program: Program, language: str
) -> None:
    with_compiler(language)
    program.good("new", "hello", "--lang", language)
    source = here / "hello" / STARTERS[language].sources[0]
    before = (here / "hello" / "container.wasm").read_bytes()
    wrong = "#include <stdio.h>\n" if language == "c" else "use std::io;\n"
    source.write_text(source.read_text().replace("\n\n", f"\n\n{wrong}", 1))
    code, out, err = program("build", "hello")
    assert (code, out) == (1, "")
    assert source.name in err
    last = err.splitlines()[-1]
    assert last.startswith("error: ")
    assert "has failed: " in last
    assert "library" in last
    assert (here / "hello" / "container.wasm").read_bytes() == before


@pytest.mark.clause("TC-TOOL-20")
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_compiler_one_line_names_the_package(
    here: Path, program: Program, no_programs: None, language: str
) -> None:
    program.good("new", "hello", "--lang", language)
    line = program.bad("build", "hello", code=1)
    assert line.startswith(f"no compiler for {TARGETS[language]} was found: ")


def test_what_the_manifest_forgets_is_noted(here: Path, program: Program) -> None:
    with_compiler("c")
    program.good("new", "hello", "--lang", "c")
    manifest = here / "hello" / "container.toml"
    manifest.write_text(
        manifest.read_text().replace('"read", ', "").replace("id = 3\n", "id = 4\n")
    )
    found = program.json("build", "hello")
    assert found["notes"] == [
        "it calls read, which syscalls in the manifest does not allow",
        "it opens endpoint 3, which the manifest does not declare",
    ]
    assert found["output"][0].startswith("$ ")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("9lives", "begins with a letter"),
        ("a b", "begins with a letter"),
        ("x" * 41, "begins with a letter"),
        ("there", "exists"),
        ("nowhere/hello", "cannot be written"),
    ],
)
def test_a_name_that_none_can_have_is_refused_and_nothing_is_made(
    here: Path, program: Program, name: str, words: str
) -> None:
    (here / "there").mkdir()
    assert words in program.bad("new", name, "--lang", "c")
    assert [path.name for path in here.iterdir()] == ["there"]


def test_a_directory_elsewhere_gives_its_last_part_as_the_name(
    here: Path, program: Program
) -> None:
    (here / "work").mkdir()
    found = program.json("new", "work/hello", "--lang", "zig")
    assert found["directory"] == "work/hello"
    assert 'uid = "hello"' in (here / "work" / "hello" / "container.toml").read_text()
    made = {str(path.relative_to("work/hello")) for path in Path("work/hello").rglob("*.*")}
    assert set(found["files"]) <= made


def test_build_refuses_what_it_cannot_compile(here: Path, program: Program) -> None:
    program.good("new", "hello", "--lang", "c")
    manifest = here / "hello" / "container.toml"
    text = manifest.read_text()
    manifest.write_text(text[: text.index("[build]")])
    assert "build: is missing; it says what to compile" in program.bad("build", "hello")
    for old, new, words in (
        ('"src/main.c"', '"src/none.c"', "is no file"),
        ('"src/main.c"', '"../../etc/passwd"', "build.sources[0]"),
        ('["src/main.c"]', "[]", "build.sources: name at least one file"),
        ('"src/main.c"', '""', "build.sources: name at least one file"),
        ('language = "c"', 'language = "cobol"', "build.language"),
        ('type = "wasm"', 'type = "native"', "not compiled to containers"),
        ('code = "container.wasm"', 'code = "src/main.c"', "would overwrite"),
        ('code = "container.wasm"', 'code = "container.toml"', "would overwrite"),
        ('code = "container.wasm"', 'code = "container.debug"', "would overwrite"),
        ('code = "container.wasm"', 'code = "temperature.csv"', "was not built"),
        ('code = "container.wasm"', 'code = "tests"', "was not built"),
        ('code = "container.wasm"', 'code = "nowhere/x.wasm"', "was not built"),
    ):
        manifest.write_text(text.replace(old, new))
        assert words in program.bad("build", "hello"), new


def test_a_module_of_another_build_is_stripped(here: Path, program: Program) -> None:
    source = ROOT / "tests" / "vectors" / "debug" / "nested-dwarf5.wasm"
    out = program.good("build", source, "-o", "small.wasm")
    assert out.splitlines()[0] == f"small.wasm: {Path('small.wasm').stat().st_size} bytes"
    assert Path("small.wasm").stat().st_size < source.stat().st_size / 4
    code = Path("small.wasm").read_bytes()
    assert read_symbols(here).find(sha256(code).hexdigest()).rows
    assert "exists; use --force" in program.bad("build", source, "-o", "small.wasm")


def test_the_library_builds_too(here: Path) -> None:
    with_compiler("c")
    assert main(["new", "hello", "--lang", "c"]) == 0
    lines: list[str] = []
    with Installation() as installation:
        programs = Programs(os.environ, None)
        made = build_directory(Path("hello"), installation, programs, RuntimeLimits(), lines.append)
    assert made.built.debug.rows
    assert all(line.startswith("$ ") for line in lines)
