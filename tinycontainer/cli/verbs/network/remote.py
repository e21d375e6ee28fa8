"""``remote``: manage a device over CoAP."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tinycontainer.interfaces.network.coap_uri import parse_coap_uri
from tinycontainer.interfaces.network.edhoc_identity import read_credential, read_identity
from tinycontainer.interfaces.network.security_context import read_security_context
from tinycontainer.network.agent.log_lines import few_log_lines
from tinycontainer.network.agent.operator.answers import AnswerUnreadable
from tinycontainer.network.agent.operator.client import DeviceRefused, Requests, Unreachable
from tinycontainer.text import show

from ...options import duration_option, json_option, path_option
from ...verb import ExitCode, Verb, VerbRefused, say
from ..running.listeners import show_upload
from .remote_command import WHATS, RemoteCommand, carry_out
from .requirements import require_network


@click.command(cls=Verb)
@click.argument("uri")
@click.argument("what", type=click.Choice(WHATS))
@click.argument("subject", required=False)
@path_option(
    "--context", help="Folder of the OSCORE context (keygen --oscore) that protects all requests."
)
@path_option("--identity", help="Private key (keygen --edhoc) with which EDHOC makes a session.")
@path_option("--device", help="Credential of the device, for --identity.")
@click.option("--v1", is_flag=True, help="Use version 1, as the firmware has it.")
@click.option("--replaces", is_flag=True, help="judge: as the successor of what is loaded.")
@duration_option("--confirm", help="replace: within which the new version completes a loop.")
@click.option("--since", type=click.IntRange(min=0), default=0, help="events: above this number.")
@click.option("--follow", is_flag=True, help="events: go on with those that come, until Ctrl-C.")
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(min=0.1, max=600), default=10.0,
    metavar="SECONDS", help="How long each of three tries waits for an answer.",
)  # fmt: skip
@json_option
def remote(
    uri: str,
    what: str,
    subject: str | None,
    context: Path | None,
    identity: Path | None,
    device: Path | None,
    v1: bool,
    replaces: bool,
    confirm: int | None,
    since: int,
    follow: bool,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Manage the device at URI, such as coap://[::1]:5683.

    SUBJECT is a bundle for load, replace and judge, a bundle or metadata for reconfigure, a SUIT
    envelope for update, a uid (text, or hex: and digits) for show, start, stop, kill and delete, a
    new identifier for id. ls, watch, events and last-update take none.

    Example: tinycontainerctl remote coap://[::1] ls
    """
    command = RemoteCommand(what, subject or "", replaces, confirm, since, follow, v1, as_json)
    command.require_fitting()
    _check_uri(uri)
    if (identity is None) != (device is None):
        raise click.UsageError("--identity and --device go together")
    if identity is not None and context is not None:
        raise click.UsageError("--identity does not go together with --context")
    require_network()
    try:
        with (
            few_log_lines(say, time.monotonic),
            _security(context, identity, device) as security,
            _requests(uri, security, timeout_s, command) as requests,
        ):
            return carry_out(command, requests)
    except DeviceRefused as error:
        raise VerbRefused(str(error), ExitCode.REFUSED) from error
    except AnswerUnreadable as error:
        raise VerbRefused(f"the answer of {show(uri)} cannot be read: {error}") from error
    except Unreachable as error:
        raise VerbRefused(f"{show(uri)}: cannot be reached: {error}; is it served?") from error


def _check_uri(uri: str) -> None:
    try:
        names_resource = parse_coap_uri(uri).path not in ("", "/")
    except ValueError:
        names_resource = True
    if names_resource:
        raise VerbRefused(f"{show(uri, 80)}: is no URI such as coap://[::1]:5683")


@contextmanager
def _security(context: Path | None, identity: Path | None, device: Path | None) -> Iterator[Any]:
    """What protects the requests; None if nothing does."""
    from tinycontainer.interfaces.network.oscore import open_context  # noqa: PLC0415
    from tinycontainer.network.agent.protection import own_credentials  # noqa: PLC0415 - an optional part

    if context is not None:
        with open_context(read_security_context(context)) as opened:
            yield opened
    elif identity is not None and device is not None:
        yield own_credentials(read_identity(identity), read_credential(device))
    else:
        yield None


@contextmanager
def _requests(
    uri: str, security: Any, timeout_s: float, command: RemoteCommand
) -> Iterator[Requests]:
    """What sends requests to the device, with a progress bar for long ones."""
    from tinycontainer.network.agent.operator.coap_transport import (  # noqa: PLC0415 - aiocoap is optional
        open_transport,
    )

    changes_in_version_1 = command.v1 and command.what not in ("show", "id")
    with (
        open_transport(uri, timeout_s, security) as transport,
        show_upload() as show_progress,
    ):
        yield Requests(transport, os.urandom, 1 if changes_in_version_1 else 3, show_progress)
