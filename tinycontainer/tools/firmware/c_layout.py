"""The directory in which the C firmware's build keeps one container.

``NAME/RUNTIME`` names the virtual machine; beside it are ``NAME.c`` or ``NAME.js``, ``NAME.data``,
``NAME.metadata`` and the built code. NAME is the directory's own name.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from tinycontainer.errors import DeviceFileError
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.metadata import Bundle, ContainerType
from tinycontainer.metadata.codec import MAX_SECTION_BYTES
from tinycontainer.text import show

RUNTIME_FILE: Final = "RUNTIME"
_MAX_RUNTIME_BYTES: Final = 64


class _FirmwareRuntime(NamedTuple):
    type: ContainerType
    code_suffix: str


_RUNTIMES: Final = {
    "wamr": _FirmwareRuntime(ContainerType.WASM, ".wasm"),
    "rbpf": _FirmwareRuntime(ContainerType.BPF, ".bin"),
    "jerryscript": _FirmwareRuntime(ContainerType.JAVASCRIPT, ".js"),
}
"""By the name that the file RUNTIME holds."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One container's directory.

    Attributes:
        directory: where it is.
        runtime: what RUNTIME says: ``wamr``, ``rbpf`` or ``jerryscript``.
    """

    directory: Path
    runtime: str

    @property
    def type(self) -> ContainerType:
        """The container type of the runtime."""
        return _RUNTIMES[self.runtime].type

    @property
    def metadata(self) -> Path:
        """The metadata file."""
        return self._named(".metadata")

    @property
    def data(self) -> Path:
        """The data section."""
        return self._named(".data")

    @property
    def code(self) -> Path:
        """The built code section."""
        return self._named(_RUNTIMES[self.runtime].code_suffix)

    @property
    def source(self) -> Path:
        """The C source."""
        return self._named(".c")

    def _named(self, suffix: str) -> Path:
        return self.directory / f"{self.directory.resolve().name}{suffix}"


def is_layout(path: Path) -> bool:
    """Whether a path is a directory with a RUNTIME file."""
    return (path / RUNTIME_FILE).is_file()


def open_layout(directory: Path) -> Layout:
    """Find out how a container's directory is laid out.

    Raises:
        DeviceFileError: RUNTIME cannot be read, or names no runtime of the firmware.
    """
    path = directory / RUNTIME_FILE
    runtime = read_bounded(path, _MAX_RUNTIME_BYTES).decode("ascii", "replace").strip()
    if runtime not in _RUNTIMES:
        raise DeviceFileError(
            show(str(path)), "", f"{show(runtime)} is none of {', '.join(_RUNTIMES)}"
        )
    return Layout(directory, runtime)


def make_layout_files(
    directory: Path, bundle: Bundle, container_type: ContainerType, source: bytes | None = None
) -> dict[Path, bytes]:
    """Make the contents of a container's directory, without writing them.

    Args:
        directory: where the files will be; its name is the container's.
        bundle: the container.
        container_type: its type.
        source: its C source, if the directory is to hold it too.

    Returns:
        The contents by path, in the order in which they are to be written.

    Raises:
        DeviceFileError: the firmware has no runtime for the type.
    """
    names = {runtime.type: name for name, runtime in _RUNTIMES.items()}
    if container_type not in names:
        problem = f"the firmware has no runtime for type {container_type.name.lower()}"
        raise DeviceFileError(show(str(directory)), "", problem)
    layout = Layout(directory, names[container_type])
    # In the order in which make wants their times: what is made of a file is not older than the
    # file. Else the firmware's build compiles the source again, and the tokens fit no more.
    files = {} if source is None else {layout.source: source}
    return files | {
        directory / RUNTIME_FILE: f"{layout.runtime}\n".encode(),
        layout.code: bundle.code,
        layout.data: bundle.data,
        layout.metadata: bundle.metadata,
    }


def read_only_source(directory: Path) -> bytes | None:
    """Read the C source in a directory, if there is exactly one.

    Raises:
        DeviceFileError: it cannot be read, or is too long.
    """
    sources = list(directory.glob("*.c"))
    return read_bounded(sources[0], MAX_SECTION_BYTES) if len(sources) == 1 else None
