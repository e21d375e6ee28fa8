"""The runtime: admission, and instances of admitted code."""

from tinycontainer.errors import CreationError
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Ability, Natives, RuntimeDescription, RuntimeLimits

from ..code_cache import RBPF_CACHE_BYTES, CodeCache
from .codes import CodeRefused
from .instance import RbpfInstance
from .program import Program, load


def create_runtime() -> "RbpfRuntime":
    """The entry point ``bpf.rbpf``."""
    return RbpfRuntime()


class RbpfRuntime:
    """See `tinycontainer.interfaces.runtime.Runtime`."""

    def __init__(self) -> None:
        self._cache = CodeCache[Program](RBPF_CACHE_BYTES, lambda program: program.held_bytes)

    def describe(self) -> RuntimeDescription:
        """See `tinycontainer.interfaces.runtime.Described`."""
        return RuntimeDescription(
            "rBPF of this project", frozenset({Ability.PREEMPT, Ability.SHORT_UNITS})
        )

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        """Load and check, unless this was done before.

        Raises:
            CodeRefused: with rBPF's code; it is an `InadmissibleCode`.
        """
        self._loaded(code, limits)

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> RbpfInstance:
        """Make an instance with memory and registers of its own."""
        try:
            return RbpfInstance(self._loaded(code, limits), data, natives, meter)
        except CodeRefused as refused:
            raise CreationError(str(refused)) from None

    def _loaded(self, code: bytes, limits: RuntimeLimits) -> Program:
        return self._cache.find_or_make(code, limits, lambda: load(code, limits))
