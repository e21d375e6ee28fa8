"""The memory manager: numbered slots of fixed capacity, their sections, and who is in them.

A section is opened with its size, takes exactly so many bytes, and is closed when it is full.
Closed code is sealed: it can be read, never written again. Only metadata can later be replaced, as
a whole.
"""

from collections.abc import Iterable
from enum import StrEnum

from tinycontainer.errors import LoadError, LoadReason, SectionTooLarge

from .limits import Capacity


class Section(StrEnum):
    """The parts of a container, in the order in which they are loaded."""

    METADATA = "metadata"
    CODE = "code"
    DATA = "data"


class Slot:
    """One place for a container.

    Args:
        number: counted from 0.
        capacity: what fits.
    """

    def __init__(self, number: int, capacity: Capacity) -> None:
        self.number = number
        self.uid: bytes | None = None
        self._capacity = capacity
        self._sections: dict[Section, bytes] = {}
        self._open: tuple[Section, int, bytearray] | None = None

    @property
    def writing(self) -> Section | None:
        """The section that is open, if any."""
        return None if self._open is None or self._open[0] in self._sections else self._open[0]

    @property
    def sections_begun(self) -> int:
        """How many sections are closed or open."""
        return len(self._sections) + (self.writing is not None)

    def open(self, section: Section, size_bytes: int) -> None:
        """Open a section; an empty one closes at once.

        Raises:
            LoadError: it does not fit, another section is open, or this one was closed before.
        """
        if self.writing is not None or section in self._sections:
            raise LoadError(LoadReason.OUT_OF_ORDER, f"section {section} cannot be opened now")
        if section is Section.DATA and Section.CODE not in self._sections:
            raise LoadError(LoadReason.OUT_OF_ORDER, "data comes after code is sealed")
        limit_bytes = self._limit_bytes(section)
        if not 0 <= size_bytes <= limit_bytes:
            raise SectionTooLarge(section, size_bytes, limit_bytes)
        if size_bytes:
            self._open = (section, size_bytes, bytearray())
        else:
            self._sections[section] = b""

    def write(self, chunk: bytes) -> None:
        """Append to the open section; it is closed, and code sealed, when it is full.

        Raises:
            LoadError: no section is open, or there are more bytes than were announced.
        """
        if self._open is None or self.writing is None:
            raise LoadError(LoadReason.OUT_OF_ORDER, "no section is open")
        section, size_bytes, content = self._open
        if len(content) + len(chunk) > size_bytes:
            raise LoadError(
                LoadReason.SECTION_LENGTH,
                f"{section}: {len(content) + len(chunk)} bytes where {size_bytes} were announced",
            )
        # One step either way: an interrupt finds the chunk taken or not, and never a full section
        # that is open.
        if len(content) + len(chunk) == size_bytes:
            self._sections[section] = bytes(content) + chunk
            self._open = None  # it is closed already: this only gives its bytes back
        else:
            content += chunk

    def put(self, section: Section, content: bytes) -> None:
        """Open a section and write all of it at once.

        Raises:
            LoadError: as `open` does; SectionTooLarge if it does not fit.
        """
        self.open(section, len(content))
        if content:  # an empty section is closed as soon as it is opened
            self.write(content)

    def fill(self, contents: Iterable[tuple[Section, bytes | None]]) -> None:
        """Write all sections.

        Raises:
            LoadError: as `put`.
        """
        for section, content in contents:
            self.put(section, content or b"")

    def read(self, section: Section) -> bytes:
        """A closed section.

        Raises:
            LoadError: it is not closed.
        """
        if section not in self._sections:
            raise LoadError(LoadReason.SECTION_LENGTH, f"section {section} is not complete")
        return self._sections[section]

    def replace_metadata(self, content: bytes) -> None:
        """Put other metadata in the place of the present.

        Raises:
            LoadError: it does not fit.
        """
        if len(content) > self._capacity.metadata_bytes:
            raise SectionTooLarge(Section.METADATA, len(content), self._capacity.metadata_bytes)
        self._sections[Section.METADATA] = content

    def erase(self) -> None:
        """Forget everything."""
        self.uid = None
        self._sections.clear()
        self._open = None

    def _limit_bytes(self, section: Section) -> int:
        capacity = self._capacity
        if section is Section.METADATA:
            return capacity.metadata_bytes
        limit_bytes = capacity.code_bytes if section is Section.CODE else capacity.data_bytes
        if capacity.shared_bytes is None:
            return limit_bytes
        # The firmware puts data after code, at an address that is a multiple of 4 (TC-LOAD-12).
        code_end = len(self._sections.get(Section.CODE, b""))
        left = capacity.shared_bytes - (code_end + 3) // 4 * 4
        return max(0, min(limit_bytes, left))


class MemoryManager:
    """The slots of a device.

    Args:
        capacity: how many, and what fits into each.
    """

    def __init__(self, capacity: Capacity) -> None:
        self._slots = [Slot(number, capacity) for number in range(capacity.slots)]
        self._in_use: set[int] = set()
        self._by_uid: dict[bytes, Slot] = {}

    def require_free(self) -> Slot:
        """The first free slot.

        Raises:
            LoadError: all are in use.
        """
        for slot in self._slots:
            if slot.number not in self._in_use:
                return slot
        raise LoadError(
            LoadReason.NO_SLOT, f"all {len(self._slots)} slots are in use; delete a container first"
        )

    def take(self, number: int | None = None) -> Slot:
        """Reserve a slot.

        Args:
            number: which; None for the first that is free.

        Raises:
            LoadError: all are in use, or this one is, or there is no such slot.
        """
        slot = self.require_free() if number is None else self._require_slot(number)
        self._in_use.add(slot.number)
        return slot

    def _require_slot(self, number: int) -> Slot:
        if number >= len(self._slots) or number in self._in_use:
            problem = f"slot {number} is in use or not there; there are {len(self._slots)}"
            raise LoadError(LoadReason.NO_SLOT, problem)
        return self._slots[number]

    def require_new(self, uid: bytes) -> None:
        """Check that no slot has a uid.

        Raises:
            LoadError: one has.
        """
        if uid in self._by_uid:
            raise LoadError(
                LoadReason.DUPLICATE_UID, "a container with this uid is loaded; delete it first"
            )

    def name(self, slot: Slot, uid: bytes) -> None:
        """Give a slot the uid of its container.

        Raises:
            LoadError: the uid is that of another slot.
        """
        self.require_new(uid)
        slot.uid = uid
        self._by_uid[uid] = slot

    def find(self, uid: bytes) -> Slot | None:
        """The slot of the container with this uid."""
        return self._by_uid.get(uid)

    def free_numbers(self) -> list[int]:
        """The numbers of all slots that are free."""
        return [slot.number for slot in self._slots if slot.number not in self._in_use]

    def exchange(self, slot: Slot) -> None:
        """Put a slot in the place of the one that has its number; that one is not erased."""
        self._slots[slot.number] = slot
        self._in_use.add(slot.number)
        if slot.uid is not None:
            self._by_uid[slot.uid] = slot

    def release(self, slot: Slot) -> None:
        """Erase a slot; it is free again."""
        if slot.uid is not None:
            del self._by_uid[slot.uid]
        slot.erase()
        self._in_use.discard(slot.number)

    def retain(self, slots: Iterable[Slot]) -> None:
        """Free every slot but these: what an interrupt has left half taken or half released.

        Args:
            slots: those that are in use.
        """
        kept = {slot.number: slot for slot in slots}
        self._slots = [kept.get(slot.number, slot) for slot in self._slots]
        for slot in self._slots:
            if slot.number not in kept:
                slot.erase()
        self._by_uid = {slot.uid: slot for slot in kept.values() if slot.uid is not None}
        self._in_use = set(kept)
