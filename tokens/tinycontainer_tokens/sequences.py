"""Memory of accepted sequence numbers, so that an older token cannot come back."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .claims import MAX_UID_BYTES, SHA256_BYTES
from .errors import SequenceFileError
from .kinds import Kind

MAX_FILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SequenceSubject:
    """What a sequence counts versions of.

    Attributes:
        uid: uid of the container.
        kind: kind of the token.
        endpoint_id: which endpoint, for an endpoint token; 0 otherwise.
    """

    uid: bytes
    kind: Kind
    endpoint_id: int = 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """The newest token that was accepted for a subject.

    Attributes:
        sequence: its sequence number.
        token_sha256: hash of its bytes; the same number is accepted again only with the same bytes.
    """

    sequence: int
    token_sha256: bytes


class SequenceStore(Protocol):
    """Where accepted sequence numbers are kept. They outlive the containers."""

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        """The newest accepted token, or None if none ever was."""
        ...

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        """Record all entries, or none.

        Raises:
            SequenceFileError: they could not be recorded; nothing changed.
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
        self._newest.update(entries)


class FileSequenceStore:
    """A store in a JSON file, replaced as a whole at each change.

    Devices in several processes may share one file: none loses what another has recorded, and
    what another has overtaken is not recorded.

    Args:
        path: the file; it is made at the first acceptance.

    Raises:
        SequenceFileError: the file exists and is not one that this class wrote.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest = _read(path)

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        """See `SequenceStore.newest`."""
        return self._newest.get(subject)

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        """See `SequenceStore.accept`."""
        wanted = dict(entries)
        if self._newest | wanted == self._newest:
            return
        with _locked(self._path):
            recorded = _read(self._path)
            for subject, accepted in wanted.items():
                _require_not_overtaken(recorded.get(subject), accepted)
            _write(self._path, recorded | wanted)
        self._newest = recorded | wanted


def _require_not_overtaken(recorded: Accepted | None, wanted: Accepted) -> None:
    if recorded is not None and recorded.sequence > wanted.sequence:
        raise SequenceFileError(
            f"sequence {wanted.sequence} was overtaken by {recorded.sequence}, which another"
            " process accepted"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        # The directory is locked, not the file: the file is replaced by another one.
        directory = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise SequenceFileError(f"the sequence file cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _read(path: Path) -> dict[SequenceSubject, Accepted]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SequenceFileError(f"the sequence file cannot be read: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise SequenceFileError(f"the sequence file has more than {MAX_FILE_BYTES} bytes")
    try:
        return _parse(json.loads(content))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise SequenceFileError("the sequence file is not one that this program wrote") from None


def _parse(values: dict[str, list[dict[str, object]]]) -> dict[SequenceSubject, Accepted]:
    if set(values) != {"accepted"}:
        raise ValueError
    rows = [_entry(row) for row in values["accepted"]]
    newest = dict(rows)
    if len(newest) != len(rows):
        raise ValueError
    return newest


def _entry(row: dict[str, object]) -> tuple[SequenceSubject, Accepted]:
    uid = bytes.fromhex(str(row["uid"]))
    digest = bytes.fromhex(str(row["token_sha256"]))
    endpoint_id = row["endpoint_id"]
    sequence = row["sequence"]
    if type(endpoint_id) is not int or type(sequence) is not int:
        raise TypeError
    subject = SequenceSubject(uid, Kind[str(row["kind"])], endpoint_id)
    accepted = Accepted(sequence, digest)
    # What was written reads back to itself; anything else was not written here.
    if row != _row(subject, accepted):
        raise ValueError
    if not (1 <= len(uid) <= MAX_UID_BYTES and len(digest) == SHA256_BYTES):
        raise ValueError
    if not (0 <= endpoint_id < 1 << 32 and 0 <= sequence < 1 << 64):
        raise ValueError
    return subject, accepted


def _row(subject: SequenceSubject, accepted: Accepted) -> dict[str, object]:
    return {
        "uid": subject.uid.hex(),
        "kind": subject.kind.name,
        "endpoint_id": subject.endpoint_id,
        "sequence": accepted.sequence,
        "token_sha256": accepted.token_sha256.hex(),
    }


def _write(path: Path, newest: dict[SequenceSubject, Accepted]) -> None:
    rows = [_row(subject, accepted) for subject, accepted in newest.items()]
    content = json.dumps({"accepted": rows}, indent=1)
    if len(content) > MAX_FILE_BYTES:
        raise SequenceFileError(f"the sequence file would have more than {MAX_FILE_BYTES} bytes")
    draft = path.with_name(path.name + ".new")
    try:
        with draft.open("w", encoding="ascii") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise SequenceFileError(f"the sequence file cannot be written: {error.strerror}") from error
