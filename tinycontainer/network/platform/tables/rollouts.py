"""Rollouts, what each device is to run and runs, and the jobs that bring it there."""

from typing import Any

from sqlalchemy import JSON, Double, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import PlatformTable
from .catalogue import ReleaseRow
from .fleet import DeviceRow
from .people import NAME_CHARACTERS, SHA256_DIGITS

REASON_CHARACTERS = 64
DETAIL_CHARACTERS = 500
_IS_OPEN = text("ended_s IS NULL")


class RolloutRow(PlatformTable):
    """A rollout of a release; its targets are the devices of the release's owner."""

    __tablename__ = "rollout"
    __table_args__ = (
        Index(None, "organisation_id", "id"),
        Index(None, "owner_id", "id"),
        Index(None, "due_s"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    """Of the infrastructure, which runs it."""
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    query: Mapped[str] = mapped_column(Text)
    plan: Mapped[dict[str, Any]] = mapped_column(JSON)
    priority: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    wave: Mapped[int]
    """The current one, from 0."""
    salt: Mapped[str] = mapped_column(String(32))
    halt_reason: Mapped[str] = mapped_column(Text)
    judgement: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What was said of its targets when it was started."""
    created_s: Mapped[float] = mapped_column(Double)
    started_s: Mapped[float | None] = mapped_column(Double)
    ended_s: Mapped[float | None] = mapped_column(Double)
    due_s: Mapped[float | None] = mapped_column(Double)
    """When it is to be looked at; None for never."""

    release: Mapped[ReleaseRow] = relationship(lazy="joined", innerjoin=True)
    waves: Mapped[list["RolloutWaveRow"]] = relationship(
        lazy="selectin", order_by="RolloutWaveRow.number"
    )


class RolloutWaveRow(PlatformTable):
    """A wave, and how many of its devices are how far: counted as it changes, never anew."""

    __tablename__ = "rollout_wave"

    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollout.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    per_cent: Mapped[int]
    waiting: Mapped[int]
    told: Mapped[int]
    done: Mapped[int]
    failed: Mapped[int]
    superseded: Mapped[int]
    skipped: Mapped[int]
    forgiven: Mapped[int]
    """Of the failed, those that an operator knew of when the rollout was resumed."""


class RolloutDeviceRow(PlatformTable):
    """How far a rollout is with a device."""

    __tablename__ = "rollout_device"
    __table_args__ = (
        # In the order in which devices are told, so that the next one is found without a look at
        # all that wait.
        Index(None, "rollout_id", "progress", "wave", "attempts", "device_id"),
        Index(None, "rollout_id", "changed_s"),
    )

    rollout_id: Mapped[int] = mapped_column(ForeignKey("rollout.id"), primary_key=True)
    device_id: Mapped[int] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    wave: Mapped[int]
    progress: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    """How often it was told."""
    reason: Mapped[str] = mapped_column(String(REASON_CHARACTERS))
    detail: Mapped[str] = mapped_column(String(DETAIL_CHARACTERS))
    changed_s: Mapped[float] = mapped_column(Double)


class DeviceContainerRow(PlatformTable):
    """What a device is to run of an application, and what it has said that it runs."""

    __tablename__ = "device_container"

    device_id: Mapped[int] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    application_id: Mapped[int] = mapped_column(
        ForeignKey("application.id"), primary_key=True, index=True
    )
    desired_release_id: Mapped[int | None] = mapped_column(ForeignKey("release.id"))
    """None if it is to have none."""
    desired_s: Mapped[float | None] = mapped_column(Double)
    reported_release_id: Mapped[int | None] = mapped_column(ForeignKey("release.id"), index=True)
    """None if it has none, or one that the platform does not know."""
    reported_sha256: Mapped[str | None] = mapped_column(String(SHA256_DIGITS))
    reported_state: Mapped[str] = mapped_column(String(16))
    """Empty as long as it has said nothing; ``ABSENT`` if it has said that there is none."""
    reported_exit: Mapped[str] = mapped_column(String(DETAIL_CHARACTERS))
    reported_usage: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What it has used; None if the device has not said it."""
    reported_s: Mapped[float | None] = mapped_column(Double)


class JobRow(PlatformTable):
    """Something that is to be reached on a device; whoever has the lease works on it."""

    __tablename__ = "delivery_job"
    __table_args__ = (
        # A device is brought to one version of an application at a time.
        Index(
            "uq_delivery_job_open",
            "device_id",
            "application_id",
            "kind",
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
        Index("ix_delivery_job_due", "due_s", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
        Index(None, "rollout_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    kind: Mapped[str] = mapped_column(String(16))
    release_id: Mapped[int | None] = mapped_column(ForeignKey("release.id"))
    rollout_id: Mapped[int | None] = mapped_column(ForeignKey("rollout.id"))
    token: Mapped[bytes | None] = mapped_column(LargeBinary(1024))
    """By which the owner has withdrawn a right."""
    nonce: Mapped[bytes] = mapped_column(LargeBinary(8))
    """What the ids of its requests are made of, so that a repeated one is the same for a device."""
    progress: Mapped[str] = mapped_column(Text)
    """How far it is; empty at the beginning."""
    is_cancelled: Mapped[bool]
    deadline_s: Mapped[float | None] = mapped_column(Double)
    due_s: Mapped[float] = mapped_column(Double)
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until_s: Mapped[float | None] = mapped_column(Double)
    outcome: Mapped[str] = mapped_column(String(16))
    """Empty while it goes on."""
    reason: Mapped[str] = mapped_column(String(REASON_CHARACTERS))
    detail: Mapped[str] = mapped_column(String(DETAIL_CHARACTERS))
    created_s: Mapped[float] = mapped_column(Double)
    ended_s: Mapped[float | None] = mapped_column(Double)

    device: Mapped[DeviceRow] = relationship(lazy="joined", innerjoin=True)
