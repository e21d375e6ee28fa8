"""``platform evidence``: check on this machine what a platform has of a device."""

import re
from pathlib import Path
from typing import Final

import click

from tinycontainer.network.platform.evidence.checking import check_handed, read_chain
from tinycontainer.network.platform.evidence.known import ProvedUpTo
from tinycontainer.network.platform.signer.refusal import SigningRefused
from tinycontainer.text import flatten, show
from tinycontainer.tools.evidence import EvidenceRefused

from ...keys import read_evidence_key
from ...options import json_option, path_option
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused
from .platform_sign import ReachOptions, open_client, reach_options
from .remote_evidence import describe_proof, proof_as_dict

_DEVICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@click.command(cls=Verb)
@click.argument("url")
@click.argument("device")
@path_option("--key", required=True, help="Public key of the device (keygen --evidence).")
@reach_options
@click.option(
    "--since", type=click.IntRange(0, (1 << 63) - 1), metavar="N",
    help="Number of the newest event that was proved before.",
)  # fmt: skip
@click.option("--chain", metavar="HEX", help="The chain value after it.")
@json_option
def evidence(
    url: str,
    device: str,
    key: Path,
    reach: ReachOptions,
    since: int | None,
    chain: str | None,
    as_json: bool,
) -> None:
    """Check what DEVICE has signed and what has happened on it, as the platform at URL has it.

    Nothing that the platform says is believed. It says the numbers for --since and --chain of the
    next time. How old a statement is, only the time of the device in it says: `remote evidence`
    asks the device itself.

    Example: tinycontainerctl platform evidence https://platform box-7 --key evidence.pub
    """
    if _DEVICE.fullmatch(device) is None:
        raise VerbRefused(f"{show(device, 80)}: is no name of a device")
    known = _read_known(since, chain)
    public, client = read_evidence_key(key), open_client(url, reach)
    try:
        proof = check_handed(lambda last: client.ask_evidence(device, last), public, known)
    except EvidenceRefused as error:
        raise VerbRefused(f"nothing is proved: {error}", ExitCode.REFUSED) from None
    except SigningRefused as error:
        raise VerbRefused(flatten(error.text), ExitCode.REFUSED) from None
    if as_json:
        print_json({"evidence": proof_as_dict(proof)})
        return
    for line in describe_proof(proof, show(key.name)):
        click.echo(line)
    statement = proof.statement
    value = (statement.event_chain or b"").hex()
    click.echo(f"next time: --since {statement.newest_event} --chain {value}")


def _read_known(since: int | None, chain: str | None) -> ProvedUpTo | None:
    if (since is None) != (chain is None):
        raise click.UsageError("--since and --chain go together")
    if since is None or chain is None:
        return None
    try:
        return ProvedUpTo(since, read_chain(chain))
    except ValueError as error:
        raise VerbRefused(f"--chain: {error}") from None
