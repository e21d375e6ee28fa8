"""``keygen``: make the keys of the four roles."""

import os
from pathlib import Path

import click

from tinycontainer_tokens import Algorithm, KeyMaterial, Role, key_files

from .output import force_option, json_option, print_json, require_absent, write_file


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="Only this role; can be repeated. By default all four.",
)
@click.option("--mac", is_flag=True, help="Make HMAC keys (COSE_Key) in place of Ed25519 (PEM).")
@click.option("--kid", help="Key id, written into COSE_Key files only.")
@force_option
@json_option
def keygen(
    directory: Path, roles: tuple[str, ...], mac: bool, kid: str | None, force: bool, as_json: bool
) -> None:
    """Make key files in DIRECTORY: ROLE.pem (private, mode 0600) and ROLE.pub, or ROLE.cose.

    The developer signs code, the provider data, the infrastructure metadata, the owner system-call
    masks and endpoints. A device needs the public halves only; an HMAC key has none.

    Example: tinycontainerctl keygen keys
    """
    suffixes = (".cose",) if mac else (".pem", ".pub")
    names = [Role(name) for name in roles] or list(Role)
    paths = [directory / f"{role}{suffix}" for role in names for suffix in suffixes]
    require_absent(paths, force=force)
    directory.mkdir(parents=True, exist_ok=True)
    for role in names:
        _write_keys(directory, role, mac=mac, kid=None if kid is None else kid.encode())
    if as_json:
        print_json({"files": [str(path) for path in paths]})
    else:
        click.echo(f"made the keys of {', '.join(names)}; keep the private files to their owners")


def _write_keys(directory: Path, role: Role, *, mac: bool, kid: bytes | None) -> None:
    if mac:
        key = KeyMaterial(Algorithm.HMAC_256, b"", os.urandom(32), kid)
        write_file(directory / f"{role}.cose", key_files.to_cose_key(key), private=True)
        return
    key = KeyMaterial.from_private(os.urandom(32), kid)
    write_file(directory / f"{role}.pem", key_files.to_pem(key), private=True)
    write_file(directory / f"{role}.pub", key_files.to_public_pem(key))
