"""The page of a device: what it runs, its last minute, what it refuses, its log and its history."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from ...actor import Actor, PlatformScope
from ...catalogue.releases import name_of
from ...catalogue.visibility import is_party
from ...delivery.usage import ReportedUsage
from ...evidence.content import EvidenceKind
from ...evidence.listing import EvidenceQuestion, SeenEvent, list_evidence
from ...evidence.views import EvidenceField
from ...evidence.wording import HAPPENED, ReasonWords, explain_refusal, write_reason
from ...fleet import devices
from ...fleet.profiles import find_profile
from ...fleet.standing import Standing
from ...rollouts.containers import ContainerOfDevice, list_containers
from ...rollouts.looking import LookedAt
from ...rollouts.overview import list_rollouts_of
from ...rollouts.watching import DeviceLook
from ...tables.catalogue import ReleaseRow, ReleaseToken
from ...tables.fleet import DeviceRow
from ..evidence import EvidenceListed
from ..fleet_bodies import DeviceShown, NamePath, ProfileListed
from ..parts import PlatformParts
from ..rollout_bodies import RolloutDeviceShown
from .last_minute import LastMinute, MinuteEvent, MinuteMarkKind, draw_last_minute
from .rendering import AGAIN_S, PageWriter
from .visitors import Visitor, visiting

MOST_ROLLOUTS: Final = 20
MOST_EVENTS: Final = 50
MOST_REFUSALS: Final = 5
WATCHED_AGAIN_S: Final = 2.0
"""After which the page of a device is made again that says something all the time."""
_MARKED: Final = {
    EvidenceKind.CRASHED: MinuteMarkKind.CRASH,
    EvidenceKind.REFUSED: MinuteMarkKind.REFUSAL,
}
_STANDINGS: Final = {
    Standing.RUNNING: ("as it is to be", "good"),
    Standing.TO_COME: ("being brought there", "busy"),
    Standing.FAILED: ("was not taken", "bad"),
    Standing.NOT_SAID: ("not said yet", "calm"),
    Standing.STOPPED: ("the right version, not running", "busy"),
    Standing.DIFFERS: ("differs from what is to be", "bad"),
    None: ("gone, as it is to be", "calm"),
}
"""How a device stands with a container, in words and as a tone."""
_Reader = Annotated[Visitor, Depends(visiting(PlatformScope.READ))]


@dataclass(frozen=True, slots=True)
class DeviceContainer:
    """A container on the page of a device.

    Attributes:
        found: what is known of it.
        standing: how it stands with what is to be, in words.
        tone: the same, for how it looks.
        usage: what it has used, as the newest look says; None if the device does not say it.
        loops: that it has completed; None if that is not known.
        release: that it runs; None if it runs none that whoever looks is a party to.
    """

    found: ContainerOfDevice
    standing: str
    tone: str
    usage: ReportedUsage | None
    loops: int | None
    release: ReleaseRow | None

    @property
    def tokens(self) -> Sequence[ReleaseToken]:
        """Who has signed which part of what it runs."""
        return () if self.release is None else self.release.tokens


@dataclass(frozen=True, slots=True)
class DeviceRefusal:
    """Something that a device has refused.

    Attributes:
        event: as the API shows it.
        words: what it means, and what to do.
    """

    event: EvidenceListed
    words: ReasonWords


def add_pages(router: APIRouter, parts: PlatformParts, writer: PageWriter) -> None:
    """Add the route of a device.

    Args:
        router: that gets it.
        parts: what it works on.
        writer: makes the page.
    """

    @router.get("/devices/{name}")
    def show_device(visitor: _Reader, name: NamePath) -> Response:
        with parts.database.reading() as session:
            row = devices.find_device(session, visitor.actor, name)
            looks = _watch(parts, row)
            content = _gather(session, visitor.actor, row, looks, parts.now_s())
            again_s = WATCHED_AGAIN_S if looks else AGAIN_S
            is_operator = row.infrastructure_id == visitor.actor.organisation_id
            return writer.write(
                "device",
                visitor,
                live=True,
                again_s=again_s,
                answers=_answers(row, looks),
                can_connect=is_operator and visitor.may("deploy"),
                **content,
            )


def _watch(parts: PlatformParts, row: DeviceRow) -> tuple[DeviceLook, ...]:
    """What a device has said in the last minute; somebody looks at it, so it is asked often."""
    if row.gateway not in parts.gateways or row.endpoint is None or row.gateway is None:
        return ()
    return parts.watched.see(LookedAt(row.id, row.gateway, row.endpoint), parts.now_s())


def _answers(row: DeviceRow, looks: Sequence[DeviceLook]) -> str:
    """Whether a device answers now, in a word."""
    if row.gateway is None:
        return "not connected"
    if not looks:
        return "asked now"
    return "silent" if looks[-1].containers is None else "answers"


def _gather(
    session: Session, actor: Actor, row: DeviceRow, looks: Sequence[DeviceLook], now_s: float
) -> dict[str, Any]:
    """What the page shows."""
    found = list_containers(session, row.id)
    seen = list_evidence(session, actor, EvidenceQuestion(device_id=row.id), MOST_EVENTS)
    refused = EvidenceQuestion(device_id=row.id, kind=EvidenceKind.REFUSED)
    refusals = list_evidence(session, actor, refused, MOST_REFUSALS)
    rollouts = list_rollouts_of(session, actor, row, MOST_ROLLOUTS)
    return {
        "device": DeviceShown.of(row, devices.names_of(session, (row,))),
        "profile": ProfileListed.of(find_profile(session, actor, row.profile_id)),
        "containers": _containers(session, actor, found, looks),
        "minute": _draw(found, seen, looks, now_s),
        "refusals": [
            DeviceRefusal(EvidenceListed.of(each), explain_refusal(_reason(each)))
            for each in refusals
        ],
        "events": [
            (EvidenceListed.of(each), HAPPENED[each.kind], write_reason(each.kind, _reason(each)))
            for each in seen
        ],
        "rollouts": [
            (
                rollout,
                name_of(rollout.release),
                RolloutDeviceShown.of(row.name, of_device),
                explain_refusal(of_device.reason).means if of_device.reason else "",
            )
            for rollout, of_device in rollouts
        ],
    }


def _reason(event: SeenEvent) -> str:
    return event.values.get(EvidenceField.REASON) or ""


def _containers(
    session: Session, actor: Actor, found: Iterable[ContainerOfDevice], looks: Sequence[DeviceLook]
) -> list[DeviceContainer]:
    rows = tuple(found)
    releases = _releases(session, actor, rows)
    said = (looks[-1].containers if looks else None) or {}
    shown = []
    for each in rows:
        standing, tone = _STANDINGS[each.standing]
        newest = said.get(each.uid)
        number = each.row.reported_release_id
        shown.append(
            DeviceContainer(
                found=each,
                standing=standing,
                tone=tone,
                usage=each.usage if newest is None else newest.usage,
                loops=None if newest is None else newest.loops,
                release=None if number is None else releases.get(number),
            )
        )
    return shown


def _releases(
    session: Session, actor: Actor, found: Iterable[ContainerOfDevice]
) -> Mapping[int, ReleaseRow]:
    """Those that run and that the organisation is a party to, by their ids."""
    ids = {each.row.reported_release_id for each in found} - {None}
    query = select(ReleaseRow).where(ReleaseRow.id.in_(ids), is_party(actor))
    return {row.id: row for row in session.scalars(query)}


def _draw(
    found: Iterable[ContainerOfDevice],
    seen: Iterable[SeenEvent],
    looks: Sequence[DeviceLook],
    now_s: float,
) -> LastMinute:
    there = {each.uid for each in found if each.standing is not None}
    events = []
    for each in seen:
        uid, at_s = each.values.get(EvidenceField.UID), each.values.get(EvidenceField.TIME)
        if each.kind in _MARKED and uid is not None and at_s is not None:
            events.append(MinuteEvent(uid, at_s, _MARKED[each.kind]))
    return draw_last_minute(looks, events, there, now_s)
