"""The composition root: a device file and what is installed become a device.

Here and nowhere else are entry points resolved, files read, and time and randomness chosen.
"""

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from tinycontainer.device import device as device_room
from tinycontainer.device.calls.driver_table import DriverEntry, DriverTable
from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.device import DEFAULT_EPOCH_S, Outside, Setup
from tinycontainer.errors import DeviceFileError, LoadError, RuntimeUnavailable
from tinycontainer.files.device_file import DeviceFile, DriverTableEntry, KeyTable
from tinycontainer.files.fields import uid_from_text
from tinycontainer.files.toml_file import inside, read_bounded, read_toml
from tinycontainer.interfaces.analysis import Analyser
from tinycontainer.interfaces.building import Builder
from tinycontainer.interfaces.clock import Clock, VirtualClock
from tinycontainer.interfaces.driver import BoardInfo, Driver, DriverFactory, DriverSetup
from tinycontainer.interfaces.model_report import ModelInspector
from tinycontainer.interfaces.runtime import Described, Runtime, RuntimeDescription
from tinycontainer.metadata import ContainerType
from tinycontainer.metadata.bundle import OVERHEAD_BYTES
from tinycontainer.text import show
from tinycontainer.trace import Sink
from tinycontainer_tokens import (
    FileSequenceStore,
    KeyEntry,
    KeyFileError,
    KeyStore,
    MemorySequenceStore,
    SequenceFileError,
    SequenceStore,
)
from tinycontainer_tokens import key_files as key_codec

ANALYSERS: Final = "tinycontainer.analysers"
BUILDERS: Final = "tinycontainer.builders"
MODELS: Final = "tinycontainer.models"
RUNTIMES: Final = "tinycontainer.runtimes"
DRIVERS: Final = "tinycontainer.drivers"
DEFAULT_RUNTIMES: Final = {"bpf": "rbpf", "wasm": "pywasm"}


def _discard(_line: bytes) -> None:
    pass


class Device(device_room.BareDevice):
    """A device that can be made from a device file."""

    @classmethod
    def from_file(
        cls,
        path: Path | str,
        *,
        clock: Clock | None = None,
        sinks: Sequence[Sink] = (),
        show_line: Callable[[bytes], None] = _discard,
    ) -> "Device":
        """Make a device, and load and start the containers that its file lists.

        Args:
            path: the device file.
            clock: its time; by default virtual, at the file's cost of an instruction.
            sinks: who hears of what happens.
            show_line: takes untrusted lines for the operator's screen.

        Raises:
            DeviceFileError: the file, or a file that it names, cannot be used; a listed container
                is refused.
            RuntimeUnavailable: a runtime cannot work in this process.
        """
        plan = read_plan(Path(path))
        used = clock or VirtualClock(plan.content.scheduling.instruction_ns)
        device = cls(assemble(plan, used, show_line), used, sinks)
        load_listed(device, plan)
        return device


@dataclass(frozen=True, slots=True)
class Plan:
    """A device file that was read.

    Attributes:
        path: where it lies.
        content: what it says.
    """

    path: Path
    content: DeviceFile

    @property
    def name(self) -> str:
        """Its name, fit to be shown."""
        return show(str(self.path))

    def error(self, place: str, problem: str) -> DeviceFileError:
        """An error at a place of the file."""
        return DeviceFileError(self.name, place, problem)

    def file(self, name: str, place: str) -> Path:
        """A file that it names."""
        return inside(self.path.parent, name, self.name, place)

    def on_engine(self, engine: str) -> "Plan":
        """The same plan with another runtime.

        Args:
            engine: ``TYPE.NAME``, or the name of one for WebAssembly.
        """
        runtimes = self.content.runtimes | {type_of_engine(engine): engine.rpartition(".")[2]}
        return replace(self, content=self.content.model_copy(update={"runtimes": runtimes}))


def type_of_engine(engine: str) -> str:
    """The container type of an engine, ``TYPE.NAME`` or the name of one for WebAssembly."""
    return engine.rpartition(".")[0] or "wasm"


def read_plan(path: Path) -> Plan:
    """Read a device file.

    Raises:
        DeviceFileError: it cannot be used.
    """
    return Plan(path, read_toml(path, DeviceFile))


def assemble(
    plan: Plan,
    clock: Clock,
    show_line: Callable[[bytes], None] = _discard,
    outside: Outside | None = None,
) -> Setup:
    """Resolve everything that a device file names.

    Args:
        plan: the device file.
        clock: the device's clock.
        show_line: takes untrusted lines for the operator's screen.
        outside: taken in place of what the file names; no driver is made then.

    Raises:
        DeviceFileError: something that it names cannot be used.
        RuntimeUnavailable: a runtime cannot work in this process.
    """
    content, runtimes = plan.content, runtimes_of(plan)
    given = outside or Outside(
        _drivers(plan, show_line, virtual_time=isinstance(clock, VirtualClock)),
        _sequences(plan),
        _epoch_s(content.device.epoch, clock),
    )
    return Setup(
        runtimes=runtimes,
        drivers=given.drivers,
        trust=trust_of(plan),
        capacity=content.capacity.capacity(content.device.board),
        caps=content.caps.caps(),
        scheduling=content.scheduling.scheduling(),
        epoch_s=given.epoch_s,
        sequences=given.sequences,
    )


def installed(group: str) -> Mapping[str, EntryPoint]:
    """What is installed in a group of entry points, by name."""
    return {point.name: point for point in entry_points(group=group)}


def _epoch_s(named: int | None, clock: Clock) -> int:
    if named is not None:
        return named
    return DEFAULT_EPOCH_S if isinstance(clock, VirtualClock) else int(time.time())


def analysers() -> dict[ContainerType, Analyser]:
    """The analysers that are installed, each for its container type."""
    return {
        ContainerType[name.upper()]: point.load()
        for name, point in installed(ANALYSERS).items()
        if name.upper() in ContainerType.__members__
    }


def builder(name: str) -> Builder:
    """A builder that is installed.

    Raises:
        RuntimeUnavailable: it is not, or something that it needs is not.
    """
    point = installed(BUILDERS).get(name)
    if point is None:
        raise RuntimeUnavailable(f"builder {show(name)} is not installed")
    try:
        made: Builder = point.load()()
    except ImportError as error:
        raise RuntimeUnavailable(f"builder {name}: {error}") from error
    return made


def model_inspectors() -> dict[str, ModelInspector]:
    """The inspectors of models that are installed, by file format."""
    return {name: point.load() for name, point in installed(MODELS).items()}


def runtimes_of(plan: Plan) -> dict[ContainerType, Runtime]:
    """One runtime for each container type that has any; the file or the default chooses.

    Raises:
        DeviceFileError: a runtime that the file names is not installed.
        RuntimeUnavailable: a runtime cannot work in this process.
    """
    found = installed(RUNTIMES)
    wanted = dict(DEFAULT_RUNTIMES)
    for full_name in sorted(found):
        type_name, _, name = full_name.partition(".")
        wanted.setdefault(type_name, name)
    for type_name, name in plan.content.runtimes.items():
        if f"{type_name}.{name}" not in found:
            there = ", ".join(sorted(found)) or "none"
            place = f"runtimes.{show(type_name)}"
            raise plan.error(place, f"{show(name)} is not installed; there are: {there}")
        wanted[type_name] = name
    runtimes: dict[ContainerType, Runtime] = {}
    for type_name, name in wanted.items():
        point = found.get(f"{type_name}.{name}")
        if point is not None and type_name.upper() in ContainerType.__members__:
            runtimes[ContainerType[type_name.upper()]] = _made(point)
    return runtimes


@dataclass(frozen=True, slots=True)
class InstalledRuntime:
    """A runtime that is installed.

    Attributes:
        name: ``TYPE.NAME``, by which a device file chooses it.
        chosen: whether it runs its container type if nothing else is said.
        description: what it says about itself; None if it says nothing, or does not work.
        problem: why it does not work here; empty if it does.
    """

    name: str
    chosen: bool
    description: RuntimeDescription | None
    problem: str = ""


def installed_runtimes() -> list[InstalledRuntime]:
    """All runtimes that are installed, by name; each is made once, to see whether it works."""
    return [_looked_at(point) for _, point in sorted(installed(RUNTIMES).items())]


def _looked_at(point: EntryPoint) -> InstalledRuntime:
    type_name, _, name = point.name.partition(".")
    chosen = DEFAULT_RUNTIMES.get(type_name) == name
    try:
        runtime = _made(point)
        description = runtime.describe() if isinstance(runtime, Described) else None
    except Exception as error:  # it is foreign code; the others are still to be listed
        return InstalledRuntime(point.name, chosen, None, f"{type(error).__name__}: {error}")
    return InstalledRuntime(point.name, chosen, description)


def _made(point: EntryPoint) -> Runtime:
    try:
        runtime: Runtime = point.load()()
    except ImportError as error:
        raise RuntimeUnavailable(f"runtime {point.name}: {error}") from error
    return runtime


def _drivers(plan: Plan, show_line: Callable[[bytes], None], *, virtual_time: bool) -> DriverTable:
    device = plan.content.device
    random_bytes = os.urandom if device.seed is None else random.Random(device.seed).randbytes
    board = BoardInfo(device.name, device.vendor, device.id or "")
    entries = []
    found = installed(DRIVERS)  # once: it reads the metadata of everything that is installed
    for number, entry in enumerate(plan.content.drivers):
        setup = DriverSetup(
            entry.options, plan.path.parent, random_bytes, show_line, board, virtual_time
        )
        entries.append(_driver_entry(plan, f"drivers[{number}]", entry, setup, found))
    return _driver_table(plan, entries)


def driver_places(plan: Plan) -> DriverTable:
    """The drivers of a device for those who only look: none is made, and none can be.

    Raises:
        DeviceFileError: two drivers have one place.
    """
    return _driver_table(plan, [entry.entry(_not_made) for entry in plan.content.drivers])


def _driver_table(plan: Plan, entries: Sequence[DriverEntry]) -> DriverTable:
    try:
        return DriverTable(entries)
    except ValueError as error:
        raise plan.error("drivers", str(error)) from None


def _not_made() -> Driver:
    raise RuntimeError("this table is to be looked at; its drivers are not made")


def _driver_entry(
    plan: Plan,
    place: str,
    entry: DriverTableEntry,
    setup: DriverSetup,
    found: Mapping[str, EntryPoint],
) -> DriverEntry:
    if entry.driver not in found:
        there = ", ".join(sorted(found)) or "none"
        problem = f"{show(entry.driver)} is not installed; there are: {there}"
        raise plan.error(f"{place}.driver", problem)
    factory: DriverFactory = found[entry.driver].load()
    try:
        spare: list[Driver] = [factory(setup)]  # made now, so that wrong options show at once
    except ValueError as error:
        raise plan.error(place, str(error)) from None
    return entry.entry(lambda: spare.pop() if spare else factory(setup))


def trust_of(plan: Plan) -> Trust:
    """Whom a device believes.

    Raises:
        DeviceFileError: a key cannot be used.
    """
    table = plan.content.trust
    try:
        keys = KeyStore(
            _key(plan, f"trust.keys[{number}]", key) for number, key in enumerate(table.keys)
        )
    except KeyFileError as error:
        raise plan.error("trust.keys", str(error)) from None
    return Trust(
        keys=keys,
        profiles=tuple(table.profiles),
        allow_unsigned=table.allow_unsigned,
        unsigned_mask=table.unsigned_mask,
        require_endpoint_tokens=table.require_endpoint_tokens,
        device_id=plan.content.device.id,
    )


def _key(plan: Plan, place: str, table: KeyTable) -> KeyEntry:
    path = plan.file(table.file, f"{place}.file")
    content = read_bounded(path, key_codec.MAX_KEY_FILE_BYTES)
    try:
        material = key_codec.parse(content)
    except KeyFileError as error:
        raise plan.error(f"{place}.file", f"{show(path.name)}: {error}") from None
    if material.algorithm is not table.algorithm:
        problem = f"the file holds a key for {material.algorithm}, not {table.algorithm}"
        raise plan.error(f"{place}.algorithm", problem)
    uids = None if table.uids is None else frozenset(map(uid_from_text, table.uids))
    return KeyEntry(table.role, table.profile, material, uids)


def _sequences(plan: Plan) -> SequenceStore:
    name = plan.content.trust.sequence_file
    if name is None:
        return MemorySequenceStore()
    try:
        return FileSequenceStore(plan.file(name, "trust.sequence_file"))
    except SequenceFileError as error:
        raise plan.error("trust.sequence_file", str(error)) from None


def load_listed(device: device_room.BareDevice, plan: Plan) -> None:
    """Load and start the containers that a device file lists.

    Raises:
        DeviceFileError: one of them is refused.
    """
    capacity = plan.content.capacity.capacity(plan.content.device.board)
    for number, entry in enumerate(plan.content.containers):
        place = f"containers[{number}].bundle"
        path = plan.file(entry.bundle, place)
        content = read_bounded(path, capacity.bundle_bytes + OVERHEAD_BYTES)
        try:
            view = device.load(content)
            if entry.start:
                device.start(view.uid)
        except LoadError as error:
            raise plan.error(place, f"{show(path.name)} is refused: {error}") from error
