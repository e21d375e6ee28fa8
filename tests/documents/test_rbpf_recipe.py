"""The commands that the documents give for containers in C on rBPF, run as they are written."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from support.project import ROOT, Program

needs_clang = pytest.mark.skipif(shutil.which("clang") is None, reason="clang is not installed")
SOURCE = """
#include <stdint.h>
#include "tinycontainer.h"

static const char *const words[] = {"even", "odd"};

int32_t loop(const uint8_t *own, uint32_t size)
{
    tc_log(words[size & 1]);
    return size > 0 ? own[0] : 0;
}
"""


def commands() -> dict[str, str]:
    """The compile command of each document that has one."""
    found = {}
    for name in ("specs/rbpf.md", "tinycontainer/cli/verbs/making/build.py"):
        text = " ".join((ROOT / name).read_text().split())
        found[name] = next(iter(re.findall(r"`(clang --target[^`]+)`", text)))
    return found


def test_every_document_gives_the_same_command() -> None:
    assert len(set(commands().values())) == 1, commands()


def test_the_help_shows_the_command(program: Program) -> None:
    shown = " ".join(program.good("build", "--help").split())
    assert next(iter(commands().values())) in shown


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "app.c").write_text(SOURCE)
    shutil.copy(ROOT / "examples" / "include" / "tinycontainer.h", tmp_path)
    return tmp_path


def run(command: str, directory: Path) -> None:
    done = subprocess.run(
        command, shell=True, cwd=directory, capture_output=True, text=True, check=False
    )
    if "bpf" in done.stderr and "target" in done.stderr:
        pytest.skip("clang has no target bpfel")
    assert done.returncode == 0, done.stderr


@needs_clang
def test_the_command_compiles_what_includes_standard_headers(
    directory: Path, program: Program
) -> None:
    for command in commands().values():
        run(shlex.join(shlex.split(command)), directory)
        out = directory / "app.rbf"
        program.good("build", directory / "app.o", "-o", out, "--force")
        assert out.read_bytes().startswith(b"rBPF")


@needs_clang
@pytest.mark.skipif(shutil.which("llc") is None, reason="llc is not installed")
def test_the_recipe_of_the_firmware_compiles_too(directory: Path, program: Program) -> None:
    text = " ".join((ROOT / "specs" / "rbpf.md").read_text().split())
    run(next(iter(re.findall(r"`(clang -ffreestanding[^`]+llc[^`]+)`", text))), directory)
    program.good("build", directory / "app.o", "-o", directory / "app.rbf")
