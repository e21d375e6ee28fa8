"""The platform served until it is ended."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import closing
from typing import Final

import uvicorn
from fastapi import FastAPI

from ..gateway.web.server import WebServer, configure, listen
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
        closing(listen(plan.http)) as listener,
        closing(PlatformDatabase(plan.database_url)) as database,
        database.served(),
    ):
        database.migrate()
        parts = assemble(database, content.http, content.limits, around)
        server = WebServer(_configure(plan, create_application(parts)), when_ready)

        def end() -> None:
            server.force_exit = server.should_exit
            server.should_exit = True

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end)
        await server.serve(sockets=[listener])


def _configure(plan: PlatformPlan, application: FastAPI) -> uvicorn.Config:
    http = plan.content.http
    tls = None
    if http.certificate is not None and http.key is not None:
        certificate = plan.path(http.certificate, "http.certificate")
        tls = (certificate, plan.path(http.key, "http.key"))
    try:
        return configure(application, GRACE_S, MAX_CONNECTIONS, tls)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise plan.error("http.certificate", f"cannot be used with its key: {error}") from error
