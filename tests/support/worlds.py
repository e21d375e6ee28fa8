"""Devices for tests: scripted containers, test keys, a list of events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from support.scripted import Program, ScriptedRuntime
from tinycontainer.clock import Clock, VirtualClock
from tinycontainer.device import Device, Setup, View
from tinycontainer.driver_table import DriverEntry, DriverTable
from tinycontainer.limits import Capacity, Caps, Scheduling
from tinycontainer.metadata import Container, ContainerType, Endpoint, Security
from tinycontainer.packing import Blueprint, TokenOptions, pack
from tinycontainer.trace import TraceEvent
from tinycontainer.verification import Trust
from tinycontainer_tokens import KeyEntry, KeyMaterial, KeyStore, Profile, Role

ALL_CALLS = 0b11111

KEYS: Mapping[Role, KeyMaterial] = {
    role: KeyMaterial.from_private(bytes([number]) * 32) for number, role in enumerate(Role, 1)
}
"""Test keys, the same in every run."""

FOREIGN = KeyMaterial.from_private(b"\x77" * 32)
"""A key that no device trusts."""

Event = TypeVar("Event", bound=TraceEvent)


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
        container=Container(uid.encode(), kind, priority=priority, period_max_ms=period_max_ms),
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


@dataclass
class World:
    """A device with scripted programs and everything that it said."""

    programs: dict[str, Program] = field(default_factory=dict)
    drivers: tuple[DriverEntry, ...] = ()
    trust: Trust = field(default_factory=lambda: Trust(keys=trusted()))
    capacity: Capacity = field(default_factory=Capacity)
    caps: Caps = field(default_factory=Caps)
    scheduling: Scheduling = field(default_factory=Scheduling)
    clock: Clock = field(default_factory=VirtualClock)
    epoch_s: int = 1_000_000

    def __post_init__(self) -> None:
        self.events: list[TraceEvent] = []
        self.runtime = ScriptedRuntime(self.programs)
        self.device = Device(
            Setup(
                runtimes={ContainerType.NATIVE: self.runtime},
                drivers=DriverTable(self.drivers),
                trust=self.trust,
                capacity=self.capacity,
                caps=self.caps,
                scheduling=self.scheduling,
                epoch_s=self.epoch_s,
            ),
            self.clock,
            [self.events.append],
        )

    def add(self, plan: Blueprint, program: Program | None = None, data: bytes = b"") -> View:
        """Pack, sign and load a container whose program is called like its uid."""
        name = plan.container.uid.decode()
        if program is not None:
            self.programs[name] = program
        return self.device.load(pack(plan, name.encode(), data, KEYS).encode())

    def run(self, plan: Blueprint, program: Program, data: bytes = b"") -> None:
        """Load a container and start it."""
        self.add(plan, program, data)
        self.device.start(plan.container.uid)

    def reconfigure(self, plan: Blueprint, data: bytes = b"") -> View:
        """Change a loaded container to a new plan."""
        name = plan.container.uid.decode()
        return self.device.reconfigure(pack(plan, name.encode(), data, KEYS).metadata)

    def of(self, kind: type[Event], uid: str | None = None) -> list[Event]:
        """The events of a kind, of one container if wished."""
        return list(select(self.events, kind, uid))


def select(
    events: Iterable[TraceEvent], kind: type[Event], uid: str | None = None
) -> Iterable[Event]:
    """The events of a kind, of one container if wished."""
    for event in events:
        if isinstance(event, kind) and (uid is None or getattr(event, "uid", b"") == uid.encode()):
            yield event


def newer(plan: Blueprint, **changes: object) -> Blueprint:
    """The same plan with the next sequence number and other changes."""
    options = replace(plan.options, sequence=plan.options.sequence + 1)
    return replace(plan, options=options, **changes)  # type: ignore[arg-type]
