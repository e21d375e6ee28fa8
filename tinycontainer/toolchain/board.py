"""Whether a container fits a board that is known by name, before anybody carries it there."""

from .. import metadata as metadata_codec
from ..errors import LoadError, LoadReason
from ..limits import BOARDS
from ..memory import MemoryManager, Section
from ..metadata import Bundle
from ..verification import profile_of, riot_objection

RIOT_BOARD = "riot-2024"


def require_fit(bundle: Bundle, board: str) -> None:
    """Refuse what the board cannot hold, or what the C firmware would not take.

    Args:
        bundle: the container.
        board: a name in `BOARDS`.

    Raises:
        LoadError: naming the section or field, what it has and what is taken.
        MetadataError: the metadata is malformed.
    """
    metadata = metadata_codec.decode(bundle.metadata, len(bundle.metadata))
    slot = MemoryManager(BOARDS[board]).take()
    for section, content in (
        (Section.METADATA, bundle.metadata),
        (Section.CODE, bundle.code),
        (Section.DATA, bundle.data),
    ):
        slot.open(section, len(content))
        if content:
            slot.write(content)
    if RIOT_BOARD in (board, profile_of(metadata)):
        objection = riot_objection(metadata)
        if objection is not None:
            raise LoadError(LoadReason.PROFILE, objection)
