"""Finds the events that an organisation may see, each with what it may see of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from tinycontainer.text import flatten
from tinycontainer_tokens import Role

from ..actor import Actor
from ..tables.catalogue import ApplicationRow, ReleaseRow
from ..tables.evidence import DeviceEventRow, DeviceEvidenceRow
from ..tables.fleet import DeviceRow
from .content import EvidenceKind, read_event
from .views import EvidenceField, fields_shown, kinds_shown

PSEUDONYM_DIGITS: Final = 12
_PARTIES: Final = MappingProxyType(
    {Role.DEVELOPER: ReleaseRow.developer_id, Role.PROVIDER: ReleaseRow.provider_id}
)
"""Those that see an event because of its container, and where a release names them."""


@dataclass(frozen=True, slots=True)
class EvidenceQuestion:
    """Which events are meant; None matches all.

    Attributes:
        device_id: of the row of the device.
        uid: of the container.
        kind: what they tell.
        before: only those that the platform got before the one of this id.
    """

    device_id: int | None = None
    uid: bytes | None = None
    kind: EvidenceKind | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event, as far as an organisation sees it; None where it sees nothing, or there is nothing.

    Attributes:
        id: by which the next page begins.
        kind: what it tells.
        values: what is seen.
    """

    id: int
    kind: EvidenceKind
    values: Mapping[EvidenceField, Any]


def list_evidence(
    session: Session, actor: Actor, asked: EvidenceQuestion, most: int
) -> tuple[SeenEvent, ...]:
    """Events that the organisation sees, the newest first.

    Args:
        session: of a transaction.
        actor: who asks.
        asked: which events.
        most: how many.
    """
    parties: dict[int, set[Role]] = {}
    # Each party's own first ones: all that is in the first ones of all together is among them.
    for party in Role:
        for number in session.scalars(_ids_for(party, actor.organisation_id, asked).limit(most)):
            parties.setdefault(number, set()).add(party)
    chosen = sorted(parties, reverse=True)[:most]
    query = (
        select(DeviceEventRow, DeviceRow.name, DeviceEvidenceRow.salt, ReleaseRow.number)
        .join(DeviceRow, DeviceRow.id == DeviceEventRow.device_id)
        .join(DeviceEvidenceRow, DeviceEvidenceRow.device_id == DeviceEventRow.device_id)
        .outerjoin(ReleaseRow, ReleaseRow.id == DeviceEventRow.release_id)
        .where(DeviceEventRow.id.in_(chosen))
        .order_by(DeviceEventRow.id.desc())
    )
    seen = []
    for row, name, salt, release in session.execute(query):
        kind = EvidenceKind(row.kind)
        shown = fields_shown(kind, parties[row.id])
        pseudonym = make_pseudonym(actor.organisation_id, row.device_id, salt)
        values = _values_of(row, name, pseudonym, release)
        seen.append(SeenEvent(row.id, kind, {each: values[each] for each in shown}))
    return tuple(seen)


def make_pseudonym(organisation_id: int, device_id: int, salt: bytes) -> str:
    """By what an organisation tells a device from others: always the same, and of no other use.

    Args:
        organisation_id: of whoever is to see it.
        device_id: of the device's row.
        salt: of the device; never shown.
    """
    words = f"{organisation_id}|{device_id}|".encode() + salt
    return sha256(words).hexdigest()[:PSEUDONYM_DIGITS]


def _values_of(
    row: DeviceEventRow, name: str, pseudonym: str, release: int | None
) -> dict[EvidenceField, Any]:
    facts = read_event(row.content)
    return {
        EvidenceField.UID: row.uid,
        EvidenceField.RELEASE: release,
        EvidenceField.TIME: row.at_s,
        EvidenceField.REASON: facts.reason,
        EvidenceField.PROVED: row.is_proved,
        EvidenceField.PSEUDONYM: pseudonym,
        EvidenceField.DEVICE: name,
        EvidenceField.PLACE: (row.series, row.number),
        EvidenceField.STATES: (facts.before, facts.after),
        EvidenceField.WORDS: flatten(row.content.decode("utf-8", "backslashreplace")),
    }


def _ids_for(party: Role, own: int, asked: EvidenceQuestion) -> Select[int]:
    """Events that an organisation sees as one party, the newest first."""
    kinds = sorted(each.value for each in kinds_shown(party))
    query = (
        select(DeviceEventRow.id)
        .join(DeviceRow, DeviceRow.id == DeviceEventRow.device_id)
        .where(DeviceEventRow.kind.in_(kinds), _is_party(party, own), *_is_asked(asked))
    )
    return query.order_by(DeviceEventRow.id.desc())


def _is_party(party: Role, own: int) -> ColumnElement[bool]:
    if party is Role.OWNER:
        return DeviceRow.organisation_id == own
    if party is Role.INFRASTRUCTURE:
        return DeviceRow.infrastructure_id == own
    named = _PARTIES[party] == own
    releases = select(ApplicationRow.uid).join(
        ReleaseRow, ReleaseRow.application_id == ApplicationRow.id
    )
    this = select(ReleaseRow.id).where(ReleaseRow.id == DeviceEventRow.release_id, named)
    # A release that the owner has not signed gives nobody a look at its devices.
    any_of_owner = releases.where(
        named,
        ReleaseRow.owner_id == DeviceRow.organisation_id,
        ReleaseRow.completed_s.is_not(None),
        ApplicationRow.uid == DeviceEventRow.uid,
    )
    is_unknown = DeviceEventRow.release_id.is_(None)
    return and_(
        DeviceEventRow.uid.in_(releases.where(named)),
        or_(
            this.correlate(DeviceEventRow).exists(),
            and_(is_unknown, any_of_owner.correlate(DeviceEventRow, DeviceRow).exists()),
        ),
    )


def _is_asked(asked: EvidenceQuestion) -> list[ColumnElement[bool]]:
    said = (
        (DeviceEventRow.device_id, asked.device_id),
        (DeviceEventRow.uid, asked.uid),
        (DeviceEventRow.kind, asked.kind),
    )
    found: list[ColumnElement[bool]] = [
        column == wanted for column, wanted in said if wanted is not None
    ]
    return found if asked.before is None else [*found, DeviceEventRow.id < asked.before]
