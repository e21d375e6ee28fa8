"""How verbs print the tree of a file: a line for each item, in columns as wide as the terminal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from tinycontainer.text import flatten, show
from tinycontainer.tools.inspect.contents import Contents
from tinycontainer.tools.inspect.diagnostic import CborItem

from .printing import PIPED_COLUMNS, print_json, terminal_width
from .verb import VerbRefused

_TITLES = ("offset", "hex", "diagnostic notation", "meaning")
_GAP = "  "
_ROOMY = 120
"""Columns from which on a level is indented by two."""


def print_contents(file: Path, found: Contents, *, as_json: bool) -> None:
    """Print what a file holds.

    Args:
        file: where it is.
        found: what was read.
        as_json: whether to print one JSON object.

    Raises:
        VerbRefused: after it was printed, if it is refused.
    """
    if as_json:
        print_json({**found.values, "tree": found.tree.as_dict()})
    else:
        for line in _lines(found.tree, terminal_width()):
            click.echo(line)
    if found.problem is not None:
        raise VerbRefused(f"{show(str(file))}: {found.problem}")


@dataclass(frozen=True, slots=True)
class _Row:
    """A line: a node, its depth, and what closes the levels that end with it."""

    node: CborItem
    depth: int
    closing: str

    def diagnostic(self, indent: int, width: int | None = None) -> str:
        """The cell of the notation, cut inside of a string if that helps."""
        text = " " * (self.depth * indent) + self.node.opening
        if width is None or len(text) + len(self.closing) <= width:
            return text + self.closing
        quote = text[-1:] if text[-1:] in ("'", '"') else ""
        room = max(0, width - len(self.closing) - len(quote))
        return _cut(_cut(text, room) + quote + self.closing, width)


def _lines(tree: CborItem, terminal_columns: int | None) -> Iterator[str]:
    rows = list(_rows(tree, 0, ""))
    columns = terminal_columns or PIPED_COLUMNS
    indent = 2 if columns >= _ROOMY else 1
    offset = max(len(_TITLES[0]), *(len(str(row.node.offset)) for row in rows))
    room = max(0, columns - offset - 3 * len(_GAP))
    widths = (
        min(room // 5, _longest(_TITLES[1], (row.node.hex(" ") for row in rows))),
        min(room * 2 // 5, _longest(_TITLES[2], (row.diagnostic(indent) for row in rows))),
    )
    meaning = None if terminal_columns is None else room - sum(widths)
    yield _line(_TITLES[0].rjust(offset), *widths, _TITLES[1:], meaning)
    for row in rows:
        cells = (row.node.hex(" "), row.diagnostic(indent, widths[1]), flatten(row.node.meaning))
        yield _line(str(row.node.offset).rjust(offset), *widths, cells, meaning)


def _line(
    offset: str, hex_width: int, notation_width: int, cells: tuple[str, ...], meaning: int | None
) -> str:
    own, notation, words = cells
    fitted = (
        offset,
        _cut(own, hex_width).ljust(hex_width),
        _cut(notation, notation_width).ljust(notation_width),
        words if meaning is None else _cut(words, meaning),
    )
    return _GAP.join(fitted).rstrip()


def _rows(node: CborItem, depth: int, closing: str) -> Iterator[_Row]:
    yield _Row(node, depth, "" if node.children else closing)
    for child in node.children[:-1]:
        yield from _rows(child, depth + 1, "," if node.opening else "")
    for child in node.children[-1:]:
        yield from _rows(child, depth + 1, node.closing + closing)


def _longest(title: str, cells: Iterable[str]) -> int:
    return max(len(title), *map(len, cells))


def _cut(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    return text[: width - 3] + "..." if width > 3 else text[:width]
