"""Records the device of a `World` in virtual time, and repeats what it did in another world."""

from pathlib import Path

from support.scripted import Program
from support.worlds import World
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.tools.recording import (
    Digest,
    Header,
    InterruptGate,
    Player,
    Recorder,
    TapeReader,
    TapeWriter,
    replay,
)


class Recording:
    """A recording that a world is made with.

    Args:
        remembers: whether the world has a state.

    Attributes:
        lines: the recording.
        recorder: writes it.
    """

    def __init__(self, *, remembers: bool = False) -> None:
        self.lines: list[str] = []
        tape = TapeWriter(self.lines.append)
        tape.begin(Header("", False, 1_000_000, remembers=remembers))
        self.recorder = Recorder(tape, InterruptGate())

    def repeat(self, path: Path, programs: dict[str, Program]) -> World:
        """Repeat it in a new world, without the state of the first; returns that world."""
        path.write_text("".join(self.lines))
        tape, digest = TapeReader(path), Digest()
        header = tape.header()
        player = Player(tape, lambda _line: None)
        clock = player.clock(VirtualClock())
        world = World(
            programs,
            clock=clock,
            sequences=player.sequences(),
            state=player.state() if header.remembers else None,
            sinks=(digest,),
        )
        replay(world.device, tape, clock, digest)
        return world
