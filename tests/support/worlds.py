"""Builds a device for a test and keeps what happens on it.

A `World` is a device whose containers are Python programs (see `support.scripted`). They are signed
with keys that are the same in every run. It keeps all events, so that a test can ask for them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest

from support.scripted import Program, ScriptedRuntime, Steps
from tinycontainer.assembly import Device
from tinycontainer.device.calls.driver_table import DriverEntry, DriverTable
from tinycontainer.device.containers.container import Exit
from tinycontainer.device.containers.limits import Capacity, Caps, Scheduling
from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.containers.view import View
from tinycontainer.device.setup import Setup
from tinycontainer.errors import LoadError, LoadReason
from tinycontainer.interfaces.clock import Clock, VirtualClock
from tinycontainer.interfaces.runtime import Natives, Runtime
from tinycontainer.metadata import (
    Bundle,
    ContainerMap,
    ContainerType,
    Direction,
    Endpoint,
    PeerType,
    Security,
)
from tinycontainer.state import DeviceState
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions, pack, pack_unsigned
from tinycontainer.tools.recording import Recorder
from tinycontainer.trace import Sink, TraceEvent
from tinycontainer_tokens import (
    Accepted,
    KeyEntry,
    KeyMaterial,
    KeyStore,
    MemorySequenceStore,
    Profile,
    Role,
    SequenceStore,
    SequenceStoreError,
    SequenceSubject,
)

ALL_CALLS = 0b11111

KEYS: Mapping[Role, KeyMaterial] = {
    role: KeyMaterial.from_private(bytes([number]) * 32) for number, role in enumerate(Role, 1)
}
"""Test keys, the same in every run."""

FOREIGN = KeyMaterial.from_private(b"\x77" * 32)
"""A key that no device trusts."""

Event = TypeVar("Event", bound=TraceEvent)
Result = TypeVar("Result")


def trusted(profile: Profile = Profile.RFC9052) -> KeyStore:
    """The public halves of the test keys, each in its role."""
    return KeyStore(KeyEntry(role, profile, key.public_half()) for role, key in KEYS.items())


def blueprint(
    uid: str,
    *,
    kind: ContainerType = ContainerType.NATIVE,
    mask: int = ALL_CALLS,
    endpoints: tuple[Endpoint, ...] = (),
    priority: int | None = None,
    period_max_ms: int | None = None,
    security: Security | None = None,
    sequence: int = 1,
    profile: Profile = Profile.RFC9052,
) -> Blueprint:
    """A container to be packed; `security` gives durations, period and lifetime."""
    return Blueprint(
        container=ContainerMap(uid.encode(), kind, priority=priority, period_max_ms=period_max_ms),
        endpoints=endpoints,
        security=security or Security(),
        mask=mask,
        profile=profile,
        options=TokenOptions(sequence=sequence),
    )


def times(
    *, start: int = 0, period: int = 0, loop: int = 0, lifetime: int = 0, stop: int = 0
) -> Security:
    """Durations and period in ms, lifetime in loops."""
    return Security(start, period, loop, lifetime, stop)


def local(endpoint_id: int = 1, peer: int = 1, direction: Direction = Direction.BOTH) -> Endpoint:
    """An endpoint that a driver serves."""
    return Endpoint(endpoint_id, PeerType.LOCAL, peer, direction)


def piped(
    endpoint_id: int, peer_uid: str, peer: int, direction: Direction = Direction.BOTH
) -> Endpoint:
    """One end of a pipe."""
    return Endpoint(endpoint_id, PeerType.CONTAINER, peer, direction, peer_uid.encode())


@dataclass
class World:
    """A device, the programs of its containers, and all its events.

    Scripted containers are of the type native; other types need a foreign runtime. Bare containers
    carry no tokens: they load ten times faster, and may make every call.
    """

    programs: dict[str, Program] = field(default_factory=dict)
    drivers: tuple[DriverEntry, ...] = ()
    trust: Trust = field(default_factory=lambda: Trust(keys=trusted()))
    capacity: Capacity = field(default_factory=Capacity)
    caps: Caps = field(default_factory=Caps)
    scheduling: Scheduling = field(default_factory=Scheduling)
    clock: Clock = field(default_factory=VirtualClock)
    epoch_s: int = 1_000_000
    sequences: SequenceStore = field(default_factory=MemorySequenceStore)
    state: DeviceState | None = None
    sinks: tuple[Sink, ...] = ()
    foreign: Mapping[ContainerType, Runtime] = field(default_factory=dict)
    bare: bool = False
    silent: bool = False
    recorder: Recorder | None = None

    def __post_init__(self) -> None:
        self.events: list[TraceEvent] = []
        if self.bare:
            self.trust = Trust(allow_unsigned=True, unsigned_mask=ALL_CALLS)
        self.runtime = ScriptedRuntime(self.programs)
        setup = Setup(
            runtimes={ContainerType.NATIVE: self.runtime, **self.foreign},
            drivers=DriverTable(self.drivers),
            trust=self.trust,
            capacity=self.capacity,
            caps=self.caps,
            scheduling=self.scheduling,
            epoch_s=self.epoch_s,
            sequences=self.sequences,
            state=self.state,
        )
        make = Device if self.recorder is None else self.recorder.device
        sinks = [] if self.silent else [self.events.append, *self.sinks]
        self.device: Device = make(setup, self.clock, sinks)

    def pack(self, plan: Blueprint, data: bytes = b"") -> Bundle:
        """A container's bundle; its code is the name of its program, which is its uid."""
        code = plan.container.uid
        return pack_unsigned(plan, code, data) if self.bare else pack(plan, code, data, KEYS)

    def add(self, plan: Blueprint, program: Program | None = None, data: bytes = b"") -> View:
        """Pack, sign and load a container whose program is called like its uid."""
        if program is not None:
            self.programs[plan.container.uid.decode()] = program
        return self.device.load(self.pack(plan, data).encode())

    def run(self, plan: Blueprint, program: Program, data: bytes = b"") -> None:
        """Load a container and start it."""
        self.add(plan, program, data)
        self.device.start(plan.container.uid)

    def reconfigure(self, plan: Blueprint, data: bytes = b"") -> View:
        """Change a loaded container to a new plan."""
        return self.device.reconfigure(self.pack(plan, data).metadata)

    def exit_of(self, uid: str) -> Exit:
        """How the last start of a container ended."""
        exit_ = self.device[uid].last_exit
        assert exit_ is not None
        return exit_

    def of(self, kind: type[Event], uid: str | None = None) -> list[Event]:
        """The events of a kind; of one container, if a uid is given."""
        return list(select(self.events, kind, uid))


class Remote:
    """A container that makes the calls that a test passes to it, one in each of its loops.

    Args:
        world: where it is loaded and started.
        plan: its metadata; a loop begins every ms.
        stop: calls made by its stop hook.
    """

    def __init__(
        self, world: World, plan: Blueprint, stop: Callable[[Natives], object] | None = None
    ) -> None:
        self._device, self._todo = world.device, list[Callable[[Natives], None]]()
        self.uid = plan.container.uid
        plan = replace(plan, security=replace(plan.security, loop_period_ms=1))
        world.run(plan, Program(loop=self._loop, stop=_hook(stop)))

    def do(self, call: Callable[[Natives], Result]) -> Result:
        """Run the device until the call is made. Returns its result."""
        given: list[Result] = []
        self._todo.append(lambda natives: given.append(call(natives)))
        for _ in range(20):
            self._device.run(for_ms=1)
            if given:
                return given[0]
        raise AssertionError(f"the call of {self.uid!r} was not made")

    def open(self, endpoint_id: int) -> int:
        return self.do(lambda natives: natives.open(endpoint_id))

    def close(self, fd: int) -> int:
        return self.do(lambda natives: natives.close(fd))

    def read(self, fd: int, size: int = 255) -> bytes | int:
        return self.do(lambda natives: natives.read(fd, size))

    def write(self, fd: int, data: bytes) -> int:
        return self.do(lambda natives: natives.write(fd, data))

    def _loop(self, natives: Natives) -> Steps:
        if self._todo:
            self._todo.pop(0)(natives)
        yield 1
        return 0


def _hook(call: Callable[[Natives], object] | None) -> Callable[[Natives], Steps] | None:
    if call is None:
        return None

    def script(natives: Natives) -> Steps:
        call(natives)
        yield 1
        return 0

    return script


@dataclass
class Ledger:
    """A sequence store that a test can read, and break.

    Attributes:
        entries: the newest accepted token of each subject.
        broken: whether nothing can be recorded.
        unreadable: whether nothing can be looked up.
    """

    entries: dict[SequenceSubject, Accepted] = field(default_factory=dict)
    broken: bool = False
    unreadable: bool = False

    def newest(self, subject: SequenceSubject) -> Accepted | None:
        if self.unreadable:
            raise SequenceStoreError("the store cannot be read on purpose")
        return self.entries.get(subject)

    def accept(self, entries: Iterable[tuple[SequenceSubject, Accepted]]) -> None:
        if self.broken:
            raise SequenceStoreError("the store is broken on purpose")
        self.entries.update(entries)


def snapshot(world: World) -> tuple[object, ...]:
    """Everything that an owner can see of a device; sequences only from a `Ledger`."""
    device = world.device
    return (
        tuple(device),
        tuple(device.metadata(view.uid) for view in device),
        device.now_ns,
        dict(world.sequences.entries) if isinstance(world.sequences, Ledger) else None,
    )


@contextmanager
def refused(reason: LoadReason, words: str = "") -> Iterator[None]:
    """Check that a load or a reconfiguration is refused for this reason, with these words."""
    with pytest.raises(LoadError) as caught:
        yield
    assert caught.value.reason is reason
    assert words in caught.value.problem


def select(
    events: Iterable[TraceEvent], kind: type[Event], uid: str | None = None
) -> Iterable[Event]:
    """The events of a kind; of one container, if a uid is given."""
    for event in events:
        if isinstance(event, kind) and (uid is None or getattr(event, "uid", b"") == uid.encode()):
            yield event


def newer(plan: Blueprint, **changes: object) -> Blueprint:
    """The same plan with the next sequence number and other changes."""
    options = replace(plan.options, sequence=plan.options.sequence + 1)
    return replace(plan, options=options, **changes)  # type: ignore[arg-type]
