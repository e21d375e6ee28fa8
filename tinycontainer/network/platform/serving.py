"""The platform served until it is ended."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

import uvicorn

from ..agent.ending import Ending
from ..gateway.web.server import WebServer, configure, listen
from .assembly import Surroundings, assemble
from .database import PlatformDatabase
from .fleet.connections import disconnect_foreign
from .gateway_clients import make_clients, organisations_of
from .log import PlatformLog
from .platform_file import PlatformPlan
from .rollouts.worker import RolloutWorker
from .rollouts.working import working
from .web.application import create_application

GRACE_S: Final = 5
"""How long requests may go on after the end of the platform has begun."""
MAX_CONNECTIONS: Final = 512


async def serve_platform(
    plan: PlatformPlan,
    around: Surroundings,
    ending: Ending,
    when_ready: Callable[[], None],
    log: PlatformLog,
    wrap: Callable[[Any], Any] = lambda application: application,
) -> None:
    """Serve a platform until its end is asked for.

    Args:
        plan: its file.
        around: where time and randomness come from.
        ending: asks for the end; asked again, requests are not waited for.
        when_ready: is called once it answers.
        log: takes what has happened.
        wrap: puts something around the application (ASGI); the demo's check listens there.

    Raises:
        OSError: its address cannot be used.
        PlatformDatabaseError: its database cannot be used.
        DeviceFileError: its certificate cannot be used.
    """
    content = plan.content
    clients = make_clients(plan)
    with (
        closing(listen(plan.http)) as listener,
        closing(PlatformDatabase(plan.database_url)) as database,
        database.served(),
    ):
        database.migrate()
        gateways = organisations_of(plan)
        with database.transaction() as session:
            disconnect_foreign(session, gateways, around.now_s())
        parts = assemble(database, content.http, content.limits, around, gateways)
        server = WebServer(_configure(plan, wrap(create_application(parts, log.note))), when_ready)

        def end() -> None:
            server.should_exit = True
            parts.changes.end()
            server.force_exit = ending.is_urgent

        ending.when_asked = end
        loop = asyncio.get_running_loop()
        worker = RolloutWorker(
            database,
            clients,
            around.now_s,
            around.random_bytes,
            content.limits.look_s,
            log.warn,
            content.limits.lease_s,
            log.note,
            parts.watched,
        )
        async with working(
            worker, content.limits.deliveries, lambda: loop.call_soon_threadsafe(ending.ask)
        ):
            await server.serve(sockets=[listener])


def _configure(plan: PlatformPlan, application: Any) -> uvicorn.Config:
    http = plan.content.http
    tls = None
    if http.certificate is not None and http.key is not None:
        certificate = plan.path(http.certificate, "http.certificate")
        tls = (certificate, plan.path(http.key, "http.key"))
    try:
        return configure(application, GRACE_S, MAX_CONNECTIONS, tls)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise plan.error("http.certificate", f"cannot be used with its key: {error}") from error
