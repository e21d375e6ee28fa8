"""The limits of an offer, as its owner sends them and as they are stored."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tinycontainer.files.fields import EndpointId, PeerTypeName, Uid, Uint32
from tinycontainer.files.toml_file import Table

from ..catalogue.forms import MOST_ENDPOINTS, Calls

MOST_DAYS = 3650


class OfferedEndpoint(Table):
    """A peer that a container may reach."""

    peer: PeerTypeName
    peer_uid: Uid | None = Field(default=None, description="of a peer container")
    peer_endpoint: EndpointId
    directions: list[Literal["in", "out"]] = Field(
        min_length=1, max_length=2, description="seen from the peer; `both` needs both"
    )


def _check_offered(entries: list[OfferedEndpoint]) -> list[OfferedEndpoint]:
    for each in entries:
        if (each.peer == "container") != (each.peer_uid is not None):
            raise ValueError("peer_uid is that of a peer container")
    return entries


class OfferLimits(Table):
    """The most that a release may ask for on the devices of an offer."""

    syscalls: Calls = Field(description="that the code may make")
    endpoints: Annotated[list[OfferedEndpoint], AfterValidator(_check_offered)] = Field(
        max_length=MOST_ENDPOINTS, description="that it may open; no others"
    )
    period_ms: Uint32 = Field(description="shortest time between two loops")
    share_per_cent: int = Field(
        ge=1, le=100, description="largest part of the time that its loops may take"
    )
    days: int = Field(ge=1, le=MOST_DAYS, description="longest time of a rental")

    def stored(self) -> dict[str, Any]:
        """As the database has it."""
        return self.model_dump(mode="json")
