"""Pages of the audit: what was done in the own organisation, and whether its chain is unbroken."""

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from ...actor import PlatformScope
from ...audit import DeedQuestion, list_deeds, verify_part
from ...tables.people import AuditEntry
from ..bodies import MAX_NUMBER
from ..fleet_bodies import LAST_S
from ..parts import PlatformParts
from .moments import write_moment
from .rendering import PageWriter
from .visitors import Visitor, visiting

PAGE: Final = 100
MOST_LINKS: Final = 2_000
"""Entries of the chain that are looked at for one page."""
MOST_VALUES: Final = 12
"""Of the details of one deed."""
MOST_CHARACTERS: Final = 240
"""Of one of them; the API has all of it."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SHORT_DIGITS: Final = 16
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]
Number = Annotated[int, Query(ge=1, le=MAX_NUMBER)]
AskedWord = Annotated[str, Query(max_length=255)]


@dataclass(frozen=True, slots=True)
class DeedShown:
    """A deed, as people read it.

    Attributes:
        entry: of the audit.
        words: what was done.
        details: more about it: names, values, and these shortened.
    """

    entry: AuditEntry
    words: str
    details: list[tuple[str, str, str]]


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of the audit.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    @router.get("/audit")
    def show_audit(
        visitor: Reader,
        before: Number = MAX_NUMBER,
        deed: AskedWord = "",
        person: AskedWord = "",
        subject: AskedWord = "",
    ) -> Response:
        asked = DeedQuestion(deed.strip().replace(" ", "-"), person.strip(), subject.strip())
        with parts.database.reading() as session:
            found = list_deeds(session, visitor.actor, asked, before, PAGE)
            return writer.write(
                "audit",
                visitor,
                live=before == MAX_NUMBER,
                deeds=[
                    DeedShown(each, each.deed.replace("-", " "), _read_shortened(each.detail))
                    for each in found.entries
                ],
                following=found.following,
                asked=asked,
            )

    @router.get("/audit/chain")
    def show_chain(visitor: Reader, last: Number = MAX_NUMBER) -> Response:
        with parts.database.reading() as session:
            part = verify_part(session, last, MOST_LINKS)
        return writer.write("chain", visitor, part=part)


def read_details(text: str) -> list[tuple[str, str]]:
    """The details of a deed as names and values.

    Args:
        text: JSON, as the audit has it; shown as it is if somebody has changed it.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        return [("", text)]
    found = [(name, value) for name, value in values.items() if value is not None]
    shown = [_write(name, value) for name, value in found[:MOST_VALUES]]
    more = len(found) - MOST_VALUES
    return [*shown, ("", f"and {more} more")] if more > 0 else shown


def _read_shortened(text: str) -> list[tuple[str, str, str]]:
    values = [(name, _cut(value)) for name, value in read_details(text)]
    return [(name, value, _shorten(value)) for name, value in values]


def _cut(value: str) -> str:
    return value if len(value) <= MOST_CHARACTERS else f"{value[:MOST_CHARACTERS]}..."


def _shorten(value: str) -> str:
    return f"{value[:_SHORT_DIGITS]}..." if _DIGEST.fullmatch(value) else value


def _write(name: str, value: Any) -> tuple[str, str]:
    is_time = name.endswith("_s") and type(value) in (int, float) and 0 <= value <= LAST_S
    if is_time:
        return _write_name(name.removesuffix("_s")), write_moment(value)
    return _write_name(name), _write_value(value)


def _write_name(name: str) -> str:
    return name.removeprefix("is_").replace("_", " ")


def _write_value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        pairs = (f"{name}={_write_value(each)}" for name, each in value.items())
        return ", ".join(pairs) or "none"
    if isinstance(value, list):
        return ", ".join(map(_write_value, value)) or "none"
    return "none" if value is None else str(value)
