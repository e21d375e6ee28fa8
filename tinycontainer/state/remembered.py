"""What a device remembers, as values: each is within its bounds, or it is not made."""

import hashlib
from dataclasses import dataclass
from typing import Final

from tinycontainer.metadata import Bundle
from tinycontainer.metadata.codec import MAX_METADATA_BYTES, MAX_SECTION_BYTES
from tinycontainer.text import flatten
from tinycontainer_tokens import Accepted, SequenceSubject
from tinycontainer_tokens.claims import MAX_UID_BYTES

MAX_SLOTS: Final = 10_000
MAX_LAST_EXIT_BYTES: Final = 256
MAX_COUNT: Final = (1 << 63) - 1
"""The largest integer of SQLite."""
LAST_S: Final = 253_402_300_799
"""The last second of the year 9999, in Unix seconds."""
MAX_EVENT_BYTES: Final = 1024
KEPT_EVENTS: Final = 256
KEPT_EVENT_BYTES: Final = 64 * 1024
MAX_PEER_BYTES: Final = 64
REQUEST_ID_BYTES: Final = 8
MAX_ANSWER_BYTES: Final = 4096
ANSWERS_PER_PEER: Final = 64
ANSWERED_PEERS: Final = 32
MAX_PROBLEM_BYTES: Final = 1024
MAX_DEVICE_ID_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class StoredContainer:
    """A container in its slot.

    Attributes:
        slot: its place on the device, from 0.
        uid: 1 to 63 bytes, as its metadata has it.
        metadata, code, data: its sections.
        wants_to_run: whether it was started, and was not stopped and did not end by itself since.
        loops: of its start in progress, so that its lifetime goes on; 0 if it is not to run.
        last_exit: how its last start ended, in a form that the state does not know; or empty.

    Raises:
        ValueError: one of them is beyond its bounds.
    """

    slot: int
    uid: bytes
    metadata: bytes
    code: bytes
    data: bytes
    wants_to_run: bool = False
    loops: int = 0
    last_exit: bytes = b""

    def __post_init__(self) -> None:
        _require("slot", self.slot, 0, MAX_SLOTS - 1)
        _require("bytes of the uid", len(self.uid), 1, MAX_UID_BYTES)
        _require("bytes of metadata", len(self.metadata), 0, MAX_METADATA_BYTES)
        _require("bytes of code", len(self.code), 0, MAX_SECTION_BYTES)
        _require("bytes of data", len(self.data), 0, MAX_SECTION_BYTES)
        _require("loops", self.loops, 0, MAX_COUNT)
        _require("bytes of the last exit", len(self.last_exit), 0, MAX_LAST_EXIT_BYTES)

    def bundle_sha256(self) -> bytes:
        """The hash of its bundle, which is that of the file that `pack` makes."""
        return hash_bundle(self.metadata, self.code, self.data)


@dataclass(frozen=True, slots=True)
class Boot:
    """How often the device has booted, and the latest time that it remembers.

    Attributes:
        count: 0 before the first boot.
        time_s: Unix seconds; device time is never before it.
    """

    count: int = 0
    time_s: int = 0

    def __post_init__(self) -> None:
        _require("boots", self.count, 0, MAX_COUNT)
        require_time(self.time_s)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event of the past.

    Attributes:
        number: events are numbered on from 1, also those that are no longer kept.
        content: at most 1,024 bytes.
    """

    number: int
    content: bytes


@dataclass(frozen=True, slots=True)
class StoredEvents:
    """Events that were asked for.

    Attributes:
        newest: the number of the newest of all events; 0 if there never was one.
        entries: the oldest first.
    """

    newest: int
    entries: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the device answered to a request that changed it, for when the request comes again.

    Attributes:
        peer: who asked: 1 to 64 bytes.
        request_id: 8 bytes.
        content: at most 4,096 bytes.
    """

    peer: bytes
    request_id: bytes
    content: bytes

    def __post_init__(self) -> None:
        _require("bytes of the peer", len(self.peer), 1, MAX_PEER_BYTES)
        _require(
            "bytes of the request id", len(self.request_id), REQUEST_ID_BYTES, REQUEST_ID_BYTES
        )
        _require("bytes of the answer", len(self.content), 0, MAX_ANSWER_BYTES)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A container that could not be restored.

    Attributes:
        container: as it was in its slot.
        problem: why it could not be restored, in one line of ASCII.
    """

    container: StoredContainer
    problem: str


@dataclass(frozen=True, slots=True)
class StateChange:
    """What is recorded together: all of it, or nothing.

    Attributes:
        accepted: sequences of accepted tokens and updates.
        stored: containers; each replaces what is in its slot.
        removed: slots that become empty.
        now_s: device time in Unix seconds; remembered if it is later than what is.
        events: added to those that are kept: the last 256, of at most 64 KiB together.
        answer: added to those that are kept: the last 64 of each of the last 32 peers.
        device_id: 1 to 64 bytes that take the place of the identifier of before; None to keep it.

    Raises:
        ValueError: something is beyond its bounds, or a slot is named twice.
    """

    accepted: tuple[tuple[SequenceSubject, Accepted], ...] = ()
    stored: tuple[StoredContainer, ...] = ()
    removed: tuple[int, ...] = ()
    now_s: int = 0
    events: tuple[bytes, ...] = ()
    answer: StoredAnswer | None = None
    device_id: bytes | None = None

    def __post_init__(self) -> None:
        slots = [container.slot for container in self.stored] + list(self.removed)
        if len(set(slots)) < len(slots):
            raise ValueError("a change names each slot once at most")
        require_time(self.now_s)
        if self.device_id is not None:
            _require("bytes of the device's id", len(self.device_id), 1, MAX_DEVICE_ID_BYTES)
        for event in self.events:
            _require("bytes of the event", len(event), 0, MAX_EVENT_BYTES)

    @property
    def is_of_sequences_only(self) -> bool:
        """Whether it has no part that only the owner of a state may record."""
        others = (self.stored, self.removed, self.now_s, self.events, self.answer, self.device_id)
        return not any(others)


def hash_bundle(metadata: bytes, code: bytes, data: bytes) -> bytes:
    """SHA-256 of the bundle of these sections."""
    return hashlib.sha256(Bundle(metadata, data, code).encode()).digest()


def require_time(time_s: int) -> None:
    """Accept a device time.

    Raises:
        ValueError: it lies before 1970 or after the year 9999.
    """
    _require("time in Unix seconds", time_s, 0, LAST_S)


def shorten_problem(problem: str) -> str:
    """A problem as it is kept: one line of ASCII within its bounds."""
    return flatten(problem)[:MAX_PROBLEM_BYTES]


def are_too_many_events(count: int, all_bytes: int) -> bool:
    """Whether the oldest of these events is no longer kept.

    Args:
        count: how many there are.
        all_bytes: bytes of all of them together.
    """
    return count > KEPT_EVENTS or all_bytes > KEPT_EVENT_BYTES


def _require(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name}: {value} is not {least} to {most}")
