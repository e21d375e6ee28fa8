"""Memory of accepted sequence numbers, so that an older token cannot come back."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from .errors import SequenceOvertaken
from .kinds import Kind


@dataclass(frozen=True, slots=True)
class SequenceSubject:
    """What a sequence counts versions of.

    Attributes:
        uid: uid of the container.
        kind: kind of the token; None for the updates of the container as a whole.
        endpoint_id: which endpoint, for an endpoint token; 0 otherwise.
    """

    uid: bytes
    kind: Kind | None
    endpoint_id: int = 0

    @property
    def kind_name(self) -> str:
        """The kind of token in small letters, or ``update``."""
        return "update" if self.kind is None else self.kind.name.lower()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The newest token or update that was accepted for a subject.

    Attributes:
        sequence: its sequence number.
        token_sha256: hash of its bytes (of an update: of its manifest); the same number is accepted
            again only with the same bytes.
    """

    sequence: int
    token_sha256: bytes


class SequenceStore(Protocol):
    """Where accepted sequence numbers are kept. They outlive the containers."""

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        """The newest accepted token, or None if none ever was.

        Raises:
            SequenceStoreError: the store cannot be read.
        """
        ...

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        """Compare with what is recorded at this moment, and record all entries, or none.

        What was read before is no ground to record anything: others may use the same store.

        Raises:
            SequenceOvertaken: a newer token, or another one of the same number, was accepted.
            SequenceStoreError: they could not be recorded; nothing changed.
        """
        ...


class MemorySequenceStore:
    """A store that is forgotten with the process."""

    def __init__(self) -> None:
        self._newest: dict[SequenceSubject, Accepted] = {}

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        """See `SequenceStore.newest`."""
        return self._newest.get(subject)

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        """See `SequenceStore.accept`."""
        newest = dict(self._newest)
        for subject, accepted in entries:
            require_not_overtaken(newest.get(subject), accepted)
            newest[subject] = accepted
        self._newest = newest


def require_not_overtaken(recorded: Accepted | None, wanted: Accepted) -> None:
    """The rule of sequences: never back, and one number stands for one token (TC-TOK-18).

    Args:
        recorded: the newest accepted token; None if none ever was.
        wanted: the token that is to be accepted.

    Raises:
        SequenceOvertaken: the rule forbids it.
    """
    if recorded is None or wanted.sequence > recorded.sequence or wanted == recorded:
        return
    raise SequenceOvertaken(wanted.sequence, recorded.sequence)
