"""``platform sign``: sign a part of a release that a platform keeps, on this machine."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.assembly import Installation
from tinycontainer.files.fields import check_uid, uid_from_text
from tinycontainer.interfaces.network.gateway_access import make_tls_context, read_bearer_token
from tinycontainer.interfaces.network.http_uri import parse_http_uri
from tinycontainer.network.platform.exchange import Server
from tinycontainer.network.platform.releases.parts import ReleasePart
from tinycontainer.network.platform.signer.client import PlatformClient
from tinycontainer.network.platform.signer.description import describe
from tinycontainer.network.platform.signer.examining import ExaminedRequest, Order, examine
from tinycontainer.network.platform.signer.facts import as_facts
from tinycontainer.network.platform.signer.history import History
from tinycontainer.network.platform.signer.refusal import SigningRefused
from tinycontainer.network.platform.signer.signed import Signed
from tinycontainer.network.platform.signer.tokens import (
    header_of,
    key_sha256,
    make_token,
    require_signing_key,
)
from tinycontainer.text import flatten, show
from tinycontainer_tokens import KeyMaterial, Profile

from ...installation import with_installation
from ...keys import PrivateKeys, passphrase_option
from ...options import gather_options, json_option, path_option
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused

_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class ReachOptions:
    """What the command line says about a platform.

    Attributes:
        token: file of the signer's token; None for none.
        ca: file of certificates to trust; None for those of the system alone.
    """

    token: Path | None
    ca: Path | None


@dataclass(frozen=True, slots=True)
class Manner:
    """How a verb asks and prints.

    Attributes:
        asks: whether it asks before it signs.
        signs: whether it signs at all.
        as_json: whether it prints one JSON object.
    """

    asks: bool
    signs: bool
    as_json: bool


reach_options: Final = gather_options(
    "reach", ReachOptions,
    path_option("--token", help="Private file (0600) of the token that the platform wants to see."),
    path_option("--ca", help="Certificates (PEM) that it may have, beside the system's."),
)  # fmt: skip
"""They become the parameter ``reach``."""


@click.command(cls=Verb)
@click.argument("url")
@click.argument("uid")
@click.argument("number", type=click.IntRange(0, (1 << 64) - 1))
@click.argument("part")
@path_option("--key", required=True, help="Private key file; the key stays on this machine.")
@passphrase_option
@reach_options
@path_option("--history", help="Folder of what was signed here before.")
@click.option(
    "--profile", type=click.Choice([profile.value for profile in Profile]),
    default=Profile.RFC9052.value, show_default=True, help="The layout that the token may have.",
)  # fmt: skip
@click.option("--older", is_flag=True, help="Allow a version that is older than the last one.")
@click.option("--yes", is_flag=True, help="Sign without asking.")
@click.option("--dry-run", is_flag=True, help="Show what would be signed, and sign nothing.")
@json_option
@with_installation
def sign(
    installation: Installation,
    url: str,
    uid: str,
    number: int,
    part: str,
    key: Path,
    passphrase_file: Path | None,
    reach: ReachOptions,
    history: Path | None,
    profile: str,
    older: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Sign PART of release NUMBER of the container UID, which the platform at URL keeps.

    PART is code, data, mask, endpoint-N or metadata. Nothing that the platform says is believed:
    what is shown is read from the bytes that are signed. It is compared with what you signed here
    before. UID is text, or hex: and digits.

    Example: tinycontainerctl platform sign https://platform courier 1 mask --key keys/owner.pem
    """
    if as_json and not (yes or dry_run):
        raise click.UsageError("--json goes together with --yes or --dry-run")
    manner = Manner(asks=not yes, signs=not dry_run, as_json=as_json)
    order = _read_order(uid, number, part, Profile(profile), allows_older=older)
    with_key = PrivateKeys(passphrase_file).read(key)
    try:
        require_signing_key(with_key)
        desk = _Desk(
            order,
            with_key,
            open_client(url, reach),
            History(history or default_folder(os.environ, Path.home()), os.geteuid()),
        )
        desk.work(manner, installation)
    except SigningRefused as error:
        raise VerbRefused(flatten(error.text), ExitCode.REFUSED) from None


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where one part is signed.

    Attributes:
        order: what is to be signed.
        key: the private key.
        client: of the platform.
        history: what was signed here before.
    """

    order: Order
    key: KeyMaterial
    client: PlatformClient
    history: History

    def work(self, manner: Manner, installation: Installation) -> None:
        """Show what is to be signed, ask, sign it, send it, and remember it.

        Raises:
            SigningRefused: something speaks against it.
            VerbRefused: nobody can be asked.
        """
        order, fingerprint = self.order, key_sha256(self.key)
        last = self.history.last(order.uid, order.part)
        request = self.client.ask(order.uid, order.number, order.part, fingerprint)
        found = examine(request, order, header_of(self.key, order.profile), last)
        now_s = int(time.time())
        described = describe(found, last, installation.analysers(), now_s)
        if not manner.as_json:
            print_lines(described.lines, f"the key that signs: sha256 {fingerprint.hex()}")
        if manner.signs:
            if manner.asks and not is_agreed(described.heading):
                raise VerbRefused("nothing was signed", ExitCode.REFUSED)
            self._sign(found, last, fingerprint)
        if manner.as_json:
            facts: dict[str, Any] = as_facts(found, described, fingerprint)
            print_json({**facts, "signed": manner.signs})
        else:
            click.echo("signed, and the platform has it" if manner.signs else "nothing was signed")

    def _sign(self, found: ExaminedRequest, last: Signed | None, fingerprint: bytes) -> None:
        order = found.order
        token = make_token(found.payload, order.profile, self.key)
        # First of all, whatever the platform does: else it would decide what is remembered.
        self.history.remember(found.as_signed(last, int(time.time()), fingerprint))
        try:
            self.client.give(order.uid, order.number, order.part, token)
        except SigningRefused as error:
            fate = "the token was signed, is kept nowhere here, and may have reached the platform"
            raise SigningRefused(error.reason, f"{error.text}; {fate}") from None


def _read_order(uid: str, number: int, part: str, profile: Profile, *, allows_older: bool) -> Order:
    try:
        wanted = uid_from_text(check_uid(uid))
    except ValueError as error:
        raise VerbRefused(f"UID: {error}") from None
    try:
        return Order(wanted, number, ReleasePart.parse(part), profile, allows_older)
    except ValueError as error:
        raise VerbRefused(f"PART: {error}") from None


def open_client(url: str, reach: ReachOptions) -> PlatformClient:
    """A platform of the command line.

    Raises:
        VerbRefused: it is no platform that can be reached without others who read along.
    """
    try:
        uri = parse_http_uri(url)
    except ValueError:
        raise VerbRefused(f"{show(url, 80)}: is no URI such as https://platform") from None
    is_plain = uri.scheme == "http"
    if is_plain and not uri.is_loopback:
        problem = "is neither https nor of this machine (127.0.0.1, [::1]); others could read along"
        raise VerbRefused(f"{show(url, 80)}: {problem}")
    if is_plain and reach.ca is not None:
        raise click.UsageError("--ca belongs to https")
    token = "" if reach.token is None else read_bearer_token(reach.token)
    tls = None if is_plain else make_tls_context(reach.ca)
    return PlatformClient(Server(uri, tls, time.monotonic, _TIMEOUT_S), token)


def default_folder(environment: Mapping[str, str], home: Path) -> Path:
    """Where it is kept what was signed."""
    given = Path(environment.get("XDG_DATA_HOME", ""))
    data = given if given.is_absolute() else home / ".local" / "share"  # as XDG demands
    return data / "tinycontainer" / "signed"


def print_lines(lines: tuple[str, ...], key_line: str) -> None:
    """Print what a signature will mean, and which key makes it."""
    for line in (*lines, key_line):
        click.echo(flatten(line))


def is_agreed(heading: str) -> bool:
    """Whether somebody at a terminal agrees.

    Args:
        heading: what is to be signed.

    Raises:
        VerbRefused: there is no terminal.
    """
    if not sys.stdin.isatty():
        raise VerbRefused("nobody can be asked without a terminal; give --yes or --dry-run")
    return click.confirm(f"Sign {heading}?", default=False, err=True)
