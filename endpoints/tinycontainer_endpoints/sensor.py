"""``sensor``: plays recorded measurements by the device's clock.

The recording is a CSV file with a header. The first column is ``time_ms``, from 0 and never
falling; the others are integers of 32 bits, such as a temperature in 1/1000 kelvin. A read gives
the present row as signed 32-bit little-endian numbers, and nothing before the first row.
"""

import bisect
import csv
import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeAlias

from pydantic import Field

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import CallContext, DriverSetup
from tinycontainer.interfaces.integers import INT32_MAX, INT32_MIN
from tinycontainer.text import show

from .descriptors import Descriptors
from .named_files import read_named_file
from .options import Options, read_options

MAX_COLUMNS: Final = 32
_TIME_COLUMN: Final = "time_ms"
Recording: TypeAlias = tuple[tuple[int, ...], tuple[bytes, ...]]
"""Times in ms, never falling, and the row of each as reads give it."""

_INT32: Final = range(INT32_MIN, INT32_MAX + 1)


class SensorOptions(Options):
    """Options of ``sensor``.

    Attributes:
        file: the recording, relative to the device file and within its directory.
        repeat_after_ms: after so long the recording begins again; without it the last row stays.
    """

    file: str
    repeat_after_ms: int | None = Field(default=None, ge=1)


class Sensor:
    """Gives the present row. Writes are refused.

    Args:
        setup: options as in `SensorOptions`.

    Raises:
        ValueError: wrong options, or a recording that cannot be played.
    """

    def __init__(self, setup: DriverSetup) -> None:
        options = read_options(SensorOptions, setup)
        recordings = setup.resources.obtain(SharedRecordings, "sensor", SharedRecordings)
        try:
            content = read_named_file(setup.directory, options.file)
            self._times_ms, self._rows = recordings.parse(content)
        except ValueError as error:
            raise ValueError(f"options.file: {show(options.file)} {error}") from None
        self._repeat_after_ms = options.repeat_after_ms
        self._open: Descriptors[CallContext] = Descriptors()

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open the sensor."""
        return self._open.open(context)

    def read(self, driver_fd: int, size: int) -> bytes:
        """The present row, cut to ``size`` bytes; nothing before the first row."""
        now_ms = self._open[driver_fd].now_us() // 1000
        if self._repeat_after_ms is not None:
            now_ms %= self._repeat_after_ms
        index = bisect.bisect_right(self._times_ms, now_ms)
        return self._rows[index - 1][:size] if index else b""

    def write(self, driver_fd: int, data: bytes) -> int:
        """Refused: a sensor is only read."""
        raise DriverError(problem="a sensor cannot be written: only read it")

    def close(self, driver_fd: int) -> None:
        """Close the sensor."""
        self._open.close(driver_fd)


class SharedRecordings:
    """Recordings that were parsed, for all sensors of an installation, by their content.

    They come from the device's owner and hold nothing of a container. Small ones are kept.
    """

    MAX_KEPT: Final = 32
    MAX_KEPT_BYTES: Final = 1 << 14

    def __init__(self) -> None:
        self._parse = lru_cache(self.MAX_KEPT)(_parse_recording)

    def parse(self, content: bytes) -> Recording:
        """Times in ms, and the rows as reads give them.

        Raises:
            ValueError: the recording cannot be played.
        """
        parse = self._parse if len(content) <= self.MAX_KEPT_BYTES else _parse_recording
        return parse(content)


def _parse_recording(content: bytes) -> Recording:
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise ValueError("is not ASCII text") from None
    try:
        return _read_rows(csv.reader(lines))
    except csv.Error as error:
        raise ValueError(f"is not CSV: {error}") from None


def _read_rows(rows: Iterable[list[str]]) -> Recording:
    iterator = iter(rows)
    header = next(iterator, [])
    if len(header) < 2 or header[0] != _TIME_COLUMN or len(header) > MAX_COLUMNS:
        raise ValueError(f"line 1 is not {_TIME_COLUMN} and 1 to {MAX_COLUMNS - 1} other columns")
    times_ms: list[int] = []
    packed: list[bytes] = []
    for number, row in enumerate(iterator, start=2):
        time_ms, *values = _read_row(row, len(header), number)
        if time_ms < (times_ms[-1] if times_ms else 0):
            raise ValueError(f"line {number}: time goes back to {time_ms} ms")
        times_ms.append(time_ms)
        packed.append(struct.pack(f"<{len(values)}i", *values))
    return tuple(times_ms), tuple(packed)


def _read_row(row: list[str], columns: int, number: int) -> list[int]:
    if len(row) != columns:
        problem = f"line {number} has {len(row)} columns, the header has {columns}"
        raise ValueError(problem)
    values = []
    for text in row:
        try:
            value = int(text)
        except ValueError:
            problem = f'line {number} has "{show(text, 40)}", which is not a whole number'
            raise ValueError(problem) from None
        if value not in _INT32:
            problem = f"line {number} has {value}, which has more than 32 bits"
            raise ValueError(problem)
        values.append(value)
    return values
