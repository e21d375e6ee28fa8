"""``assemble``: put together what the four parties have signed, and seal it."""

import time
from pathlib import Path

import click

from tinycontainer import metadata as metadata_codec
from tinycontainer.device.containers.verification import Trust, grant_rights, verify_tokens
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.metadata import Bundle
from tinycontainer.text import show
from tinycontainer.tools.packing import packing
from tinycontainer.tools.packing.manifest import Manifest, read_blueprint, read_manifest
from tinycontainer.tools.packing.packing import Blueprint, Tokens
from tinycontainer_tokens import KeyEntry, KeyFileError, KeyMaterial, KeyStore, Profile, Role

from ...keys import PrivateKeys, passphrase_option, trusted_keys
from ...output import Refusal, force_option, json_option
from ...verb import Verb
from .outputs import Outputs, output_options

_MAX_TOKEN_BYTES = 1024


@click.command(cls=Verb)
@click.argument("manifest_file", metavar="MANIFEST", type=click.Path(path_type=Path))
@click.option("--code-token", type=click.Path(path_type=Path), required=True)
@click.option("--data-token", type=click.Path(path_type=Path), required=True)
@click.option("--mask-token", type=click.Path(path_type=Path), required=True)
@click.option(
    "--endpoint-token", "endpoint_tokens", multiple=True, metavar="ID=FILE", help="Can be repeated."
)
@click.option("--key", type=click.Path(path_type=Path), required=True, help="The infrastructure's.")
@passphrase_option
@click.option(
    "--trust",
    "trusted",
    multiple=True,
    metavar="[ROLE=]KEY",
    help="Public key of a party, as for verify --key. Can be repeated.",
)
@click.option(
    "--trust-keys",
    "trusted_directory",
    type=click.Path(path_type=Path),
    help="Directory with developer.pub, provider.pub and owner.pub (or .cose).",
)
@click.option(
    "--metadata-only",
    is_flag=True,
    help="Make metadata without the sections, which need not be at hand.",
)
@click.option("--code", type=click.Path(path_type=Path), help="In place of the manifest's.")
@click.option("--data", type=click.Path(path_type=Path), help="In place of the manifest's.")
@click.option(
    "--at", "at_s", type=click.IntRange(min=0), help="Time in Unix seconds; by default now."
)
@output_options
@force_option
@json_option
def assemble(
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
    outputs: Outputs,
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
        raise Refusal("--metadata-only looks at no sections; leave --code and --data out")
    manifest = None if metadata_only else read_manifest(manifest_file, code, data)
    blueprint = read_blueprint(manifest_file) if manifest is None else manifest.blueprint
    tokens = Tokens(
        code=_token(code_token),
        data=_token(data_token),
        mask=_token(mask_token),
        endpoints=dict(_endpoint_token(text) for text in endpoint_tokens),
    )
    own = PrivateKeys(passphrase_file).read(key)
    others = trusted_keys(trusted, trusted_directory, blueprint.profile, "--trust")
    metadata = packing.assemble(blueprint, tokens, own)
    now_s = int(time.time()) if at_s is None else at_s
    _require_fitting(metadata, blueprint, manifest, _store(others, own, blueprint.profile), now_s)
    if manifest is None:
        outputs.write_metadata(metadata, manifest_file, force=force, as_json=as_json)
    else:
        bundle = Bundle(metadata, manifest.data, manifest.code)
        outputs.write(bundle, manifest_file, force=force, as_json=as_json)


def _store(others: KeyStore, own: KeyMaterial, profile: Profile) -> KeyStore:
    """The other parties' keys, and the infrastructure's own."""
    public = own if own.is_symmetric else own.public_half()
    entries = [entry for entry in others if entry.role is not Role.INFRASTRUCTURE]
    try:
        return KeyStore([*entries, KeyEntry(Role.INFRASTRUCTURE, profile, public)])
    except KeyFileError as error:
        raise Refusal(f"--key: {error}") from None


def _require_fitting(
    content: bytes, blueprint: Blueprint, manifest: Manifest | None, keys: KeyStore, now_s: int
) -> None:
    """Judge the tokens as a device would that trusts these keys."""
    metadata = metadata_codec.decode(content, len(content))
    trust = Trust(keys, (blueprint.profile,), device_id=blueprint.options.audience)
    code, data = (None, None) if manifest is None else (manifest.code, manifest.data)
    reports = verify_tokens(metadata, code, data, trust, now_s, profile=blueprint.profile)
    grant_rights(metadata, reports, trust)


def _token(path: Path) -> bytes:
    return read_bounded(path, _MAX_TOKEN_BYTES)


def _endpoint_token(text: str) -> tuple[int, bytes]:
    number, separator, name = text.partition("=")
    if not separator or not (number.isascii() and number.isdigit()):
        raise Refusal(f"--endpoint-token: {show(text)} is not ID=FILE")
    return int(number), _token(Path(name))
