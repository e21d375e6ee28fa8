"""Devices in the database: owner and infrastructure see them, and the owner changes them."""

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import Candidate, Query, QueryError, parse_query
from tinycontainer_tokens import Role

from ..actor import Actor
from ..audit import note
from ..refusing import bad_request, conflict, forbidden, not_found
from ..tables.fleet import DeviceRow
from ..tables.people import Organisation
from .judging import TargetDevice
from .profiles import own_profile_id, require_owner

MOST_DEVICES: Final = 20_000
"""Of one owner."""
_AT_ONCE: Final = 500
_COLUMNS: Final = (
    DeviceRow.id,
    DeviceRow.name,
    DeviceRow.kind,
    DeviceRow.group,
    DeviceRow.labels,
    DeviceRow.profile_id,
    DeviceRow.device_id,
)


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
    """

    name: str
    infrastructure: str
    kind: str
    group: str
    labels: Mapping[str, str]
    profile_id: int
    device_id: str | None


def add_device(session: Session, actor: Actor, new: NewDevice, now_s: float) -> DeviceRow:
    """Take a device of the organisation.

    Raises:
        PlatformRefused: the organisation is no owner, has too many or no such profile, the name is
            taken, or who operates it is no infrastructure.
    """
    require_owner(actor)
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
        created_s=now_s,
    )
    session.add(row)
    session.flush()
    detail = {"infrastructure": new.infrastructure, "profile": row.profile_id}
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
        changes: new values of kind, group, labels and profile_id, those that change.
        now_s: Unix time.

    Raises:
        PlatformRefused: there is none that it may see, or change; or it has no such profile.
    """
    row = _find_own(session, actor, name)
    if "profile_id" in changes:
        own_profile_id(session, actor, changes["profile_id"])
    for field, value in changes.items():
        setattr(row, field, value)
    note(session, actor, "device-changed", name, changes, now_s)
    return row


def delete_device(session: Session, actor: Actor, name: str, now_s: float) -> None:
    """Forget a device of the organisation.

    Raises:
        PlatformRefused: there is none that it may see, or change.
    """
    session.delete(_find_own(session, actor, name))
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
    row = session.scalar(query.with_for_update() if to_change else query)
    if row is None:
        raise not_found("device")
    return row


def list_devices(
    session: Session, actor: Actor, query: Query, after: str, most: int
) -> tuple[DeviceRow, ...]:
    """Devices that the organisation sees and a query means, by name.

    Args:
        session: of a transaction.
        actor: who asks.
        query: which ones.
        after: name after which they begin.
        most: how many.
    """
    with closing(_matching(session, actor, query, after)) as found:
        ids = [row.id for row in islice(found, most)]
    return tuple(
        session.scalars(select(DeviceRow).where(DeviceRow.id.in_(ids)).order_by(DeviceRow.name))
    )


def find_targets(session: Session, actor: Actor, query: Query) -> tuple[TargetDevice, ...]:
    """All devices that the organisation sees and a query means, as they are judged."""
    return tuple(
        TargetDevice(row.name, row.profile_id, row.device_id)
        for row in _matching(session, actor, query)
    )


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


def _matching(
    session: Session, actor: Actor, query: Query, after: str = ""
) -> Generator[Any, None, None]:
    """Columns of the devices that a query means, by name, read as far as they are asked for."""
    found = select(*_COLUMNS).where(is_seen(actor), DeviceRow.name > after).order_by(DeviceRow.name)
    with session.execute(found.execution_options(yield_per=_AT_ONCE)) as rows:
        for row in rows:
            if query.matches(Candidate(row.name, row.kind, row.group, row.labels, None)):
                yield row


def _find_own(session: Session, actor: Actor, name: str) -> DeviceRow:
    row = find_device(session, actor, name, to_change=True)
    if row.organisation_id != actor.organisation_id:
        raise forbidden("only its owner changes a device")
    return row


def _find_infrastructure(session: Session, name: str) -> int:
    role = Role.INFRASTRUCTURE
    found = session.scalar(select(Organisation).where(Organisation.name == name))
    if found is None or role.value not in found.roles.split(","):
        raise bad_request(f"{role}: there is no organisation of this name with this role")
    return found.id
