"""How verbs print: one JSON object, or tables as wide as the terminal."""

import json
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinycontainer.text import Figure

PIPED_COLUMNS: Final = 200
"""Columns of a table that is piped."""


def print_json(values: object) -> None:
    """Print one JSON object, in ASCII."""
    click.echo(json.dumps(values, indent=2))


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table; cells are shown as they are, never as markup.

    Numbers are aligned to the right and stay in one piece. Where a table is too wide, text goes on
    in the next line; none of it is cut.
    """
    content = [tuple(row) for row in rows]
    table = Table(title=Text(title), title_justify="left", title_style="bold")
    for place, column in enumerate(columns):
        add_column(table, column, [row[place] for row in content])
    for row in content:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console(width=terminal_width() or PIPED_COLUMNS).print(table)


def add_column(table: Table, name: str, cells: Sequence[object]) -> None:
    """Add a column to a table.

    Args:
        table: has no rows yet.
        name: the head of the column.
        cells: what is going to be in it; numbers, beside which cells may be empty, or text.
    """
    is_of_numbers = any(cells) and all(isinstance(cell, int | float | Figure) for cell in cells)
    justify: Literal["left", "right"] = "right" if is_of_numbers else "left"
    table.add_column(name, justify=justify, no_wrap=is_of_numbers, overflow="fold")


def terminal_width() -> int | None:
    """Columns of the terminal that standard output goes to; None if it goes elsewhere.

    A pipe has no width, so what is piped is not cut to that of the terminal around it.
    """
    console = Console()
    return console.width if console.is_terminal else None
