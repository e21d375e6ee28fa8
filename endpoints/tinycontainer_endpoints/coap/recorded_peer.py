"""A remote resource in virtual time: nothing is sent, and its answers come from a recording.

The recording is a CSV file with the header ``time_ms,payload_hex``: at which device time a message
comes, never falling, and its bytes.
"""

import csv
from itertools import pairwise
from pathlib import Path
from typing import Final

from tinycontainer.text import show

from ..named_files import read_named_file
from .peer import MAX_MESSAGE_BYTES

HEADER: Final = ["time_ms", "payload_hex"]
_MAX_TIME_DIGITS: Final = 15


class RecordedPeer:
    """Gives the messages of a recording; the oldest are lost if they are not read in time.

    Args:
        messages: device time in ms and bytes of each, in their order.
        most: how many messages wait at most.
    """

    def __init__(self, messages: tuple[tuple[int, bytes], ...], most: int) -> None:
        self._messages = messages
        self._most = most
        self._next = 0

    def begin(self) -> None:
        """Nothing is asked."""

    def end(self) -> None:
        """Nothing was asked."""

    def send(self, payload: bytes) -> bool:
        """Accept a message; it goes nowhere."""
        return True

    def take(self, now_us: int) -> bytes:
        """The oldest message that waits."""
        come = self._next
        while come < len(self._messages) and self._messages[come][0] * 1000 <= now_us:
            come += 1
        self._next = max(self._next, come - self._most)
        if self._next == come:
            return b""
        self._next += 1
        return self._messages[self._next - 1][1]

    def problem(self) -> str:
        """Nothing goes wrong."""
        return ""


def read_messages(directory: Path, name: str) -> tuple[tuple[int, bytes], ...]:
    """Read a recording.

    Args:
        directory: in which it must lie.
        name: of the file.

    Raises:
        ValueError: it cannot be used.
    """
    content = read_named_file(directory, name)
    try:
        header, *rows = csv.reader(content.decode("ascii").splitlines())
    except (UnicodeDecodeError, ValueError, csv.Error):
        header, rows = [], []
    if header != HEADER:
        raise ValueError(f"line 1 is not {','.join(HEADER)}")
    messages = tuple(_read_row(row, number) for number, row in enumerate(rows, start=2))
    for number, (before, after) in enumerate(pairwise(messages), start=3):
        if after[0] < before[0]:
            raise ValueError(f"line {number}: time goes back to {after[0]} ms")
    return messages


def _read_row(row: list[str], number: int) -> tuple[int, bytes]:
    if len(row) != len(HEADER):
        raise ValueError(f"line {number} has {len(row)} columns, the header has {len(HEADER)}")
    time, digits = row
    if not (time.isdigit() and len(time) <= _MAX_TIME_DIGITS):
        raise ValueError(f'line {number} has "{show(time, 40)}", which is not a time in ms')
    try:
        payload = bytes.fromhex(digits)
    except ValueError:
        payload = b""
    if not 1 <= len(payload) <= MAX_MESSAGE_BYTES:
        problem = f"line {number} has no 1 to {MAX_MESSAGE_BYTES} bytes in hexadecimal digits"
        raise ValueError(problem)
    return int(time), payload
