"""What the owner of a device sees of a container."""

from dataclasses import dataclass, replace

from tinycontainer.trace import Statistics

from .container import Container, Exit
from .lifecycle import State


@dataclass(frozen=True, slots=True)
class View:
    """A container as its owner sees it, at one moment.

    Attributes:
        uid: its uid.
        slot: where it lies.
        state: where it is in its life.
        mask: allowed system calls.
        priority: 0 (highest) to 15.
        last_exit: the end of its last start; None if it never ended one.
        statistics: what it has done since it was loaded.
    """

    uid: bytes
    slot: int
    state: State
    mask: int
    priority: int
    last_exit: Exit | None
    statistics: Statistics

    @classmethod
    def of(cls, container: Container) -> "View":
        """A container as it is now."""
        return cls(
            uid=container.uid,
            slot=container.slot.number,
            state=container.state,
            mask=container.grant.mask,
            priority=container.timing.priority,
            last_exit=container.last_exit,
            statistics=replace(container.statistics),
        )

    @property
    def loops(self) -> int:
        """Completed loops."""
        return self.statistics.loops
