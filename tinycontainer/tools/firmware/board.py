"""Whether a container fits a device, before anybody carries it there."""

from tinycontainer import metadata as metadata_codec
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.memory import MemoryManager, Section
from tinycontainer.device.containers.riot_2024 import find_riot_objection
from tinycontainer.device.containers.verification import profile_of
from tinycontainer.errors import LoadError, LoadReason
from tinycontainer.metadata import Bundle
from tinycontainer_tokens import Profile

RIOT_BOARD = "riot-2024"


def require_fit(bundle: Bundle, capacity: Capacity, *, firmware: bool) -> None:
    """Refuse what a device cannot hold, or what the C firmware would not take.

    Args:
        bundle: the container.
        capacity: of the device.
        firmware: whether the C firmware is to take it, whatever its tokens are.

    Raises:
        LoadError: naming the section or field, what it has and what is taken.
        MetadataError: the metadata is malformed.
    """
    metadata = metadata_codec.decode(bundle.metadata, len(bundle.metadata))
    if firmware or profile_of(metadata) is Profile.RIOT_2024:
        objection = find_riot_objection(metadata)
        if objection is not None:
            raise LoadError(LoadReason.PROFILE, objection)
    slot = MemoryManager(capacity).take()
    for section, content in (
        (Section.METADATA, bundle.metadata),
        (Section.CODE, bundle.code),
        (Section.DATA, bundle.data),
    ):
        slot.put(section, content)
