"""Finds the devices that somebody asks for, in the database."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tinycontainer.tools.rollouts import Query

from ..actor import Actor
from ..tables.fleet import DeviceRow
from .choosing import DeviceChoice, is_chosen
from .judging import TargetDevice
from .querying import NO_VERSION_KNOWN, condition_of


def list_devices(
    session: Session, actor: Actor, choice: DeviceChoice, after: str, most: int
) -> tuple[DeviceRow, ...]:
    """Devices that the organisation sees and means, by name.

    Args:
        session: of a transaction.
        actor: who asks.
        choice: which ones.
        after: name after which they begin.
        most: how many.
    """
    query = select(DeviceRow).where(is_chosen(actor, choice), DeviceRow.name > after)
    return tuple(session.scalars(query.order_by(DeviceRow.name).limit(most)))


def find_targets(session: Session, actor: Actor, query: Query) -> tuple[TargetDevice, ...]:
    """All devices that the organisation sees and a query means, as they are judged."""
    found = select(DeviceRow.name, DeviceRow.profile_id, DeviceRow.device_id)
    found = found.where(is_chosen(actor, DeviceChoice(query))).order_by(DeviceRow.name)
    return tuple(TargetDevice(*each) for each in session.execute(found))


def count_owned(session: Session, organisation_id: int, query: Query) -> int:
    """How many devices of an owner a query means."""
    is_own = DeviceRow.organisation_id == organisation_id
    found = select(func.count()).where(is_own, condition_of(query, NO_VERSION_KNOWN))
    return session.scalar(found) or 0
