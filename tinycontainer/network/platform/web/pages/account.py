"""The page of whoever looks: the own password, and the tokens of the own programs."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from ...actor import PlatformScope
from ...people.identifying import read_scopes
from ...people.passwords import MIN_CHARACTERS
from ...people.tokens import list_tokens
from ...refusing import bad_request
from ..bodies import AddToken, ChangePerson, NumberPath
from ..parts import PlatformParts
from ..people import alter_person
from ..sessions import drop_program_token, make_program_token
from ..sources import source_address
from .forms import fill, read_form, read_number
from .rendering import PageWriter
from .route import attempt
from .visitors import Visitor, sending, visiting

Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]
Sender = Annotated[Visitor, Depends(sending(PlatformScope.READ))]
Form = Annotated[Mapping[str, str], Depends(read_form)]
MEANINGS: Final[Mapping[PlatformScope, str]] = {
    PlatformScope.READ: "look at everything that you see",
    PlatformScope.PUBLISH: "put releases into the catalogue, or withdraw them",
    PlatformScope.SIGN: "hand in signed tokens, decide on rentals",
    PlatformScope.DEPLOY: "bring releases to devices, change offers and devices",
    PlatformScope.ADMINISTER: "change keys, and read the metrics; never people",
}
"""What a token with a scope can do."""


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of the own account.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """
    write = partial(_write_account, parts, writer)

    @router.get("/account")
    def show_account(visitor: Reader) -> Response:
        return write(visitor, {})

    @router.post("/account/password")
    def change_password(request: Request, visitor: Sender, form: Form) -> Response:
        def change() -> str:
            if form.get("password") != form.get("again"):
                raise bad_request("password: is not the same both times")
            given = {"password": form.get("password", "")}
            current = {"current_password": form.get("current", "")}
            address = source_address(request, parts)
            name = visitor.actor.person
            alter_person(
                parts, visitor.caller, name, fill(ChangePerson, {**given, **current}), address
            )
            return "/account"

        return attempt(change, partial(write, visitor, {}))

    @router.post("/account/tokens")
    def make_token(visitor: Sender, form: Form) -> Response:
        def make() -> Response:
            given = {
                "name": form.get("name", ""),
                "scopes": [each.value for each in PlatformScope if form.get(f"scope-{each}")],
                "days": read_number(form.get("days", "")),
            }
            made = make_program_token(parts, visitor.caller, fill(AddToken, given))
            return writer.write(
                "once",
                visitor,
                title=f"The token {made.name}",
                secret=made.token,
                advice="Put it where your program finds it, such as a file that only it can read:"
                " it acts in your name.",
                back="/account",
            )

        return attempt(make, partial(write, visitor, form))

    @router.post("/account/tokens/{number}/delete")
    def delete_token(visitor: Sender, number: NumberPath) -> Response:
        def delete() -> str:
            drop_program_token(parts, visitor.caller, number)
            return "/account"

        return attempt(delete, partial(write, visitor, {}))


def _write_account(
    parts: PlatformParts,
    writer: PageWriter,
    visitor: Visitor,
    form: Mapping[str, str],
    status: int = 200,
    refusal: str = "",
) -> Response:
    most_days = int(parts.limits.token_days)
    with parts.database.reading() as session:
        tokens = list_tokens(session, visitor.caller.person_id)
        return writer.write(
            "account",
            visitor,
            live=True,
            status=status,
            refusal=refusal,
            right=visitor.caller.right.value,
            tokens=[(each, sorted(read_scopes(each))) for each in tokens],
            scopes=[
                (each.value, meaning)
                for each, meaning in MEANINGS.items()
                if visitor.actor.may(each)
            ],
            most_days=most_days,
            least_characters=MIN_CHARACTERS,
            values=_values(form, most_days),
            now_s=parts.now_s(),
        )


def _values(form: Mapping[str, str], most_days: int) -> dict[str, str]:
    """What the form of a token has: what was filled in, or what it begins with."""
    unticked = {f"scope-{each}": "" for each in PlatformScope}
    beginning = {"name": "", "days": str(min(90, most_days))}
    return {**beginning, **unticked, **(form or {"scope-read": "on"})}
