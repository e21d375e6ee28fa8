"""Writes what devices are to run, and what they have said that they run."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ..delivery.progress import ReportedContainer
from ..fleet.standing import ABSENT
from ..tables.catalogue import ReleaseRow
from ..tables.fleet import DeviceRow
from ..tables.rollouts import DETAIL_CHARACTERS, DeviceContainerRow

_AT_ONCE: Final = 500


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
        row.reported_release_id = row.reported_sha256 = row.reported_usage = None
        row.reported_state, row.reported_exit = ABSENT, ""
        return
    # Not each way of asking tells the usage.
    if reported.usage is not None or row.reported_sha256 != reported.sha256:
        row.reported_usage = None if reported.usage is None else reported.usage.as_dict()
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
