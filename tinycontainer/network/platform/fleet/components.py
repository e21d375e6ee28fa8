"""Which releases have a component, and which devices run them, as far as somebody may see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import Session

from ..actor import Actor
from ..catalogue.cyclonedx import SoftwareComponent
from ..catalogue.visibility import is_party
from ..tables.catalogue import ApplicationRow, ReleaseRow
from ..tables.components import ReleaseComponentRow
from ..tables.fleet import DeviceRow
from ..tables.rollouts import DeviceContainerRow
from .devices import is_seen


@dataclass(frozen=True, slots=True)
class ComponentQuestion:
    """Which component is meant: what is said is compared exactly, None matches everything.

    Attributes:
        name: of the component.
        version: empty for those that say none.
        purl: the package URL.
    """

    name: str | None
    version: str | None
    purl: str | None


@dataclass(frozen=True, slots=True)
class ComponentPlace:
    """A component in a release.

    Attributes:
        component: what it is.
        release_id: of the release's row.
        position: in the document of the release.
        uid: of the application.
        application: its name.
        number: of the release.
        devices: how many have last said that they have this release, whoever owns them.
    """

    component: SoftwareComponent
    release_id: int
    position: int
    uid: bytes
    application: str
    number: int
    devices: int


@dataclass(frozen=True, slots=True)
class ReportedRelease:
    """What a device has last said of a container.

    Attributes:
        uid: of the application.
        number: of the release that it has.
        state: of the container.
        reported_s: Unix time; None if it is not known.
    """

    uid: bytes
    number: int
    state: str
    reported_s: float | None


@dataclass(frozen=True, slots=True)
class AffectedDevice:
    """A device that has releases with a component.

    Attributes:
        name: of the device.
        releases: by the uids of their applications.
    """

    name: str
    releases: tuple[ReportedRelease, ...]


@dataclass(frozen=True, slots=True)
class FrequentComponent:
    """A component that many releases have.

    Attributes:
        name: of the component.
        releases: how many of those that were looked at have it.
        versions: how many different ones they have.
    """

    name: str
    releases: int
    versions: int


def find_places(
    session: Session, actor: Actor, asked: ComponentQuestion, after: tuple[int, int], most: int
) -> tuple[ComponentPlace, ...]:
    """Where components are, among the releases that the organisation is a party to.

    Args:
        session: of a transaction.
        actor: who asks.
        asked: which components.
        after: release and position after which they begin.
        most: how many.
    """
    place = (ReleaseComponentRow.release_id, ReleaseComponentRow.position)
    releases = _having(actor, asked).where(ReleaseRow.id >= after[0]).order_by(ReleaseRow.id)
    # Each of them has one at least, but for the one in whose midst the page begins.
    releases = releases.limit(most + 1)
    query = (
        select(
            *place,
            ReleaseComponentRow.name,
            ReleaseComponentRow.version,
            ReleaseComponentRow.purl,
            ReleaseRow.number,
            ApplicationRow.uid,
            ApplicationRow.name.label("application"),
        )
        .join(ReleaseRow, ReleaseRow.id == ReleaseComponentRow.release_id)
        .join(ApplicationRow, ApplicationRow.id == ReleaseRow.application_id)
        .where(place[0].in_(releases), *_is_asked(asked), tuple_(*place) > after)
        .order_by(*place)
        .limit(most)
    )
    rows = session.execute(query).all()
    devices = _count_devices(session, {row.release_id for row in rows})
    return tuple(
        ComponentPlace(
            component=SoftwareComponent(row.name, row.version, row.purl),
            release_id=row.release_id,
            position=row.position,
            uid=row.uid,
            application=row.application,
            number=row.number,
            devices=devices.get(row.release_id, 0),
        )
        for row in rows
    )


def find_affected(
    session: Session, actor: Actor, asked: ComponentQuestion, after: str, most: int
) -> tuple[AffectedDevice, ...]:
    """Devices that the organisation sees and that have a component, by name.

    Only releases that the organisation is a party to count.

    Args:
        session: of a transaction.
        actor: who asks.
        asked: which components.
        after: name after which they begin.
        most: how many.
    """
    having = DeviceContainerRow.reported_release_id.in_(_having(actor, asked))
    running = select(DeviceContainerRow.device_id).where(having)
    page = (
        select(DeviceRow.id)
        .where(is_seen(actor), DeviceRow.name > after, DeviceRow.id.in_(running))
        .order_by(DeviceRow.name)
        .limit(most)
    )
    query = (
        select(
            DeviceRow.name,
            ApplicationRow.uid,
            ReleaseRow.number,
            DeviceContainerRow.reported_state,
            DeviceContainerRow.reported_s,
        )
        .join(DeviceContainerRow, DeviceContainerRow.device_id == DeviceRow.id)
        .join(ReleaseRow, ReleaseRow.id == DeviceContainerRow.reported_release_id)
        .join(ApplicationRow, ApplicationRow.id == ReleaseRow.application_id)
        .where(DeviceRow.id.in_(page), having)
        .order_by(DeviceRow.name, ApplicationRow.uid)
    )
    rows = session.execute(query).all()
    return tuple(
        AffectedDevice(
            name,
            tuple(
                ReportedRelease(row.uid, row.number, row.reported_state, row.reported_s)
                for row in of_it
            ),
        )
        for name, of_it in groupby(rows, lambda row: str(row.name))
    )


def list_frequent(
    session: Session, actor: Actor, most_releases: int, most: int
) -> tuple[FrequentComponent, ...]:
    """The components that most of the newest releases have, among those of the organisation.

    Args:
        session: of a transaction.
        actor: who asks.
        most_releases: how many releases are looked at.
        most: how many components.
    """
    newest = (
        select(ReleaseRow.id)
        .where(is_party(actor), ReleaseRow.sbom_components > 0)
        .order_by(ReleaseRow.id.desc())
        .limit(most_releases)
    )
    count = func.count(ReleaseComponentRow.release_id.distinct())
    versions = func.count(ReleaseComponentRow.version.distinct())
    query = (
        select(ReleaseComponentRow.name, count, versions)
        .where(ReleaseComponentRow.release_id.in_(newest))
        .group_by(ReleaseComponentRow.name)
        .order_by(count.desc(), ReleaseComponentRow.name)
        .limit(most)
    )
    return tuple(FrequentComponent(*row) for row in session.execute(query))


def _count_devices(session: Session, releases: Iterable[int]) -> dict[int, int]:
    """How many devices have each of some releases."""
    release = DeviceContainerRow.reported_release_id
    query = select(release, func.count()).where(release.in_(releases)).group_by(release)
    return {number: count for number, count in session.execute(query) if number is not None}


def _having(actor: Actor, asked: ComponentQuestion) -> Select[int]:
    """Releases of the organisation with a component; what others have costs nothing."""
    found = select(ReleaseComponentRow.position).where(
        ReleaseComponentRow.release_id == ReleaseRow.id, *_is_asked(asked)
    )
    query = select(ReleaseRow.id).where(is_party(actor), found.correlate(ReleaseRow).exists())
    return query.correlate(None)


def _is_asked(asked: ComponentQuestion) -> list[ColumnElement[bool]]:
    said = (
        (ReleaseComponentRow.name, asked.name),
        (ReleaseComponentRow.version, asked.version),
        (ReleaseComponentRow.purl, asked.purl),
    )
    return [column == wanted for column, wanted in said if wanted is not None]
