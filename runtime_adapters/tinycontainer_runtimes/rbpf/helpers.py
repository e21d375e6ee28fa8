"""Helpers: the numbers by which a program calls the device.

Arguments are registers: of those that C declares with 32 bits the low halves count, pointers count
whole. Pointers are checked before the service is asked; a range outside of memory ends the program
with -2, whatever the mask says.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from tinycontainer.interfaces.integers import UINT32_MASK, to_int32
from tinycontainer.interfaces.runtime import Natives

from .machine import Helper
from .memory import Memory

HELPERS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x71: "heartbeat",
        0x72: "open",
        0x73: "close",
        0x74: "read",
        0x75: "write",
        0x78: "logger",
        0x79: "data_size",
        0x7A: "data_read",
    }
)
"""Names by number; C declares them as ``extern`` under these names."""

_LINE_BYTES: Final = 256
"""How much of a log line is looked at; the device cuts it shorter."""


def helper_numbers() -> dict[str, int]:
    """Numbers by name."""
    return {name: number for number, name in HELPERS.items()}


class ContainerHelpers:
    """The helpers of one container over its memory.

    Args:
        natives: the service as the container sees it; looked up at every call.
        memory: the container's regions.
    """

    def __init__(self, natives: Natives, memory: Memory) -> None:
        self._natives = natives
        self._memory = memory

    def functions(self) -> dict[int, Helper]:
        """The helpers by number."""
        by_name: dict[str, Helper] = {
            "heartbeat": self.heartbeat,
            "open": self.open,
            "close": self.close,
            "read": self.read,
            "write": self.write,
            "logger": self.logger,
            "data_size": self.data_size,
            "data_read": self.data_read,
        }
        return {number: by_name[name] for number, name in HELPERS.items()}

    def heartbeat(self, _arguments: Sequence[int], /) -> int:
        """``heartbeat()``."""
        return self._natives.heartbeat()

    def open(self, arguments: Sequence[int], /) -> int:
        """``open(endpoint_id)``."""
        return self._natives.open(arguments[0] & UINT32_MASK)

    def close(self, arguments: Sequence[int], /) -> int:
        """``close(fd)``."""
        return self._natives.close(to_int32(arguments[0]))

    def read(self, arguments: Sequence[int], /) -> int:
        """``read(fd, buffer, size)``: how many bytes there were, or a negative number."""
        pointer, size = arguments[1], arguments[2] & UINT32_MASK
        self._memory.check_writable(pointer, size)
        found = self._natives.read(to_int32(arguments[0]), size)
        if isinstance(found, int):
            return found
        self._memory.store(pointer, found)
        return len(found)

    def write(self, arguments: Sequence[int], /) -> int:
        """``write(fd, buffer, size)``: how many bytes were taken, or a negative number."""
        content = self._memory.load(arguments[1], arguments[2] & UINT32_MASK)
        return self._natives.write(to_int32(arguments[0]), content)

    def logger(self, arguments: Sequence[int], /) -> int:
        """``logger(line)``: 0; the line ends with a zero byte."""
        self._natives.log(self._memory.line(arguments[0], _LINE_BYTES))
        return 0

    def data_size(self, _arguments: Sequence[int], /) -> int:
        """``data_size()``: length of the container's data section."""
        return self._natives.data_size()

    def data_read(self, arguments: Sequence[int], /) -> int:
        """``data_read(offset, buffer, size)``: how many bytes were copied."""
        pointer, size = arguments[1], arguments[2] & UINT32_MASK
        self._memory.check_writable(pointer, size)
        content = self._natives.data_read(arguments[0] & UINT32_MASK, size)
        self._memory.store(pointer, content)
        return len(content)
