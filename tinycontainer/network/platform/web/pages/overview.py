"""The first page: what waits for the organisation, and what is new; or the form to log in."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ...catalogue.releases import list_releases
from ...fleet.summary import summarize
from ...refusing import PlatformRefused
from ...renting.rentals import names_of as rental_names_of
from ...rollouts import control
from ...waiting import find_waiting
from ..bodies import MAX_NUMBER
from ..fleet_bodies import SummaryShown
from ..parts import PlatformParts
from ..release_bodies import ReleaseListed
from ..renting_bodies import RentalListed
from ..rollout_bodies import RolloutShown
from .rendering import PageWriter
from .visitors import Visitor, visitor_of

_NEWEST: Final = 5
_MOST_WAITING: Final = 20
_MOST_WORDS: Final = 6


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
        waiting = find_waiting(session, actor, now_s, _MOST_WAITING)
        rental_names = rental_names_of(session, waiting.rentals)
        rows = control.list_rollouts(session, actor, MAX_NUMBER, _NEWEST)
        names = control.names_of(session, (*rows, *waiting.rollouts))
        return writer.write(
            "overview",
            visitor,
            live=True,
            parts=[
                (ReleaseListed.of(each.release), each.part.name, each.state.value)
                for each in waiting.parts
            ],
            rentals=[RentalListed.of(row, rental_names, now_s) for row in waiting.rentals],
            halted=[RolloutShown.of(row, names) for row in waiting.rollouts],
            rollouts=[RolloutShown.of(row, names) for row in rows],
            releases=[
                ReleaseListed.of(row) for row in list_releases(session, actor, MAX_NUMBER, _NEWEST)
            ],
            fleet=SummaryShown.of(summarize(session, actor)),
            most_words=_MOST_WORDS,
        )
