"""Full type validation of a scanned module, by wasmtime.

An interface of its own, since execution can be pure Python and validation is not: pywasm has no
validator, and without one untrusted code escapes from it.
"""

from collections.abc import Iterable
from typing import Final, Protocol

import wasmtime
from wasmtime import _bindings as bindings

from tinycontainer.errors import InadmissibleCode


class Validator(Protocol):
    """Judges types and structure by the WebAssembly specification."""

    def validate(self, code: bytes) -> None:
        """Judge a module whose header was checked.

        Raises:
            InadmissibleCode: it is not valid.
        """
        ...


class WasmtimeValidator:
    """wasmtime with exactly the features of WebAssembly 2.0 without SIMD."""

    def __init__(self) -> None:
        self._engine = wasmtime.Engine(make_plain_config())

    def validate(self, code: bytes) -> None:
        """See `Validator.validate`."""
        try:
            wasmtime.Module.validate(self._engine, code)
        except wasmtime.WasmtimeError as error:
            raise InadmissibleCode(f"not valid: {' '.join(str(error).split())}") from None


# reference_types is part of 2.0; switching it off aborts the process.
_FEATURES_OFF: Final = (
    "relaxed_simd",
    "simd",
    "threads",
    "component_model",
    "multi_memory",
    "memory64",
    "tail_call",
    "exceptions",
    "gc",
    "function_references",
    "wide_arithmetic",
    "custom_page_sizes",
    "stack_switching",
)

PLAIN_SETTINGS: Final[tuple[tuple[str, int], ...]] = (
    *((f"wasm_{feature}", False) for feature in _FEATURES_OFF),
    # To wake other threads takes longer than to judge or to compile a small module.
    ("parallel_compilation", False),
)
"""Settings of wasmtime's C API for exactly the features of WebAssembly 2.0 without SIMD."""


def make_plain_config() -> wasmtime.Config:
    """A configuration with exactly the features of WebAssembly 2.0 without SIMD."""
    return make_config(PLAIN_SETTINGS)


def make_config(settings: Iterable[tuple[str, int]]) -> wasmtime.Config:
    """A configuration with these settings.

    Args:
        settings: names of wasmtime's ``config.h``, between ``wasmtime_config_`` and ``_set``.
    """
    config = wasmtime.Config()
    for name, value in settings:
        getattr(bindings, f"wasmtime_config_{name}_set")(config.ptr(), value)
    return config
