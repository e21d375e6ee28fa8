"""What devices have said and proved, over HTTP."""

from base64 import b64encode
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from tinycontainer.state import MAX_COUNT
from tinycontainer.text import show

from ..actor import Actor, PlatformScope
from ..evidence.content import EvidenceKind
from ..evidence.handing_out import HandedEvidence, hand_out
from ..evidence.known import PAGE
from ..evidence.listing import EvidenceQuestion, SeenEvent, list_evidence
from ..evidence.views import EvidenceField
from ..fleet.devices import find_device
from ..fleet.evidence_keys import fingerprint_of_evidence_key
from .bodies import JsonAnswer
from .callers import caller
from .fleet_bodies import NAME_PATTERN, NamePath
from .parts import PlatformParts


class EvidenceListed(JsonAnswer):
    """An event; null is what the organisation does not see, or what the event does not say."""

    id: int
    kind: EvidenceKind
    uid: str | None
    """Of the container, in hexadecimal digits."""
    release: int | None
    """Number of the release that the device had, or was to have, when the event came."""
    at_s: int | None
    """Unix time of the device."""
    reason: str | None
    is_proved: bool | None
    """Whether the device has signed it, and nobody has changed it."""
    pseudonym: str | None
    """The same for all events of a device, and another one for each organisation."""
    device: str | None
    series: int | None
    number: int | None
    """Of the event, on the device."""
    before: str | None
    """State of the container."""
    after: str | None
    words: str | None
    """The event as the device has it."""

    @classmethod
    def of(cls, event: SeenEvent) -> "EvidenceListed":
        """From what is seen of it."""
        seen = event.values
        uid = seen.get(EvidenceField.UID)
        series, number = seen.get(EvidenceField.PLACE, (None, None))
        before, after = seen.get(EvidenceField.STATES, (None, None))
        return cls(
            id=event.id,
            kind=event.kind,
            uid=None if uid is None else uid.hex(),
            release=seen.get(EvidenceField.RELEASE),
            at_s=seen.get(EvidenceField.TIME),
            reason=seen.get(EvidenceField.REASON),
            is_proved=seen.get(EvidenceField.PROVED),
            pseudonym=seen.get(EvidenceField.PSEUDONYM),
            device=seen.get(EvidenceField.DEVICE),
            series=series,
            number=number,
            before=before,
            after=after,
            words=seen.get(EvidenceField.WORDS),
        )


class EvidencesListed(JsonAnswer):
    """Events, the newest first."""

    events: list[EvidenceListed]
    next: int | None
    """The value of `before` for those that follow; null if there are no more."""


class EventHanded(JsonAnswer):
    """An event as the device has given it."""

    number: int
    content: str = Field(description="in base64")
    is_proved: bool


class EvidenceProblem(JsonAnswer):
    """What did not fit last."""

    reason: str
    detail: str
    since_s: float
    until_s: float | None
    """When all fitted again; null if it does not."""


class EvidenceHanded(JsonAnswer):
    """All that is needed to check a device's events elsewhere, with its public key."""

    device: str
    key: str | None
    """SHA-256 of the public key; null if the owner has given none."""
    statement: str | None
    """The newest one that was good, in base64."""
    nonce: str | None
    """That was drawn for it, in hexadecimal digits."""
    stated_s: float | None
    """When it came here."""
    series: int
    """In which no event is missing; 0 if the device was never asked."""
    series_s: float | None
    """When it began here."""
    chain: str
    """The chain value before the first of these events, in hexadecimal digits."""
    events: list[EventHanded]
    next: int | None
    """The value of `since` for those that follow; null if there are no more."""
    problem: EvidenceProblem | None

    @classmethod
    def of(cls, found: HandedEvidence) -> "EvidenceHanded":
        """From what was found."""
        row, key = found.row, found.device.evidence_key
        statement = None if row is None else row.statement
        nonce = None if row is None else row.nonce
        return cls(
            device=found.device.name,
            key=None if key is None else fingerprint_of_evidence_key(key),
            statement=None if statement is None else b64encode(statement).decode(),
            nonce=None if nonce is None else nonce.hex(),
            stated_s=None if row is None else row.stated_s,
            series=0 if row is None else row.series,
            series_s=None if row is None else row.series_s,
            chain=found.chain.hex(),
            events=[
                EventHanded(
                    number=each.number,
                    content=b64encode(each.content).decode(),
                    is_proved=each.is_proved,
                )
                for each in found.events
            ],
            next=found.following,
            problem=_problem_of(found),
        )


def _problem_of(found: HandedEvidence) -> EvidenceProblem | None:
    row = found.row
    if row is None or not row.problem or row.problem_s is None:
        return None
    return EvidenceProblem(
        reason=row.problem,
        detail=show(row.problem_detail),
        since_s=row.problem_s,
        until_s=row.problem_until_s,
    )


def make_router(parts: PlatformParts) -> APIRouter:
    """The routes of evidence."""
    router = APIRouter(prefix="/api", tags=["evidence"])
    reader = Annotated[Actor, Depends(caller(PlatformScope.READ))]

    @router.get("/evidence")
    def list_events(
        actor: reader,
        device: Annotated[str | None, Query(pattern=NAME_PATTERN)] = None,
        uid: Annotated[str | None, Query(pattern="^([0-9a-f]{2}){1,63}$")] = None,
        kind: EvidenceKind | None = None,
        before: Annotated[int | None, Query(ge=1, le=MAX_COUNT)] = None,
    ) -> EvidencesListed:
        """What has happened, as far as it is the organisation's business, the newest first."""
        with parts.database.reading() as session:
            number = None if device is None else find_device(session, actor, device).id
            bare = None if uid is None else bytes.fromhex(uid)
            asked = EvidenceQuestion(number, bare, kind, before)
            found = list_evidence(session, actor, asked, PAGE + 1)
        following = found[PAGE - 1].id if len(found) > PAGE else None
        shown = [EvidenceListed.of(each) for each in found[:PAGE]]
        return EvidencesListed(events=shown, next=following)

    @router.get("/devices/{name}/evidence")
    def hand_out_evidence(
        actor: reader, name: NamePath, since: Annotated[int, Query(ge=0, le=MAX_COUNT)] = 0
    ) -> EvidenceHanded:
        """What a device has signed, and the events that it covers, to be checked elsewhere."""
        with parts.database.reading() as session:
            return EvidenceHanded.of(hand_out(session, find_device(session, actor, name), since))

    return router
