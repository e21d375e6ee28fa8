"""All pages of the platform."""

import time

from fastapi import APIRouter

from ...fleet.judgement import Judge
from ..parts import PlatformParts
from . import (
    account,
    audit,
    beginning,
    bringing,
    components,
    device,
    devices,
    drafting,
    enrolling,
    entrance,
    evidence,
    judgement,
    offering,
    offers,
    organisation,
    overview,
    people,
    planning,
    releases,
    rentals,
    rollouts,
)
from .live import LivePages
from .rendering import PageWriter
from .route import make_page_router

_GROUPS = (
    entrance,
    overview,
    beginning,
    bringing,
    drafting,
    device,
    devices,
    enrolling,
    offering,
    offers,
    rentals,
    components,
    evidence,
    audit,
    account,
    people,
    organisation,
    rollouts,
)


def make_router(parts: PlatformParts, judge: Judge) -> APIRouter:
    """The routes of all pages.

    Args:
        parts: what they work on.
        judge: says what devices would do.
    """
    writer = PageWriter(parts.now_s)
    router = make_page_router(writer, LivePages(parts.changes, time.monotonic))
    for each in _GROUPS:
        each.add_pages(router, parts, writer)
    planning.add_pages(router, parts, writer, judge)
    releases.add_pages(router, parts, writer, judge)
    judgement.add_pages(router, parts, writer, judge)
    return router
