"""What a test is about: which files a path means."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tinycontainer.files.toml_file import MAX_TOML_BYTES, read_bounded
from tinycontainer.text import show
from tinycontainer.tools.packing.manifest import MANIFEST_NAME

from .errors import BenchMisused

DEVICE_NAME: Final = "device.toml"
_IS_MANIFEST: Final = re.compile(rb"^[ \t]*\[[ \t]*container[ \t]*\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a test is about.

    Attributes:
        device_file: of the device that it runs on.
        manifest: of the container, which is packed; None if there is none.
        bundle: of the container, as it is; None if there is none. Without a manifest and a bundle
            the device has the containers that its file lists.
    """

    device_file: Path
    manifest: Path | None = None
    bundle: Path | None = None


def find_subject(path: Path, device_file: Path | None) -> Subject:
    """Find out what a path means.

    Args:
        path: a directory with a manifest or a device file, one of these files, or a bundle.
        device_file: used in place of the one beside the container or in the directory above.

    Raises:
        BenchMisused: there is no such file, or no device file.
    """
    if path.is_dir():
        path = _main_file(path)
    if not path.is_file():
        raise BenchMisused(f"{show(str(path))}: there is no such file or directory")
    if path.suffix != ".toml":
        return Subject(device_file or _find_device_file(path), bundle=path)
    if is_manifest(path):
        return Subject(device_file or _find_device_file(path), manifest=path)
    return Subject(path)


def find_directory(test: Path, top: Path) -> Path:
    """The directory of a test, or the nearest above, that holds a manifest.

    Args:
        test: the file of the test.
        top: where the search ends.

    Raises:
        BenchMisused: there is none.
    """
    for directory in _upwards(test.parent, top):
        if (directory / MANIFEST_NAME).is_file():
            return directory
    raise BenchMisused(
        f"no {MANIFEST_NAME} in {show(str(test.parent))} or above, up to {show(str(top))}:"
        " name the container's directory, as in tinycontainer_device(path)"
    )


def is_manifest(path: Path) -> bool:
    """Whether a TOML file describes a container.

    Raises:
        DeviceFileError: it cannot be read, or is too long.
    """
    return _IS_MANIFEST.search(read_bounded(path, MAX_TOML_BYTES)) is not None


def _main_file(directory: Path) -> Path:
    for name in (MANIFEST_NAME, DEVICE_NAME):
        if (directory / name).is_file():
            return directory / name
    raise BenchMisused(f"{show(str(directory))}: holds neither {MANIFEST_NAME} nor {DEVICE_NAME}")


def _find_device_file(container: Path) -> Path:
    directory = container.resolve().parent
    for each in (directory, directory.parent):
        if (each / DEVICE_NAME).is_file():
            return each / DEVICE_NAME
    raise BenchMisused(
        f"no {DEVICE_NAME} in {show(str(directory))} or above it: write one, or name another,"
        " as in tinycontainer_device(path, device_file=path)"
    )


def _upwards(directory: Path, top: Path) -> Iterator[Path]:
    yield directory
    for parent in directory.parents:
        if not parent.is_relative_to(top):
            return
        yield parent
