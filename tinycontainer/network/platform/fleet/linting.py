"""What lint finds in a container, by the profiles of its devices: counted, without a database.

The code is analysed once, whatever the number of devices, and shown to its runtime once for all
devices with the same limits. What is found is advice: it decides nothing. Nothing is run, and
nothing is opened.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from heapq import nsmallest
from pathlib import Path
from typing import Final, TypeAlias

from tinycontainer.device.containers.limits import Capacity
from tinycontainer.errors import MetadataError
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.metadata import Bundle
from tinycontainer.metadata import decode as decode_metadata
from tinycontainer.metadata.codec import MAX_METADATA_BYTES
from tinycontainer.tools.artefact.artefact import Artefact
from tinycontainer.tools.lint import (
    Audit,
    AuditSubject,
    CodeTools,
    Rule,
    Severity,
    audit_containers,
    gather_subject,
    make_host,
)

from ..refusing import PlatformRefused
from .judging import (
    EXAMPLES,
    Bounds,
    DeviceCase,
    FindProfile,
    Group,
    TargetDevice,
    find_audiences,
    group_targets,
)
from .profile_content import MOST_CODE_BYTES

MOST_FINDINGS: Final = 100
"""That are shown; the worst are."""
MOST_CHARACTERS: Final = 400
"""Of a message. Code can name any number of things."""
MOST_METADATA_BYTES: Final = 64 * 1024
"""Of longer metadata only the size is judged."""
_NAME: Final = "release"

_Look: TypeAlias = Callable[[RuntimeLimits], AuditSubject]
"""Looks at the container as one for a device with some limits."""


@dataclass(frozen=True, slots=True)
class FleetFinding:
    """Something that lint found.

    Attributes:
        rule: the kind.
        severity: how bad it is here.
        place: where, such as ``endpoints[2].direction``.
        message: what is wrong there; if it is too long, three full stops end it.
    """

    rule: Rule
    severity: Severity
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class FleetLint:
    """What came of it.

    Attributes:
        devices: for how many it was looked.
        findings: what was found, and for which devices; the worst first.
        left_out: how many other findings there are, none of them worse.
    """

    devices: int
    findings: dict[FleetFinding, Group]
    left_out: int


def lint_fleet(
    bundle: Bundle,
    targets: Iterable[TargetDevice],
    find_profile: FindProfile,
    tools: CodeTools,
    now_s: int,
    bounds: Bounds,
) -> FleetLint:
    """Say what lint finds in a container for some devices, as far as there is time.

    Args:
        bundle: the container; its bytes are untrusted. If there is no metadata in it, nothing is
            found.
        targets: the devices.
        find_profile: what they accept, by the id of the profile; None if it is not to be judged.
        tools: what to look at code with.
        now_s: time of the devices in Unix seconds.
        bounds: how much is looked at; those that most devices have come first.
    """
    try:
        metadata = decode_metadata(bundle.metadata, MAX_METADATA_BYTES)
    except MetadataError:
        return FleetLint(0, {}, 0)
    look = _looking_at(Artefact(_NAME, metadata, bundle.code, bundle.data), tools)
    cases = group_targets(targets, find_audiences(bundle.metadata))
    by_size = sorted(cases, key=lambda case: (-len(cases[case]), case.profile_id))
    found: dict[FleetFinding, Group] = defaultdict(Group)
    devices = 0
    end_s = bounds.monotonic_s() + bounds.seconds
    for case in by_size[: bounds.cases]:
        if bounds.monotonic_s() >= end_s:
            break
        audit = _prepare(case, look, find_profile, tools, now_s)
        if audit is not None:
            devices += len(cases[case])
            _count(found, audit, cases[case])
    in_order = sorted(found, key=lambda each: _order_of(each, found[each]))
    shown = {each: found[each] for each in in_order[:MOST_FINDINGS]}
    return FleetLint(devices, shown, len(found) - len(shown))


def _looking_at(artefact: Artefact, tools: CodeTools) -> _Look:
    """What looks at a container: once for all devices with the same limits of a runtime."""
    analysers = {kind: lru_cache(1)(analyse) for kind, analyse in tools.analysers.items()}
    once = CodeTools(analysers, tools.runtimes)

    @cache
    def look(limits: RuntimeLimits) -> AuditSubject:
        capacity = Capacity(
            metadata_bytes=MOST_METADATA_BYTES, code_bytes=limits.code_bytes, runtime=limits
        )
        return gather_subject(artefact, Path(_NAME), capacity, once)

    return look


def _prepare(
    case: DeviceCase, look: _Look, find_profile: FindProfile, tools: CodeTools, now_s: int
) -> Audit | None:
    """An audit of the container for some devices; None if their profile is not judged."""
    try:
        profile = find_profile(case.profile_id)
        if profile is None:
            return None
        trust = profile.trust(case.device_id)
    except PlatformRefused:
        return None
    host = make_host(profile.plan, trust, frozenset(tools.runtimes))
    # How much fits is judged by the host; it is no reason to look at the code once more.
    limits = replace(host.capacity.runtime, code_bytes=MOST_CODE_BYTES)
    return Audit((look(limits),), host, now_s)


def _count(found: dict[FleetFinding, Group], audit: Audit, names: list[str]) -> None:
    """Add what is found for some devices."""
    examples = nsmallest(EXAMPLES, names)
    alike = {
        FleetFinding(each.rule, each.severity, each.place, _shorten(each.message))
        for each in audit_containers(audit)
    }
    for finding in alike:
        group = found[finding]
        group.devices += len(names)
        group.examples = nsmallest(EXAMPLES, [*group.examples, *examples])


def _shorten(message: str) -> str:
    if len(message) <= MOST_CHARACTERS:
        return message
    return f"{message[:MOST_CHARACTERS]}..."


def _order_of(finding: FleetFinding, group: Group) -> tuple[int, int, str, str, str]:
    """The worst first; of these what most devices have."""
    severity = list(Severity).index(finding.severity)
    return severity, -group.devices, finding.rule.id, finding.place, finding.message
