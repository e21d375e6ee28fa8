"""``remote evidence``: what a device has proved of itself, in a few lines."""

from pathlib import Path
from typing import Final

import click

from tinycontainer.network.agent.operator.answers import STATES
from tinycontainer.network.agent.operator.client import Client
from tinycontainer.network.agent.operator.evidence import Proof, ask_for_evidence
from tinycontainer.text import flatten, show
from tinycontainer.tools.artefact.moments import format_utc
from tinycontainer.tools.evidence import EvidenceRefused, Statement
from tinycontainer_tokens import KeyMaterial

from ...printing import print_json
from ...verb import ExitCode, VerbRefused

NONCE_BYTES: Final = 16
_HASH_DIGITS: Final = 16


def show_evidence(
    client: Client,
    key: KeyMaterial,
    key_file: Path,
    nonce: bytes,
    uid: bytes | None,
    *,
    as_json: bool,
) -> None:
    """Let a device prove what it is, and print it.

    Args:
        client: asks the device.
        key: its public key.
        key_file: where that was read.
        nonce: drawn for this.
        uid: of the container to which the proof is limited; None for the whole device.
        as_json: whether to print JSON.

    Raises:
        VerbRefused: nothing was proved.
    """
    try:
        proof = ask_for_evidence(client, key, nonce, uid)
    except EvidenceRefused as error:
        raise VerbRefused(f"nothing is proved: {error}", ExitCode.REFUSED) from error
    if as_json:
        print_json({"evidence": proof_as_dict(proof)})
    else:
        for line in describe_proof(proof, show(key_file.name)):
            click.echo(line)


def describe_proof(proof: Proof, key_name: str) -> list[str]:
    """What was proved, in lines.

    Args:
        proof: that was checked.
        key_name: of the file of the device's key, fit to be shown.
    """
    statement = proof.statement
    when = f"at {format_utc(statement.time_s)}, boot {statement.boots}"
    lines = [f"proved by {key_name}: {_name(statement)}, {when}"]
    for each in statement.containers:
        digest = each.bundle_sha256.hex()[:_HASH_DIGITS]
        state = STATES.get(each.state, "unknown")
        lines.append(f"{show(each.uid)}: {state}, {each.loops} loops, bundle {digest}")
    if statement.trace_sha256 is not None:
        lines.append(f"trace since the boot: sha256 {statement.trace_sha256.hex()}")
    about = "" if statement.uid is None else f" of {show(statement.uid)}"
    if proof.events:
        kept = f"{proof.events[0].number} to {proof.events[-1].number}"
        lines.append(f"events {kept}{about}: none was changed, left out or made up")
    else:
        lines.append(f"no events{about}: none was left out")
    return lines


def _name(statement: Statement) -> str:
    if statement.device_id is None:
        return "a device without an identifier"
    return f"device {show(statement.device_id, 64)}"


def proof_as_dict(proof: Proof) -> dict[str, object]:
    """What was proved, for JSON."""
    statement = proof.statement
    trace = statement.trace_sha256
    return {
        "id": show(statement.device_id or b"", 64),
        "time_s": statement.time_s,
        "boots": statement.boots,
        "uid": show(statement.uid or b""),
        "containers": [
            {
                "uid": show(each.uid),
                "state": STATES.get(each.state, "unknown"),
                "loops": each.loops,
                "bundle": each.bundle_sha256.hex(),
            }
            for each in statement.containers
        ],
        "oldest": statement.oldest_event,
        "newest": statement.newest_event,
        "chain": (statement.event_chain or b"").hex(),
        "trace": "" if trace is None else trace.hex(),
        "events": [
            {
                "number": each.number,
                "event": flatten(each.content.decode("utf-8", "backslashreplace")),
            }
            for each in proof.events
        ],
    }
