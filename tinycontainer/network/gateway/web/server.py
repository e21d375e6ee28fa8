"""The web server itself: its socket, its configuration, and when it is ready."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from ...agent.address import Address
from .connection import Connection


class WebServer(uvicorn.Server):
    """The library's server, which leaves signals to its caller.

    Args:
        config: of the library.
        when_ready: is called once it answers.
    """

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self._when_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def configure(
    application: Any, grace_s: int, most_connections: int, tls: tuple[Path, Path] | None
) -> uvicorn.Config:
    """How an application is served.

    Args:
        application: of ASGI.
        grace_s: how long requests may go on after the end of the server has begun.
        most_connections: beyond them, requests are refused.
        tls: files of the certificate and of its key; None for HTTP in the clear.

    Raises:
        OSError: a file cannot be used; `ssl.SSLError` is one.
        ValueError: a file cannot be used.
    """
    certificate, key = (None, None) if tls is None else tls
    config = uvicorn.Config(
        application,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=grace_s,
        limit_concurrency=most_connections,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    config.load()
    return config


def listen(address: Address) -> socket.socket:
    """A socket on which HTTP is served.

    Raises:
        OSError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # With the protocol by its name: else the loop does not switch off Nagle's algorithm, and an
    # answer in two pieces takes 40 ms longer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
