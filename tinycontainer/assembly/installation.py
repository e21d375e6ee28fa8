"""What is installed beside the device: runtimes, drivers and tools, found by entry points.

An installation belongs to a process, not to a device: see ``docs/adr/0019``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from threading import RLock
from types import TracebackType
from typing import Any, Final, Protocol

from tinycontainer.errors import RuntimeUnavailable
from tinycontainer.interfaces.analysis import Analyser
from tinycontainer.interfaces.building import Builder
from tinycontainer.interfaces.driver import DriverFactory, SharedResources
from tinycontainer.interfaces.model_report import ModelInspector
from tinycontainer.interfaces.runtime import Described, Runtime, RuntimeDescription
from tinycontainer.metadata import ContainerType
from tinycontainer.text import show

from .parsed_files import ParsedFiles

ANALYSERS: Final = "tinycontainer.analysers"
BUILDERS: Final = "tinycontainer.builders"
DRIVERS: Final = "tinycontainer.drivers"
MODELS: Final = "tinycontainer.models"
RUNTIMES: Final = "tinycontainer.runtimes"
_GROUPS: Final = (ANALYSERS, BUILDERS, DRIVERS, MODELS, RUNTIMES)
_DEFAULT_RUNTIMES: Final = {"bpf": "rbpf", "wasm": "pywasm"}


class InstalledPoint(Protocol):
    """An entry point, as far as an installation uses it; tests give their own."""

    @property
    def name(self) -> str:
        """The name by which it is asked for."""
        ...

    @property
    def group(self) -> str:
        """The group, such as ``tinycontainer.runtimes``."""
        ...

    def load(self) -> Any:
        """Import the object. Raises ImportError if something that it needs is not installed."""
        ...


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


class Installation:
    """What is installed, for any number of devices of one process.

    Entry points are searched once, when the first is asked for; each object is imported once, and
    each runtime is made once and shared by all devices. A runtime keeps what it has parsed and
    compiled, so a module that many devices load is compiled once; device files and keys of the same
    content are parsed once. Threads can share an installation.

    A runtime that cannot work is not remembered: each request tries again, as its reason can
    disappear while the process runs.

    Example:
        ::

            with Installation() as installation:
                devices = [Device.from_file(path, installation=installation) for path in paths]
                for device in devices:
                    device.run(for_ms=1000)

    Args:
        points: used in place of what is installed on this machine.
    """

    def __init__(self, points: Iterable[InstalledPoint] | None = None) -> None:
        # Reentrant: a factory may be given something that asks the same installation.
        self._lock = RLock()
        self._points = None if points is None else _group_points(points)
        self._objects: dict[tuple[str, str], Any] = {}
        self._runtimes: dict[str, Runtime] = {}
        self._resources = SharedResources()
        self._files = ParsedFiles()

    def __enter__(self) -> "Installation":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what drivers share, such as processes, and forget the runtimes.

        Devices that were made from it keep their runtimes, but drivers that share something fail.
        Make no further device from it.

        Raises:
            Exception: what a shared resource raises; everything else is closed all the same.
        """
        with self._lock:
            self._runtimes.clear()
        self._files.forget()
        self._resources.close()

    # Runtimes.

    def runtime_names(self) -> list[str]:
        """The installed runtimes, ``TYPE.NAME``, in order."""
        return sorted(self._find(RUNTIMES))

    def runtime(self, name: str) -> Runtime:
        """An installed runtime; the same object for everyone who asks.

        Args:
            name: ``TYPE.NAME``.

        Raises:
            RuntimeUnavailable: it is not installed, or cannot work in this process.
        """
        with self._lock:
            runtime = self._runtimes.get(name)
            if runtime is None:
                runtime = self._runtimes[name] = self._make("runtime", RUNTIMES, name)
            return runtime

    def runtimes(self, chosen: Mapping[str, str] | None = None) -> dict[ContainerType, Runtime]:
        """One runtime for each container type that has any.

        Args:
            chosen: names of runtimes by container type, as a device file has them; the default
                runs a type that is not named.

        Raises:
            RuntimeUnavailable: a runtime is not installed, or cannot work in this process.
        """
        wanted: dict[str, str] = {}
        for full_name in self.runtime_names():
            type_name, _, name = full_name.partition(".")
            if _DEFAULT_RUNTIMES.get(type_name) == name:
                wanted[type_name] = name
            else:
                wanted.setdefault(type_name, name)
        wanted |= chosen or {}
        return {
            ContainerType[type_name.upper()]: self.runtime(f"{type_name}.{name}")
            for type_name, name in wanted.items()
            if type_name.upper() in ContainerType.__members__
        }

    def describe_runtimes(self) -> list[InstalledRuntime]:
        """All installed runtimes, by name; each is made, to see whether it works."""
        return [self._describe(name) for name in self.runtime_names()]

    # Drivers.

    @property
    def resources(self) -> SharedResources:
        """What the drivers of all its devices share."""
        return self._resources

    def driver_names(self) -> list[str]:
        """The installed drivers, in order."""
        return sorted(self._find(DRIVERS))

    def driver_factory(self, name: str) -> DriverFactory:
        """What makes an installed driver.

        Raises:
            KeyError: it is not installed.
        """
        factory: DriverFactory = self._load(DRIVERS, name)
        return factory

    # Files.

    @property
    def files(self) -> ParsedFiles:
        """What the files of its devices were parsed to."""
        return self._files

    # Tools.

    def analysers(self) -> dict[ContainerType, Analyser]:
        """The installed analysers of code, by container type."""
        return {
            ContainerType[name.upper()]: self._load(ANALYSERS, name)
            for name in self._find(ANALYSERS)
            if name.upper() in ContainerType.__members__
        }

    def builder(self, name: str) -> Builder:
        """A new builder.

        Raises:
            RuntimeUnavailable: it is not installed, or something that it needs is not.
        """
        builder: Builder = self._make("builder", BUILDERS, name)
        return builder

    def model_inspectors(self) -> dict[str, ModelInspector]:
        """The installed inspectors of models, by file format."""
        return {name: self._load(MODELS, name) for name in self._find(MODELS)}

    def _describe(self, name: str) -> InstalledRuntime:
        type_name, _, short_name = name.partition(".")
        chosen = _DEFAULT_RUNTIMES.get(type_name) == short_name
        try:
            runtime = self.runtime(name)
            description = runtime.describe() if isinstance(runtime, Described) else None
        except Exception as error:  # it is foreign code; the others are still to be listed
            return InstalledRuntime(name, chosen, None, f"{type(error).__name__}: {error}")
        return InstalledRuntime(name, chosen, description)

    def _make(self, kind: str, group: str, name: str) -> Any:
        """What the factory of an entry point makes."""
        if name not in self._find(group):
            raise RuntimeUnavailable(f"{kind} {show(name)} is not installed")
        try:
            return self._load(group, name)()
        except ImportError as error:
            raise RuntimeUnavailable(f"{kind} {name}: {error}") from error

    def _load(self, group: str, name: str) -> Any:
        """The object of an entry point, imported once."""
        with self._lock:
            if (group, name) not in self._objects:
                self._objects[group, name] = self._find(group)[name].load()
            return self._objects[group, name]

    def _find(self, group: str) -> Mapping[str, InstalledPoint]:
        """The entry points of a group, by name."""
        with self._lock:
            if self._points is None:
                self._points = _group_points(find_installed_points())
            return self._points.get(group, {})


def find_installed_points() -> list[InstalledPoint]:
    """All entry points of this machine that an installation uses."""
    everything = entry_points()  # once for all groups: it reads the metadata of every package
    return [point for group in _GROUPS for point in everything.select(group=group)]


def _group_points(points: Iterable[InstalledPoint]) -> dict[str, dict[str, InstalledPoint]]:
    groups: dict[str, dict[str, InstalledPoint]] = {}
    for point in points:
        groups.setdefault(point.group, {})[point.name] = point
    return groups
