"""A device, random updates of it between all other calls, and what it is to be after each.

A model knows what each uid is to be after a boot, and which update is refused. The events say
whether a version has met an old peer.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from support.joint_changes import QUICK, SLOW, free_slots, gone, numbered
from support.scripted import Program, work
from support.worlds import KEYS, World, blueprint, newer, times
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.memory import Section
from tinycontainer.errors import ContainerRefused, TinyContainerError
from tinycontainer.interfaces.updating import ContainerChange, UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.state import MemoryState, StateChange, StoredAnswer
from tinycontainer.tools.packing.packing import pack
from tinycontainer.trace import TraceEvent
from tinycontainer.trace.events import ReplacementConfirmed, ReplacementUndone, Transitioned
from tinycontainer_tokens import Accepted

UIDS = "abcde"
PROGRAMS = {
    "quick": QUICK,
    "slow": SLOW,
    "slower": Program(work(10), stop=work(*[500] * 60)),
    "busy": Program(work(*[400] * 10), stop=work(10)),
}
VERBS = (
    *("load", "start", "start", "stop", "kill", "delete", "replace", "replace on trial"),
    *("update", "update", "update", "update", "begin load", "end load", "run", "run", "settle"),
    *("boot", "interrupted update"),
)


@dataclass
class Group:
    """An update in progress: who has yet to leave, and who waits for that."""

    leaving: set[bytes]
    coming: set[bytes]


@dataclass
class Chronicle:
    """A sink that knows who is to wait for whom."""

    groups: list[Group] = field(default_factory=list)
    concluded: list[tuple[bytes, bool]] = field(default_factory=list)
    wrong: list[bytes] = field(default_factory=list)

    def __call__(self, event: TraceEvent) -> None:
        if isinstance(event, ReplacementConfirmed | ReplacementUndone):
            self.concluded.append((event.uid, isinstance(event, ReplacementConfirmed)))
        if not isinstance(event, Transitioned):
            return
        for group in self.groups:
            if event.after == State.GONE:
                (group.leaving if event.uid in group.leaving else group.coming).discard(event.uid)
            elif event.trigger == "start" and event.uid in group.coming:
                self.wrong += [event.uid] if group.leaving else []
        self.groups = [group for group in self.groups if group.leaving]

    def waits(self, uid: bytes) -> bool:
        return any(uid in group.coming for group in self.groups)


class TornState(MemoryState):
    """A state that records, and then is interrupted.

    Attributes:
        interrupts: whether it is, once.
    """

    interrupts = False

    def record(self, change: StateChange) -> None:
        super().record(change)
        if self.interrupts:
            self.interrupts = False
            raise KeyboardInterrupt


@dataclass(frozen=True)
class Promise:
    """What a uid is to be after a boot."""

    metadata: bytes
    runs: bool


class Life:
    """A device, random calls of it, and what it is to be after each.

    Args:
        seed: says which.
    """

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.capacity = Capacity(slots=self.dice.choice([2, 3, 4, 5]))
        self.state = TornState()
        self.plans = {
            uid: blueprint(uid, security=times(period=10, loop=8, stop=50)) for uid in UIDS
        }
        self.bundles: dict[bytes, Bundle] = {}
        self.promised: dict[bytes, Promise] = {}
        self.trials: dict[bytes, Promise] = {}
        self.newest: dict[bytes, Accepted] = {}
        self.loading: Bundle | None = None
        self.refused = self.accepted = self.waited = 0
        self.number = self.steps = 0
        self.boot()

    def boot(self) -> None:
        self.chronicle = Chronicle()
        self.world = World(
            PROGRAMS, capacity=self.capacity, state=self.state, sinks=(self.chronicle,)
        )
        self.device = self.world.device
        self.device.restore()
        assert self.state.kept_aside() == ()
        self.loading = None
        self.trials = {}

    def step(self) -> None:
        """Make one call, and compare the device with what was promised."""
        self.steps += 1
        verb, uid = self.dice.choice(VERBS), self.dice.choice(UIDS)
        with suppress(TinyContainerError):
            self._perform(verb, uid)
        self._conclude_trials()
        self.check(verb)

    def check(self, verb: str) -> None:
        remembered = {
            entry.uid: Promise(entry.metadata, entry.wants_to_run)
            for entry in self.state.containers()
        }
        assert remembered == self.promised, verb
        assert self.chronicle.wrong == [], "started before those that leave were gone"
        assert {uid: self.device.newest_update(uid) for uid in self.newest} == self.newest
        lying = [view.slot for view in self.device]
        assert len(set(lying)) == len(lying)
        assert free_slots(self.world) == self.free
        for view in self.device:
            if view.state is not State.STOPPING and view.uid not in self.trials:
                assert self.device.metadata(view.uid).raw == self.promised[view.uid].metadata

    def settle(self) -> None:
        """Let all that winds down be gone: nothing waits any more."""
        self.device.run(for_ms=500)
        self._conclude_trials()
        assert self.chronicle.groups == []
        assert self.trials == {}
        found = {
            view.uid: Promise(self.device.metadata(view.uid).raw, view.state is State.RUNNING)
            for view in self.device
        }
        assert found == self.promised
        assert all(view.state in (State.READY, State.RUNNING) for view in self.device)

    def _conclude_trials(self) -> None:
        for name, is_confirmed in self.chronicle.concluded:
            trial = self.trials.pop(name, None)
            if is_confirmed and trial is not None:
                self.promised[name] = Promise(trial.metadata, self.promised[name].runs)
        self.chronicle.concluded.clear()

    @property
    def free(self) -> int:
        return self.capacity.slots - len(self.device) - (self.loading is not None)

    def _next(self, uid: str) -> Bundle:
        """A version of a container; often a new one."""
        if uid.encode() not in self.bundles or self.dice.random() < 0.7:
            self.plans[uid] = newer(self.plans[uid], mask=self.dice.randrange(32))
            code = self.dice.choice(tuple(PROGRAMS)).encode()
            self.bundles[uid.encode()] = pack(self.plans[uid], code, b"", KEYS)
        return self.bundles[uid.encode()]

    def _perform(self, verb: str, uid: str) -> None:
        name = uid.encode()
        device = self.device
        was_running = uid in device and device[uid].state is State.RUNNING
        match verb:
            case "load":
                bundle, self.loading = self._next(uid), None
                device.load(bundle.encode())
                self.promised[name] = Promise(bundle.metadata, False)
            case "begin load":
                self.loading, before = None, self.loading
                device.begin_load()
                assert before is None
                self.loading = self._next(uid)
            case "end load" if self.loading is not None:
                self._end_load(self.loading)
            case "start":
                device.start(uid)
                assert not self.chronicle.waits(name)
                self._let_run(name, True)
            case "stop" | "kill":
                getattr(device, verb)(uid)
                if was_running:
                    self._let_run(name, False)
            case "delete":
                device.delete(uid)
                self.promised.pop(name, None)
                self.trials.pop(name, None)
            case "replace":
                bundle = self._next(uid)
                device.replace(bundle.encode())
                self.promised[name] = Promise(bundle.metadata, was_running)
            case "replace on trial":
                bundle = self._next(uid)
                device.replace(bundle.encode(), confirm_ms=60)
                self.trials[name] = Promise(bundle.metadata, True)
            case "update" | "interrupted update":
                self._update([*self._changes()], is_interrupted=verb != "update")
            case "run":
                device.run(for_ms=self.dice.choice([0, 1, 2, 5, 12, 40]))
            case "settle":
                self.settle()
            case "boot":
                self.boot()

    def _end_load(self, bundle: Bundle) -> None:
        self.loading = None
        parts = (
            (Section.METADATA, bundle.metadata),
            (Section.CODE, bundle.code),
            (Section.DATA, bundle.data),
        )
        for section, content in parts:
            self.device.open_section(section, len(content))
            if content:
                self.device.write_section(content)
        name = self.device.end_load().uid
        self.promised[name] = Promise(bundle.metadata, False)

    def _let_run(self, name: bytes, runs: bool) -> None:
        self.promised[name] = Promise(self.promised[name].metadata, runs)

    # Updates.

    def _changes(self) -> Iterator[ContainerChange]:
        for uid in self.dice.sample(UIDS, self.dice.randrange(1, 5)):
            if self.dice.random() < (0.3 if uid in self.device else 0.05):
                yield gone(uid)
                continue
            bundle = self._next(uid)
            sections = {
                UpdateSection.METADATA: bundle.metadata,
                UpdateSection.DATA: bundle.data,
                UpdateSection.CODE: bundle.code,
            }
            yield ContainerChange(uid.encode(), sections, self.dice.random() < 0.6)

    def _update(self, changes: list[ContainerChange], *, is_interrupted: bool) -> None:
        self.number += 1
        number = numbered(self.number if self.dice.random() < 0.9 else self.dice.randrange(3))
        is_possible = all(map(self._is_possible, changes)) and not any(
            self._is_overtaken(change.uid, number) for change in changes
        )
        new = [each for each in changes if each.sections and each.uid not in self.device]
        is_possible = is_possible and len(new) <= self.free
        before = {view.uid: view for view in self.device}
        group = self._group(changes)
        self.chronicle.groups += [group] if group.leaving else []
        try:
            with self.device.answering(StoredAnswer(b"peer", bytes(8), b"answer")):
                self._make(changes, number, is_interrupted=is_interrupted)
        except ContainerRefused:
            self.chronicle.groups = [each for each in self.chronicle.groups if each is not group]
            assert not is_possible
            assert {view.uid: view for view in self.device} == before
            self.refused += 1
            return
        assert is_possible, changes
        self.accepted += 1
        self.waited += bool(self.chronicle.groups)
        for change in changes:
            self._promise(change, before.get(change.uid))
            self.newest[change.uid] = number

    def _make(
        self, changes: list[ContainerChange], number: Accepted, *, is_interrupted: bool
    ) -> None:
        """Update; an interrupt comes after it is recorded, before anything is made."""
        self.state.interrupts = is_interrupted
        try:
            with suppress(KeyboardInterrupt):
                self.device.change_together(changes, number)
        finally:
            self.state.interrupts = False

    def _is_possible(self, change: ContainerChange) -> bool:
        if change.uid not in self.device:
            return bool(change.sections)
        state = self.device[change.uid].state
        waits = state is State.READY and self.chronicle.waits(change.uid)
        is_changeable = state in (State.READY, State.RUNNING) and change.uid not in self.trials
        return not change.sections or (is_changeable and not waits)

    def _is_overtaken(self, uid: bytes, number: Accepted) -> bool:
        newest = self.newest.get(uid)
        if newest is None or newest == number:
            return False
        return number.sequence <= newest.sequence

    def _stays(self, change: ContainerChange) -> bool:
        if not change.sections or change.uid not in self.device:
            return False
        raw, wanted = self.device.metadata(change.uid).raw, change.sections[UpdateSection.METADATA]
        runs = self.device[change.uid].state is State.RUNNING
        return raw == wanted and (runs or not change.starts)

    def _group(self, changes: list[ContainerChange]) -> Group:
        moving = [change for change in changes if not self._stays(change)]
        return Group(
            {change.uid for change in moving if change.uid in self.device},
            {change.uid for change in moving if change.sections and self._starts(change)},
        )

    def _starts(self, change: ContainerChange) -> bool:
        if change.starts:
            return True
        return change.uid in self.device and self.device[change.uid].state is State.RUNNING

    def _promise(self, change: ContainerChange, before: Any) -> None:
        if not change.sections:
            self.promised.pop(change.uid, None)
            self.trials.pop(change.uid, None)
            return
        ran = before is not None and before.state is State.RUNNING
        raw = change.sections[UpdateSection.METADATA]
        self.promised[change.uid] = Promise(raw, ran or change.starts)
