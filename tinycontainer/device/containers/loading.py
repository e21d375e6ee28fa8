"""The loading protocol: sections come in order, each with its size first.

    none -> started -> metadata -> code -> data -> none

A message out of order, a byte too many, or a missing byte ends the load: the slot is free again and
everything is as before.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from tinycontainer.errors import LoadError, LoadReason

from .memory import MemoryManager, Section, Slot


class LoadState(StrEnum):
    """How far a load has come."""

    NONE = "none"
    STARTED = "started"
    METADATA = "metadata"
    CODE = "code"
    DATA = "data"


_ORDER: Final = tuple(LoadState)[1:]
"""The states of a load by how many sections are begun."""
_NEXT: Final = {
    LoadState.STARTED: Section.METADATA,
    LoadState.METADATA: Section.CODE,
    LoadState.CODE: Section.DATA,
}


class Loading:
    """One load at a time into one slot.

    Args:
        memory: gives and takes slots.

    Attributes:
        slot: where the load that is under way goes; None if there is none. It knows how far the
            load has come.
    """

    def __init__(self, memory: MemoryManager) -> None:
        self._memory = memory
        self.slot: Slot | None = None

    @property
    def state(self) -> LoadState:
        """How far the load has come."""
        return LoadState.NONE if self.slot is None else _ORDER[self.slot.sections_begun]

    def require_possible(self) -> None:
        """Check that a load can begin, and change nothing.

        Raises:
            LoadError: a load is under way, or no slot is free.
        """
        if self.slot is not None:
            raise LoadError(LoadReason.OUT_OF_ORDER, "a load is under way; both are given up")
        self._memory.require_free()

    def begin(self) -> None:
        """Reserve a slot.

        Raises:
            LoadError: a load is under way, which fails it, or no slot is free.
        """
        try:
            self.require_possible()
        except LoadError:
            self.abandon()
            raise
        self.slot = self._memory.take()

    def open(self, section: Section, size_bytes: int) -> None:
        """Announce a section.

        Raises:
            LoadError: out of order or too large; the load is over.
        """
        self._step(lambda slot: self._open_section(slot, section, size_bytes))

    def write(self, chunk: bytes) -> None:
        """Give bytes of the announced section.

        Raises:
            LoadError: too many, or no section is open; the load is over.
        """
        self._step(lambda slot: slot.write(chunk))

    def finish(self) -> Slot:
        """End the transfer; the slot now belongs to the caller.

        Raises:
            LoadError: something is missing; the load is over.
        """
        self._step(self._require_complete)
        slot = self._require_slot()
        self.slot = None
        return slot

    def abandon(self) -> None:
        """Give the load up, if there is one."""
        slot, self.slot = self.slot, None
        if slot is not None:
            self._memory.release(slot)

    def _step(self, action: Callable[[Slot], None]) -> None:
        try:
            action(self._require_slot())
        except LoadError:
            self.abandon()
            raise

    def _require_slot(self) -> Slot:
        if self.slot is None:
            raise LoadError(LoadReason.OUT_OF_ORDER, "no load is under way")
        return self.slot

    def _open_section(self, slot: Slot, section: Section, size_bytes: int) -> None:
        if slot.writing is not None:
            raise LoadError(LoadReason.SECTION_LENGTH, f"section {slot.writing} is not complete")
        if section is not _NEXT.get(self.state):
            raise LoadError(
                LoadReason.OUT_OF_ORDER, f"section {section} cannot follow state {self.state}"
            )
        slot.open(section, size_bytes)

    def _require_complete(self, slot: Slot) -> None:
        if self.state is not LoadState.DATA:
            raise LoadError(LoadReason.OUT_OF_ORDER, f"the load ends in state {self.state}")
        slot.read(Section.DATA)
