"""``keygen``: make keys, an OSCORE context, or a bearer token."""

import os
import secrets
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click

from tinycontainer.interfaces.network.edhoc_identity import make_identity
from tinycontainer.interfaces.network.security_context import make_security_contexts
from tinycontainer.suit.keys.key_files import to_private_pem, to_public_pem
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey
from tinycontainer.text import show
from tinycontainer_tokens import Algorithm, KeyMaterial, Role, key_files
from tinycontainer_tokens.keys import MAX_KID_BYTES

from ...keys import read_passphrase
from ...options import force_option, json_option, path_argument, path_option
from ...output_files import refuse_unwritable, require_absent, write_file
from ...printing import print_json
from ...verb import Verb, VerbRefused

_TOKEN_BYTES: Final = 32
_CURVES: Final = MappingProxyType(
    {"P-256": UpdateAlgorithm.ES256, "Ed25519": UpdateAlgorithm.EDDSA}
)
"""Of update keys: the name of each, and an algorithm on it."""


def _parse_key_id(
    context: click.Context, _parameter: click.Parameter, text: str | None
) -> bytes | None:
    if text is None:
        return None
    if not context.params.get("mac"):
        raise click.BadParameter("PEM files hold no key id; use --mac")
    kid = text.encode("utf-8", "surrogateescape")
    if not 1 <= len(kid) <= MAX_KID_BYTES:
        raise click.BadParameter(f"a key id has 1 to {MAX_KID_BYTES} bytes, not {len(kid)}")
    return kid


@click.command(cls=Verb)
@path_argument("directory")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="Only this role; can be repeated. By default all four.",
)
@click.option(
    "--mac",
    is_flag=True,
    is_eager=True,
    help="Make HMAC keys (COSE_Key) in place of Ed25519 (PEM).",
)
@click.option(
    "--one-key",
    is_flag=True,
    help="One Ed25519 key in all roles, as the C firmware needs it; for riot-2024 only.",
)
@click.option("--kid", callback=_parse_key_id, help="Key id of 1 to 64 bytes; with --mac only.")
@click.option(
    "--device",
    "for_device",
    is_flag=True,
    help="Make a device's own key (Ed25519) in place of those of the roles: the private half in the"
    " file of this name, the public half beside it (.pub).",
)
@click.option(
    "--evidence",
    "for_evidence",
    is_flag=True,
    help="Make the key with which a device signs what it is (Ed25519) in place of those of the"
    " roles: evidence.pem, which is private, for [evidence] of the device file, and evidence.pub"
    " for whoever checks it.",
)
@click.option(
    "--update",
    "for_update",
    type=click.Choice(list(_CURVES)),
    help="Make a key that signs updates, on this curve, in place of those of the roles: the private"
    " half in the file of this name, the public half beside it (.pub).",
)
@click.option(
    "--oscore",
    "for_oscore",
    is_flag=True,
    help="Make an OSCORE context in place of keys: the folder `device` for the device file"
    " ([[agent.peers]]), the folder `operator` for its peer (remote --context), mode 0700.",
)
@click.option(
    "--edhoc",
    "for_edhoc",
    is_flag=True,
    help="Make an identity for EDHOC in place of keys: NAME.edhoc, which is private (mode 0600),"
    " and NAME.ccs, the credential for the other side.",
)
@click.option(
    "--bearer",
    "for_bearer",
    is_flag=True,
    help="Make a bearer token for a gateway in place of keys: NAME.token, which is private (mode"
    " 0600); its hash is shown, for [[tokens]] of the gateway's file.",
)
@path_option(
    "--passphrase-file",
    help="Encrypt the private PEM files with the first line of this file.",
)
@force_option
@json_option
def keygen(
    directory: Path,
    roles: tuple[str, ...],
    mac: bool,
    one_key: bool,
    kid: bytes | None,
    for_device: bool,
    for_evidence: bool,
    for_update: str | None,
    for_oscore: bool,
    for_edhoc: bool,
    for_bearer: bool,
    passphrase_file: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make key files in DIRECTORY: ROLE.pem (private, mode 0600) and ROLE.pub, or ROLE.cose.

    The developer signs code, the provider data, the infrastructure metadata, the owner system-call
    masks and endpoints. A device needs the public halves only; an HMAC key has none. With --device,
    DIRECTORY is the file of a device's own key, such as device.pem, for `[device] key`. With
    --update it is that of a key for `[[update.keys]]`, such as operator.pem. With --oscore it gets
    the two sides of a context that protects the management of a device by one peer; move each side
    to its owner, and never copy one. With --edhoc it is the name of an identity, such as alice;
    with --bearer that of whoever holds a token.

    Example: tinycontainerctl keygen new-keys
    """
    make_update_key = partial(
        _make_update_key, curve=for_update or "", passphrase_file=passphrase_file
    )
    made_alone: dict[str, tuple[object, Callable[[Path, bool], None]]] = {
        "--device": (for_device, _make_device_key),
        "--evidence": (for_evidence, _make_evidence_key),
        "--update": (for_update, make_update_key),
        "--oscore": (for_oscore, _make_contexts),
        "--edhoc": (for_edhoc, _make_identity),
        "--bearer": (for_bearer, _make_bearer_token),
    }
    for wanted, (is_wanted, make) in made_alone.items():
        if not is_wanted:
            continue
        others = {"--role": roles, "--mac": mac, "--one-key": one_key, "--force": force}
        others["--passphrase-file"] = None if wanted == "--update" else passphrase_file
        others |= {name: given for name, (given, _) in made_alone.items() if name != wanted}
        for name, given in others.items():
            if given:
                raise VerbRefused(f"{name}: does not go together with {wanted}; leave it out")
        make(directory, as_json)
        return
    suffixes = (".cose",) if mac else (".pem", ".pub")
    names = [Role(name) for name in roles] or list(Role)
    paths = [directory / f"{role}{suffix}" for role in names for suffix in suffixes]
    require_absent(paths, force=force, making=directory)
    passphrase = None if passphrase_file is None else read_passphrase(passphrase_file)
    if mac and passphrase is not None:
        raise VerbRefused("--passphrase-file: only PEM files are encrypted; leave --mac out")
    if mac and one_key:
        raise VerbRefused("--one-key: the firmware verifies Ed25519 alone; leave --mac out")
    shared = os.urandom(32) if one_key else None
    made = [_make_files(role, kid, shared, mac=mac, passphrase=passphrase) for role in names]
    directory.mkdir(parents=True, exist_ok=True)
    for files in made:
        for name, content in files.items():
            write_file(directory / name, content, private=not name.endswith(".pub"))
    if as_json:
        print_json({"files": [str(path) for path in paths]})
    else:
        click.echo(f"made the keys of {', '.join(names)}; keep the private files to their owners")


def _make_contexts(directory: Path, as_json: bool) -> None:
    """Make both sides of an OSCORE context; one that is there is never overwritten."""
    made = make_security_contexts(os.urandom)
    folders = [directory / side for side in made]
    for folder in folders:
        if folder.exists() or folder.is_symlink():
            problem = "exists; a context is never overwritten: name a new directory"
            raise VerbRefused(f"{show(str(folder))}: {problem}")
    for folder, files in zip(folders, made.values(), strict=True):
        with refuse_unwritable(folder):
            directory.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
        for name, content in files.items():
            write_file(folder / name, content, private=True, replaces=False)
    if as_json:
        print_json({"folders": [str(folder) for folder in folders]})
    else:
        click.echo(
            f"made both sides of a context in {show(str(directory))}: device, operator; move each"
            " to its owner, and never copy one"
        )


def _make_identity(name: Path, as_json: bool) -> None:
    """Make an identity for EDHOC; one that is there is never overwritten."""
    if not name.name:
        raise VerbRefused(f"{show(str(name))}: is no name")
    paths = [name.with_name(name.name + suffix) for suffix in (".edhoc", ".ccs")]
    for path in paths:
        if path.exists() or path.is_symlink():
            problem = "exists; an identity is never overwritten: take another name"
            raise VerbRefused(f"{show(str(path))}: {problem}")
    require_absent(paths, force=False, making=name.parent)
    with refuse_unwritable(name):
        name.parent.mkdir(parents=True, exist_ok=True)
    for path, content in zip(paths, make_identity(os.urandom), strict=True):
        write_file(path, content, private=path.suffix == ".edhoc", replaces=False)
    if as_json:
        print_json({"files": [str(path) for path in paths]})
    else:
        click.echo(f"made an identity; {show(str(paths[1]))} is its credential for the other side")


def _make_bearer_token(name: Path, as_json: bool) -> None:
    """Make a bearer token; one that is there is never overwritten."""
    path = name.with_name(f"{name.name}.token") if name.name else name
    if path.exists() or path.is_symlink():
        problem = "exists; a token is never overwritten: take another name"
        raise VerbRefused(f"{show(str(path))}: {problem}")
    require_absent((path,), force=False, making=path.parent)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    digest = sha256(token.encode()).hexdigest()
    with refuse_unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, token.encode() + b"\n", private=True, replaces=False)
    if as_json:
        print_json({"files": [str(path)], "sha256": digest})
    else:
        click.echo(f'made {show(str(path))}; its hash, for [[tokens]]: sha256 = "{digest}"')


def _make_device_key(path: Path, as_json: bool) -> None:
    """Make the key of a device; an older one is never overwritten, as it is the device's name."""
    key = KeyMaterial.from_private(os.urandom(32))
    pair = key_files.to_pem(key), key_files.to_public_pem(key)
    _write_pair(path, pair, ("the key of a device", "a device's key"), as_json)


def _make_evidence_key(directory: Path, as_json: bool) -> None:
    """Make a key for evidence; an older one is never overwritten, as others check by it."""
    key = KeyMaterial.from_private(os.urandom(32))
    pair = key_files.to_pem(key), key_files.to_public_pem(key)
    names = "a key for evidence", "a key for evidence"
    _write_pair(directory / "evidence.pem", pair, names, as_json)


def _make_update_key(path: Path, as_json: bool, curve: str, passphrase_file: Path | None) -> None:
    """Make a key for updates; an older one is never overwritten, as devices may believe it."""
    passphrase = None if passphrase_file is None else read_passphrase(passphrase_file)
    key = UpdateKey.generate(_CURVES[curve], os.urandom)
    pair = to_private_pem(key, passphrase), to_public_pem(key)
    _write_pair(path, pair, ("a key for updates", "an update key"), as_json)


def _write_pair(
    path: Path, pair: tuple[bytes, bytes], names: tuple[str, str], as_json: bool
) -> None:
    """Write both halves of a key that never replaces an older one.

    Args:
        path: of the private half; the public half gets the suffix ``.pub``.
        pair: the private half and the public half.
        names: of the key: what was made, and what is never overwritten.
        as_json: whether the answer is JSON.
    """
    made, kept = names
    public_path = path.with_suffix(".pub") if path.name else path
    for each in (path, public_path):
        if each.is_file() or each.is_symlink():
            raise VerbRefused(
                f"{show(str(each))}: exists; {kept} is never overwritten: move it away"
            )
    require_absent((path, public_path), force=False, making=path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, pair[0], private=True, replaces=False)
    write_file(public_path, pair[1], replaces=False)
    if as_json:
        print_json({"files": [str(path), str(public_path)]})
    else:
        click.echo(f"made {made}; {show(str(public_path))} has its public half")


def _make_files(
    role: Role, kid: bytes | None, shared: bytes | None, *, mac: bool, passphrase: bytes | None
) -> dict[str, bytes]:
    """The key files of one role by name; of the shared secret, if there is one."""
    if mac:
        key = KeyMaterial(Algorithm.HMAC_256, b"", os.urandom(32), kid)
        return {f"{role}.cose": key_files.to_cose_key(key)}
    key = KeyMaterial.from_private(shared or os.urandom(32))
    return {
        f"{role}.pem": key_files.to_pem(key, passphrase),
        f"{role}.pub": key_files.to_public_pem(key),
    }
