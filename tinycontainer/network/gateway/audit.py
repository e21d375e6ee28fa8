"""The audit: a line of JSON about each request that was answered over HTTP.

It says who asked what of which device and what came of it; never a token, a key or a payload.
"""

import json
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from tinycontainer.errors import DeviceFileError
from tinycontainer.text import show

TURNED_AWAY_S: Final = 1.0
_MODE: Final = 0o600


class AuditFile:
    """Writes lines to a file. A full file is kept as NAME.1, in place of the one before.

    A line that the disk had no room for is ended before the next one.

    Args:
        path: of the file; None to write nothing.
        most_bytes: of one file.
        now_s: Unix time.

    Raises:
        DeviceFileError: it cannot be written.
    """

    def __init__(self, path: Path | None, most_bytes: int, now_s: Callable[[], float]) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._now_s = now_s
        self._descriptor: int | None = None
        self._size = 0
        self._is_cut = False
        self._turned_away_s = 0.0
        self._left_out = 0
        self.lost = 0
        if path is not None:
            try:
                self._open(path)
            except OSError as error:
                problem = f"cannot be written: {error.strerror}"
                raise DeviceFileError(show(str(path)), "", problem) from None

    def note(self, what: Mapping[str, object]) -> None:
        """Write a line; one that cannot be written is counted in ``lost``, and all goes on."""
        if self._path is None:
            return
        row = {"time_s": round(self._now_s(), 3), **what}
        line = (
            json.dumps({key: value for key, value in row.items() if value != ""}).encode() + b"\n"
        )
        try:
            if self._size + len(line) > self._most_bytes:
                self.close()
                with suppress(FileNotFoundError):  # somebody has moved it away
                    os.replace(self._path, self._path.with_name(f"{self._path.name}.1"))
            self._write(self._path, line)
        except OSError:
            self.lost += 1

    def note_turned_away(self, what: Mapping[str, object]) -> None:
        """Write a line about somebody who is not known, or asks too often.

        At most one in a second, with the number of those that were left out before it: else whoever
        wants a line to be gone only had to ask often enough.
        """
        now_s = self._now_s()
        if 0 <= now_s - self._turned_away_s < TURNED_AWAY_S:
            self._left_out += 1
            return
        self._turned_away_s = now_s
        self.note({**what, "more": self._left_out or ""})
        self._left_out = 0

    def close(self) -> None:
        """Let the file go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, path: Path, line: bytes) -> None:
        if self._descriptor is None:
            self._open(path)
        begun = b"\n" if self._is_cut else b""
        written = os.write(self._descriptor or 0, begun + line)
        self._size += written
        self._is_cut = written < len(begun + line)
        self.lost += self._is_cut

    def _open(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags | os.O_NONBLOCK, _MODE)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise OSError(22, "it is no regular file")
        self._descriptor, self._size = descriptor, found.st_size
