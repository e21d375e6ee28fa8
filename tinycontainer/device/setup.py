"""What a device is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tinycontainer.interfaces.runtime import Runtime
from tinycontainer.metadata import ContainerType
from tinycontainer.state import DeviceState
from tinycontainer.symbols.symbol_directory import Symbols
from tinycontainer_tokens import MemorySequenceStore, SequenceStore

from .calls.driver_table import DriverTable
from .containers.judgement import Rules
from .containers.limits import Capacity, Caps, Scheduling
from .containers.verification import Trust

DEFAULT_EPOCH_S = 1_767_225_600
"""2026-01-01T00:00:00Z, the time at which a device's clock starts if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a device is made of.

    Attributes:
        runtimes: what can be run, by container type.
        drivers: the host's services.
        trust: whom to believe.
        capacity: what fits.
        caps: what metadata may ask for.
        scheduling: how the processor is shared.
        epoch_s: Unix seconds at which the device's clock starts.
        sequences: memory of accepted tokens.
        state: what remembers the containers, and the sequences in place of ``sequences``; None if
            nothing does.
        symbols: debug information of containers, for the places of traps; it decides nothing.
    """

    runtimes: Mapping[ContainerType, Runtime]
    drivers: DriverTable = field(default_factory=DriverTable)
    trust: Trust = field(default_factory=Trust)
    capacity: Capacity = field(default_factory=Capacity)
    caps: Caps = field(default_factory=Caps)
    scheduling: Scheduling = field(default_factory=Scheduling)
    epoch_s: int = DEFAULT_EPOCH_S
    sequences: SequenceStore = field(default_factory=MemorySequenceStore)
    state: DeviceState | None = None
    symbols: Symbols = field(default_factory=Symbols)

    @property
    def rules(self) -> Rules:
        """What the device judges by."""
        sequences = self.sequences if self.state is None else self.state
        return Rules(self.capacity, self.caps, self.trust, self.runtimes, sequences)


@dataclass(frozen=True, slots=True)
class Outside:
    """What the world around a device gives it while it runs, in place of what its file names.

    Attributes:
        drivers: the host's services.
        sequences: memory of accepted tokens.
        epoch_s: Unix seconds at which the device's clock starts.
    """

    drivers: DriverTable
    sequences: SequenceStore
    epoch_s: int
