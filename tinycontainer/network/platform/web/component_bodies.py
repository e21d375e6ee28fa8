"""What is said of the components of releases over HTTP."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Query

from ..catalogue.cyclonedx import MAX_NAME_CHARACTERS, MAX_PURL_CHARACTERS, SoftwareComponent
from ..fleet.components import AffectedDevice, ComponentPlace, ComponentQuestion
from ..refusing import bad_request
from .bodies import JsonAnswer, JsonBody
from .release_bodies import Sha256

AfterPlace = Annotated[str, Query(pattern=r"^([0-9]{1,9}\.[0-9]{1,4})?$")]
"""The release and the position of the last component of a page."""


class SbomGiven(JsonBody):
    """What is in a release, by the hash of an artefact: a document of CycloneDX in JSON."""

    sha256: Sha256


class ComponentShown(JsonAnswer):
    """A component; version and purl are empty if none is said."""

    name: str
    version: str
    purl: str

    @classmethod
    def of(cls, found: SoftwareComponent) -> "ComponentShown":
        """From what was read."""
        return cls(name=found.name, version=found.version, purl=found.purl)


class SbomShown(JsonAnswer):
    """What is in a release, as its developer says."""

    sha256: str | None
    """Of the document; null if none was given."""
    components: list[ComponentShown]


class ReleaseWithDevices(JsonAnswer):
    """A release, and how many devices have last said that they have it."""

    uid: str
    number: int
    application: str
    devices: int


class ComponentInReleases(ComponentShown):
    """A component, and the releases that have it."""

    releases: list[ReleaseWithDevices]


class ComponentsShown(JsonAnswer):
    """Components with their releases, the oldest release first."""

    components: list[ComponentInReleases]
    next: str
    """The value of `after` for those that follow; empty if there are no more.

    A component can come again there, with further releases.
    """

    @classmethod
    def of(cls, places: Iterable[ComponentPlace], following: str) -> "ComponentsShown":
        """From what was found."""
        releases: dict[SoftwareComponent, list[ReleaseWithDevices]] = {}
        for each in places:
            shown = ReleaseWithDevices(
                uid=each.uid.hex(),
                number=each.number,
                application=each.application,
                devices=each.devices,
            )
            releases.setdefault(each.component, []).append(shown)
        found = [
            ComponentInReleases(
                name=each.name, version=each.version, purl=each.purl, releases=releases[each]
            )
            for each in releases
        ]
        return cls(components=found, next=following)


class ReportedReleaseShown(JsonAnswer):
    """A release that a device has, as it has last said."""

    uid: str
    number: int
    state: str
    reported_s: float | None


class AffectedDeviceShown(JsonAnswer):
    """A device that has a component, and by which releases."""

    name: str
    releases: list[ReportedReleaseShown]

    @classmethod
    def of(cls, found: AffectedDevice) -> "AffectedDeviceShown":
        """From what was found."""
        releases = [
            ReportedReleaseShown(
                uid=each.uid.hex(),
                number=each.number,
                state=each.state,
                reported_s=each.reported_s,
            )
            for each in found.releases
        ]
        return cls(name=found.name, releases=releases)


class AffectedDevicesShown(JsonAnswer):
    """Devices that have a component, by their names."""

    devices: list[AffectedDeviceShown]
    next: str
    """The value of `after` for those that follow; empty if there are no more."""


_NAME = Query(min_length=1, max_length=MAX_NAME_CHARACTERS, description="exactly; or give a purl")
_VERSION = Query(
    max_length=MAX_NAME_CHARACTERS, description="exactly; empty for components that say none"
)
_PURL = Query(min_length=1, max_length=MAX_PURL_CHARACTERS, description="exactly")


def read_question(
    name: Annotated[str | None, _NAME] = None,
    version: Annotated[str | None, _VERSION] = None,
    purl: Annotated[str | None, _PURL] = None,
) -> ComponentQuestion:
    """Which component is meant.

    Raises:
        PlatformRefused: neither its name nor its package URL is said.
    """
    if name is None and purl is None:
        raise bad_request("name or purl: one of them must say which component is meant")
    return ComponentQuestion(name, version, purl)


def read_place(text: str) -> tuple[int, int]:
    """Where a page begins; an empty text is the beginning."""
    release, _, position = (text or "0.0").partition(".")
    return int(release), int(position)


def write_place(place: ComponentPlace) -> str:
    """Where the page after a component begins."""
    return f"{place.release_id}.{place.position}"
