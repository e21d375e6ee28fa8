"""Pages of the people of the organisation: an admin adds them, and says what they may do."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from ...actor import SCOPES, PersonRight, PlatformScope
from ...people.organisation import find_person
from ..bodies import AddPerson, ChangePerson, LoginPath
from ..parts import PlatformParts
from ..people import alter_person, invite_person
from ..sources import source_address
from .forms import fill, read_form
from .organisation import write_organisation
from .rendering import PageWriter
from .route import attempt
from .visitors import Visitor, sending, visiting

PASSWORD_BYTES: Final = 15
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]
Admin = Annotated[Visitor, Depends(sending(PlatformScope.ADMINISTER))]
Form = Annotated[Mapping[str, str], Depends(read_form)]


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of people.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    def write(visitor: Visitor, name: str, status: int = 200, refusal: str = "") -> Response:
        with parts.database.reading() as session:
            person = find_person(session, visitor.actor.organisation_id, name)
            return writer.write(
                "person",
                visitor,
                live=True,
                status=status,
                refusal=refusal,
                person=person,
                can_change=visitor.may("administer"),
                rights=[(each.value, sorted(SCOPES[each])) for each in PersonRight],
            )

    def show_password(visitor: Visitor, name: str, password: str) -> Response:
        return writer.write(
            "once",
            visitor,
            title=f"The new password of {name}",
            secret=password,
            advice=f"Give it to {name} on a way that you trust. {name} should change it after"
            " logging in.",
            back=f"/organisation/people/{name}",
        )

    def change(visitor: Visitor, name: str, request: Request, values: Mapping[str, Any]) -> None:
        address = source_address(request, parts)
        alter_person(parts, visitor.caller, name, fill(ChangePerson, values), address)

    def changed(
        visitor: Visitor, name: str, request: Request, values: Mapping[str, Any]
    ) -> Response:
        def deed() -> str:
            change(visitor, name, request, values)
            return f"/organisation/people/{name}"

        return attempt(deed, partial(write, visitor, name))

    @router.post("/organisation/people")
    def add_person(visitor: Admin, form: Form) -> Response:
        def add() -> Response:
            password = draw_password(parts)
            given = {"name": form.get("person", ""), "right": form.get("right", "")}
            new = fill(AddPerson, {**given, "password": password})
            return show_password(visitor, invite_person(parts, visitor.caller, new).name, password)

        return attempt(add, partial(write_organisation, parts, writer, visitor, form))

    @router.get("/organisation/people/{name}")
    def show_person(visitor: Reader, name: LoginPath) -> Response:
        return write(visitor, name)

    @router.post("/organisation/people/{name}/right")
    def change_right(request: Request, visitor: Admin, name: LoginPath, form: Form) -> Response:
        return changed(visitor, name, request, {"right": form.get("right", "")})

    @router.post("/organisation/people/{name}/disable")
    def disable(request: Request, visitor: Admin, name: LoginPath) -> Response:
        return changed(visitor, name, request, {"is_disabled": True})

    @router.post("/organisation/people/{name}/enable")
    def enable(request: Request, visitor: Admin, name: LoginPath) -> Response:
        return changed(visitor, name, request, {"is_disabled": False})

    @router.post("/organisation/people/{name}/password")
    def reset_password(request: Request, visitor: Admin, name: LoginPath) -> Response:
        def reset() -> Response:
            password = draw_password(parts)
            change(visitor, name, request, {"password": password})
            return show_password(visitor, name, password)

        return attempt(reset, partial(write, visitor, name))


def draw_password(parts: PlatformParts) -> str:
    """A password that nobody can guess."""
    return urlsafe_b64encode(parts.random_bytes(PASSWORD_BYTES)).decode()
