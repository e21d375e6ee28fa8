"""Pages of offers: what owners offer, and the form by which a developer asks for it."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from tinycontainer_tokens import Role

from ...actor import PlatformScope
from ...catalogue.releases import list_releases
from ...renting import asking, offers
from ...tables.renting import OfferRow
from ..bodies import MAX_NUMBER, NumberPath
from ..parts import PlatformParts
from ..release_bodies import ReleaseListed
from ..renting_bodies import OfferListed, OfferShown, RentalGiven
from .forms import fill, read_form, read_moment, read_number
from .moments import write_minute
from .rendering import PageWriter
from .route import attempt
from .visitors import Visitor, sending, visiting

PAGE: Final = 50
MOST_CHOICES: Final = 100
"""Of the newest releases, those that can be chosen."""
Before = Annotated[int, Query(ge=1, le=MAX_NUMBER)]
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]
Deployer = Annotated[Visitor, Depends(sending(PlatformScope.DEPLOY))]
_DAY_S: Final = 86_400
Form = Annotated[Mapping[str, str], Depends(read_form)]


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of offers.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """
    _add_looking(router, parts, writer)
    _add_changing(router, parts, writer)


def _add_looking(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    @router.get("/offers")
    def list_offers(visitor: Reader, before: Before = MAX_NUMBER) -> Response:
        with parts.database.reading() as session:
            rows = offers.list_offers(session, visitor.actor, before, PAGE + 1)
            return writer.write(
                "offers",
                visitor,
                live=True,
                can_offer=visitor.may("deploy") and visitor.has_role(Role.OWNER),
                offers=[OfferListed.of(row) for row in rows[:PAGE]],
                following=rows[PAGE - 1].id if len(rows) > PAGE else None,
            )

    @router.get("/offers/{number}")
    def show_offer(visitor: Reader, number: NumberPath) -> Response:
        return _write_offer(parts, writer, visitor, number, {})


def _add_changing(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    def open_offer(visitor: Visitor, number: int, *, is_open: bool) -> Response:
        def change() -> str:
            with parts.changing(visitor.actor) as session:
                offers.open_offer(
                    session, visitor.actor, number, is_open=is_open, now_s=parts.now_s()
                )
            return f"/offers/{number}"

        return attempt(change, partial(_write_offer, parts, writer, visitor, number, {}))

    @router.post("/offers/{number}/close")
    def close(visitor: Deployer, number: NumberPath) -> Response:
        return open_offer(visitor, number, is_open=False)

    @router.post("/offers/{number}/open")
    def open_again(visitor: Deployer, number: NumberPath) -> Response:
        return open_offer(visitor, number, is_open=True)

    @router.post("/offers/{number}/rentals")
    def ask_rental(visitor: Deployer, number: NumberPath, form: Form) -> Response:
        def ask() -> str:
            given = _read(number, form)
            with parts.changing(visitor.actor) as session:
                row = asking.ask_rental(
                    session,
                    visitor.actor,
                    given.offer,
                    bytes.fromhex(given.uid),
                    given.number,
                    given.from_s,
                    given.until_s,
                    parts.now_s(),
                )
                return f"/rentals/{row.id}"

        return attempt(ask, partial(_write_offer, parts, writer, visitor, number, form))


def _read(offer: int, form: Mapping[str, str]) -> RentalGiven:
    uid, _, number = form.get("release", "").partition("/")
    given = {
        "offer": offer,
        "uid": uid,
        "number": read_number(number),
        "from_s": read_moment(form.get("from", "")),
        "until_s": read_moment(form.get("until", "")),
    }
    return fill(RentalGiven, given)


def _write_offer(
    parts: PlatformParts,
    writer: PageWriter,
    visitor: Visitor,
    number: int,
    form: Mapping[str, str],
    status: int = 200,
    refusal: str = "",
) -> Response:
    with parts.database.reading() as session:
        row = offers.find_offer(session, visitor.actor, number)
        devices = offers.count_offered(session, row)
        is_own = row.owner_id == visitor.actor.organisation_id
        asks = row.is_open and visitor.may("deploy") and visitor.has_role(Role.DEVELOPER)
        return writer.write(
            "offer",
            visitor,
            status=status,
            refusal=refusal,
            offer=OfferShown.for_owner(row, devices)
            if is_own
            else OfferShown.for_others(row, devices),
            can_change=is_own and visitor.may("deploy"),
            can_ask=asks,
            releases=_choices(session, visitor, row) if asks else [],
            live=True,
            values={**_beginning(row, parts.now_s()), **form},
        )


def _beginning(row: OfferRow, now_s: float) -> dict[str, str]:
    """What the form has before anybody has filled it in: from now on, as long as is offered."""
    until_s = now_s + offers.limits_of(row).days * _DAY_S
    return {"release": "", "from": write_minute(now_s), "until": write_minute(until_s)}


def _choices(session: Session, visitor: Visitor, offer: OfferRow) -> list[ReleaseListed]:
    """Releases with which a developer can ask for an offer, among the newest ones."""
    rows = list_releases(session, visitor.actor, MAX_NUMBER, MOST_CHOICES)
    return [
        ReleaseListed.of(row)
        for row in rows
        if row.developer_id == visitor.actor.organisation_id
        and row.owner_id == offer.owner_id
        and row.bundle_sha256 is None
    ]
