"""Ports of the yard, which the operating system chooses."""

import socket
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

HOST: Final = "127.0.0.1"
"""Where all of the yard is served: only this machine reaches it."""


@dataclass(frozen=True, slots=True)
class YardPorts:
    """Where the yard is served.

    Attributes:
        http: of the gateway, over TCP.
        coap: of the gateway, over UDP.
        boxes: of each box, over UDP.
    """

    http: int
    coap: int
    boxes: tuple[int, ...]

    @classmethod
    def choose(cls, boxes: int) -> "YardPorts":
        """Ports that are free now, each another one.

        Args:
            boxes: how many there are.

        Raises:
            OSError: there are not so many.
        """
        with ExitStack() as held:  # all at once: a port that was let go may be given again
            http = _take(held, socket.SOCK_STREAM)
            coap, *others = [_take(held, socket.SOCK_DGRAM) for _ in range(1 + boxes)]
        return cls(http, coap, tuple(others))


def choose_http_port(yard: YardPorts) -> int:
    """A TCP port that is free now, and not that of the yard's gateway.

    Raises:
        OSError: there is none.
    """
    with ExitStack() as held:
        port = _take(held, socket.SOCK_STREAM)
        while port == yard.http:  # that one is held now, so the next is another one
            port = _take(held, socket.SOCK_STREAM)
    return port


def _take(held: ExitStack, kind: socket.SocketKind) -> int:
    taken = held.enter_context(socket.socket(socket.AF_INET, kind))
    taken.bind((HOST, 0))
    port: int = taken.getsockname()[1]
    return port
