"""Addresses of devices as the library has them, and what was sent to one in vain."""

from typing import Any

from aiocoap import error
from aiocoap.transports.udp6 import UDP6EndpointAddress


class SingleAddress(UDP6EndpointAddress):  # type: ignore[misc]
    """The library's address of one device.

    Bases are no multicast addresses (TC-GW-07); the library would read the text of the address
    three times for each message to find out.

    Args:
        found: the library's.
    """

    is_multicast = False

    def __init__(self, found: Any) -> None:
        super().__init__(found.sockaddr, found.interface, pktinfo=found.pktinfo)


def give_up(requests: Any, remote: Any, name: str) -> None:
    """Let the library forget what was sent to a device, and send what waits behind it."""
    messages = requests.token_interface
    pipes = [
        pipe
        for (_, there), pipe in requests.outgoing_requests.items()
        if there == remote and getattr(pipe.request, "for_device", None) == name
    ]
    for pipe in pipes:
        pipe.add_exception(error.NetworkError("the device was away"))
    for pipe in pipes:
        waiting = messages._backlogs.get(remote, [])
        waiting[:] = [each for each in waiting if each[0] is not pipe.request]
        exchange = messages._active_exchanges.pop((remote, pipe.request.mid), None)
        if exchange is not None:
            exchange[1].cancel()
            messages._continue_backlog(remote)
