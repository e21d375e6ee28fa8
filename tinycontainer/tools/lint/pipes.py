"""Pipes: endpoints whose peer is a container, which has to name them back."""

from collections.abc import Iterator, Mapping
from typing import Final

from tinycontainer.device.calls.pipes import Dissent, find_dissent
from tinycontainer.metadata import Endpoint, PeerType
from tinycontainer.text import show

from .rule import Chapter, Finding, Rule, Severity
from .subject import Audit, AuditSubject

NO_CONSENT: Final = Rule(
    "TCL212",
    Severity.ERROR,
    "The peer of a pipe does not name this end back with the fitting direction; opening it would"
    " give -1.",
    "Let both ends name each other's uid and endpoint id, in with out or both with both.",
)
PEER_UNKNOWN: Final = Rule(
    "TCL213",
    Severity.NOTE,
    "The peer of a pipe is not among the containers audited.",
    "Audit the two containers together.",
)
WITH_ITSELF: Final = Rule(
    "TCL214",
    Severity.ERROR,
    "A pipe leads from a container to itself, which no device joins.",
    "Take the endpoint out of the metadata.",
)


def check_pipes(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge the pipes of one container."""
    if audit.is_riot(subject):
        return  # the firmware has no pipes, which is a finding of its own
    peers = audit.peers()
    for number, endpoint in enumerate(subject.metadata.endpoints or ()):
        if endpoint.peer_type is PeerType.CONTAINER and endpoint.peer_uid is not None:
            place = f"endpoints[{number}]"
            yield from _check_pipe(peers, subject, place, endpoint, endpoint.peer_uid)


def _check_pipe(
    peers: Mapping[bytes, AuditSubject],
    subject: AuditSubject,
    place: str,
    endpoint: Endpoint,
    peer_uid: bytes,
) -> Iterator[Finding]:
    shown = f"endpoint {endpoint.endpoint_id} leads to endpoint {endpoint.peer_endpoint_id}"
    if peer_uid == subject.uid:
        yield WITH_ITSELF.finding(f"{place}.peer-uid", f"{shown} of the container itself")
        return
    shown += f" of {show(peer_uid)}"
    peer = peers.get(peer_uid)
    if peer is None:
        yield PEER_UNKNOWN.finding(f"{place}.peer-uid", f"{shown}, which is not given")
        return
    dissent = find_dissent(subject.uid, endpoint, peer.metadata)
    if dissent is not None:
        answer = peer.metadata.endpoint(endpoint.peer_endpoint_id)
        words = _describe_dissent(dissent, endpoint, answer)
        yield NO_CONSENT.finding(place, f"{shown}, which {words}")


def _describe_dissent(dissent: Dissent, endpoint: Endpoint, answer: Endpoint | None) -> str:
    """How the other end answers."""
    if answer is None:
        return "is not declared there"
    match dissent:
        case Dissent.PEER_TYPE:
            return f"leads to a {answer.peer_type.name.lower()} peer"
        case Dissent.PEER_UID:
            return f"leads to the container {show(answer.peer_uid or b'')}"
        case Dissent.PEER_ENDPOINT_ID:
            return f"leads to endpoint {answer.peer_endpoint_id}"
    there = answer.direction.name.lower()
    return f"has direction {there}, where this end has {endpoint.direction.name.lower()}"


CHAPTER: Final = Chapter(
    (
        NO_CONSENT,
        PEER_UNKNOWN,
        WITH_ITSELF,
    ),
    check_pipes,
)
