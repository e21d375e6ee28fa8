"""A sensor whose measurements the test sets, in the place of a driver of the device file."""

import bisect
import struct
from collections.abc import Callable, Sequence
from typing import Final

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.driver import CallContext, Driver
from tinycontainer.interfaces.integers import INT32_MAX, INT32_MIN

_US_PER_MS: Final = 1000
_MOST_VALUES: Final = 63
"""As many as fit into one read."""


class ScriptedSensor:
    """What a sensor measures, as the test sets it.

    Args:
        now_ns: the device's time.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._times_ms: list[int] = []
        self._rows: list[bytes] = []

    def set(
        self, values: Sequence[int] | int | bytes, *, at_ms: int | None = None
    ) -> "ScriptedSensor":
        """Set what reads give from a moment on, until the next that is set.

        Args:
            values: signed 32-bit numbers, as a row of a recording has them, or a single one; or
                bytes as they are.
            at_ms: device time; by default now.

        Returns:
            The sensor, so that more can be set.

        Raises:
            ValueError: a value has more than 32 bits, there are too many, or the time is negative.
        """
        row = values if isinstance(values, bytes) else _pack(values)
        time_ms = self._now_ns() // NS_PER_MS if at_ms is None else at_ms
        if time_ms < 0:
            raise ValueError(f"at_ms is {time_ms}; device time begins at 0")
        place = bisect.bisect_right(self._times_ms, time_ms)
        self._times_ms.insert(place, time_ms)
        self._rows.insert(place, row)
        return self

    def row_at(self, time_ms: int) -> bytes:
        """What it measures at a time; nothing before the first that was set."""
        place = bisect.bisect_right(self._times_ms, time_ms)
        return self._rows[place - 1] if place else b""


class SensorDriver:
    """The driver through which one container reads a scripted sensor.

    Args:
        sensor: what it measures.
    """

    def __init__(self, sensor: ScriptedSensor) -> None:
        self._sensor = sensor
        self._open: dict[int, CallContext] = {}
        self._last = 0

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open the sensor."""
        self._last += 1
        self._open[self._last] = context
        return self._last

    def read(self, driver_fd: int, size: int) -> bytes:
        """The present row, cut to ``size`` bytes."""
        return self._sensor.row_at(self._context(driver_fd).now_us() // _US_PER_MS)[:size]

    def write(self, driver_fd: int, data: bytes) -> int:
        """Refused: a sensor is only read."""
        raise DriverError(problem="a sensor cannot be written: only read it")

    def close(self, driver_fd: int) -> None:
        """Close the sensor."""
        self._context(driver_fd)
        del self._open[driver_fd]

    def _context(self, driver_fd: int) -> CallContext:
        if driver_fd not in self._open:
            raise DriverError(problem=f"descriptor {driver_fd} is not open")
        return self._open[driver_fd]


class Switch:
    """One place of a device's drivers: its own driver, or a sensor that the test has scripted.

    Args:
        make: makes the device's own driver.

    Attributes:
        sensor: what takes the place; None for the device's own driver.
        was_used: whether a container has opened the device's own driver.
    """

    def __init__(self, make: Callable[[], Driver]) -> None:
        self._make = make
        self.sensor: ScriptedSensor | None = None
        self.was_used = False

    def make(self) -> Driver:
        """Make the instance for a container that opens it for the first time."""
        if self.sensor is not None:
            return SensorDriver(self.sensor)
        self.was_used = True
        return self._make()


def _pack(given: Sequence[int] | int) -> bytes:
    values = (given,) if isinstance(given, int) else tuple(given)
    if not all(isinstance(value, int) for value in values):
        raise ValueError(f"{given!r}: a sensor gives whole numbers, in a unit that is small enough")
    if len(values) > _MOST_VALUES:
        raise ValueError(f"{len(values)} values: a read has room for {_MOST_VALUES}")
    for value in values:
        if not INT32_MIN <= value <= INT32_MAX:
            raise ValueError(f"{value} has more than 32 bits")
    return struct.pack(f"<{len(values)}i", *values)
