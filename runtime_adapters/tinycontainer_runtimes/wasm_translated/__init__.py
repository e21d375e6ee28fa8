"""WebAssembly translated to generators of Python: a pure-Python engine that is fast."""

from .adapter import TranslatedRuntime, create_runtime

__all__ = ["TranslatedRuntime", "create_runtime"]
