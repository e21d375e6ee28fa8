"""The tape: JSON lines in the order in which things happened, written once and read once.

{"recording": 5, ...}                      the header
{"do": "start", "uid": "box"}              a management call begins; "answer" is what the state
                                           keeps for when the request comes again
{"part": "..."}                            bytes of the bundle or metadata that it was given
{"now": 1000}                              a reading of the clock
{"turn": 9, "step": 8, "budget": 8}        a turn until then, and its budget; 0: interrupted
{"steps": 3}                               by how many steps it was extended meanwhile; wall time
{"over": true}                             it was not extended further; wall time
{"used": 7}                                what it has used
{"sleep": 5000, "stop": false}             nothing was due until then; whether it was interrupted;
                                           between two calls: who runs the device in pieces slept
{"make": 0, "driver": 1}                   an instance of the driver entry is made
{"driver": 1, "call": "read", ...}         a driver is called
{"context": 1, "charge": 5}                what it did to its caller meanwhile; also "asks"
{"shown": "..."}                           a line that it showed to the operator
{"gave": ...}                              how it answered; see `answers`
{"newest": [...], "is": [...], ...}        the answer of the memory of accepted tokens; "error"
{"accept": "...", "error": ""}             what it was given to remember
{"record": "...", "error": null}           the same of the device's state; see `recorded_state`
{"done": "", "events": 3, "digest": ".."}  the management call is over, and the trace so far
{"asked": "everybody", "method": "GET",    a request that caused the calls before it, for the reader
 "path": "/tc", "code": "2.05"}            of the tape; nothing is repeated
{"end": 123, "events": 3, "digest": ".."}  the run is over, at that time
{"full": 268435400}                        so many bytes are written, and the file takes no more

Version 5 knows updates of several containers and withdrawals. Version 4 did not; version 3 had no
memory of a container in the digest of the trace; version 2 had no state of a device, no requests,
and no device that is run in pieces. One version is read only.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from tinycontainer.errors import LineError, RecordingError, RecordingFull, ReplayDiverged
from tinycontainer.jsonl import read_lines, whole_number
from tinycontainer.text import flatten, show

MAX_LINES: Final = 50_000_000
VERSION: Final = 5
_HEADER_KEYS: Final = frozenset(
    {"recording", "device_file", "wall", "epoch_s", "engine", "remembers"}
)
_SHOWN_CHARACTERS: Final = 120
_LAST_LINE_BYTES: Final = 200
"""Room for the line that ends a tape."""

Checked = TypeVar("Checked")


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a recording: what a replay needs before it begins.

    Attributes:
        device_file: SHA-256 of the device file, in hex.
        wall: whether the run was in wall time.
        epoch_s: Unix seconds at which the device's clock started.
        engine: runs WebAssembly whatever the device file says; None if the device file chose.
        remembers: whether the device had a state that remembers its containers.
    """

    device_file: str
    wall: bool
    epoch_s: int
    engine: str | None = None
    remembers: bool = False

    def as_line(self) -> dict[str, Any]:
        """The values of the line."""
        return {"recording": VERSION, **asdict(self)}

    @classmethod
    def from_line(cls, values: dict[str, Any]) -> "Header":
        """Read the line.

        Raises:
            ValueError: the line is not a header, or one of another version.
        """
        version = values.get("recording")
        if type(version) is int and version != VERSION:
            raise ValueError(f"is a recording of version {version}, not {VERSION}")
        if values.keys() != _HEADER_KEYS or type(version) is not int:
            raise ValueError("is not the first line of a recording")
        digest = values["device_file"]
        wall = values["wall"]
        engine = values["engine"]
        remembers = values["remembers"]
        if (
            not isinstance(digest, str)
            or type(wall) is not bool
            or type(remembers) is not bool
            or (engine is not None and not isinstance(engine, str))
        ):
            raise ValueError("is not the first line of a recording")
        epoch_s = whole_number(values["epoch_s"], range(1 << 62))
        return cls(digest, wall, epoch_s, engine, remembers)


class TapeWriter:
    """Writes a tape.

    The error of a full disk must not look like the fault of a container, so it is kept, and raised
    where no container is at work. Before `begin` and after `end` nothing is written: a device is
    also used before its run and after it.

    Args:
        write: receives each line.
        limit_bytes: the most that is written; None for no limit. A tape is of use up to its first
            gap, so it ends where a line does not fit.

    Attributes:
        is_full: whether it has ended there, and the run went on.
    """

    def __init__(self, write: Callable[[str], object], limit_bytes: int | None = None) -> None:
        self._write = write
        self._limit_bytes = limit_bytes
        self._written_bytes = 0
        self.is_full = False
        self._failure: OSError | None = None
        self._is_running = False
        self._steps = 0

    def begin(self, header: Header) -> None:
        """Write the first line; nothing is written before it."""
        self._is_running = True
        self.note(**header.as_line())

    def note(self, **values: object) -> None:
        """Write a line."""
        if self._steps:
            steps, self._steps = self._steps, 0
            self.note(steps=steps)
        if not self._is_running:
            return
        line = _encode(values)
        self._written_bytes += len(line)
        if self._limit_bytes is not None:
            room_bytes = self._limit_bytes - self._written_bytes
            if room_bytes < (0 if "end" in values else _LAST_LINE_BYTES):
                self.is_full = True
                self._is_running = False
                line = _encode({"full": self._written_bytes - len(line)})
        try:
            self._write(line)
        except OSError as error:
            self._failure = error
            self._is_running = False

    def count_step(self) -> None:
        """Note that a turn was extended; all extensions between two other lines share one."""
        self._steps += 1

    def end(self, **values: object) -> None:
        """Write the last line; nothing is written after it."""
        self.note(**values)
        self._is_running = False
        self.raise_failure()

    def raise_failure(self) -> None:
        """Raise what was kept.

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
        """Take the first line.

        Raises:
            RecordingError: it is not a header, or one of another version.
        """
        return self.checked(Header.from_line, self.take())

    def take(self) -> dict[str, Any]:
        """Take the next line.

        Raises:
            RecordingError: it is malformed.
            ReplayDiverged: there is no further line.
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
        if values.keys() == {"full"}:
            self._failure = RecordingFull(
                self._name, self._number, "the recording is full here; the run went on without it"
            )
            raise self._failure
        return values

    @property
    def has_failed(self) -> bool:
        """Whether there was an error: what a device does from then on is no repetition."""
        return self._failure is not None

    def require_end(self) -> None:
        """Refuse whatever follows the line that ends a recording.

        Raises:
            RecordingError: something follows.
        """
        for number, _ in self._lines:
            raise RecordingError(self._name, number, "follows the end of the recording")

    def ask(self, question: Mapping[str, object], *answers: str) -> dict[str, Any]:
        """Take the next line, which must hold this question and these answers and nothing else.

        Raises:
            RecordingError: it is malformed.
            ReplayDiverged: it holds something else, or there is no further line.
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
        """Check a value of this line.

        Args:
            check: returns what the value means.
            value: untrusted.

        Raises:
            RecordingError: it raised ValueError.
        """
        try:
            return check(value)
        except ValueError as error:
            self._failure = RecordingError(self._name, self._number, str(error))
            raise self._failure from None

    def diverged(self, problem: str) -> ReplayDiverged:
        """Make the error of a replay that leaves the recording at this line."""
        self._failure = ReplayDiverged(self._name, self._number, problem)
        return self._failure

    def raise_failure(self) -> None:
        """Raise the first error, if there was one.

        Raises:
            RecordingError: a line is malformed.
            ReplayDiverged: the replay did something else.
        """
        if self._failure is not None:
            raise self._failure


def _encode(values: dict[str, object]) -> str:
    return json.dumps(values, separators=(",", ":")) + "\n"


def _brief(line: str) -> str:
    return flatten(line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}...")
