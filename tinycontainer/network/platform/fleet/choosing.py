"""Which devices somebody asks for: by a query, and by how they are and what they run."""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, and_, cast, exists, or_, select, true
from sqlalchemy.orm import aliased

from tinycontainer.tools.rollouts import AllOf, DeviceProgress, Query

from ..actor import Actor
from ..tables.catalogue import ApplicationRow, ReleaseRow
from ..tables.fleet import DeviceRow
from ..tables.rollouts import DeviceContainerRow, RolloutDeviceRow, RolloutRow
from .devices import is_seen
from .querying import NO_VERSION_KNOWN, condition_of
from .standing import Standing, is_counted, standing

NO_VERSION: Final = 0
"""Stands for no version; releases are counted from 1."""


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """Which devices are meant: those of which all of this is true; None leaves something open.

    Attributes:
        query: what is said of them; their version is that of the container `uid`.
        profile_id: what they accept.
        is_connected: whether a gateway reaches them.
        silent_since_s: since this Unix time they have not answered.
        uid: of a container that is to be on them, or is.
        wanted: number of the release of a container that they are to run; `NO_VERSION` for none.
        standing: how they stand with a container: the same one.
        rollout_id: of a rollout that has failed on them.
        reason: why it has.
    """

    query: Query = field(default_factory=AllOf)
    profile_id: int | None = None
    is_connected: bool | None = None
    silent_since_s: float | None = None
    uid: bytes | None = None
    wanted: int | None = None
    standing: Standing | None = None
    rollout_id: int | None = None
    reason: str | None = None


def is_chosen(actor: Actor, choice: DeviceChoice) -> ColumnElement[bool]:
    """Whether the organisation sees a device and it is meant, for a query."""
    found = [is_seen(actor), _is_meant(choice)]
    if choice.profile_id is not None:
        found.append(DeviceRow.profile_id == choice.profile_id)
    if choice.is_connected is not None:
        found.append(DeviceRow.gateway.is_not(None) == choice.is_connected)
    if choice.silent_since_s is not None:
        found.append(is_silent(choice.silent_since_s))
    if any(each is not None for each in (choice.uid, choice.wanted, choice.standing)):
        of_device = DeviceContainerRow.device_id == DeviceRow.id
        found.append(exists().where(of_device, is_container(choice)).correlate(DeviceRow))
    if choice.rollout_id is not None:
        found.append(_has_failed(actor, choice))
    return and_(*found)


def is_silent(since_s: float) -> ColumnElement[bool]:
    """Whether a device has not answered since a Unix time, for a query; it may never have."""
    return or_(DeviceRow.contact_s.is_(None), DeviceRow.contact_s < since_s)


def is_container(choice: DeviceChoice) -> ColumnElement[bool]:
    """Whether a container of a device is what is chosen, for a query of `DeviceContainerRow`."""
    found = [is_counted()]
    if choice.uid is not None:
        found.append(DeviceContainerRow.application_id == _application_of(choice.uid))
    if choice.wanted == NO_VERSION:
        found.append(DeviceContainerRow.desired_release_id.is_(None))
    elif choice.wanted is not None:
        numbered = select(ReleaseRow.id).where(ReleaseRow.number == choice.wanted)
        if choice.uid is not None:
            numbered = numbered.where(ReleaseRow.application_id == _application_of(choice.uid))
        found.append(DeviceContainerRow.desired_release_id.in_(numbered))
    if choice.standing is not None:
        found.append(standing() == choice.standing.value)
    return and_(*found)


def _application_of(uid: bytes) -> ColumnElement[int]:
    return select(ApplicationRow.id).where(ApplicationRow.uid == uid).scalar_subquery()


def _is_meant(choice: DeviceChoice) -> ColumnElement[bool]:
    """Whether the query means a device, by what it has said that it runs of the container."""
    if choice.query == AllOf():
        return true()
    # Beside the statement, not within it: SQLite takes only so much nesting. The version is joined
    # once for each device, however many of them the query compares.
    meant = select(DeviceRow.id).correlate(None)
    version = NO_VERSION_KNOWN
    if choice.uid is not None:
        container = aliased(DeviceContainerRow)
        version = cast(ReleaseRow.number, BigInteger)
        of_device = and_(
            container.device_id == DeviceRow.id,
            container.application_id == _application_of(choice.uid),
        )
        meant = meant.outerjoin(container, of_device)
        meant = meant.outerjoin(ReleaseRow, ReleaseRow.id == container.reported_release_id)
    found = meant.where(condition_of(choice.query, version)).cte()
    return DeviceRow.id.in_(select(found.c.id))


def _has_failed(actor: Actor, choice: DeviceChoice) -> ColumnElement[bool]:
    own = actor.organisation_id
    found = exists().where(
        RolloutDeviceRow.device_id == DeviceRow.id,
        RolloutDeviceRow.rollout_id == choice.rollout_id,
        RolloutDeviceRow.progress == DeviceProgress.FAILED.value,
        RolloutRow.id == RolloutDeviceRow.rollout_id,
        or_(RolloutRow.organisation_id == own, RolloutRow.owner_id == own),
    )
    if choice.reason is not None:
        found = found.where(RolloutDeviceRow.reason == choice.reason)
    return found.correlate(DeviceRow)
