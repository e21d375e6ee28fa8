"""Native calls of a module: pointers are checked against memory, then the service is asked."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from tinycontainer.interfaces.integers import INT32_MAX, INT32_MIN, UINT32_MASK, to_int32
from tinycontainer.interfaces.runtime import Natives

from .traps import TrapCode, WasmTrap

NativeFunction: TypeAlias = Callable[..., int | None]
_LINE_BYTES = 256
"""How much of a log line is looked at; the device cuts it shorter."""


class LinearMemory(Protocol):
    """Linear memory of one instance."""

    def size(self) -> int:
        """Its length in bytes, now."""
        ...

    def load(self, pointer: int, size: int) -> bytes:
        """Bytes within it."""
        ...

    def store(self, pointer: int, data: bytes) -> None:
        """Put bytes within it."""
        ...


class WasmNatives:
    """The functions of ``env`` over one memory and one container's natives.

    Arguments are i32 as the engine gives them, signed or not; results are signed.

    Args:
        natives: the service as the container sees it.
        memory: the container's linear memory.
    """

    def __init__(self, natives: Natives, memory: LinearMemory) -> None:
        self._natives, self._memory = natives, memory

    def functions(self) -> dict[str, NativeFunction]:
        """The functions by their import names."""
        return {
            "heartbeat": self.heartbeat,
            "open": self.open,
            "close": self.close,
            "read": self.read,
            "write": self.write,
            "logger": self.logger,
            "data_size": self.data_size,
            "data_read": self.data_read,
        }

    def heartbeat(self) -> int:
        """env.heartbeat() -> i32."""
        return self._natives.heartbeat()

    def open(self, endpoint_id: int) -> int:
        """env.open(endpoint_id) -> i32."""
        return self._natives.open(endpoint_id & UINT32_MASK)

    def close(self, fd: int) -> int:
        """env.close(fd) -> i32."""
        return self._natives.close(to_int32(fd))

    def read(self, fd: int, pointer: int, size: int) -> int:
        """env.read(fd, pointer, size) -> i32."""
        pointer, size = self._range(pointer, size)
        result = self._natives.read(to_int32(fd), size)
        if isinstance(result, int):
            return result
        self._memory.store(pointer, result)
        return len(result)

    def write(self, fd: int, pointer: int, size: int) -> int:
        """env.write(fd, pointer, size) -> i32."""
        pointer, size = self._range(pointer, size)
        return self._natives.write(to_int32(fd), self._memory.load(pointer, size))

    def logger(self, pointer: int) -> None:
        """env.logger(pointer): a line that ends with a zero byte."""
        pointer &= UINT32_MASK
        available = self._memory.size() - pointer
        if available <= 0:
            raise WasmTrap(TrapCode.NATIVE_POINTER, "logger: the line begins outside of memory")
        line = self._memory.load(pointer, min(available, _LINE_BYTES))
        end = line.find(b"\0")
        if end < 0 and available <= _LINE_BYTES:
            raise WasmTrap(TrapCode.NATIVE_POINTER, "logger: the line reaches outside of memory")
        self._natives.log(line if end < 0 else line[:end])

    def data_size(self) -> int:
        """env.data_size() -> i32."""
        return self._natives.data_size()

    def data_read(self, offset: int, pointer: int, size: int) -> int:
        """env.data_read(offset, pointer, size) -> i32: how many bytes were copied."""
        pointer, size = self._range(pointer, size)
        content = self._natives.data_read(offset & UINT32_MASK, size)
        self._memory.store(pointer, content)
        return len(content)

    def _range(self, pointer: int, size: int) -> tuple[int, int]:
        pointer, size = pointer & UINT32_MASK, size & UINT32_MASK
        if pointer + size > self._memory.size():
            raise WasmTrap(
                TrapCode.NATIVE_POINTER, f"{size} bytes at {pointer} reach outside of memory"
            )
        return pointer, size


def checked_result(result: int) -> int:
    """What a native function returned, if it is 32 bits; engines do not look at it.

    Raises:
        WasmTrap: it is more.
    """
    if not INT32_MIN <= result <= INT32_MAX:
        raise WasmTrap(TrapCode.ENGINE, "a native function returned more than 32 bits")
    return result
