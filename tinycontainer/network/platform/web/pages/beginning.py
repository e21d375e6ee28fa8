"""The forms of a developer: a container that is to be known, and a release that is to begin."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from tinycontainer.files.fields import check_uid, uid_from_text
from tinycontainer_tokens import Profile, Role

from ...actor import PlatformScope
from ...catalogue import applications, following, releases
from ...catalogue.releases import Parties
from ...refusing import bad_request
from ..catalogue import ApplicationGiven, ApplicationShown
from ..parts import PlatformParts
from ..release_bodies import Number, ReleaseGiven, Uid
from .forms import fill, read_form, read_number
from .rendering import PageWriter
from .route import attempt
from .visitors import Visitor, sending, visiting

MOST_NAMED: Final = 400
"""Organisations in a list."""
_PARTIES: Final = (Role.PROVIDER, Role.INFRASTRUCTURE, Role.OWNER)


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of beginning.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    def write(
        visitor: Visitor, form: Mapping[str, str], status: int = 200, refusal: str = ""
    ) -> Response:
        with parts.database.reading() as session:
            rows = following.own_applications(session, visitor.actor)
            shown = [ApplicationShown.of(each) for each in rows]
            parties = [
                (role.value, following.organisations_with(session, role, MOST_NAMED))
                for role in _PARTIES
            ]
        return writer.write(
            "begin",
            visitor,
            status=status,
            refusal=refusal,
            applications=shown,
            parties=parties,
            profiles=[each.value for each in Profile],
            values={**_beginning(), **form},
        )

    @router.get("/releases/begin")
    def show_begin(
        visitor: Annotated[Visitor, Depends(visiting(PlatformScope.PUBLISH))],
        uid: Annotated[str, Query(max_length=126)] = "",
    ) -> Response:
        return write(visitor, {"uid": uid})

    @router.post("/applications")
    def add_application(
        visitor: Annotated[Visitor, Depends(sending(PlatformScope.PUBLISH))],
        form: Annotated[Mapping[str, str], Depends(read_form)],
    ) -> Response:
        def add() -> str:
            values = {"uid": _read_uid(form.get("new_uid", "")), "name": form.get("name", "")}
            given = fill(ApplicationGiven, values)
            with parts.changing(visitor.actor) as session:
                uid = bytes.fromhex(given.uid)
                applications.add_application(session, visitor.actor, uid, given.name, parts.now_s())
            return f"/releases/begin?uid={given.uid}"

        return attempt(add, partial(write, visitor, form))

    @router.post("/releases/begin")
    def begin_release(
        visitor: Annotated[Visitor, Depends(sending(PlatformScope.PUBLISH))],
        form: Annotated[Mapping[str, str], Depends(read_form)],
    ) -> Response:
        def begin() -> str:
            given = _read_release(parts, form)
            with parts.changing(visitor.actor) as session:
                row = releases.add_release(
                    session,
                    visitor.actor,
                    bytes.fromhex(given.uid),
                    given.number,
                    Parties(given.provider, given.infrastructure, given.owner),
                    given.profile,
                    given.signs_endpoints,
                    parts.now_s(),
                )
                return f"/releases/{releases.name_of(row)}"

        ticked = {"signs_endpoints": form.get("signs_endpoints", "")}
        return attempt(begin, partial(write, visitor, {**form, **ticked}))

    @router.post("/releases/{uid}/{number}/next")
    def begin_next(
        visitor: Annotated[Visitor, Depends(sending(PlatformScope.PUBLISH))],
        uid: Uid,
        number: Number,
    ) -> Response:
        def begin() -> str:
            actor = visitor.actor
            with parts.changing(actor) as session:
                row = releases.find_release(session, actor, bytes.fromhex(uid), number)
                begun = following.begin_next(session, actor, row, parts.now_s())
                return f"/releases/{releases.name_of(begun)}"

        return attempt(begin, partial(write, visitor, {}))


def _beginning() -> dict[str, str]:
    """What the forms have before anybody has filled them in."""
    names = ("uid", "number", "new_uid", "name", *(each.value for each in _PARTIES))
    return {
        **dict.fromkeys(names, ""),
        "profile": Profile.RFC9052.value,
        "signs_endpoints": "on",
    }


def _read_release(parts: PlatformParts, form: Mapping[str, str]) -> ReleaseGiven:
    uid, number = form.get("uid", ""), read_number(form.get("number", ""))
    values = {
        **{role.value: form.get(role.value, "") for role in _PARTIES},
        "uid": uid,
        "number": 1 if number == "" else number,
        "profile": form.get("profile", ""),
        "signs_endpoints": bool(form.get("signs_endpoints")),
    }
    given = fill(ReleaseGiven, values)
    if number != "":
        return given
    with parts.database.reading() as session:
        return given.model_copy(
            update={"number": following.next_number(session, bytes.fromhex(given.uid))}
        )


def _read_uid(text: str) -> str:
    """The digits of a uid that is written as on the command line: text, or ``hex:`` and digits."""
    try:
        return uid_from_text(check_uid(text)).hex()
    except ValueError as error:
        raise bad_request(f"uid: {error}") from None
