"""The runtime: admission, and instances of admitted code."""

from tinycontainer.errors import CreationError
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Ability, Natives, RuntimeDescription, RuntimeLimits

from .codes import Refused
from .instance import RbpfInstance
from .program import load


def create_runtime() -> "RbpfRuntime":
    """The entry point ``bpf.rbpf``."""
    return RbpfRuntime()


class RbpfRuntime:
    """See `tinycontainer.interfaces.runtime.Runtime`."""

    def describe(self) -> RuntimeDescription:
        """See `tinycontainer.interfaces.runtime.Described`."""
        return RuntimeDescription(
            "rBPF of this project", frozenset({Ability.PREEMPT, Ability.SHORT_UNITS})
        )

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        """Load and check.

        Raises:
            Refused: with rBPF's code; it is an `InadmissibleCode`.
        """
        load(code, limits)

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> RbpfInstance:
        """Make an instance with memory and registers of its own."""
        try:
            return RbpfInstance(load(code, limits), data, natives, meter)
        except Refused as refused:
            raise CreationError(str(refused)) from None
