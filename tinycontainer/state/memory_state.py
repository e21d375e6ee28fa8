"""`MemoryState`: a state that is forgotten with the process."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tinycontainer_tokens import Accepted, SequenceSubject, require_not_overtaken

from .event_chain import CHAIN_START, extend_chain
from .remembered import (
    ANSWERED_PEERS,
    ANSWERS_PER_PEER,
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

Answers = Mapping[bytes, Mapping[bytes, bytes]]
"""By peer and request id; the newest of each are the last."""


@dataclass(frozen=True, slots=True)
class _Memory:
    """All that is remembered at one moment."""

    sequences: Mapping[SequenceSubject, Accepted] = field(default_factory=dict)
    containers: Mapping[int, StoredContainer] = field(default_factory=dict)
    boot: Boot = field(default_factory=Boot)
    events: tuple[StoredEvent, ...] = ()
    answers: Answers = field(default_factory=dict)
    aside: tuple[SetAside, ...] = ()
    device_id: bytes | None = None
    chain_before: bytes = CHAIN_START


class MemoryState:
    """A state that is forgotten with the process. It has the bounds of one in a file."""

    def __init__(self) -> None:
        # Replaced in one step, so that an interrupt leaves the old one or the new one (ADR 21).
        self._memory = _Memory()

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        """See `SequenceStore.newest`."""
        return self._memory.sequences.get(subject)

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        """See `SequenceStore.accept`."""
        self.record(StateChange(accepted=tuple(entries)))

    def record(self, change: StateChange) -> None:
        """See `DeviceState.record`."""
        before = self._memory
        gone, events = _add_events(before.events, change.events)
        self._memory = _Memory(
            _accept(before.sequences, change),
            _store(before.containers, change),
            replace(before.boot, time_s=max(before.boot.time_s, change.now_s)),
            events,
            before.answers if change.answer is None else _add(before.answers, change.answer),
            before.aside,
            before.device_id if change.device_id is None else change.device_id,
            extend_chain(before.chain_before, gone),
        )

    def containers(self) -> tuple[StoredContainer, ...]:
        """See `DeviceState.containers`."""
        return tuple(found for _, found in sorted(self._memory.containers.items()))

    def begin_boot(self, now_s: int) -> Boot:
        """See `DeviceState.begin_boot`."""
        require_time(now_s)
        before = self._memory.boot
        boot = Boot(before.count + 1, max(before.time_s, now_s))
        self._memory = replace(self._memory, boot=boot)
        return boot

    def remembered(self) -> Boot:
        """See `DeviceState.remembered`."""
        return self._memory.boot

    def events(self, since: int, most: int) -> StoredEvents:
        """See `DeviceState.events`."""
        kept = self._memory.events
        later = tuple(event for event in kept if event.number > since)
        return StoredEvents(_newest_number(kept), later[: max(0, most)])

    def event_chain(self, number: int) -> bytes:
        """See `DeviceState.event_chain`."""
        covered = (event for event in self._memory.events if event.number <= number)
        return extend_chain(self._memory.chain_before, covered)

    def answer(self, peer: bytes, request_id: bytes) -> bytes | None:
        """See `DeviceState.answer`."""
        return self._memory.answers.get(peer, {}).get(request_id)

    def device_id(self) -> bytes | None:
        """See `DeviceState.device_id`."""
        return self._memory.device_id

    def set_aside(self, slot: int, problem: str) -> None:
        """See `DeviceState.set_aside`."""
        containers = dict(self._memory.containers)
        if slot not in containers:
            raise ValueError(f"slot {slot} is empty")
        found = SetAside(containers.pop(slot), shorten_problem(problem))
        aside = self._memory.aside
        if found not in aside:
            aside = (*aside, found)
        self._memory = replace(self._memory, containers=containers, aside=aside)

    def kept_aside(self) -> tuple[SetAside, ...]:
        """See `DeviceState.kept_aside`."""
        return self._memory.aside

    def close(self) -> None:
        """See `DeviceState.close`."""


def _accept(
    before: Mapping[SequenceSubject, Accepted], change: StateChange
) -> Mapping[SequenceSubject, Accepted]:
    newest = dict(before)
    for subject, accepted in change.accepted:
        require_not_overtaken(newest.get(subject), accepted)
        newest[subject] = accepted
    return newest


def _store(
    before: Mapping[int, StoredContainer], change: StateChange
) -> Mapping[int, StoredContainer]:
    kept = {slot: found for slot, found in before.items() if slot not in change.removed}
    return kept | {container.slot: container for container in change.stored}


def _add_events(
    before: tuple[StoredEvent, ...], contents: tuple[bytes, ...]
) -> tuple[tuple[StoredEvent, ...], tuple[StoredEvent, ...]]:
    """The events that are no longer kept, and those that are."""
    if not contents:
        return (), before
    added = enumerate(contents, start=_newest_number(before) + 1)
    events = [*before, *(StoredEvent(number, content) for number, content in added)]
    all_bytes = sum(len(event.content) for event in events)
    gone = 0
    while are_too_many_events(len(events) - gone, all_bytes):
        all_bytes -= len(events[gone].content)
        gone += 1
    return tuple(events[:gone]), tuple(events[gone:])


def _newest_number(events: tuple[StoredEvent, ...]) -> int:
    return events[-1].number if events else 0


def _add(before: Answers, answer: StoredAnswer) -> Answers:
    others = {peer: found for peer, found in before.items() if peer != answer.peer}
    own = dict(before.get(answer.peer, {}))
    own.pop(answer.request_id, None)
    own[answer.request_id] = answer.content
    own = dict(list(own.items())[-ANSWERS_PER_PEER:])
    return dict([*others.items(), (answer.peer, own)][-ANSWERED_PEERS:])
