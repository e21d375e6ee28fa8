"""``pack``: sign and bundle a container with the keys of all four parties."""

from dataclasses import replace
from pathlib import Path

import click

from tinycontainer.assembly import Installation
from tinycontainer.errors import MetadataError
from tinycontainer.metadata import Bundle
from tinycontainer.text import show
from tinycontainer.tools.packing import packing
from tinycontainer.tools.packing.manifest import Manifest, manifest_path, read_manifest
from tinycontainer_tokens import KeyStore, Profile, Role

from ...installation import with_installation
from ...keys import (
    PrivateKeys,
    alg_option,
    passphrase_option,
    require_trustworthy,
    restrict_to_alg,
)
from ...options import force_option, json_option, path_argument, path_option
from ...verb import Verb, VerbRefused
from .container_files import ContainerFiles, container_files_options, profile_option


@click.command(cls=Verb)
@path_argument("source")
@path_option(
    "--keys",
    "key_directory",
    help="Directory with ROLE.pem or ROLE.cose of all four roles, as keygen makes it.",
)
@passphrase_option
@click.option(
    "--unsigned", is_flag=True, help="No tokens at all, for a device that allows it; for the bench."
)
@alg_option
@profile_option
@container_files_options
@force_option
@json_option
@with_installation
def pack(
    installation: Installation,
    /,
    source: Path,
    key_directory: Path | None,
    passphrase_file: Path | None,
    unsigned: bool,
    alg: str | None,
    profile: str | None,
    files: ContainerFiles,
    force: bool,
    as_json: bool,
) -> None:
    """Make a bundle and a metadata file from SOURCE, a manifest or a directory with container.toml.

    Signs for all four parties. Where each has a machine of its own, use `sign` and `assemble`.

    Example: tinycontainerctl pack courier --keys keys -o fresh.tcb
    """
    manifest = read_manifest(source)
    if profile is not None:
        blueprint = replace(manifest.blueprint, profile=Profile(profile))
        manifest = replace(manifest, blueprint=blueprint)
    try:
        bundle, trusted = _make_bundle(
            manifest, key_directory, passphrase_file, alg, unsigned=unsigned
        )
    except MetadataError as error:
        raise VerbRefused(f"{show(str(manifest_path(source)))}: {error}") from None
    files.write(bundle, source, installation, keys=trusted, force=force, as_json=as_json)


def _make_bundle(
    manifest: Manifest,
    directory: Path | None,
    passphrase_file: Path | None,
    alg: str | None,
    *,
    unsigned: bool,
) -> tuple[Bundle, KeyStore | None]:
    """The bundle, and the keys that it was signed with."""
    if unsigned == (directory is not None):
        raise VerbRefused("give either --keys DIRECTORY or --unsigned")
    if directory is None:
        if alg is not None:
            raise VerbRefused("--alg: nothing is signed; leave --alg or --unsigned out")
        return packing.pack_unsigned(manifest.blueprint, manifest.code, manifest.data), None
    reader = PrivateKeys(passphrase_file)
    profile = manifest.blueprint.profile
    keys = {role: restrict_to_alg(reader.read_role(directory, role), alg, profile) for role in Role}
    trusted = require_trustworthy(keys, profile)
    return packing.pack(manifest.blueprint, manifest.code, manifest.data, keys), trusted
