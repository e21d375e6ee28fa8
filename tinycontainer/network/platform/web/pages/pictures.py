"""What devices run, as a picture: a bar for each version, in which each part is a link."""

from dataclasses import dataclass
from typing import Final

from ...fleet.running import RunningApplication, RunningVersion
from ...fleet.standing import Standing
from .device_links import NOBODY_LEFT_OUT, path_of, path_with, same_version

MOST_APPLICATIONS: Final = 6
MOST_VERSIONS: Final = 5
WIDTH: Final = 1000
"""Of the bar of the version that most devices are to run."""
_LEAST: Final = 6
"""Width of what is so few that nobody would see it."""


@dataclass(frozen=True, slots=True)
class BarPart:
    """Devices that are to run a version and stand the same with it.

    Attributes:
        standing: how.
        devices: how many.
        path: of their list.
        at, width: where it is in the bar.
    """

    standing: Standing
    devices: int
    path: str
    at: int
    width: int


@dataclass(frozen=True, slots=True)
class VersionBar:
    """Devices that are to run a version.

    Attributes:
        number: of the release; None if the container is not to be there.
        devices: how many.
        path: of their list.
        parts: of the bar, in the order of `Standing`.
        runs: how many run it, whatever they are to run.
        runs_path: of their list.
    """

    number: int | None
    devices: int
    path: str
    parts: tuple[BarPart, ...]
    runs: int
    runs_path: str


@dataclass(frozen=True, slots=True)
class ApplicationPicture:
    """The versions of a container that most devices are to run.

    Attributes:
        uid: in hexadecimal digits.
        devices: on which it is to be, or is.
        path: of their list.
        bars: of its versions, most devices first.
        others: how many further versions there are.
        other_devices: how many devices are to run one of these.
    """

    uid: str
    devices: int
    path: str
    bars: tuple[VersionBar, ...]
    others: int
    other_devices: int


def draw(found: RunningApplication) -> ApplicationPicture:
    """Draw what devices are to run of a container."""
    uid = found.uid.hex()
    shown, others = found.versions[:MOST_VERSIONS], found.versions[MOST_VERSIONS:]
    most = max((each.devices for each in shown), default=0)
    return ApplicationPicture(
        uid=uid,
        devices=found.devices,
        path=path_of(uid=uid),
        bars=tuple(_draw_version(uid, each, most) for each in shown),
        others=len(others),
        other_devices=sum(each.devices for each in others),
    )


def _draw_version(uid: str, version: RunningVersion, most: int) -> VersionBar:
    wanted, at, parts = version.number or 0, 0, []
    for each in Standing:
        devices = version.standings.get(each, 0)
        if devices:
            width = max(_LEAST, devices * WIDTH // most)
            path = path_of(uid=uid, wanted=wanted, state=each)
            parts.append(BarPart(each, devices, path, at, width))
            at += width
    runs = "" if version.number is None else _path_of_running(uid, version.number)
    return VersionBar(
        version.number,
        version.devices,
        path_of(uid=uid, wanted=wanted),
        tuple(parts),
        version.runs,
        runs,
    )


def _path_of_running(uid: str, number: int) -> str:
    return path_with(NOBODY_LEFT_OUT, same_version(number), uid=uid)
