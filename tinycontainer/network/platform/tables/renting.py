"""Offers of owners, what is rented of them, and the rights that owners have taken back."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import PlatformTable
from .catalogue import ApplicationRow, ReleaseRow
from .people import NAME_CHARACTERS, SHA256_DIGITS, Organisation

SEQUENCE_DIGITS = 20
"""Of a number of 64 bits, which no database has room for."""


class OfferRow(PlatformTable):
    """Devices of an owner, and within which limits others may use them."""

    __tablename__ = "offer"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    description: Mapped[str] = mapped_column(Text)
    query: Mapped[str] = mapped_column(Text)
    """Which devices of the owner; nobody else sees it."""
    limits: Mapped[dict[str, Any]] = mapped_column(JSON)
    is_open: Mapped[bool]
    """Whether it can be asked for."""
    created_s: Mapped[float] = mapped_column(Double)

    owner: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    audience: Mapped[list["OfferAudience"]] = relationship(
        lazy="selectin", order_by="OfferAudience.organisation_id"
    )


class OfferAudience(PlatformTable):
    """Who sees an offer. Everybody does if there is no row of it."""

    __tablename__ = "offer_audience"

    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True, index=True
    )

    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)


class RentalRow(PlatformTable):
    """A release that is to use the devices of an offer for some time."""

    __tablename__ = "rental"
    __table_args__ = (Index(None, "release_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"), index=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    from_s: Mapped[int] = mapped_column(BigInteger)
    until_s: Mapped[int] = mapped_column(BigInteger)
    """From when on the right is over."""
    state: Mapped[str] = mapped_column(String(16))
    """What was decided; whether it has ended says the time."""
    asked_by: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    asked_s: Mapped[float] = mapped_column(Double)
    decided_by: Mapped[str | None] = mapped_column(String(NAME_CHARACTERS))
    decided_s: Mapped[float | None] = mapped_column(Double)

    offer: Mapped[OfferRow] = relationship(lazy="joined", innerjoin=True)
    release: Mapped[ReleaseRow] = relationship(lazy="joined", innerjoin=True)


class WithdrawalRow(PlatformTable):
    """A token by which an owner takes back every right of a container on its devices."""

    __tablename__ = "withdrawal"
    __table_args__ = (Index(None, "application_id", "organisation_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    """Of the owner."""
    token: Mapped[bytes] = mapped_column(LargeBinary(1024))
    fingerprint: Mapped[str] = mapped_column(String(SHA256_DIGITS))
    """Of the key that it was made with."""
    digits: Mapped[str] = mapped_column(String(SEQUENCE_DIGITS))
    person: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    created_s: Mapped[float] = mapped_column(Double)

    application: Mapped[ApplicationRow] = relationship(lazy="joined", innerjoin=True)

    @property
    def sequence(self) -> int:
        """Of the token; no mask up to this one counts any more."""
        return int(self.digits)
