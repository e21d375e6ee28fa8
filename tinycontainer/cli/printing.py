"""How verbs print: one JSON object, or tables as wide as the terminal."""

import json
from collections.abc import Iterable
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPED_COLUMNS: Final = 200
"""Columns of a table that is piped."""


def print_json(values: object) -> None:
    """Print one JSON object, in ASCII."""
    click.echo(json.dumps(values, indent=2))


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table; cells are shown as they are, never as markup."""
    table = Table(title=Text(title), title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console(width=terminal_width() or PIPED_COLUMNS).print(table)


def terminal_width() -> int | None:
    """Columns of the terminal that standard output goes to; None if it goes elsewhere.

    A pipe has no width, so what is piped is not cut to that of the terminal around it.
    """
    console = Console()
    return console.width if console.is_terminal else None
