"""The page that says which releases have a component, and which devices run them."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from ...actor import PlatformScope
from ...catalogue.cyclonedx import MAX_NAME_CHARACTERS
from ...fleet.components import ComponentQuestion, find_affected, find_places
from ..component_bodies import (
    AffectedDeviceShown,
    AfterPlace,
    ComponentsShown,
    read_place,
    write_place,
)
from ..fleet_bodies import AfterName
from ..parts import PlatformParts
from .rendering import PageWriter
from .visitors import Visitor, visiting

PAGE: Final = 50
AskedText = Annotated[str, Query(max_length=MAX_NAME_CHARACTERS)]


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the route of components.

    Args:
        router: that gets it.
        parts: what it works on.
        writer: makes the page.
    """

    @router.get("/components")
    def find_components(
        visitor: Annotated[Visitor, Depends(visiting(PlatformScope.READ))],
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
        )
