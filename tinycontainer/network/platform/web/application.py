"""The platform over HTTP: all resources, and what is around them."""

import logging
import time
from typing import Final

from fastapi import FastAPI

from . import audit, catalogue, fleet, people, releases, service, sessions
from .described import RESPONSES, DescribedApplication
from .middleware import SECURITY_HEADERS, TRANSPORT_SECURITY, AnswerHeaders, BoundedBodies
from .parts import PlatformParts
from .problems import handlers

_ROUTERS: Final = (service, sessions, people, audit, catalogue, releases, fleet)


def create_application(parts: PlatformParts) -> FastAPI:
    """The application as a web server runs it.

    Args:
        parts: what its resources work on.
    """
    application = DescribedApplication(
        title="TinyContainer platform",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=handlers(),
        responses=RESPONSES,
    )
    application.state.parts = parts
    for each in _ROUTERS:
        application.include_router(each.make_router(parts))
    limits = parts.limits
    application.add_middleware(
        BoundedBodies,
        payload_bytes=limits.payload_bytes,
        most_bytes_of_all=limits.bodies_bytes,
    )
    headers = SECURITY_HEADERS | (TRANSPORT_SECURITY if parts.has_safe_cookies else {})
    application.add_middleware(
        AnswerHeaders,
        headers=headers,
        metrics=parts.metrics,
        now_s=time.monotonic,
        log=logging.getLogger("uvicorn").error,
    )
    return application
