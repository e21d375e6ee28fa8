"""A wasmtime store with one instance in it: its memory, its fuel, its functions.

Whatever is made by the C API is owned by the room and given back by `close`, in the order that the
API asks for; `close` runs at the latest when Python forgets the room.
"""

import ctypes
from collections.abc import Callable, Iterable, Mapping
from ctypes import addressof
from typing import Any, Final, Protocol, TypeAlias

import wasmtime
from wasmtime import _bindings as bindings

from tinycontainer.interfaces.runtime import RuntimeLimits

from ..wasm.native_types import MEMORY_EXPORT, MODULE, NATIVES
from ..wasm.reader import FunctionType
from ..wasm.traps import TrapCode, WasmTrap
from .capi import HOST_FUNCTION, CApi, address

TANK: Final = 1 << 62
"""Fuel that a store is filled up to; what is missing of it was used."""

Host: TypeAlias = Callable[[Any], int]
"""A host function over its argument words: reads them, writes the result into the first, and
returns 0, or the address of a trap."""

_PAGE_BYTES: Final = 1 << 16
_CODES: Final = {
    code.value: TrapCode(name)
    for code in wasmtime.TrapCode
    if (name := code.name.lower().replace("_", "-")) in set(TrapCode)
}


class Droppable(Protocol):
    """A call that lives in a room."""

    def drop(self) -> None:
        """Give it back."""
        ...


class Room:
    """Where one container lives.

    Args:
        api: the C API.
        engine: the engine.
        module: its compiled module, prepared so that instantiating runs nothing.
        hosts: its imported functions by name.
        limits: what it may take.
        asynchronous: whether calls can be suspended.

    Attributes:
        call: the call in progress, which has to be given back before the store.
        stale: whether the module may have grown its memory, which then lies elsewhere; so at the
            beginning of every host function, and behind every poll.

    Raises:
        WasmTrap: a segment does not fit.
    """

    def __init__(
        self,
        api: CApi,
        engine: wasmtime.Engine,
        module: wasmtime.Module,
        hosts: Mapping[str, Host],
        limits: RuntimeLimits,
        *,
        asynchronous: bool,
    ) -> None:
        self.api, self._asynchronous = api, asynchronous
        self._engine = engine
        self.call: Droppable | None = None
        self._store: int | None = api.wasmtime_store_new(address(engine.ptr()), None, None)
        self.context: int = api.wasmtime_store_context(self._store)
        self._fuel = ctypes.c_uint64()
        self._fuel_address = addressof(self._fuel)
        # wasmtime keeps the addresses of these functions as long as the store.
        self._hosts = [HOST_FUNCTION(self._entered(host)) for host in hosts.values()]
        memory_bytes = limits.memory_pages * _PAGE_BYTES
        api.wasmtime_store_limiter(self._store, memory_bytes, limits.table_elements, 1, 1, 1)
        self.fill(TANK)
        self._instance = bindings.wasmtime_instance_t()
        self._instantiate(module, list(hosts))
        self._memory = self.export(MEMORY_EXPORT).of.memory
        self._memory_address = addressof(self._memory)
        self._view = memoryview(b"")
        self.stale = True

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Give the store back; what the room is asked for afterwards is not there."""
        store, self._store = getattr(self, "_store", None), None
        call, self.call = getattr(self, "call", None), None
        self._view = memoryview(b"")
        if call is not None:
            call.drop()
        if store is not None:
            self.api.wasmtime_store_delete(store)

    @property
    def open(self) -> bool:
        """Whether the store is there."""
        return self._store is not None

    # Memory.

    def size(self) -> int:
        """Length of linear memory in bytes."""
        if self.stale:
            self._look()
        return len(self._view)

    def load(self, pointer: int, size: int) -> bytes:
        """Bytes of linear memory; none behind its end."""
        if self.stale:
            self._look()
        return bytes(self._view[pointer : pointer + size]) if pointer >= 0 and size > 0 else b""

    def store(self, pointer: int, data: bytes) -> None:
        """Put bytes into linear memory.

        Raises:
            ValueError: they do not fit.
        """
        if pointer < 0 or pointer + len(data) > self.size():
            raise ValueError(f"{len(data)} bytes at {pointer} do not fit into memory")
        self._view[pointer : pointer + len(data)] = data

    def _look(self) -> None:
        """Find memory again if it has grown; otherwise it has not moved."""
        self.stale = False
        if self._store is None:
            return
        size = self.api.wasmtime_memory_data_size(self.context, self._memory_address)
        if size != len(self._view):
            base = self.api.wasmtime_memory_data(self.context, self._memory_address)
            self._view = memoryview((ctypes.c_ubyte * size).from_address(base)).cast("B")

    # Fuel.

    def fuel(self) -> int:
        """Fuel that is left in the store."""
        self._check(self.api.wasmtime_context_get_fuel(self.context, self._fuel_address))
        return self._fuel.value

    def fill(self, until_yield: int) -> None:
        """Fill the store up to `TANK`.

        Args:
            until_yield: after how much of it a call is suspended, at least 1; no call is where
                calls cannot be suspended.
        """
        if self._asynchronous:
            interval = self.api.wasmtime_context_fuel_async_yield_interval
            self._check(interval(self.context, until_yield))
        self._check(self.api.wasmtime_context_set_fuel(self.context, TANK))

    def fill_to_stop(self, fuel: int) -> None:
        """Fill the store so that a call that needs more than this traps."""
        self._check(self.api.wasmtime_context_set_fuel(self.context, fuel))

    # Functions.

    def function(self, name: str) -> Any:
        """An exported function."""
        return self.export(name).of.func

    def export(self, name: str) -> Any:
        """An export, whatever it is."""
        found, raw = bindings.wasmtime_extern_t(), name.encode()
        there = self.api.wasmtime_instance_export_get(
            self.context, addressof(self._instance), raw, len(raw), addressof(found)
        )
        if not there:
            raise WasmTrap(TrapCode.ENGINE, f"the export {name} is gone")
        return found

    def trap_of(self, trap: int) -> TrapCode | None:
        """The kind of a trap, which is deleted; None if it has none of the known ones."""
        code = ctypes.c_uint8()
        known = self.api.wasmtime_trap_code(trap, addressof(code))
        self.api.wasm_trap_delete(trap)
        return _CODES.get(code.value) if known else None

    def _instantiate(self, module: wasmtime.Module, names: Iterable[str]) -> None:
        linker = self.api.wasmtime_linker_new(address(self._engine.ptr()))
        try:
            for name, host in zip(names, self._hosts, strict=True):
                self._define(linker, name, host)
            trap, error = self._call_linker(linker, address(module.ptr()))
        finally:
            self.api.wasmtime_linker_delete(linker)
        if trap:
            raise WasmTrap(self.trap_of(trap) or TrapCode.ENGINE, "a segment does not fit")
        if error:
            raise WasmTrap(TrapCode.ENGINE, self.api.message(error))

    def _call_linker(self, linker: int, module: int) -> tuple[int | None, int | None]:
        """Instantiate; the trap or the error that came of it."""
        api, instance = self.api, addressof(self._instance)
        trap, error = ctypes.c_void_p(), ctypes.c_void_p()
        if not self._asynchronous:
            error.value = api.wasmtime_linker_instantiate(
                linker, self.context, module, instance, addressof(trap)
            )
            return trap.value, error.value
        future = api.wasmtime_linker_instantiate_async(
            linker, self.context, module, instance, addressof(trap), addressof(error)
        )
        try:
            if not api.wasmtime_call_future_poll(future):
                raise WasmTrap(TrapCode.ENGINE, "instantiating was suspended")
        finally:
            api.wasmtime_call_future_delete(future)
        return trap.value, error.value

    def _define(self, linker: int, name: str, host: Any) -> None:
        kind = _function_type(NATIVES[name])
        module, field = MODULE.encode(), name.encode()
        self._check(
            self.api.wasmtime_linker_define_func_unchecked(
                linker,
                module,
                len(module),
                field,
                len(field),
                address(kind.ptr()),
                host,
                None,
                None,
            )
        )

    def _entered(self, host: Host) -> Callable[[Any, Any, Any, int], int]:
        """A host function as wasmtime calls it."""

        def entered(_environment: Any, _caller: Any, words: Any, _number: int) -> int:
            self.stale = True
            return host(words)

        return entered

    def _check(self, error: int | None) -> None:
        if error:
            raise RuntimeError(f"wasmtime: {self.api.message(error)}")


def _function_type(kind: FunctionType) -> wasmtime.FuncType:
    # The natives take and give i32 only.
    i32 = wasmtime.ValType.i32()
    return wasmtime.FuncType([i32] * len(kind.parameters), [i32] * len(kind.results))
