"""Pages of releases: what each party has brought and signed, and what is missing."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from tinycontainer_tokens import Role

from ...actor import PlatformScope
from ...catalogue import releases
from ...tables.catalogue import ReleaseRow
from ..bodies import MAX_NUMBER
from ..parts import PlatformParts
from ..release_bodies import Number, ReleaseListed, ReleaseShown, Uid
from .addresses import address_of
from .lanes import make_lanes
from .rendering import PageWriter
from .visitors import Visitor, visiting

PAGE: Final = 50
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of releases.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    @router.get("/releases")
    def list_releases(
        visitor: Reader, before: Annotated[int, Query(ge=1, le=MAX_NUMBER)] = MAX_NUMBER
    ) -> Response:
        with parts.database.reading() as session:
            rows = releases.list_releases(session, visitor.actor, before, PAGE + 1)
            following = rows[PAGE - 1].id if len(rows) > PAGE else None
            shown = [ReleaseListed.of(row) for row in rows[:PAGE]]
        return writer.write("releases", visitor, live=True, releases=shown, following=following)

    @router.get("/releases/{uid}/{number}")
    def show_release(request: Request, visitor: Reader, uid: Uid, number: Number) -> Response:
        with parts.database.reading() as session:
            row = releases.find_release(session, visitor.actor, bytes.fromhex(uid), number)
            return _write_release(parts, writer, visitor, session, row, request)


def _write_release(
    parts: PlatformParts,
    writer: PageWriter,
    visitor: Visitor,
    session: Session,
    row: ReleaseRow,
    request: Request,
) -> Response:
    shown = ReleaseShown.of(row, releases.names_of(session, row))
    is_operator = row.infrastructure_id == visitor.actor.organisation_id
    lanes = make_lanes(row, shown, visitor, address_of(request, parts))
    own = {lane.role for lane in lanes if lane.is_own}
    return writer.write(
        "release",
        visitor,
        live=True,
        release=shown,
        lanes=lanes,
        missing=[each for each in shown.parts if each.state != "signed"],
        can_draft=is_operator and row.completed_s is not None and visitor.may("deploy"),
        is_owner=Role.OWNER.value in own,
    )
