"""What a device has said that it runs, beside what it is to run."""

from dataclasses import dataclass

from sqlalchemy import case, select
from sqlalchemy.orm import Session, aliased

from ..delivery.usage import ReportedUsage
from ..fleet.standing import Standing, is_counted, standing
from ..tables.catalogue import ApplicationRow, ReleaseRow
from ..tables.rollouts import DeviceContainerRow


@dataclass(frozen=True, slots=True)
class ContainerOfDevice:
    """What a device is to run of an application, and what it has said that it runs.

    Attributes:
        uid: of the container.
        desired: number of the release that it is to run; None for none.
        reported: number of the release that it runs; None for none, or one that is not known.
        row: the rest.
        standing: of the device with this container; None if it is to have none, and has none.
    """

    uid: bytes
    desired: int | None
    reported: int | None
    row: DeviceContainerRow
    standing: Standing | None

    @property
    def usage(self) -> ReportedUsage | None:
        """What it has used; None if the device has not said it."""
        said = self.row.reported_usage
        return None if said is None else ReportedUsage.of(said)


def list_containers(session: Session, device_id: int) -> tuple[ContainerOfDevice, ...]:
    """What a device is to run and runs, by uid."""
    desired, reported = aliased(ReleaseRow), aliased(ReleaseRow)
    query = (
        select(
            ApplicationRow.uid,
            desired.number,
            reported.number,
            DeviceContainerRow,
            case((is_counted(), standing())),
        )
        .join(ApplicationRow, ApplicationRow.id == DeviceContainerRow.application_id)
        .outerjoin(desired, desired.id == DeviceContainerRow.desired_release_id)
        .outerjoin(reported, reported.id == DeviceContainerRow.reported_release_id)
        .where(DeviceContainerRow.device_id == device_id)
        .order_by(ApplicationRow.uid)
    )
    return tuple(
        ContainerOfDevice(uid, wanted, runs, row, None if word is None else Standing(word))
        for uid, wanted, runs, row, word in session.execute(query)
    )
