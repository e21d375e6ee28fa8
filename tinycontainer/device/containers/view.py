"""What the owner of a device sees of a container."""

import hashlib
from dataclasses import dataclass, replace

from tinycontainer.symbols.places import find_places
from tinycontainer.symbols.symbol_directory import Symbols
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
    def of(cls, container: Container, symbols: Symbols) -> "View":
        """A container as it is now.

        Args:
            container: the container.
            symbols: debug information, for the place of a trap.
        """
        return cls(
            uid=container.uid,
            slot=container.slot.number,
            state=container.state,
            mask=container.grant.mask,
            priority=container.timing.priority,
            last_exit=_find_places(container, symbols),
            statistics=replace(container.statistics),
        )

    @property
    def loops(self) -> int:
        """Completed loops."""
        return self.statistics.loops


def _find_places(container: Container, symbols: Symbols) -> Exit | None:
    """The end of the last start, with the lines of the source where it trapped."""
    end = container.last_exit
    if end is None or not end.frames or not symbols:
        return end
    debug = symbols.find(hashlib.sha256(container.code).hexdigest())
    return replace(end, places=find_places(end.frames, debug))
