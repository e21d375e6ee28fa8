"""``buffer``: bytes that are written can be read again, first in, first out."""

from typing import ClassVar

from pydantic import Field

from tinycontainer.interfaces.driver import CallContext, DriverSetup

from .descriptors import Descriptors
from .options import Options, read_options


class BufferOptions(Options):
    """Options of ``buffer``.

    Attributes:
        capacity_bytes: how many bytes it holds.
    """

    capacity_bytes: int = Field(default=512, ge=1, le=1 << 20)


class Buffer:
    """A queue of bytes. When it is full it accepts 0 bytes; when it is empty it gives none.

    Args:
        setup: options as in `BufferOptions`.

    Raises:
        ValueError: wrong options.
    """

    steady: ClassVar[bool] = True

    def __init__(self, setup: DriverSetup) -> None:
        self._capacity_bytes = read_options(BufferOptions, setup).capacity_bytes
        self._content = bytearray()
        self._open: Descriptors[None] = Descriptors()

    def open(self, peer_endpoint_id: int, context: CallContext) -> int:
        """Open the buffer; its content stays between openings."""
        return self._open.open(None)

    def read(self, driver_fd: int, size: int) -> bytes:
        """Remove the oldest bytes, up to ``size``, and give them."""
        _ = self._open[driver_fd]  # refuses a descriptor that is not open
        oldest = bytes(self._content[:size])
        del self._content[:size]
        return oldest

    def write(self, driver_fd: int, data: bytes) -> int:
        """Add the bytes that fit; how many these are."""
        _ = self._open[driver_fd]
        fitting = data[: self._capacity_bytes - len(self._content)]
        self._content += fitting
        return len(fitting)

    def close(self, driver_fd: int) -> None:
        """Close the buffer."""
        self._open.close(driver_fd)
