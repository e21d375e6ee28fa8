"""How many devices run what, and what has just failed, over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends

from ..actor import Actor, PlatformScope
from ..fleet.failures import RecentFailure, list_failures
from ..fleet.running import RunningApplication, RunningVersion, count_running
from ..fleet.standing import Standing
from .bodies import JsonAnswer
from .callers import caller
from .choices import DevicesAsked
from .parts import PlatformParts

MOST_APPLICATIONS: Final = 100
MOST_VERSIONS: Final = 200
MOST_FAILURES: Final = 50


class VersionCount(JsonAnswer):
    """Devices that are to run a version, and those that run it."""

    number: int | None
    """Of the release; null if the container is not to be there."""
    states: dict[Standing, int]
    """How many of those that are to run it stand how with it; without zeros."""
    runs: int
    """How many have said that they run it, whatever they are to run."""

    @classmethod
    def of(cls, found: RunningVersion) -> "VersionCount":
        """From what was counted."""
        return cls(number=found.number, states=dict(found.standings), runs=found.runs)


class ApplicationCount(JsonAnswer):
    """Devices on which a container is to be, or is."""

    uid: str
    devices: int
    versions: list[VersionCount]
    """Those with the most devices first, 200 at the most."""

    @classmethod
    def of(cls, found: RunningApplication) -> "ApplicationCount":
        """From what was counted."""
        versions = [VersionCount.of(each) for each in found.versions[:MOST_VERSIONS]]
        return cls(uid=found.uid.hex(), devices=found.devices, versions=versions)


class RunningShown(JsonAnswer):
    """What devices are to run and run."""

    applications: list[ApplicationCount]
    """Those with the most devices first, 100 at the most."""


class RecentFailureShown(JsonAnswer):
    """Devices on which a rollout has failed for the same reason."""

    rollout: int
    name: str
    release: str
    reason: str
    devices: int
    last_s: float
    """When it failed on the last one."""

    @classmethod
    def of(cls, found: RecentFailure) -> "RecentFailureShown":
        """From what was found."""
        return cls(
            rollout=found.rollout_id,
            name=found.rollout,
            release=f"{found.uid.hex()}/{found.number}",
            reason=found.reason,
            devices=found.devices,
            last_s=found.last_s,
        )


class RecentFailuresShown(JsonAnswer):
    """Why the newest rollouts have failed, the newest failures first."""

    failures: list[RecentFailureShown]


def add_counts(router: APIRouter, parts: PlatformParts) -> None:
    """Add what is counted of the fleet.

    Args:
        router: that gets the routes.
        parts: what they work on.
    """
    reader = Annotated[Actor, Depends(caller(PlatformScope.READ))]

    @router.get("/fleet/running")
    def show_running(actor: reader, asked: Annotated[DevicesAsked, Depends()]) -> RunningShown:
        """How many of the devices that are meant run which version of what, and how."""
        choice = asked.choice(parts.now_s())
        with parts.database.reading() as session:
            found = count_running(session, actor, choice)[:MOST_APPLICATIONS]
        return RunningShown(applications=[ApplicationCount.of(each) for each in found])

    @router.get("/fleet/failures")
    def show_failures(actor: reader) -> RecentFailuresShown:
        """Why the newest rollouts that the organisation sees have failed on devices."""
        with parts.database.reading() as session:
            found = list_failures(session, actor, MOST_FAILURES)
        return RecentFailuresShown(failures=[RecentFailureShown.of(each) for each in found])
