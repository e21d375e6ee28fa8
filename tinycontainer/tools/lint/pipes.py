"""Pipes: endpoints whose peer is a container, which has to name them back."""

from collections.abc import Iterator, Mapping
from typing import Final

from tinycontainer.device.calls.pipes import consents
from tinycontainer.metadata import Endpoint, PeerType
from tinycontainer.text import show

from .finding import Finding, Rule, Severity, found
from .subject import Audit, AuditSubject

NO_CONSENT = Rule(
    "TCL212",
    Severity.ERROR,
    "The peer of a pipe does not name this end back with the fitting direction; opening it would"
    " give -1.",
    "Let both ends name each other's uid and endpoint id, in with out or both with both.",
)
PEER_UNKNOWN = Rule(
    "TCL213",
    Severity.NOTE,
    "The peer of a pipe is not among the containers audited.",
    "Audit the two containers together.",
)
WITH_ITSELF = Rule(
    "TCL214",
    Severity.ERROR,
    "A pipe leads from a container to itself, which no device joins.",
    "Take the endpoint out of the metadata.",
)

RULES: Final = (NO_CONSENT, PEER_UNKNOWN, WITH_ITSELF)


def check_pipes(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge the pipes of one container."""
    if audit.is_riot(subject):
        return  # the firmware has none, which is a finding of its own
    peers = audit.peers()
    for number, endpoint in enumerate(subject.metadata.endpoints or ()):
        if endpoint.peer_type is PeerType.CONTAINER and endpoint.peer_uid is not None:
            yield from _pipe(peers, subject, f"endpoints[{number}]", endpoint, endpoint.peer_uid)


def _pipe(
    peers: Mapping[bytes, AuditSubject],
    subject: AuditSubject,
    place: str,
    endpoint: Endpoint,
    peer_uid: bytes,
) -> Iterator[Finding]:
    shown = f"endpoint {endpoint.endpoint_id} leads to endpoint {endpoint.peer_endpoint_id}"
    if peer_uid == subject.uid:
        yield found(WITH_ITSELF, f"{place}.peer-uid", f"{shown} of the container itself")
        return
    shown += f" of {show(peer_uid)}"
    peer = peers.get(peer_uid)
    if peer is None:
        yield found(PEER_UNKNOWN, f"{place}.peer-uid", f"{shown}, which is not given")
    elif not consents(subject.uid, endpoint, peer.metadata):
        answer = peer.metadata.endpoint(endpoint.peer_endpoint_id)
        yield found(NO_CONSENT, place, f"{shown}, which {_why(subject, endpoint, answer)}")


def _why(subject: AuditSubject, endpoint: Endpoint, answer: Endpoint | None) -> str:
    """What is wrong with the other end, which is known not to consent."""
    if answer is None:
        return "is not declared there"
    if answer.peer_type is not PeerType.CONTAINER:
        return f"leads to a {answer.peer_type.name.lower()} peer"
    if answer.peer_uid != subject.uid:
        return f"leads to the container {show(answer.peer_uid or b'')}"
    if answer.peer_endpoint_id != endpoint.endpoint_id:
        return f"leads to endpoint {answer.peer_endpoint_id}"
    directions = (endpoint.direction.name.lower(), answer.direction.name.lower())
    return f"has direction {directions[1]}, where this end has {directions[0]}"
