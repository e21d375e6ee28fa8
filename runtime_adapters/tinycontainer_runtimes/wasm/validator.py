"""Full type validation of a scanned module, by wasmtime.

An interface of its own, since execution can be pure Python and validation is not: pywasm has no
validator, and without one untrusted code escapes from it.
"""

from typing import Protocol

import wasmtime

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


def make_plain_config() -> wasmtime.Config:
    """A configuration with exactly the features of WebAssembly 2.0 without SIMD."""
    config = wasmtime.Config()
    # reference_types is part of 2.0; switching it off aborts the process.
    for feature in (
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
    ):
        setattr(config, f"wasm_{feature}", False)
    # To wake other threads takes longer than to judge or to compile a small module.
    config.parallel_compilation = False
    return config
