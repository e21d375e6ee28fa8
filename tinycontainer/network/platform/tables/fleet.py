"""Devices, and what each kind of them accepts."""

from sqlalchemy import (
    JSON,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from .base import PlatformTable
from .people import NAME_CHARACTERS, SHA256_DIGITS

DEVICE_ID_CHARACTERS = 64


class DeviceProfile(PlatformTable):
    """The public half of a device file. It never changes."""

    __tablename__ = "device_profile"
    __table_args__ = (UniqueConstraint("organisation_id", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    sha256: Mapped[str] = mapped_column(String(SHA256_DIGITS))
    device_file: Mapped[str] = mapped_column(Text, deferred=True, deferred_group="content")
    """TOML."""
    key_files: Mapped[dict[str, str]] = mapped_column(JSON, deferred=True, deferred_group="content")
    """PEM of public keys, by the names that the device file has for them."""
    created_s: Mapped[float] = mapped_column(Double)


class DeviceRow(PlatformTable):
    """A device: whose it is, who operates it, and what it accepts."""

    __tablename__ = "device"
    __table_args__ = (
        Index(None, "organisation_id", "name"),
        Index(None, "infrastructure_id", "name"),
        Index(None, "gateway", "endpoint", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    """Of its owner."""
    infrastructure_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    """Of who operates it."""
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS), unique=True)
    kind: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    group: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    """Empty for none."""
    labels: Mapped[dict[str, str]] = mapped_column(JSON)
    profile_id: Mapped[int] = mapped_column(ForeignKey("device_profile.id"), index=True)
    device_id: Mapped[str | None] = mapped_column(String(DEVICE_ID_CHARACTERS))
    """What the audience of a token names; if there is none, that of the profile."""
    evidence_key: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """Public half of the Ed25519 key that it signs statements with; None if it is not known."""
    gateway: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))
    """Through which it is reached, by the name in the platform's file; None if it is not."""
    endpoint: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))
    """Its name there."""
    takes_updates: Mapped[bool]
    """Whether its infrastructure brings releases by envelopes of SUIT, where they have one."""
    contact_s: Mapped[float | None] = mapped_column(Double)
    """When it last answered."""
    look_due_s: Mapped[float | None] = mapped_column(Double, index=True)
    """When it is to be asked what it runs; None for never."""
    created_s: Mapped[float] = mapped_column(Double)
