"""``buffer``: bytes that are written can be read again, first in, first out."""

from typing import ClassVar

from pydantic import Field

from tinycontainer.interfaces.driver import CallContext, DriverSetup

from .descriptors import Descriptors
from .options import Options, read_options


class BufferOptions(Options):
    """Options of ``buffer``.

    Attributes:
        capacity_bytes: how much it holds.
    """

    capacity_bytes: int = Field(default=512, ge=1, le=1 << 20)


class Buffer:
    """A byte queue. Full: takes 0 bytes; empty: gives none."""

    steady: ClassVar[bool] = True

    def __init__(self, setup: DriverSetup) -> None:
        self._capacity_bytes = read_options(BufferOptions, setup).capacity_bytes
        self._content = bytearray()
        self._open: Descriptors[None] = Descriptors()

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open the buffer; its content stays between openings."""
        return self._open.open(None)

    def read(self, driver_fd: int, size: int) -> bytes:
        """Take the oldest bytes out."""
        _ = self._open[driver_fd]
        taken = bytes(self._content[:size])
        del self._content[:size]
        return taken

    def write(self, driver_fd: int, data: bytes) -> int:
        """Put in what fits."""
        _ = self._open[driver_fd]
        taken = data[: self._capacity_bytes - len(self._content)]
        self._content += taken
        return len(taken)

    def close(self, driver_fd: int) -> None:
        """Close the buffer."""
        self._open.close(driver_fd)
