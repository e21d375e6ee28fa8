"""The functions of wasmtime's C API that the adapter calls, with plain addresses for pointers.

The package's own prototypes check and box every pointer, which costs more than most of these
functions do. Sources: wasmtime's headers ``store.h``, ``func.h``, ``global.h``, ``linker.h``,
``memory.h``, ``module.h``, ``trap.h``, ``error.h``, ``async.h`` and ``wasm.h``, as installed with
version 50. Structures whose layout matters come from the installed package.
"""

import ctypes
from ctypes import c_bool, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from importlib.metadata import version
from typing import Any, Final

from wasmtime import _bindings as bindings
from wasmtime import _ffi

from tinycontainer.errors import RuntimeUnavailable

MAJOR_VERSION: Final = 50
"""The version whose layouts and calling rules this adapter was written for."""

HOST_FUNCTION: Final = ctypes.CFUNCTYPE(
    c_void_p, c_void_p, c_void_p, ctypes.POINTER(ctypes.c_int32), c_size_t
)
"""An unchecked host function: environment, caller, arguments and results, their number -> trap."""

SLOT_WORDS: Final = 4
"""A value of an unchecked call has 16 bytes: so many 32-bit words lie between two of them."""

_PLAIN: Final = {
    "wasmtime_store_new": (c_void_p, (c_void_p, c_void_p, c_void_p)),
    "wasmtime_store_context": (c_void_p, (c_void_p,)),
    "wasmtime_store_delete": (None, (c_void_p,)),
    "wasmtime_store_limiter": (None, (c_void_p, *[c_int64] * 5)),
    "wasmtime_linker_new": (c_void_p, (c_void_p,)),
    "wasmtime_linker_delete": (None, (c_void_p,)),
    "wasmtime_linker_define_func_unchecked": (
        c_void_p,
        (
            c_void_p,
            ctypes.c_char_p,
            c_size_t,
            ctypes.c_char_p,
            c_size_t,
            c_void_p,
            HOST_FUNCTION,
            c_void_p,
            c_void_p,
        ),
    ),
    "wasmtime_linker_instantiate": (c_void_p, (c_void_p,) * 5),
    "wasmtime_module_image_range": (None, (c_void_p,) * 3),
    "wasmtime_instance_export_get": (
        c_bool,
        (c_void_p, c_void_p, ctypes.c_char_p, c_size_t, c_void_p),
    ),
    "wasmtime_func_call": (
        c_void_p,
        (c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p),
    ),
    "wasmtime_trap_new": (c_void_p, (ctypes.c_char_p, c_size_t)),
    "wasmtime_trap_code": (c_bool, (c_void_p, c_void_p)),
    "wasm_trap_delete": (None, (c_void_p,)),
    "wasm_trap_trace": (None, (c_void_p, c_void_p)),
    "wasm_frame_func_index": (c_uint32, (c_void_p,)),
    "wasm_frame_func_offset": (c_size_t, (c_void_p,)),
    "wasm_frame_vec_delete": (None, (c_void_p,)),
    "wasmtime_error_delete": (None, (c_void_p,)),
    "wasmtime_error_wasm_trace": (None, (c_void_p, c_void_p)),
    "wasmtime_error_message": (None, (c_void_p, c_void_p)),
    "wasm_byte_vec_delete": (None, (c_void_p,)),
}
_QUICK: Final = {
    "wasmtime_context_get_fuel": (c_void_p, (c_void_p, c_void_p)),
    "wasmtime_context_set_fuel": (c_void_p, (c_void_p, c_uint64)),
    "wasmtime_global_get": (None, (c_void_p, c_void_p, c_void_p)),
    "wasmtime_global_set": (c_void_p, (c_void_p, c_void_p, c_void_p)),
    "wasmtime_memory_data": (c_void_p, (c_void_p, c_void_p)),
    "wasmtime_memory_data_size": (c_size_t, (c_void_p, c_void_p)),
}
"""Too quick to hand the interpreter over to another thread meanwhile."""
_ASYNCHRONOUS: Final = {
    "wasmtime_linker_instantiate_async": (c_void_p, (c_void_p,) * 6),
    "wasmtime_func_call_async": (
        c_void_p,
        (c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_void_p),
    ),
    "wasmtime_call_future_poll": (c_bool, (c_void_p,)),
    "wasmtime_call_future_delete": (None, (c_void_p,)),
}
_QUICK_ASYNCHRONOUS: Final = {
    "wasmtime_context_fuel_async_yield_interval": (c_void_p, (c_void_p, c_uint64)),
}


class CApi:
    """The C API of the installed wasmtime.

    Attributes:
        version: of the package.
        asynchronous: whether it has all functions of asynchronous calls, in the known version.

    Raises:
        RuntimeUnavailable: it lacks a function that no call can do without.
    """

    def __init__(self) -> None:
        self.version = version("wasmtime")
        library = _ffi.dll
        slow = ctypes.CDLL(library._name, handle=library._handle)
        quick = ctypes.PyDLL(library._name, handle=library._handle)
        try:
            self._bind(slow, _PLAIN)
            self._bind(quick, _QUICK)
        except AttributeError as error:
            raise RuntimeUnavailable(f"wasmtime {self.version}: {error}") from None
        try:
            self._bind(slow, _ASYNCHRONOUS)
            self._bind(quick, _QUICK_ASYNCHRONOUS)
            self.asynchronous = self.version.partition(".")[0] == str(MAJOR_VERSION)
        except AttributeError:
            self.asynchronous = False

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"wasmtime's C API has no {name}")

    def take_message(self, error: int) -> str:
        """The text of an error, which is deleted."""
        content = bindings.wasm_byte_vec_t()
        self.wasmtime_error_message(error, ctypes.addressof(content))
        text = ctypes.string_at(content.data, content.size).decode("utf-8", "replace")
        self.wasm_byte_vec_delete(ctypes.addressof(content))
        self.wasmtime_error_delete(error)
        return " ".join(text.split())

    def _bind(
        self, library: ctypes.CDLL, prototypes: dict[str, tuple[Any, tuple[Any, ...]]]
    ) -> None:
        for name, (result, arguments) in prototypes.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = list(arguments)
            setattr(self, name, function)


def address_of(pointer: Any) -> int:
    """The address that a ctypes pointer holds."""
    value = ctypes.cast(pointer, c_void_p).value
    if value is None:
        raise ValueError("a null pointer")
    return value
