"""The global in which a rewritten module counts its calls, and the fuel that counting them took."""

import ctypes
from ctypes import addressof
from typing import Any, Final

from wasmtime import _bindings as bindings
from wasmtime import _ffi

from ..wasm.metering.nesting import FUEL_BIT
from .capi import CApi

COUNTING_MASK: Final = (1 << FUEL_BIT) - 1
"""The largest number that `CallCounter.read_fuel` returns."""


class CallCounter:
    """See `tinycontainer_runtimes.wasm.metering.nesting`.

    Args:
        api: the C API.
        context: of the store in which the global lives.
        found: the global, as an export.
        call_depth: how many calls may be nested; the hook is the first.
    """

    def __init__(self, api: CApi, context: int, found: Any, call_depth: int) -> None:
        self._api = api
        self._context = context
        self._found = found
        self._address = addressof(found.of.global_)
        self._call_depth = call_depth
        self._value = bindings.wasmtime_val_t()
        self._value.kind = _ffi.WASMTIME_I64
        self._value_address = addressof(self._value)
        # Not by the value's field of a field: it is read at every suspension.
        self._number = ctypes.c_int64.from_address(addressof(self._value.of))

    def begin(self) -> None:
        """A hook's function is going to be called; nothing is left of what was counted before."""
        self._number.value = self._call_depth
        self._api.wasmtime_global_set(self._context, self._address, self._value_address)

    def read_fuel(self) -> int:
        """The fuel that counting took since `begin`, modulo 2**32."""
        self._api.wasmtime_global_get(self._context, self._address, self._value_address)
        return self._number.value >> FUEL_BIT & COUNTING_MASK

    @property
    def exceeded(self) -> bool:
        """Whether one call too many was begun, when its fuel was last read."""
        return not self._number.value & COUNTING_MASK
