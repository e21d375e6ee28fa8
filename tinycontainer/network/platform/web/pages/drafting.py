"""The page that drafts a rollout of a complete release."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from tinycontainer_tokens import Role

from ...actor import PlatformScope
from ...catalogue import releases
from ...rollouts import control
from ..parts import PlatformParts
from ..release_bodies import Number, ReleaseListed, Uid
from ..rollout_bodies import PlanOfRollout, RolloutGiven
from .forms import fill, read_form, read_number, read_numbers
from .rendering import PageWriter
from .route import attempt
from .visitors import Visitor, sending, visiting

_NUMBERS: Final = (
    ("halt_per_cent", "Halt at failures of a wave, per cent"),
    ("halt_minimum", "but not below this many failures"),
    ("success_per_cent", "Begin the next wave at successes, per cent"),
    ("attempts", "Attempts for each device"),
    ("most_at_once", "Most devices told at the same time"),
)
"""Fields of a plan that are whole numbers, with their labels."""


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of drafting.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

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
        values = {**_beginning(), **form}
        return writer.write(
            "draft",
            visitor,
            status=status,
            refusal=refusal,
            release=release,
            values=values,
            numbers=_NUMBERS,
        )

    @router.get("/releases/{uid}/{number}/rollout")
    def show_draft(
        visitor: Annotated[Visitor, Depends(visiting(PlatformScope.DEPLOY))],
        uid: Uid,
        number: Number,
    ) -> Response:
        return write(visitor, uid, number, {})

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
        ticked = {name: form.get(name, "") for name in ("starts", "standing")}
        return attempt(add, partial(write, visitor, uid, number, {**form, **ticked}))


def _beginning() -> dict[str, str]:
    """What the form has before anybody has filled it in."""
    plan = PlanOfRollout()
    numbers = {name: str(getattr(plan, name)) for name, _ in _NUMBERS}
    return {
        "name": "",
        "query": "",
        "waves": " ".join(map(str, plan.waves)),
        "strata": " ".join(plan.strata),
        "starts": "on",
        "standing": "",
        **numbers,
    }


def _read(uid: str, number: int, form: Mapping[str, str]) -> RolloutGiven:
    plan = {
        "waves": read_numbers(form.get("waves", "")),
        "strata": form.get("strata", "").split(),
        "starts": "starts" in form,
        "standing": "standing" in form,
        **{name: read_number(form[name]) for name, _ in _NUMBERS if name in form},
    }
    given = {
        "uid": uid,
        "number": number,
        "name": form.get("name", ""),
        "query": form.get("query", ""),
        "plan": plan,
    }
    return fill(RolloutGiven, given)
