"""Asks a device for evidence, with the events that it covers, and checks it (TC-EVID-10)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tinycontainer.state import CHAIN_BYTES, KEPT_EVENTS, StoredEvent
from tinycontainer.tools.evidence import (
    EvidenceFault,
    EvidenceRefused,
    Statement,
    check_events,
    check_own_events,
    check_statement,
)
from tinycontainer_tokens import KeyMaterial

from .client import Client

_MAX_EVENTS: Final = 2 * KEPT_EVENTS
"""More than a device keeps, with those that come meanwhile."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a device has proved.

    Attributes:
        statement: what it has stated of itself.
        events: that it keeps, up to the statement; those of one container, if that is limited.
    """

    statement: Statement
    events: tuple[StoredEvent, ...]


def ask_for_evidence(
    client: Client, public_key: KeyMaterial, nonce: bytes, uid: bytes | None
) -> Proof:
    """Let a device prove what it is and what has happened on it.

    Args:
        client: asks the device; what carries the answers is not trusted.
        public_key: of the device.
        nonce: 8 to 32 bytes, drawn for this.
        uid: of the container to which it is limited; None for the whole device.

    Raises:
        EvidenceRefused: what comes proves nothing.
        DeviceRefused: the device has no key, or this peer no right.
        AnswerUnreadable: an answer has another form than the specification says.
        Unreachable: the device does not answer.
    """
    # Events first: those that the device no longer keeps when it states which it does, are here.
    events, chain = _fetch(client, 0)
    statement = check_statement(client.evidence(nonce, uid), public_key, nonce)
    if statement.uid != uid:
        raise EvidenceRefused(EvidenceFault.FORM, "the statement is of another part of the device")
    last = events[-1].number if events else 0
    if last < statement.newest_event:
        later, later_chain = _fetch(client, last)
        events, chain = [*events, *later], chain if events else later_chain
    if uid is not None:
        return Proof(statement, check_own_events(statement, events))
    return Proof(statement, check_events(statement, chain, events))


def _fetch(client: Client, since: int) -> tuple[list[StoredEvent], bytes]:
    """The events above a number, and the chain value before them, or zeroes without one."""
    _, events, chain = client.stored_events(since)
    page = events
    while page:
        if any(after.number <= before.number for before, after in pairwise(events)):
            raise EvidenceRefused(EvidenceFault.EVENTS, "the numbers of events do not rise")
        if len(events) > _MAX_EVENTS:
            raise EvidenceRefused(EvidenceFault.EVENTS, "there are more than a device keeps")
        _, page, _ = client.stored_events(events[-1].number)
        events = [*events, *page]
    return events, bytes(CHAIN_BYTES) if chain is None else chain
