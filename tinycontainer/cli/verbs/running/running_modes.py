"""Two ways to run a device: afresh, perhaps recorded, and as a replay of a recording."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tinycontainer.assembly import (
    Device,
    DevicePlan,
    Installation,
    boot,
    locate_drivers,
    make_setup,
)
from tinycontainer.device.setup import Outside
from tinycontainer.errors import RecordingFull
from tinycontainer.interfaces.clock import Clock, VirtualClock, WallClock
from tinycontainer.scenario.script import ScriptStep, Surprise, play_script
from tinycontainer.text import show
from tinycontainer.tools.recording import (
    Digest,
    Player,
    TapeReader,
    replay,
)
from tinycontainer.trace import Sink, TraceEvent
from tinycontainer.trace.events import TraceEnded

from ...verb import ExitCode, VerbRefused
from .listeners import show_progress
from .taping import digest_of, taping


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run, and who follows it.

    Attributes:
        plan: the device file.
        steps: the script.
        end_ms: device time at which to stop; None for no end.
        wall: whether to run in wall time.
        sinks: receive the events.
        show_line: takes untrusted lines for the operator's screen.
        installation: what is installed.
        engine: what runs WebAssembly, whatever the device file says; None for what it says.
        remembers: whether the device goes on from its state, and records all that outlasts a boot.
    """

    plan: DevicePlan
    steps: tuple[ScriptStep, ...]
    end_ms: int | None
    wall: bool
    sinks: Sequence[Sink]
    show_line: Callable[[bytes], None]
    installation: Installation
    engine: str | None = None
    remembers: bool = False

    def make_clock(self) -> Clock:
        """A new clock of the requested kind."""
        return WallClock() if self.wall else self.make_virtual_clock()

    def make_virtual_clock(self) -> VirtualClock:
        """A new clock of virtual time."""
        return VirtualClock(self.plan.content.scheduling.instruction_ns)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        now_ns: device time at the end.
        surprises: steps of the script that did not go as expected.
        interrupted: whether the operator ended it.
        cut: what is missing of it in a recording, or of a recording in it; empty if nothing is.
    """

    now_ns: int
    surprises: Sequence[Surprise] = ()
    interrupted: bool = False
    cut: str = ""


def run_afresh(
    request: RunRequest, recording: Path | None, limit_bytes: int, *, force: bool
) -> RunResult:
    """Run a device.

    Args:
        request: what to run.
        recording: where all is kept that a replay needs; None for nowhere.
        limit_bytes: see `taping`.
        force: see `taping`.

    Raises:
        DeviceFileError: something that its file names cannot be used.
        VerbRefused: the recording exists, or cannot be written.
    """
    clock = request.make_clock()
    plan = _on_engine(request.plan, request.engine)
    with taping(recording, limit_bytes, force=force) as tape:
        show_line = tape.show_line(request.show_line)
        setup = make_setup(
            plan, clock, request.installation, show_line, remembers=request.remembers
        )
        device = tape.device(plan, setup, clock, request.sinks, request.engine)
        try:
            with tape.guarding():
                boot(device, setup, request.plan)
                surprises, interrupted = _play_script(device, request)
            end_ns = device.end_trace(_reason(interrupted))
        except BaseException:
            device.close(recording=False)
            raise
        device.close()
    return RunResult(end_ns, surprises, interrupted, tape.cut)


def run_replayed(request: RunRequest, path: Path) -> RunResult:
    """Repeat a recorded run; script, end and kind of time are those of the recording.

    Args:
        request: the device file, and who follows the run.
        path: the recording; untrusted.

    Raises:
        RecordingError: it cannot be used.
        ReplayDiverged: the replay does something else than the recorded run.
        VerbRefused: it was made with another device file.
    """
    tape = TapeReader(path)
    header = tape.header()
    if header.device_file != digest_of(request.plan):
        raise VerbRefused(
            f"{show(str(path))}: was recorded with another device file than {request.plan.name}",
            ExitCode.REFUSED,
        )
    player = Player(tape, request.show_line)
    clock = player.clock(None if header.wall else request.make_virtual_clock())
    drivers = player.drivers(locate_drivers(request.plan))
    outside = Outside(drivers, player.sequences(), header.epoch_s)
    plan = _on_engine(request.plan, header.engine)
    setup = make_setup(plan, clock, request.installation, outside=outside)
    if header.remembers:
        setup = replace(setup, state=player.state())
    digest = Digest()
    device = Device(setup, clock, [digest, *(_repeating(tape, sink) for sink in request.sinks)])
    try:
        interrupted = replay(device, tape, clock, digest)
    except RecordingFull as error:
        ended = TraceEnded("full", 0)
        ended.at_ns = clock.end_here()
        for sink in request.sinks:
            sink(ended)
        return RunResult(ended.at_ns, cut=str(error))
    return RunResult(device.now_ns, interrupted=interrupted)


def _repeating(tape: TapeReader, sink: Sink) -> Sink:
    """A sink that gets what is a repetition of the recorded run, and nothing after that."""

    def receive(event: TraceEvent) -> None:
        if not tape.has_failed:
            sink(event)

    return receive


def _reason(interrupted: bool) -> str:
    return "interrupted" if interrupted else "over"


def _play_script(device: Device, request: RunRequest) -> tuple[list[Surprise], bool]:
    """Play a script; an operator who interrupts it still gets the summary of the run."""
    try:
        with show_progress(request.end_ms) as tick:
            return play_script(device, request.steps, request.end_ms, tick), False
    except KeyboardInterrupt:
        return [], True


def _on_engine(plan: DevicePlan, engine: str | None) -> DevicePlan:
    return plan if engine is None else plan.on_engine(engine)
