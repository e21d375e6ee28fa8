"""The page of the own organisation: its people, its keys and its gateways."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from tinycontainer_tokens import Role

from ...actor import PersonRight, PlatformScope
from ...catalogue import keys
from ...people.organisation import count_people, list_people
from ..bodies import LOGIN_PATTERN
from ..catalogue import Digest, KeyGiven, KeyShown
from ..parts import PlatformParts
from .forms import fill, read_form
from .rendering import PageWriter
from .route import attempt
from .visitors import Visitor, sending, visiting

PAGE: Final = 100
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]
Admin = Annotated[Visitor, Depends(sending(PlatformScope.ADMINISTER))]
Form = Annotated[Mapping[str, str], Depends(read_form)]
_UNFILLED: Final = {"person": "", "right": "member", "key_name": "", "role": "", "public": ""}


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of the organisation and its keys.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    @router.get("/organisation")
    def show_organisation(
        visitor: Reader, after: Annotated[str, Query(pattern=rf"{LOGIN_PATTERN}|^$")] = ""
    ) -> Response:
        return write_organisation(parts, writer, visitor, {}, after=after)

    @router.post("/organisation/keys")
    def add_key(visitor: Admin, form: Form) -> Response:
        def add() -> str:
            given = {
                "role": form.get("role", ""),
                "name": form.get("key_name", ""),
                "public": form.get("public", "").replace("\r\n", "\n"),
            }
            key = fill(KeyGiven, given)
            with parts.changing(visitor.actor) as session:
                content = key.public.encode()
                keys.add_key(session, visitor.actor, key.role, key.name, content, parts.now_s())
            return "/organisation"

        # A private key that somebody has sent by mistake is not sent back.
        again = {**form, "public": ""}
        return attempt(add, partial(write_organisation, parts, writer, visitor, again))

    @router.post("/organisation/keys/{fingerprint}/withdraw")
    def withdraw_key(visitor: Admin, fingerprint: Digest) -> Response:
        def withdraw() -> str:
            with parts.changing(visitor.actor) as session:
                keys.withdraw_key(session, visitor.actor, fingerprint, parts.now_s())
            return "/organisation"

        return attempt(withdraw, partial(write_organisation, parts, writer, visitor, {}))


def write_organisation(
    parts: PlatformParts,
    writer: PageWriter,
    visitor: Visitor,
    form: Mapping[str, str],
    status: int = 200,
    refusal: str = "",
    after: str = "",
) -> Response:
    """The page of the organisation.

    Args:
        parts: what it works on.
        writer: makes the page.
        visitor: who looks at it.
        form: what was filled in and refused.
        status: of HTTP.
        refusal: why something was not done.
        after: name after which people begin.
    """
    actor = visitor.actor
    with parts.database.reading() as session:
        people = list_people(session, actor.organisation_id, after, PAGE + 1)
        return writer.write(
            "organisation",
            visitor,
            live=True,
            status=status,
            refusal=refusal,
            people=people[:PAGE],
            count=count_people(session, actor.organisation_id),
            following=people[PAGE - 1].name if len(people) > PAGE else "",
            keys=[KeyShown.of(each) for each in keys.keys_of(session, actor.organisation_id)],
            gateways=sorted(
                name for name, owner in parts.gateways.items() if owner == actor.organisation
            ),
            can_change=visitor.may("administer"),
            rights=[each.value for each in PersonRight],
            roles=[each.value for each in Role if each in actor.roles],
            values={**_UNFILLED, **form},
        )
