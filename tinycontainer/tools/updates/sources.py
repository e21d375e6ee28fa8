"""What an update brings: bundles, and directories of containers that were packed."""

from dataclasses import dataclass
from pathlib import Path

from tinycontainer import metadata as metadata_codec
from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.errors import DeviceFileError, MetadataError
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.metadata import Bundle
from tinycontainer.metadata.codec import MAX_METADATA_BYTES
from tinycontainer.text import show

from ..artefact.artefact import is_bundle, read_artefact
from ..firmware.c_layout import is_layout
from ..packing.manifest import MANIFEST_NAME, read_manifest


@dataclass(frozen=True, slots=True)
class UpdateSource:
    """A container that an update brings.

    Attributes:
        name: of the file that it was read from, fit to be shown.
        uid: 1 to 63 bytes, as its metadata has it.
        bundle: its three sections.
    """

    name: str
    uid: bytes
    bundle: Bundle

    @property
    def sections(self) -> dict[UpdateSection, bytes]:
        """The sections as an update names them."""
        return {
            UpdateSection.METADATA: self.bundle.metadata,
            UpdateSection.DATA: self.bundle.data,
            UpdateSection.CODE: self.bundle.code,
        }


def read_source(path: Path) -> UpdateSource:
    """Read a bundle, or the one beside the directory of a container.

    Args:
        path: a bundle; a directory with ``container.toml``, beside which lies the bundle that
            ``pack`` made of it; or a directory of the C firmware's examples.

    Raises:
        DeviceFileError: it cannot be read; the directory was not packed, or has changed since.
        MetadataError: it is no bundle, or its metadata is refused.
    """
    if (path / MANIFEST_NAME).is_file():
        return _read_packed(path)
    if is_layout(path):
        return _read_layout(path)
    return _read_bundle(path)


def _read_bundle(path: Path) -> UpdateSource:
    content = read_bounded(path, MAX_BUNDLE_BYTES)
    name = show(str(path))
    if not is_bundle(content):
        problem = "is no bundle; `tinycontainerctl pack` makes one of a manifest"
        raise DeviceFileError(name, "", problem)
    try:
        bundle = Bundle.decode(content, MAX_BUNDLE_BYTES)
        metadata = metadata_codec.decode(bundle.metadata, MAX_METADATA_BYTES)
    except MetadataError as error:
        raise MetadataError(error.place, error.problem, file=name) from None
    return UpdateSource(name, metadata.uid, bundle)


def _read_packed(directory: Path) -> UpdateSource:
    """The bundle beside a directory; a stale one is refused."""
    name = show(str(directory))
    beside = directory.parent / f"{directory.resolve().name}.tcb"
    if not beside.is_file():
        problem = f"is not packed: {show(str(beside))} is missing; `tinycontainerctl pack` makes it"
        raise DeviceFileError(name, "", problem)
    source = _read_bundle(beside)
    manifest = read_manifest(directory)
    made_of = manifest.blueprint.container.uid, manifest.code, manifest.data
    if made_of != (source.uid, source.bundle.code, source.bundle.data):
        problem = f"has changed since {show(str(beside))} was packed; pack it again"
        raise DeviceFileError(name, "", problem)
    return source


def _read_layout(directory: Path) -> UpdateSource:
    artefact = read_artefact(directory)
    if artefact.code is None or artefact.data is None:
        missing = "code" if artefact.code is None else "data"
        problem = f"the {missing} section is missing; an update needs all three"
        raise DeviceFileError(show(str(directory)), "", problem)
    bundle = Bundle(artefact.metadata.raw, artefact.data, artefact.code)
    return UpdateSource(show(str(directory)), artefact.metadata.uid, bundle)
