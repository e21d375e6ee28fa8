"""The page that drafts a rollout of a complete release, and counts its devices meanwhile."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from tinycontainer.tools.rollouts.query_text import MAX_QUERY_CHARACTERS
from tinycontainer_tokens import Role

from ...actor import PlatformScope
from ...catalogue import releases
from ...rollouts import control
from ...rollouts.previewing import preview_targets
from ..parts import PlatformParts
from ..problems import HANDLED, explain
from ..release_bodies import Number, ReleaseListed, Uid
from ..rollout_bodies import PlanOfRollout, PreviewAsked, PreviewShown, RolloutGiven
from .forms import fill, read_form, read_moment, read_number, read_numbers
from .rendering import PageWriter, write_uid
from .route import attempt, write_refusal
from .visitors import Visitor, sending, visiting

_THRESHOLDS: Final = (
    ("success_per_cent", "Begin the next wave at, per cent done"),
    ("halt_per_cent", "Halt at, per cent failed of those told"),
    ("halt_minimum", "but not below so many failures"),
)
_ADVANCED: Final = (
    ("most_at_once", "Most devices under way at the same time"),
    ("attempts", "How often a device is told"),
    ("answer_s", "Seconds that a device may take"),
    ("confirm_ms", "Milliseconds in which a new version proves itself; 0 for no trial"),
    ("priority", "Priority over other rollouts, 0 to 100"),
)
"""Fields of a plan that are whole numbers, with their labels."""
_NUMBERS: Final = tuple(name for name, _ in (*_THRESHOLDS, *_ADVANCED))
_TICKS: Final = ("starts", "standing")
_COUNT: Final = "count"
_MOST_WAVES_CHARACTERS: Final = 200
_MOST_NAME_CHARACTERS: Final = 63
_FIRST_WAVES: Final = (10, 50, 100)
"""What people are offered: a few devices first."""
_BAD_REQUEST: Final = 400

Drafter = Annotated[Visitor, Depends(visiting(PlatformScope.DEPLOY))]
Preview = tuple[PreviewShown | None, str]
"""The devices that are meant, or why they cannot be counted."""


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of drafting.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    def preview(visitor: Visitor, uid: str, number: int, query: str, waves: str) -> Preview:
        try:
            plan = {"waves": read_numbers(waves)}
            asked = {"uid": uid, "number": number, "query": query, "plan": plan}
            steps = fill(PreviewAsked, asked).plan.terms().plan.waves
            with parts.database.reading() as session:
                found = preview_targets(
                    session, visitor.actor, bytes.fromhex(uid), number, query, steps, parts.now_s()
                )
        except HANDLED as error:
            refused = explain(error)
            if refused.status != _BAD_REQUEST:
                raise
            return None, write_refusal(refused)
        return PreviewShown.of(found), ""

    def write(
        visitor: Visitor,
        uid: str,
        number: int,
        form: Mapping[str, str],
        status: int = 200,
        refusal: str = "",
    ) -> Response:
        with parts.database.reading() as session:
            row = releases.find_release(session, visitor.actor, bytes.fromhex(uid), number)
            releases.require_party(visitor.actor, row, Role.INFRASTRUCTURE)
            release = ReleaseListed.of(row)
        values = {**_beginning(uid, number), **form}
        found, problem = preview(visitor, uid, number, values["query"], values["waves"])
        return writer.write(
            "draft",
            visitor,
            status=status,
            refusal=refusal,
            release=release,
            values=values,
            thresholds=_THRESHOLDS,
            advanced=_ADVANCED,
            preview=found,
            problem=problem,
        )

    @router.get("/releases/{uid}/{number}/rollout")
    def show_draft(visitor: Drafter, uid: Uid, number: Number) -> Response:
        return write(visitor, uid, number, {})

    @router.get("/releases/{uid}/{number}/rollout/preview")
    def show_preview(
        visitor: Drafter,
        uid: Uid,
        number: Number,
        query: Annotated[str, Query(max_length=MAX_QUERY_CHARACTERS)] = "",
        waves: Annotated[str, Query(max_length=_MOST_WAVES_CHARACTERS)] = "100",
    ) -> Response:
        found, problem = preview(visitor, uid, number, query, waves)
        return writer.write("draft_preview", visitor, preview=found, problem=problem)

    @router.post("/releases/{uid}/{number}/rollout")
    def add_rollout(
        visitor: Annotated[Visitor, Depends(sending(PlatformScope.DEPLOY))],
        uid: Uid,
        number: Number,
        form: Annotated[Mapping[str, str], Depends(read_form)],
    ) -> Response:
        def add() -> str:
            new = _read(uid, number, form).new()
            with parts.changing(visitor.actor) as session:
                row = control.add_rollout(
                    session, visitor.actor, new, parts.now_s(), parts.random_bytes
                )
                return f"/rollouts/{row.id}"

        # What is not ticked is not sent at all.
        ticked = {name: form.get(name, "") for name in _TICKS}
        again = partial(write, visitor, uid, number, {**form, **ticked})
        return again() if _COUNT in form else attempt(add, again)


def _beginning(uid: str, number: int) -> dict[str, str]:
    """What the form has before anybody has filled it in."""
    plan = PlanOfRollout()
    numbers = {name: str(getattr(plan, name)) for name in _NUMBERS}
    return {
        "name": f"{write_uid(uid)}-{number}"[:_MOST_NAME_CHARACTERS],
        "query": "",
        "waves": " ".join(map(str, _FIRST_WAVES)),
        "strata": " ".join(plan.strata),
        "deadline": "",
        "starts": "on",
        "standing": "",
        **numbers,
    }


def _read(uid: str, number: int, form: Mapping[str, str]) -> RolloutGiven:
    deadline = form.get("deadline", "")
    plan: dict[str, Any] = {
        "waves": read_numbers(form.get("waves", "")),
        "strata": form.get("strata", "").split(),
        "deadline_s": read_moment(deadline) if deadline else None,
        **{name: name in form for name in _TICKS},
        **{name: read_number(form[name]) for name in _NUMBERS if name in form},
    }
    given = {
        "uid": uid,
        "number": number,
        "name": form.get("name", ""),
        "query": form.get("query", ""),
        "plan": plan,
    }
    return fill(RolloutGiven, given)
