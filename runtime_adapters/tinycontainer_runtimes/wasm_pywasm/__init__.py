"""WebAssembly on pywasm: the readable reference engine, preemptible between any two blocks."""

from .adapter import PywasmRuntime, create_exact_runtime, create_runtime

__all__ = ["PywasmRuntime", "create_exact_runtime", "create_runtime"]
