"""What devices have said that they run, beside what they are to run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from ..delivery.progress import ReportedContainer
from ..tables.catalogue import ApplicationRow, ReleaseRow
from ..tables.fleet import DeviceRow
from ..tables.rollouts import DETAIL_CHARACTERS, DeviceContainerRow

ABSENT: Final = "ABSENT"
"""State of a container that is not there."""
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class ContainerOfDevice:
    """What a device is to run of an application, and what it has said that it runs.

    Attributes:
        uid: of the container.
        desired: number of the release that it is to run; None for none.
        reported: number of the release that it runs; None for none, or one that is not known.
        row: the rest.
    """

    uid: bytes
    desired: int | None
    reported: int | None
    row: DeviceContainerRow


def list_containers(session: Session, device_id: int) -> tuple[ContainerOfDevice, ...]:
    """What a device is to run and runs, by uid."""
    desired, reported = aliased(ReleaseRow), aliased(ReleaseRow)
    query = (
        select(ApplicationRow.uid, desired.number, reported.number, DeviceContainerRow)
        .join(ApplicationRow, ApplicationRow.id == DeviceContainerRow.application_id)
        .outerjoin(desired, desired.id == DeviceContainerRow.desired_release_id)
        .outerjoin(reported, reported.id == DeviceContainerRow.reported_release_id)
        .where(DeviceContainerRow.device_id == device_id)
        .order_by(ApplicationRow.uid)
    )
    return tuple(ContainerOfDevice(*each) for each in session.execute(query))


def keep_desired(
    session: Session,
    device_ids: Sequence[int],
    application_id: int,
    release_id: int | None,
    now_s: float,
) -> None:
    """Write what devices are to run of an application.

    Args:
        session: of a transaction that writes.
        device_ids: of the rows of the devices.
        application_id: of the row of the application.
        release_id: of the row of the release; None for nothing.
        now_s: Unix time.
    """
    for start in range(0, len(device_ids), _AT_ONCE):
        for row in _find(session, device_ids[start : start + _AT_ONCE], application_id):
            row.desired_release_id, row.desired_s = release_id, now_s


def keep_reported(
    session: Session,
    device: DeviceRow,
    application_id: int,
    reported: ReportedContainer | None,
    now_s: float,
) -> None:
    """Write what a device has said that it runs of an application.

    Args:
        session: of a transaction that writes.
        device: that has answered; locked.
        application_id: of the row of the application.
        reported: what it has said; None if it has none.
        now_s: Unix time.
    """
    (row,) = _find(session, (device.id,), application_id)
    device.contact_s = row.reported_s = now_s
    if reported is None:
        row.reported_release_id = row.reported_sha256 = None
        row.reported_state, row.reported_exit = ABSENT, ""
        return
    # A bundle that was not known can be that of a release whose rollout was started meanwhile.
    if row.reported_sha256 != reported.sha256 or row.reported_release_id is None:
        row.reported_sha256 = reported.sha256
        row.reported_release_id = session.scalar(
            select(ReleaseRow.id).where(
                ReleaseRow.application_id == application_id,
                ReleaseRow.bundle_sha256 == reported.sha256,
            )
        )
    row.reported_state = reported.state
    row.reported_exit = reported.last_exit[:DETAIL_CHARACTERS]


def _find(
    session: Session, device_ids: Sequence[int], application_id: int
) -> Sequence[DeviceContainerRow]:
    """The rows of devices; those that are not there are made, also if others do that as well."""
    query = select(DeviceContainerRow).where(
        DeviceContainerRow.application_id == application_id,
        DeviceContainerRow.device_id.in_(device_ids),
    )
    found = session.scalars(query).all()
    missing = sorted(set(device_ids) - {row.device_id for row in found})
    if not missing:
        return found
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert if is_postgresql else sqlite.insert
    blank = {"application_id": application_id, "reported_state": "", "reported_exit": ""}
    rows = [{"device_id": each, **blank} for each in missing]
    session.execute(insert(DeviceContainerRow).values(rows).on_conflict_do_nothing())
    return session.scalars(query).all()
