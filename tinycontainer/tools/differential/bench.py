"""A bench: one device file, some bundles and a script, to be run on a chosen engine."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tinycontainer.assembly import (
    Device,
    DevicePlan,
    Installation,
    load_listed_containers,
    make_setup,
    type_of_engine,
)
from tinycontainer.device.setup import Setup
from tinycontainer.errors import LoadError
from tinycontainer.files.device_file import DeviceFile, TrustTable
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.interfaces.runtime import Ability, Described
from tinycontainer.metadata import Bundle, ContainerType, Metadata, decode, encode
from tinycontainer.scenario.script import ScriptStep, play_script
from tinycontainer.text import show
from tinycontainer_tokens import MemorySequenceStore

from .record import RunRecord

_SEED: Final = 1
"""Of the random driver, where the device file names none: both runs have to see the same."""

_ALL_CALLS: Final = 0b11111


@dataclass(frozen=True, slots=True)
class Bench:
    """A device, containers and a script, the same for both engines.

    Attributes:
        plan: the device file.
        bundles: name and content of bundles that are loaded and started at once, beside those that
            the device file lists.
        steps: a script.
        for_ms: device time.
    """

    plan: DevicePlan
    bundles: tuple[tuple[str, bytes], ...] = ()
    steps: tuple[ScriptStep, ...] = ()
    for_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class EngineRun:
    """A bench's run on one engine.

    Attributes:
        engine: its name, ``TYPE.NAME`` or NAME.
        abilities: of the engine.
        refused: bundles that were refused, with the reason; part of what is compared.
        surprises: steps of the script that did not go as expected; part of what is compared.
        loaded: uids of the containers of the bench's own bundles.
        record: what happened.
    """

    engine: str
    abilities: frozenset[Ability]
    refused: tuple[str, ...]
    surprises: tuple[str, ...]
    loaded: frozenset[bytes]
    record: RunRecord

    @property
    def container_type(self) -> str:
        """The type of the containers that this engine runs."""
        return type_of_engine(self.engine)


def make_bare_plan() -> DevicePlan:
    """Make a device without a file: it needs no tokens, allows all calls, and has no drivers."""
    trust = TrustTable(allow_unsigned=True, unsigned_mask=_ALL_CALLS)
    return DevicePlan(Path("compare"), DeviceFile(trust=trust))


def remove_tokens(content: bytes) -> bytes:
    """Make an unsigned bundle of a signed one, for a device that has no keys.

    Raises:
        MetadataError: it is not a bundle.
    """
    bundle = Bundle.decode(content, len(content))
    metadata: Metadata = decode(bundle.metadata)
    security = metadata.security and replace(
        metadata.security, data_token=b"", code_token=b"", metadata_token=b""
    )
    endpoints = tuple(replace(each, token=None) for each in metadata.endpoints or ())
    container = replace(metadata.container, syscall_mask_token=b"")
    return Bundle(encode(container, endpoints, security), bundle.data, bundle.code).encode()


def run_on(bench: Bench, engine: str, installation: Installation) -> EngineRun:
    """EngineRun a bench on an engine, in virtual time.

    Args:
        bench: what to run.
        engine: ``TYPE.NAME``, or the name of one for WebAssembly.
        installation: what is installed.

    Raises:
        DeviceFileError: the engine is not installed, or the device file cannot be used.
        RuntimeUnavailable: it cannot work in this process.
    """
    plan = _with_seed(bench.plan).on_engine(engine)
    clock = VirtualClock(plan.content.scheduling.instruction_ns)
    setup = make_setup(plan, clock, installation, is_reader=True)
    steady = _Steadiness()
    record = RunRecord(steady)
    wrapped = {kind: record.wrapped(runtime) for kind, runtime in setup.runtimes.items()}
    # One run must not remember the sequences that the other accepted.
    device = Device(
        replace(setup, runtimes=wrapped, sequences=MemorySequenceStore()), clock, [record]
    )
    # Only now: the device needs the record, and the record asks about the device's endpoints.
    steady.device = device
    steady.setup = setup
    loaded, refused = _load_bundles(device, bench, plan)
    surprises = play_script(device, bench.steps, bench.for_ms)
    record.finish()
    said = tuple(str(each) for each in surprises)
    return EngineRun(engine, _abilities(setup, engine), refused, said, loaded, record)


def _with_seed(plan: DevicePlan) -> DevicePlan:
    if plan.content.device.seed is not None:
        return plan
    table = plan.content.device.model_copy(update={"seed": _SEED})
    return replace(plan, content=plan.content.model_copy(update={"device": table}))


def _load_bundles(
    device: Device, bench: Bench, plan: DevicePlan
) -> tuple[frozenset[bytes], tuple[str, ...]]:
    """Load and start what there is; returns uids of the bundles, and why others were refused."""
    load_listed_containers(device, plan)
    loaded = set()
    refused = []
    for name, content in bench.bundles:
        try:
            uid = device.load(content).uid
            loaded.add(uid)
            device.start(uid)
        except LoadError as error:
            refused.append(f"{show(name)}: {error}")
    return frozenset(loaded), tuple(refused)


def _abilities(setup: Setup, engine: str) -> frozenset[Ability]:
    """The abilities of an engine; the runtimes of other types are the same in both runs."""
    kind = ContainerType.__members__.get(type_of_engine(engine).upper())
    runtime = None if kind is None else setup.runtimes.get(kind)
    return runtime.describe().abilities if isinstance(runtime, Described) else frozenset()


class _Steadiness:
    """Whether an endpoint's results depend on nothing but its own container's calls."""

    def __init__(self) -> None:
        self.device: Device | None = None
        self.setup: Setup | None = None

    def __call__(self, uid: bytes, endpoint_id: int) -> bool:
        if self.device is None or self.setup is None or uid not in self.device:
            return False
        for endpoint in self.device.metadata(uid).endpoints or ():
            if endpoint.endpoint_id == endpoint_id:
                break
        else:
            return True  # there is none: refused, always
        entry = self.setup.drivers.find(endpoint.peer_type, endpoint.peer_endpoint_id)
        if entry is None or entry.shared:
            return False
        driver = self.setup.drivers.instance(entry, uid)
        return getattr(driver, "steady", False) is True
