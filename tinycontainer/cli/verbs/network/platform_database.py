"""``platform backup``, ``restore`` and ``verify-audit``: look after the database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tinycontainer.network.platform.platform_file import read_platform_file
from tinycontainer.text import show

from ...options import json_option, path_argument
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused
from .requirements import require_platform

if TYPE_CHECKING:
    from tinycontainer.network.platform.database import PlatformDatabase

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@click.command(cls=Verb)
@path_argument("platform_file")
@path_argument("copy")
@json_option
def backup(platform_file: Path, copy: Path, as_json: bool) -> int:
    """Copy the database of PLATFORM_FILE into the new file COPY, also while it is in use.

    Example: tinycontainerctl platform backup platform.toml platform-copy.db
    """
    with _opened(platform_file) as database:
        database.backup(copy)
    _say(as_json, show(str(copy)), f"copied the database to {show(str(copy))}")
    return ExitCode.DONE


@click.command(cls=Verb)
@path_argument("platform_file")
@path_argument("copy")
@click.option("--check", is_flag=True, help="Look whether COPY can be used; make nothing.")
@json_option
def restore(platform_file: Path, copy: Path, check: bool, as_json: bool) -> int:
    """Make the database of PLATFORM_FILE from COPY; there must be none.

    All have to log in again. Tokens and people that were deleted or disabled after the copy was
    made are there again: look through them.

    Example: tinycontainerctl platform restore platform.toml platform-copy.db --check
    """
    with _opened(platform_file) as database:
        database.restore(copy, only_check=check)
    name = show(str(copy))
    done = f"a database can be made from {name}" if check else f"made the database from {name}"
    _say(as_json, name, done)
    return ExitCode.DONE


@click.command(cls=Verb, name="verify-audit")
@path_argument("platform_file")
@click.option(
    "--kept",
    default="",
    help="A hash that an earlier run has printed: also find whether the end was cut off.",
)
@json_option
def verify_audit(platform_file: Path, kept: str, as_json: bool) -> int:
    """Look whether somebody has changed the audit of the platform of PLATFORM_FILE.

    Whoever can write to the database can cut off its end, or write all of it anew. Only a hash that
    was kept elsewhere shows that: note what this prints, and give it to a later run as `--kept`.

    Example: tinycontainerctl platform verify-audit platform.toml
    """
    if kept and not _SHA256.fullmatch(kept):
        raise VerbRefused(f"--kept: {show(kept, 80)}: write 64 of 0-9 and a-f")
    with _opened(platform_file) as database:
        from tinycontainer.network.platform.audit import (  # noqa: PLC0415 - optional
            BEGINNING,
            verify_chain,
        )

        database.require_there()
        with database.reading() as session:
            found = verify_chain(session, kept or BEGINNING)
    problem = found.problem
    if not problem and not found.is_kept_there:
        problem = "the entry with the kept hash is not there; the end was cut off or written anew"
    if as_json:
        print_json({"entries": found.entries, "sha256": found.sha256, "problem": problem})
    else:
        click.echo(f"{found.entries} entries are as they were written; hash {found.sha256}")
        if problem:
            click.echo(problem)
    return ExitCode.REFUSED if problem else ExitCode.DONE


@contextmanager
def _opened(platform_file: Path) -> "Iterator[PlatformDatabase]":
    require_platform()
    from tinycontainer.network.platform.database import PlatformDatabase  # noqa: PLC0415 - optional

    database = PlatformDatabase(read_platform_file(platform_file).database_url)
    try:
        yield database
    finally:
        database.close()


def _say(as_json: bool, copy: str, line: str) -> None:
    if as_json:
        print_json({"file": copy})
    else:
        click.echo(line)
