"""The page on which an owner makes an offer: for which devices, and within which limits."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from tinycontainer.interfaces.syscalls import Syscall

from ...actor import PlatformScope
from ...fleet.devices import read_query
from ...fleet.finding import count_owned
from ...fleet.peers import offered_peers
from ...fleet.profiles import require_owner
from ...refusing import bad_request
from ...renting import offers
from ...renting.offers import NewOffer
from ..parts import PlatformParts
from ..renting_bodies import OfferGiven
from .forms import fill, read_form, read_number
from .rendering import PageWriter
from .route import attempt
from .visitors import Visitor, sending, visiting

Form = Annotated[Mapping[str, str], Depends(read_form)]
Deployer = Annotated[Visitor, Depends(sending(PlatformScope.DEPLOY))]
CALLS: Final = tuple(call.name.lower() for call in Syscall)
_BEGINNING: Final = {
    "name": "",
    "description": "",
    "query": "",
    "audience": "",
    "endpoints": "",
    "period_ms": "1000",
    "share_per_cent": "10",
    "days": "30",
    **dict.fromkeys((f"call-{each}" for each in CALLS), ""),
}
"""What the form has before anybody has filled it in."""
_PEERS: Final = "a line such as `local 7 in`, `remote 9 in out` or `container NAME 3 out`"


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of making an offer.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    def write(
        visitor: Visitor,
        form: Mapping[str, str],
        status: int = 200,
        refusal: str = "",
        count: int | None = None,
    ) -> Response:
        require_owner(visitor.actor)
        with parts.database.reading() as session:
            peers = offered_peers(session, visitor.actor, visitor.actor.organisation_id)
        return writer.write(
            "offering",
            visitor,
            status=status,
            refusal=refusal,
            values={**_BEGINNING, **form},
            calls=CALLS,
            count=count,
            peers=peers,
        )

    @router.get("/offers/new")
    def show_form(
        visitor: Annotated[Visitor, Depends(visiting(PlatformScope.DEPLOY))],
    ) -> Response:
        return write(visitor, {})

    @router.post("/offers/new/count")
    def count_devices(visitor: Deployer, form: Form) -> Response:
        def count() -> Response:
            require_owner(visitor.actor)
            wanted = read_query(form.get("query", ""))
            with parts.database.reading() as session:
                found = count_owned(session, visitor.actor.organisation_id, wanted)
            return write(visitor, form, count=found)

        return attempt(count, partial(write, visitor, form))

    @router.post("/offers")
    def add_offer(visitor: Deployer, form: Form) -> Response:
        def add() -> str:
            require_owner(visitor.actor)
            new = _read(form)
            with parts.changing(visitor.actor) as session:
                return f"/offers/{offers.add_offer(session, visitor.actor, new, parts.now_s()).id}"

        return attempt(add, partial(write, visitor, form))


def _read(form: Mapping[str, str]) -> NewOffer:
    limits = {
        "syscalls": [each for each in CALLS if form.get(f"call-{each}")],
        "endpoints": [_read_endpoint(each) for each in _lines(form.get("endpoints", ""))],
        **{
            name: read_number(form.get(name, ""))
            for name in ("period_ms", "share_per_cent", "days")
        },
    }
    given = fill(
        OfferGiven,
        {
            "name": form.get("name", ""),
            "description": " ".join(form.get("description", "").split()),
            "query": form.get("query", ""),
            "limits": limits,
            "audience": form.get("audience", "").replace(",", " ").split(),
        },
    )
    return NewOffer(given.name, given.description, given.query, given.limits, (*given.audience,))


def _lines(text: str) -> list[str]:
    return [each for each in text.splitlines() if each.strip()]


def _read_endpoint(line: str) -> dict[str, object]:
    """A peer that a container may reach, from a line.

    Raises:
        PlatformRefused: it is no such line.
    """
    words = line.replace(",", " ").split()
    uid = words.pop(1) if words[0] == "container" and len(words) > 1 else None
    if len(words) < 3:  # peer, endpoint, direction
        raise bad_request(f"endpoints: each of them is {_PEERS}")
    peer, endpoint, *directions = words
    return {
        "peer": peer,
        "peer_uid": uid,
        "peer_endpoint": read_number(endpoint),
        "directions": directions,
    }
