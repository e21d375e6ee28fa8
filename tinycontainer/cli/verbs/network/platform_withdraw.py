"""``platform withdraw``: take back every right of a container, by a token made on this machine."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import click

from tinycontainer.files.fields import check_uid, uid_from_text
from tinycontainer.network.platform.releases.parts import MASK
from tinycontainer.network.platform.signer.client import PlatformClient
from tinycontainer.network.platform.signer.history import History
from tinycontainer.network.platform.signer.refusal import SigningRefused
from tinycontainer.network.platform.signer.tokens import (
    header_of,
    key_sha256,
    make_token,
    require_signing_key,
)
from tinycontainer.network.platform.signer.withdrawing import (
    ExaminedWithdrawal,
    examine_withdrawal,
)
from tinycontainer.text import flatten, show
from tinycontainer_tokens import KeyMaterial, Profile

from ...keys import PrivateKeys, passphrase_option
from ...options import json_option, path_option
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused
from .platform_sign import (
    Manner,
    ReachOptions,
    default_folder,
    is_agreed,
    open_client,
    print_lines,
    reach_options,
)


@click.command(cls=Verb)
@click.argument("url")
@click.argument("uid")
@path_option("--key", required=True, help="Private key file; the key stays on this machine.")
@passphrase_option
@reach_options
@path_option("--history", help="Folder of what was signed here before.")
@click.option("--yes", is_flag=True, help="Sign without asking.")
@click.option("--dry-run", is_flag=True, help="Show what would be signed, and sign nothing.")
@json_option
def withdraw(
    url: str,
    uid: str,
    key: Path,
    passphrase_file: Path | None,
    reach: ReachOptions,
    history: Path | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Withdraw every right of the container UID, which the platform at URL keeps, as its owner.

    Devices that trust the key end the container as soon as they hear of it, and take no version
    back whose mask is not newer. Nothing that the platform says is believed: what is shown is read
    from the bytes that are signed. UID is text, or hex: and digits.

    Example: tinycontainerctl platform withdraw https://platform courier --key keys/owner.pem
    """
    if as_json and not (yes or dry_run):
        raise click.UsageError("--json goes together with --yes or --dry-run")
    manner = Manner(asks=not yes, signs=not dry_run, as_json=as_json)
    wanted = _read_uid(uid)
    with_key = PrivateKeys(passphrase_file).read(key)
    try:
        require_signing_key(with_key)
        folder = history or default_folder(os.environ, Path.home())
        desk = _Desk(wanted, with_key, open_client(url, reach), History(folder, os.geteuid()))
        desk.work(manner)
    except SigningRefused as error:
        raise VerbRefused(flatten(error.text), ExitCode.REFUSED) from None


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where a withdrawal is signed.

    Attributes:
        uid: of the container.
        key: the private key.
        client: of the platform.
        history: what was signed here before.
    """

    uid: bytes
    key: KeyMaterial
    client: PlatformClient
    history: History

    def work(self, manner: Manner) -> None:
        """Show what is to be signed, ask, sign it, remember it, and send it.

        Raises:
            SigningRefused: something speaks against it.
            VerbRefused: nobody can be asked.
        """
        fingerprint = key_sha256(self.key)
        last = self.history.last(self.uid, MASK)
        above = 0 if last is None else last.highest_sequence or 0
        request = self.client.ask_withdrawal(self.uid, above, fingerprint)
        found = examine_withdrawal(request, self.uid, last)
        if not manner.as_json:
            lines = (found.heading, *(f"  {line}" for line in found.lines))
            print_lines(lines, f"the key that signs: sha256 {fingerprint.hex()}")
        if manner.signs:
            if manner.asks and not is_agreed(found.heading):
                raise VerbRefused("nothing was signed", ExitCode.REFUSED)
            self._sign(found, fingerprint)
        if manner.as_json:
            print_json(_facts(found, fingerprint, signed=manner.signs))
        else:
            click.echo("signed, and the platform has it" if manner.signs else "nothing was signed")

    def _sign(self, found: ExaminedWithdrawal, fingerprint: bytes) -> None:
        token = make_token(found.payload, Profile.RFC9052, self.key)
        header = header_of(self.key, Profile.RFC9052)
        # First of all, whatever the platform does: else it would decide what is remembered.
        self.history.remember(found.as_signed(header, int(time.time()), fingerprint))
        try:
            self.client.give_withdrawal(self.uid, token)
        except SigningRefused as error:
            fate = "the token was signed, is kept nowhere here, and may have reached the platform"
            raise SigningRefused(error.reason, f"{error.text}; {fate}") from None


def _read_uid(uid: str) -> bytes:
    try:
        return uid_from_text(check_uid(uid))
    except ValueError as error:
        raise VerbRefused(f"UID: {error}") from None


def _facts(found: ExaminedWithdrawal, fingerprint: bytes, *, signed: bool) -> dict[str, object]:
    return {
        "uid": show(found.uid),
        "uid_hex": found.uid.hex(),
        "sequence": found.sequence,
        "key_sha256": fingerprint.hex(),
        "payload": found.payload.hex(),
        "heading": found.heading,
        "meaning": list(found.lines),
        "signed": signed,
    }
