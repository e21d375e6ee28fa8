"""A process with a device of its own over a state file that other processes have open too."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from support.scripted import Program, work
from support.worlds import World, blueprint
from tinycontainer.errors import LoadError
from tinycontainer.state import SqliteState
from tinycontainer.tools.packing.packing import Blueprint

MAX_SEQUENCE = 40
WIDE, NARROW, NONE = 0b11111, 0b00010, 0


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the one container that all devices load: its number, and what it may do.

    Two versions with one number and different masks are tokens of equal number with other bytes.
    """

    sequence: int
    mask: int

    @property
    def plan(self) -> Blueprint:
        return blueprint("box", sequence=self.sequence, mask=self.mask)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One load or reconfiguration, and when it began and ended on the clock of all processes."""

    version: Version
    verb: str
    accepted: bool
    began: int
    ended: int
    problem: str = ""


class Peer:
    """A device in another process, which attempts what it is asked for.

    Args:
        path: the state file.
        bundles: each version, packed.
    """

    def __init__(self, path: Path, bundles: Mapping[Version, tuple[bytes, bytes]]) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_serve, args=(theirs, path, bundles), daemon=True
        )
        self._process.start()
        theirs.close()

    def ask(self, *todo: tuple[str, Version]) -> None:
        self._pipe.send(todo)

    def answer(self) -> list[Attempt]:
        found: list[Attempt] = self._pipe.recv()
        return found

    def do(self, verb: str, version: Version) -> Attempt:
        self.ask((verb, version))
        return self.answer()[0]

    def end(self) -> None:
        self._pipe.send(None)
        self._process.join()


def pack_all(versions: list[Version]) -> dict[Version, tuple[bytes, bytes]]:
    """The bundle and the metadata of each version."""
    world = World()
    packed = {version: world.pack(version.plan) for version in versions}
    return {version: (bundle.encode(), bundle.metadata) for version, bundle in packed.items()}


def _serve(pipe: Connection, path: Path, bundles: Mapping[Version, tuple[bytes, bytes]]) -> None:
    world = World({"box": Program(work(10))}, sequences=SqliteState(path))
    while (todo := pipe.recv()) is not None:
        pipe.send([_attempt(world, bundles, verb, version) for verb, version in todo])


def _attempt(
    world: World, bundles: Mapping[Version, tuple[bytes, bytes]], verb: str, version: Version
) -> Attempt:
    bundle, metadata = bundles[version]
    began = time.monotonic_ns()
    try:
        if verb == "load":
            if "box" in world.device:
                world.device.delete("box")
                world.device.run(for_ms=0)
            world.device.load(bundle)
        else:
            world.device.reconfigure(metadata)
    except LoadError as error:
        ended = time.monotonic_ns()
        return Attempt(version, verb, False, began, ended, str(error))
    return Attempt(version, verb, True, began, time.monotonic_ns())
