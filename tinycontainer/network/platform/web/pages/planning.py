"""The form of the plan: when a container runs, and which endpoints it has."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from tinycontainer_tokens import Kind, Role

from ...actor import PlatformScope
from ...catalogue import following, releases
from ...catalogue.forms import MOST_ENDPOINTS, PlanForm
from ...fleet.judgement import Judge
from ...fleet.peers import offered_peers, opened_by
from ..parts import PlatformParts
from ..release_bodies import Number, PlanGiven, ReleaseListed, Uid
from .forms import fill, read_number, read_rows
from .rendering import PageWriter
from .route import attempt
from .terms import read_terms, write_terms
from .visitors import Visitor, sending, visiting

_TIMING: Final = (
    ("period_ms", "Period, ms: how often it runs"),
    ("period_max_ms", "Longest gap between loops, ms"),
    ("exec_time_ms", "Time that one loop takes, ms"),
    ("lifetime_loops", "Loops of one start"),
    ("priority", "Priority, 0 the highest to 15"),
)
_SECURITY: Final = (
    ("start_max_duration_ms", "Longest start hook, ms"),
    ("loop_max_duration_ms", "Longest loop, ms"),
    ("stop_max_duration_ms", "Longest stop hook, ms"),
    ("loop_period_ms", "Period if none is said above, ms"),
    ("loop_max_lifetime", "Most loops of one start"),
)
"""Fields with their labels; 0 is no limit."""
_COLUMNS: Final = ("id", "peer", "peer_endpoint", "peer_uid", "direction")
_EMPTY_ROWS: Final = 3


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter, judge: Judge) -> None:
    """Add the routes of plans.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
        judge: knows what says what code does.
    """
    analysers = judge.analysers

    def write(
        visitor: Visitor,
        uid: str,
        number: int,
        form: Mapping[str, str] | None,
        status: int = 200,
        refusal: str = "",
    ) -> Response:
        with parts.database.reading() as session:
            row = releases.find_release(session, visitor.actor, bytes.fromhex(uid), number)
            releases.require_party(visitor.actor, row, Role.INFRASTRUCTURE)
            if form is None and not refusal:
                releases.require_open_to(visitor.actor, row, Role.INFRASTRUCTURE)
            before = following.plan_before(session, row)
            there = before if row.plan is None else PlanForm.model_validate(row.plan)
            terms = write_terms(row.terms.get(Kind.METADATA.name, {}))
            opened = opened_by(session, row, analysers)
            peers = offered_peers(session, visitor.actor, row.owner_id)
            owner = releases.names_of(session, row)[row.owner_id]
        values = {**_write_plan(there or PlanForm()), **terms} if form is None else {**form}
        return writer.write(
            "plan",
            visitor,
            status=status,
            refusal=refusal,
            release=ReleaseListed.of(row),
            has_terms=row.profile == "rfc9052",
            is_before=before is not None and row.plan is None,
            opened=opened,
            peers=peers,
            owner=owner,
            timing=_TIMING,
            security=_SECURITY,
            rows=_rows_of(values),
            values={name: values.get(name, "") for name in (*_NAMES, *terms)},
        )

    @router.get("/releases/{uid}/{number}/plan")
    def show_plan(
        visitor: Annotated[Visitor, Depends(visiting(PlatformScope.PUBLISH))],
        uid: Uid,
        number: Number,
    ) -> Response:
        return write(visitor, uid, number, None)

    @router.post("/releases/{uid}/{number}/plan")
    def add_plan(
        visitor: Annotated[Visitor, Depends(sending(PlatformScope.PUBLISH, read_rows))],
        uid: Uid,
        number: Number,
        form: Annotated[Mapping[str, str], Depends(read_rows)],
    ) -> Response:
        def add() -> str:
            given = fill(PlanGiven, _read_plan(form))
            plan = PlanForm(timing=given.timing, security=given.security, endpoints=given.endpoints)
            with parts.changing(visitor.actor) as session:
                row = releases.find_release(
                    session, visitor.actor, bytes.fromhex(uid), number, to_change=True
                )
                releases.add_plan(session, visitor.actor, row, plan, given.terms, parts.now_s())
            return f"/releases/{uid}/{number}"

        if "more" in form:
            return write(visitor, uid, number, form)
        return attempt(add, partial(write, visitor, uid, number, form))

    @router.post("/releases/{uid}/{number}/plan/before")
    def take_plan(
        visitor: Annotated[Visitor, Depends(sending(PlatformScope.PUBLISH))],
        uid: Uid,
        number: Number,
    ) -> Response:
        def take() -> str:
            with parts.changing(visitor.actor) as session:
                row = releases.find_release(
                    session, visitor.actor, bytes.fromhex(uid), number, to_change=True
                )
                following.take_plan_before(session, visitor.actor, row, parts.now_s())
            return f"/releases/{uid}/{number}"

        return attempt(take, partial(write, visitor, uid, number, None))


_NAMES: Final = tuple(name for name, _ in (*_TIMING, *_SECURITY))


def _write_plan(plan: PlanForm) -> dict[str, str]:
    """The fields of a plan."""
    said = {**plan.timing.model_dump(), **plan.security.model_dump()}
    rows = {
        f"{name}-{index}": _text(value)
        for index, each in enumerate(plan.endpoints)
        for name, value in each.model_dump().items()
    }
    return {**{name: _text(value) for name, value in said.items()}, **rows}


def _read_plan(form: Mapping[str, str]) -> dict[str, Any]:
    """A plan as the API takes it; fields that are empty say nothing."""

    def read(names: tuple[tuple[str, str], ...]) -> dict[str, Any]:
        return {name: read_number(form[name]) for name, _ in names if form.get(name, "").strip()}

    endpoints = [
        {
            "id": read_number(row["id"]),
            "peer": row["peer"],
            "peer_endpoint": read_number(row["peer_endpoint"]),
            "peer_uid": row["peer_uid"].strip() or None,
            "direction": row["direction"],
        }
        for row in _rows_of(form, empty=0)
        if any(row[name].strip() for name in ("id", "peer_endpoint", "peer_uid"))
    ]
    return {
        "timing": read(_TIMING),
        "security": read(_SECURITY),
        "endpoints": endpoints,
        "terms": read_terms(form),
    }


def _rows_of(form: Mapping[str, str], empty: int = _EMPTY_ROWS) -> list[dict[str, str]]:
    """The rows of endpoints in a form, and some empty ones after them."""
    filled = [
        index
        for index in range(MOST_ENDPOINTS)
        if any(form.get(f"{name}-{index}", "").strip() for name in ("id", "peer_endpoint"))
        or form.get(f"peer_uid-{index}", "").strip()
    ]
    rows = [{name: form.get(f"{name}-{index}", "") for name in _COLUMNS} for index in filled]
    more = empty + _EMPTY_ROWS if "more" in form and empty else empty
    return [*rows, *(dict.fromkeys(_COLUMNS, "") for _ in range(more))][:MOST_ENDPOINTS]


def _text(value: object) -> str:
    return "" if value is None else str(value)
