"""The public device: one that can be made from a device file (``docs/adr/0004``)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tinycontainer import metadata as metadata_codec
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.device import BareDevice
from tinycontainer.device.setup import Setup
from tinycontainer.errors import LoadError, MetadataError, UpdateReason, UpdateRefused
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.interfaces.clock import Clock, VirtualClock
from tinycontainer.metadata import Bundle
from tinycontainer.state import StateFileError
from tinycontainer.suit.updater import Fetch, UpdateOutcome, Updater, fetch_nothing
from tinycontainer.symbols.symbol_directory import Symbols, read_symbols
from tinycontainer.text import show
from tinycontainer.trace import Sink

from .device_plan import DevicePlan, read_plan
from .installation import Installation
from .setup import FileSetup, discard_line, make_setup


class Device(BareDevice):
    """A device that can be made from a device file, and that takes updates.

    Args:
        setup: what it is made of.
        clock: its time.
        sinks: receive each event of the trace.

    Attributes:
        updater: applies updates; None if the device takes none.
        evidence_key: signs what the device states of itself; None if it states nothing.
    """

    def __init__(self, setup: Setup, clock: Clock, sinks: Sequence[Sink] = ()) -> None:
        super().__init__(setup, clock, sinks)
        rules = setup.update_rules if isinstance(setup, FileSetup) else None
        self.updater = None if rules is None else Updater(rules, self)
        self.evidence_key = setup.evidence_key if isinstance(setup, FileSetup) else None

    def update(self, envelope: bytes, fetch: Fetch = fetch_nothing) -> UpdateOutcome:
        """Apply a SUIT envelope: all that it says, or nothing (TC-UPD-05).

        Args:
            envelope: untrusted bytes.
            fetch: fetches payloads that the envelope does not carry, from the origins that the
                device file allows.

        Raises:
            UpdateRefused: it is refused; nothing has changed.
        """
        if self.updater is None:
            raise UpdateRefused(UpdateReason.KEY, "", "this device takes no updates")
        return self.updater.apply(envelope, fetch)

    @classmethod
    def from_file(
        cls,
        path: Path | str,
        *,
        clock: Clock | None = None,
        sinks: Sequence[Sink] = (),
        show_line: Callable[[bytes], None] = discard_line,
        installation: Installation | None = None,
        remembers: bool = False,
        symbols: Path | str | None = None,
    ) -> "Device":
        """Make a device, and load and start the containers that its file lists.

        Args:
            path: the device file.
            clock: its time; by default virtual, at the file's cost of an instruction.
            sinks: receive each event of the trace.
            show_line: takes untrusted lines for the operator's screen.
            installation: what is installed; devices that share one are made faster and need less
                memory. By default the device gets one of its own.
            remembers: own the state file that the device file names, restore from it, and record
                all that outlasts a boot; `close` lets it go.
            symbols: a directory with debug files, as ``tinycontainerctl build`` writes them: the
                places of traps in `View.last_exit` are then lines of the source.

        Raises:
            DeviceFileError: the file, or a file that it names, cannot be used; a listed container
                is refused.
            RuntimeUnavailable: a runtime cannot work in this process.
            DebugFileError: the directory of the debug files cannot be used.
        """
        found = Symbols() if symbols is None else read_symbols(Path(symbols))
        shared = installation or Installation()
        plan = read_plan(Path(path), shared.files)
        used = clock or VirtualClock(plan.content.scheduling.instruction_ns)
        setup = make_setup(plan, used, shared, show_line, remembers=remembers)
        device = cls(replace(setup, symbols=found), used, sinks)
        try:
            boot(device, setup, plan)
        except BaseException:
            device.close(recording=False)
            raise
        return device


def boot(device: BareDevice, setup: Setup, plan: DevicePlan) -> None:
    """Restore what the device remembers; at its first boot load what its file lists.

    Raises:
        DeviceFileError: the first boot, and a listed container is refused; or the state cannot be
            used.
    """
    state = setup.state
    if state is None:
        load_listed_containers(device, plan)
        return
    try:
        device.restore()
        # A first boot that a power cut has ended goes on: the boot is counted at its end.
        if state.remembered().count == 0:
            load_listed_containers(device, plan)
        state.begin_boot(setup.epoch_s)
    except StateFileError as error:
        raise plan.error("state.file", f"{error.file} {error.problem}") from None


def _uid_of(content: bytes) -> bytes:
    try:
        return metadata_codec.decode(
            Bundle.decode(content, len(content)).metadata, len(content)
        ).uid
    except MetadataError:
        return b""


def load_listed_containers(device: BareDevice, plan: DevicePlan) -> None:
    """Load and start the containers that a device file lists.

    Raises:
        DeviceFileError: one of them is refused.
    """
    capacity = plan.content.make_capacity()
    restored = {view.uid for view in device}
    for number, entry in enumerate(plan.content.containers):
        place = f"containers[{number}].bundle"
        path = plan.file(entry.bundle, place)
        content = read_bounded(path, capacity.bundle_bytes)
        uid = _uid_of(content) if restored else b""
        try:
            # A first boot that a power cut has ended goes on: this one may be there already.
            if uid not in restored:
                uid = device.load(content).uid
            if entry.start and device[uid].state is State.READY:
                device.start(uid)
        except LoadError as error:
            raise plan.error(place, f"{show(path.name)} is refused: {error}") from error
