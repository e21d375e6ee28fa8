"""build of an object: it becomes a .rbf file, in the words and with the exit codes of all verbs."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.hostile import inert
from support.project import BOX, ROOT, Program
from support.rbpf.assembling import LIMITS, rbf

from tinycontainer.assembly import Installation
from tinycontainer_runtimes.rbpf.program import load_program

OBJECTS = ROOT / "tests" / "vectors" / "rbpf" / "objects"


def test_an_object_becomes_a_file_that_loads(tmp_path: Path, program: Program) -> None:
    out = tmp_path / "app.rbf"
    said = program.good("build", OBJECTS / "everything.o", "-o", out)
    first, second = said.splitlines()
    assert first == f"{out}: {out.stat().st_size} bytes"
    assert second == f"{tmp_path / 'app.debug'}: 15 places in the source"
    assert load_program(out.read_bytes(), LIMITS).entries


def test_the_file_is_named_after_its_source(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program.good("build", OBJECTS / "fletcher32.o")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "fletcher32.debug",
        "fletcher32.rbf",
    ]


def test_disasm_alone_prints_and_writes_nothing(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = program.good("build", "--disasm", OBJECTS / "everything.o")
    assert "loop:" in said.splitlines()
    assert "call open" in said
    assert list(tmp_path.iterdir()) == []


def test_disasm_takes_built_files_and_shows_hostile_strings_escaped(
    tmp_path: Path, program: Program
) -> None:
    path = tmp_path / "app.rbf"
    path.write_bytes(rbf("lddwr r1, 0\ncall logger\nexit", rodata=b"\x1b[2Jx\0 \\ `\0"))
    assert inert(program.good("build", "--disasm", path))


def test_json_says_what_was_written_and_shows_the_program(tmp_path: Path, program: Program) -> None:
    out = tmp_path / "app.rbf"
    found = program.json("build", OBJECTS / "fletcher32.o", "-o", out, "--disasm")
    assert (found["file"], found["bytes"]) == (str(out), out.stat().st_size)
    assert found["debug_file"] == str(tmp_path / "app.debug")
    assert found["disassembly"][-1].endswith("exit")
    found = program.json("build", OBJECTS / "fletcher32.o", "--disasm")
    assert (found["file"], found["bytes"]) == (None, None)


@pytest.mark.clause("TC-TOOL-03")
def test_files_are_not_overwritten_unasked(tmp_path: Path, program: Program) -> None:
    out = tmp_path / "app.rbf"
    out.write_bytes(b"precious")
    line = program.bad("build", OBJECTS / "fletcher32.o", "-o", out)
    assert "exists; use --force" in line
    assert out.read_bytes() == b"precious"
    program.good("build", OBJECTS / "fletcher32.o", "-o", out, "--force")


def test_a_refusal_is_one_line_with_the_source_line(tmp_path: Path, program: Program) -> None:
    source = OBJECTS / "refused-1.o"
    line = program.bad("build", source, "-o", tmp_path / "x")
    problem = "the program uses the address of function loop"
    assert line == f"{source}: refused.c:11 in loop: {problem}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["nowhere.o", "refused.c"])
def test_what_is_no_object_is_bad_input(name: str, program: Program) -> None:
    assert name in program.bad("build", OBJECTS / name)


def test_a_damaged_file_is_not_disassembled(tmp_path: Path, program: Program) -> None:
    path = tmp_path / "app.rbf"
    path.write_bytes(rbf("exit")[:-1])
    assert "(-5, illegal-length)" in program.bad("build", "--disasm", path)


def test_builders_are_found_through_entry_points() -> None:
    assert Installation().builder("rbpf").build((OBJECTS / "fletcher32.o").read_bytes())


def test_a_missing_builder_is_no_usable_runtime(program: Program) -> None:
    program.installation = Installation([])
    line = program.bad("build", OBJECTS / "fletcher32.o", code=3)
    assert line == "builder rbpf is not installed"


def test_the_examples_object_gives_the_committed_file(tmp_path: Path, program: Program) -> None:
    out = tmp_path / "mapper.rbf"
    program.good("build", BOX / "mapper" / "mapper.o", "-o", out)
    assert out.read_bytes() == (BOX / "mapper" / "mapper.rbf").read_bytes()


@pytest.mark.skipif(shutil.which("clang") is None, reason="needs clang")
def test_the_examples_source_can_be_built_now(tmp_path: Path, program: Program) -> None:
    flags = ["-mcpu=v2", "-std=c11", "-Os", "-ffreestanding", "-mllvm", "-inline-threshold=10000"]
    source, made = BOX / "mapper" / "mapper.c", tmp_path / "mapper.o"
    include = f"-I{ROOT / 'examples' / 'include'}"
    command = ["clang", "--target=bpfel", *flags, include, "-c", str(source), "-o", str(made)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("clang has no target bpfel")
    out = tmp_path / "mapper.rbf"
    program.good("build", made, "-o", out)
    committed = load_program((BOX / "mapper" / "mapper.rbf").read_bytes(), LIMITS)
    assert set(load_program(out.read_bytes(), LIMITS).entries) == set(committed.entries)


def test_lint_knows_rbpf_containers(tmp_path: Path, program: Program) -> None:
    box = tmp_path / "box"
    program.good("demo", "--keep", box)
    found = program.json("lint", box / "mapper-rbpf.tcb", "--device", box / "device.toml")
    assert {each["severity"] for each in found["findings"]} <= {"note", "warning"}
    ids = {each["id"] for each in found["findings"]}
    assert not ids & {"TCL101", "TCL102", "TCL201", "TCL202", "TCL203", "TCL602", "TCL606"}
