"""Endpoints: the declared ones against code, mask, drivers and firmware."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tinycontainer.device.containers.riot_2024 import RIOT_MAX_ENDPOINT_ID
from tinycontainer.interfaces.syscalls import Syscall
from tinycontainer.metadata import Direction, Endpoint, PeerType

from .rights import MASK_PLACE, calls_made
from .rule import Chapter, Finding, Rule, Severity
from .subject import Audit, AuditSubject, Host

NEVER_OPENED: Final = Rule(
    "TCL201",
    Severity.WARNING,
    "An endpoint is declared that the code never opens.",
    "Take the endpoint out of the metadata.",
)
NOT_DECLARED: Final = Rule(
    "TCL202",
    Severity.ERROR,
    "The code opens endpoints that the metadata does not declare; the container would get -1.",
    "Declare them, or have the developer take the calls out of the code.",
)
COMPUTED: Final = Rule(
    "TCL203",
    Severity.NOTE,
    "The code computes ids of endpoints that it opens, so which ones cannot be told from outside.",
    "Ask its developer for constants, or look at the endpoints with the code's source.",
)
DIRECTION_UNUSED: Final = Rule(
    "TCL204",
    Severity.WARNING,
    "The code makes no call that an endpoint's direction is for.",
    "Take the endpoint out of the metadata, or correct its direction.",
)
DIRECTION_WIDE: Final = Rule(
    "TCL205",
    Severity.WARNING,
    "An endpoint is declared for both directions, and the code uses only one.",
    "Declare the one direction that is used.",
)
DIRECTION_MASKED: Final = Rule(
    "TCL206",
    Severity.WARNING,
    "The mask allows no call that an endpoint's direction is for.",
    "Allow the call in the mask, or take the endpoint out of the metadata.",
)
NO_DIRECTION: Final = Rule(
    "TCL207",
    Severity.WARNING,
    "The mask allows read or write, and no endpoint has that direction.",
    "Leave the call out of the mask, or correct the endpoints' directions.",
)
ID_BEYOND: Final = Rule(
    "TCL208",
    Severity.ERROR,
    "An endpoint id is beyond what the C firmware can pass (riot-2024).",
    f"Give the endpoint an id of 0 to {RIOT_MAX_ENDPOINT_ID}.",
)
NO_PIPES: Final = Rule(
    "TCL209",
    Severity.ERROR,
    "An endpoint's peer is a container, which the C firmware does not implement (riot-2024).",
    "Let the two containers meet behind a driver of the board.",
)
NO_DRIVER: Final = Rule(
    "TCL210",
    Severity.ERROR,
    "The device has no driver behind an endpoint; opening it would give -1.",
    "Add the driver to the device file, or correct the endpoint's peer.",
)
NOT_SERVED: Final = Rule(
    "TCL211",
    Severity.ERROR,
    "The driver behind an endpoint does not serve this container or this direction.",
    "Extend uids or directions of the driver in the device file, or take the endpoint away.",
)
TOO_MANY: Final = Rule(
    "TCL215",
    Severity.WARNING,
    "The code opens more endpoints than one container can hold open, and never closes any.",
    "Have the developer close what is no longer needed, or raise descriptors_per_container.",
)

_IDS_SHOWN: Final = 8
_TRANSFERS: Final = (Syscall.READ, Syscall.WRITE)


def check_endpoints(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge the endpoints of one container."""
    yield from _check_opens(subject)
    yield from _check_descriptors(audit.host, subject)
    mask = audit.mask(subject)
    for number, endpoint in enumerate(subject.metadata.endpoints or ()):
        place = f"endpoints[{number}]"
        if audit.is_riot(subject):
            yield from _check_for_firmware(place, endpoint)
        yield from _check_driver(audit.host, subject, place, endpoint)
        if subject.facts is not None:
            yield from _check_direction(place, endpoint, calls_made(subject))
        elif mask is not None:
            yield from _check_masked_direction(place, endpoint, mask)
    if mask is not None:
        yield from _check_allowed_transfers(subject, mask)


def _check_opens(subject: AuditSubject) -> Iterator[Finding]:
    facts = subject.facts
    if facts is None:
        return
    unknown = [each for each in sorted(facts.opened) if subject.metadata.endpoint(each) is None]
    if unknown:
        message = f"opens {_list_ids(unknown)}, not declared in the metadata"
        yield NOT_DECLARED.finding("code", message)
    if facts.opens_computed:
        constants = _list_ids(sorted(facts.opened))
        yield COMPUTED.finding("code", f"opens computed endpoint ids; by constants {constants}")
        return  # any endpoint can be among those
    for number, endpoint in enumerate(subject.metadata.endpoints or ()):
        if endpoint.endpoint_id not in facts.opened:
            message = f"endpoint {endpoint.endpoint_id} is declared, and the code never opens it"
            yield NEVER_OPENED.finding(f"endpoints[{number}]", message)


def _list_ids(ids: Sequence[int]) -> str:
    """Endpoint ids, the first few by number: code can hold any amount of them."""
    if not ids:
        return "none"
    shown = ", ".join(map(str, ids[:_IDS_SHOWN]))
    more = f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else ""
    return f"{'endpoint' if len(ids) == 1 else 'endpoints'} {shown}{more}"


def _check_descriptors(host: Host, subject: AuditSubject) -> Iterator[Finding]:
    if subject.facts is None or Syscall.CLOSE in calls_made(subject):
        return
    declared = subject.metadata.endpoints or ()
    count = sum(endpoint.endpoint_id in subject.facts.opened for endpoint in declared)
    limit = host.capacity.descriptors_per_container
    if count > limit:
        message = f"opens {count} endpoints and closes none; {limit} can be open"
        yield TOO_MANY.finding("code", message)


def _check_for_firmware(place: str, endpoint: Endpoint) -> Iterator[Finding]:
    if endpoint.endpoint_id > RIOT_MAX_ENDPOINT_ID:
        message = f"endpoint id {endpoint.endpoint_id}; the firmware's highest is"
        yield ID_BEYOND.finding(f"{place}.endpoint-id", f"{message} {RIOT_MAX_ENDPOINT_ID}")
    if endpoint.peer_type is PeerType.CONTAINER:
        message = f"the peer of endpoint {endpoint.endpoint_id} is a container"
        yield NO_PIPES.finding(f"{place}.peer-type", message)


def _check_driver(
    host: Host, subject: AuditSubject, place: str, endpoint: Endpoint
) -> Iterator[Finding]:
    if host.drivers is None or endpoint.peer_type is PeerType.CONTAINER:
        return
    peer = f"{endpoint.peer_type.name.lower()} endpoint {endpoint.peer_endpoint_id}"
    shown = f"endpoint {endpoint.endpoint_id} leads to {peer}"
    entry = host.drivers.find(endpoint.peer_type, endpoint.peer_endpoint_id)
    if entry is None:
        yield NO_DRIVER.finding(f"{place}.peer-endpoint-id", f"{shown}, where no driver is")
    elif not entry.serves(subject.uid, endpoint.direction):
        # A driver serves at least one direction; if not even that one, then not this container.
        serves_container = any(entry.serves(subject.uid, each) for each in Direction)
        direction = f"the direction {endpoint.direction.name.lower()}"
        refused = direction if serves_container else "this container"
        yield NOT_SERVED.finding(place, f"{shown}; {entry.name} does not serve {refused}")


def _calls_for(direction: Direction) -> tuple[Syscall, ...]:
    """The transfers that an endpoint's direction is for, seen from the container."""
    able = (direction.container_reads, direction.container_writes)
    return tuple(call for call, can in zip(_TRANSFERS, able, strict=True) if can)


def _check_direction(
    place: str, endpoint: Endpoint, made: tuple[Syscall, ...]
) -> Iterator[Finding]:
    meant = _calls_for(endpoint.direction)
    used = [call for call in meant if call in made]
    if not used:
        message = f"{_describe_direction(endpoint)}; the code never calls {_join_nor(meant)}"
        yield DIRECTION_UNUSED.finding(f"{place}.direction", message)
    elif len(used) < len(meant):
        message = f"{_describe_direction(endpoint)}; the code only calls {used[0].name.lower()}"
        yield DIRECTION_WIDE.finding(f"{place}.direction", message)


def _check_masked_direction(place: str, endpoint: Endpoint, mask: int) -> Iterator[Finding]:
    meant = _calls_for(endpoint.direction)
    if not any(mask & call.bit for call in meant):
        message = f"{_describe_direction(endpoint)}; the mask allows no {_join_nor(meant)}"
        yield DIRECTION_MASKED.finding(f"{place}.direction", message)


def _describe_direction(endpoint: Endpoint) -> str:
    return f"endpoint {endpoint.endpoint_id} has direction {endpoint.direction.name.lower()}"


def _join_nor(calls: Iterable[Syscall]) -> str:
    return " nor ".join(call.name.lower() for call in calls)


def _check_allowed_transfers(subject: AuditSubject, mask: int) -> Iterator[Finding]:
    endpoints = subject.metadata.endpoints
    if not endpoints:
        return
    made = calls_made(subject) if subject.facts else _TRANSFERS
    for call in _TRANSFERS:
        served = any(call in _calls_for(endpoint.direction) for endpoint in endpoints)
        if mask & call.bit and call in made and not served:
            name = call.name.lower()
            message = f"allows {name}; none of {len(endpoints)} endpoints can be used for it"
            yield NO_DIRECTION.finding(MASK_PLACE, message)


CHAPTER: Final = Chapter(
    (
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
    ),
    check_endpoints,
)
