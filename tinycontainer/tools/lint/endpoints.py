"""Endpoints: what is declared against what code opens, mask, drivers and firmware."""

from collections.abc import Iterator, Sequence
from typing import Final

from tinycontainer.device.containers.riot_2024 import RIOT_MAX_ENDPOINT_ID
from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.metadata import Direction, Endpoint, PeerType

from .finding import Finding, Rule, Severity, found
from .rights import calls_made
from .subject import Audit, AuditSubject, Host

NEVER_OPENED = Rule(
    "TCL201",
    Severity.WARNING,
    "An endpoint is declared that the code never opens.",
    "Take the endpoint out of the metadata.",
)
NOT_DECLARED = Rule(
    "TCL202",
    Severity.ERROR,
    "The code opens endpoints that the metadata does not declare; the container would get -1.",
    "Declare them, or have the developer take the calls out of the code.",
)
COMPUTED = Rule(
    "TCL203",
    Severity.NOTE,
    "The code computes ids of endpoints that it opens, so which ones cannot be told from outside.",
    "Ask its developer for constants, or look at the endpoints with the code's source.",
)
DIRECTION_UNUSED = Rule(
    "TCL204",
    Severity.WARNING,
    "The code makes no call that an endpoint's direction is for.",
    "Take the endpoint out of the metadata, or correct its direction.",
)
DIRECTION_WIDE = Rule(
    "TCL205",
    Severity.WARNING,
    "An endpoint is declared for both directions, and the code uses only one.",
    "Declare the one direction that is used.",
)
DIRECTION_MASKED = Rule(
    "TCL206",
    Severity.WARNING,
    "The mask allows no call that an endpoint's direction is for.",
    "Allow the call in the mask, or take the endpoint out of the metadata.",
)
NO_DIRECTION = Rule(
    "TCL207",
    Severity.WARNING,
    "The mask allows read or write, and no endpoint has that direction.",
    "Leave the call out of the mask, or correct the endpoints' directions.",
)
ID_BEYOND = Rule(
    "TCL208",
    Severity.ERROR,
    "An endpoint id is beyond what the C firmware can pass (riot-2024).",
    f"Give the endpoint an id of 0 to {RIOT_MAX_ENDPOINT_ID}.",
)
NO_PIPES = Rule(
    "TCL209",
    Severity.ERROR,
    "An endpoint's peer is a container, which the C firmware does not implement (riot-2024).",
    "Let the two containers meet behind a driver of the board.",
)
NO_DRIVER = Rule(
    "TCL210",
    Severity.ERROR,
    "The device has no driver behind an endpoint; opening it would give -1.",
    "Add the driver to the device file, or correct the endpoint's peer.",
)
NOT_SERVED = Rule(
    "TCL211",
    Severity.ERROR,
    "The driver behind an endpoint does not serve this container or this direction.",
    "Extend uids or directions of the driver in the device file, or take the endpoint away.",
)
TOO_MANY = Rule(
    "TCL215",
    Severity.WARNING,
    "The code opens more endpoints than one container can hold open, and never closes any.",
    "Have the developer close what is no longer needed, or raise descriptors_per_container.",
)

RULES: Final = (
    NEVER_OPENED,
    NOT_DECLARED,
    COMPUTED,
    DIRECTION_UNUSED,
    DIRECTION_WIDE,
    DIRECTION_MASKED,
    NO_DIRECTION,
    ID_BEYOND,
    NO_PIPES,
    NO_DRIVER,
    NOT_SERVED,
    TOO_MANY,
)

_IDS_SHOWN: Final = 8
_TRANSFERS: Final = (Syscall.READ, Syscall.WRITE)


def check_endpoints(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge the endpoints of one container."""
    yield from _opens(subject)
    yield from _descriptors(audit.host, subject)
    mask = audit.mask(subject)
    for number, endpoint in enumerate(subject.metadata.endpoints or ()):
        place = f"endpoints[{number}]"
        if audit.is_riot(subject):
            yield from _riot(place, endpoint)
        yield from _driver(audit.host, subject, place, endpoint)
        if subject.facts is not None:
            yield from _direction(place, endpoint, calls_made(subject))
        elif mask is not None:
            yield from _masked_direction(place, endpoint, mask)
    if mask is not None:
        yield from _rights_without_direction(subject, mask)


def _opens(subject: AuditSubject) -> Iterator[Finding]:
    facts = subject.facts
    if facts is None:
        return
    unknown = [each for each in sorted(facts.opened) if subject.metadata.endpoint(each) is None]
    if unknown:
        yield found(NOT_DECLARED, "code", f"opens {_ids(unknown)}, not declared in the metadata")
    if facts.opens_computed:
        constants = _ids(sorted(facts.opened))
        yield found(COMPUTED, "code", f"opens computed endpoint ids; by constants {constants}")
        return
    for number, endpoint in enumerate(subject.metadata.endpoints or ()):
        if endpoint.endpoint_id not in facts.opened:
            message = f"endpoint {endpoint.endpoint_id} is declared, and the code never opens it"
            yield found(NEVER_OPENED, f"endpoints[{number}]", message)


def _ids(ids: Sequence[int]) -> str:
    """Endpoint ids, the first few by number: code can hold any amount of them."""
    if not ids:
        return "none"
    shown = ", ".join(map(str, ids[:_IDS_SHOWN]))
    more = f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else ""
    return f"{'endpoint' if len(ids) == 1 else 'endpoints'} {shown}{more}"


def _descriptors(host: Host, subject: AuditSubject) -> Iterator[Finding]:
    if subject.facts is None or "close" in subject.facts.natives:
        return
    opened = [
        each
        for each in subject.metadata.endpoints or ()
        if each.endpoint_id in subject.facts.opened
    ]
    limit = host.capacity.descriptors_per_container
    if len(opened) > limit:
        yield found(
            TOO_MANY, "code", f"opens {len(opened)} endpoints and closes none; {limit} can be open"
        )


def _riot(place: str, endpoint: Endpoint) -> Iterator[Finding]:
    if endpoint.endpoint_id > RIOT_MAX_ENDPOINT_ID:
        message = f"endpoint id {endpoint.endpoint_id}; the firmware's highest is"
        yield found(ID_BEYOND, f"{place}.endpoint-id", f"{message} {RIOT_MAX_ENDPOINT_ID}")
    if endpoint.peer_type is PeerType.CONTAINER:
        message = f"the peer of endpoint {endpoint.endpoint_id} is a container"
        yield found(NO_PIPES, f"{place}.peer-type", message)


def _driver(host: Host, subject: AuditSubject, place: str, endpoint: Endpoint) -> Iterator[Finding]:
    if host.drivers is None or endpoint.peer_type is PeerType.CONTAINER:
        return
    peer = f"{endpoint.peer_type.name.lower()} endpoint {endpoint.peer_endpoint_id}"
    entry = host.drivers.find(endpoint.peer_type, endpoint.peer_endpoint_id)
    if entry is None:
        message = f"endpoint {endpoint.endpoint_id} leads to {peer}, where no driver is"
        yield found(NO_DRIVER, f"{place}.peer-endpoint-id", message)
    elif not entry.serves(subject.uid, endpoint.direction):
        whom = "this container" if entry.uids and subject.uid not in entry.uids else "direction"
        if whom == "direction":
            whom = f"the direction {endpoint.direction.name.lower()}"
        message = f"endpoint {endpoint.endpoint_id} leads to {peer}; {entry.name} does not serve"
        yield found(NOT_SERVED, place, f"{message} {whom}")


def _uses(direction: Direction) -> tuple[Syscall, ...]:
    able = (direction.container_reads, direction.container_writes)
    return tuple(call for call, can in zip(_TRANSFERS, able, strict=True) if can)


def _direction(place: str, endpoint: Endpoint, made: tuple[Syscall, ...]) -> Iterator[Finding]:
    meant = _uses(endpoint.direction)
    used = [call for call in meant if call in made]
    shown = f"endpoint {endpoint.endpoint_id} has direction {endpoint.direction.name.lower()}"
    if not used:
        never = " nor ".join(call.name.lower() for call in meant)
        yield found(
            DIRECTION_UNUSED, f"{place}.direction", f"{shown}; the code never calls {never}"
        )
    elif len(used) < len(meant):
        message = f"{shown}; the code only calls {used[0].name.lower()}"
        yield found(DIRECTION_WIDE, f"{place}.direction", message)


def _masked_direction(place: str, endpoint: Endpoint, mask: int) -> Iterator[Finding]:
    meant = _uses(endpoint.direction)
    if not any(mask & call.bit for call in meant):
        needs = " nor ".join(call.name.lower() for call in meant)
        shown = f"endpoint {endpoint.endpoint_id} has direction {endpoint.direction.name.lower()}"
        message = f"{shown}; the mask allows no {needs}"
        yield found(DIRECTION_MASKED, f"{place}.direction", message)


def _rights_without_direction(subject: AuditSubject, mask: int) -> Iterator[Finding]:
    endpoints = subject.metadata.endpoints
    if not endpoints:
        return
    made = calls_made(subject) if subject.facts else _TRANSFERS
    for call in _TRANSFERS:
        served = any(call in _uses(endpoint.direction) for endpoint in endpoints)
        if mask & call.bit and call in made and not served:
            name = call.name.lower()
            message = f"allows {name}; none of {len(endpoints)} endpoints can be used for it"
            yield found(NO_DIRECTION, "syscall-mask", message)
