"""Pages of components: which releases have one, which devices run it, and all of a release."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from ...actor import PlatformScope
from ...catalogue import releases
from ...catalogue.cyclonedx import MAX_NAME_CHARACTERS, MOST_COMPONENTS
from ...fleet.components import ComponentQuestion, find_affected, find_places, list_frequent
from ..component_bodies import (
    AffectedDeviceShown,
    AfterPlace,
    ComponentsShown,
    read_place,
    write_place,
)
from ..fleet_bodies import AfterName
from ..parts import PlatformParts
from ..release_bodies import Number, ReleaseShown, Uid
from .rendering import PageWriter
from .visitors import Visitor, visiting

PAGE: Final = 50
OF_RELEASE: Final = 100
"""Components of a release on a page."""
MOST_FREQUENT: Final = 30
NEWEST_RELEASES: Final = 25
"""In which the most frequent components are looked for."""
AskedText = Annotated[str, Query(max_length=MAX_NAME_CHARACTERS)]
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]
_ALL: Final = ComponentQuestion(None, None, None)


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of components.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    @router.get("/components")
    def find_components(
        visitor: Reader,
        name: AskedText = "",
        version: AskedText = "",
        after: AfterPlace = "",
        after_device: AfterName = "",
    ) -> Response:
        asked = ComponentQuestion(name, version or None, None)
        actor = visitor.actor
        with parts.database.reading() as session:
            places = find_places(session, actor, asked, read_place(after), PAGE + 1) if name else ()
            devices = find_affected(session, actor, asked, after_device, PAGE + 1) if name else ()
            frequent = list_frequent(session, actor, NEWEST_RELEASES, MOST_FREQUENT)
        following = write_place(places[PAGE - 1]) if len(places) > PAGE else ""
        return writer.write(
            "components",
            visitor,
            name=name,
            version=version,
            found=ComponentsShown.of(places[:PAGE], following),
            devices=[AffectedDeviceShown.of(each) for each in devices[:PAGE]],
            after=after,
            after_device=after_device,
            following_device=devices[PAGE - 1].name if len(devices) > PAGE else "",
            frequent=frequent,
            newest_releases=NEWEST_RELEASES,
        )

    @router.get("/releases/{uid}/{number}/components")
    def show_components(
        visitor: Reader,
        uid: Uid,
        number: Number,
        after: Annotated[int, Query(ge=-1, le=MOST_COMPONENTS)] = -1,
    ) -> Response:
        with parts.database.reading() as session:
            row = releases.find_release(session, visitor.actor, bytes.fromhex(uid), number)
            places = find_places(session, visitor.actor, _ALL, (row.id, after), OF_RELEASE + 1)
            own = [each for each in places if each.release_id == row.id]
            return writer.write(
                "inventory",
                visitor,
                live=True,
                release=ReleaseShown.of(row, releases.names_of(session, row)),
                components=[each.component for each in own[:OF_RELEASE]],
                following=own[OF_RELEASE - 1].position if len(own) > OF_RELEASE else None,
                is_first=after == -1,
            )
