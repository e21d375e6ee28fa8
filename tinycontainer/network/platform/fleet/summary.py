"""How many devices an organisation sees, by what they are."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ..actor import Actor
from ..tables.fleet import DeviceProfile, DeviceRow
from .devices import is_seen

MOST_COUNTS: Final = 200
"""Different kinds, groups or profiles that are counted."""


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """How many devices there are; of each sort the most frequent first.

    Attributes:
        devices: all of them.
        kinds, groups: how many of each.
        profiles: id, name and number of devices of each.
    """

    devices: int
    kinds: tuple[tuple[str, int], ...]
    groups: tuple[tuple[str, int], ...]
    profiles: tuple[tuple[int, str, int], ...]


def summarize(session: Session, actor: Actor) -> FleetSummary:
    """Count the devices that the organisation sees."""
    profiles = (
        select(DeviceProfile.id, DeviceProfile.name, func.count().label("devices"))
        .join(DeviceRow, DeviceRow.profile_id == DeviceProfile.id)
        .where(is_seen(actor))
        .group_by(DeviceProfile.id, DeviceProfile.name)
        .order_by(func.count().desc(), DeviceProfile.id)
        .limit(MOST_COUNTS)
    )
    return FleetSummary(
        devices=session.scalar(select(func.count()).where(is_seen(actor))) or 0,
        kinds=_count_by(session, actor, DeviceRow.kind),
        groups=_count_by(session, actor, DeviceRow.group),
        profiles=tuple((row.id, row.name, row.devices) for row in session.execute(profiles)),
    )


def _count_by(
    session: Session, actor: Actor, column: InstrumentedAttribute[str]
) -> tuple[tuple[str, int], ...]:
    query = select(column.label("word"), func.count().label("devices")).where(is_seen(actor))
    query = query.group_by(column).order_by(func.count().desc(), column).limit(MOST_COUNTS)
    return tuple((row.word, row.devices) for row in session.execute(query))
