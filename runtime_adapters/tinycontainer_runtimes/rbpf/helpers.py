"""Helpers: the numbers behind which a program finds the device's calls.

Arguments are registers: of those that C declares with 32 bits the low halves count, pointers count
whole. Pointers are checked before the service is asked; a range outside of memory ends the program
with -2, whatever the mask says.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

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
        self._natives, self._memory = natives, memory

    def functions(self) -> dict[int, Helper]:
        """The helpers by number."""
        return {number: getattr(self, name) for number, name in HELPERS.items()}

    def heartbeat(self, _arguments: Sequence[int], /) -> int:
        """``heartbeat()``."""
        return self._natives.heartbeat()

    def open(self, arguments: Sequence[int], /) -> int:
        """``open(endpoint_id)``."""
        return self._natives.open(_uint32(arguments[0]))

    def close(self, arguments: Sequence[int], /) -> int:
        """``close(fd)``."""
        return self._natives.close(_int32(arguments[0]))

    def read(self, arguments: Sequence[int], /) -> int:
        """``read(fd, buffer, size)``: how many bytes there were, or a negative number."""
        pointer, size = arguments[1], _uint32(arguments[2])
        self._memory.check_writable(pointer, size)
        found = self._natives.read(_int32(arguments[0]), size)
        if isinstance(found, int):
            return found
        self._memory.store(pointer, found)
        return len(found)

    def write(self, arguments: Sequence[int], /) -> int:
        """``write(fd, buffer, size)``: how many bytes were taken, or a negative number."""
        content = self._memory.load(arguments[1], _uint32(arguments[2]))
        return self._natives.write(_int32(arguments[0]), content)

    def logger(self, arguments: Sequence[int], /) -> int:
        """``logger(line)``: 0; the line ends with a zero byte."""
        self._natives.log(self._memory.line(arguments[0], _LINE_BYTES))
        return 0

    def data_size(self, _arguments: Sequence[int], /) -> int:
        """``data_size()``: length of the container's data section."""
        return self._natives.data_size()

    def data_read(self, arguments: Sequence[int], /) -> int:
        """``data_read(offset, buffer, size)``: how many bytes were copied."""
        pointer, size = arguments[1], _uint32(arguments[2])
        self._memory.check_writable(pointer, size)
        content = self._natives.data_read(_uint32(arguments[0]), size)
        self._memory.store(pointer, content)
        return len(content)


def _uint32(value: int) -> int:
    return value & 0xFFFFFFFF


def _int32(value: int) -> int:
    return (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
