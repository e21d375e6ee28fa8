"""The runtime on wasmtime: admission, compilation, and instances that are made from it."""

import os
from pathlib import Path
from typing import Final

import wasmtime

from tinycontainer.errors import CreationError, InadmissibleCode, RuntimeUnavailable
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Ability, Natives, RuntimeDescription, RuntimeLimits

from ..code_cache import WASM_CACHE_BYTES, CodeCache
from ..wasm.metering.rewriting import rewrite_module
from ..wasm.scan import scan_module
from ..wasm.traps import WasmTrap
from ..wasm.validator import WasmtimeValidator
from .capi import CApi
from .compiling import compile_module
from .disk_cache import DiskCache
from .engine import SETTINGS, CompiledModule, make_engine, measure_module
from .fuel import WHOLE_HOOK_FUEL
from .instance import WasmtimeInstance
from .probe import can_suspend

CACHE_VARIABLE: Final = "TINYCONTAINER_WASMTIME_CACHE"
"""Environment variable: a directory in which compiled modules are kept; by default they are not."""


def create_runtime() -> "WasmtimeRuntime":
    """The entry point ``wasm.wasmtime``.

    Raises:
        RuntimeUnavailable: the installed wasmtime lacks what is needed, or the cache directory
            that the environment names cannot be used.
    """
    directory = os.environ.get(CACHE_VARIABLE)
    return WasmtimeRuntime(cache=Path(directory) if directory else None)


class WasmtimeRuntime:
    """See `tinycontainer.interfaces.runtime.Runtime`.

    Args:
        cache: a directory of mode 0700 in which compiled modules are kept.
        suspend: whether to suspend calls where that works; without it a hook is one unit of work,
            and one that needs more than `WHOLE_HOOK_FUEL` is stopped by a trap.
        kept_bytes: how much memory what is kept of modules may hold.

    Attributes:
        suspends: whether calls are suspended.

    Raises:
        RuntimeUnavailable: see `create_runtime`.
    """

    def __init__(
        self,
        *,
        cache: Path | None = None,
        suspend: bool = True,
        kept_bytes: int = WASM_CACHE_BYTES,
    ) -> None:
        self._api = CApi()
        self._validator = WasmtimeValidator()
        self._engine = make_engine()
        self._cache = CodeCache[CompiledModule](kept_bytes, lambda compiled: compiled.held_bytes)
        self._disk_cache = self._open_disk_cache(cache)
        self.suspends = suspend and can_suspend(self._api, self._engine)

    def describe(self) -> RuntimeDescription:
        """See `tinycontainer.interfaces.runtime.Described`."""
        abilities = {Ability.EXACT_FLOATS}
        notes = [f"cache of compiled modules: {'memory, disk' if self._disk_cache else 'memory'}"]
        if self.suspends:
            abilities |= {Ability.PREEMPT, Ability.SHORT_UNITS}
        else:
            notes.append(
                "cannot go on with a call that was stopped: a hook runs as a whole, and traps"
                f" (out-of-fuel) beyond {WHOLE_HOOK_FUEL} instructions"
            )
        return RuntimeDescription(
            f"wasmtime {self._api.version}", frozenset(abilities), tuple(notes)
        )

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        """Scan, validate and compile, unless this was done before.

        The module is validated as it came, which takes a hundredth of the time of compiling. As it
        was prepared it has more types and globals, so what names none of its own could pass there.
        """
        self._find_or_compile(code, limits)

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> WasmtimeInstance:
        """Instantiate; the code was compiled when it was admitted."""
        try:
            return WasmtimeInstance(
                self._api,
                self._engine,
                self._find_or_compile(code, limits),
                natives,
                meter,
                limits,
                asynchronous=self.suspends,
            )
        except WasmTrap as trap:
            raise CreationError(f"{trap.code}: {trap.detail}") from None
        except InadmissibleCode as refusal:
            raise CreationError(str(refusal)) from None

    def _find_or_compile(self, code: bytes, limits: RuntimeLimits) -> CompiledModule:
        return self._cache.find_or_make(code, limits, lambda: self._judge(code, limits))

    def _judge(self, code: bytes, limits: RuntimeLimits) -> CompiledModule:
        scanned = scan_module(code, limits)
        self._validator.validate(code)
        prepared = rewrite_module(code, scanned, limits)

        def make_module() -> wasmtime.Module:
            return compile_module(self._engine, scanned, prepared.code, limits)

        try:
            if self._disk_cache is None:
                module = make_module()
            else:
                module = self._disk_cache.find_or_make(prepared.code, make_module)
        except wasmtime.WasmtimeError as error:
            reason = " ".join(str(error).split())
            raise InadmissibleCode(f"wasmtime cannot compile it: {reason}") from None
        return measure_module(self._api, scanned, module, prepared.places, len(code))

    def _open_disk_cache(self, directory: Path | None) -> DiskCache | None:
        if directory is None:
            return None
        try:
            return DiskCache(directory, self._engine, f"{self._api.version} {SETTINGS}")
        except (OSError, ValueError) as error:
            raise RuntimeUnavailable(f"cache of compiled modules: {error}") from None
