"""How a device stands with a container: what it is to run beside what it has said that it runs."""

from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, and_, case, exists, not_

from tinycontainer.tools.rollouts import DeviceProgress

from ..delivery.progress import ContainerState
from ..tables.rollouts import DeviceContainerRow, JobRow, RolloutDeviceRow, RolloutRow

ABSENT: Final = "ABSENT"
"""State of a container that is not there."""


class Standing(StrEnum):
    """How a device stands with a container: the first of these that is true."""

    RUNNING = "running"
    """It runs the version that it is to run."""
    TO_COME = "to come"
    """It is being brought there."""
    FAILED = "failed"
    """A rollout of what it is to run has failed on it."""
    NOT_SAID = "not said"
    """It has never said what it runs."""
    STOPPED = "stopped"
    """It has the version, and does not run it."""
    DIFFERS = "differs"
    """It has said that it runs another version, or none."""


def is_counted() -> ColumnElement[bool]:
    """Whether a container is to be on a device or is there, for a query of `DeviceContainerRow`."""
    row = DeviceContainerRow
    return not_(and_(row.desired_release_id.is_(None), row.reported_state == ABSENT))


def standing() -> ColumnElement[str]:
    """How a device stands with a container, for a query of `DeviceContainerRow`."""
    row = DeviceContainerRow
    has_it = row.desired_release_id == row.reported_release_id
    return case(
        (and_(has_it, row.reported_state == ContainerState.RUNNING.value), Standing.RUNNING.value),
        (_is_under_way(), Standing.TO_COME.value),
        (and_(row.desired_release_id.is_not(None), _has_failed()), Standing.FAILED.value),
        (row.reported_state == "", Standing.NOT_SAID.value),
        (has_it, Standing.STOPPED.value),
        else_=Standing.DIFFERS.value,
    )


def _is_under_way() -> ColumnElement[bool]:
    return (
        exists()
        .where(
            JobRow.device_id == DeviceContainerRow.device_id,
            JobRow.application_id == DeviceContainerRow.application_id,
            JobRow.ended_s.is_(None),
        )
        .correlate(DeviceContainerRow)
    )


def _has_failed() -> ColumnElement[bool]:
    return (
        exists()
        .where(
            RolloutRow.release_id == DeviceContainerRow.desired_release_id,
            RolloutDeviceRow.rollout_id == RolloutRow.id,
            RolloutDeviceRow.device_id == DeviceContainerRow.device_id,
            RolloutDeviceRow.progress == DeviceProgress.FAILED.value,
        )
        .correlate(DeviceContainerRow)
    )
