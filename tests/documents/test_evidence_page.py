"""The page on evidence does what it says."""

import os
import shutil
from pathlib import Path

import pytest
from support.pages import run_page, write_programs
from support.project import ROOT

PAGE = ROOT / "docs" / "evidence.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_page_on_evidence_works_as_it_stands(tmp_path: Path) -> None:
    pytest.importorskip("aiocoap")
    pytest.importorskip("fastapi")
    pytest.importorskip("sqlalchemy")
    programs, desk = tmp_path / "programs", tmp_path / "desk"
    write_programs(programs)
    desk.mkdir()
    clean_up = "trap 'jobs -p | xargs -r kill -9 2> /dev/null || true' EXIT\n"
    run_page(PAGE, desk, clean_up, {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
