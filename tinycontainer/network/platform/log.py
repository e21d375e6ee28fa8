"""What a platform says to whoever operates it: warnings for people, or all that happens as JSON."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol, TypeAlias

from tinycontainer.text import flatten

MAX_CHARACTERS: Final = 300
"""Of a text in a line."""

Noted: TypeAlias = str | int | float | None


class NoteEvent(Protocol):
    """Takes what has happened."""

    def __call__(self, event: str, /, **fields: Noted) -> None:
        """Take what has happened.

        Args:
            event: what, in words with hyphens.
            fields: more about it.
        """


def note_nothing(_event: str, /, **_fields: Noted) -> None:
    """Let nobody know."""


@dataclass(frozen=True, slots=True)
class PlatformLog:
    """Writes lines without secrets: no token, no name of a person, nothing of a body.

    A warning can name a device, and has what its gateway says.

    Attributes:
        write: takes a line.
        now_s: Unix time.
        as_json: whether each line is an object of JSON, for a program; then it has everything.
    """

    write: Callable[[str], None]
    now_s: Callable[[], float]
    as_json: bool

    def note(self, event: str, /, **fields: Noted) -> None:
        """Write what has happened, for a program only.

        Args:
            event: what, in words with hyphens.
            fields: more about it.
        """
        if not self.as_json:
            return
        at = datetime.fromtimestamp(self.now_s(), UTC).isoformat(timespec="milliseconds")
        shown = {
            name: flatten(value)[:MAX_CHARACTERS] if isinstance(value, str) else value
            for name, value in fields.items()
        }
        self._write(json.dumps({"at": at, "event": event, **shown}))

    def warn(self, problem: str) -> None:
        """Write what an operator may have to do something about.

        Args:
            problem: in one line.
        """
        if self.as_json:
            self.note("warning", problem=problem)
        else:
            self._write(f"warning: {flatten(problem)[:MAX_CHARACTERS]}")

    def _write(self, line: str) -> None:
        with suppress(OSError):  # a log that nobody takes any more ends no platform
            self.write(line)
