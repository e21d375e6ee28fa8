"""What the tests of one session share, and the factory that makes a device for one test."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tinycontainer.assembly import Installation
from tinycontainer.text import show

from .bench_device import BenchDevice
from .budget import DEFAULT_INSTRUCTIONS, DEFAULT_SECONDS, Budget
from .errors import BenchMisused, hides_frames
from .rig import Rig
from .stand_in_keys import StandInKeys
from .subject import find_directory, find_subject

__tracebackhide__ = hides_frames


class BenchSession:
    """What the tests of one session share: engines, compiled modules, keys.

    Args:
        random_bytes: where keys come from.
        monotonic: real time in seconds.
    """

    def __init__(
        self,
        random_bytes: Callable[[int], bytes] = os.urandom,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._keys = StandInKeys(random_bytes)
        self._installation = Installation()

    def make_rig(self, path: Path, device_file: Path | None, engine: str | None) -> Rig:
        """Put a device on the bench.

        Args:
            path: see `find_subject`.
            device_file: see `find_subject`.
            engine: short or full name of an engine.
        """
        full = None if engine is None else find_engine(engine, self._installation.runtime_names())
        return Rig(find_subject(path, device_file), full, self._installation, self._keys)

    def make_budget(self, instructions: int, seconds: float) -> Budget:
        """What a test may cost."""
        return Budget(instructions, seconds, self._monotonic)

    def close(self) -> None:
        """Close what the devices shared."""
        self._installation.close()


class BenchFactory:
    """Makes devices for one test: what the fixture ``tinycontainer_device`` gives.

    Args:
        session: what the tests share.
        test: the file of the test.
        top: the root of the tests.
        engine: what runs the containers; None for what the device file says.

    Attributes:
        rigs: the devices that were made, with what belongs to them.
    """

    def __init__(self, session: BenchSession, test: Path, top: Path, engine: str | None) -> None:
        self._session = session
        self._test = test
        self._top = top
        self._engine = engine
        self.rigs: list[Rig] = []

    def __call__(
        self,
        path: Path | str | None = None,
        *,
        device_file: Path | str | None = None,
        budget_instructions: int = DEFAULT_INSTRUCTIONS,
        budget_seconds: float = DEFAULT_SECONDS,
    ) -> BenchDevice:
        """Make a device with a container on it, which is loaded and not yet started.

        Args:
            path: the directory of a container (with container.toml), its manifest, a bundle, or a
                device file, whose containers are loaded and started; by default the test's own
                directory, or the nearest above, that has a container.toml.
            device_file: the device; by default device.toml beside the container, or one above.
            budget_instructions: all that the test may execute.
            budget_seconds: how long one step may take in real time.

        Raises:
            BenchMisused: something is not there.
            DeviceFileError: a file cannot be used.
            StepNotMet: the device refuses the container.
        """
        subject = find_directory(self._test, self._top) if path is None else Path(path)
        rig = self._session.make_rig(
            subject, None if device_file is None else Path(device_file), self._engine
        )
        self.rigs.append(rig)
        if not rig.runs_on_engine():
            pytest.skip(f"no container of this test runs on {rig.engine}")
        return BenchDevice(rig, self._session.make_budget(budget_instructions, budget_seconds))

    def close(self) -> None:
        """Let all devices go."""
        for rig in self.rigs:
            rig.close()


def find_engine(name: str, installed: Sequence[str]) -> str:
    """The full name of an engine.

    Args:
        name: ``TYPE.NAME``, or the name alone where that is enough.
        installed: the full names that there are.

    Raises:
        BenchMisused: there is none, or more than one.
    """
    found = [full for full in installed if name in (full, full.partition(".")[2])]
    if len(found) != 1:
        there = ", ".join(installed) or "none"
        raise BenchMisused(f"engine {show(name)} is not installed; there are: {there}")
    return found[0]
