"""What a device on the bench is made of: its file, with the test's world in place of the desk's."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tinycontainer.assembly import DevicePlan, Installation, make_setup
from tinycontainer.device.calls.driver_table import DriverEntry
from tinycontainer.device.setup import Setup
from tinycontainer.errors import DeviceFileError
from tinycontainer.files.device_file import DriverTableEntry
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.interfaces.driver import Driver
from tinycontainer.metadata import Endpoint, PeerType
from tinycontainer.symbols.symbol_directory import Symbols
from tinycontainer.text import show
from tinycontainer_tokens import KeyStore

from .errors import BenchMisused, hides_frames
from .played_peers import PEER_TYPE, PlayedRuntime
from .scripted_sensor import Switch
from .stand_in_keys import StandInKeys, present_keys

__tracebackhide__ = hides_frames

_SEED: Final = 1


def plan_for_bench(plan: DevicePlan, *, lists_containers: bool) -> DevicePlan:
    """A device file as a test uses it: nothing that is kept or secret on this machine is touched.

    The device remembers nothing, has no key of its own, takes no updates, believes the keys whose
    files are there, and its random driver is reproducible.

    Args:
        plan: the device file.
        lists_containers: whether the containers that it lists are loaded.
    """
    content = plan.content
    device = content.device.model_copy(
        update={
            "key": None,
            "seed": _SEED if content.device.seed is None else content.device.seed,
        }
    )
    changes = {
        "device": device,
        "state": content.state.model_copy(update={"file": None}),
        "trust": content.trust.model_copy(
            update={"keys": present_keys(content.trust, lambda name: _exists(plan, name))}
        ),
        "update": content.update.model_copy(update={"keys": []}),
        "containers": content.containers if lists_containers else [],
    }
    return replace(plan, content=content.model_copy(update=changes))


@dataclass(frozen=True)
class BenchSetup:
    """What a device on the bench is made of.

    Attributes:
        setup: of the device.
        plan: its file, as a test uses it.
        switches: the places of its drivers, in the order of the file.
        played: runs the containers that the test plays.
    """

    setup: Setup
    plan: DevicePlan
    switches: list[Switch]
    played: PlayedRuntime

    def place(self, which: int | str, endpoints: dict[int, Endpoint]) -> int:
        """The number of the driver that a test means.

        Args:
            which: an endpoint id of the container, or the name of a driver or of its recording.
            endpoints: of the container, by id.

        Raises:
            BenchMisused: there is none, or more than one.
        """
        tables = self.plan.content.drivers
        found = [
            number
            for number, table in enumerate(tables)
            if (
                which in _names_of(table)
                if isinstance(which, str)
                else which in endpoints and _leads_to(endpoints[which], table)
            )
        ]
        if len(found) == 1:
            return found[0]
        problem = "is no driver" if not found else f"are {len(found)} drivers"
        raise BenchMisused(f"{_quote(which)} {problem} here; {self._offer(endpoints)}")

    def endpoint_ids(self, which: int | str, endpoints: dict[int, Endpoint]) -> list[int]:
        """The endpoints of a container that a test means.

        Args:
            which: one of them, or the name of a driver or of its recording.
            endpoints: of the container, by id.

        Raises:
            BenchMisused: the container has none, or the name is that of several drivers that it
                can reach.
        """
        if isinstance(which, int) and which in endpoints:
            return [which]
        tables = self.plan.content.drivers
        named = [each for each in tables if isinstance(which, str) and which in _names_of(each)]
        reached = {
            endpoint_id: table.endpoint
            for endpoint_id, endpoint in endpoints.items()
            for table in named
            if _leads_to(endpoint, table)
        }
        if not reached or len(set(reached.values())) > 1:
            problem = "are several drivers" if reached else "is no driver that it can reach"
            raise BenchMisused(f"{_quote(which)} {problem}; {self._offer(endpoints)}")
        return list(reached)

    def _offer(self, endpoints: dict[int, Endpoint]) -> str:
        offers = [
            f"{endpoint_id} ({' or '.join(map(_quote, sorted(_names_of(table))))})"
            for endpoint_id, endpoint in sorted(endpoints.items())
            for table in self.plan.content.drivers
            if _leads_to(endpoint, table)
        ]
        return f"endpoints with a driver: {', '.join(offers) or 'none'}"


def make_bench_setup(
    original: DevicePlan,
    plan: DevicePlan,
    clock: VirtualClock,
    installation: Installation,
    keys: StandInKeys,
    symbols: Symbols,
) -> BenchSetup:
    """Resolve all that the device of a test needs.

    Args:
        original: the device file as it is, which says for whom the test's keys stand in.
        plan: the same as a test uses it.
        clock: the device's time.
        installation: what is installed.
        keys: of the tests.
        symbols: debug information of the containers under test.

    Raises:
        DeviceFileError: something that the file names cannot be used.
        RuntimeUnavailable: a runtime cannot work in this process.
    """
    setup = make_setup(plan, clock, installation)
    played = PlayedRuntime()
    believed = KeyStore([*setup.trust.keys, *keys.entries(original.content.trust)])
    switches: list[Switch] = []

    def make_switch(_number: int, entry: DriverEntry) -> Callable[[], Driver]:
        switches.append(Switch(entry.make))
        return switches[-1].make

    changed = replace(
        setup,
        runtimes={**setup.runtimes, PEER_TYPE: played},
        drivers=setup.drivers.with_makers(make_switch),
        trust=replace(setup.trust, keys=believed),
        symbols=symbols,
    )
    return BenchSetup(changed, plan, switches, played)


def _exists(plan: DevicePlan, name: str) -> bool:
    try:
        return plan.file(name, "trust.keys").is_file()
    except DeviceFileError:
        return True  # the device is refused with its place, as it would be on any desk


def _leads_to(endpoint: Endpoint, table: DriverTableEntry) -> bool:
    place = (PeerType[table.peer.upper()], table.endpoint)
    return (endpoint.peer_type, endpoint.peer_endpoint_id) == place


def _names_of(table: DriverTableEntry) -> set[str]:
    file = table.options.get("file")
    return {table.driver} | ({Path(file).stem} if isinstance(file, str) else set())


def _quote(which: int | str) -> str:
    return str(which) if isinstance(which, int) else f'"{show(which)}"'
