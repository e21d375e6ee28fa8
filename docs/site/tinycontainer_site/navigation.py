"""Which page is where in the site's navigation; every page is somewhere."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from .pages import BrokenSource, Stage


def expand_navigation(entries: list[Any], stage: Stage) -> list[Any]:
    """The navigation with patterns such as ``adr/*.md`` replaced by the pages that they name.

    Args:
        entries: as in the configuration: paths of pages, patterns, or titles with one of these.
        stage: the pages that there are; what an entry names by itself no pattern takes.

    Raises:
        BrokenSource: a page is nowhere, or an entry names none.
    """
    left = set(stage.pages) - set(_names(entries))
    expanded = [each for entry in entries for each in _expand(entry, stage, left)]
    if left:
        raise BrokenSource(
            f"{', '.join(sorted(left))}: not in the navigation; add to docs/site/zensical.toml"
        )
    return expanded


def _names(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        match entry:
            case str():
                yield entry
            case dict():
                for value in entry.values():
                    yield from _names(value if isinstance(value, list) else [value])


def _expand(entry: Any, stage: Stage, left: set[str]) -> list[Any]:
    if isinstance(entry, dict):
        ((title, value),) = entry.items()
        if isinstance(value, str):
            return [{title: _require(value, stage)}]
        return [{title: [each for inner in value for each in _expand(inner, stage, left)]}]
    if "*" not in entry:
        return [_require(entry, stage)]
    found = sorted(path for path in left if fnmatchcase(path, entry))
    left.difference_update(found)
    return list(found)


def _require(path: str, stage: Stage) -> str:
    if path not in stage.pages:
        raise BrokenSource(
            f"docs/site/zensical.toml: {path} is in the navigation, but no such page"
        )
    return path
