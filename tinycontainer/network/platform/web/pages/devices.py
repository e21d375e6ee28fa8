"""The page of devices: those that are meant, what they differ in, and what they have in common."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from ...actor import PlatformScope
from ...fleet.devices import names_of
from ...fleet.finding import list_devices as find_devices
from ...fleet.running import count_running, find_standings
from ...fleet.summary import summarize
from ...refusing import PlatformRefused
from ..choices import DevicesAsked
from ..fleet_bodies import AfterName, DeviceShown
from ..parts import PlatformParts
from .device_links import list_filters, path_of
from .facets import list_facets
from .rendering import PageWriter
from .route import write_refusal
from .visitors import Visitor, visiting

PAGE: Final = 50
_BAD_REQUEST: Final = 400
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the route of the list of devices.

    Args:
        router: that gets it.
        parts: what it works on.
        writer: makes the page.
    """

    @router.get("/devices")
    def list_devices(
        visitor: Reader, asked: Annotated[DevicesAsked, Depends()], after: AfterName = ""
    ) -> Response:
        try:
            return _write_list(parts, writer, visitor, asked, after)
        except PlatformRefused as refused:
            if refused.status != _BAD_REQUEST:
                raise
            return writer.write(
                "devices",
                visitor,
                live=True,
                status=refused.status,
                refusal=write_refusal(refused),
                asked=asked,
                devices=(),
                following="",
                filters=(),
                facets=(),
                count=0,
            )


def _write_list(
    parts: PlatformParts, writer: PageWriter, visitor: Visitor, asked: DevicesAsked, after: str
) -> Response:
    actor, now_s = visitor.actor, parts.now_s()
    choice = asked.choice(now_s)
    with parts.database.reading() as session:
        rows = find_devices(session, actor, choice, after, PAGE + 1)
        names = names_of(session, rows)
        fleet = summarize(session, actor, choice, now_s)
        running = count_running(session, actor, choice)
        ids = [row.id for row in rows]
        standings = {} if choice.uid is None else find_standings(session, ids, choice.uid)
        return writer.write(
            "devices",
            visitor,
            live=True,
            asked=asked,
            devices=[(DeviceShown.of(row, names), standings.get(row.id)) for row in rows[:PAGE]],
            following=path_of(asked, after=rows[PAGE - 1].name) if len(rows) > PAGE else "",
            filters=tuple(list_filters(asked)),
            facets=list_facets(asked, fleet, running),
            count=fleet.devices,
        )
