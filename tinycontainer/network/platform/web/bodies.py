"""What the bodies of requests and answers are made of: exact types, bounds, nothing unknown."""

from typing import Annotated, Final

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tinycontainer_tokens import Role

from ..actor import PersonRight, PlatformScope

LOGIN_PATTERN: Final = r"^[a-z0-9.-]{1,63}$"
MAX_NUMBER: Final = (1 << 31) - 1
"""Of a row."""

LoginName = Annotated[str, StringConstraints(pattern=LOGIN_PATTERN)]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 ._-]{1,63}$")]
LoginPath = Annotated[str, Path(pattern=LOGIN_PATTERN)]
NumberPath = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
# JSON has no enumerations, so that an exact type would refuse the word of one.
GivenRight = Annotated[PersonRight, Field(strict=False)]
GivenScope = Annotated[PlatformScope, Field(strict=False)]


class JsonBody(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class JsonAnswer(BaseModel):
    """The body of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LogIn(JsonBody):
    """Somebody wants to log in."""

    name: LoginName
    password: str = Field(min_length=1, max_length=128)


class AddPerson(JsonBody):
    """Somebody is to be added to the organisation."""

    name: LoginName
    password: str = Field(min_length=12, max_length=128)
    right: GivenRight


class ChangePerson(JsonBody):
    """Somebody is to be changed; what is left out stays."""

    right: GivenRight | None = None
    is_disabled: bool | None = None
    password: str | None = Field(None, min_length=12, max_length=128)
    current_password: str | None = Field(
        None, min_length=1, max_length=128, description="of whoever changes the own password"
    )


class AddToken(JsonBody):
    """A token is to be made for whoever asks."""

    name: Label
    scopes: list[GivenScope] = Field(min_length=1, max_length=len(PlatformScope))
    days: float | None = Field(
        None, gt=0, le=3650, description="until it is over; by default as long as it may be"
    )


class SessionAnswer(JsonAnswer):
    """Who has logged in."""

    name: str
    csrf: str
    """For the header `X-CSRF-Token` of each request that changes something."""
    expires_s: float


class MeAnswer(JsonAnswer):
    """Who asks, and what that one may do."""

    name: str
    right: PersonRight
    organisation: str
    roles: list[Role]
    scopes: list[PlatformScope]
    csrf: str
    """Empty if it is a token that asks."""


class OrganisationAnswer(JsonAnswer):
    """The organisation of whoever asks."""

    name: str
    roles: list[Role]
    people: int
    created_s: float


class PersonAnswer(JsonAnswer):
    """Somebody of the organisation."""

    name: str
    right: PersonRight
    is_disabled: bool
    created_s: float


class PeopleAnswer(JsonAnswer):
    """People of the organisation, by their names."""

    people: list[PersonAnswer]
    next: str
    """The value of `after` for those that follow; empty if there are no more."""


class TokenAnswer(JsonAnswer):
    """A token; what one asks with is not in it."""

    id: int
    name: str
    scopes: list[PlatformScope]
    created_s: float
    expires_s: float | None


class TokensAnswer(JsonAnswer):
    """The tokens of whoever asks."""

    tokens: list[TokenAnswer]


class NewTokenAnswer(TokenAnswer):
    """A token that was just made."""

    token: str
    """Shown this once."""


class AuditEntryAnswer(JsonAnswer):
    """A deed."""

    number: int
    at_s: float
    person: str
    deed: str
    subject: str
    detail: dict[str, object]
    sha256: str
    """Of the chain up to here. Whoever keeps it knows later whether anything before it changed."""


class AuditAnswer(JsonAnswer):
    """Deeds of the organisation, by their numbers."""

    entries: list[AuditEntryAnswer]
    next: int | None
    """The value of `after` for those that follow; null if there are no more."""
