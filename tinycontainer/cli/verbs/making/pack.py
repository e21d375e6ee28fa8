"""``pack``: sign and bundle a container with the keys of all four parties."""

from pathlib import Path

import click

from tinycontainer.errors import MetadataError
from tinycontainer.metadata import Bundle
from tinycontainer.text import show
from tinycontainer.tools.packing import packing
from tinycontainer.tools.packing.manifest import Manifest, manifest_path, read_manifest
from tinycontainer_tokens import Role

from ...keys import PrivateKeys, passphrase_option, require_trustworthy
from ...options import force_option, json_option
from ...verb import Verb, VerbRefused
from .outputs import Outputs, output_options


@click.command(cls=Verb)
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--keys",
    "key_directory",
    type=click.Path(path_type=Path),
    help="Directory with ROLE.pem or ROLE.cose of all four roles, as keygen makes it.",
)
@passphrase_option
@click.option(
    "--unsigned", is_flag=True, help="No tokens at all, for a device that allows it; for the bench."
)
@output_options
@force_option
@json_option
def pack(
    source: Path,
    key_directory: Path | None,
    passphrase_file: Path | None,
    unsigned: bool,
    outputs: Outputs,
    force: bool,
    as_json: bool,
) -> None:
    """Make a bundle and a metadata file from SOURCE, a manifest or a directory with container.toml.

    Signs for all four parties. Where each has a machine of its own, use `sign` and `assemble`.

    Example: tinycontainerctl pack courier --keys keys -o fresh.tcb
    """
    manifest = read_manifest(source)
    try:
        bundle = _make(manifest, key_directory, passphrase_file, unsigned=unsigned)
    except MetadataError as error:
        raise VerbRefused(f"{show(str(manifest_path(source)))}: {error}") from None
    outputs.write(bundle, source, force=force, as_json=as_json)


def _make(
    manifest: Manifest, directory: Path | None, passphrase_file: Path | None, *, unsigned: bool
) -> Bundle:
    if unsigned == (directory is not None):
        raise VerbRefused("give either --keys DIRECTORY or --unsigned")
    if directory is None:
        return packing.pack_unsigned(manifest.blueprint, manifest.code, manifest.data)
    reader = PrivateKeys(passphrase_file)
    keys = {role: reader.of_role(directory, role) for role in Role}
    require_trustworthy(keys, manifest.blueprint.profile)
    return packing.pack(manifest.blueprint, manifest.code, manifest.data, keys)
