"""The runtime on pywasm: admission, and instances that are made from admitted code."""

import io
from importlib.metadata import version
from typing import Any, Final

import pywasm

from tinycontainer.errors import CreationError, InadmissibleCode, RuntimeUnavailable
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Ability, Natives, RuntimeDescription, RuntimeLimits

from ..wasm.admission import judge
from ..wasm.scan import scan, without_custom_sections
from ..wasm.traps import WasmTrap
from ..wasm.validator import Validator, WasmtimeValidator
from .instance import PywasmInstance
from .traps import ENGINE_ERRORS

PARSE_ERRORS: Final = (*ENGINE_ERRORS, EOFError, UnicodeDecodeError)


def create_runtime() -> "PywasmRuntime":
    """The entry point ``wasm.pywasm``.

    Raises:
        RuntimeUnavailable: under ``python -O``, where pywasm's own checks are gone.
    """
    return PywasmRuntime(WasmtimeValidator())


def create_exact_runtime() -> "PywasmRuntime":
    """The entry point ``wasm.pywasm-exact``: floating point is corrected, and slower for it.

    Raises:
        RuntimeUnavailable: under ``python -O``.
    """
    return PywasmRuntime(WasmtimeValidator(), exact_floats=True)


class PywasmRuntime:
    """See `tinycontainer.interfaces.runtime.Runtime`.

    Args:
        validator: full type validation, which pywasm does not do.
        exact_floats: whether to correct those instructions of floating point that pywasm gets
            wrong.

    Raises:
        RuntimeUnavailable: under ``python -O``.
    """

    def __init__(self, validator: Validator, *, exact_floats: bool = False) -> None:
        if not __debug__:
            raise RuntimeUnavailable(
                "pywasm works by assertions, which python -O removes; run python without -O"
            )
        self._validator, self._exact_floats = validator, exact_floats

    def describe(self) -> RuntimeDescription:
        """See `tinycontainer.interfaces.runtime.Described`."""
        engine = f"pywasm {version('pywasm')}"
        if self._exact_floats:
            return RuntimeDescription(f"{engine}, floats corrected", frozenset(Ability))
        return RuntimeDescription(engine, frozenset(Ability) - {Ability.EXACT_FLOATS})

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        """Scan, validate, and let pywasm parse, in this order."""
        module = judge(code, limits, self._validator)
        try:
            _parse(without_custom_sections(code, module))
        except PARSE_ERRORS as error:
            raise InadmissibleCode(f"pywasm cannot parse it: {type(error).__name__}") from None

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> PywasmInstance:
        """Parse afresh (pywasm's instances write to the parsed module) and instantiate."""
        scanned = scan(code, limits)
        try:
            module = _parse(without_custom_sections(code, scanned))
            return PywasmInstance(
                module, scanned, natives, meter, limits, exact_floats=self._exact_floats
            )
        except WasmTrap as trap:
            raise CreationError(f"{trap.code}: {trap.detail}") from None
        except PARSE_ERRORS as error:
            raise CreationError(f"pywasm cannot parse it: {type(error).__name__}") from None


def _parse(code: bytes) -> Any:
    return pywasm.ModuleDesc.from_reader(io.BytesIO(code))
