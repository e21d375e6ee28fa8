"""Other programs of the author's machine: finding them, and running them."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TIME_LIMIT_S: Final = 600
"""How long a program may run."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that has ended.

    Attributes:
        command: what was run.
        code: its exit code; not 0 if it failed.
        output: what it wrote, errors included.
    """

    command: tuple[str, ...]
    code: int
    output: str


class Programs:
    """The programs of a search path.

    Args:
        environment: of the programs that are run; its ``PATH`` is searched.
        python: the interpreter, which can have a compiler as a package; None if it has not.
    """

    def __init__(self, environment: Mapping[str, str], python: str | None) -> None:
        self._environment = dict(environment)
        self.python = python

    def find(self, pattern: str, *further: Path) -> Iterator[Path]:
        """All programs of a name, in the order of the search path; each once.

        Args:
            pattern: a regular expression for the whole name.
            further: directories that are searched before the search path.
        """
        found: set[Path] = set()
        search_path = self._environment.get("PATH", os.defpath)
        for directory in (*further, *map(Path, filter(None, search_path.split(os.pathsep)))):
            for path in _list_matching(directory, re.compile(pattern)):
                if path.resolve() not in found and os.access(path, os.X_OK):
                    found.add(path.resolve())
                    yield path

    def run(self, command: Sequence[str], directory: Path) -> Ran:
        """Run a program to its end.

        Args:
            command: the program and its arguments.
            directory: where it runs.
        """
        try:
            ended = subprocess.run(  # noqa: S603 a compiler of the author's own machine
                command,
                cwd=directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIME_LIMIT_S,
                check=False,
            )
        except OSError as error:
            return Ran(tuple(command), 1, f"cannot be run: {error.strerror}")
        except subprocess.TimeoutExpired:
            return Ran(tuple(command), 1, f"has not ended after {TIME_LIMIT_S} s")
        return Ran(tuple(command), ended.returncode, ended.stdout.decode("utf-8", "replace"))


def _list_matching(directory: Path, pattern: re.Pattern[str]) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if pattern.fullmatch(path.name))
    except OSError:
        return []  # directories of a search path need not be there
