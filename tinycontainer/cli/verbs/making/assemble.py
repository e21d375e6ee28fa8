"""``assemble``: make a bundle of what the four parties have signed."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from tinycontainer import metadata as metadata_codec
from tinycontainer.assembly import Installation
from tinycontainer.device.containers.verification import Trust, grant_rights, verify_tokens
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.metadata import Bundle
from tinycontainer.text import show
from tinycontainer.tools.packing.manifest import Manifest, read_blueprint, read_manifest
from tinycontainer.tools.packing.packing import Blueprint, PartyTokens, assemble_metadata
from tinycontainer_tokens import KeyEntry, KeyFileError, KeyMaterial, KeyStore, Profile, Role

from ...installation import with_installation
from ...keys import PrivateKeys, passphrase_option, read_trusted_keys
from ...options import at_option, force_option, json_option, path_argument, path_option
from ...verb import Verb, VerbRefused
from .container_files import ContainerFiles, container_files_options, profile_option

_MAX_TOKEN_BYTES: Final = 1024


@click.command(cls=Verb)
@path_argument("manifest_file", metavar="MANIFEST")
@path_option("--code-token", required=True)
@path_option("--data-token", required=True)
@path_option("--mask-token", required=True)
@click.option(
    "--endpoint-token", "endpoint_tokens", multiple=True, metavar="ID=FILE", help="Can be repeated."
)
@path_option("--key", required=True, help="The infrastructure's.")
@passphrase_option
@click.option(
    "--trust",
    "trusted",
    multiple=True,
    metavar="[ROLE=]KEY",
    help="Public key of a party, as for verify --key. Can be repeated.",
)
@path_option(
    "--trust-keys",
    "trusted_directory",
    help="Directory with developer.pub, provider.pub and owner.pub (or .cose).",
)
@click.option(
    "--metadata-only",
    is_flag=True,
    help="Make metadata without the sections, which need not be at hand.",
)
@path_option("--code", help="In place of the manifest's.")
@path_option("--data", help="In place of the manifest's.")
@at_option
@profile_option
@container_files_options
@force_option
@json_option
@with_installation
def assemble(
    installation: Installation,
    /,
    manifest_file: Path,
    code_token: Path,
    data_token: Path,
    mask_token: Path,
    endpoint_tokens: tuple[str, ...],
    key: Path,
    passphrase_file: Path | None,
    trusted: tuple[str, ...],
    trusted_directory: Path | None,
    metadata_only: bool,
    code: Path | None,
    data: Path | None,
    at_s: int | None,
    profile: str | None,
    files: ContainerFiles,
    force: bool,
    as_json: bool,
) -> None:
    """Make a bundle from MANIFEST, the sections and the parties' tokens, as the infrastructure.

    Every token is verified before anything is written: its signature, role, kind, uid, time and
    hash. So the public keys of the other parties have to be given.

    Example: tinycontainerctl assemble courier --code-token code.cwt --data-token data.cwt
    --mask-token mask.cwt --key keys/infrastructure.pem --trust-keys keys -o assembled.tcb
    """
    if metadata_only and (code is not None or data is not None):
        raise VerbRefused("--metadata-only looks at no sections; leave --code and --data out")
    manifest = None if metadata_only else read_manifest(manifest_file, code, data)
    blueprint = read_blueprint(manifest_file) if manifest is None else manifest.blueprint
    if profile is not None:
        blueprint = replace(blueprint, profile=Profile(profile))
    tokens = PartyTokens(
        code=_read_token(code_token),
        data=_read_token(data_token),
        mask=_read_token(mask_token),
        endpoints=_read_endpoint_tokens(endpoint_tokens),
    )
    own = PrivateKeys(passphrase_file).read(key)
    others = read_trusted_keys(trusted, trusted_directory, blueprint.profile, "--trust")
    metadata = assemble_metadata(blueprint, tokens, own)
    now_s = int(time.time()) if at_s is None else at_s
    keys = _add_own_key(others, own, blueprint.profile)
    _require_acceptable(metadata, blueprint, manifest, keys, now_s)
    if manifest is None:
        files.write_metadata(metadata, manifest_file, force=force, as_json=as_json)
    else:
        bundle = Bundle(metadata, manifest.data, manifest.code)
        files.write(bundle, manifest_file, installation, keys=keys, force=force, as_json=as_json)


def _add_own_key(others: KeyStore, own: KeyMaterial, profile: Profile) -> KeyStore:
    """Trust the other parties' keys, and the infrastructure's own."""
    # What was just made is judged, also where key_ops lets the key only make it.
    public = replace(own, may_verify=True) if own.is_symmetric else own.public_half()
    entries = [entry for entry in others if entry.role is not Role.INFRASTRUCTURE]
    try:
        return KeyStore([*entries, KeyEntry(Role.INFRASTRUCTURE, profile, public)])
    except KeyFileError as error:
        raise VerbRefused(f"--key: {error}") from None


def _require_acceptable(
    content: bytes, blueprint: Blueprint, manifest: Manifest | None, keys: KeyStore, now_s: int
) -> None:
    """Judge the tokens as a device that trusts these keys does."""
    metadata = metadata_codec.decode(content, len(content))
    trust = Trust(keys, (blueprint.profile,), device_id=blueprint.options.audience)
    code = None if manifest is None else manifest.code
    data = None if manifest is None else manifest.data
    reports = verify_tokens(metadata, code, data, trust, now_s, profile=blueprint.profile)
    grant_rights(metadata, reports, trust)


def _read_token(path: Path) -> bytes:
    return read_bounded(path, _MAX_TOKEN_BYTES)


def _read_endpoint_tokens(texts: tuple[str, ...]) -> dict[int, bytes]:
    tokens: dict[int, bytes] = {}
    for text in texts:
        endpoint_id, token = _read_endpoint_token(text)
        if endpoint_id in tokens:
            raise VerbRefused(f"--endpoint-token: endpoint {endpoint_id} is given twice")
        tokens[endpoint_id] = token
    return tokens


def _read_endpoint_token(text: str) -> tuple[int, bytes]:
    number, separator, name = text.partition("=")
    if not separator or not (number.isascii() and number.isdigit()):
        raise VerbRefused(f"--endpoint-token: {show(text)} is not ID=FILE")
    return int(number), _read_token(Path(name))
