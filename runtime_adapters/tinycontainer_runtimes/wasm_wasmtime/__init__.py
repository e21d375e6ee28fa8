"""WebAssembly on wasmtime: native speed by the same rules, suspended and resumed by its fuel."""

from .adapter import WasmtimeRuntime, create_runtime

__all__ = ["WasmtimeRuntime", "create_runtime"]
