"""What parties say of a release, as they send it and as it is stored."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from tinycontainer.files.fields import SyscallName, Uint32, mask_from_names
from tinycontainer.files.toml_file import Table
from tinycontainer.metadata import ContainerMap, ContainerType, Security
from tinycontainer.metadata.model import PRIORITIES
from tinycontainer.tools.packing.manifest import (
    EndpointEntry,
    SecurityTable,
    UnixSeconds,
    check_audience,
)
from tinycontainer.tools.packing.packing import TokenOptions

from ..releases.release import Plan

MOST_ENDPOINTS = 64


class TokenTerms(Table):
    """Further claims of a token; the sequence is the number of the release if none is given."""

    sequence: int | None = Field(default=None, ge=0, lt=1 << 64)
    audience: Annotated[str, AfterValidator(check_audience)] | None = None
    not_before: UnixSeconds | None = None
    expires: UnixSeconds | None = None

    def options(self, number: int) -> TokenOptions:
        """As tokens are made with them.

        Args:
            number: of the release.
        """
        return TokenOptions(
            sequence=number if self.sequence is None else self.sequence,
            audience=self.audience,
            not_before_s=self.not_before,
            expires_s=self.expires,
        )


class PlanTiming(Table):
    """What the container map says of time."""

    exec_time_ms: Uint32 | None = None
    period_ms: Uint32 | None = None
    period_max_ms: Uint32 | None = None
    lifetime_loops: Uint32 | None = None
    priority: int | None = Field(default=None, ge=PRIORITIES[0], le=PRIORITIES[-1])


def _check_endpoints(entries: list[EndpointEntry]) -> list[EndpointEntry]:
    for each in entries:
        if (each.peer == "container") != (each.peer_uid is not None):
            raise ValueError(f"endpoint {each.id}: peer_uid is that of a peer container")
    ids = [each.id for each in entries]
    twice = next((each for each in ids if ids.count(each) > 1), None)
    if twice is not None:
        raise ValueError(f"two endpoints have the id {twice}")
    return entries


class PlanForm(Table):
    """What infrastructure decides."""

    timing: PlanTiming = PlanTiming()
    security: SecurityTable = SecurityTable()
    endpoints: Annotated[list[EndpointEntry], AfterValidator(_check_endpoints)] = Field(
        default_factory=list, max_length=MOST_ENDPOINTS
    )

    def plan(self, uid: bytes) -> Plan:
        """As metadata are made of it."""
        container = ContainerMap(uid, ContainerType.UNDEFINED, **self.timing.model_dump())
        endpoints = tuple(each.to_endpoint() for each in self.endpoints)
        return Plan(container, endpoints, Security(**self.security.model_dump()))

    def stored(self) -> dict[str, Any]:
        """As the database has it."""
        return self.model_dump(mode="json")


Calls = Annotated[list[SyscallName], Field(max_length=32)]
"""System calls by their names."""


def mask_of(calls: list[SyscallName]) -> int:
    """The mask of some calls."""
    return mask_from_names(calls)
