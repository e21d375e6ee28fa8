"""A device on the bench with all that belongs to it, and how containers come onto it."""

from pathlib import Path
from typing import Final

from tinycontainer.assembly import (
    Device,
    Installation,
    load_listed_containers,
    read_plan,
    type_of_engine,
)
from tinycontainer.errors import DebugFileError, LoadError, MetadataError
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.interfaces.runtime import Natives
from tinycontainer.metadata import ContainerType, Endpoint
from tinycontainer.symbols.symbol_directory import Symbols, read_symbols
from tinycontainer.text import show
from tinycontainer.tools.packing.manifest import manifest_path, read_manifest

from .bench_setup import make_bench_setup, plan_for_bench
from .budget import CountingClock
from .errors import BenchMisused, StepNotMet, hides_frames
from .observations import Observations
from .pipe_end import PipeEnd
from .played_peers import peer_blueprint, peer_code, pipes_of
from .stand_in_keys import StandInKeys
from .subject import Subject, find_subject

__tracebackhide__ = hides_frames

_BOOT_MS: Final = 100


class Rig:
    """A device on the bench.

    Args:
        subject: what the test is about.
        engine: what runs containers of its type, whatever the device file says; None for what it
            says.
        installation: what is installed.
        keys: of the tests.

    Attributes:
        name: of the device file.
        engine: see above.
        clock: the device's time.
        device: the device.
        parts: what it is made of.
        observations: what was seen of it.
        uids: the containers under test, in the order in which they were loaded.

    Raises:
        DeviceFileError: a file cannot be used.
        StepNotMet: the container is refused.
    """

    def __init__(
        self, subject: Subject, engine: str | None, installation: Installation, keys: StandInKeys
    ) -> None:
        self._keys = keys
        self._original = read_plan(subject.device_file, installation.files)
        self.name = self._original.name
        self.engine = engine
        alone = subject.manifest is not None or subject.bundle is not None
        plan = plan_for_bench(self._original, lists_containers=not alone)
        plan = plan if engine is None else plan.on_engine(engine)
        self.clock = CountingClock(plan.content.scheduling.instruction_ns)
        symbols = _read_symbols((subject.manifest or subject.bundle or subject.device_file).parent)
        self.parts = make_bench_setup(self._original, plan, self.clock, installation, keys, symbols)
        self.observations = Observations(symbols)
        self.device = Device(self.parts.setup, self.clock, [self.observations])
        self.uids: list[bytes] = []
        self._ends: dict[tuple[bytes, int], PipeEnd] = {}
        load_listed_containers(self.device, plan)
        self.uids += [view.uid for view in self.device]
        if alone:
            self.load(subject.manifest or subject.bundle or Path())

    @property
    def ends(self) -> list[PipeEnd]:
        """The test's ends of pipes."""
        return list(self._ends.values())

    def runs_on_engine(self) -> bool:
        """Whether the chosen engine runs any of the containers under test."""
        if self.engine is None:
            return True
        chosen = ContainerType[type_of_engine(self.engine).upper()]
        return chosen in {self.device.metadata(uid).container.type for uid in self.uids}

    def load(self, path: Path) -> bytes:
        """Load a container: a directory or a manifest, which is packed, or a bundle.

        Returns:
            Its uid.

        Raises:
            StepNotMet: the device refuses it.
        """
        content = self._bundle(path)
        try:
            uid = self.device.load(content).uid
        except LoadError as error:
            raise StepNotMet(f"{show(str(path))} is refused: {error}") from None
        self.uids.append(uid)
        return uid

    def endpoints(self, uid: bytes) -> dict[int, Endpoint]:
        """The endpoints of a container, by id."""
        return {each.endpoint_id: each for each in self.device.metadata(uid).endpoints or ()}

    def pipe(self, uid: bytes, endpoint_id: int) -> PipeEnd:
        """The test's end of a pipe; its container is loaded and started when it is first needed.

        Raises:
            BenchMisused: the endpoint is no pipe, or its peer is there already.
        """
        pipes = pipes_of(self.device.metadata(uid))
        if endpoint_id not in pipes:
            offer = ", ".join(map(str, sorted(pipes))) or "none"
            raise BenchMisused(f"endpoint {endpoint_id} is no pipe; endpoints that are: {offer}")
        if (uid, endpoint_id) not in self._ends:
            endpoint = pipes[endpoint_id]
            peer = endpoint.peer_uid or b""
            end = PipeEnd(
                endpoint,
                self._play(peer),
                self.parts.setup.capacity.transfer_bytes,
                lambda: len(self.observations.of(uid).writes.get(endpoint_id, ())),
                lambda: self._last_refusal(peer),
            )
            self._ends[uid, endpoint_id] = end
        return self._ends[uid, endpoint_id]

    def close(self) -> None:
        """Let the device go."""
        self.device.close(recording=False)

    def _bundle(self, path: Path) -> bytes:
        subject = find_subject(path, self._original.path)
        if subject.bundle is not None:
            return read_bounded(subject.bundle, self.parts.setup.capacity.bundle_bytes)
        if subject.manifest is None:
            raise BenchMisused(f"{show(str(path))}: is no container")
        try:
            manifest = read_manifest(subject.manifest)
            return self._keys.pack(manifest, self._original.content.trust).encode()
        except MetadataError as error:
            raise BenchMisused(f"{show(str(manifest_path(path)))}: {error}") from None

    def _play(self, uid: bytes) -> Natives:
        """The calls of a container that the test plays."""
        natives = self.parts.played.natives(uid)
        if natives is not None:
            return natives
        if uid in self.device:
            raise BenchMisused(f"{show(uid)} is loaded: what is there cannot be played by the test")
        loaded = [self.device.metadata(each) for each in self.uids]
        blueprint = peer_blueprint(uid, loaded, self.parts.setup.caps.of(uid))
        bundle = self._keys.pack_peer(blueprint, peer_code(uid), self._original.content.trust)
        try:
            self.device.load(bundle.encode())
        except LoadError as error:
            raise BenchMisused(f"{show(uid)}, which the test plays, is refused: {error}") from None
        self.device.start(uid)
        for _ in range(_BOOT_MS):
            self.device.run_due(1)
            natives = self.parts.played.natives(uid)
            if natives is not None:
                return natives
        raise BenchMisused(
            f"{show(uid)}, which the test plays, does not get the processor: ask for the pipe"
            " before the container is started"
        )

    def _last_refusal(self, uid: bytes) -> str:
        refusals = self.observations.of(uid).refusals
        return str(refusals[-1].reason) if refusals else "too many refusals to record"


def _read_symbols(directory: Path) -> Symbols:
    """The debug files beside a container; a test goes on without those that cannot be used."""
    try:
        return read_symbols(directory)
    except DebugFileError:
        return Symbols()
