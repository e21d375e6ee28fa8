"""`Updatable`: what somebody who processes updates asks of a device.

Neither side knows the other: a device knows no format of updates, and who reads such a format knows
no device.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from tinycontainer_tokens import Accepted

IDENTIFIER_BYTES: Final = 16
"""Of a vendor, class or device identifier: a UUID (RFC 9562)."""

UPDATE_NUMBERS: Final = range(1 << 64)
"""Sequence numbers that an update can have."""


class UpdateSection(StrEnum):
    """The components of one container."""

    METADATA = "meta"
    DATA = "data"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class UpdateIdentity:
    """For which devices an update has to be, to be for this one.

    Attributes:
        vendor_id: 16 bytes; who makes the device.
        class_id: 16 bytes; what kind of device it is.
        device_id: 16 bytes; this one device. None if it has no id.
    """

    vendor_id: bytes
    class_id: bytes
    device_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class ContainerChange:
    """What an update makes of one container.

    Attributes:
        uid: 1 to 63 bytes.
        sections: its next version: all three sections; empty if it is deleted.
        starts: whether it is started, unless it is RUNNING anyway.
    """

    uid: bytes
    sections: dict[UpdateSection, bytes]
    starts: bool = False


class Updatable(Protocol):
    """A device, as an update sees it."""

    def section_limit(self, section: UpdateSection) -> int:
        """The most bytes that fit into a section of an empty slot."""
        ...

    def installed(self, uid: bytes, section: UpdateSection) -> bytes | None:
        """A section of the container that is loaded under a uid; None if there is none."""
        ...

    def newest_update(self, uid: bytes) -> Accepted | None:
        """Number and digest of the newest update of a container; None if there never was one.

        Raises:
            SequenceStoreError: it cannot be looked up.
        """
        ...

    def change_together(self, changes: Sequence[ContainerChange], number: Accepted) -> None:
        """Install, replace or delete containers: all of them, or none.

        Args:
            changes: at least one; no uid twice.
            number: number and digest of the update, which are recorded for each uid.

        Raises:
            LoadError: refused; nothing has changed.
        """
        ...

    def refuse_update(self, uid: bytes, reason: str, problem: str) -> None:
        """Record an update that is refused before the device is asked to change.

        Args:
            uid: of the container that it is about; empty if that is not known.
            reason: the kind of refusal.
            problem: what exactly, in one line; may hold untrusted text.
        """
        ...
