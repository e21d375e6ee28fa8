"""Pages of rollouts: how far they are, why devices have failed, and what an operator does."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from tinycontainer.tools.rollouts import RolloutEvent, RolloutState
from tinycontainer.tools.rollouts.rollout import TRANSITIONS

from ...actor import PlatformScope
from ...fleet.judgement import Judge
from ...rollouts import control
from ...rollouts.overview import count_failures
from ...rollouts.terms import RolloutTerms
from ..bodies import MAX_NUMBER, NumberPath
from ..parts import PlatformParts
from ..rollout_bodies import BeforeRollout, RolloutShown, StartGiven
from ..starting import judge_targets, start_judged
from .forms import fill, read_form, read_number
from .rendering import PageWriter
from .route import attempt
from .visitors import Visitor, sending, visiting

PAGE: Final = 50
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]
Operator = Annotated[Visitor, Depends(sending(PlatformScope.DEPLOY))]
Form = Annotated[Mapping[str, str], Depends(read_form)]
_CONTROLS: Final = (RolloutEvent.PAUSE, RolloutEvent.RESUME, RolloutEvent.CANCEL)


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter, judge: Judge) -> None:
    """Add the routes of rollouts.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
        judge: says what devices would do.
    """
    _add_looking(router, parts, writer)
    _add_starting(router, parts, writer, judge)
    _add_controls(router, parts, writer)


def _add_looking(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    @router.get("/rollouts")
    def list_rollouts(visitor: Reader, before: BeforeRollout = MAX_NUMBER) -> Response:
        with parts.database.reading() as session:
            rows = control.list_rollouts(session, visitor.actor, before, PAGE + 1)
            names = control.names_of(session, rows)
            return writer.write(
                "rollouts",
                visitor,
                live=True,
                rollouts=[RolloutShown.of(row, names) for row in rows[:PAGE]],
                following=rows[PAGE - 1].id if len(rows) > PAGE else None,
            )

    @router.get("/rollouts/{number}")
    def show_rollout(visitor: Reader, number: NumberPath) -> Response:
        return _write_rollout(parts, writer, visitor, number)


def _add_starting(
    router: APIRouter, parts: PlatformParts, writer: PageWriter, judge: Judge
) -> None:
    def write_judgement(
        visitor: Visitor, number: int, status: int = 200, refusal: str = ""
    ) -> Response:
        with parts.database.reading() as session:
            row = control.find_rollout(session, visitor.actor, number)
            runs = row.organisation_id == visitor.actor.organisation_id
            shown = RolloutShown.of(row, control.names_of(session, (row,)))
        return writer.write(
            "judgement",
            visitor,
            status=status,
            refusal=refusal,
            rollout=shown,
            judgement=judge_targets(parts, judge, visitor.actor, number),
            can_start=runs and visitor.may("deploy"),
        )

    @router.get("/rollouts/{number}/judgement")
    def judge_rollout(visitor: Reader, number: NumberPath) -> Response:
        return write_judgement(visitor, number)

    @router.post("/rollouts/{number}/start")
    def start_rollout(visitor: Operator, number: NumberPath, form: Form) -> Response:
        def start() -> str:
            given = fill(StartGiven, {"despite": read_number(form.get("despite", ""))})
            start_judged(parts, judge, visitor.actor, number, given.despite)
            return f"/rollouts/{number}"

        return attempt(start, partial(write_judgement, visitor, number))


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
        runs = row.organisation_id == visitor.actor.organisation_id and visitor.may("deploy")
        has_failed = any(wave.failed for wave in shown.waves)
        return writer.write(
            "rollout",
            visitor,
            live=True,
            status=status,
            refusal=refusal,
            rollout=shown,
            terms=RolloutTerms.of(row),
            failures=count_failures(session, row),
            controls=[
                each.value for each in _CONTROLS if runs and (shown.state, each) in TRANSITIONS
            ],
            can_judge=shown.state is RolloutState.DRAFT,
            can_retry=runs and shown.state.is_open and has_failed,
        )
