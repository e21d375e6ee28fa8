"""What containers can ask the device: ``board``, ``time``, ``self``, ``random``.

These were functions of the first design (D4.1.1, D2.2), which the firmware dropped; here they are
drivers. Each read gives one record, cut to the size asked for. Writes are refused.
Numbers are little-endian.
"""

import struct
from abc import ABC, abstractmethod
from typing import Final

from pydantic import Field

from tinycontainer.errors import DriverError
from tinycontainer.interfaces.driver import CallContext, DriverSetup
from tinycontainer.interfaces.integers import INT32_MAX

from .descriptors import Descriptors
from .options import Options, read_options

_NO_LIMIT: Final = -1


class _Information(ABC):
    """A driver that gives one record at each read."""

    def __init__(self) -> None:
        self._open: Descriptors[CallContext] = Descriptors()

    @abstractmethod
    def _make_record(self, context: CallContext, size: int) -> bytes:
        """The record of a container that asks for ``size`` bytes; it may be longer."""

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open the driver."""
        return self._open.open(context)

    def read(self, driver_fd: int, size: int) -> bytes:
        """The record, cut to ``size`` bytes."""
        return self._make_record(self._open[driver_fd], size)[:size]

    def write(self, driver_fd: int, data: bytes) -> int:
        """Refused."""
        raise DriverError(problem="this endpoint only gives information: it cannot be written")

    def close(self, driver_fd: int) -> None:
        """Close the driver."""
        self._open.close(driver_fd)


class NoOptions(Options):
    """A driver that has no options."""


class Board(_Information):
    """``board``: the board's name, its vendor and the device id, each as a line of text."""

    def __init__(self, setup: DriverSetup) -> None:
        super().__init__()
        read_options(NoOptions, setup)
        board = setup.board
        lines = (board.board, board.vendor, board.device_id)
        self._text = "".join(f"{line}\n" for line in lines).encode()

    def _make_record(self, context: CallContext, size: int) -> bytes:
        return self._text


class TimeOptions(Options):
    """Options of ``time``.

    Attributes:
        tick_us: length of a tick in microseconds.
    """

    tick_us: int = Field(default=1, ge=1)


class Time(_Information):
    """``time``: u64 nanoseconds since the device was made, u64 ticks."""

    def __init__(self, setup: DriverSetup) -> None:
        super().__init__()
        self._tick_us = read_options(TimeOptions, setup).tick_us

    def _make_record(self, context: CallContext, size: int) -> bytes:
        now_us = context.now_us()
        return struct.pack("<QQ", now_us * 1000, now_us // self._tick_us)


class Self(_Information):
    """``self``: u32 slot, i32 loops still to come (-1: no limit), u8 length of the uid, the uid."""

    def __init__(self, setup: DriverSetup) -> None:
        super().__init__()
        read_options(NoOptions, setup)

    def _make_record(self, context: CallContext, size: int) -> bytes:
        loops = context.loops_left()
        left = _NO_LIMIT if loops is None else min(loops, INT32_MAX)
        uid = context.container
        return struct.pack("<IiB", context.slot, left, len(uid)) + uid


class Random(_Information):
    """``random``: as many random bytes as asked for, from the device's source."""

    def __init__(self, setup: DriverSetup) -> None:
        super().__init__()
        read_options(NoOptions, setup)
        self._random_bytes = setup.random_bytes

    def _make_record(self, context: CallContext, size: int) -> bytes:
        return self._random_bytes(size)
