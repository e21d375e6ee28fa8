"""A container as files hold it: a bundle, a metadata file, or a directory of the C layout."""

from dataclasses import dataclass, replace
from pathlib import Path

from tinycontainer import metadata as metadata_codec
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.errors import MetadataError
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.metadata import Bundle, Metadata
from tinycontainer.metadata.codec import MAX_METADATA_BYTES
from tinycontainer.text import show

from ..firmware.c_layout import Layout, is_layout, open_layout


@dataclass(frozen=True, slots=True)
class Artefact:
    """What was read; nothing of it is verified.

    Attributes:
        name: the file or directory, fit to be shown.
        metadata: its metadata.
        code: the code section; None if it is not at hand.
        data: the data section; None if it is not at hand.
        layout: the directory that it was read from, if it was one.
    """

    name: str
    metadata: Metadata
    code: bytes | None
    data: bytes | None
    layout: Layout | None = None


def read_artefact(path: Path, code: Path | None = None, data: Path | None = None) -> Artefact:
    """Read a container.

    Args:
        path: a bundle, a metadata file, or a directory of the C layout.
        code: a file with the code section, in place of the one in or beside ``path``.
        data: the same for the data section.

    Raises:
        DeviceFileError: a file cannot be read, or is too long.
        MetadataError: there is no metadata in it, or it is refused.
    """
    found = _from_layout(path) if is_layout(path) else _from_file(path)
    return replace(
        found,
        code=found.code if code is None else _read(code),
        data=found.data if data is None else _read(data),
    )


def is_bundle(content: bytes) -> bool:
    """Whether a file begins like a bundle, an array of three, and not like metadata or a token."""
    return content[:1] == b"\x83"


def _from_layout(path: Path) -> Artefact:
    layout = open_layout(path)
    return Artefact(
        name=show(path.resolve().name),
        metadata=_decode(layout.metadata, _read(layout.metadata)),
        code=_read(layout.code) if layout.code.is_file() else None,
        data=_read(layout.data) if layout.data.is_file() else None,
        layout=layout,
    )


def _from_file(path: Path) -> Artefact:
    name = show(path.name)
    content = _read(path)
    if not is_bundle(content):
        return Artefact(name, _decode(path, content), None, None)
    try:
        bundle = Bundle.decode(content, MAX_BUNDLE_BYTES)
    except MetadataError as error:
        raise _placed(path, error) from None
    return Artefact(name, _decode(path, bundle.metadata), bundle.code, bundle.data)


def _read(path: Path) -> bytes:
    return read_bounded(path, MAX_BUNDLE_BYTES)


def _decode(path: Path, content: bytes) -> Metadata:
    try:
        return metadata_codec.decode(content, MAX_METADATA_BYTES)
    except MetadataError as error:
        raise _placed(path, error) from None


def _placed(path: Path, error: MetadataError) -> MetadataError:
    return MetadataError(error.place, error.problem, file=show(str(path)))
