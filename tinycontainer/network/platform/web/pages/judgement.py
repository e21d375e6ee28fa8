"""Pages of drafts: what every device would say, and the start of the rollout."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from ...actor import PlatformScope
from ...fleet.judgement import Judge
from ...rollouts import control
from ..bodies import NumberPath
from ..fleet_bodies import AfterName
from ..judgement_bodies import Answer, AnswerReason, DeviceVerdict, JudgedDevicesShown
from ..parts import PlatformParts
from ..rollout_bodies import RolloutShown, StartGiven
from ..starting import judge_targets, start_judged
from .forms import fill, read_form, read_number
from .rendering import PageWriter
from .rollout_picture import draw_bar
from .route import attempt
from .visitors import Visitor, sending, visiting

PAGE: Final = 50
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]
Operator = Annotated[Visitor, Depends(sending(PlatformScope.DEPLOY))]
Form = Annotated[Mapping[str, str], Depends(read_form)]


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter, judge: Judge) -> None:
    """Add the routes of judgements.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
        judge: says what devices would do; it is asked once for each page.
    """

    def write(
        visitor: Visitor,
        number: int,
        status: int = 200,
        refusal: str = "",
        answer: DeviceVerdict | None = None,
        reason: str | None = None,
        after: str = "",
    ) -> Response:
        with parts.database.reading() as session:
            row = control.find_rollout(session, visitor.actor, number)
            runs = row.organisation_id == visitor.actor.organisation_id
            shown = RolloutShown.of(row, control.names_of(session, (row,)))
        judged = judge_targets(parts, judge, visitor.actor, number)
        judgement = judged.shown()
        return writer.write(
            "judgement",
            visitor,
            status=status,
            refusal=refusal,
            rollout=shown,
            judgement=judgement,
            bar=draw_bar(
                {
                    "accepted": judgement.accepted,
                    "unjudged": judgement.unjudged.devices,
                    "refused": sum(each.devices for each in judgement.refused),
                }
            ),
            listed=JudgedDevicesShown.of(judged.found, answer, reason, after, PAGE),
            answer=answer,
            reason=reason,
            can_start=runs and visitor.may("deploy"),
        )

    @router.get("/rollouts/{number}/judgement")
    def judge_rollout(
        visitor: Reader,
        number: NumberPath,
        answer: Answer = None,
        reason: AnswerReason = None,
        after: AfterName = "",
    ) -> Response:
        return write(visitor, number, answer=answer, reason=reason, after=after)

    @router.post("/rollouts/{number}/start")
    def start_rollout(visitor: Operator, number: NumberPath, form: Form) -> Response:
        def start() -> str:
            given = fill(StartGiven, {"despite": read_number(form.get("despite", ""))})
            start_judged(parts, judge, visitor.actor, number, given.despite)
            return f"/rollouts/{number}"

        return attempt(start, partial(write, visitor, number))
