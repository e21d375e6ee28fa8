"""The option ``--payload``: files in place of what a device would fetch."""

from pathlib import Path

import click

from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.suit.decoder import MAX_ENVELOPE_BYTES
from tinycontainer.text import show

from ...verb import VerbRefused


def _parse(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in texts:
        uri, separator, name = text.rpartition("=")
        if not separator or not uri or not name:
            raise click.BadParameter(f"{show(text)} is not URI=FILE")
        if uri in found:
            raise click.BadParameter(f"{show(uri)} is given twice")
        found[uri] = Path(name)
    return found


payload_option = click.option(
    "--payload",
    "given",
    multiple=True,
    metavar="URI=FILE",
    callback=_parse,
    help="A file in place of what a device would fetch; can be repeated.",
)


def read_payloads(given: dict[str, Path]) -> dict[str, bytes]:
    """Read the files of `payload_option`.

    Raises:
        DeviceFileError: one cannot be read.
    """
    return {uri: read_bounded(path, MAX_BUNDLE_BYTES) for uri, path in given.items()}


def read_envelope_file(file: Path) -> bytes:
    """Read the file of an envelope.

    Raises:
        VerbRefused: it is a directory.
        DeviceFileError: it cannot be read, or is too long.
    """
    if file.is_dir():
        raise VerbRefused(f"{show(str(file))}: is a directory, and no envelope")
    return read_bounded(file, MAX_ENVELOPE_BYTES)
