"""What every verb has in common: its output, its exit codes, its way to refuse."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from enum import IntEnum
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinycontainer.text import show

WIDE = 200
"""Columns of output that is piped."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
force_option = click.option("--force", is_flag=True, help="Overwrite files that exist.")


class ExitCode(IntEnum):
    """Exit codes of all verbs."""

    DONE = 0
    REFUSED = 1
    """What was judged is not acceptable, or an expectation did not hold."""
    BAD_INPUT = 2
    """The command line, or a file that it names, cannot be used."""
    NO_RUNTIME = 3
    """A runtime that is needed does not work in this process."""
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141
    """Whoever read the output has gone, as `head` does."""


class Refusal(Exception):
    """Ends a verb with one line and an exit code.

    Args:
        problem: what, where, what to do.
        code: the exit code.
    """

    def __init__(self, problem: str, code: ExitCode = ExitCode.BAD_INPUT) -> None:
        super().__init__(problem)
        self.code = code


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
    Console(width=terminal_width() or WIDE).print(table)


def terminal_width() -> int | None:
    """Columns of the terminal that is written to; None if it is none.

    What is piped is as wide as it needs to be, not as wide as a terminal would have been.
    """
    console = Console()
    return console.width if console.is_terminal else None


def require_absent(paths: Iterable[Path], *, force: bool) -> None:
    """Refuse to overwrite, before anything is written.

    Raises:
        Refusal: a path has no name, is something else than a file, or exists and ``--force`` was
            not given.
    """
    for path in paths:
        if not path.name:
            raise Refusal(f"{show(str(path))}: is no file name")
        if path.exists() and not path.is_file():
            raise Refusal(f"{show(str(path))}: is not a file")
        if path.exists() and not force:
            raise Refusal(f"{show(str(path))}: exists; use --force to overwrite it")


def write_file(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file as a whole; a private one can be read by its owner only.

    Raises:
        Refusal: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.new")
    mode = 0o600 if private else 0o644
    try:
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise Refusal(f"{show(str(path))}: cannot be written: {error.strerror}") from None
