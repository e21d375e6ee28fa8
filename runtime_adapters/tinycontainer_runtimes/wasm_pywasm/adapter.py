"""The runtime on pywasm: admission (ADR 2), and instances that are made from admitted code."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

from tinycontainer.errors import CreationError, InadmissibleCode, RuntimeUnavailable
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Ability, Natives, RuntimeDescription, RuntimeLimits

from ..code_cache import VERDICT_CACHE_BYTES, WASM_CACHE_BYTES, CodeCache
from ..wasm.scan import scan_module
from ..wasm.traps import WasmTrap
from ..wasm.validator import Validator, WasmtimeValidator
from .instance import PywasmInstance
from .parsing import parse_module
from .prepared import PreparedModule, prepare_module

_VERDICT_BYTES: Final = 512
"""A verdict is a hash, the limits, and that the code was admitted."""


def create_runtime() -> "PywasmRuntime":
    """The entry point ``wasm.pywasm``.

    Raises:
        RuntimeUnavailable: under ``python -O``, where pywasm's own checks are gone.
    """
    return PywasmRuntime(WasmtimeValidator())


def create_exact_runtime() -> "PywasmRuntime":
    """The entry point ``wasm.pywasm-exact``: an older name of ``wasm.pywasm``, now exact itself.

    Raises:
        RuntimeUnavailable: under ``python -O``.
    """
    return create_runtime()


class PywasmRuntime:
    """See `tinycontainer.interfaces.runtime.Runtime`.

    Args:
        validator: full type validation, which pywasm does not do.
        kept_bytes: how much memory what is kept of modules may hold.

    Raises:
        RuntimeUnavailable: under ``python -O``.
    """

    def __init__(
        self,
        validator: Validator,
        *,
        kept_bytes: int = WASM_CACHE_BYTES,
    ) -> None:
        if not __debug__:
            raise RuntimeUnavailable(
                "pywasm works by assertions, which python -O removes; run python without -O"
            )
        self._validator = validator
        self._verdicts = CodeCache[None](VERDICT_CACHE_BYTES, lambda _admitted: _VERDICT_BYTES)
        self._cache = CodeCache[PreparedModule](kept_bytes, lambda module: module.held_bytes)

    def describe(self) -> RuntimeDescription:
        """See `tinycontainer.interfaces.runtime.Described`."""
        return RuntimeDescription(f"pywasm {version('pywasm')}", frozenset(Ability))

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        """Scan, validate, and let pywasm parse, in this order, unless this was done before."""
        self._verdicts.find_or_make(code, limits, lambda: self._judge(code, limits))

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> PywasmInstance:
        """Instantiate; what instances are made from is prepared for the first one."""
        try:
            prepared = self._cache.find_or_make(code, limits, lambda: self._prepare(code, limits))
            return PywasmInstance(prepared, natives, meter, limits)
        except WasmTrap as trap:
            raise CreationError(f"{trap.code}: {trap.detail}") from None
        except InadmissibleCode as refusal:
            raise CreationError(str(refusal)) from None

    def _judge(self, code: bytes, limits: RuntimeLimits) -> None:
        with _pause_collection():
            scanned = scan_module(code, limits)
            self._validator.validate(code)
            parse_module(code, scanned, limits)

    def _prepare(self, code: bytes, limits: RuntimeLimits) -> PreparedModule:
        self.admit(code, limits)  # as a rule its verdict is known
        with _pause_collection():
            scanned = scan_module(code, limits)
            return prepare_module(*parse_module(code, scanned, limits), scanned, limits)


@contextmanager
def _pause_collection() -> Iterator[None]:
    """Keep Python's collector of cycles from looking at a growing tree again and again.

    A module of 64 KiB becomes 200,000 objects, and to look at them takes longer than to make them.
    """
    was_enabled = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_enabled:
            gc.enable()
