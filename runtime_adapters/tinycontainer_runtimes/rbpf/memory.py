"""Memory as a program sees it: regions with permissions in 32 bits of virtual addresses.

The upper 4 bits of an address name the region, the lower 28 the place in it. A region that is not
there is one of no bytes, so the bounds of its buffer are the only check that an access needs.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, TypeVar

from .codes import Fault, RbpfCode

_Buffer = TypeVar("_Buffer", bytearray, bytes | bytearray)

REGION_SHIFT: Final = 28
PLACE_MASK: Final = (1 << REGION_SHIFT) - 1
REGIONS: Final = 16
STACK_BYTES: Final = 512


class Region(IntEnum):
    """Which region is what; 0 is never mapped."""

    STACK = 2
    CONTEXT = 3
    DATA = 4
    RODATA = 5
    EXTRA = 6

    @property
    def base(self) -> int:
        """Its first address."""
        return self << REGION_SHIFT


class Memory:
    """The regions of one instance; instructions use the buffers directly.

    Attributes:
        readable: for each region what can be read.
        writable: for each region what can be written.
    """

    __slots__ = ("readable", "writable")

    def __init__(self) -> None:
        self.readable: list[bytes | bytearray] = [b""] * REGIONS
        self.writable: list[bytearray] = [bytearray() for _ in range(REGIONS)]

    def map(self, region: Region, content: bytes | bytearray) -> None:
        """Map a buffer as a region, which can be written if it is a bytearray.

        Raises:
            ValueError: it is longer than a region.
        """
        if len(content) > PLACE_MASK + 1:
            raise ValueError(f"a region has at most {PLACE_MASK + 1} bytes")
        self.readable[region] = content
        self.writable[region] = content if isinstance(content, bytearray) else bytearray()

    # For helpers, whose pointers are 64-bit registers.

    def load(self, address: int, size: int) -> bytes:
        """Bytes within one readable region.

        Raises:
            Fault: they are not.
        """
        buffer, start = self._find(self.readable, address, size)
        return bytes(buffer[start : start + size])

    def line(self, address: int, longest: int) -> bytes:
        """Bytes up to a zero byte, or the longest that is asked for.

        Raises:
            Fault: they begin outside of memory, or reach the end of their region.
        """
        buffer, start = self._find(self.readable, address, 1)
        line = bytes(buffer[start : start + longest])
        end = line.find(b"\0")
        if end < 0 and len(line) < longest:
            raise Fault(RbpfCode.ILLEGAL_MEMORY, f"the line at 0x{address:x} has no end")
        return line if end < 0 else line[:end]

    def check_writable(self, address: int, size: int) -> None:
        """Check that bytes lie within one writable region.

        Raises:
            Fault: they do not.
        """
        self._find(self.writable, address, size)

    def store(self, address: int, data: bytes) -> None:
        """Put bytes within one writable region.

        Raises:
            Fault: they are not.
        """
        buffer, start = self._find(self.writable, address, len(data))
        buffer[start : start + len(data)] = data

    def _find(self, buffers: Sequence[_Buffer], address: int, size: int) -> tuple[_Buffer, int]:
        number = address >> REGION_SHIFT
        start = address & PLACE_MASK
        buffer = buffers[number] if number < REGIONS else buffers[0]
        if not buffer or start + size > len(buffer):  # no bytes: not there, or not allowed
            raise outside(address, size)
        return buffer, start


def outside(address: int, size: int) -> Fault:
    """The fault of an access that its region does not allow."""
    return Fault(RbpfCode.ILLEGAL_MEMORY, f"{size} bytes at 0x{address:x}")
