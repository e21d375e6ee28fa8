"""From the project's files to a directory of HTML."""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final

from .diagrams import draw_diagrams
from .links import Linker, find_clauses
from .navigation import expand_navigation
from .pages import BrokenSource, Page, Stage
from .project import ROOT, SITE
from .reference import add_reference
from .shown_files import show_file
from .toml_writing import write_toml
from .written import add_written_pages

_CONFIG: Final = "zensical.toml"
_COLOUR: Final = re.compile("\x1b\\[[0-9;]*m")


def build_site(target: Path) -> None:
    """Build the whole site, strictly.

    Args:
        target: where its files go; what was there is replaced.

    Raises:
        BrokenSource: a link leads nowhere, a page has no place, or Zensical warns of something.
    """
    with tempfile.TemporaryDirectory(prefix="site-") as name:
        work = Path(name)
        pages, stage = stage_pages()
        _write_pages(work / "pages", pages, stage)
        _write_config(work, stage)
        _run_generator(work)
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(work / "html", target)


def stage_pages() -> tuple[dict[str, str], Stage]:
    """The final Markdown of each page by its path in the site, and what it was made of.

    Raises:
        BrokenSource: a link leads nowhere.
    """
    stage = Stage()
    add_written_pages(stage)
    add_reference(stage)
    linker = Linker(stage, find_clauses(stage), lambda origin: show_file(stage, origin))
    texts: dict[str, str] = {}
    while waiting := [page for path, page in stage.pages.items() if path not in texts]:
        for page in waiting:  # links to files add pages
            texts[page.path] = _finish(linker, page)
    return texts, stage


def _finish(linker: Linker, page: Page) -> str:
    if page.path.startswith("files/"):
        return page.text
    return draw_diagrams(linker.link(page))


def _write_pages(folder: Path, pages: dict[str, str], stage: Stage) -> None:
    for path, text in pages.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    for origin, path in stage.pictures.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / origin, folder / path)
    shutil.copytree(SITE / "look", folder / "look")


def _write_config(work: Path, stage: Stage) -> None:
    config: dict[str, Any] = tomllib.loads((SITE / _CONFIG).read_text(encoding="utf-8"))
    project = config["project"]
    project["nav"] = expand_navigation(project["nav"], stage)
    project |= {"docs_dir": "pages", "site_dir": "html"}
    python = project["plugins"]["mkdocstrings"]["handlers"]["python"]
    python["paths"] = [str(ROOT / each) for each in python["paths"]]
    (work / _CONFIG).write_text(write_toml(config), encoding="utf-8")


def _run_generator(work: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = _COLOUR.sub("", f"{done.stderr}{done.stdout}").partition("Traceback")[0]
        raise BrokenSource(f"the generator refuses the pages:\n{said}")
