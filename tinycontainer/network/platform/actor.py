"""Who asks, and what that one may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tinycontainer_tokens import Role

PLATFORM: Final = "(platform)"
"""Who is written in the audit for what the platform does by itself; nobody can log in so."""


class PlatformScope(StrEnum):
    """What a person or a token may do."""

    READ = "read"
    PUBLISH = "publish"
    """Put releases into the catalogue, or withdraw them."""
    SIGN = "sign"
    """Hand in signed tokens."""
    DEPLOY = "deploy"
    """Bring releases to devices."""
    ADMINISTER = "administer"
    """Change the people of the organisation, and read the metrics from anywhere."""


class PersonRight(StrEnum):
    """What a person is in the organisation."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


SCOPES: Final[Mapping[PersonRight, frozenset[PlatformScope]]] = MappingProxyType(
    {
        PersonRight.ADMIN: frozenset(PlatformScope),
        PersonRight.MEMBER: frozenset(PlatformScope) - {PlatformScope.ADMINISTER},
        PersonRight.VIEWER: frozenset({PlatformScope.READ}),
    }
)
"""What each right allows."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks.

    Attributes:
        person: the name under which this one logs in.
        organisation_id: of the row of the organisation.
        organisation: its name.
        roles: which parties it is.
        scopes: what the right of the person and the token allow together.
    """

    person: str
    organisation_id: int
    organisation: str
    roles: frozenset[Role]
    scopes: frozenset[PlatformScope]

    def may(self, scope: PlatformScope) -> bool:
        """Whether this one may do it at all."""
        return scope in self.scopes


def acting_for(organisation_id: int) -> Actor:
    """The platform itself, which does something for an organisation that nobody has asked for now.

    Args:
        organisation_id: whose audit says so.
    """
    return Actor(PLATFORM, organisation_id, "", frozenset(), frozenset())
