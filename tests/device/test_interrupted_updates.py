"""An operator's interrupt at any line of an update, or of what follows it and completes it."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from support.drivers import raising
from support.interrupting import LineCounter
from support.joint_changes import QUICK, SLOW, change, empty, free_slots, gone, numbered, plan
from support.scripted import Program, calling
from support.worlds import World, piped

from tinycontainer.device.containers.container import Container, ExitReason
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.state import MemoryState, StoredAnswer
from tinycontainer.trace import TraceEvent
from tinycontainer.trace.events import Transitioned

FIRST = numbered(1)
PIPES = {"a": (piped(3, "b", 3),), "b": (piped(3, "a", 3),)}
OLD = {"a": 0, "b": 1, "c": 2, "idle": 3}
NEW = {"a": 0, "b": 1, "idle": 3, "d": 4, "e": 5}
"""The slot of each container before the update and after it."""
WITH_IT = {
    *(("replacing", uid) for uid in ("a", "b", "idle")),
    *(("loaded", uid) for uid in ("d", "e")),
    *(("updated", uid) for uid in {*OLD, *NEW}),
    ("delete", "c"),
}
"""Milestones that are recorded with the update."""
LATER = {
    *(("start", uid) for uid in ("a", "b", "d")),
    *((verb, uid) for verb in ("loaded", "delete") for uid in ("a", "b", "idle")),
    *(("fault", uid) for uid in {*OLD, *NEW}),
    ("kill", "a"),
}
"""Milestones of what follows: an interrupt can swallow one."""


class Update:
    """A device whose containers are replaced, deleted or added by one update.

    Attributes:
        calls: the update, and what follows.
        early: starts of new versions before all old ones were gone.
    """

    def __init__(self) -> None:
        opening = calling([], lambda natives: natives.open(3))
        programs = {
            **dict.fromkeys(("c", "d", "e", "idle"), QUICK),
            "a": Program(SLOW.loop, start=opening, stop=SLOW.stop),
            "b": Program(QUICK.loop, start=opening, stop=QUICK.stop),
        }
        self.early = list[TraceEvent]()
        self.state = MemoryState()
        self.world = World(programs, state=self.state, sinks=(self._look,))
        self.device = self.world.device
        for uid in OLD:
            self.world.add(plan(uid, endpoints=PIPES.get(uid, ())))
            if uid != "idle":
                self.device.start(uid)
        self.device.run(for_ms=25)
        self._known = self.device.events().newest
        self._old = {entry.uid: entry.metadata for entry in self.state.containers()}
        self._changes = (
            *(change(plan(uid, 2, endpoints=PIPES[uid])) for uid in ("a", "b")),
            *(change(plan("idle", 2)), gone("c")),
            *(change(plan("d"), starts=True), change(plan("e"))),
        )
        device = self.device
        self.calls: tuple[Callable[[], object], ...] = (
            *(self.update, self.update_again, lambda: device.run(for_ms=2)),
            *(lambda: device.kill("a"), lambda: device.run(for_ms=40)),
        )

    def update(self) -> None:
        with self.device.answering(StoredAnswer(b"peer", bytes(8), b"done")):
            self.device.change_together(self._changes, FIRST)

    def update_again(self) -> None:
        """While the others wind down."""
        self.device.change_together([change(plan("e"))], FIRST)

    def _look(self, event: TraceEvent) -> None:
        if isinstance(event, Transitioned) and event.trigger == "start":
            # An interrupt can swallow an event, so ask the device itself who is still there.
            device: Any = self.device
            there = device._controller.containers()
            if any(each.is_leaving and each.state is not State.GONE for each in there):
                self.early.append(event)

    # What has to hold after an interrupt.

    def check(self) -> None:
        """It is done as a whole, or not begun; then it can be made."""
        is_done = self.device.newest_update(b"a") is not None
        self._check_whole(is_done=is_done)
        if not is_done:
            self.update()
            self._check_whole(is_done=True)
        self.device.run(for_ms=100)
        self._check_whole(is_done=True)
        self._check_end()
        self._check_milestones()
        empty(self.world)

    def _check_whole(self, *, is_done: bool) -> None:
        number = FIRST if is_done else None
        assert {self.device.newest_update(uid.encode()) for uid in {*OLD, *NEW}} == {number}
        answer = self.state.answer(b"peer", bytes(8))
        assert (answer is not None) is is_done
        slots = {uid.encode(): slot for uid, slot in (NEW if is_done else OLD).items()}
        metadata = self._new if is_done else self._old
        assert {entry.uid: entry.slot for entry in self.state.containers()} == slots
        assert {entry.uid: entry.metadata for entry in self.state.containers()} == metadata
        for view in self.device:
            if view.state is not State.STOPPING:
                assert self.device.metadata(view.uid).raw == metadata[view.uid]
                assert view.slot == slots[view.uid]
        assert free_slots(self.world) == self.world.capacity.slots - len(self.device)

    @property
    def _new(self) -> dict[bytes, bytes]:
        return {
            each.uid: each.sections[UpdateSection.METADATA]
            for each in self._changes
            if each.sections
        }

    def _check_end(self) -> None:
        """All run that should, but for the one that was at work when it was interrupted."""
        torn = {
            view.uid
            for view in self.device
            if view.last_exit is not None and view.last_exit.reason is ExitReason.INTERRUPTED
        }
        assert len(torn) <= 1
        running = {view.uid for view in self.device if view.state is State.RUNNING}
        assert running == {b"a", b"b", b"d"} - torn
        assert len(self.device) == len(NEW)
        assert self.early == []

    def _check_milestones(self) -> None:
        entries = self.device.events(self._known).entries
        events = [json.loads(entry.content) for entry in entries]
        told = Counter((event.get("trigger", event["event"]), event["uid"]) for event in events)
        told -= Counter({("updated", "e"): told["updated", "e"] - 1})  # by `update_again`
        assert {each: told[each] for each in WITH_IT} == dict.fromkeys(WITH_IT, 1)
        assert told.keys() <= WITH_IT | LATER
        assert set(told.values()) == {1}


def lines_of_calls() -> list[int]:
    """How many lines each call executes."""
    update = Update()
    lines = []
    for call in update.calls:
        counter = LineCounter()
        with counter.counting():
            call()
        lines.append(counter.lines)
    update.check()
    return lines


def interrupt(number: int, line: int, recovery_line: int | None = None) -> None:
    """Interrupt one call at a line, then what completes it, and let the device go on."""
    update = Update()
    for call in update.calls[:number]:
        call()
    counter = LineCounter(line)
    management: Any = update.device._managing
    recover = management._recover
    if recovery_line is not None:
        management._recover = raising(KeyboardInterrupt())
    try:
        with pytest.raises(KeyboardInterrupt), counter.counting():
            update.calls[number]()
        management._recover = recover
        if recovery_line is not None:
            second = LineCounter(recovery_line)
            with suppress(KeyboardInterrupt), second.counting():
                len(update.device)
            counter.place += f", {second.place}"
        update.check()
    except BaseException as error:
        error.add_note(f"call {number}, interrupted at {line}, {recovery_line}: {counter.place}")
        raise


def counts(some: int, many: int) -> pytest.MarkDecorator:
    """How many interrupts."""
    long = pytest.param(many, id="many", marks=pytest.mark.long)
    return pytest.mark.parametrize("interrupts", [pytest.param(some, id="some"), long])


@pytest.mark.clause("TC-LIFE-24", "TC-UPD-20", "TC-UPD-21", "TC-STATE-18")
@counts(30, 2000)
def test_an_update_that_is_interrupted_at_any_line_is_whole_or_not_begun(interrupts: int) -> None:
    lines_of_calls()  # what is imported or kept when it is first used
    lines = lines_of_calls()
    random = Random(f"{interrupts}")
    for _ in range(interrupts):
        number = random.choice([0, 0, 1, 2, 3, 4])
        interrupt(number, random.randint(1, lines[number]))


@pytest.mark.clause("TC-LIFE-24", "TC-UPD-20", "TC-UPD-21", "TC-STATE-18")
@counts(20, 2000)
def test_what_an_interrupt_has_left_of_an_update_is_completed_even_if_that_is_interrupted(
    interrupts: int,
) -> None:
    lines_of_calls()
    lines = lines_of_calls()
    random = Random(f"{interrupts} twice")
    for _ in range(interrupts):
        number = random.choice([0, 0, 1, 2, 3, 4])
        # Most of the lines of an update judge it, and leave nothing; the last ones make it.
        first = max(1, lines[number] - 1500) if random.random() < 0.7 else 1
        interrupt(number, random.randint(first, lines[number]), random.randint(1, 800))


@pytest.mark.clause("TC-LIFE-24", "TC-STATE-18")
@pytest.mark.parametrize("made", range(12))
def test_a_transition_of_an_update_that_is_interrupted_is_told_once(
    made: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each change of state follows an event that says why; that must not be recorded twice."""
    update = Update()
    apply = Container.apply
    calls = []

    def interrupt(*arguments: Any, **named: Any) -> None:
        calls.append(arguments)
        if len(calls) == made + 1:
            raise KeyboardInterrupt
        apply(*arguments, **named)

    monkeypatch.setattr(Container, "apply", interrupt)
    for call in update.calls:
        with suppress(KeyboardInterrupt):
            call()
    assert len(calls) > made
    update.check()
