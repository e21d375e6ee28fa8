"""Other programs of the author's machine: finding them, and running them."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

TIME_LIMIT_S: Final = 600
"""How long a program may run."""
MAX_OUTPUT_BYTES: Final = 1 << 18
"""How much of what it writes is kept."""
_PART_BYTES: Final = 1 << 16
_LAST_WORDS_S: Final = 1.0
"""How long what it has written may still arrive after its end."""


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
        # A relative entry is one of here, and not of the directory in which the program will run.
        entries = [Path(entry).absolute() for entry in search_path.split(os.pathsep) if entry]
        for directory in (*further, *entries):
            for path in _list_matching(directory, re.compile(pattern)):
                if path.resolve() not in found and os.access(path, os.X_OK):
                    found.add(path.resolve())
                    yield path

    def run(self, command: Sequence[str], directory: Path) -> Ran:
        """Run a program to its end; whatever it has started ends with it.

        Args:
            command: the program and its arguments.
            directory: where it runs.
        """
        try:
            process = subprocess.Popen(  # noqa: S603 a compiler of the author's own machine
                command,
                cwd=directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return Ran(tuple(command), 1, f"cannot be run: {error.strerror}")
        output = bytearray()
        reader = threading.Thread(target=_keep_first, args=(process.stdout, output), daemon=True)
        reader.start()
        try:
            process.wait(TIME_LIMIT_S)
            end = _describe_signal(process.returncode)
        except subprocess.TimeoutExpired:
            end = f"has not ended after {TIME_LIMIT_S} s"
        finally:
            _end_group(process)
        reader.join(_LAST_WORDS_S)
        lines = bytes(output).decode("utf-8", "replace")
        return Ran(tuple(command), 1 if end else process.returncode, lines + end)


def _keep_first(pipe: IO[bytes], output: bytearray) -> None:
    """Read all that a program writes, so that it can go on, and keep the first of it."""
    with pipe:
        while part := os.read(pipe.fileno(), _PART_BYTES):
            output += part[: MAX_OUTPUT_BYTES - len(output)]


def _describe_signal(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else ""


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _list_matching(directory: Path, pattern: re.Pattern[str]) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if pattern.fullmatch(path.name))
    except OSError:
        return []  # directories of a search path need not be there
