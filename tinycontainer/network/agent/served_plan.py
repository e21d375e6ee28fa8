"""Where a device is served by its file, and where it registers."""

import socket
from typing import Final

from tinycontainer.assembly import DevicePlan
from tinycontainer.text import show

from .address import Address
from .presence import RegistrationTerms, Rhythm

_LOOPBACK: Final = ("[::1]", "127.0.0.1")


def find_address(plan: DevicePlan) -> Address:
    """Where a device is served.

    Raises:
        DeviceFileError: its file does not say who may manage it, or names no fit address.
    """
    table = plan.content.agent
    if not table.insecure and not table.peers:
        raise plan.error(
            "agent.peers",
            "nobody may manage the device; write a table [[agent.peers]] with name,"
            " context and rights, or insecure = true in [agent] to let everybody on this machine",
        )
    try:
        address = Address.parse(table.bind or _default_host())
    except ValueError as error:
        raise plan.error("agent.bind", f"{show(table.bind or '')}: {error}") from None
    if table.insecure and not address.is_loopback:
        raise plan.error(
            "agent.bind",
            f"{address} can be reached from outside, and nothing is protected; write"
            " [[agent.peers]] instead of insecure, or use a loopback address such as [::1]:5683",
        )
    return address


def find_registration(plan: DevicePlan) -> RegistrationTerms | None:
    """How a device registers; None if it does not."""
    table = plan.content.agent.registration
    if table is None:
        return None
    rhythm = Rhythm(table.lifetime_s, table.sleep_s, table.awake_s)
    return RegistrationTerms(table.directory, table.name, table.peer, rhythm)


def _default_host() -> str:
    """The loopback address of IPv6, or of IPv4 where that is off."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return _LOOPBACK[1]
    return _LOOPBACK[0]
