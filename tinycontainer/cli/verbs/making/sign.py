"""``sign``: sign one part of a container, as one of the four parties."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.errors import MetadataError
from tinycontainer.files.fields import bytes_from_hex, check_uid, mask_from_names, uid_from_text
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.metadata import Endpoint
from tinycontainer.metadata.codec import MAX_SECTION_BYTES
from tinycontainer.text import show
from tinycontainer.tools.packing.manifest import read_blueprint
from tinycontainer.tools.packing.packing import Blueprint, Signer, TokenOptions
from tinycontainer_tokens import KeyMaterial, Kind, Profile

from ...keys import PrivateKeys, alg_option, passphrase_option, restrict_to_alg
from ...options import force_option, json_option, path_argument, path_option
from ...output_files import require_absent, write_file
from ...printing import print_json
from ...verb import Verb, VerbRefused

_UNIX_SECONDS: Final = re.compile(r"[0-9]{1,18}")
_CLAIM_OPTIONS: Final = tuple(field.name for field in fields(TokenOptions))
"""The options of the verbs that are claims of the token have the names of its fields."""


@click.group()
def sign() -> None:
    """Sign one part of a container as one of the four parties.

    The developer signs code, the provider data, the owner the mask of system calls and endpoints;
    `assemble` puts their tokens together.
    """


@dataclass(frozen=True, slots=True)
class Signing:
    """The options that all four verbs have.

    Attributes:
        signer: the party's key, and the container that it signs for.
        blueprint: from the manifest, if one was given.
        out: the token file; None for a name after the token's kind.
        force: whether a file that exists is overwritten.
        as_json: whether to print one JSON object.
    """

    signer: Signer
    blueprint: Blueprint | None
    out: Path | None
    force: bool
    as_json: bool

    def write(self, token: bytes, name: str) -> None:
        """Write the token, and print its file.

        Args:
            token: the signed token.
            name: of its file without suffix, if none was given.

        Raises:
            VerbRefused: the file exists, or cannot be written.
        """
        path = self.out or Path(f"{name}.cwt")
        require_absent((path,), force=self.force)
        write_file(path, token)
        if self.as_json:
            print_json({"file": str(path), "bytes": len(token), "profile": self.signer.profile})
        else:
            click.echo(f"{show(str(path))}: {len(token)} bytes, {self.signer.profile}")

    def require_manifest(self) -> Blueprint:
        """Return what the manifest describes.

        Raises:
            VerbRefused: no manifest was given.
        """
        if self.blueprint is None:
            raise VerbRefused("give the --manifest that declares it")
        return self.blueprint


def _parse_moment(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> int | None:
    """Read Unix seconds, or a date with or without time, in UTC if it names no zone."""
    if text is None:
        return None
    if _UNIX_SECONDS.fullmatch(text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{show(text)} is neither Unix seconds nor a date such as 2027-01-31"
        ) from None


def _parse_hexadecimal(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> bytes | None:
    try:
        return None if text is None else bytes_from_hex(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _signing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options that its `Signing` comes from."""

    @path_option("--key", required=True, help="Private key file.")
    @passphrase_option
    @path_option(
        "--manifest",
        help="The container's manifest: uid, profile and claims come from it unless given here.",
    )
    @click.option("--uid", help="The container's uid; text, or hex: and digits.")
    @alg_option
    @click.option("--profile", type=click.Choice([profile.value for profile in Profile]))
    @click.option("--sequence", type=click.IntRange(0, (1 << 64) - 1), help="Version; default 1.")
    @click.option(
        "--expires",
        "expires_s",
        callback=_parse_moment,
        help="Unix seconds, or a date such as 2027-01-31.",
    )
    @click.option("--not-before", "not_before_s", callback=_parse_moment, help="The same form.")
    @click.option(
        "--issued", "issued_s", callback=_parse_moment, help="The same form; information only."
    )
    @click.option("--audience", help="Device id, if the token is for one device.")
    @path_option("--out", "-o", help="The token file.")
    @force_option
    @json_option
    @wraps(command)
    def with_signing(
        *arguments: Any,
        key: Path,
        passphrase_file: Path | None,
        manifest: Path | None,
        uid: str | None,
        alg: str | None,
        profile: str | None,
        out: Path | None,
        force: bool,
        as_json: bool,
        **options: Any,
    ) -> Any:
        blueprint = None if manifest is None else read_blueprint(manifest)
        signer = _make_signer(
            PrivateKeys(passphrase_file).read(key),
            uid,
            alg,
            None if profile is None else Profile(profile),
            {name: options.pop(name) for name in _CLAIM_OPTIONS},
            blueprint,
        )
        signing = Signing(signer, blueprint, out, force, as_json)
        return command(*arguments, signing=signing, **options)

    return with_signing


def _make_signer(
    key: KeyMaterial,
    uid: str | None,
    alg: str | None,
    profile: Profile | None,
    claims: dict[str, Any],
    blueprint: Blueprint | None,
) -> Signer:
    """The party's key with uid, profile and claims: those given, else those of the manifest."""
    if profile is None:
        profile = Profile.RFC9052 if blueprint is None else blueprint.profile
    options = TokenOptions() if blueprint is None else blueprint.options
    given = {name: value for name, value in claims.items() if value is not None}
    key = restrict_to_alg(key, alg, profile)
    return Signer(key, _choose_uid(uid, blueprint, profile), profile, replace(options, **given))


def _choose_uid(text: str | None, blueprint: Blueprint | None, profile: Profile) -> bytes:
    if text is not None:
        try:
            return uid_from_text(check_uid(text))
        except ValueError as error:
            raise VerbRefused(f"--uid: {error}") from None
    if blueprint is not None:
        return blueprint.container.uid
    if profile is Profile.RIOT_2024:
        return b""  # its tokens name no container
    raise VerbRefused("give the container's --uid, or its --manifest")


def _content_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--sha256",
        metavar="HEX",
        callback=_parse_hexadecimal,
        help="Hash of the section, where the section itself is not at hand.",
    )(_signing_options(command))
    return path_argument("file", required=False)(command)


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
    "--mask",
    "bits",
    metavar="HEX",
    callback=_parse_hexadecimal,
    help="The mask itself, such as 1f.",
)
@_signing_options
def mask(calls: str | None, bits: bytes | None, signing: Signing) -> None:
    """Sign the mask of system calls that a container may make, as the device's owner.

    Without --calls and --mask, the calls are those that the manifest asks for.

    Example: tinycontainerctl sign mask --manifest courier --key keys/owner.pem
    """
    if calls is not None and bits is not None:
        raise VerbRefused("give either --calls or --mask")
    if bits is not None:
        signing.write(signing.signer.sign_mask_bytes(bits), "mask")
        return
    allowed = signing.require_manifest().mask if calls is None else _parse_calls(calls)
    signing.write(signing.signer.sign_mask(allowed), "mask")


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
        raise VerbRefused(
            f"--id: the manifest declares no endpoint {endpoint_id}; there are: {ids}"
        )
    _sign_endpoint(found, signing)


def _sign_endpoint(found: Endpoint, signing: Signing) -> None:
    if signing.signer.profile is Profile.RIOT_2024:
        raise MetadataError("endpoint token", "riot-2024 knows none (endpoint key 6)")
    signing.write(signing.signer.sign_endpoint(found), f"endpoint-{found.endpoint_id}")


def _sign_content(kind: Kind, file: Path | None, sha256: bytes | None, signing: Signing) -> None:
    if (file is None) == (sha256 is None):
        raise VerbRefused("give either the FILE or its --sha256")
    name = kind.name.lower()
    if sha256 is not None:
        signing.write(signing.signer.sign_digest(kind, sha256), name)
    elif file is not None:
        content = read_bounded(file, MAX_SECTION_BYTES)
        signing.write(signing.signer.sign_content(kind, content), name)


def _parse_calls(calls: str) -> int:
    try:
        return mask_from_names([] if calls == "none" else calls.split(","))
    except ValueError as error:
        raise VerbRefused(f"--calls: {error}") from None
