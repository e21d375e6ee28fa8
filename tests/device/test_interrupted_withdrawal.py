"""An operator's interrupt at any line of a withdrawal, or of what completes it."""

import json
from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from support.drivers import raising
from support.interrupting import LineCounter
from support.scripted import Program, work
from support.withdrawals import withdrawal
from support.worlds import World, blueprint, times

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.state import MemoryState, StoredAnswer
from tinycontainer_tokens import Kind, SequenceSubject

PLAN = blueprint("box", security=times(period=10, stop=20))
KINDS = ("running", "at rest", "not loaded")


class Desk:
    """A device whose owner takes back the rights of a container."""

    def __init__(self, kind: str) -> None:
        self.state = MemoryState()
        self.world = World({"box": Program(work(10), stop=work(10))}, state=self.state)
        self.device = self.world.device
        if kind != "not loaded":
            self.world.add(PLAN)
        if kind == "running":
            self.device.start("box")
            self.device.run(for_ms=5)
        self._known = self.device.events().newest
        self._is_loaded = kind != "not loaded"

    def withdraw(self) -> None:
        with self.device.answering(StoredAnswer(b"peer", bytes(8), b"done")):
            self.device.withdraw("box", withdrawal("box"))

    def check(self) -> None:
        """It is done as a whole, or not begun; then it can be made."""
        there = [view for view in self.device if view.state is not State.STOPPING]
        newest = self.state.newest(SequenceSubject(b"box", Kind.MASK))
        is_done = newest is not None and newest.sequence == 2
        assert (self.state.answer(b"peer", bytes(8)) is not None) is is_done
        assert bool(there) is (self._is_loaded and not is_done)
        assert bool(self.state.containers()) is bool(there)
        if not is_done:
            self.withdraw()
        self.device.run(for_ms=50)
        assert (len(self.device), self.state.containers()) == (0, ())
        events = [json.loads(each.content) for each in self.device.events(self._known).entries]
        told = Counter(event.get("trigger", event["event"]) for event in events)
        assert told == Counter(["withdrawn", *(["delete"] if self._is_loaded else [])])


def count_lines(kind: str) -> int:
    desk, counter = Desk(kind), LineCounter()
    with counter.counting():
        desk.withdraw()
    desk.check()
    return counter.lines


@pytest.mark.clause("TC-LIFE-24", "TC-LOAD-19", "TC-STATE-18")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_torn_twice", [False, True])
@pytest.mark.parametrize(
    "interrupts", [pytest.param(20), pytest.param(1000, marks=pytest.mark.long)]
)
def test_a_withdrawal_that_is_interrupted_at_any_line_is_whole_or_not_begun(
    kind: str, is_torn_twice: bool, interrupts: int
) -> None:
    count_lines(kind)  # what is imported or kept when it is first used
    lines, random = count_lines(kind), Random(f"{kind} {is_torn_twice}")
    for _ in range(interrupts):
        # Most of its lines judge the token, and leave nothing; the last ones make the change.
        first = max(1, lines - 300) if random.random() < 0.7 else 1
        desk, counter = Desk(kind), LineCounter(random.randint(first, lines))
        management: Any = desk.device._managing
        recover = management._recover
        if is_torn_twice:
            management._recover = raising(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt), counter.counting():
            desk.withdraw()
        management._recover = recover
        second = LineCounter(random.randint(1, 200) if is_torn_twice else None)
        with suppress(KeyboardInterrupt), second.counting():
            len(desk.device)
        try:
            desk.check()
        except BaseException as error:
            error.add_note(f"interrupted at {counter.place}, {second.place}")
            raise
