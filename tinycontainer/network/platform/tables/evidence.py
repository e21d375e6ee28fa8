"""What devices have said that happened on them, and how much of it they have proved."""

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import PlatformTable
from .rollouts import DETAIL_CHARACTERS, REASON_CHARACTERS

WORD_CHARACTERS = 16
EVENT_BYTES = 1024
UID_BYTES = 63
_COUNTED = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts only what it takes for an integer."""


class DeviceEventRow(PlatformTable):
    """An event as a device has given it, and what is read from it."""

    __tablename__ = "device_event"
    __table_args__ = (
        Index(None, "device_id", "series", "number", unique=True),
        Index(None, "device_id", "id"),
        Index(None, "uid", "id"),
    )

    id: Mapped[int] = mapped_column(_COUNTED, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    series: Mapped[int]
    """In which no event is missing; see `DeviceEvidenceRow`."""
    number: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[bytes] = mapped_column(LargeBinary(EVENT_BYTES))
    previous_chain: Mapped[bytes] = mapped_column(LargeBinary(32))
    """The chain value before it."""
    is_proved: Mapped[bool]
    kind: Mapped[str] = mapped_column(String(WORD_CHARACTERS))
    uid: Mapped[bytes | None] = mapped_column(LargeBinary(UID_BYTES))
    """Of the container that it is about; None if it is about none."""
    at_s: Mapped[int | None] = mapped_column(BigInteger)
    """Unix time of the device."""
    release_id: Mapped[int | None] = mapped_column(ForeignKey("release.id"))
    """What the device had, or was to have, when the event came; None if that is not known."""


class DeviceEvidenceRow(PlatformTable):
    """How much a device has proved. It is there once the device was asked."""

    __tablename__ = "device_evidence"

    device_id: Mapped[int] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    """What the pseudonyms of the device are made of; never shown."""
    series: Mapped[int]
    """The current one, from 1. Another one begins where the device does not go on with it."""
    series_s: Mapped[float] = mapped_column(Double)
    """When it began here."""
    proved_number: Mapped[int | None] = mapped_column(BigInteger)
    """Of the newest event that was proved; None if nothing was."""
    proved_chain: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """The chain value after it."""
    statement: Mapped[bytes | None] = mapped_column(LargeBinary)
    """By which it was proved."""
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """That was drawn for the statement."""
    stated_s: Mapped[float | None] = mapped_column(Double)
    """When the statement came."""
    problem: Mapped[str] = mapped_column(String(REASON_CHARACTERS))
    """What did not fit last; empty if there never was anything."""
    problem_detail: Mapped[str] = mapped_column(String(DETAIL_CHARACTERS))
    problem_s: Mapped[float | None] = mapped_column(Double)
    """Since when."""
    problem_until_s: Mapped[float | None] = mapped_column(Double)
    """When all fitted again; None if it does not."""
