"""What is said of offers, rentals and withdrawals over HTTP."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from tinycontainer.tools.rollouts.query_text import MAX_QUERY_CHARACTERS

from ..renting import offers, rentals
from ..renting.forms import OfferLimits
from ..tables.renting import OfferRow, RentalRow, WithdrawalRow
from .bodies import MAX_NUMBER, JsonAnswer, JsonBody, Label
from .catalogue import UidDigits
from .fleet_bodies import LAST_S

MOST_LISTED: Final = 64
"""Organisations of an audience."""

Description = Annotated[str, StringConstraints(pattern="^[ -~]{0,500}$")]
Moment = Annotated[int, Field(ge=0, le=LAST_S, description="Unix seconds")]


class OfferGiven(JsonBody):
    """An offer that is to be made."""

    name: Label
    description: Description = ""
    query: str = Field(
        max_length=MAX_QUERY_CHARACTERS, description="which devices of the owner; others never see"
    )
    limits: OfferLimits
    audience: list[Label] = Field(
        default_factory=list,
        max_length=MOST_LISTED,
        description="organisations that see it; all do if none is named",
    )


class OfferChange(JsonBody):
    """An offer that is to be closed, or opened again."""

    is_open: bool


class RentalGiven(JsonBody):
    """A rental that is asked for."""

    offer: int = Field(ge=1, le=MAX_NUMBER)
    uid: UidDigits
    number: int = Field(ge=1, lt=1 << 63, description="of the release")
    from_s: Moment
    until_s: Moment


class OfferListed(JsonAnswer):
    """An offer in a list."""

    id: int
    name: str
    owner: str
    is_open: bool
    created_s: float

    @classmethod
    def of(cls, row: OfferRow) -> "OfferListed":
        """From its row."""
        return cls(
            id=row.id,
            name=row.name,
            owner=row.owner.name,
            is_open=row.is_open,
            created_s=row.created_s,
        )


class OffersShown(JsonAnswer):
    """Offers, the newest first."""

    offers: list[OfferListed]
    next: int | None
    """The value of `before` for those that follow; null if there are no more."""


class OfferShown(OfferListed):
    """An offer."""

    description: str
    limits: OfferLimits
    devices: int
    """How many there are now."""
    query: str | None
    """Null for all but the owner."""
    audience: list[str] | None
    """The same."""

    @classmethod
    def for_others(cls, row: OfferRow, devices: int) -> "OfferShown":
        """What everybody may know who sees the offer.

        Args:
            row: of the offer.
            devices: how many there are.
        """
        return cls(
            **OfferListed.of(row).model_dump(),
            description=row.description,
            limits=offers.limits_of(row),
            devices=devices,
            query=None,
            audience=None,
        )

    @classmethod
    def for_owner(cls, row: OfferRow, devices: int) -> "OfferShown":
        """All of it.

        Args:
            row: of the offer.
            devices: how many there are.
        """
        audience = sorted(each.organisation.name for each in row.audience)
        own = {"query": row.query, "audience": audience}
        return cls.for_others(row, devices).model_copy(update=own)


class RentalListed(JsonAnswer):
    """A rental in a list."""

    id: int
    offer: int
    uid: str
    number: int
    """Of the release."""
    developer: str
    owner: str
    infrastructure: str
    from_s: int
    until_s: int
    state: str

    @classmethod
    def of(cls, row: RentalRow, names: dict[int, str], now_s: float) -> "RentalListed":
        """From its row.

        Args:
            row: of the rental.
            names: of organisations, by their ids.
            now_s: Unix time.
        """
        return cls(
            id=row.id,
            offer=row.offer_id,
            uid=row.release.application.uid.hex(),
            number=row.release.number,
            developer=names[row.release.developer_id],
            owner=names[row.release.owner_id],
            infrastructure=names[row.release.infrastructure_id],
            from_s=row.from_s,
            until_s=row.until_s,
            state=rentals.state_of(row, now_s).value,
        )


class RentalsShown(JsonAnswer):
    """Rentals, the newest first."""

    rentals: list[RentalListed]
    next: int | None
    """The value of `before` for those that follow; null if there are no more."""


class RentalShown(RentalListed):
    """A rental."""

    breaks: list[str]
    """In what the release is beyond the offer; it is not rolled out then."""
    asked_by: str
    asked_s: float
    decided_by: str | None
    """Who has granted, refused, taken back or withdrawn it last."""
    decided_s: float | None

    @classmethod
    def of(cls, row: RentalRow, names: dict[int, str], now_s: float) -> "RentalShown":
        """From its row.

        Args:
            row: of the rental.
            names: of organisations, by their ids.
            now_s: Unix time.
        """
        return cls(
            **RentalListed.of(row, names, now_s).model_dump(),
            breaks=list(rentals.breaks_of(row, now_s)),
            asked_by=row.asked_by,
            asked_s=row.asked_s,
            decided_by=row.decided_by,
            decided_s=row.decided_s,
        )


class WithdrawalShown(JsonAnswer):
    """Rights of a container that an owner has taken back."""

    id: int
    uid: str
    sequence: int
    """No mask up to this one counts any more."""
    key: str
    """Fingerprint."""
    person: str
    created_s: float

    @classmethod
    def of(cls, row: WithdrawalRow) -> "WithdrawalShown":
        """From its row."""
        return cls(
            id=row.id,
            uid=row.application.uid.hex(),
            sequence=row.sequence,
            key=row.fingerprint,
            person=row.person,
            created_s=row.created_s,
        )
