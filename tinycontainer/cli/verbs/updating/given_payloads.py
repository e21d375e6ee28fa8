"""The option ``--payload``: files in place of what a device would fetch."""

import hashlib
import re
from pathlib import Path
from typing import Final

import click

from tinycontainer.device.containers.limits import MAX_BUNDLE_BYTES
from tinycontainer.errors import EnvelopeError
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.suit.envelope.decoder import MAX_ENVELOPE_BYTES, decode_envelope, decode_manifest
from tinycontainer.text import show
from tinycontainer.tools.inspect.envelope_components import fetched_components

from ...verb import VerbRefused

_SHA256: Final = re.compile("[0-9a-f]{64}")


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


def find_payloads(file: Path, content: bytes) -> dict[str, bytes]:
    """The payloads that lie beside an envelope, as `suit create` has written them.

    Their URIs end with the SHA-256 that is the name of their file, so nobody can exchange one.

    Args:
        file: the envelope.
        content: its bytes, untrusted.
    """
    try:
        uris = fetched_components(decode_manifest(decode_envelope(content)))
    except EnvelopeError:
        return {}
    found = {}
    for uri in uris:
        name = uri.rpartition("/")[2]
        path = file.parent / name
        if _SHA256.fullmatch(name) and path.is_file():
            payload = read_bounded(path, MAX_BUNDLE_BYTES)
            if hashlib.sha256(payload).hexdigest() == name:
                found[uri] = payload
    return found


def read_envelope_file(file: Path) -> bytes:
    """Read the file of an envelope.

    Raises:
        VerbRefused: it is a directory.
        DeviceFileError: it cannot be read, or is too long.
    """
    if file.is_dir():
        raise VerbRefused(f"{show(str(file))}: is a directory, and no envelope")
    return read_bounded(file, MAX_ENVELOPE_BYTES)
