"""Where a run is recorded: in a file that holds a whole run, or nowhere."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from tinycontainer.assembly import Device, DevicePlan
from tinycontainer.device.setup import Setup
from tinycontainer.files.toml_file import MAX_TOML_BYTES, read_bounded
from tinycontainer.interfaces.clock import Clock, VirtualClock
from tinycontainer.text import show
from tinycontainer.tools.recording import Header, InterruptGate, Recorder, TapeWriter
from tinycontainer.trace import Sink

from ...output_files import open_lines, refuse_unwritable


class NoTape:
    """A run that is not recorded."""

    @property
    def cut(self) -> str:
        """What a recording lacks of its run; empty for nothing."""
        return ""

    def show_line(self, show_line: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """What takes lines for the operator's screen; has to be used for the setup."""
        return show_line

    def device(
        self,
        plan: DevicePlan,
        setup: Setup,
        clock: Clock,
        sinks: Sequence[Sink],
        engine: str | None = None,
    ) -> Device:
        """Make the device of the run.

        Args:
            plan: its file.
            setup: what it is made of.
            clock: its time.
            sinks: receive each event of the trace.
            engine: what runs WebAssembly, whatever the file says; None for what it says.
        """
        return Device(setup, clock, sinks)

    def guarding(self) -> AbstractContextManager[None]:
        """Let an operator's interrupt in only where a replay can repeat it."""
        return nullcontext()

    def note_request(self, who: str | None, method: str, path: str, code: str) -> None:
        """Note that somebody asked; see `Recorder.note_request`."""

    def raise_failure(self) -> None:
        """Raise what keeps the recording from being written.

        Raises:
            OSError: it cannot be written.
        """


class Tape(NoTape):
    """A run that is recorded.

    Args:
        path: the recording.
        writer: writes it.
        limit_bytes: the longest that it becomes.
    """

    def __init__(self, path: Path, writer: TapeWriter, limit_bytes: int) -> None:
        self._path = path
        self._writer = writer
        self._limit_bytes = limit_bytes
        self._gate = InterruptGate()
        self._recorder = Recorder(writer, self._gate)

    @property
    def cut(self) -> str:
        """See `NoTape.cut`."""
        if not self._writer.is_full:
            return ""
        return f"{show(str(self._path))}: is full at {self._limit_bytes} bytes; a replay ends there"

    def show_line(self, show_line: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """See `NoTape.show_line`."""
        return self._recorder.show_line(show_line)

    def device(
        self,
        plan: DevicePlan,
        setup: Setup,
        clock: Clock,
        sinks: Sequence[Sink],
        engine: str | None = None,
    ) -> Device:
        """See `NoTape.device`; here the recording begins."""
        wall = not isinstance(clock, VirtualClock)
        remembers = setup.state is not None
        self._writer.begin(Header(digest_of(plan), wall, setup.epoch_s, engine, remembers))
        return self._recorder.device(setup, clock, sinks)

    def guarding(self) -> AbstractContextManager[None]:
        """See `NoTape.guarding`."""
        return self._gate.guarding()

    def note_request(self, who: str | None, method: str, path: str, code: str) -> None:
        """See `NoTape.note_request`."""
        self._recorder.note_request(who, method, path, code)

    def raise_failure(self) -> None:
        """See `NoTape.raise_failure`."""
        self._writer.raise_failure()


@contextmanager
def taping(path: Path | None, limit_bytes: int, *, force: bool) -> Iterator[NoTape]:
    """What records a run, until the block is left.

    Args:
        path: the recording; nobody but its owner can read it, as it holds payload. None for none.
        limit_bytes: the longest that it becomes; a replay ends where it was cut.
        force: whether it is overwritten if it exists.

    Raises:
        VerbRefused: the recording exists, or cannot be written.
    """
    if path is None:
        yield NoTape()
        return
    with open_lines(path, force=force, private=True) as file, refuse_unwritable(path):
        # `write` raises OSError, not VerbRefused: the tape keeps it until no container runs, as it
        # would otherwise look like the fault of the driver whose answer is recorded.
        yield Tape(path, TapeWriter(file.write, limit_bytes), limit_bytes)


def digest_of(plan: DevicePlan) -> str:
    """The hash of a device file, by which a recording knows it."""
    return hashlib.sha256(read_bounded(plan.path, MAX_TOML_BYTES)).hexdigest()
