"""Pages of releases: what each party has brought and signed, and what is missing."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from ...actor import PlatformScope
from ...catalogue import releases
from ...catalogue.following import plan_before
from ...fleet.judgement import Judge
from ...releases.parts import ReleasePart
from ...renting.checking import withdrawal_of
from ...rollouts import control
from ...tables.catalogue import ReleaseRow
from ..bodies import MAX_NUMBER
from ..parts import PlatformParts
from ..release_bodies import Number, ReleaseListed, ReleaseShown, Uid
from .addresses import address_of
from .lanes import make_lanes, write_withdrawal
from .meaning import Analysers, MeaningReader
from .rendering import PageWriter
from .visitors import Visitor, visiting

PAGE: Final = 50
MOST_ROLLOUTS: Final = 5
"""Of a release, on its page."""
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter, judge: Judge) -> None:
    """Add the routes of releases.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
        judge: knows what says what code does.
    """
    analysers = judge.analysers

    @router.get("/releases")
    def list_releases(
        visitor: Reader, before: Annotated[int, Query(ge=1, le=MAX_NUMBER)] = MAX_NUMBER
    ) -> Response:
        with parts.database.reading() as session:
            rows = releases.list_releases(session, visitor.actor, before, PAGE + 1)
            following = rows[PAGE - 1].id if len(rows) > PAGE else None
            shown = [ReleaseListed.of(row) for row in rows[:PAGE]]
        return writer.write(
            "releases",
            visitor,
            live=True,
            releases=shown,
            following=following,
            can_begin=visitor.has_role("developer") and visitor.may("publish"),
        )

    @router.get("/releases/{uid}/{number}")
    def show_release(request: Request, visitor: Reader, uid: Uid, number: Number) -> Response:
        with parts.database.reading() as session:
            row = releases.find_release(session, visitor.actor, bytes.fromhex(uid), number)
            return _write_release(parts, writer, analysers, visitor, session, row, request)


def _write_release(
    parts: PlatformParts,
    writer: PageWriter,
    analysers: Analysers,
    visitor: Visitor,
    session: Session,
    row: ReleaseRow,
    request: Request,
) -> Response:
    actor = visitor.actor
    shown = ReleaseShown.of(row, releases.names_of(session, row))
    address = address_of(request, parts)
    lanes = make_lanes(row, shown, visitor, address)
    reader = MeaningReader(session, actor, row, analysers, parts.now_s())
    to_sign = [
        (part, reader.read(ReleasePart.parse(part.shown.name)))
        for lane in lanes
        for part in lane.parts
        if part.command
    ]
    is_operator = row.infrastructure_id == actor.organisation_id
    is_open = row.bundle_sha256 is None
    may_plan = is_operator and is_open and visitor.may("publish")
    missing = [each for each in shown.parts if each.state != "signed"]
    own_missing = [each for each in missing if each.organisation == actor.organisation]
    withdrawal = withdrawal_of(session, row) if row.completed_s is not None else None
    ends = row.owner_id == actor.organisation_id and visitor.may("sign")
    can_end = ends and row.completed_s is not None and withdrawal is None
    return writer.write(
        "release",
        visitor,
        live=True,
        release=shown,
        lanes=lanes,
        to_sign=to_sign,
        missing=missing,
        own_missing=own_missing,
        others_missing=[each for each in missing if each.organisation != actor.organisation],
        is_party=any(lane.is_own for lane in lanes),
        withdrawn=None if withdrawal is None else withdrawal.created_s,
        withdraw=write_withdrawal(shown.uid, address) if can_end else "",
        rollouts=control.list_of_release(session, actor, row, MOST_ROLLOUTS),
        can_take_plan=may_plan and row.plan is None and plan_before(session, row) is not None,
        can_begin_next=row.developer_id == actor.organisation_id and visitor.may("publish"),
        can_draft=is_operator and row.completed_s is not None and visitor.may("deploy"),
        sees_devices=actor.organisation_id in (row.owner_id, row.infrastructure_id),
        signs_in_page=parts.signs_in_page,
    )
