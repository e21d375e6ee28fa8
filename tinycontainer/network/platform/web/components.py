"""What software is in releases, and which devices run it, over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends

from ..actor import Actor, PlatformScope
from ..catalogue import releases, sboms
from ..fleet.components import ComponentQuestion, find_affected, find_places
from .callers import caller
from .component_bodies import (
    AffectedDeviceShown,
    AffectedDevicesShown,
    AfterPlace,
    ComponentShown,
    ComponentsShown,
    SbomGiven,
    SbomShown,
    read_place,
    read_question,
    write_place,
)
from .fleet_bodies import AfterName
from .parts import PlatformParts
from .release_bodies import Number, ReleaseShown, Uid

PAGE: Final = 100


def make_router(parts: PlatformParts) -> APIRouter:
    """The routes of components."""
    router = APIRouter(prefix="/api", tags=["components"])
    _add_sboms(router, parts)
    _add_questions(router, parts)
    return router


def _add_sboms(router: APIRouter, parts: PlatformParts) -> None:
    @router.get("/releases/{uid}/{number}/sbom")
    def show_sbom(
        actor: Annotated[Actor, Depends(caller(PlatformScope.READ))], uid: Uid, number: Number
    ) -> SbomShown:
        """What software is in a release, as its developer says; nobody has signed it."""
        with parts.database.reading() as session:
            row = releases.find_release(session, actor, bytes.fromhex(uid), number)
            found = sboms.components_of(session, row)
            shown = [ComponentShown.of(each) for each in found]
            return SbomShown(sha256=row.sbom_sha256, components=shown)

    @router.put("/releases/{uid}/{number}/sbom")
    def add_sbom(
        actor: Annotated[Actor, Depends(caller(PlatformScope.PUBLISH))],
        uid: Uid,
        number: Number,
        given: SbomGiven,
    ) -> ReleaseShown:
        """As the developer: say what software is in a release, at any time; no token changes."""
        wanted = bytes.fromhex(uid)
        with parts.database.reading() as session:
            row = releases.find_release(session, actor, wanted, number)
            components = sboms.read_sbom(session, actor, row, given.sha256)
        with parts.changing(actor) as session:
            row = releases.find_release(session, actor, wanted, number, to_change=True)
            sboms.add_sbom(session, actor, row, given.sha256, components, parts.now_s())
            return ReleaseShown.of(row, releases.names_of(session, row))


def _add_questions(router: APIRouter, parts: PlatformParts) -> None:
    reader = Annotated[Actor, Depends(caller(PlatformScope.READ))]
    question = Annotated[ComponentQuestion, Depends(read_question)]

    @router.get("/components")
    def find_components(actor: reader, asked: question, after: AfterPlace = "") -> ComponentsShown:
        """Components in releases that the organisation is a party to, a page of them."""
        with parts.database.reading() as session:
            found = find_places(session, actor, asked, read_place(after), PAGE + 1)
        following = write_place(found[PAGE - 1]) if len(found) > PAGE else ""
        return ComponentsShown.of(found[:PAGE], following)

    @router.get("/components/devices")
    def find_devices(actor: reader, asked: question, after: AfterName = "") -> AffectedDevicesShown:
        """Devices of the organisation that have a component, by name, a page of them."""
        with parts.database.reading() as session:
            found = find_affected(session, actor, asked, after, PAGE + 1)
        following = found[PAGE - 1].name if len(found) > PAGE else ""
        shown = [AffectedDeviceShown.of(each) for each in found[:PAGE]]
        return AffectedDevicesShown(devices=shown, next=following)
