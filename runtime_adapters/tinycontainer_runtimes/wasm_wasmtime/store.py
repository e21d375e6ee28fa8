"""A wasmtime store with one instance in it: its memory, its fuel, its functions.

Everything that the C API makes is owned by the store and given back by `close`, in the order that
the API asks for, by `close`, or when Python forgets the store.
"""

import ctypes
import weakref
from collections.abc import Callable, Mapping
from ctypes import addressof
from typing import Any, Final, TypeAlias

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
        # Lists, so that to take an address out and to give it back is one step, which no interrupt
        # divides: what is deleted twice ends the process.
        self._futures: list[int] = []
        self._stores: list[int] = []
        self._caller: object = None
        # Not `__del__`: an interrupt in there would be lost.
        self._finalizer = weakref.finalize(self, _give_back, api, self._futures, self._stores)
        self._finalizer.atexit = False
        self._stores.append(api.wasmtime_store_new(address_of(engine.ptr()), None, None))
        self.context: int = api.wasmtime_store_context(self._stores[0])
        self._fuel = ctypes.c_uint64()
        self._fuel_address = addressof(self._fuel)
        self._hosts: list[Any] = []
        self._instance = bindings.wasmtime_instance_t()
        memory_bytes = limits.memory_pages * PAGE_BYTES
        api.wasmtime_store_limiter(self._stores[0], memory_bytes, limits.table_elements, 1, 1, 1)
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

    def close(self) -> None:
        """Give the store back; afterwards it has no memory and no functions."""
        self.memory.detach()
        _give_back(self.api, self._futures, self._stores)
        self._finalizer.detach()

    @property
    def open(self) -> bool:
        """Whether the store is there."""
        return bool(self._stores)

    # The call in progress has to be given back before the store.

    def hold_future(self, begin: Callable[[], int], caller: object) -> None:
        """Begin an asynchronous call, and remember it.

        Args:
            begin: begins it.
            caller: owns what the call writes into, and is kept as long as the call.
        """
        self._caller = caller
        self._futures.append(begin())

    def find_future(self, caller: object) -> int | None:
        """The asynchronous call in progress, if it is this caller's."""
        return self._futures[-1] if self._futures and self._caller is caller else None

    def drop_future(self) -> None:
        """Delete the asynchronous call in progress, if there is one, which unwinds its stack."""
        _give_back(self.api, self._futures, [])
        self._caller = None

    # Fuel.

    def read_fuel(self) -> int:
        """Fuel that is left in the store."""
        self._check_error(self.api.wasmtime_context_get_fuel(self.context, self._fuel_address))
        return self._fuel.value

    def suspend_after(self, fuel: int) -> None:
        """Let a call be suspended when so much is used from now on, at least 1."""
        interval = self.api.wasmtime_context_fuel_async_yield_interval
        self._check_error(interval(self.context, fuel))

    def fill(self, fuel: int) -> None:
        """Fill the store; a call that needs more than this traps."""
        self._check_error(self.api.wasmtime_context_set_fuel(self.context, fuel))

    # Functions.

    def find_function(self, name: str) -> Any:
        """An exported function."""
        return self.find_export(name).of.func

    def find_export(self, name: str) -> Any:
        """An export, whatever it is, that the module is known to have."""
        found = self.look_for_export(name)
        if found is None:
            raise WasmTrap(TrapCode.ENGINE, f"the export {name} is gone")
        return found

    def look_for_export(self, name: str) -> Any:
        """An export, whatever it is; None if there is none of this name."""
        found = bindings.wasmtime_extern_t()
        raw = name.encode()
        there = self.api.wasmtime_instance_export_get(
            self.context, addressof(self._instance), raw, len(raw), addressof(found)
        )
        return found if there else None

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
        outcome = (trap, error)
        self.hold_future(
            lambda: api.wasmtime_linker_instantiate_async(
                linker, self.context, module, instance, addressof(trap), addressof(error)
            ),
            outcome,
        )
        try:
            if not api.wasmtime_call_future_poll(self.find_future(outcome)):
                raise WasmTrap(TrapCode.ENGINE, "instantiating was suspended")
        finally:
            self.drop_future()
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


def _give_back(api: CApi, futures: list[int], stores: list[int]) -> None:
    """Delete asynchronous calls, then their stores."""
    while futures:
        api.wasmtime_call_future_delete(futures.pop())
    while stores:
        api.wasmtime_store_delete(stores.pop())


def _make_function_type(kind: FunctionType) -> wasmtime.FuncType:
    # The natives take and give i32 only.
    i32 = wasmtime.ValType.i32()
    return wasmtime.FuncType([i32] * len(kind.parameters), [i32] * len(kind.results))
