"""The pages that people write: Markdown in docs/, specs/, and beside the code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .pages import Page, Stage
from .project import ROOT

_ALONE: Final = {
    "README.md": "project/readme.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "docs/architecture.md": "project/architecture.md",
    "docs/modules.md": "project/modules.md",
    "docs/benchmarks.md": "project/benchmarks.md",
}
"""Pages whose place in the site is another than their place in the project."""

_READMES: Final = ("endpoints", "runtime_adapters", "tokens", "examples", "specs")
"""Folders whose README is a page; a link to the folder leads to it."""


def add_written_pages(stage: Stage) -> None:
    """Add every page that people write."""
    for origin in _origins():
        also = [str(Path(origin).parent)] if Path(origin).name == "README.md" else []
        text = (ROOT / origin).read_text(encoding="utf-8")
        stage.add(Page(_place(origin), text, origin), *(each for each in also if each != "."))


def _origins() -> Iterator[str]:
    yield from (each for each in _ALONE if not each.startswith("docs/"))
    yield from (f"{folder}/README.md" for folder in _READMES)
    for folder in ("docs", "specs"):
        for path in sorted((ROOT / folder).rglob("*.md")):
            origin = path.relative_to(ROOT).as_posix()
            if not origin.startswith("docs/site/") and origin != "specs/README.md":
                yield origin


def _place(origin: str) -> str:
    if origin in _ALONE:
        return _ALONE[origin]
    return origin.removeprefix("docs/").replace("README.md", "index.md")
