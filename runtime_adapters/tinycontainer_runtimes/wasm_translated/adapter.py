"""The runtime on translated code: admission, and instances that are made from it."""

import sys
from typing import Final

from tinycontainer.errors import CreationError, InadmissibleCode
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Ability, Natives, RuntimeDescription, RuntimeLimits

from ..code_cache import VERDICT_CACHE_BYTES, WASM_CACHE_BYTES, CodeCache
from ..wasm.scan import scan_module
from ..wasm.traps import WasmTrap
from ..wasm.validation.module import validate_module
from .instance import TranslatedInstance
from .program import TranslatedModule, translate_module

_VERDICT_BYTES: Final = 512
"""A verdict is a hash, the limits, and that the code was admitted."""


def create_runtime() -> "TranslatedRuntime":
    """A runtime on translated code. No entry point offers it yet."""
    return TranslatedRuntime()


class TranslatedRuntime:
    """See `tinycontainer.interfaces.runtime.Runtime`.

    Args:
        kept_bytes: how much memory what is kept of modules may hold.
    """

    def __init__(self, *, kept_bytes: int = WASM_CACHE_BYTES) -> None:
        self._verdicts = CodeCache[None](VERDICT_CACHE_BYTES, lambda _admitted: _VERDICT_BYTES)
        self._cache = CodeCache[TranslatedModule](kept_bytes, lambda module: module.held_bytes)

    def describe(self) -> RuntimeDescription:
        """See `tinycontainer.interfaces.runtime.Described`."""
        python = ".".join(map(str, sys.version_info[:3]))
        return RuntimeDescription(f"translated to Python {python}", frozenset(Ability))

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        """Scan and validate, in this order, unless this was done before."""
        self._verdicts.find_or_make(code, limits, lambda: self._judge(code, limits))

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> TranslatedInstance:
        """Instantiate; the module is translated for the first instance."""
        try:
            module = self._cache.find_or_make(code, limits, lambda: self._translate(code, limits))
            return TranslatedInstance(module, natives, meter)
        except WasmTrap as trap:
            raise CreationError(f"{trap.code}: {trap.detail}") from None
        except InadmissibleCode as refusal:
            raise CreationError(str(refusal)) from None

    def _judge(self, code: bytes, limits: RuntimeLimits) -> None:
        scan_module(code, limits)
        validate_module(code)

    def _translate(self, code: bytes, limits: RuntimeLimits) -> TranslatedModule:
        self.admit(code, limits)  # as a rule its verdict is known
        return translate_module(code, scan_module(code, limits), limits)
