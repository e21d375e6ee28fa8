"""A device file that was read: its content, the files that it names, and errors at its places."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tinycontainer.errors import DeviceFileError
from tinycontainer.files.device_file import DeviceFile
from tinycontainer.files.toml_file import MAX_TOML_BYTES, read_bounded, resolve_named
from tinycontainer.text import show

from .parsed_files import ParsedFiles


@dataclass(frozen=True)
class DevicePlan:
    """A device file that was read.

    Attributes:
        path: where it lies.
        content: its tables.
    """

    path: Path
    content: DeviceFile

    @property
    def name(self) -> str:
        """The file's name, fit to be shown."""
        return show(str(self.path))

    @cached_property
    def directory(self) -> Path:
        """Where the files lie that it names; resolved once, as every device names a dozen."""
        return self.path.parent.resolve()

    def error(self, place: str, problem: str) -> DeviceFileError:
        """An error at a place of the file."""
        return DeviceFileError(self.name, place, problem)

    def file(self, name: str, place: str) -> Path:
        """The path of a file that the device file names.

        Args:
            name: as the device file has it.
            place: the key that names it, for the error.

        Raises:
            DeviceFileError: it lies outside of the device file's directory.
        """
        return resolve_named(self.directory, name, self.name, place)

    def on_engine(self, engine: str) -> "DevicePlan":
        """The same plan with another runtime.

        Args:
            engine: ``TYPE.NAME``, or the name of one for WebAssembly.
        """
        runtimes = self.content.runtimes | {type_of_engine(engine): engine.rpartition(".")[2]}
        return replace(self, content=self.content.model_copy(update={"runtimes": runtimes}))


def type_of_engine(engine: str) -> str:
    """The container type of an engine, ``TYPE.NAME`` or the name of one for WebAssembly."""
    return engine.rpartition(".")[0] or "wasm"


def read_plan(path: Path, files: ParsedFiles | None = None) -> DevicePlan:
    """Read a device file.

    Args:
        path: where it lies.
        files: what other devices' files were parsed to, if there are others.

    Raises:
        DeviceFileError: it cannot be used.
    """
    content = read_bounded(path, MAX_TOML_BYTES)
    return DevicePlan(path, (files or ParsedFiles()).device_file(content, show(str(path))))
