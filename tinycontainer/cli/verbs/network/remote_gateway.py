"""How ``remote`` reaches a device through a gateway: by OSCORE inside HTTP."""

import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from tinycontainer.interfaces.network.gateway_access import make_tls_context, read_bearer_token
from tinycontainer.interfaces.network.http_uri import DEFAULT_PORTS, HttpUri, parse_http_uri
from tinycontainer.network.agent.operator.client import Transport
from tinycontainer.text import show

from ...options import gather_options, path_option
from ...verb import VerbRefused


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What the command line says about a gateway.

    Attributes:
        token: file of the bearer token; None for none.
        ca: file of certificates to trust; None for those of the system alone.
        wait_s: how long to wait for a sleeping device.
    """

    token: Path | None
    ca: Path | None
    wait_s: float


gateway_options: Final = gather_options(
    "gateway", GatewayOptions,
    path_option("--token", help="Private file (0600) of the token that a gateway wants to see."),
    path_option("--ca", help="Certificates (PEM) that a gateway may have, beside the system's."),
    click.option(
        "--wait", "wait_s", type=click.FloatRange(min=0, max=604_800), default=0.0,
        metavar="SECONDS", help="How long to wait for a device that sleeps behind a gateway.",
    ),
)  # fmt: skip
"""They become the parameter ``gateway``."""


@dataclass(frozen=True, slots=True)
class RemoteGateway:
    """A device at a gateway, and what its gateway wants.

    Attributes:
        device: its URI.
        token: empty if there is none; never shown.
        tls: how its certificate is judged; None without TLS.
        wait_s: how long to wait for a sleeping device.
    """

    device: HttpUri
    token: str = field(repr=False)
    tls: ssl.SSLContext | None
    wait_s: float


def names_gateway(uri: str) -> bool:
    """Whether a URI is meant for a gateway; whether it is a good one is not judged."""
    return uri.partition(":")[0].lower() in DEFAULT_PORTS


def require_no_gateway(options: GatewayOptions) -> None:
    """Refuse options that mean nothing without a gateway.

    Raises:
        UsageError: one is given.
    """
    given = {"--token": options.token, "--ca": options.ca, "--wait": options.wait_s or None}
    for name, value in given.items():
        if value is not None:
            raise click.UsageError(f"{name} belongs to the URI of a gateway, https://...")


def read_gateway(uri: str, options: GatewayOptions) -> RemoteGateway:
    """Check a URI, and read what is needed to use it.

    Raises:
        VerbRefused: it is no URI of a device, or one over which nothing may be sent.
        DeviceFileError: a file cannot be used.
    """
    try:
        device = parse_http_uri(uri)
    except ValueError as error:
        raise VerbRefused(f"{show(uri, 80)}: {error}") from None
    if not device.name:
        raise VerbRefused(f"{show(uri, 80)}: names no device, as https://gateway/devices/box1 does")
    is_plain = device.scheme == "http"
    if is_plain and not device.is_loopback:
        problem = "is neither https nor of this machine (127.0.0.1, [::1]); others could read along"
        raise VerbRefused(f"{show(uri, 80)}: {problem}")
    if is_plain and options.ca is not None:
        raise click.UsageError("--ca belongs to https")
    token = "" if options.token is None else read_bearer_token(options.token)
    tls = None if is_plain else make_tls_context(options.ca)
    return RemoteGateway(device, token, tls, options.wait_s)


@contextmanager
def open_gateway(gateway: RemoteGateway, context: Any, timeout_s: float) -> Iterator[Transport]:
    """A transport to a device at a gateway, until the block is left.

    Args:
        gateway: as it was read.
        context: the open OSCORE context of the device.
        timeout_s: how long an answer may take.
    """
    from tinycontainer.network.agent.operator.gateway_carrier import (  # noqa: PLC0415 - aiocoap is optional
        Bearer,
        GatewayCarrier,
        OperatorTime,
        Patience,
    )
    from tinycontainer.network.agent.operator.http_connection import HttpConnection  # noqa: PLC0415
    from tinycontainer.network.agent.operator.http_transport import HttpTransport  # noqa: PLC0415
    from tinycontainer.network.agent.operator.protected_messages import ProtectedRequests  # noqa: PLC0415

    timing = OperatorTime(time.monotonic, time.sleep)
    patience = Patience(timeout_s, gateway.wait_s)
    connection = HttpConnection(gateway.device, gateway.tls, timing.now_s)
    with closing(connection):
        carrier = GatewayCarrier(
            connection, gateway.device, Bearer(gateway.token), patience, timing
        )
        yield HttpTransport(ProtectedRequests(context, carrier).ask, timing.sleep)
