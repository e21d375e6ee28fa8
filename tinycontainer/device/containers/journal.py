"""What the device's state gets to know of containers: each change before it is made (TC-STATE-14).

What a container will be after a boot is read from the container itself (`remembered`). Loops and
ends that nobody asked for are recorded later, at most `SYNC_NS` after they happened.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final, TypeAlias

from tinycontainer.interfaces.clock import NS_PER_MS
from tinycontainer.interfaces.runtime import FUNCTION_NUMBERS, Hook, TrapFrame
from tinycontainer.state import (
    LAST_S,
    MAX_COUNT,
    MAX_LAST_EXIT_BYTES,
    DeviceState,
    StateChange,
    StoredAnswer,
    StoredContainer,
)
from tinycontainer.trace import TraceEvent, Tracer
from tinycontainer_tokens import Accepted, SequenceStore, SequenceStoreError, SequenceSubject

from .container import Container, Exit, ExitReason
from .lifecycle import Event, State
from .memory import Section
from .milestones import Milestones

SYNC_NS: Final = 10_000 * NS_PER_MS
"""Device time after which loops are recorded at the latest."""

AcceptedTokens: TypeAlias = Iterable[tuple[SequenceSubject, Accepted]]
AfterChange: TypeAlias = Callable[[], "Iterable[StoredContainer | int]"]
"""What a change leaves in slots: containers, and the numbers of slots that are empty then."""


Told: TypeAlias = Callable[[], Sequence[TraceEvent]]
"""The milestones that tell of a change."""


class Journal:
    """Records changes in the state of a device, if it has one that remembers containers.

    Args:
        sequences: what was accepted before; the state itself, if there is one.
        state: what remembers containers; None if nothing does.
        epoch_s: the device's time in Unix seconds.
        tracer: hands on the milestones of a device that remembers.

    Attributes:
        is_behind: whether something has happened to a container that nobody asked for: it has
            ended, or it took the place of another and was started.
        is_closed: whether nothing is recorded any more.
        answer: recorded together with the next change that is asked for; None for none.
    """

    def __init__(
        self,
        sequences: SequenceStore,
        state: DeviceState | None,
        epoch_s: Callable[[], int],
        tracer: Tracer,
    ) -> None:
        self._sequences = sequences
        self._state = state
        self._epoch_s = epoch_s
        self._recorded: dict[int, StoredContainer | None] = {}
        self._next_sync_ns = SYNC_NS
        self._milestones = Milestones(epoch_s)
        self._newest_event: int | None = None
        self._in_doubt: tuple[Sequence[TraceEvent], int] | None = None
        self._tracer = tracer
        if state is not None:
            tracer.keep_milestones(self._milestones.note)
        self.is_behind = False
        self.is_closed = False
        self.answer: StoredAnswer | None = None

    def record(
        self, accepted: AcceptedTokens, after: AfterChange | None, told: Told | None = None
    ) -> None:
        """Record what was accepted and what slots hold next, in one transaction.

        Args:
            accepted: the tokens and updates.
            after: what slots hold next; None if that stays as it is recorded.
            told: the milestones that tell of it; None for none.

        Raises:
            SequenceStoreError: it cannot be recorded; nothing has changed.
        """
        accepted = tuple(accepted)
        # The store judges once more: another device may have accepted a newer token meanwhile.
        if self._state is None:
            if accepted:
                self._sequences.accept(accepted)
            return
        slots = () if after is None else tuple(after())
        events = () if told is None else told()
        stored = tuple(each for each in slots if isinstance(each, StoredContainer))
        removed = tuple(each for each in slots if not isinstance(each, StoredContainer))
        if accepted or slots or self.answer is not None:
            self._write(accepted, stored, removed, events)

    def is_due(self, now_ns: int) -> bool:
        """Whether something has changed by itself that should be recorded now."""
        return self._state is not None and (self.is_behind or now_ns >= self._next_sync_ns)

    def wake_ns(self, containers: Iterable[Container], until_ns: int) -> int:
        """How long the device may sleep: what is not recorded yet must not wait too long.

        Args:
            containers: all that are loaded.
            until_ns: when there is something else to be done.
        """
        if self._state is None or until_ns <= self._next_sync_ns:
            return until_ns
        is_recorded = not self._milestones.pending and all(
            entry is None or self._recorded.get(entry.slot) == entry
            for entry in map(remembered, containers)
        )
        return until_ns if is_recorded else self._next_sync_ns

    def require_time(self) -> None:
        """Let the time be recorded with the next that is: a token has expired, and stays so."""
        self._next_sync_ns = 0

    def sync(self, containers: Iterable[Container], now_ns: int, *, time_too: bool = False) -> None:
        """Record all that is not recorded yet.

        Args:
            containers: all that are loaded.
            now_ns: the time.
            time_too: whether to record the time even if nothing else has changed.

        Raises:
            SequenceStoreError: it cannot be recorded.
        """
        if self._state is None:
            return
        found = [remembered(container) for container in containers]
        entries = {entry.slot: entry for entry in found if entry is not None}
        gone = tuple(slot for slot in self._recorded if slot not in entries)
        is_new = any(self._recorded.get(entry.slot) != entry for entry in entries.values())
        is_due = now_ns >= self._next_sync_ns
        if is_new or gone or time_too or is_due or self._milestones.pending:
            self._write((), tuple(entries.values()), gone)
            self._next_sync_ns = now_ns + SYNC_NS
        self.is_behind = False

    def record_milestones(self) -> None:
        """Record the milestones that are not recorded yet.

        Raises:
            SequenceStoreError: they cannot be recorded.
        """
        if self._milestones.pending or self.is_closed:
            self._write((), (), ())

    def find_out(self) -> None:
        """Find out whether milestones are recorded whose recording was interrupted (ADR 21).

        Otherwise they would be recorded twice. If the state cannot tell, they are.
        """
        if self._in_doubt is None or self._state is None or self.is_closed:
            return
        told, before = self._in_doubt
        with suppress(SequenceStoreError):
            newest = self._state.events(0, 0).newest
            if newest > before:
                self._conclude(told, newest)
        self._in_doubt = None

    def begin_change(self) -> None:
        """Another change begins; what was marked of those before is over."""
        self._milestones.forget_marked()

    def tell_again(self) -> None:
        """What was recorded of an interrupted change may be marked a second time."""
        self._milestones.tell_again()

    def forget_told(self) -> None:
        """What milestones were recorded of is made, or never will be."""
        self._milestones.forget_told()

    @contextmanager
    def _in_doubt_about(self, change: StateChange) -> Iterator[None]:
        """After an interrupt nobody knows what these slots hold: then all is written again."""
        before = dict(self._recorded)
        slots = [entry.slot for entry in change.stored]
        self._recorded.update(dict.fromkeys([*slots, *change.removed]))
        try:
            yield
        except Exception:
            self._recorded = before
            raise

    def _write_with_events(
        self, state: DeviceState, change: StateChange, told: Sequence[TraceEvent]
    ) -> None:
        if self._newest_event is None:
            self._newest_event = state.events(0, 0).newest
        self._in_doubt = told, self._newest_event
        try:
            state.record(change)
        except Exception:
            self._in_doubt = self._newest_event = None
            raise
        self._conclude(told, self._newest_event + len(change.events))

    def _conclude(self, told: Sequence[TraceEvent], newest_event: int) -> None:
        self._newest_event = newest_event
        self._milestones.recorded(told)
        self._in_doubt = None

    def has(self, entry: StoredContainer) -> bool:
        """Whether the device has what is recorded in this slot."""
        return entry.slot in self._recorded

    def restored(self, entry: StoredContainer) -> None:
        """A container lies in its slot again, as it is recorded."""
        self._recorded[entry.slot] = entry

    def _write(
        self,
        accepted: tuple[tuple[SequenceSubject, Accepted], ...],
        stored: tuple[StoredContainer, ...],
        removed: tuple[int, ...],
        told: Sequence[TraceEvent] = (),
    ) -> None:
        if self._state is None:
            return
        if self.is_closed:  # what it knows may be old: another device may have owned the state
            raise SequenceStoreError("the device is closed, and has let its state go")
        changed = tuple(entry for entry in stored if self._recorded.get(entry.slot) != entry)
        now_s = min(self._epoch_s(), LAST_S)
        events = [*self._milestones.pending]
        for event in told:
            event.at_ns = self._tracer.now_ns()
            events.append(self._milestones.encode(event))
        change = StateChange(accepted, changed, removed, now_s, tuple(events), self.answer)
        with self._in_doubt_about(change):
            if events:
                self._write_with_events(self._state, change, told)
            else:
                self._state.record(change)
        self.answer = None
        for entry in changed:
            self._recorded[entry.slot] = entry
        for slot in removed:
            self._recorded.pop(slot, None)


def remembered(container: Container) -> StoredContainer | None:
    """What a container is to be after a boot; None if it is to be gone."""
    if container.successor is not None:
        return remembered(container.successor)
    if container.is_leaving:
        return None
    succession = container.succession
    if succession is not None and succession.predecessor is not None:
        # Until it is confirmed, a boot brings the version of before back.
        return describe(succession.predecessor, wants_to_run=container.predecessor_starts)
    return describe(container, wants_to_run=container.wants_to_run)


def after_event(container: Container, event: Event, end: Exit | None) -> StoredContainer | int:
    """What a container's slot is to hold after a boot, once it was started, stopped or deleted.

    Args:
        container: it.
        event: what happens to it: one of management's events.
        end: the end of its start.
    """
    if event is Event.DELETE:
        return container.slot.number
    entry = remembered(container)
    if entry is None:
        return container.slot.number
    if event is Event.START:
        return replace(entry, wants_to_run=True, loops=0)
    if container.state is not State.RUNNING:
        return entry  # to kill what winds down changes neither its end nor what follows it
    return replace(entry, wants_to_run=False, loops=0, last_exit=_encode_exit(end))


def describe(container: Container, *, wants_to_run: bool) -> StoredContainer:
    """A container as the state keeps it.

    Args:
        container: its sections are complete.
        wants_to_run: whether it is started after a boot.
    """
    return StoredContainer(
        slot=container.slot.number,
        uid=container.uid,
        metadata=container.metadata.raw,
        code=container.slot.read(Section.CODE),
        data=container.slot.read(Section.DATA),
        wants_to_run=wants_to_run,
        loops=min(container.loops_begun, MAX_COUNT) if wants_to_run else 0,
        last_exit=_encode_exit(container.last_exit),
    )


def with_metadata(container: Container, metadata: bytes) -> StoredContainer:
    """A container that is READY or RUNNING, with other metadata."""
    return replace(describe(container, wants_to_run=container.wants_to_run), metadata=metadata)


def decode_exit(encoded: bytes) -> Exit | None:
    """The end of a container's last start; None if there was none, or it cannot be read."""
    try:
        reason, hook, value, detail, *more = json.loads(encoded)
        return Exit(
            ExitReason(reason),
            None if hook is None else Hook(hook),
            int(value),
            str(detail),
            _decode_frames(*more),
        )
    except (ValueError, TypeError, OverflowError):  # a number can be infinite there
        return None


def _encode_exit(last_exit: Exit | None) -> bytes:
    if last_exit is None:
        return b""
    hook = None if last_exit.hook is None else last_exit.hook.value
    frames = [[each.function, each.offset] for each in last_exit.frames]
    for length in (128, 24, 0):  # escaped, a character has up to 12 bytes
        fields = [last_exit.reason.value, hook, last_exit.value, last_exit.detail[:length]]
        # The innermost frame says more than the rest of a long detail, which the next ones do not.
        for number in range(len(frames), min(len(frames), 1) - 1, -1):
            kept = [*fields, frames[:number]] if number else fields
            encoded = json.dumps(kept, separators=(",", ":")).encode("ascii")
            if len(encoded) <= MAX_LAST_EXIT_BYTES:
                return encoded
    return b""


def _decode_frames(pairs: Sequence[Sequence[object]] = ()) -> tuple[TrapFrame, ...]:
    """The places of a trap; none in what was stored before there were any.

    Raises:
        ValueError: they are no frames.
        TypeError: the same.
    """
    return tuple(TrapFrame(_decode_number(one), _decode_number(other)) for one, other in pairs)


def _decode_number(value: object) -> int:
    if type(value) is not int or value not in FUNCTION_NUMBERS:
        raise ValueError("not a number of 32 bits")
    return value
