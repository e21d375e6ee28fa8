"""What the shown devices differ in: the most frequent values, each a link to those that have it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ...fleet.running import RunningApplication
from ...fleet.standing import Standing
from ...fleet.summary import DAY_S, HOUR_S, FleetSummary
from ..choices import DevicesAsked
from .device_links import path_of, path_with, same_text, same_version
from .rendering import write_uid

MOST_VALUES: Final = 8


@dataclass(frozen=True, slots=True)
class FacetValue:
    """Devices among those shown that have something in common.

    Attributes:
        words: what.
        devices: how many.
        path: of their list.
    """

    words: str
    devices: int
    path: str


@dataclass(frozen=True, slots=True)
class Facet:
    """Something in which devices differ.

    Attributes:
        title: what.
        values: the most frequent ones.
        others: how many further values there are; those that were counted.
    """

    title: str
    values: tuple[FacetValue, ...]
    others: int = 0


def list_facets(
    asked: DevicesAsked, fleet: FleetSummary, running: tuple[RunningApplication, ...]
) -> tuple[Facet, ...]:
    """What the chosen devices differ in; nothing that all of them have in common.

    Args:
        asked: which devices.
        fleet: how they are.
        running: what they run.
    """
    counted = (
        ("Kind", [_of_text(asked, "kind", *each) for each in fleet.kinds]),
        ("Group", [_of_text(asked, "group", *each) for each in fleet.groups]),
        (
            "Profile",
            [
                FacetValue(f"{number} {name}", devices, path_of(asked, profile=number))
                for number, name, devices in fleet.profiles
            ],
        ),
        ("Connection", list(_of_connections(asked, fleet))),
        *_of_containers(asked, running),
    )
    return tuple(
        Facet(title, tuple(values[:MOST_VALUES]), max(0, len(values) - MOST_VALUES))
        for title, values in counted
        if any(each.devices < fleet.devices for each in values)
    )


def _of_text(asked: DevicesAsked, field: str, value: str, devices: int) -> FacetValue:
    return FacetValue(value or "none", devices, path_with(asked, same_text(field, value)))


def _of_connections(asked: DevicesAsked, fleet: FleetSummary) -> Iterator[FacetValue]:
    counted = (
        ("connected", fleet.connected, path_of(asked, connected=True)),
        ("not connected", fleet.devices - fleet.connected, path_of(asked, connected=False)),
        ("no answer for an hour", fleet.silent_hour, path_of(asked, silent_s=HOUR_S)),
        ("no answer for a day", fleet.silent_day, path_of(asked, silent_s=DAY_S)),
    )
    for words, devices, path in counted:
        if 0 < devices < fleet.devices:
            yield FacetValue(words, devices, path)


def _of_containers(
    asked: DevicesAsked, running: tuple[RunningApplication, ...]
) -> Iterator[tuple[str, list[FacetValue]]]:
    if asked.uid is None:
        uids = [(each.uid.hex(), each.devices) for each in running]
        yield "Container", [FacetValue(write_uid(u), n, path_of(asked, uid=u)) for u, n in uids]
        return
    for found in running:
        yield (
            "Is to run",
            [
                FacetValue(
                    "none" if each.number is None else str(each.number),
                    each.devices,
                    path_of(asked, wanted=each.number or 0),
                )
                for each in found.versions
                if each.devices
            ],
        )
        yield (
            "Runs",
            [
                FacetValue(str(each.number), each.runs, path_with(asked, same_version(each.number)))
                for each in sorted(found.versions, key=lambda each: -each.runs)
                if each.runs and each.number is not None
            ],
        )
        yield (
            "State",
            [
                FacetValue(each.value, found.standings[each], path_of(asked, state=each))
                for each in Standing
                if each in found.standings
            ],
        )
