"""Pages of the own organisation: its people, keys and tokens, and what was done in it."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from ...actor import PlatformScope
from ...audit import list_newest
from ...catalogue.keys import keys_of
from ...people.organisation import count_people, list_people
from ...people.tokens import list_tokens
from ..bodies import LOGIN_PATTERN, MAX_NUMBER
from ..catalogue import KeyShown
from ..parts import PlatformParts
from .rendering import PageWriter
from .visitors import Visitor, visiting

PAGE: Final = 100
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of the organisation.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    @router.get("/audit")
    def show_audit(
        visitor: Reader, before: Annotated[int, Query(ge=1, le=MAX_NUMBER)] = MAX_NUMBER
    ) -> Response:
        with parts.database.reading() as session:
            found = list_newest(session, visitor.actor, before, PAGE + 1)
            return writer.write(
                "audit",
                visitor,
                entries=found[:PAGE],
                following=found[PAGE - 1].number if len(found) > PAGE else None,
            )

    @router.get("/organisation")
    def show_organisation(
        visitor: Reader, after: Annotated[str, Query(pattern=rf"{LOGIN_PATTERN}|^$")] = ""
    ) -> Response:
        own = visitor.actor.organisation_id
        with parts.database.reading() as session:
            people = list_people(session, own, after, PAGE + 1)
            return writer.write(
                "organisation",
                visitor,
                people=people[:PAGE],
                count=count_people(session, own),
                following=people[PAGE - 1].name if len(people) > PAGE else "",
                keys=[KeyShown.of(each) for each in keys_of(session, own)],
                tokens=[each.name for each in list_tokens(session, visitor.caller.person_id)],
            )
