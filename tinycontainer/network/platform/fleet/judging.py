"""Which devices would take a container, and why the others would not: counted, without a database.

Devices with one profile decide alike, unless a token names a device. So each profile is judged
once, and once more for each device that a token names. Nothing is run, and nothing is opened.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from tinycontainer.device.setup import Setup
from tinycontainer.errors import MetadataError
from tinycontainer.interfaces.runtime import Runtime
from tinycontainer.metadata import Bundle, ContainerType, token_places
from tinycontainer.metadata import decode as decode_metadata
from tinycontainer.text import flatten
from tinycontainer.tools.explain.admission import ExplainedCheck, explain_bundle
from tinycontainer_tokens.unverified import read_unverified

from ..refusing import PlatformRefused
from .profile_content import ProfileContent

EXAMPLES: Final = 5
"""Devices that are named for each reason."""
OTHER_DEVICE: Final = "(its own id)"
"""Stands for the id of a device that no token names."""

Runtimes: TypeAlias = Mapping[ContainerType, Runtime]
FindProfile: TypeAlias = Callable[[int], ProfileContent | None]


class Unjudged(StrEnum):
    """Why devices were not judged."""

    PROFILES = "too-many-profiles"
    """More profiles than are judged at once; those of most devices are judged."""
    TIME = "out-of-time"
    UNREADABLE = "profile-not-readable"
    """An older version of the program has taken it, and this one does not."""


@dataclass(frozen=True, slots=True)
class TargetDevice:
    """A device that a release is for.

    Attributes:
        name: of the device.
        profile_id: of its profile.
        device_id: what the audience of a token names; None if the profile says it.
    """

    name: str
    profile_id: int
    device_id: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is judged at once.

    Attributes:
        cases: profiles, and devices that a token names, together.
        seconds: after so many no other one is begun, by `monotonic_s`.
    """

    cases: int
    seconds: float
    monotonic_s: Callable[[], float]


@dataclass(frozen=True, slots=True)
class CountedRefusal:
    """The check at which a load would end, as `explain` shows it.

    Attributes:
        check: its name.
        reason: that the load would name.
        detail: what is wrong.
        expected, found, cause: what would have passed, what was there, and the likely mistake.
    """

    check: str
    reason: str
    detail: str
    expected: str | None = None
    found: str | None = None
    cause: str | None = None


JudgedCase: TypeAlias = CountedRefusal | Unjudged | None
"""None: the device would load the container."""


@dataclass(slots=True)
class Group:
    """Devices that are refused alike: how many, and the names of some of them."""

    devices: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, names: list[str]) -> None:
        """Count some more."""
        self.devices += len(names)
        self.examples = sorted([*self.examples, *names])[:EXAMPLES]


@dataclass(frozen=True, slots=True)
class FleetJudgement:
    """What came of it.

    Attributes:
        devices, accepted: how many the release is for, and how many of them would take it.
        refused: those that would not, by the reason; the most frequent reason first.
        unjudged: how many were not judged, and why.
        answers: what each device would say, by its name.
    """

    devices: int
    accepted: int
    refused: Mapping[CountedRefusal, Group]
    unjudged: Mapping[Unjudged, int]
    answers: Mapping[str, JudgedCase]


def judge_fleet(
    bundle: Bundle,
    targets: Iterable[TargetDevice],
    find_profile: FindProfile,
    runtimes: Runtimes,
    now_s: int,
    bounds: Bounds,
) -> FleetJudgement:
    """Say which devices would take a container.

    Args:
        bundle: the container; its bytes are untrusted.
        targets: the devices.
        find_profile: what they accept, by the id of the profile; None if it is not to be judged.
        runtimes: what admits code, by container type.
        now_s: time of the devices in Unix seconds.
        bounds: how much is judged.
    """
    content = bundle.encode()
    cases = group_targets(targets, find_audiences(bundle.metadata))
    refused: dict[CountedRefusal, Group] = defaultdict(Group)
    unjudged: Counter[Unjudged] = Counter()
    answers: dict[str, JudgedCase] = {}
    accepted = 0
    end_s = bounds.monotonic_s() + bounds.seconds
    by_size = sorted(cases, key=lambda case: (-len(cases[case]), case.profile_id))
    for number, case in enumerate(by_size):
        names = cases[case]
        is_late = bounds.monotonic_s() >= end_s
        outcome: JudgedCase = Unjudged.TIME if is_late else Unjudged.PROFILES
        if number < bounds.cases and not is_late:
            outcome = _judge_case(content, case, find_profile, runtimes, now_s)
        answers |= dict.fromkeys(names, outcome)
        match outcome:
            case None:
                accepted += len(names)
            case Unjudged():
                unjudged[outcome] += len(names)
            case CountedRefusal():
                refused[outcome].add(names)
    in_order = sorted(refused.items(), key=lambda each: (-each[1].devices, each[1].examples))
    devices = sum(map(len, cases.values()))
    return FleetJudgement(devices, accepted, dict(in_order), unjudged, answers)


def judge_profile(
    content: bytes,
    profile: ProfileContent,
    device_id: str | None,
    runtimes: Runtimes,
    now_s: int,
) -> CountedRefusal | None:
    """Why an empty device would not load a bundle; None if it would.

    Args:
        content: untrusted bytes of the bundle.
        profile: what the device accepts.
        device_id: of the device, if the profile does not say it.
        runtimes: what admits code, by container type, whatever runtime the profile names.
        now_s: time of the device in Unix seconds.
    """
    tables = profile.tables
    setup = Setup(
        runtimes=runtimes,
        trust=profile.trust(device_id),
        capacity=tables.make_capacity(),
        caps=tables.caps.make_caps(),
        scheduling=tables.scheduling.make_scheduling(),
        epoch_s=now_s,
    )
    checks = explain_bundle("release", content, setup, now_s)
    first = next((each for each in checks if each.check.failed), None)
    return None if first is None else _shown(first)


def find_audiences(metadata: bytes) -> frozenset[str]:
    """The devices that tokens name.

    Args:
        metadata: untrusted bytes; if they cannot be decoded, there are none.
    """
    try:
        places = token_places(decode_metadata(metadata, max(1, len(metadata))))
    except MetadataError:
        return frozenset()
    said = (read_unverified(each.token or b"", each.kind).claims for each in places)
    return frozenset(each.audience for each in said if each is not None and each.audience)


@dataclass(frozen=True, slots=True)
class DeviceCase:
    """Devices that decide alike: one profile, and one of the ids that tokens name, or another."""

    profile_id: int
    device_id: str | None


def group_targets(
    targets: Iterable[TargetDevice], audiences: frozenset[str]
) -> dict[DeviceCase, list[str]]:
    """Put devices together that decide alike: their names.

    Args:
        targets: the devices.
        audiences: the devices that tokens name.
    """
    other = OTHER_DEVICE
    while other in audiences:
        other += "'"
    found: dict[tuple[int, str | None], list[str]] = defaultdict(list)
    for each in targets:
        device_id = each.device_id if audiences else None
        if device_id is not None and device_id not in audiences:
            device_id = other
        found[each.profile_id, device_id].append(each.name)
    return {DeviceCase(*case): names for case, names in found.items()}


def _judge_case(
    content: bytes, case: DeviceCase, find_profile: FindProfile, runtimes: Runtimes, now_s: int
) -> JudgedCase:
    try:
        profile = find_profile(case.profile_id)
    except PlatformRefused:
        return Unjudged.UNREADABLE
    if profile is None:
        return Unjudged.PROFILES
    return judge_profile(content, profile, case.device_id, runtimes, now_s)


def _shown(found: ExplainedCheck) -> CountedRefusal:
    check, said = found.check, found.explanation
    reason, detail = str(check.reason), flatten(check.detail)
    if said is None:
        return CountedRefusal(check.name, reason, detail)
    cause = None if said.cause is None else flatten(said.cause)
    return CountedRefusal(
        check.name, reason, detail, flatten(said.expected), flatten(said.found), cause
    )
