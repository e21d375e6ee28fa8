"""The first page: the fleet at a glance, and what waits for whom; or the form to log in."""

from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from ...actor import Actor
from ...catalogue.keys import keys_of
from ...catalogue.releases import list_releases
from ...fleet.choosing import DeviceChoice
from ...fleet.failures import list_failures
from ...fleet.running import count_running
from ...fleet.summary import DAY_S, summarize
from ...refusing import PlatformRefused
from ...renting.rentals import names_of as rental_names_of
from ...rollouts import control
from ...waiting import WaitingWork, find_waiting
from ..bodies import MAX_NUMBER
from ..fleet_bodies import SummaryShown
from ..parts import PlatformParts
from ..release_bodies import ReleaseListed
from ..renting_bodies import RentalListed
from ..rollout_bodies import RolloutShown
from .device_links import path_of
from .pictures import MOST_APPLICATIONS, WIDTH, draw
from .rendering import PageWriter
from .visitors import Visitor, visitor_of

_NEWEST: Final = 5
_MOST_WAITING: Final = 10
_MOST_OTHERS: Final = 8
_MOST_FAILURES: Final = 8
_PATHS: Final = {
    "all": path_of(),
    "connected": path_of(connected=True),
    "not_connected": path_of(connected=False),
    "silent": path_of(silent_s=DAY_S),
}
"""Of the lists of devices that the head of the page counts."""


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the route of the first page.

    Args:
        router: that gets it.
        parts: what it works on.
        writer: makes the page.
    """

    @router.get("/")
    def show_overview(request: Request) -> Response:
        try:
            visitor = visitor_of(request)
        except PlatformRefused as refused:
            if refused.status != 401:
                raise
            return writer.write("log_in", None, name="")
        return _write_overview(parts, writer, visitor)


def _write_overview(parts: PlatformParts, writer: PageWriter, visitor: Visitor) -> Response:
    actor, now_s = visitor.actor, parts.now_s()
    with parts.database.reading() as session:
        own, others = find_waiting(session, actor, now_s, _MOST_WAITING)
        running = count_running(session, actor, DeviceChoice())
        failures = list_failures(session, actor, _MOST_FAILURES)
        rows = control.list_rollouts(session, actor, MAX_NUMBER, _NEWEST)
        releases = list_releases(session, actor, MAX_NUMBER, _NEWEST)
        return writer.write(
            "overview",
            visitor,
            live=True,
            can_begin=visitor.has_role("developer") and visitor.may("publish"),
            roles_without_key=_roles_without_key(session, actor),
            own=_show_waiting(session, own, now_s),
            others=[_show_waiting(session, each, now_s) for each in others[:_MOST_OTHERS]],
            more_others=len(others[_MOST_OTHERS:]),
            fleet=SummaryShown.of(summarize(session, actor, DeviceChoice(), now_s)),
            paths=_PATHS,
            pictures=[draw(each) for each in running[:MOST_APPLICATIONS]],
            more_applications=len(running[MOST_APPLICATIONS:]),
            width=WIDTH,
            failures=[
                (each, path_of(rollout=each.rollout_id, reason=each.reason)) for each in failures
            ],
            rollouts=[RolloutShown.of(row, control.names_of(session, rows)) for row in rows],
            releases=[ReleaseListed.of(row) for row in releases],
        )


def _roles_without_key(session: Session, actor: Actor) -> list[str]:
    """The roles as which the organisation cannot sign anything yet."""
    signing = {
        each.role for each in keys_of(session, actor.organisation_id) if each.withdrawn_s is None
    }
    return sorted({role.value for role in actor.roles} - signing)


def _show_waiting(session: Session, waiting: WaitingWork, now_s: float) -> dict[str, Any]:
    """What waits for an organisation, of each sort the first ones."""
    rentals = waiting.rentals[:_MOST_WAITING]
    rollouts = waiting.rollouts[:_MOST_WAITING]
    rental_names = rental_names_of(session, rentals)
    names = control.names_of(session, rollouts)
    return {
        "organisation": waiting.organisation,
        "count": waiting.count,
        "parts": [
            (ReleaseListed.of(each.release), each.part.name, each.state.value)
            for each in waiting.parts[:_MOST_WAITING]
        ],
        "rentals": [RentalListed.of(row, rental_names, now_s) for row in rentals],
        "rollouts": [RolloutShown.of(row, names) for row in rollouts],
    }
