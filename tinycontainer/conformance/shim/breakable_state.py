"""What a judged device remembers, until a judge lets nothing more be recorded."""

from tinycontainer.state import MemoryState, StateChange, StateFileError


class BreakableState(MemoryState):
    """A state in memory that outlasts its device, and records nothing while it must not.

    Attributes:
        works: whether it records.
    """

    def __init__(self) -> None:
        super().__init__()
        self.works = True

    def record(self, change: StateChange) -> None:
        """See `DeviceState.record`."""
        if not self.works:
            raise StateFileError("the store", "cannot record now")
        super().record(change)
