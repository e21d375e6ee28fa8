"""Which board a container is for, and whether it fits, before it is sent there."""

from collections.abc import Iterator
from typing import Final

from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.memory import Section, Slot
from tinycontainer.device.containers.riot_2024 import find_riot_objection
from tinycontainer.device.containers.verification import profile_of
from tinycontainer.errors import LoadError, LoadReason, SectionTooLarge
from tinycontainer.metadata import Bundle, Metadata
from tinycontainer_tokens import Profile

DEFAULT_BOARD: Final = "default"
RIOT_BOARD: Final = "riot-2024"


def board_of(profile: Profile | None) -> str:
    """The board that containers of a profile are for: only the C firmware uses ``riot-2024``."""
    return RIOT_BOARD if profile is Profile.RIOT_2024 else DEFAULT_BOARD


def require_fit(metadata: Metadata, bundle: Bundle, capacity: Capacity, *, firmware: bool) -> None:
    """Refuse what a device cannot hold, or what the C firmware would refuse.

    Args:
        metadata: the container's, decoded.
        bundle: the container.
        capacity: of the device.
        firmware: whether it is for the C firmware, whatever its tokens are.

    Raises:
        LoadError: it names the section or field, its value, and what is accepted.
    """
    if firmware or profile_of(metadata) is Profile.RIOT_2024:
        objection = find_riot_objection(metadata)
        if objection is not None:
            raise LoadError(LoadReason.PROFILE, objection)
    for misfit in find_misfits(bundle.metadata, bundle.code, bundle.data, capacity):
        raise misfit


def find_misfits(
    metadata: bytes, code: bytes, data: bytes, capacity: Capacity
) -> Iterator[SectionTooLarge]:
    """Load the sections of a container into an empty slot, and yield what does not fit.

    A section that does not fit counts as empty for those after it, which share memory with it.
    """
    slot = Slot(0, capacity)
    contents = {Section.METADATA: metadata, Section.CODE: code, Section.DATA: data}
    for section, content in contents.items():
        try:
            slot.put(section, content)
        except SectionTooLarge as error:
            yield error
            slot.put(section, b"")
