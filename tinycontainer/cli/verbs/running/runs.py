"""Three ways to run a device: as it is, recorded, and as a replay of what was recorded."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tinycontainer.assembly import (
    Device,
    DevicePlan,
    Installation,
    load_listed_containers,
    locate_drivers,
    make_setup,
)
from tinycontainer.device.device import Outside
from tinycontainer.files.toml_file import MAX_TOML_BYTES, read_bounded
from tinycontainer.interfaces.clock import Clock, VirtualClock, WallClock
from tinycontainer.scenario.script import ScriptStep, Surprise, play_script
from tinycontainer.text import show
from tinycontainer.tools.recording import (
    Digest,
    Header,
    InterruptGate,
    Player,
    RecordedDevice,
    Recorder,
    TapeReader,
    TapeWriter,
    replay,
)
from tinycontainer.trace import Sink

from ...output import ExitCode, Refusal, require_absent
from .outcome import refusing
from .progress import progress

_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run.

    Attributes:
        plan: the device file.
        steps: the script.
        end_ms: device time at which to stop; None for no end.
        wall: whether to run in wall time.
        sinks: who hears of what happens.
        show_line: takes untrusted lines for the operator's screen.
        installation: what is installed.
        engine: what runs WebAssembly, whatever the device file says.
    """

    plan: DevicePlan
    steps: tuple[ScriptStep, ...]
    end_ms: int | None
    wall: bool
    sinks: Sequence[Sink]
    show_line: Callable[[bytes], None]
    installation: Installation
    engine: str | None = None

    @property
    def clock(self) -> Clock:
        """A new clock of the wished kind."""
        return WallClock() if self.wall else self.virtual_clock

    @property
    def virtual_clock(self) -> VirtualClock:
        """A new clock of virtual time."""
        return VirtualClock(self.plan.content.scheduling.instruction_ns)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it.

    Attributes:
        now_ns: device time at the end.
        surprises: steps of the script that did not go as expected.
        interrupted: whether the operator ended it.
    """

    now_ns: int
    surprises: Sequence[Surprise] = ()
    interrupted: bool = False


def run_plainly(order: Order) -> Result:
    """Run a device.

    Raises:
        DeviceFileError: something that its file names cannot be used.
    """
    clock = order.clock
    plan = _on_engine(order.plan, order.engine)
    device = Device(
        make_setup(plan, clock, order.installation, order.show_line), clock, order.sinks
    )
    load_listed_containers(device, order.plan)
    surprises, interrupted = _play(device, order)
    return Result(device.now_ns, surprises, interrupted)


def run_recorded(order: Order, path: Path, *, force: bool) -> Result:
    """Run a device and keep all that a replay needs.

    Args:
        order: what is to be run.
        path: the recording; nobody but its owner can read it, as it holds payload.
        force: whether it may be overwritten.

    Raises:
        DeviceFileError: something that the device file names cannot be used.
        Refusal: the recording exists, or cannot be written.
    """
    clock, gate = order.clock, InterruptGate()
    with _private_lines(path, force=force) as write, refusing(path):
        tape = TapeWriter(write)
        recorder = Recorder(tape, gate)
        plan = _on_engine(order.plan, order.engine)
        setup = make_setup(plan, clock, order.installation, recorder.show_line(order.show_line))
        tape.begin(Header(_digest_of(plan), order.wall, setup.epoch_s, order.engine))
        setup = replace(
            setup,
            drivers=recorder.drivers(setup.drivers),
            sequences=recorder.sequences(setup.sequences),
        )
        device = RecordedDevice(setup, recorder.clock(clock), order.sinks, tape)
        with gate.guarding():
            load_listed_containers(device, order.plan)
            surprises, interrupted = _play(device, order)
        end_ns = device.finish()
    return Result(end_ns, surprises, interrupted)


def run_again(order: Order, path: Path) -> Result:
    """Repeat a recorded run; script, end and kind of time are those of the recording.

    Args:
        order: the device file, and who listens.
        path: the recording; untrusted.

    Raises:
        RecordingError: it cannot be used.
        ReplayDiverged: the replay does something else than the recorded run.
        Refusal: it was made with another device file.
    """
    tape, digest = TapeReader(path), Digest()
    header = tape.header()
    if header.device_file != _digest_of(order.plan):
        raise Refusal(
            f"{show(str(path))}: was recorded with another device file than {order.plan.name}",
            ExitCode.REFUSED,
        )
    player = Player(tape, order.show_line)
    clock = player.clock(None if header.wall else order.virtual_clock)
    drivers = player.drivers(locate_drivers(order.plan))
    outside = Outside(drivers, player.sequences(), header.epoch_s)
    plan = _on_engine(order.plan, header.engine)
    setup = make_setup(plan, clock, order.installation, outside=outside)
    device = Device(setup, clock, [digest, *order.sinks])
    interrupted = replay(device, tape, clock, digest)
    return Result(device.now_ns, interrupted=interrupted)


def _play(device: Device, order: Order) -> tuple[list[Surprise], bool]:
    """Play a script; an operator who interrupts it still sees what became of the containers."""
    try:
        with progress(order.end_ms) as tick:
            return play_script(device, order.steps, order.end_ms, tick), False
    except KeyboardInterrupt:
        return [], True


def _on_engine(plan: DevicePlan, engine: str | None) -> DevicePlan:
    return plan if engine is None else plan.on_engine(engine)


def _digest_of(plan: DevicePlan) -> str:
    return hashlib.sha256(read_bounded(plan.path, MAX_TOML_BYTES)).hexdigest()


@contextmanager
def _private_lines(path: Path, *, force: bool) -> Iterator[Callable[[str], object]]:
    """A new file that only its owner can read, taking text."""
    require_absent((path,), force=force)
    with refusing(path):
        path.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        file = os.fdopen(os.open(path, flags, _PRIVATE), "w", encoding="ascii")
    try:
        yield file.write
    finally:
        with refusing(path):
            file.close()
