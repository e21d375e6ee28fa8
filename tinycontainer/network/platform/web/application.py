"""The platform over HTTP: all resources, and what is around them."""

import logging
import time
from typing import Final

from fastapi import FastAPI

from tinycontainer.assembly import Installation

from ..fleet.judgement import Judge
from ..log import NoteEvent, note_nothing
from . import (
    audit,
    catalogue,
    components,
    connections,
    evidence,
    fleet,
    people,
    releases,
    renting,
    rollouts,
    service,
    sessions,
    withdrawals,
)
from .described import RESPONSES, DescribedApplication
from .middleware import SECURITY_HEADERS, TRANSPORT_SECURITY, AnswerHeaders, BoundedBodies
from .pages.router import make_router as make_page_router
from .parts import PlatformParts
from .problems import handlers

_ROUTERS: Final = (
    service,
    sessions,
    people,
    audit,
    catalogue,
    releases,
    components,
    connections,
    evidence,
    renting,
    withdrawals,
)
_JUDGING: Final = (fleet, rollouts)
"""Those that judge releases; they share what makes few judgements at the same time."""


def create_application(parts: PlatformParts, note: NoteEvent = note_nothing) -> FastAPI:
    """The application as a web server runs it.

    Args:
        parts: what its resources work on.
        note: takes each request, for a log.
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
    installed = Installation()
    judge = Judge(installed.runtimes, installed.analysers, time.monotonic)
    for each in _JUDGING:
        application.include_router(each.make_router(parts, judge))
    application.include_router(make_page_router(parts, judge))
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
        note=note,
    )
    return application
