"""Devices in the database: owner and infrastructure see them, and the owner changes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import Query, QueryError, parse_query
from tinycontainer_tokens import Role

from ..actor import Actor
from ..audit import note
from ..refusing import bad_request, conflict, forbidden, not_found
from ..tables.fleet import DeviceRow
from ..tables.people import Organisation
from .evidence_keys import fingerprint_of_evidence_key
from .profiles import own_profile_id, require_owner

MOST_DEVICES: Final = 20_000
"""Of one owner."""
MATCHED_COLUMNS: Final = (
    DeviceRow.id,
    DeviceRow.name,
    DeviceRow.kind,
    DeviceRow.group,
    DeviceRow.labels,
    DeviceRow.profile_id,
    DeviceRow.device_id,
)
"""What queries look at, and what is judged."""


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device that is to be known.

    Attributes:
        name: no two devices have the same.
        infrastructure: name of the organisation that operates it.
        kind: what sort of device it is.
        group: which group it belongs to; empty for none.
        labels: what its owner has written on it.
        profile_id: what it accepts.
        device_id: what the audience of a token names; None if the profile says it.
        evidence_key: public half of the key that it signs evidence with; None if it has none.
    """

    name: str
    infrastructure: str
    kind: str
    group: str
    labels: Mapping[str, str]
    profile_id: int
    device_id: str | None
    evidence_key: bytes | None = None


def add_device(session: Session, actor: Actor, new: NewDevice, now_s: float) -> DeviceRow:
    """Take a device of the organisation.

    Raises:
        PlatformRefused: the organisation is no owner, has too many or no such profile, the name is
            taken, who operates it is no infrastructure, or another device has the key.
    """
    require_owner(actor)
    lock_fleet(session, actor.organisation_id)
    _require_no_other_has(session, actor, new.evidence_key, "")
    if session.scalar(select(DeviceRow.id).where(DeviceRow.name == new.name)) is not None:
        raise conflict("name: is taken; choose another one")
    own = DeviceRow.organisation_id == actor.organisation_id
    if (session.scalar(select(func.count()).where(own)) or 0) >= MOST_DEVICES:
        raise conflict(f"an organisation has at most {MOST_DEVICES} devices")
    row = DeviceRow(
        organisation_id=actor.organisation_id,
        infrastructure_id=_find_infrastructure(session, new.infrastructure),
        name=new.name,
        kind=new.kind,
        group=new.group,
        labels=dict(new.labels),
        profile_id=own_profile_id(session, actor, new.profile_id),
        device_id=new.device_id,
        evidence_key=new.evidence_key,
        takes_updates=False,
        created_s=now_s,
    )
    session.add(row)
    session.flush()
    detail = {"infrastructure": new.infrastructure, "profile": row.profile_id}
    if new.evidence_key is not None:
        detail["evidence_key"] = fingerprint_of_evidence_key(new.evidence_key)
    note(session, actor, "device-added", row.name, detail, now_s)
    return row


def change_device(
    session: Session, actor: Actor, name: str, changes: Mapping[str, Any], now_s: float
) -> DeviceRow:
    """Change a device of the organisation.

    Args:
        session: of a transaction that writes.
        actor: who asks.
        name: of the device.
        changes: new values of kind, group, labels, profile_id and evidence_key, those that change.
        now_s: Unix time.

    Raises:
        PlatformRefused: there is none that it may see, or change; it has no such profile, or
            another device has the key.
    """
    row = find_own(session, actor, name)
    if "profile_id" in changes:
        own_profile_id(session, actor, changes["profile_id"])
    _require_no_other_has(session, actor, changes.get("evidence_key"), name)
    for field, value in changes.items():
        setattr(row, field, value)
    detail = dict(changes)
    if changes.get("evidence_key") is not None:
        detail["evidence_key"] = fingerprint_of_evidence_key(changes["evidence_key"])
    note(session, actor, "device-changed", name, detail, now_s)
    return row


def delete_device(session: Session, actor: Actor, name: str, now_s: float) -> None:
    """Forget a device of the organisation.

    Raises:
        PlatformRefused: there is none that it may see, or change.
    """
    session.delete(find_own(session, actor, name))
    note(session, actor, "device-deleted", name, {}, now_s)


def find_device(session: Session, actor: Actor, name: str, *, to_change: bool = False) -> DeviceRow:
    """A device that the organisation owns or operates.

    Args:
        session: of a transaction.
        actor: who asks.
        name: of the device.
        to_change: nobody else changes it until the transaction ends.

    Raises:
        PlatformRefused: there is none that it may see.
    """
    query = select(DeviceRow).where(DeviceRow.name == name, is_seen(actor))
    if to_change:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise not_found("device")
    return row


def lock_fleet(session: Session, owner_id: int) -> None:
    """Let nobody else change which devices an owner has, or which rollouts count for them.

    It is the first lock that a transaction takes: before those of devices, of rollouts, of jobs,
    and of the audit.

    Args:
        session: of a transaction that writes, until whose end this holds.
        owner_id: the organisation.
    """
    query = select(Organisation.id).where(Organisation.id == owner_id)
    session.execute(query.with_for_update(key_share=True))


def lock_device(session: Session, device_id: int) -> DeviceRow | None:
    """A device as it is now, which nobody else changes until the transaction ends.

    Whoever locks a rollout as well locks the device first.

    Args:
        session: of a transaction that writes.
        device_id: of its row; None is returned if that has gone.
    """
    return session.get(DeviceRow, device_id, with_for_update={"key_share": True})


def names_of(session: Session, rows: tuple[DeviceRow, ...]) -> dict[int, str]:
    """The names of owners and operators of devices, by their ids."""
    ids = {each for row in rows for each in (row.organisation_id, row.infrastructure_id)}
    found = session.execute(
        select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids))
    )
    return {row.id: row.name for row in found}


def read_query(text: str) -> Query:
    """Read which devices are meant.

    Raises:
        PlatformRefused: it is no query.
    """
    try:
        return parse_query(text)
    except QueryError as error:
        raise bad_request(f"query: {error}") from None


def is_seen(actor: Actor) -> ColumnElement[bool]:
    """Whether the organisation owns or operates a device, for a query."""
    own = actor.organisation_id
    return or_(DeviceRow.organisation_id == own, DeviceRow.infrastructure_id == own)


def find_own(session: Session, actor: Actor, name: str) -> DeviceRow:
    """A device of the organisation; nobody else changes its fleet until the transaction ends.

    Raises:
        PlatformRefused: there is none that it may see, or change.
    """
    lock_fleet(session, actor.organisation_id)
    row = find_device(session, actor, name, to_change=True)
    if row.organisation_id != actor.organisation_id:
        raise forbidden("only its owner changes a device")
    return row


def _require_no_other_has(session: Session, actor: Actor, key: bytes | None, name: str) -> None:
    """Refuse the key of another device of the owner: then each could answer for the other."""
    if key is None:
        return
    others = select(DeviceRow.id).where(
        DeviceRow.organisation_id == actor.organisation_id,
        DeviceRow.evidence_key == key,
        DeviceRow.name != name,
    )
    if session.scalar(others.limit(1)) is not None:
        raise conflict("evidence_key: another of your devices has it; each signs with its own")


def _find_infrastructure(session: Session, name: str) -> int:
    role = Role.INFRASTRUCTURE
    found = session.scalar(select(Organisation).where(Organisation.name == name))
    if found is None or role.value not in found.roles.split(","):
        raise bad_request(f"{role}: there is no organisation of this name with this role")
    return found.id
