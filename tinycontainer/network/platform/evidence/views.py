"""Which party sees what of an event: one table, and nothing beside it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tinycontainer_tokens import Role

from .content import EvidenceKind


class EvidenceField(StrEnum):
    """What can be seen of an event."""

    UID = "uid"
    RELEASE = "release"
    """Number of the release."""
    TIME = "at_s"
    REASON = "reason"
    """A word."""
    PROVED = "is_proved"
    PSEUDONYM = "pseudonym"
    """By which an organisation tells devices apart, and nothing else."""
    DEVICE = "device"
    """Its name."""
    PLACE = "number"
    """Series and number."""
    STATES = "states"
    """Of the container, before and after."""
    WORDS = "words"
    """The device's own, which can hold texts of containers."""


_Fields = frozenset[EvidenceField]
_OF_CONTAINER: Final[_Fields] = frozenset(
    {
        EvidenceField.UID,
        EvidenceField.RELEASE,
        EvidenceField.TIME,
        EvidenceField.REASON,
        EvidenceField.PROVED,
    }
)
_APART: Final[_Fields] = _OF_CONTAINER | {EvidenceField.PSEUDONYM}
_OPERATED: Final[_Fields] = _OF_CONTAINER | {
    EvidenceField.DEVICE,
    EvidenceField.PLACE,
    EvidenceField.STATES,
}
_OWNED: Final[_Fields] = _OPERATED | {EvidenceField.WORDS}
_NOTHING: Final[_Fields] = frozenset()

SHOWN: Final[Mapping[Role, Mapping[EvidenceKind, _Fields]]] = MappingProxyType(
    {
        Role.DEVELOPER: MappingProxyType(
            {
                EvidenceKind.CRASHED: _APART,
                EvidenceKind.REFUSED: _APART,
                EvidenceKind.UNDONE: _APART,
            }
        ),
        Role.PROVIDER: MappingProxyType(
            {
                EvidenceKind.STARTED: _APART,
                EvidenceKind.ENDED: _APART,
                EvidenceKind.CRASHED: _APART,
            }
        ),
        Role.INFRASTRUCTURE: MappingProxyType(dict.fromkeys(EvidenceKind, _OPERATED)),
        Role.OWNER: MappingProxyType(dict.fromkeys(EvidenceKind, _OWNED)),
    }
)
"""Of each party and kind of event: what is seen. What is not in it does not exist for the party."""


def fields_shown(kind: EvidenceKind, parties: Iterable[Role]) -> frozenset[EvidenceField]:
    """What is seen of an event by somebody who is several parties to it; empty if it is not seen.

    Args:
        kind: of the event.
        parties: all that this one is to the container or the device of this event.
    """
    return _NOTHING.union(*(SHOWN[party].get(kind, _NOTHING) for party in parties))


def kinds_shown(party: Role) -> frozenset[EvidenceKind]:
    """The kinds of events that a party sees anything of."""
    return frozenset(SHOWN[party])
