"""Random series of what a device records, and pictures of all that a state remembers of them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

from tinycontainer.state import (
    DeviceState,
    MemoryState,
    Ownership,
    SqliteState,
    StateChange,
    StoredAnswer,
    StoredContainer,
)
from tinycontainer_tokens import Accepted, Kind, SequenceSubject

START_S = 1_700_000_000
SLOTS = 4
UIDS = [f"uid{number}".encode() for number in range(6)]
KINDS = (Kind.CODE, Kind.MASK, None)
SUBJECTS = [SequenceSubject(uid, kind) for uid in UIDS for kind in KINDS]
PEERS = [f"peer{number}".encode() for number in range(3)]


@dataclass(frozen=True, slots=True)
class Boots:
    """A boot, at a time of the host."""

    now_s: int


@dataclass(frozen=True, slots=True)
class SetsAside:
    """A container that cannot be restored."""

    slot: int
    problem: str


Step: TypeAlias = StateChange | Boots | SetsAside


def perform(state: DeviceState, step: Step) -> None:
    match step:
        case StateChange():
            state.record(step)
        case Boots():
            state.begin_boot(step.now_s)
        case SetsAside():
            state.set_aside(step.slot, step.problem)


def picture(state: DeviceState, steps: list[Step]) -> object:
    """All that a state says, as a value: two states with equal pictures are equal."""
    asked = [step.answer for step in steps if isinstance(step, StateChange) and step.answer]
    return (
        state.containers(),
        state.remembered(),
        state.events(0, 1000),
        [state.event_chain(number) for number in (0, state.events(0, 0).newest)],
        [state.answer(each.peer, each.request_id) for each in asked],
        [state.newest(subject) for subject in SUBJECTS],
        state.kept_aside(),
    )


def pictures(steps: list[Step]) -> list[object]:
    """The picture after no step, after one, and so on."""
    state = MemoryState()
    found = [picture(state, steps)]
    for step in steps:
        perform(state, step)
        found.append(picture(state, steps))
    return found


def container(draws: random.Random, slot: int, *, most_bytes: int = 20_000) -> StoredContainer:
    return StoredContainer(
        slot,
        draws.choice(UIDS),
        draws.randbytes(draws.randrange(10, 300)),
        draws.randbytes(draws.randrange(most_bytes)),
        draws.randbytes(draws.randrange(most_bytes)),
        draws.random() < 0.5,
        draws.randrange(1000),
        draws.randbytes(draws.randrange(20)),
    )


def series(seed: int, count: int) -> list[Step]:
    """Steps of which none is refused, each of which changes something."""
    draws = random.Random(seed)
    return list(_Series(draws).steps(count))


class _Series:
    """Steps that fit to those before them."""

    def __init__(self, draws: random.Random) -> None:
        self._draws = draws
        self._number = 0
        self._slots: dict[int, StoredContainer] = {}

    def steps(self, count: int) -> Iterator[Step]:
        for _ in range(count):
            self._number += 1
            yield self._step()

    def _step(self) -> Step:
        kind = self._draws.random()
        if kind < 0.1:
            return Boots(START_S + self._draws.randrange(-1000, 10 * self._number + 1))
        if kind < 0.15 and self._slots:
            slot = self._draws.choice(sorted(self._slots))
            del self._slots[slot]
            return SetsAside(slot, f"problem {self._number}")
        return self._change()

    def _change(self) -> StateChange:
        draws, number = self._draws, self._number
        subjects = draws.sample(SUBJECTS, draws.randrange(4))
        accepted = [(each, Accepted(number, draws.randbytes(32))) for each in subjects]
        stored, removed = self._containers()
        answer = StoredAnswer(
            draws.choice(PEERS), number.to_bytes(8, "big"), draws.randbytes(draws.randrange(400))
        )
        return StateChange(
            accepted=tuple(accepted),
            stored=stored,
            removed=removed,
            now_s=START_S + 10 * number + draws.randrange(-20, 20),
            events=(number.to_bytes(8, "big"), *[draws.randbytes(100)] * draws.randrange(3)),
            answer=draws.choice([None, answer]),
        )

    def _containers(self) -> tuple[tuple[StoredContainer, ...], tuple[int, ...]]:
        slots = self._draws.sample(range(SLOTS), 2)
        stored = []
        removed = []
        for slot in slots[: self._draws.randrange(3)]:
            if slot in self._slots and self._draws.random() < 0.3:
                del self._slots[slot]
                removed.append(slot)
            else:
                self._slots[slot] = container(self._draws, slot)
                stored.append(self._slots[slot])
        return tuple(stored), tuple(removed)


def record_and_acknowledge(path: Path, steps: list[Step], first: int, pipe: Connection) -> None:
    """In a process of its own: perform steps, and say after each how many are done."""
    state = SqliteState(path, Ownership.SOLE)
    for number, step in enumerate(steps[first:], start=first + 1):
        perform(state, step)
        pipe.send_bytes(number.to_bytes(4, "big"))
    state.close()
    pipe.send_bytes(b"done")
