"""The tutorial and the guides do what they say: every command is run, every file is used."""

import importlib.util
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from support.pages import blocks_of, run_page, write_programs
from support.project import ROOT

DOCS = ROOT / "docs"
GUIDES = sorted(
    [
        DOCS / "index.md",
        *DOCS.glob("tutorial/*.md"),
        *DOCS.glob("how-to/*.md"),
        *DOCS.glob("explanation/*.md"),
        *DOCS.glob("reference/*.md"),
    ]
)
WITH_COMMANDS = [page for page in GUIDES if any(each.is_run for each in blocks_of(page))]
_RUST_TARGET = "wasm32-unknown-unknown"


@cache
def find_rustc() -> str | None:
    """The first rustc of the machine that has the library of the target."""
    for folder in os.environ["PATH"].split(os.pathsep):
        program = shutil.which("rustc", path=folder)
        if program is not None:
            asked = [program, "--print", "target-libdir", "--target", _RUST_TARGET]
            done = subprocess.run(asked, capture_output=True, text=True, check=False)
            if done.returncode == 0 and Path(done.stdout.strip()).is_dir():
                return program
    return None


@cache
def clang_makes(target: str) -> bool:
    """Whether clang is there, has the target, and its linker."""
    if shutil.which("clang") is None or (target == "wasm32" and not shutil.which("wasm-ld")):
        return False
    done = subprocess.run(["clang", "--print-targets"], capture_output=True, text=True, check=False)
    return f" {target} " in done.stdout


NEEDS: dict[str, tuple[str, Callable[[], bool]]] = {
    "c.md": ("clang with lld for wasm32 is not installed", lambda: clang_makes("wasm32")),
    "rust.md": ("no rustc has the target wasm32", lambda: find_rustc() is not None),
    "tinyml.md": (
        "no inference runtime is installed",
        lambda: importlib.util.find_spec("ai_edge_litert") is not None,
    ),
}


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_guide_works_as_it_stands(page: Path, tmp_path: Path) -> None:
    reason, is_there = NEEDS.get(page.name, ("", lambda: True))
    if not is_there():
        pytest.skip(reason)
    desk = tmp_path / "desk"
    desk.mkdir()
    write_programs(tmp_path / "programs", rustc=shlex.quote(find_rustc() or "false"))
    _pretend_to_install(tmp_path / "programs" / "python3")
    path = f"{tmp_path / 'programs'}:{os.environ['PATH']}"
    run_page(page, desk, "", {**os.environ, "PATH": path})


def _pretend_to_install(python: Path) -> None:
    """`python3 -m venv` makes what the first page uses; what it installs is installed already."""
    real = python.read_text().removeprefix("#!/bin/sh\n")
    python.write_text(
        '#!/bin/sh\nif [ "$1 $2" = "-m venv" ]; then\n    mkdir -p "$3/bin"\n'
        '    printf \'#!/bin/sh\\n[ "$*" = "install .[tinyml] pytest" ]\\n\' > "$3/bin/pip"\n'
        '    chmod +x "$3/bin/pip"\n    : > "$3/bin/activate"\n    exit 0\nfi\n' + real
    )


def test_no_block_of_a_guide_is_left_out() -> None:
    blocks = [(page.name, each) for page in GUIDES for each in blocks_of(page)]
    assert len(blocks) > 50
    assert [name for name, each in blocks if not each.is_run and each.kind != "text"] == []
