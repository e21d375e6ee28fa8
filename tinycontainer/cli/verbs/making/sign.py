"""``sign``: one party signs its part of a container, on a machine of its own."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from tinycontainer.device.containers.limits import MAX_SECTION_BYTES
from tinycontainer.errors import MetadataError
from tinycontainer.files.fields import check_uid, mask_from_names, uid_from_text
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.metadata import Endpoint
from tinycontainer.text import show
from tinycontainer.tools.packing.manifest import read_blueprint
from tinycontainer.tools.packing.packing import Blueprint, Signer, TokenOptions
from tinycontainer_tokens import Kind, Profile

from ...keys import PrivateKeys, passphrase_option
from ...output import Refusal, force_option, json_option, print_json, require_absent, write_file
from ...verb import Verb

_SHA256_DIGITS = 64
_UNIX_SECONDS = re.compile(r"[0-9]{1,18}")


@click.group()
def sign() -> None:
    """Sign one part of a container as one of the four parties.

    The developer signs code, the provider data, the owner the mask of system calls and endpoints;
    `assemble` puts their tokens together.
    """


@dataclass(frozen=True, slots=True)
class Signing:
    """What all four verbs take.

    Attributes:
        signer: the party's key, and for which container.
        blueprint: the manifest, if one was given.
        out: where the token goes; None for a name after its kind.
        force: whether it may be overwritten.
        as_json: how to say what was written.
    """

    signer: Signer
    blueprint: Blueprint | None
    out: Path | None
    force: bool
    as_json: bool

    def write(self, token: bytes, name: str) -> None:
        """Write the token."""
        path = self.out or Path(f"{name}.cwt")
        require_absent((path,), force=self.force)
        write_file(path, token)
        if self.as_json:
            print_json({"file": str(path), "bytes": len(token), "profile": self.signer.profile})
        else:
            click.echo(f"{show(str(path))}: {len(token)} bytes, {self.signer.profile}")

    def require_manifest(self) -> Blueprint:
        """The manifest.

        Raises:
            Refusal: none was given.
        """
        if self.blueprint is None:
            raise Refusal("give the --manifest that declares it")
        return self.blueprint


def _moment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int | None:
    """Unix seconds, or a date with or without time, in UTC if it names no zone."""
    if text is None or _UNIX_SECONDS.fullmatch(text):
        return None if text is None else int(text)
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{show(text)} is neither Unix seconds nor a date such as 2027-01-31"
        ) from None


def _hexadecimal(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> bytes | None:
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError:
        raise click.BadParameter(f"{show(text or '')} is not hexadecimal") from None


def _signing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options that its `Signing` comes from."""

    @click.option("--key", type=click.Path(path_type=Path), required=True, help="Private key file.")
    @passphrase_option
    @click.option(
        "--manifest",
        type=click.Path(path_type=Path),
        help="The container's manifest: uid, profile and claims come from it unless given here.",
    )
    @click.option("--uid", help="The container's uid; text, or hex: and digits.")
    @click.option("--profile", type=click.Choice([profile.value for profile in Profile]))
    @click.option("--sequence", type=click.IntRange(0, (1 << 64) - 1), help="Version; default 1.")
    @click.option("--expires", callback=_moment, help="Unix seconds, or a date such as 2027-01-31.")
    @click.option("--not-before", callback=_moment, help="The same form.")
    @click.option("--issued", callback=_moment, help="The same form; information only.")
    @click.option("--audience", help="Device id, if the token is for one device.")
    @click.option("--out", "-o", type=click.Path(path_type=Path), help="The token file.")
    @force_option
    @json_option
    @wraps(command)
    def with_signing(
        *arguments: Any,
        key: Path,
        passphrase_file: Path | None,
        manifest: Path | None,
        out: Path | None,
        force: bool,
        as_json: bool,
        **options: Any,
    ) -> Any:
        names = ("uid", "profile", "sequence", "expires", "not_before", "issued", "audience")
        given = {name: options.pop(name) for name in names}
        blueprint = None if manifest is None else read_blueprint(manifest)
        material = PrivateKeys(passphrase_file).read(key)
        uid, profile, claims = _claims(given, blueprint)
        signing = Signing(Signer(material, uid, profile, claims), blueprint, out, force, as_json)
        return command(*arguments, signing=signing, **options)

    return with_signing


def _claims(
    given: dict[str, Any], blueprint: Blueprint | None
) -> tuple[bytes, Profile, TokenOptions]:
    profile = given["profile"] and Profile(given["profile"])
    profile = profile or (blueprint.profile if blueprint else Profile.RFC9052)
    options = blueprint.options if blueprint else TokenOptions()
    names = {
        "sequence": "sequence",
        "audience": "audience",
        "not_before": "not_before_s",
        "expires": "expires_s",
        "issued": "issued_s",
    }
    changes = {names[name]: given[name] for name in names if given[name] is not None}
    return _uid(given["uid"], blueprint, profile), profile, replace(options, **changes)


def _uid(text: str | None, blueprint: Blueprint | None, profile: Profile) -> bytes:
    if text is not None:
        try:
            return uid_from_text(check_uid(text))
        except ValueError as error:
            raise Refusal(f"--uid: {error}") from None
    if blueprint is not None:
        return blueprint.container.uid
    if profile is Profile.RIOT_2024:
        return b""  # Its tokens name no container.
    raise Refusal("give the container's --uid, or its --manifest")


def _content_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--sha256",
        metavar="HEX",
        callback=_hexadecimal,
        help="Hash of the section, where the section itself is not at hand.",
    )(_signing_options(command))
    return click.argument("file", type=click.Path(path_type=Path), required=False)(command)


@sign.command(cls=Verb)
@_content_options
def code(file: Path | None, sha256: bytes | None, signing: Signing) -> None:
    """Sign the code section FILE, as its developer.

    Example: tinycontainerctl sign code courier/courier.wasm --uid courier --key keys/developer.pem
    """
    _sign_content(Kind.CODE, file, sha256, signing)


@sign.command(cls=Verb)
@_content_options
def data(file: Path | None, sha256: bytes | None, signing: Signing) -> None:
    """Sign the data section FILE, as its provider; an empty one is signed as well.

    Example: tinycontainerctl sign data courier/courier.data --uid courier --key keys/provider.pem
    """
    _sign_content(Kind.DATA, file, sha256, signing)


@sign.command(cls=Verb)
@click.option("--calls", help="Allowed calls, such as open,close,read; or none.")
@click.option(
    "--mask", "bits", metavar="HEX", callback=_hexadecimal, help="The mask itself, such as 1f."
)
@_signing_options
def mask(calls: str | None, bits: bytes | None, signing: Signing) -> None:
    """Sign the mask of system calls that a container may make, as the device's owner.

    Without --calls and --mask, the calls are those that the manifest asks for.

    Example: tinycontainerctl sign mask --manifest courier --key keys/owner.pem
    """
    if calls is not None and bits is not None:
        raise Refusal("give either --calls or --mask")
    if bits is not None:
        signing.write(signing.signer.mask_bytes(bits), "mask")
        return
    wanted = signing.require_manifest().mask if calls is None else _mask_of(calls)
    signing.write(signing.signer.mask(wanted), "mask")


@sign.command(cls=Verb)
@click.option("--id", "endpoint_id", type=click.IntRange(min=0), required=True)
@_signing_options
def endpoint(endpoint_id: int, signing: Signing) -> None:
    """Sign one endpoint that the manifest declares, as the device's owner.

    Example: tinycontainerctl sign endpoint --id 1 --manifest courier --key keys/owner.pem
    """
    declared = signing.require_manifest().endpoints
    found = next((entry for entry in declared if entry.endpoint_id == endpoint_id), None)
    if found is None:
        ids = ", ".join(str(entry.endpoint_id) for entry in declared) or "none"
        raise Refusal(f"--id: the manifest declares no endpoint {endpoint_id}; there are: {ids}")
    _sign_endpoint(found, signing)


def _sign_endpoint(found: Endpoint, signing: Signing) -> None:
    if signing.signer.profile is Profile.RIOT_2024:
        raise MetadataError("endpoint token", "riot-2024 knows none (endpoint key 6)")
    signing.write(signing.signer.endpoint(found), f"endpoint-{found.endpoint_id}")


def _sign_content(kind: Kind, file: Path | None, sha256: bytes | None, signing: Signing) -> None:
    if (file is None) == (sha256 is None):
        raise Refusal("give either the FILE or its --sha256")
    name = kind.name.lower()
    if sha256 is not None:
        signing.write(signing.signer.digest(kind, sha256), name)
    elif file is not None:
        content = read_bounded(file, MAX_SECTION_BYTES)
        signing.write(signing.signer.content(kind, content), name)


def _mask_of(calls: str) -> int:
    try:
        return mask_from_names([] if calls == "none" else calls.split(","))
    except ValueError as error:
        raise Refusal(f"--calls: {error}") from None
