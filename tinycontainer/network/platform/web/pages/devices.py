"""Pages of devices: which there are, and what each is to run beside what it says that it runs."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from ...actor import PlatformScope
from ...catalogue.releases import name_of
from ...fleet import devices
from ...fleet.devices import read_query
from ...fleet.profiles import find_profile
from ...fleet.summary import summarize
from ...refusing import PlatformRefused
from ...rollouts.overview import list_rollouts_of
from ...rollouts.reported import list_containers
from ..fleet_bodies import (
    AfterName,
    DeviceShown,
    NamePath,
    ProfileListed,
    QueryText,
    SummaryShown,
)
from ..parts import PlatformParts
from ..rollout_bodies import RolloutDeviceShown
from .rendering import PageWriter
from .route import write_refusal
from .visitors import Visitor, visiting

PAGE: Final = 50
MOST_ROLLOUTS: Final = 20
MOST_WORDS: Final = 8
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of devices.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    @router.get("/devices")
    def list_devices(visitor: Reader, query: QueryText = "", after: AfterName = "") -> Response:
        refusal, status = "", 200
        try:
            wanted = read_query(query)
        except PlatformRefused as refused:
            refusal, status = write_refusal(refused), refused.status
        with parts.database.reading() as session:
            rows = (
                ()
                if refusal
                else devices.list_devices(session, visitor.actor, wanted, after, PAGE + 1)
            )
            names = devices.names_of(session, rows)
            return writer.write(
                "devices",
                visitor,
                live=True,
                status=status,
                refusal=refusal,
                query=query,
                devices=[DeviceShown.of(row, names) for row in rows[:PAGE]],
                following=rows[PAGE - 1].name if len(rows) > PAGE else "",
                fleet=SummaryShown.of(summarize(session, visitor.actor)),
                most_words=MOST_WORDS,
            )

    @router.get("/devices/{name}")
    def show_device(visitor: Reader, name: NamePath) -> Response:
        with parts.database.reading() as session:
            row = devices.find_device(session, visitor.actor, name)
            profile = find_profile(session, visitor.actor, row.profile_id)
            found = list_rollouts_of(session, visitor.actor, row, MOST_ROLLOUTS)
            return writer.write(
                "device",
                visitor,
                live=True,
                device=DeviceShown.of(row, devices.names_of(session, (row,))),
                profile=ProfileListed.of(profile),
                containers=list_containers(session, row.id),
                rollouts=[
                    (rollout, name_of(rollout.release), RolloutDeviceShown.of(row.name, of_device))
                    for rollout, of_device in found
                ],
            )
