"""The gateways of a platform's file, ready to be asked."""

import time
from collections.abc import Mapping
from typing import Final

from tinycontainer.interfaces.network.gateway_access import make_tls_context, read_bearer_token
from tinycontainer.interfaces.network.http_uri import parse_http_uri

from .delivery.gateway_client import GatewayClient
from .exchange import Server
from .platform_file import GatewayOfPlatform, PlatformPlan

ANSWER_S: Final = 10.0
"""How long a request and its answer may take together."""
UPLOAD_S: Final = 120.0
"""The same, with a bundle."""


def make_clients(plan: PlatformPlan) -> Mapping[str, GatewayClient]:
    """What asks the gateways, by their names.

    Args:
        plan: the platform's file.

    Raises:
        DeviceFileError: a file that it names cannot be used.
    """
    return {
        each.name: _make_client(plan, each, f"gateways[{number}]")
        for number, each in enumerate(plan.content.gateways)
    }


def organisations_of(plan: PlatformPlan) -> Mapping[str, str]:
    """The organisation of each gateway, by their names."""
    return {each.name: each.organisation for each in plan.content.gateways}


def _make_client(plan: PlatformPlan, given: GatewayOfPlatform, place: str) -> GatewayClient:
    token = read_bearer_token(plan.path(given.token, f"{place}.token"))
    tls = None
    if given.uri.startswith("https:"):
        certificates = None if given.ca is None else plan.path(given.ca, f"{place}.ca")
        tls = make_tls_context(certificates)
    server = Server(parse_http_uri(given.uri), tls, time.monotonic, ANSWER_S)
    return GatewayClient(server, token, UPLOAD_S)
