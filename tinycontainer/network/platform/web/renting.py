"""Offers and rentals over HTTP: who may use the devices of an owner, when, and within what."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session

from ..actor import Actor, PlatformScope
from ..renting import asking, offers, rentals
from ..renting.offers import NewOffer
from ..tables.renting import OfferRow, RentalRow
from .bodies import MAX_NUMBER, NumberPath
from .callers import caller
from .parts import PlatformParts
from .renting_bodies import (
    OfferChange,
    OfferGiven,
    OfferListed,
    OfferShown,
    OffersShown,
    RentalGiven,
    RentalListed,
    RentalShown,
    RentalsShown,
)

PAGE: Final = 100
Before = Annotated[int, Query(ge=1, le=MAX_NUMBER)]


def make_router(parts: PlatformParts) -> APIRouter:
    """The routes of offers and rentals."""
    router = APIRouter(prefix="/api", tags=["renting"])
    _add_offers(router, parts)
    _add_rentals(router, parts)
    _add_deciding(router, parts)
    return router


def _add_offers(router: APIRouter, parts: PlatformParts) -> None:
    reader = Annotated[Actor, Depends(caller(PlatformScope.READ))]
    deployer = Annotated[Actor, Depends(caller(PlatformScope.DEPLOY))]

    @router.get("/offers")
    def list_offers(actor: reader, before: Before = MAX_NUMBER) -> OffersShown:
        """The offers that the organisation sees, the newest first, a page of them."""
        with parts.database.reading() as session:
            rows = offers.list_offers(session, actor, before, PAGE + 1)
            following = rows[PAGE - 1].id if len(rows) > PAGE else None
            return OffersShown(offers=[*map(OfferListed.of, rows[:PAGE])], next=following)

    @router.post("/offers", status_code=201)
    def add_offer(actor: deployer, given: OfferGiven) -> OfferShown:
        """As an owner: offer devices to others, within limits."""
        new = NewOffer(
            name=given.name,
            description=given.description,
            query=given.query,
            limits=given.limits,
            audience=tuple(given.audience),
        )
        with parts.changing(actor) as session:
            return _show_offer(session, actor, offers.add_offer(session, actor, new, parts.now_s()))

    @router.get("/offers/{number}")
    def show_offer(actor: reader, number: NumberPath) -> OfferShown:
        """An offer; which devices it is for, its owner alone sees."""
        with parts.database.reading() as session:
            return _show_offer(session, actor, offers.find_offer(session, actor, number))

    @router.patch("/offers/{number}")
    def change_offer(actor: deployer, number: NumberPath, given: OfferChange) -> OfferShown:
        """As the owner: close an offer, or open it again."""
        with parts.changing(actor) as session:
            row = offers.open_offer(
                session, actor, number, is_open=given.is_open, now_s=parts.now_s()
            )
            return _show_offer(session, actor, row)


def _add_rentals(router: APIRouter, parts: PlatformParts) -> None:
    reader = Annotated[Actor, Depends(caller(PlatformScope.READ))]

    @router.get("/rentals")
    def list_rentals(actor: reader, before: Before = MAX_NUMBER) -> RentalsShown:
        """The rentals that the organisation sees, the newest first, a page of them."""
        now_s = parts.now_s()
        with parts.database.reading() as session:
            rows = rentals.list_rentals(session, actor, before, PAGE + 1)
            names = rentals.names_of(session, rows)
            following = rows[PAGE - 1].id if len(rows) > PAGE else None
            shown = [RentalListed.of(row, names, now_s) for row in rows[:PAGE]]
            return RentalsShown(rentals=shown, next=following)

    @router.post("/rentals", status_code=201)
    def ask_rental(
        actor: Annotated[Actor, Depends(caller(PlatformScope.DEPLOY))], given: RentalGiven
    ) -> RentalShown:
        """As the developer: ask to use the devices of an offer with a release."""
        with parts.changing(actor) as session:
            now_s = parts.now_s()
            row = asking.ask_rental(
                session,
                actor,
                given.offer,
                bytes.fromhex(given.uid),
                given.number,
                given.from_s,
                given.until_s,
                now_s,
            )
            return RentalShown.of(row, rentals.names_of(session, (row,)), now_s)

    @router.get("/rentals/{number}")
    def show_rental(actor: reader, number: NumberPath) -> RentalShown:
        """A rental, and in what its release is beyond the offer."""
        with parts.database.reading() as session:
            row = rentals.find_rental(session, actor, number)
            return RentalShown.of(row, rentals.names_of(session, (row,)), parts.now_s())


def _add_deciding(router: APIRouter, parts: PlatformParts) -> None:
    signer = Annotated[Actor, Depends(caller(PlatformScope.SIGN))]

    def decide(
        decided: Callable[[Session, Actor, int, float], RentalRow], actor: Actor, number: int
    ) -> RentalShown:
        with parts.changing(actor) as session:
            now_s = parts.now_s()
            row = decided(session, actor, number, now_s)
            return RentalShown.of(row, rentals.names_of(session, (row,)), now_s)

    @router.post("/rentals/{number}/grant")
    def grant_rental(actor: signer, number: NumberPath) -> RentalShown:
        """As the owner: allow what the code asks for, until the rental ends; then sign that."""
        return decide(rentals.grant_rental, actor, number)

    @router.post("/rentals/{number}/refuse")
    def refuse_rental(actor: signer, number: NumberPath) -> RentalShown:
        """As the owner: do not grant a rental."""
        return decide(rentals.refuse_rental, actor, number)

    @router.post("/rentals/{number}/take-back")
    def take_back_rental(
        actor: Annotated[Actor, Depends(caller(PlatformScope.DEPLOY))], number: NumberPath
    ) -> RentalShown:
        """As the developer: do not ask any more."""
        return decide(rentals.take_back_rental, actor, number)


def _show_offer(session: Session, actor: Actor, row: OfferRow) -> OfferShown:
    devices = offers.count_offered(session, row)
    if row.owner_id == actor.organisation_id:
        return OfferShown.for_owner(row, devices)
    return OfferShown.for_others(row, devices)
