"""A device that an attacker asks, and what it then is: looked at on the device, not in answers."""

from dataclasses import dataclass, replace
from hashlib import sha256

from support.agents import Managed, known
from support.drivers import Puppet
from support.scripted import Program, ScriptedInstance, ScriptedRuntime, Steps, work
from support.signed_releases import BEGIN, STUCK, STUDIO, YARDS
from support.worlds import KEYS
from tinycontainer.device.calls.driver_table import DriverEntry
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.containers.limits import Capacity
from tinycontainer.device.containers.verification import Trust
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import Natives, RuntimeLimits
from tinycontainer.metadata import Bundle, ContainerType, PeerType
from tinycontainer.network.agent.requests.rights import Right
from tinycontainer.state import DeviceState, MemoryState, StateChange
from tinycontainer.trace.events import LoadRefused
from tinycontainer_tokens import KeyEntry, KeyStore, Profile, Role

PLATFORM = b"platform"
UIDS = (b"a", b"b", b"c", b"d")
_SETTLING_MS = 400
_MOST_TURNS = 10


def _never_ends(_natives: Natives) -> Steps:
    while True:
        yield 1000


class AnyCode(ScriptedRuntime):
    """Runs whatever it is given, so that only tokens stand between an attacker and a run.

    Attributes:
        ran: SHA-256 of each code that was run.
    """

    def __init__(self) -> None:
        super().__init__({"": Program(work(10), stop=work(10)), "stuck": Program(_never_ends)})
        self.ran: set[str] = set()

    def admit(self, code: bytes, limits: RuntimeLimits) -> None:
        """Take it."""

    def create(
        self, code: bytes, data: bytes, natives: Natives, meter: Meter, limits: RuntimeLimits
    ) -> ScriptedInstance:
        """Note it, and run one of two programs in its place."""
        self.ran.add(sha256(code).hexdigest())
        name = b"stuck" if code == STUCK else b""
        return super().create(name, data, natives, meter, limits)


@dataclass(frozen=True)
class PresentContainer:
    """A container as the device has it.

    Attributes:
        sections: its bytes.
        mask: the calls that it may make now.
        state: where it is in its life.
        loops: that it has completed.
        has_never_ended: whether it has ended no start.
    """

    sections: Bundle
    mask: int
    state: State
    loops: int
    has_never_ended: bool


class AttackedDevice:
    """A device of the owner ``boxes``, which the platform may manage, but for one container.

    Args:
        name: its id, for which tokens can be meant.
        accepts_riot: whether it also takes tokens that count nothing.
    """

    def __init__(self, name: str, *, accepts_riot: bool) -> None:
        profiles = (Profile.RFC9052, Profile.RIOT_2024)[: 1 + accepts_riot]
        self._forgets = False
        self._boots_at_s: int | None = None
        self.name, self.accepts_riot = name, accepts_riot
        self.keys = frozenset(key.public for key in KEYS.values())
        self._trust = Trust(
            KeyStore(
                KeyEntry(role, profile, key.public_half())
                for role, key in KEYS.items()
                for profile in profiles
            ),
            profiles,
            require_endpoint_tokens=not accepts_riot,
            device_id=name,
        )
        self._state: DeviceState = MemoryState()
        self.runtime = AnyCode()
        self.boot(BEGIN)

    # What would be wrong with a worse one.

    def forgive(self) -> None:
        """Let it accept absent tokens."""
        self._trust = replace(self._trust, allow_unsigned=True, require_endpoint_tokens=False)
        self.boot(BEGIN)

    def trust_strangers(self) -> None:
        """Let it trust keys of others as well."""
        strangers = {Role.OWNER: YARDS, Role.DEVELOPER: STUDIO}
        entries = [KeyEntry(role, Profile.RFC9052, key) for role, key in strangers.items()]
        self._trust = replace(self._trust, keys=KeyStore([*self._trust.keys, *entries]))
        self.boot(BEGIN)

    def forget(self) -> None:
        """Let it forget the newest tokens with each boot."""
        self._forgets = True

    def stop_clock(self) -> None:
        """Let it begin at the same time with each boot."""
        self._boots_at_s = BEGIN

    def boot(self, at_s: int) -> None:
        """Cut its power, and let it boot at a time that is not before the one that it knows."""
        self._begun_s = at_s
        if self._forgets:
            self._state = _without_sequences(self._state)
        drivers = (
            DriverEntry(PeerType.LOCAL, number, f"driver-{number}", Puppet) for number in (7, 8)
        )
        self.managed = Managed(
            known(
                platform=(frozenset(Right), frozenset(UIDS)),
                local=(frozenset(Right), None),
            ),
            state=self._state,
            step_s=1.0,
            of_world={
                "trust": self._trust,
                "epoch_s": at_s if self._boots_at_s is None else self._boots_at_s,
                "drivers": tuple(drivers),
                "foreign": {ContainerType.WASM: self.runtime},
                "capacity": Capacity(slots=6),
            },
        )
        self.managed.device.restore()
        self.settle()

    @property
    def now_s(self) -> int:
        """Its time as the test knows it, which no request can change."""
        return self._begun_s + self.managed.device.now_ns // 1_000_000_000

    def settle(self) -> None:
        """Let it run until what has begun is over."""
        device = self.managed.device
        for _ in range(_MOST_TURNS):
            device.run(for_ms=_SETTLING_MS)
            if all(view.state in (State.READY, State.RUNNING) for view in device):
                return
        raise AssertionError("a container that does not go")

    def see(self) -> dict[bytes, PresentContainer]:
        """All containers."""
        device = self.managed.device
        return {
            view.uid: PresentContainer(
                Bundle.decode(device.bundle(view.uid), 1 << 20),
                view.mask,
                view.state,
                view.loops,
                view.last_exit is None,
            )
            for view in device
        }

    def refusals(self) -> list[LoadRefused]:
        """All loads, changes and withdrawals that it has refused since its boot."""
        return self.managed.world.of(LoadRefused)


def _without_sequences(state: DeviceState) -> MemoryState:
    fresh = MemoryState()
    fresh.record(StateChange(stored=state.containers()))
    return fresh
