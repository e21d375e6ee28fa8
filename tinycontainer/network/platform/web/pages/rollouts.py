"""Pages of rollouts: how far they are, why devices have failed, and what an operator does."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session
from starlette.responses import Response

from tinycontainer.tools.rollouts import RolloutEvent, RolloutState
from tinycontainer.tools.rollouts.rollout import TRANSITIONS

from ...actor import PlatformScope
from ...rollouts import control
from ...rollouts.overview import list_deeds
from ...rollouts.terms import RolloutTerms
from ...tables.rollouts import RolloutRow
from ..bodies import MAX_NUMBER, NumberPath
from ..fleet_bodies import AfterName
from ..overviews import OverviewShown
from ..parts import PlatformParts
from ..rollout_bodies import (
    BeforeRollout,
    Progress,
    Reason,
    RolloutDeviceShown,
    RolloutShown,
    State,
)
from .rendering import PageWriter
from .rollout_words import name_deed, tell_deed, tell_next, tell_pace
from .route import attempt
from .visitors import Visitor, sending, visiting

PAGE: Final = 50
MOST_DEEDS: Final = 10
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]
Operator = Annotated[Visitor, Depends(sending(PlatformScope.DEPLOY))]
_CONTROLS: Final = (RolloutEvent.PAUSE, RolloutEvent.RESUME, RolloutEvent.CANCEL)
_RETRY: Final = "retry"


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of rollouts.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """
    _add_looking(router, parts, writer)
    _add_controls(router, parts, writer)


def _add_looking(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    @router.get("/rollouts")
    def list_rollouts(
        visitor: Reader, before: BeforeRollout = MAX_NUMBER, state: State = None
    ) -> Response:
        with parts.database.reading() as session:
            rows = control.list_rollouts(session, visitor.actor, before, PAGE + 1, state)
            names = control.names_of(session, rows)
            return writer.write(
                "rollouts",
                visitor,
                live=True,
                rollouts=[RolloutShown.of(row, names) for row in rows[:PAGE]],
                following=rows[PAGE - 1].id if len(rows) > PAGE else None,
                state=state,
                states=list(RolloutState),
            )

    @router.get("/rollouts/{number}")
    def show_rollout(visitor: Reader, number: NumberPath) -> Response:
        return _write_rollout(parts, writer, visitor, number)

    @router.get("/rollouts/{number}/devices")
    def list_devices(
        visitor: Reader,
        number: NumberPath,
        progress: Progress = None,
        reason: Reason = None,
        after: AfterName = "",
    ) -> Response:
        with parts.database.reading() as session:
            row = control.find_rollout(session, visitor.actor, number)
            found = control.list_rollout_devices(session, row, progress, after, PAGE + 1, reason)
            return writer.write(
                "rollout_devices",
                visitor,
                live=True,
                rollout=RolloutShown.of(row, control.names_of(session, (row,))),
                devices=[RolloutDeviceShown.of(*each) for each in found[:PAGE]],
                following=found[PAGE - 1][0] if len(found) > PAGE else "",
                progress=progress,
                reason=reason,
            )


def _add_controls(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    def control_rollout(event: RolloutEvent) -> Callable[[Visitor, int], Response]:
        def answer(visitor: Operator, number: NumberPath) -> Response:
            def move() -> str:
                with parts.changing(visitor.actor) as session:
                    control.control_rollout(session, visitor.actor, number, event, parts.now_s())
                return f"/rollouts/{number}"

            return attempt(move, partial(_write_rollout, parts, writer, visitor, number))

        return answer

    for event in _CONTROLS:
        router.post(f"/rollouts/{{number}}/{event}")(control_rollout(event))

    @router.post("/rollouts/{number}/retry")
    def retry_rollout(visitor: Operator, number: NumberPath) -> Response:
        def retry() -> str:
            with parts.changing(visitor.actor) as session:
                control.retry_failed(session, visitor.actor, number, parts.now_s())
            return f"/rollouts/{number}"

        return attempt(retry, partial(_write_rollout, parts, writer, visitor, number))


def _write_rollout(
    parts: PlatformParts,
    writer: PageWriter,
    visitor: Visitor,
    number: int,
    status: int = 200,
    refusal: str = "",
) -> Response:
    with parts.database.reading() as session:
        row = control.find_rollout(session, visitor.actor, number)
        shown = RolloutShown.of(row, control.names_of(session, (row,)))
        overview = OverviewShown.of(session, row, parts.now_s())
        terms = RolloutTerms.of(row)
        return writer.write(
            "rollout",
            visitor,
            live=True,
            status=status,
            refusal=refusal,
            rollout=shown,
            terms=terms,
            overview=overview,
            next=tell_next(shown, terms, overview.thresholds),
            pace="" if overview.pace is None else tell_pace(overview.pace),
            deeds=_list_deeds(session, visitor, row),
            controls=[(each, tell_deed(each, shown)) for each in _list_controls(visitor, shown)],
            can_judge=shown.state is RolloutState.DRAFT,
        )


def _list_controls(visitor: Visitor, rollout: RolloutShown) -> list[str]:
    """What this one can do to a rollout now."""
    if rollout.infrastructure != visitor.actor.organisation or not visitor.may("deploy"):
        return []
    found = [each.value for each in _CONTROLS if (rollout.state, each) in TRANSITIONS]
    can_retry = rollout.state.is_open and any(wave.failed for wave in rollout.waves)
    return [_RETRY, *found] if can_retry else found


def _list_deeds(
    session: Session, visitor: Visitor, row: RolloutRow
) -> list[tuple[float, str, str]]:
    """When, who and what, as far as the audit of the own organisation says it."""
    found = list_deeds(session, visitor.actor, row, MOST_DEEDS + 1)
    before = [*(each.deed for each in found[1:]), ""]
    return [
        (each.at_s, each.person, name_deed(each.deed, after))
        for each, after in zip(found, before, strict=False)
    ][:MOST_DEEDS]
