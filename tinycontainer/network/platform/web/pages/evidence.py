"""Pages of evidence: what has happened on devices, and how far they have proved it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from tinycontainer.files.fields import uid_from_text
from tinycontainer.state import MAX_COUNT
from tinycontainer_tokens import Role

from ...actor import PlatformScope
from ...evidence.asking import EvidenceTrouble
from ...evidence.content import EvidenceKind
from ...evidence.listing import EvidenceQuestion, list_evidence
from ...evidence.proofs import DeviceProof, ProofState, count_proofs, list_proofs
from ...evidence.views import kinds_shown
from ...fleet.devices import find_device
from ...refusing import PlatformRefused, bad_request
from ..evidence import EvidenceListed
from ..fleet_bodies import NAME_PATTERN, AfterName
from ..parts import PlatformParts
from .addresses import address_of
from .rendering import PageWriter, write_command
from .route import write_refusal
from .visitors import Visitor, visiting

PAGE: Final = 100
MOST_TROUBLES: Final = 10
MOST_CHARACTERS: Final = 240
"""Of the words of an event; all of them are in what can be downloaded."""
_DEVICE: Final = re.compile(NAME_PATTERN)
Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]
TROUBLES: Final[Mapping[EvidenceTrouble, str]] = {
    EvidenceTrouble.FORM: "what it sends has a form that cannot be read",
    EvidenceTrouble.SIGNATURE: "its signature is not the one of its key",
    EvidenceTrouble.NONCE: "its statement answers another question, such as an old one",
    EvidenceTrouble.EVENTS: "its events are not those that it has signed",
    EvidenceTrouble.UNANSWERED: "it gives no answer that can be used",
    EvidenceTrouble.ANEW: "it was set up anew, and does not go on with what it had proved",
    EvidenceTrouble.GAP: "it no longer keeps some events that came meanwhile",
}
"""What does not fit, in words."""


@dataclass(frozen=True, slots=True)
class EvidenceFilter:
    """What somebody wants to see, as it stands in the address.

    Attributes:
        device: name of the device; empty for all.
        container: its uid, as the command line takes it; empty for all.
        kind: of events; empty for all.
        before: id of the event before which they begin; None for the newest.
    """

    device: str
    container: str
    kind: str
    before: int | None

    def question(self, session: Session, visitor: Visitor) -> EvidenceQuestion:
        """Which events are meant.

        Raises:
            PlatformRefused: there is no such device that this one sees, or it is no uid or kind.
        """
        number = None
        if self.device:
            if _DEVICE.fullmatch(self.device) is None:
                raise bad_request("device: is no name of a device")
            number = find_device(session, visitor.actor, self.device).id
        kind = EvidenceKind(self.kind) if self.kind in {*EvidenceKind} else None
        if self.kind and kind is None:
            raise bad_request("kind: is none of those that events have")
        return EvidenceQuestion(number, _read_uid(self.container), kind, self.before)


def _read_filter(
    device: Annotated[str, Query(max_length=63)] = "",
    container: Annotated[str, Query(max_length=255)] = "",
    kind: Annotated[str, Query(max_length=16)] = "",
    before: Annotated[int | None, Query(ge=1, le=MAX_COUNT)] = None,
) -> EvidenceFilter:
    return EvidenceFilter(device.strip(), container.strip(), kind, before)


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the routes of evidence.

    Args:
        router: that gets them.
        parts: what they work on.
        writer: makes the pages.
    """

    @router.get("/evidence")
    def show_evidence(
        request: Request,
        visitor: Reader,
        asked: Annotated[EvidenceFilter, Depends(_read_filter)],
    ) -> Response:
        actor, refusal, status = visitor.actor, "", 200
        with parts.database.reading() as session:
            try:
                found = list_evidence(session, actor, asked.question(session, visitor), PAGE + 1)
            except PlatformRefused as refused:
                found, refusal, status = (), write_refusal(refused), refused.status
            proofs = list_proofs(session, actor, "", 1, device=asked.device) if asked.device else ()
            trouble = ProofState.TROUBLE
            return writer.write(
                "evidence",
                visitor,
                live=asked.before is None,
                status=status,
                refusal=refusal,
                asked=asked,
                events=[EvidenceListed.of(each) for each in found[:PAGE]],
                following=found[PAGE - 1].id if len(found) > PAGE else None,
                kinds=_kinds_of(visitor),
                has_devices=_has_devices(visitor),
                views=[(role, _describe_view(role), role in actor.roles) for role in Role],
                counts=count_proofs(session, actor),
                troubled=list_proofs(session, actor, "", MOST_TROUBLES, state=trouble),
                troubles=TROUBLES,
                proof=next(iter(proofs), None),
                command=_command_for(request, parts, proofs),
                most_characters=MOST_CHARACTERS,
            )

    @router.get("/evidence/devices")
    def list_devices(
        visitor: Reader, state: ProofState | None = None, after: AfterName = ""
    ) -> Response:
        with parts.database.reading() as session:
            found = list_proofs(session, visitor.actor, after, PAGE + 1, state=state)
            return writer.write(
                "proofs",
                visitor,
                live=True,
                proofs=found[:PAGE],
                following=found[PAGE - 1].device if len(found) > PAGE else "",
                counts=count_proofs(session, visitor.actor),
                state=state,
                troubles=TROUBLES,
            )


def _read_uid(text: str) -> bytes | None:
    if not text:
        return None
    try:
        return uid_from_text(text)
    except ValueError as error:
        raise bad_request(f"container: {error}") from None


def _command_for(request: Request, parts: PlatformParts, proofs: tuple[DeviceProof, ...]) -> str:
    """The command that checks a device on another machine; empty if no device is meant."""
    files = ("--key", "evidence.pub", "--token", "platform.token")
    for each in proofs:
        return write_command("evidence", address_of(request, parts), each.device, *files)
    return ""


def _has_devices(visitor: Visitor) -> bool:
    return any(visitor.has_role(each) for each in (Role.OWNER, Role.INFRASTRUCTURE))


def _kinds_of(visitor: Visitor) -> list[str]:
    """The kinds of events that somebody can see anything of."""
    seen = frozenset[EvidenceKind]().union(*(kinds_shown(each) for each in visitor.actor.roles))
    return [each.value for each in EvidenceKind if each in seen]


def _describe_view(role: Role) -> str:
    """What a party sees, in one line."""
    if role is Role.OWNER:
        return "all that happens on its devices, in the words of the devices"
    if role is Role.INFRASTRUCTURE:
        return "all that happens on devices that it operates, without their own words"
    kinds = [each.value for each in EvidenceKind if each in kinds_shown(role)]
    listed = f"{', '.join(kinds[:-1])} and {kinds[-1]}"
    whose = "its containers" if role is Role.DEVELOPER else "containers with its data"
    return f"{listed} of {whose}; no device by its name"
