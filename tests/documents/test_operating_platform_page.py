"""The page on operating the platform does what it says, and so do the files beside it."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from support.pages import run_page, write_programs
from support.project import ROOT, Program

PAGE = ROOT / "docs" / "operate-the-platform.md"
IMAGE = ROOT / "docs" / "platform.Containerfile"
UNIT = ROOT / "docs" / "tinycontainer-platform.service"
_EXTRA = re.compile(r"\[([a-z,]+)\]\"")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_page_on_operating_the_platform_works_as_it_stands(tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("sqlalchemy")
    programs, desk = tmp_path / "programs", tmp_path / "desk"
    write_programs(programs)
    desk.mkdir()
    clean_up = "trap 'jobs -p | xargs -r kill -9 2> /dev/null || true' EXIT\n"
    run_page(PAGE, desk, clean_up, {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})


def words_of(name: str) -> list[str]:
    """The words of an instruction of the container file that is a list."""
    (found,) = re.findall(rf"^{name} (\[.*\])$", IMAGE.read_text(), re.MULTILINE)
    return list(json.loads(found))


def test_an_image_runs_the_verb_that_there_is(tmp_path: Path, program: Program) -> None:
    pytest.importorskip("fastapi")
    first, *words = [*words_of("ENTRYPOINT"), *words_of("CMD")]
    assert first == "tinycontainerctl"
    (tmp_path / "platform.toml").write_text("")
    words = [str(tmp_path / word) if word == "platform.toml" else word for word in words]
    assert program.json(*words, "--check")["http"].endswith(":8080")


def test_an_image_installs_extras_that_there_are() -> None:
    extras = {each for found in _EXTRA.findall(IMAGE.read_text()) for each in found.split(",")}
    text = (ROOT / "setup.cfg").read_text()
    assert extras == {"platform", "postgresql"}
    assert all(f"\n{each} =\n" in text for each in extras)


def test_the_unit_runs_the_verb_that_the_image_runs() -> None:
    (command,) = re.findall(
        r"^ExecStart=\S+/tinycontainerctl (.*)$", UNIT.read_text(), re.MULTILINE
    )
    shown = [word.rpartition("/")[2] for word in command.split()]
    assert shown == [*words_of("ENTRYPOINT")[1:], *words_of("CMD")]
