"""The platform served until it is ended."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from ..agent.address import Address
from ..gateway.web.connection import Connection
from .assembly import Surroundings, assemble
from .database import PlatformDatabase
from .platform_file import PlatformPlan
from .web.application import create_application

GRACE_S: Final = 5
"""How long requests may go on after the end of the platform has begun."""
MAX_CONNECTIONS: Final = 512


async def serve_platform(
    plan: PlatformPlan, around: Surroundings, when_ready: Callable[[], None]
) -> None:
    """Serve a platform until SIGTERM or SIGINT; a second one ends it at once.

    Args:
        plan: its file.
        around: where time and randomness come from.
        when_ready: is called once it answers.

    Raises:
        OSError: its address cannot be used.
        PlatformDatabaseError: its database cannot be used.
        DeviceFileError: its certificate cannot be used.
    """
    content = plan.content
    with (
        closing(_listen(plan.http)) as listener,
        closing(PlatformDatabase(plan.database_url)) as database,
    ):
        database.migrate()
        parts = assemble(database, content.http, content.limits, around)
        server = _Server(_configure(plan, create_application(parts)), when_ready)

        def end() -> None:
            server.force_exit = server.should_exit
            server.should_exit = True

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end)
        await server.serve(sockets=[listener])


class _Server(uvicorn.Server):
    """The library's server, which leaves signals to the platform.

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


def _configure(plan: PlatformPlan, application: FastAPI) -> uvicorn.Config:
    http = plan.content.http
    is_safe = http.certificate is not None and http.key is not None
    config = uvicorn.Config(
        application,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        limit_concurrency=MAX_CONNECTIONS,
        ssl_certfile=plan.path(http.certificate or "", "http.certificate") if is_safe else None,
        ssl_keyfile=plan.path(http.key or "", "http.key") if is_safe else None,
    )
    try:
        config.load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise plan.error("http.certificate", f"cannot be used with its key: {error}") from error
    return config


def _listen(address: Address) -> socket.socket:
    """A socket on which HTTP is served.

    Raises:
        OSError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # With the protocol by its name: else the loop does not switch off Nagle's algorithm.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
