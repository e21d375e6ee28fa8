"""A device's state, recorded and played: what it gave back, and what it refused to keep.

A state answers its device like a clock or a driver, so the tape holds its answers. What it held
when the device began is the answer that `restore` gets. A replay opens no state file.

    {"newest": [...], "is": [...], "error": ""}    as of any memory of accepted tokens
    {"record": "...", "error": null}               the hash of a change, and whether it was kept
    {"contains": 2, "error": null}                 so many containers, each with a line and parts:
    {"container": 0, "uid": "box", ...}            its slot and more; sections are in parts
    {"kept_events": 12, "newest": 40, ...}         the number of the newest; the device uses no more
    {"set_aside": 0, "problem": "...", ...}        what cannot be restored, and whether it was kept

A failure is its class, file and problem; a replay raises it again, since the device tells it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from tinycontainer.jsonl import whole_number
from tinycontainer.metadata.codec import MAX_METADATA_BYTES, MAX_SECTION_BYTES
from tinycontainer.state import (
    MAX_COUNT,
    MAX_SLOTS,
    Boot,
    DeviceState,
    MemoryState,
    SetAside,
    StateChange,
    StateFileBusy,
    StateFileError,
    StateFileOwned,
    StoredContainer,
    StoredEvents,
)
from tinycontainer.text import show, unshow
from tinycontainer_tokens import Accepted, SequenceStoreError, SequenceSubject

from .parts import note_parts, read_parts
from .sequences import (
    MAX_PROBLEM_CHARACTERS,
    PlayedSequences,
    RecordedSequences,
    entries_as_lines,
    text,
)
from .tape import TapeReader, TapeWriter

_MAX_FILE_CHARACTERS: Final = 1000
_STATE_ERRORS: Final = {
    kind.__name__: kind for kind in (StateFileError, StateFileBusy, StateFileOwned)
}
_OTHER_ERROR: Final = SequenceStoreError.__name__
_MOST_BYTES: Final = (MAX_METADATA_BYTES, MAX_SECTION_BYTES, MAX_SECTION_BYTES)
_CONTAINER_KEYS: Final = frozenset(
    {"container", "uid", "sizes", "wants_to_run", "loops", "last_exit"}
)


class RecordedState:
    """Passes on what a state answers to its device, and writes it down.

    A device asks for nothing but what is written down here. What those around it ask for, such as
    how often it has booted, is passed on only: they are not repeated.

    Args:
        state: the state.
        tape: where everything is written.
    """

    def __init__(self, state: DeviceState, tape: TapeWriter) -> None:
        self._state = state
        self._tape = tape
        self._sequences = RecordedSequences(state, tape)

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        """See `SequenceStore.newest`."""
        return self._sequences.newest(subject)

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        """See `SequenceStore.accept`."""
        self.record(StateChange(accepted=tuple(entries)))

    def record(self, change: StateChange) -> None:
        """See `DeviceState.record`."""
        question = {"record": change_digest(change)}
        with self._noting(question):
            self._state.record(change)
        self._tape.note(**question, error=None)

    def containers(self) -> tuple[StoredContainer, ...]:
        """See `DeviceState.containers`."""
        with self._noting({"contains": 0}):
            found = self._state.containers()
        self._tape.note(contains=len(found), error=None)
        for entry in found:
            sections = entry.metadata, entry.code, entry.data
            self._tape.note(
                container=entry.slot,
                uid=show(entry.uid),
                sizes=[len(section) for section in sections],
                wants_to_run=entry.wants_to_run,
                loops=entry.loops,
                last_exit=entry.last_exit.hex(),
            )
            for section in sections:
                note_parts(self._tape, section)
        return found

    def events(self, since: int, most: int) -> StoredEvents:
        """See `DeviceState.events`."""
        question = {"kept_events": since, "most": most}
        with self._noting({**question, "newest": 0}):
            found = self._state.events(since, most)
        self._tape.note(**question, newest=found.newest, error=None)
        return found

    def set_aside(self, slot: int, problem: str) -> None:
        """See `DeviceState.set_aside`."""
        question = {"set_aside": slot, "problem": show(problem, MAX_PROBLEM_CHARACTERS)}
        with self._noting(question):
            self._state.set_aside(slot, problem)
        self._tape.note(**question, error=None)

    def close(self) -> None:
        """See `DeviceState.close`."""
        self._state.close()

    # What no device asks for.

    def begin_boot(self, now_s: int) -> Boot:
        """See `DeviceState.begin_boot`."""
        return self._state.begin_boot(now_s)

    def remembered(self) -> Boot:
        """See `DeviceState.remembered`."""
        return self._state.remembered()

    def event_chain(self, number: int) -> bytes:
        """See `DeviceState.event_chain`."""
        return self._state.event_chain(number)

    def answer(self, peer: bytes, request_id: bytes) -> bytes | None:
        """See `DeviceState.answer`."""
        return self._state.answer(peer, request_id)

    def device_id(self) -> bytes | None:
        """See `DeviceState.device_id`."""
        return self._state.device_id()

    def kept_aside(self) -> tuple[SetAside, ...]:
        """See `DeviceState.kept_aside`."""
        return self._state.kept_aside()

    @contextmanager
    def _noting(self, line: dict[str, Any]) -> Iterator[None]:
        """Let a failure be the end of a line."""
        try:
            yield
        except SequenceStoreError as error:
            failure = _describe(error)
            self._tape.note(**line, error=failure)
            # The device sees the words that a replay will see: cut to what a tape holds.
            raise _remake(failure) from error


class PlayedState(MemoryState):
    """Answers as a recorded state did; it keeps nothing.

    Args:
        tape: what was recorded.
    """

    def __init__(self, tape: TapeReader) -> None:
        super().__init__()
        self._tape = tape
        self._sequences = PlayedSequences(tape)

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        """See `SequenceStore.newest`."""
        return self._sequences.newest(subject)

    def record(self, change: StateChange) -> None:
        """See `DeviceState.record`."""
        self._ask({"record": change_digest(change)})

    def containers(self) -> tuple[StoredContainer, ...]:
        """See `DeviceState.containers`."""
        values = self._ask({}, "contains")
        count = self._tape.checked(_count_of_slots, values["contains"])
        found: list[StoredContainer] = []
        for _ in range(count):
            found.append(self._read_container(found[-1].slot + 1 if found else 0))
        return tuple(found)

    def events(self, since: int, most: int) -> StoredEvents:
        """See `DeviceState.events`; it has only the number of the newest."""
        values = self._ask({"kept_events": since, "most": most}, "newest")
        return StoredEvents(self._tape.checked(_number_of_event, values["newest"]), ())

    def set_aside(self, slot: int, problem: str) -> None:
        """See `DeviceState.set_aside`."""
        self._ask({"set_aside": slot, "problem": show(problem, MAX_PROBLEM_CHARACTERS)})

    def _ask(self, question: dict[str, Any], *answers: str) -> dict[str, Any]:
        values = self._tape.ask(question, *answers, "error")
        error = values["error"]
        if error is not None:
            raise self._tape.checked(_remake, error)
        return values

    def _read_container(self, least_slot: int) -> StoredContainer:
        values = self._tape.take()
        sizes = self._tape.checked(_sizes, values)
        entry = self._tape.checked(lambda line: _container(line, least_slot), values)
        metadata, code, data = (read_parts(self._tape, size) for size in sizes)
        return replace(entry, metadata=metadata, code=code, data=data)


def change_digest(change: StateChange) -> str:
    """The hash that stands for a change on a tape."""
    answer = change.answer
    line = [
        entries_as_lines(change.accepted),
        [
            [
                each.slot,
                show(each.uid),
                each.bundle_sha256().hex(),
                each.wants_to_run,
                each.loops,
                each.last_exit.hex(),
            ]
            for each in change.stored
        ],
        change.removed,
        change.now_s,
        [event.hex() for event in change.events],
        answer and [answer.peer.hex(), answer.request_id.hex(), answer.content.hex()],
        change.device_id and change.device_id.hex(),
    ]
    return hashlib.sha256(json.dumps(line).encode("ascii")).hexdigest()


def _describe(error: SequenceStoreError) -> list[str]:
    if isinstance(error, StateFileError) and type(error).__name__ in _STATE_ERRORS:
        file, problem = error.file[:_MAX_FILE_CHARACTERS], error.problem[:MAX_PROBLEM_CHARACTERS]
        return [type(error).__name__, file, problem]
    return [_OTHER_ERROR, "", str(error)[:MAX_PROBLEM_CHARACTERS]]


def _remake(failure: object) -> SequenceStoreError:
    match failure:
        case [str(name), str(file), str(problem)] if name in _STATE_ERRORS:
            return _STATE_ERRORS[name](file, problem)
        case [str(name), "", str(problem)] if name == _OTHER_ERROR:
            return SequenceStoreError(problem)
    raise ValueError("error: is no failure of a state")


def _count_of_slots(value: object) -> int:
    return whole_number(value, range(MAX_SLOTS + 1))


def _number_of_event(value: object) -> int:
    return whole_number(value, range(MAX_COUNT + 1))


def _sizes(values: dict[str, Any]) -> list[int]:
    if values.keys() != _CONTAINER_KEYS:
        raise ValueError("is no container of a state")
    sizes = values["sizes"]
    if not isinstance(sizes, list) or len(sizes) != len(_MOST_BYTES):
        raise ValueError("sizes: are not three")
    return [
        whole_number(size, range(most + 1)) for size, most in zip(sizes, _MOST_BYTES, strict=True)
    ]


def _container(values: dict[str, Any], least_slot: int) -> StoredContainer:
    """A container but for its sections."""
    wants_to_run = values["wants_to_run"]
    if type(wants_to_run) is not bool:
        raise ValueError("wants_to_run: is neither true nor false")
    return StoredContainer(
        slot=whole_number(values["container"], range(least_slot, MAX_SLOTS)),
        uid=unshow(text(values["uid"])),
        metadata=b"",
        code=b"",
        data=b"",
        wants_to_run=wants_to_run,
        loops=whole_number(values["loops"]),
        last_exit=bytes.fromhex(text(values["last_exit"])),
    )
