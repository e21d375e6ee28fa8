"""A wasmtime store with one instance in it: its memory, its fuel, its functions.

Everything that the C API makes is owned by the store and given back by `close`, in the order that
the API asks for; `close` runs at the latest when Python forgets the store.
"""

import ctypes
from collections.abc import Callable, Mapping
from ctypes import addressof
from typing import Any, Final, Protocol, TypeAlias

import wasmtime
from wasmtime import _bindings as bindings

from tinycontainer.interfaces.runtime import PAGE_BYTES, RuntimeLimits

from ..wasm.native_types import MEMORY_EXPORT, MODULE, NATIVES
from ..wasm.reader import FunctionType
from ..wasm.traps import TrapCode, WasmTrap
from .capi import HOST_FUNCTION, CApi, address_of
from .memory import StoreMemory

TANK: Final = 1 << 62
"""Fuel that a store is filled up to; what is missing of it was used."""

HostFunction: TypeAlias = Callable[[Any, Any, Any, int], int]
"""A host function as wasmtime calls it: environment, caller, argument words and their number. It
reads the words, writes the result into the first, and returns 0, or the address of a trap."""

_CODES: Final = {
    code.value: TrapCode(name)
    for code in wasmtime.TrapCode
    if (name := code.name.lower().replace("_", "-")) in set(TrapCode)
}


class Droppable(Protocol):
    """A call that lives in a store."""

    def drop(self) -> None:
        """Give it back."""
        ...


class TenantStore:
    """Where one container lives.

    Args:
        api: the C API.
        engine: the engine.
        limits: what the container may take.
        suspends: whether calls can be suspended.

    Attributes:
        api: the C API.
        suspends: whether calls can be suspended.
        context: the store's context, as the C API expects it.
        memory: the linear memory of its instance.
    """

    def __init__(
        self, api: CApi, engine: wasmtime.Engine, limits: RuntimeLimits, *, suspends: bool
    ) -> None:
        self.api = api
        self.suspends = suspends
        self.memory = StoreMemory(api)
        self._engine = engine
        self._call: Droppable | None = None
        self._store: int | None = api.wasmtime_store_new(address_of(engine.ptr()), None, None)
        self.context: int = api.wasmtime_store_context(self._store)
        self._fuel = ctypes.c_uint64()
        self._fuel_address = addressof(self._fuel)
        self._hosts: list[Any] = []
        self._instance = bindings.wasmtime_instance_t()
        memory_bytes = limits.memory_pages * PAGE_BYTES
        api.wasmtime_store_limiter(self._store, memory_bytes, limits.table_elements, 1, 1, 1)
        self.fill(TANK)

    def instantiate(self, module: wasmtime.Module, hosts: Mapping[str, HostFunction]) -> None:
        """Put the one instance into the store; it runs nothing.

        Args:
            module: a compiled module, prepared so that instantiating runs nothing.
            hosts: its imported functions by name.

        Raises:
            WasmTrap: a segment does not fit.
        """
        # wasmtime keeps the addresses of these functions as long as the store.
        self._hosts = [HOST_FUNCTION(host) for host in hosts.values()]
        linker = self.api.wasmtime_linker_new(address_of(self._engine.ptr()))
        try:
            for name, host in zip(hosts, self._hosts, strict=True):
                self._define_host(linker, name, host)
            trap, error = self._call_linker(linker, address_of(module.ptr()))
        finally:
            self.api.wasmtime_linker_delete(linker)
        if trap:
            raise WasmTrap(self.take_trap_code(trap) or TrapCode.ENGINE, "a segment does not fit")
        if error:
            raise WasmTrap(TrapCode.ENGINE, self.api.take_message(error))
        self.memory.attach(self.context, self.find_export(MEMORY_EXPORT).of.memory)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Give the store back; afterwards it has no memory and no functions."""
        # `__del__` calls this also if `__init__` failed halfway.
        store = getattr(self, "_store", None)
        self._store = None
        if store is None:
            return
        self.memory.detach()
        self.drop_call()
        self.api.wasmtime_store_delete(store)

    @property
    def open(self) -> bool:
        """Whether the store is there."""
        return self._store is not None

    # The call in progress has to be given back before the store.

    def hold_call(self, call: Droppable) -> None:
        """Remember the call in progress."""
        self._call = call

    def release_call(self) -> None:
        """Forget the call in progress, which was given back."""
        self._call = None

    def drop_call(self) -> None:
        """Give the call in progress back, if there is one."""
        if self._call is not None:
            self._call.drop()

    # Fuel.

    def read_fuel(self) -> int:
        """Fuel that is left in the store."""
        self._check_error(self.api.wasmtime_context_get_fuel(self.context, self._fuel_address))
        return self._fuel.value

    def fill(self, until_yield: int) -> None:
        """Fill the store up to `TANK`.

        Args:
            until_yield: after how much of it a call is suspended, at least 1; no call is where
                calls cannot be suspended.
        """
        if self.suspends:
            interval = self.api.wasmtime_context_fuel_async_yield_interval
            self._check_error(interval(self.context, until_yield))
        self._check_error(self.api.wasmtime_context_set_fuel(self.context, TANK))

    def fill_to_stop(self, fuel: int) -> None:
        """Fill the store so that a call that needs more than this traps."""
        self._check_error(self.api.wasmtime_context_set_fuel(self.context, fuel))

    # Functions.

    def find_function(self, name: str) -> Any:
        """An exported function."""
        return self.find_export(name).of.func

    def find_export(self, name: str) -> Any:
        """An export, whatever it is."""
        found = bindings.wasmtime_extern_t()
        raw = name.encode()
        there = self.api.wasmtime_instance_export_get(
            self.context, addressof(self._instance), raw, len(raw), addressof(found)
        )
        if not there:
            raise WasmTrap(TrapCode.ENGINE, f"the export {name} is gone")
        return found

    def take_trap_code(self, trap: int) -> TrapCode | None:
        """The kind of a trap, which is deleted; None if it has none of the known ones."""
        code = ctypes.c_uint8()
        known = self.api.wasmtime_trap_code(trap, addressof(code))
        self.api.wasm_trap_delete(trap)
        return _CODES.get(code.value) if known else None

    def _call_linker(self, linker: int, module: int) -> tuple[int | None, int | None]:
        """Instantiate; the trap or the error that came of it."""
        api = self.api
        instance = addressof(self._instance)
        trap = ctypes.c_void_p()
        error = ctypes.c_void_p()
        if not self.suspends:
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

    def _define_host(self, linker: int, name: str, host: Any) -> None:
        kind = _make_function_type(NATIVES[name])
        module = MODULE.encode()
        field = name.encode()
        self._check_error(
            self.api.wasmtime_linker_define_func_unchecked(
                linker,
                module,
                len(module),
                field,
                len(field),
                address_of(kind.ptr()),
                host,
                None,
                None,
            )
        )

    def _check_error(self, error: int | None) -> None:
        if error:
            raise RuntimeError(f"wasmtime: {self.api.take_message(error)}")


def _make_function_type(kind: FunctionType) -> wasmtime.FuncType:
    # The natives take and give i32 only.
    i32 = wasmtime.ValType.i32()
    return wasmtime.FuncType([i32] * len(kind.parameters), [i32] * len(kind.results))
