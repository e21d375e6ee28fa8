"""Makes clients of CoAP by aiocoap, an optional part: to be imported only where it is used."""

from typing import Any, Final

import aiocoap
from aiocoap.transports.oscore import OSCOREAddress

from .recent_messages import bound_recent_messages

UNREACHABLE: Final = "no such host, or nobody listens there"
"""What an `aiocoap.error.NetworkError` means, but for those that are about time."""


async def make_coap_client(*, protects: bool) -> Any:
    """Make a client with a socket of its own.

    Args:
        protects: whether OSCORE protects what it sends; the caller gives it the context for that.

    Raises:
        OSError: there is no network.
    """
    # In this order: with the other one everything would be sent unprotected, without a word.
    transports = ["oscore", "udp6"] if protects else ["udp6"]
    client = await aiocoap.Context.create_client_context(transports=transports)
    bound_recent_messages(client)
    return client


def is_protected(answer: Any) -> bool:
    """Whether an answer that has come was protected by OSCORE."""
    return isinstance(answer.remote, OSCOREAddress)
