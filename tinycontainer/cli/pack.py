"""``pack``: sign and bundle a container directory with the keys of all four parties."""

from pathlib import Path

import click

from tinycontainer_tokens import KeyFileError, KeyMaterial, Role, key_files

from .. import packing
from ..manifest import Manifest, read_manifest
from ..metadata import Bundle
from ..text import show
from ..toml_file import read_bounded
from .output import (
    Refusal,
    force_option,
    json_option,
    print_json,
    require_absent,
    write_file,
)

_SUFFIXES = (".pem", ".cose")


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--keys",
    "key_directory",
    type=click.Path(path_type=Path),
    help="Directory with ROLE.pem or ROLE.cose of all four roles, as keygen makes it.",
)
@click.option(
    "--unsigned", is_flag=True, help="No tokens at all, for a device that allows it; for the bench."
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="The bundle; the metadata lies beside it with the suffix .metadata."
    " By default named after SOURCE, in the current directory.",
)
@force_option
@json_option
def pack(
    source: Path,
    key_directory: Path | None,
    unsigned: bool,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make a bundle and a metadata file from SOURCE, a manifest or a directory with container.toml.

    Example: tinycontainerctl pack examples/smartdronebox/courier --keys keys -o courier.tcb
    """
    manifest = read_manifest(source)
    name = source.resolve().name if source.is_dir() else source.stem
    bundle_path = out or Path(f"{name}.tcb")
    metadata_path = bundle_path.with_suffix(".metadata")
    if metadata_path == bundle_path:
        raise Refusal(f"{show(str(bundle_path))}: .metadata is the suffix of the metadata file")
    require_absent((bundle_path, metadata_path), force=force)
    bundle = _make(manifest, key_directory, unsigned=unsigned)
    content = bundle.encode()
    write_file(bundle_path, content)
    write_file(metadata_path, bundle.metadata)
    if as_json:
        values = {"bundle": str(bundle_path), "bytes": len(content)}
        print_json(
            values | {"metadata": str(metadata_path), "metadata_bytes": len(bundle.metadata)}
        )
    else:
        click.echo(
            f"{show(str(bundle_path))}: {len(content)} bytes"
            f" (metadata {len(bundle.metadata)}, code {len(bundle.code)}, data {len(bundle.data)})"
        )


def _make(manifest: Manifest, key_directory: Path | None, *, unsigned: bool) -> Bundle:
    if unsigned == (key_directory is not None):
        raise Refusal("give either --keys DIRECTORY or --unsigned")
    if key_directory is None:
        return packing.pack_unsigned(manifest.blueprint, manifest.code, manifest.data)
    keys = {role: read_role_key(key_directory, role) for role in Role}
    return packing.pack(manifest.blueprint, manifest.code, manifest.data, keys)


def read_role_key(directory: Path, role: Role) -> KeyMaterial:
    """The private key of a role from a directory of keys.

    Raises:
        Refusal: there is none, or it cannot be used.
    """
    for suffix in _SUFFIXES:
        path = directory / f"{role}{suffix}"
        if path.is_file():
            return read_key(path)
    raise Refusal(
        f"{show(str(directory))}: holds neither {role}.pem nor {role}.cose; see keygen --help"
    )


def read_key(path: Path) -> KeyMaterial:
    """A key file.

    Raises:
        Refusal: it cannot be used.
    """
    content = read_bounded(path, key_files.MAX_KEY_FILE_BYTES)
    try:
        return key_files.parse(content)
    except KeyFileError as error:
        raise Refusal(f"{show(str(path))}: {error}") from None
