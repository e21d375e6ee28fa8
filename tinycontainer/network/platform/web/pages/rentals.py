"""Pages of rentals: who uses whose devices until when, and what an owner decides."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from tinycontainer.interfaces.syscalls import allowed

from ...actor import Actor, PlatformScope
from ...renting import offers, rentals
from ...renting.rental import RentalState
from ...tables.renting import RentalRow
from ..bodies import MAX_NUMBER, NumberPath
from ..parts import PlatformParts
from ..renting_bodies import RentalListed, RentalShown
from .addresses import address_of
from .lanes import write_withdrawal
from .rendering import PageWriter
from .route import attempt
from .timeline import make_timeline
from .visitors import Visitor, sending, visiting

PAGE: Final = 50
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]
Signer = Annotated[Visitor, Depends(sending(PlatformScope.SIGN))]
Deployer = Annotated[Visitor, Depends(sending(PlatformScope.DEPLOY))]


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of rentals.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """
    _add_looking(router, parts, writer)
    _add_deciding(router, parts, writer)


def _add_looking(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    @router.get("/rentals")
    def list_rentals(
        visitor: Reader, before: Annotated[int, Query(ge=1, le=MAX_NUMBER)] = MAX_NUMBER
    ) -> Response:
        now_s = parts.now_s()
        with parts.database.reading() as session:
            rows = rentals.list_rentals(session, visitor.actor, before, PAGE + 1)
            names = rentals.names_of(session, rows)
            return writer.write(
                "rentals",
                visitor,
                live=True,
                rentals=[RentalListed.of(row, names, now_s) for row in rows[:PAGE]],
                following=rows[PAGE - 1].id if len(rows) > PAGE else None,
            )

    @router.get("/rentals/{number}")
    def show_rental(request: Request, visitor: Reader, number: NumberPath) -> Response:
        return _write_rental(parts, writer, visitor, number, request)


def _add_deciding(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    def decide(
        decided: Callable[[Session, Actor, int, float], RentalRow],
        visitor: Visitor,
        number: int,
        request: Request,
    ) -> Response:
        def change() -> str:
            with parts.changing(visitor.actor) as session:
                decided(session, visitor.actor, number, parts.now_s())
            return f"/rentals/{number}"

        return attempt(
            change,
            partial(_write_rental, parts, writer, visitor, number, request),
        )

    @router.post("/rentals/{number}/grant")
    def grant_rental(request: Request, visitor: Signer, number: NumberPath) -> Response:
        return decide(rentals.grant_rental, visitor, number, request)

    @router.post("/rentals/{number}/refuse")
    def refuse_rental(request: Request, visitor: Signer, number: NumberPath) -> Response:
        return decide(rentals.refuse_rental, visitor, number, request)

    @router.post("/rentals/{number}/take-back")
    def take_back_rental(request: Request, visitor: Deployer, number: NumberPath) -> Response:
        return decide(rentals.take_back_rental, visitor, number, request)


def _write_rental(
    parts: PlatformParts,
    writer: PageWriter,
    visitor: Visitor,
    number: int,
    request: Request,
    status: int = 200,
    refusal: str = "",
) -> Response:
    own, now_s = visitor.actor.organisation_id, parts.now_s()
    with parts.database.reading() as session:
        row = rentals.find_rental(session, visitor.actor, number)
        shown = RentalShown.of(row, rentals.names_of(session, (row,)), now_s)
        is_asked = shown.state == RentalState.ASKED.value
        is_granted = shown.state == RentalState.GRANTED.value
        is_owner, is_developer = row.release.owner_id == own, row.release.developer_id == own
        withdraw = write_withdrawal(shown.uid, address_of(request, parts))
        return writer.write(
            "rental",
            visitor,
            live=True,
            status=status,
            refusal=refusal,
            rental=shown,
            steps=make_timeline(shown, now_s),
            calls=_calls_of(row),
            devices=offers.count_offered(session, row.offer),
            can_see_offer=is_owner or is_developer,
            can_sign=is_granted and is_owner and row.release.completed_s is None,
            can_decide=is_asked and is_owner and visitor.may("sign"),
            can_take_back=is_asked and is_developer and visitor.may("deploy"),
            signs_in_page=parts.signs_in_page,
            withdraw=withdraw if is_granted and is_owner and visitor.may("sign") else "",
        )


def _calls_of(row: RentalRow) -> list[str]:
    """The system calls that the code of a rental's release asks for."""
    return [call.name.lower() for call in allowed(row.release.syscalls or 0)]
