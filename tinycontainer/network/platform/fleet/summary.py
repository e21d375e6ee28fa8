"""How many devices an organisation sees, by what they are."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..actor import Actor
from ..tables.fleet import DeviceProfile, DeviceRow
from .choosing import DeviceChoice, is_chosen, is_silent

MOST_COUNTS: Final = 200
"""Different kinds, groups or profiles that are counted."""
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
_Word = TypeVar("_Word", str, tuple[int, str])


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """How many devices there are; of each sort the most frequent first.

    Attributes:
        devices: all of them.
        connected: that a gateway reaches.
        silent_hour, silent_day: that have not answered for so long; they may never have.
        kinds, groups: how many of each.
        profiles: id, name and number of devices of each.
    """

    devices: int
    connected: int
    silent_hour: int
    silent_day: int
    kinds: tuple[tuple[str, int], ...]
    groups: tuple[tuple[str, int], ...]
    profiles: tuple[tuple[int, str, int], ...]


def summarize(session: Session, actor: Actor, choice: DeviceChoice, now_s: float) -> FleetSummary:
    """Count the devices that the organisation sees and means.

    Args:
        session: of a transaction.
        actor: who asks.
        choice: which devices.
        now_s: Unix time.
    """
    query = (
        select(
            DeviceRow.kind,
            DeviceRow.group,
            DeviceProfile.id,
            DeviceProfile.name,
            func.count().label("devices"),
            func.count(DeviceRow.gateway).label("connected"),
            func.count().filter(is_silent(now_s - HOUR_S)).label("silent_hour"),
            func.count().filter(is_silent(now_s - DAY_S)).label("silent_day"),
        )
        .join(DeviceProfile, DeviceProfile.id == DeviceRow.profile_id)
        .where(is_chosen(actor, choice))
        .group_by(DeviceRow.kind, DeviceRow.group, DeviceProfile.id, DeviceProfile.name)
    )
    kinds: Counter[str] = Counter()
    groups: Counter[str] = Counter()
    profiles: Counter[tuple[int, str]] = Counter()
    devices = connected = silent_hour = silent_day = 0
    for row in session.execute(query):
        kinds[row.kind] += row.devices
        groups[row.group] += row.devices
        profiles[row.id, row.name] += row.devices
        devices += row.devices
        connected += row.connected
        silent_hour += row.silent_hour
        silent_day += row.silent_day
    return FleetSummary(
        devices=devices,
        connected=connected,
        silent_hour=silent_hour,
        silent_day=silent_day,
        kinds=_most_frequent(kinds),
        groups=_most_frequent(groups),
        profiles=tuple((*which, count) for which, count in _most_frequent(profiles)),
    )


def _most_frequent(counts: Counter[_Word]) -> tuple[tuple[_Word, int], ...]:
    return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_COUNTS])
