"""Who may do what on a device."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Right(StrEnum):
    """What a peer can be allowed to do. To kill is to stop; to replace is to load and to delete."""

    READ = "read"
    START = "start"
    STOP = "stop"
    LOAD = "load"
    DELETE = "delete"
    RECONFIGURE = "reconfigure"
    UPDATE = "update"
    IDENTIFY = "identify"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class KnownPeer:
    """Somebody who is known.

    Attributes:
        name: fit to be shown.
        rights: what it may do.
        uids: to which containers; None for all. Of the device as a whole, a peer with uids reads
            what is no container's, and changes nothing.
    """

    name: str
    rights: frozenset[Right]
    uids: frozenset[bytes] | None = None

    def may(self, right: Right, uid: bytes | None) -> bool:
        """Whether it has a right.

        Args:
            right: which.
            uid: to which container; None for the device as a whole.
        """
        if right not in self.rights:
            return False
        if self.uids is None or (uid is None and right is Right.READ):
            return True
        return uid in self.uids


EVERYBODY: Final = KnownPeer("everybody", frozenset(Right))
"""Who asks a device that is served without protection."""


@dataclass(frozen=True, slots=True)
class Peers:
    """All who are known.

    Attributes:
        by_identity: the peers of a protected device, by the identity that they have proved.
        is_protected: whether only they are answered.
    """

    by_identity: Mapping[bytes, KnownPeer]
    is_protected: bool = True

    def find(self, identity: bytes) -> KnownPeer | None:
        """The peer with this identity; None if it is not known."""
        if not self.is_protected:
            return EVERYBODY
        return self.by_identity.get(identity)
