"""Makes clients of CoAP by aiocoap, an optional part: to be imported only where it is used."""

import asyncio
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


class Notifications:
    """What a resource tells those who observe it, one after the other.

    The library's own iterator ends for ever when one wait for it is given up.

    Args:
        asking: the library's request, with Observe.
    """

    def __init__(self, asking: Any) -> None:
        self._asking = asking
        self._news = aiter(asking.observation)
        self._next: asyncio.Task[Any] | None = None

    async def next(self) -> Any:
        """The next one; None after the last one. A wait can be given up, and begun again.

        Raises:
            aiocoap.error.Error: the other side is not reached any more.
        """
        if self._next is None:
            self._next = asyncio.ensure_future(anext(self._news, None))
        await asyncio.wait([self._next])
        found, self._next = self._next, None
        return found.result()

    def close(self) -> None:
        """Observe no more."""
        if self._next is not None:
            self._next.cancel()
        end_observation(self._asking)


def end_observation(asking: Any) -> None:
    """Let the other side learn, by its next notification, that nobody observes any more."""
    if not asking.observation.cancelled:
        asking.observation.cancel()
    # The library would take one more notification, and acknowledge it.
    stop_interest = getattr(asking, "_stop_interest", None)
    if stop_interest is not None:  # a request whose blocks the library puts together has none
        stop_interest()
