"""The loading protocol: sections come in order, each with its size first.

    none -> started -> metadata -> code -> data -> none

A message out of order, a byte too many, or a missing byte ends the load: the slot is free again and
everything is as before.
"""

from collections.abc import Callable
from enum import StrEnum

from tinycontainer.errors import LoadError, LoadReason

from .memory import MemoryManager, Section, Slot


class LoadState(StrEnum):
    """How far a load has come."""

    NONE = "none"
    STARTED = "started"
    METADATA = "metadata"
    CODE = "code"
    DATA = "data"


_NEXT = {
    (LoadState.STARTED, Section.METADATA): LoadState.METADATA,
    (LoadState.METADATA, Section.CODE): LoadState.CODE,
    (LoadState.CODE, Section.DATA): LoadState.DATA,
}


class Loading:
    """One load at a time into one slot.

    Args:
        memory: gives and takes slots.
    """

    def __init__(self, memory: MemoryManager) -> None:
        self._memory = memory
        self._slot: Slot | None = None
        self._state = LoadState.NONE

    @property
    def state(self) -> LoadState:
        """How far the load has come."""
        return self._state

    def begin(self) -> None:
        """Reserve a slot.

        Raises:
            LoadError: a load is under way, which fails it, or no slot is free.
        """
        if self._state is not LoadState.NONE:
            self.abandon()
            raise LoadError(LoadReason.OUT_OF_ORDER, "a load is under way; both are given up")
        self._slot = self._memory.take()
        self._state = LoadState.STARTED

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
        self._slot = None
        self._state = LoadState.NONE
        return slot

    def abandon(self) -> None:
        """Give the load up, if there is one."""
        if self._slot is not None:
            self._memory.release(self._slot)
        self._slot = None
        self._state = LoadState.NONE

    def _step(self, action: Callable[[Slot], None]) -> None:
        try:
            action(self._require_slot())
        except LoadError:
            self.abandon()
            raise

    def _require_slot(self) -> Slot:
        if self._slot is None:
            raise LoadError(LoadReason.OUT_OF_ORDER, "no load is under way")
        return self._slot

    def _open_section(self, slot: Slot, section: Section, size_bytes: int) -> None:
        if slot.writing is not None:
            raise LoadError(LoadReason.SECTION_LENGTH, f"section {slot.writing} is not complete")
        following = _NEXT.get((self._state, section))
        if following is None:
            raise LoadError(
                LoadReason.OUT_OF_ORDER, f"section {section} cannot follow state {self._state}"
            )
        slot.open(section, size_bytes)
        self._state = following

    def _require_complete(self, slot: Slot) -> None:
        if self._state is not LoadState.DATA:
            raise LoadError(LoadReason.OUT_OF_ORDER, f"the load ends in state {self._state}")
        slot.read(Section.DATA)
