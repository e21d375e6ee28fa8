"""`Onlooker`: a device as a file describes it, for those who ask what it would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from tinycontainer.interfaces.updating import ContainerChange, UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.state import MemoryState
from tinycontainer_tokens import Accepted, SequenceStore, SequenceSubject


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Answers as the device would, and never changes anything. Implements `Updatable`.

    Attributes:
        limits: the most bytes of each section.
        loaded: the containers that are loaded, by uid.
        sequences: what was accepted before.
        slots: how many containers fit.
    """

    limits: Mapping[UpdateSection, int]
    loaded: Mapping[bytes, Bundle] = field(default_factory=dict)
    sequences: SequenceStore = field(default_factory=MemoryState)
    slots: int = 0

    @classmethod
    def of_nothing(cls, limit_bytes: int) -> "Onlooker":
        """A device of which only the size of its sections is known.

        Args:
            limit_bytes: the most bytes of any section.
        """
        return cls(dict.fromkeys(UpdateSection, limit_bytes))

    def section_limit(self, section: UpdateSection) -> int:
        """See `Updatable.section_limit`."""
        return self.limits[section]

    def installed(self, uid: bytes, section: UpdateSection) -> bytes | None:
        """See `Updatable.installed`."""
        found = self.loaded.get(uid)
        if found is None:
            return None
        if section is UpdateSection.METADATA:
            return found.metadata
        return found.code if section is UpdateSection.CODE else found.data

    def newest_update(self, uid: bytes) -> Accepted | None:
        """See `Updatable.newest_update`."""
        return self.sequences.newest(SequenceSubject(uid, None))

    def change_together(self, changes: Sequence[ContainerChange], number: Accepted) -> NoReturn:
        """See `Updatable.change_together`; here it is never called."""
        raise RuntimeError("an onlooker changes nothing")

    def refuse_update(self, uid: bytes, reason: str, problem: str) -> NoReturn:
        """See `Updatable.refuse_update`; here it is never called."""
        raise RuntimeError("an onlooker records nothing")
