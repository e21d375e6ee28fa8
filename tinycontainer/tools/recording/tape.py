"""The tape: JSON lines in the order in which things happened, written once and read once.

{"recording": 1, ...}                      the header
{"do": "start", "uid": "box"}              a management call begins
{"part": "..."}                            bytes of the bundle or metadata that it was given
{"now": 1000}                              a reading of the clock
{"turn": "box", "until": 9, "budget": 8}   what a container may use; a budget of 0: interrupted
{"used": 7}                                what it has used
{"sleep": 5000, "stop": false}             nothing was due until then; interrupted, or not
{"make": 0, "driver": 1}                   an instance of the driver entry is made
{"driver": 1, "call": "read", ...}         a driver is called
{"context": 1, "charge": 5}                what it did to its caller meanwhile; also "asks"
{"shown": "..."}                           a line that it showed to the operator
{"gave": ...}                              how it answered; see `answers`
{"newest": [...], "is": [...]}             what the memory of accepted tokens said
{"accept": "...", "error": ""}             what it was told
{"done": "", "events": 3, "digest": ".."}  the management call is over, and the trace so far
{"end": 123, "events": 3, "digest": ".."}  the run is over, at that time
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from tinycontainer.errors import LineError, RecordingError, ReplayDiverged
from tinycontainer.jsonl import read_lines
from tinycontainer.text import flatten, show

from .header import Header

MAX_LINES: Final = 50_000_000
_SHOWN_BYTES: Final = 120


Checked = TypeVar("Checked")


class TapeWriter:
    """Writes a tape.

    What a full disk raises must not look like the fault of a container, so it is kept, and raised
    where nothing of a container is at work.

    Args:
        write: takes text.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._failure: OSError | None = None
        self._is_running = False

    def begin(self, header: Header) -> None:
        """Write the first line; nothing is written in front of it."""
        self._is_running = True
        self.note(**header.as_line())

    def note(self, **values: object) -> None:
        """Write a line."""
        if not self._is_running:
            return
        try:
            self._write(json.dumps(values, separators=(",", ":")) + "\n")
        except OSError as error:
            self._failure, self._is_running = error, False

    def end(self, **values: object) -> None:
        """Write the last line; nothing is written behind it."""
        self.note(**values)
        self._is_running = False
        self.raise_failure()

    def raise_failure(self) -> None:
        """Raise what went wrong.

        Raises:
            OSError: a line could not be written.
        """
        if self._failure is not None:
            raise self._failure


class TapeReader:
    """Reads a tape, and compares.

    An error that is raised inside a driver or a runtime would look like the fault of a container,
    so the first one is kept and raised again at every use of the tape.

    Args:
        path: the recording; untrusted.
    """

    def __init__(self, path: Path) -> None:
        self._name = show(str(path))
        self._lines = read_lines(path, MAX_LINES, RecordingError)
        self._number = 0
        self._failure: LineError | None = None

    def header(self) -> Header:
        """The first line.

        Raises:
            RecordingError: it is none, or one of another version.
        """
        return self.checked(Header.from_line, self.take())

    def take(self) -> dict[str, Any]:
        """The next line.

        Raises:
            RecordingError: it is malformed.
            ReplayDiverged: there is none.
        """
        self.raise_failure()
        try:
            self._number, values = next(self._lines)
        except StopIteration:
            self._number += 1
            raise self.diverged("the recording ends here, but the replay goes on") from None
        except RecordingError as error:
            self._failure = error
            raise
        return values

    def ask(self, question: Mapping[str, object], *answers: str) -> dict[str, Any]:
        """The next line, which must hold this question and these answers and nothing else.

        Raises:
            RecordingError: it is malformed.
            ReplayDiverged: it holds something else.
        """
        values = self.take()
        asked = {key: values[key] for key in question if key in values}
        if asked != question or values.keys() != {*question, *answers}:
            wanted = json.dumps({**question, **dict.fromkeys(answers, "?")})
            raise self.diverged(
                f"the recording has {_brief(json.dumps(values))}, the replay {_brief(wanted)}"
            )
        return values

    def checked(self, check: Callable[[Any], Checked], value: object) -> Checked:
        """What a check makes of a value of this line.

        Raises:
            RecordingError: it raised ValueError.
        """
        try:
            return check(value)
        except ValueError as error:
            self._failure = RecordingError(self._name, self._number, str(error))
            raise self._failure from None

    def diverged(self, problem: str) -> ReplayDiverged:
        """The error of a replay that leaves the recording at this line."""
        self._failure = ReplayDiverged(self._name, self._number, problem)
        return self._failure

    def raise_failure(self) -> None:
        """Raise the first thing that went wrong.

        Raises:
            RecordingError: a line is malformed.
            ReplayDiverged: the replay did something else.
        """
        if self._failure is not None:
            raise self._failure


def _brief(line: str) -> str:
    return flatten(line if len(line) <= _SHOWN_BYTES else f"{line[:_SHOWN_BYTES]}...")
