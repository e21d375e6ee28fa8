"""Pages that show a file of the project as it is, for links to it."""

from pathlib import Path
from typing import Final

from .pages import Page, Stage
from .project import ROOT

_LANGUAGES: Final = {
    ".c": "c", ".cddl": "text", ".cfg": "ini", ".csv": "text", ".h": "c", ".json": "json",
    ".py": "python", ".rs": "rust", ".service": "ini", ".sh": "sh", ".toml": "toml",
    ".ts": "typescript", ".zig": "zig",
}  # fmt: skip
_MAX_BYTES: Final = 64 * 1024


def show_file(stage: Stage, origin: str) -> str:
    """Add the page that shows a file, or lists a folder, and say where it is."""
    path = f"files/{origin}.md"
    title = f"# `{origin}`\n\n"
    source = ROOT / origin
    stage.add(
        Page(path, title + (_listing(source) if source.is_dir() else _content(source)), origin)
    )
    return path


def _content(source: Path) -> str:
    content = source.read_bytes()
    if len(content) > _MAX_BYTES or b"\0" in content:
        return f"{len(content)} bytes, which are not shown here.\n"
    language = _LANGUAGES.get(source.suffix, "text")
    return f"~~~~~{language}\n{content.decode('utf-8')}\n~~~~~\n"


def _listing(folder: Path) -> str:
    names = sorted(
        f"{each.name}/" if each.is_dir() else each.name
        for each in folder.iterdir()
        if not each.name.startswith((".", "__pycache__"))
    )
    return "A folder of the project with\n\n" + "".join(f"- `{name}`\n" for name in names)
