"""The linear memory of one store, seen from native calls and from outside."""

import ctypes
from ctypes import addressof
from typing import Any

from .capi import CApi


class StoreMemory:
    """See `tinycontainer_runtimes.wasm.natives.LinearMemory`.

    Bytes are read through a view of the engine's memory. The engine may move its memory when it
    grows. So the next access looks where the memory is, after each poll and in each native call. In
    between no code of the module runs.

    Args:
        api: the C API.

    Attributes:
        may_have_grown: set where code of the module has run.
    """

    __slots__ = ("_address", "_api", "_context", "_export", "_view", "may_have_grown")

    def __init__(self, api: CApi) -> None:
        self._api = api
        self._context: int | None = None
        self._export: Any = None
        self._address = 0
        self._view = memoryview(b"")
        self.may_have_grown = False

    def attach(self, context: int, export: Any) -> None:
        """Show the memory of an instance.

        Args:
            context: of its store.
            export: a ``wasmtime_memory_t``.
        """
        self._context = context
        self._export = export
        self._address = addressof(export)
        self.may_have_grown = True

    def detach(self) -> None:
        """Show no bytes; to be called before the store is deleted, which frees them."""
        self._context = None
        self._view = memoryview(b"")
        self.may_have_grown = False

    def size(self) -> int:
        """Length of linear memory in bytes; 0 if there is none."""
        if self.may_have_grown:
            self._find_memory()
        return len(self._view)

    def load(self, pointer: int, size: int) -> bytes:
        """Bytes of linear memory; none after its end."""
        if self.may_have_grown:
            self._find_memory()
        return bytes(self._view[pointer : pointer + size]) if pointer >= 0 and size > 0 else b""

    def store(self, pointer: int, data: bytes) -> None:
        """Put bytes into linear memory.

        Raises:
            ValueError: they do not fit.
        """
        if self.may_have_grown:
            self._find_memory()
        if pointer < 0 or pointer + len(data) > len(self._view):
            raise ValueError(f"{len(data)} bytes at {pointer} do not fit into memory")
        self._view[pointer : pointer + len(data)] = data

    def _find_memory(self) -> None:
        """Find memory again if it has grown; otherwise it has not moved."""
        self.may_have_grown = False
        if self._context is None:
            return
        size = self._api.wasmtime_memory_data_size(self._context, self._address)
        if size != len(self._view):
            base = self._api.wasmtime_memory_data(self._context, self._address)
            self._view = memoryview((ctypes.c_ubyte * size).from_address(base)).cast("B")
