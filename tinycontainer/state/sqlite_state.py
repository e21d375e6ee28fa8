"""`SqliteState`: a state in one SQLite file."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tinycontainer_tokens import Accepted, Kind, SequenceSubject, require_not_overtaken

from .database import Database, StateFileError
from .event_chain import CHAIN_START, extend_chain
from .ownership import Ownership
from .remembered import (
    ANSWERED_PEERS,
    ANSWERS_PER_PEER,
    KEPT_EVENTS,
    Boot,
    SetAside,
    StateChange,
    StoredAnswer,
    StoredContainer,
    StoredEvent,
    StoredEvents,
    are_too_many_events,
    require_time,
    shorten_problem,
)
from .tables import (
    ACCEPTED,
    ANSWER,
    APPLIED,
    ASIDE,
    BOOT,
    CHAIN,
    CONTAINER,
    COUNTED_TO,
    EVENT,
    IDENTITY,
    CheckedTable,
    KnownRows,
    Values,
    Writing,
    rows_are_sound,
)

_READ_CONTAINERS: Final = (
    "SELECT slot, uid, metadata, code, data, wants_to_run, loops, last_exit"
    " FROM container JOIN bundle USING (bundle_sha256) ORDER BY slot"
)
_READ_ASIDE: Final = (
    "SELECT problem, slot, uid, metadata, code, data, wants_to_run, loops, last_exit"
    " FROM aside JOIN bundle USING (bundle_sha256) ORDER BY number"
)
_BUNDLE_COLUMN: Final = 2
"""Place of the bundle's hash in a row of a container."""
_NEWEST_EVENT: Final = "SELECT coalesce(max(number), 0) FROM event"
_READ_EVENTS: Final = "SELECT number, content FROM event WHERE number > ? ORDER BY number LIMIT ?"
_READ_KEPT_EVENTS: Final = "SELECT number, content FROM event ORDER BY number"
_NEWEST_ANSWER: Final = "SELECT coalesce(max(number), 0) FROM answer"
_OLD_ANSWERS: Final = (
    "SELECT request_id FROM answer WHERE peer = ? ORDER BY number DESC LIMIT -1 OFFSET ?"
)
_OLD_PEERS: Final = (
    "SELECT peer FROM answer GROUP BY peer ORDER BY max(number) DESC LIMIT -1 OFFSET ?"
)
_ANSWERS_OF: Final = "SELECT request_id FROM answer WHERE peer = ?"


class SqliteState:
    """A state in a file.

    Args:
        path: the file; it is made when there is something to record.
        ownership: whether this device owns the file, from now until `close`; or shares its
            sequences with others, from its first acceptance until `close`. Each excludes the
            other (ADR 27).
        is_reader: never make or change the file; others may own it meanwhile.

    Raises:
        StateFileOwned: another device owns the file.
        StateFileError: the file exists and cannot be used.
    """

    def __init__(
        self,
        path: Path,
        ownership: Ownership = Ownership.SHARED,
        *,
        is_reader: bool = False,
    ) -> None:
        # A reader is refused by its database, whatever it wants to write.
        self._writes_sequences_only = ownership is Ownership.SHARED and not is_reader
        self._database = Database(path, rows_are_sound, ownership=ownership, is_reader=is_reader)
        # Nobody else writes to an owner's file, so what it read stays true as long as it owns it.
        is_sole_writer = ownership is Ownership.SOLE and not is_reader
        self._known: KnownRows | None = {} if is_sole_writer else None
        self._known_since = self._database.lock.taken
        self._kept_events: deque[StoredEvent] = deque()
        self._kept_event_bytes = 0
        self._hashes: dict[int, tuple[tuple[bytes, bytes, bytes], bytes]] = {}

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        """See `SequenceStore.newest`."""
        table, key = _place_of(subject)
        if self._known is None or not self._owns_what_it_knows():
            return _newest(self._read_row(table, key))
        if (table.name, key) not in self._known:
            self._known[table.name, key] = self._read_row(table, key)
        return _newest(self._known[table.name, key])

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        """See `SequenceStore.accept`."""
        self.record(StateChange(accepted=tuple(entries)))

    def record(self, change: StateChange) -> None:
        """See `DeviceState.record`."""
        if not change.is_of_sequences_only:
            self._require_owner()
        elif not change.accepted:
            return
        with self._writing() as writing:
            for subject, accepted in change.accepted:
                _put_accepted(writing, subject, accepted)
            self._put_containers(writing, change)
            _put_time(writing, change.now_s)
            self._put_events(writing, change.events)
            if change.answer is not None:
                _put_answer(writing, change.answer)
            if change.device_id is not None:
                writing.put(IDENTITY, 0, change.device_id)

    def containers(self) -> tuple[StoredContainer, ...]:
        """See `DeviceState.containers`."""
        return tuple(_container(row) for row in self._database.read(_READ_CONTAINERS))

    def begin_boot(self, now_s: int) -> Boot:
        """See `DeviceState.begin_boot`."""
        require_time(now_s)
        self._require_owner()
        with self._writing() as writing:
            before = _boot(writing.find(BOOT, 0))
            boot = Boot(before.count + 1, max(before.time_s, now_s))
            writing.put(BOOT, 0, boot.count, boot.time_s)
        return boot

    def set_time(self, time_s: int) -> Boot:
        """Set the remembered time, also back: a clock that once ran ahead is mended.

        Args:
            time_s: Unix seconds.

        Returns:
            What was remembered before.
        """
        require_time(time_s)
        self._require_owner()
        with self._writing() as writing:
            before = _boot(writing.find(BOOT, 0))
            writing.put(BOOT, 0, before.count, time_s)
        return before

    def remembered(self) -> Boot:
        """See `DeviceState.remembered`."""
        return _boot(self._read_row(BOOT, (0,)))

    def events(self, since: int, most: int) -> StoredEvents:
        """See `DeviceState.events`."""
        bounds = min(max(0, since), COUNTED_TO), min(max(0, most), KEPT_EVENTS)
        rows = self._database.read(_READ_EVENTS, bounds)
        newest = max((number for (number,) in self._database.read(_NEWEST_EVENT)), default=0)
        return StoredEvents(newest, tuple(StoredEvent(number, content) for number, content in rows))

    def event_chain(self, number: int) -> bytes:
        """See `DeviceState.event_chain`."""
        covered = (event for event in self.events(0, KEPT_EVENTS).entries if event.number <= number)
        return extend_chain(_chain(self._read_row(CHAIN, (0,))), covered)

    def answer(self, peer: bytes, request_id: bytes) -> bytes | None:
        """See `DeviceState.answer`."""
        for *_, content, _checksum in self._database.read(ANSWER.read, (peer, request_id)):
            found: bytes = content
            return found
        return None

    def device_id(self) -> bytes | None:
        """See `DeviceState.device_id`."""
        row = self._read_row(IDENTITY, (0,))
        return None if row is None else row[1]

    def set_aside(self, slot: int, problem: str) -> None:
        """See `DeviceState.set_aside`."""
        self._require_owner()
        with self._writing() as writing:
            rows = writing.read(CONTAINER.read, (slot,))
            if not rows:
                raise ValueError(f"slot {slot} is empty")
            kept = (*rows[0][:-1], shorten_problem(problem).encode("ascii"))
            others = [other[:-1] for other in writing.read(ASIDE.read_all)]
            if kept not in [other[1:] for other in others]:
                newest = others[-1][0] if others else 0
                writing.put(ASIDE, newest + 1, *kept)
            writing.remove(CONTAINER, slot)

    def kept_aside(self) -> tuple[SetAside, ...]:
        """See `DeviceState.kept_aside`."""
        rows = self._database.read(_READ_ASIDE)
        return tuple(SetAside(_container(row), _problem(content)) for content, *row in rows)

    def sequences(self) -> tuple[tuple[SequenceSubject, Accepted], ...]:
        """The newest accepted token of every subject, by uid, kind and endpoint."""
        return tuple(
            (
                SequenceSubject(uid, Kind(kind), endpoint_id),
                Accepted(int.from_bytes(number, "big"), token_sha256),
            )
            for uid, kind, endpoint_id, number, token_sha256, _ in self._database.read(
                ACCEPTED.read_all
            )
        )

    def updates(self) -> tuple[tuple[bytes, Accepted], ...]:
        """The newest update of every container, by uid."""
        return tuple(
            (uid, Accepted(int.from_bytes(number, "big"), digest))
            for uid, number, digest, _ in self._database.read(APPLIED.read_all)
        )

    def close(self) -> None:
        """See `DeviceState.close`. The next use opens the file again."""
        self._database.close()

    def _require_owner(self) -> None:
        if self._writes_sequences_only:
            raise StateFileError(
                self._database.name, "is used for sequences only; open it as its owner"
            )

    def _owns_what_it_knows(self) -> bool:
        lock = self._database.lock
        return lock.is_held and lock.taken == self._known_since

    @contextmanager
    def _writing(self) -> Iterator[Writing]:
        try:
            with self._database.transaction() as connection:
                if self._known is not None and not self._owns_what_it_knows():
                    self._forget()  # meanwhile another may have owned the file
                    self._known_since = self._database.lock.taken
                writing = Writing(connection, self._known)
                yield writing
                writing.seal()
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        """Forget what was read of the file."""
        self._kept_events.clear()
        if self._known is not None:
            self._known.clear()

    def _read_row(self, table: CheckedTable, key: Values) -> Values | None:
        found = self._database.read(table.read, key)
        return found[0][:-1] if found else None

    def _put_containers(self, writing: Writing, change: StateChange) -> None:
        left = []
        for slot in change.removed:
            before = writing.find(CONTAINER, slot)
            left += [] if before is None else [before[_BUNDLE_COLUMN]]
            writing.remove(CONTAINER, slot)
        for stored in change.stored:
            before = writing.find(CONTAINER, stored.slot)
            bundle_sha256 = self._hash_of(stored)
            if before is None or before[_BUNDLE_COLUMN] != bundle_sha256:
                writing.put_bundle(bundle_sha256, stored.metadata, stored.code, stored.data)
                left += [] if before is None else [before[_BUNDLE_COLUMN]]
            row = (
                stored.slot,
                stored.uid,
                bundle_sha256,
                int(stored.wants_to_run),
                stored.loops,
                stored.last_exit,
            )
            writing.put(CONTAINER, *row)
        for bundle_sha256 in left:
            writing.remove_bundle(bundle_sha256)

    def _put_events(self, writing: Writing, contents: tuple[bytes, ...]) -> None:
        if not contents:
            return
        kept = self._kept_events
        if not kept:
            kept.extend(StoredEvent(*row) for row in writing.read(_READ_KEPT_EVENTS))
            self._kept_event_bytes = sum(len(event.content) for event in kept)
        for content in contents:
            number = kept[-1].number + 1 if kept else 1
            kept.append(StoredEvent(number, content))
            self._kept_event_bytes += len(content)
            writing.put(EVENT, number, content)
        gone = []
        while are_too_many_events(len(kept), self._kept_event_bytes):
            gone.append(kept.popleft())
            self._kept_event_bytes -= len(gone[-1].content)
            writing.remove(EVENT, gone[-1].number)
        if gone:
            writing.put(CHAIN, 0, extend_chain(_chain(writing.find(CHAIN, 0)), gone))

    def _hash_of(self, stored: StoredContainer) -> bytes:
        """The hash of its bundle; the sections of a slot that stay as they are keep theirs."""
        sections = (stored.metadata, stored.code, stored.data)
        known = self._hashes.get(stored.slot)
        if known is not None and known[0] == sections:
            return known[1]
        found = stored.bundle_sha256()
        self._hashes[stored.slot] = sections, found
        return found


def _newest(row: Values | None) -> Accepted | None:
    if row is None:
        return None
    *_, number, token_sha256 = row
    return Accepted(int.from_bytes(number, "big"), token_sha256)


def _place_of(subject: SequenceSubject) -> tuple[CheckedTable, Values]:
    """Where the newest number of a subject is kept: updates have a table of their own."""
    if subject.kind is None:
        return APPLIED, (subject.uid,)
    return ACCEPTED, (subject.uid, int(subject.kind), subject.endpoint_id)


def _put_accepted(writing: Writing, subject: SequenceSubject, accepted: Accepted) -> None:
    table, key = _place_of(subject)
    require_not_overtaken(_newest(writing.find(table, *key)), accepted)
    writing.put(table, *key, accepted.sequence.to_bytes(8, "big"), accepted.token_sha256)


def _put_time(writing: Writing, now_s: int) -> None:
    before = _boot(writing.find(BOOT, 0))
    if now_s > before.time_s:
        writing.put(BOOT, 0, before.count, now_s)


def _put_answer(writing: Writing, answer: StoredAnswer) -> None:
    ((newest,),) = writing.read(_NEWEST_ANSWER)
    writing.put(ANSWER, answer.peer, answer.request_id, newest + 1, answer.content)
    for (request_id,) in writing.read(_OLD_ANSWERS, (answer.peer, ANSWERS_PER_PEER)):
        writing.remove(ANSWER, answer.peer, request_id)
    for (peer,) in writing.read(_OLD_PEERS, (ANSWERED_PEERS,)):
        for (request_id,) in writing.read(_ANSWERS_OF, (peer,)):
            writing.remove(ANSWER, peer, request_id)


def _chain(row: Values | None) -> bytes:
    return CHAIN_START if row is None else row[1]


def _boot(row: Values | None) -> Boot:
    if row is None:
        return Boot()
    _, count, time_s = row
    return Boot(count, time_s)


def _problem(content: bytes) -> str:
    # Who can write to the file can put anything there, also what a terminal would obey.
    return shorten_problem(content.decode("ascii", "backslashreplace"))


def _container(row: Any) -> StoredContainer:
    slot, uid, metadata, code, data, wants_to_run, loops, last_exit = row
    return StoredContainer(slot, uid, metadata, code, data, bool(wants_to_run), loops, last_exit)
