"""How many devices are to run which version of what, and how they stand with it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from ..actor import Actor
from ..tables.catalogue import ApplicationRow, ReleaseRow
from ..tables.fleet import DeviceRow
from ..tables.rollouts import DeviceContainerRow
from .choosing import DeviceChoice, is_chosen, is_container
from .standing import Standing, is_counted, standing


@dataclass(frozen=True, slots=True)
class RunningVersion:
    """Devices that are to run a version of a container, and those that run it.

    Attributes:
        number: of the release; None for none: the container is not to be there.
        standings: how many of those that are to run it stand how with it; without zeros.
        runs: how many have said that they run it, whatever they are to run.
    """

    number: int | None
    standings: Mapping[Standing, int]
    runs: int

    @property
    def devices(self) -> int:
        """How many are to run it."""
        return sum(self.standings.values())


@dataclass(frozen=True, slots=True)
class RunningApplication:
    """Devices on which a container is to be, or is.

    Attributes:
        uid: of the container.
        versions: those with the most devices first.
    """

    uid: bytes
    versions: tuple[RunningVersion, ...]

    @property
    def devices(self) -> int:
        """How many there are."""
        return sum(each.devices for each in self.versions)

    @property
    def standings(self) -> Mapping[Standing, int]:
        """How many stand how with it; without zeros."""
        found: Counter[Standing] = Counter()
        for each in self.versions:
            found.update(each.standings)
        return found


@dataclass(frozen=True, slots=True)
class ContainerStanding:
    """How a device stands with a container.

    Attributes:
        wanted: number of the release that it is to run; None for none.
        runs: number of the release that it has said it runs; None for none that is known.
        standing: how.
    """

    wanted: int | None
    runs: int | None
    standing: Standing


def count_running(
    session: Session, actor: Actor, choice: DeviceChoice
) -> tuple[RunningApplication, ...]:
    """Count the containers of the devices that the organisation sees and means.

    Args:
        session: of a transaction.
        actor: who asks.
        choice: which devices; if it names a container, only that one is counted.

    Returns:
        Those with the most devices first.
    """
    desired, reported = aliased(ReleaseRow), aliased(ReleaseRow)
    # What is said of the one container of a device that counts need not be asked twice.
    devices = choice if choice.uid is None else replace(choice, wanted=None, standing=None)
    counted = (
        select(
            DeviceContainerRow.application_id,
            DeviceContainerRow.desired_release_id,
            DeviceContainerRow.reported_release_id,
            standing().label("standing"),
            func.count().label("devices"),
        )
        .join(DeviceRow, DeviceRow.id == DeviceContainerRow.device_id)
        .where(is_chosen(actor, devices), is_container(choice))
        .group_by(
            DeviceContainerRow.application_id,
            DeviceContainerRow.desired_release_id,
            DeviceContainerRow.reported_release_id,
            "standing",
        )
        .subquery()
    )
    query = (
        select(
            ApplicationRow.uid,
            desired.number.label("desired"),
            reported.number.label("reported"),
            counted.c.standing,
            counted.c.devices,
        )
        .join(counted, counted.c.application_id == ApplicationRow.id)
        .outerjoin(desired, desired.id == counted.c.desired_release_id)
        .outerjoin(reported, reported.id == counted.c.reported_release_id)
    )
    standings: dict[bytes, dict[int | None, Counter[Standing]]] = defaultdict(
        lambda: defaultdict(Counter)
    )
    runs: Counter[tuple[bytes, int | None]] = Counter()
    for row in session.execute(query):
        standings[row.uid][row.desired][Standing(row.standing)] += row.devices
        if row.reported is not None:
            runs[row.uid, row.reported] += row.devices
            standings[row.uid][row.reported] += Counter()
    found = (_application(uid, those, runs) for uid, those in standings.items())
    return tuple(sorted(found, key=lambda each: (-each.devices, each.uid)))


def find_standings(
    session: Session, device_ids: Sequence[int], uid: bytes
) -> Mapping[int, ContainerStanding]:
    """How some devices stand with a container, by the ids of their rows.

    Args:
        session: of a transaction.
        device_ids: of devices that whoever asks may see.
        uid: of the container.
    """
    desired, reported = aliased(ReleaseRow), aliased(ReleaseRow)
    query = (
        select(
            DeviceContainerRow.device_id,
            desired.number.label("desired"),
            reported.number.label("reported"),
            standing().label("standing"),
        )
        .join(ApplicationRow, ApplicationRow.id == DeviceContainerRow.application_id)
        .outerjoin(desired, desired.id == DeviceContainerRow.desired_release_id)
        .outerjoin(reported, reported.id == DeviceContainerRow.reported_release_id)
        .where(
            ApplicationRow.uid == uid, DeviceContainerRow.device_id.in_(device_ids), is_counted()
        )
    )
    return {
        row.device_id: ContainerStanding(row.desired, row.reported, Standing(row.standing))
        for row in session.execute(query)
    }


def _application(
    uid: bytes,
    standings: Mapping[int | None, Counter[Standing]],
    runs: Mapping[tuple[bytes, int | None], int],
) -> RunningApplication:
    versions = (
        RunningVersion(number, dict(those), runs.get((uid, number), 0))
        for number, those in standings.items()
    )
    return RunningApplication(uid, tuple(sorted(versions, key=_rank)))


def _rank(version: RunningVersion) -> tuple[int, int, int]:
    return (-version.devices, -version.runs, -(version.number or 0))
