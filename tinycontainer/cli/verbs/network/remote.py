"""``remote``: manage a device over CoAP, or through a gateway over HTTP."""

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
from tinycontainer.network.agent.operator.client import (
    Asleep,
    DeviceRefused,
    Requests,
    Transport,
    Unproved,
    Unreachable,
)
from tinycontainer.text import show

from ...options import duration_option, json_option, path_option
from ...verb import ExitCode, Verb, VerbRefused, say
from ..running.listeners import show_upload
from .remote_command import WHATS, RemoteCommand, carry_out
from .remote_gateway import (
    GatewayOptions,
    RemoteGateway,
    gateway_options,
    names_gateway,
    open_gateway,
    read_gateway,
    require_no_gateway,
)
from .requirements import require_network


@click.command(cls=Verb)
@click.argument("uri")
@click.argument("what", type=click.Choice(WHATS))
@click.argument("subject", required=False)
@click.argument("token_file", metavar="[TOKENFILE]", required=False)
@path_option(
    "--context",
    "--oscore",
    help="Folder of the OSCORE context (keygen --oscore) that protects all requests.",
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
@path_option("--key", help="evidence: public key of the device (keygen --evidence).")
@gateway_options
@json_option
def remote(
    uri: str,
    what: str,
    subject: str | None,
    token_file: str | None,
    context: Path | None,
    identity: Path | None,
    device: Path | None,
    v1: bool,
    replaces: bool,
    confirm: int | None,
    since: int,
    follow: bool,
    timeout_s: float,
    key: Path | None,
    gateway: GatewayOptions,
    as_json: bool,
) -> int:
    """Manage the device at URI, such as coap://[::1]:5683.

    A URI such as https://gateway/devices/box1 is that of a device behind a gateway. It needs
    --oscore: the gateway sees neither what is asked nor what is answered.

    SUBJECT is a bundle for load, replace and judge, a bundle or metadata for reconfigure, a SUIT
    envelope for update, a uid (text, or hex: and digits) for show, start, stop, kill, delete and
    withdraw, a new identifier for id. ls, watch, events and last-update take none. withdraw alone
    takes a TOKENFILE: a mask token of the owner that allows no call (sign mask --calls none).
    evidence checks what the device has signed of itself; with a uid, of that container alone.

    Example: tinycontainerctl remote coap://[::1] ls
    """
    command = RemoteCommand(
        what, subject or "", token_file or "", replaces, confirm, since, follow, v1, as_json, key
    )
    command.require_fitting()
    if (identity is None) != (device is None):
        raise click.UsageError("--identity and --device go together")
    if identity is not None and context is not None:
        raise click.UsageError("--identity does not go together with --context")
    behind = _read_behind(uri, gateway, command, context)
    require_network()
    try:
        with (
            few_log_lines(say, time.monotonic),
            _security(context, identity, device) as security,
            _transport(uri, behind, security, timeout_s) as transport,
            show_upload() as show_progress,
        ):
            tries = _count_tries(command, is_behind=behind is not None)
            return carry_out(command, Requests(transport, os.urandom, tries, show_progress))
    except DeviceRefused as error:
        raise VerbRefused(str(error), ExitCode.REFUSED) from error
    except AnswerUnreadable as error:
        raise VerbRefused(f"the answer of {show(uri)} cannot be read: {error}") from error
    except Asleep as error:
        raise VerbRefused(str(error)) from error
    except Unproved as error:
        raise VerbRefused(f"{show(uri)}: {error}") from error
    except Unreachable as error:
        raise VerbRefused(f"{show(uri)}: cannot be reached: {error}; is it served?") from error


def _read_behind(
    uri: str, options: GatewayOptions, command: RemoteCommand, context: Path | None
) -> RemoteGateway | None:
    """The gateway before the device; None if there is none.

    Raises:
        UsageError: options do not go together.
        VerbRefused: it is no URI of a device.
    """
    if not names_gateway(uri):
        require_no_gateway(options)
        _check_uri(uri)
        return None
    if command.v1:
        raise click.UsageError("version 1 does not go through a gateway; leave --v1 out")
    if context is None:
        problem = "through a gateway only --oscore protects requests; --identity does not"
        raise click.UsageError(f"{problem} (keygen --oscore)")
    return read_gateway(uri, options)


def _check_uri(uri: str) -> None:
    try:
        names_resource = parse_coap_uri(uri).path not in ("", "/")
    except ValueError:
        names_resource = True
    if names_resource:
        raise VerbRefused(f"{show(uri, 80)}: is no URI such as coap://[::1]:5683")


def _count_tries(command: RemoteCommand, *, is_behind: bool) -> int:
    """How often a request is sent: once if the device cannot see that one is a repetition.

    To give a device its identifier twice changes nothing, unless another one came in between: that
    is what a gateway could do which delays the first.
    """
    if command.what == "id":
        return 1 if is_behind and command.subject else 3
    return 1 if command.v1 and command.what != "show" else 3


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
def _transport(
    uri: str, behind: RemoteGateway | None, security: Any, timeout_s: float
) -> Iterator[Transport]:
    """What carries requests to the device."""
    if behind is not None:
        with open_gateway(behind, security, timeout_s) as transport:
            yield transport
        return
    from tinycontainer.network.agent.operator.coap_transport import (  # noqa: PLC0415 - aiocoap is optional
        open_transport,
    )

    with open_transport(uri, timeout_s, security) as direct:
        yield direct
