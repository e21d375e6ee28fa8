"""The memory of accepted tokens, recorded and played."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from tinycontainer.jsonl import whole_number
from tinycontainer.text import show
from tinycontainer_tokens import Accepted, SequenceStore, SequenceStoreError, SequenceSubject

from .tape import TapeReader, TapeWriter

MAX_PROBLEM_CHARACTERS: Final = 1000
_SHA256_BYTES: Final = 32


class RecordedSequences:
    """Passes on what a memory answers, and writes it down.

    Args:
        store: the memory.
        tape: where everything is written.
    """

    def __init__(self, store: SequenceStore, tape: TapeWriter) -> None:
        self._store = store
        self._tape = tape

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        """See `SequenceStore.newest`."""
        found = None
        with self._noting_failure(newest=subject_as_line(subject), **{"is": None}):
            found = self._store.newest(subject)
        answer = None if found is None else [found.sequence, found.token_sha256.hex()]
        self._tape.note(newest=subject_as_line(subject), **{"is": answer}, error="")
        return found

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        """See `SequenceStore.accept`."""
        taken = tuple(entries)
        with self._noting_failure(accept=entries_digest(taken)):
            self._store.accept(taken)
        self._tape.note(accept=entries_digest(taken), error="")

    @contextmanager
    def _noting_failure(self, **question: object) -> Iterator[None]:
        try:
            yield
        except SequenceStoreError as error:
            # The device sees the words that a replay will see: cut to what a tape holds.
            problem = str(error)[:MAX_PROBLEM_CHARACTERS]
            self._tape.note(**question, error=problem)
            raise SequenceStoreError(problem) from error


class PlayedSequences:
    """Answers as a recorded memory did.

    Args:
        tape: what was recorded.
    """

    def __init__(self, tape: TapeReader) -> None:
        self._tape = tape

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        """See `SequenceStore.newest`."""
        values = self._tape.ask({"newest": subject_as_line(subject)}, "is", "error")
        self._raise_recorded(values)
        return self._tape.checked(_accepted, values["is"])

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        """See `SequenceStore.accept`."""
        values = self._tape.ask({"accept": entries_digest(entries)}, "error")
        self._raise_recorded(values)

    def _raise_recorded(self, values: Mapping[str, Any]) -> None:
        error = self._tape.checked(text, values["error"])
        if error:
            raise SequenceStoreError(error)


def subject_as_line(subject: SequenceSubject) -> list[object]:
    """The values that stand for a subject on a tape."""
    return [show(subject.uid), int(subject.kind or 0), subject.endpoint_id]


def entries_as_lines(
    entries: Iterable[tuple[SequenceSubject, Accepted]],
) -> list[list[object]]:
    """The values of accepted entries."""
    return [
        [*subject_as_line(subject), accepted.sequence, accepted.token_sha256.hex()]
        for subject, accepted in entries
    ]


def entries_digest(entries: Iterable[tuple[SequenceSubject, Accepted]]) -> str:
    """The hash that stands for accepted entries on a tape."""
    return hashlib.sha256(json.dumps(entries_as_lines(entries)).encode("ascii")).hexdigest()


def text(value: object) -> str:
    """Check that a value is text.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, str):
        raise ValueError("is no text")
    return value


def _accepted(value: object) -> Accepted | None:
    match value:
        case None:
            return None
        case [sequence, str(digits)]:
            digest = bytes.fromhex(digits)
            if len(digest) != _SHA256_BYTES:
                raise ValueError("is: the hash has not 32 bytes")
            return Accepted(whole_number(sequence, range(1 << 64)), digest)
    raise ValueError("is: neither null nor a sequence and a hash")
